//! Messages of terminals: each takes effect once, in the order in which its subject's were
//! made, in one transaction with its answer.

use super::{HubStore, db, get, json, orders, read_word, time, word};
use crate::{
    hub::refusal::Refusal,
    shop::order::OrderState,
    sync::contract::{OrderMessage, Receipt, ReturnMessage, TicketMessage},
};
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// What every message of a terminal carries.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whose it is.
    pub terminal: String,
    /// Its idempotency key.
    pub key: Uuid,
    /// Its place among those about its subject.
    pub sequence: i64,
    /// What it is about.
    pub subject: String,
    /// The digest of its method, target and body: another message is not the same again.
    pub hash: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

/// An answer, and whether it was given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered<T> {
    /// The message took effect now.
    Now(T),
    /// It took effect before; this is what was answered then.
    Before(T),
}

impl<T> Answered<T> {
    /// The answer.
    #[must_use]
    pub fn answer(self) -> T {
        match self {
            Self::Now(answer) | Self::Before(answer) => answer,
        }
    }
}

impl HubStore {
    /// Takes an order, once. `body` is the digest of the message's body.
    ///
    /// # Errors
    /// [`Refusal::Idempotency`] when its id came with another order, [`Refusal::Sequence`]; others
    /// when it could not be kept.
    pub async fn take_order(
        &self,
        message: &Message,
        order: &OrderMessage,
        body: [u8; 32],
        auto_accept: bool,
    ) -> Result<Answered<Receipt>, Refusal> {
        let state = if auto_accept {
            OrderState::Accepted
        } else {
            OrderState::Received
        };
        let receipt = Receipt {
            state: Some(state),
            note: None,
        };
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        if let Some(before) = claim(&tx, message, Some(&receipt)).await? {
            return Ok(Answered::Before(before));
        }
        let id = order.order.id;
        let statement = tx
            .prepare_cached(
                "INSERT INTO hub.order_id (id, placed_at, terminal, hash) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
            )
            .await
            .map_err(db)?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&id, &time(message.at), &message.terminal, &body.as_slice()];
        if tx.execute(&statement, &values).await.map_err(db)? == 0 {
            // The same order under another key: it is there, and stays as it is.
            let receipt = known_order(&tx, id, &message.terminal, body).await?;
            return Ok(Answered::Before(receipt));
        }
        in_sequence(&tx, message).await?;
        orders::insert(&tx, message, order, state).await?;
        tx.commit().await.map_err(db)?;
        Ok(Answered::Now(receipt))
    }

    /// Cancels an order of this terminal's, unless it is too late; the receipt says which.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the terminal has no such order; [`Refusal::Idempotency`],
    /// [`Refusal::Sequence`]; others when nothing could be written.
    pub async fn take_cancel(
        &self,
        message: &Message,
        order: Uuid,
        at: Timestamp,
    ) -> Result<Answered<Receipt>, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        if let Some(before) = claim::<Receipt>(&tx, message, None).await? {
            return Ok(Answered::Before(before));
        }
        in_sequence(&tx, message).await?;
        let found = orders::locked(&tx, order)
            .await?
            .filter(|o| o.terminal == message.terminal)
            .ok_or(Refusal::NotFound("an order of this terminal's"))?;
        let receipt = if found.state == OrderState::Cancelled {
            Receipt {
                state: Some(found.state),
                note: None,
            }
        } else if found.state.can_cancel() {
            let change = orders::Entry {
                by: "terminal",
                at,
                state: Some(OrderState::Cancelled),
                ..orders::Entry::default()
            };
            orders::append(&tx, &found, &change).await?;
            Receipt {
                state: Some(OrderState::Cancelled),
                note: None,
            }
        } else {
            let state = word(&found.state);
            Receipt {
                state: Some(found.state),
                note: Some(format!("too late to cancel: the order is {state}")),
            }
        };
        answer(&tx, message, &receipt).await?;
        tx.commit().await.map_err(db)?;
        Ok(Answered::Now(receipt))
    }

    /// Takes a request to send something back. The order may be one that is not known here.
    ///
    /// # Errors
    /// [`Refusal::Idempotency`], [`Refusal::Sequence`]; others when nothing could be written.
    pub async fn take_return(
        &self,
        message: &Message,
        wish: &ReturnMessage,
    ) -> Result<Answered<Receipt>, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        if let Some(before) = claim::<Receipt>(&tx, message, None).await? {
            return Ok(Answered::Before(before));
        }
        in_sequence(&tx, message).await?;
        let items = json(&wish.items)?;
        let inserted = tx
            .execute(
                "INSERT INTO hub.returns (terminal, reference, order_id, items, reason, \
                     exchange_for, asked_at, came_at) \
                 VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                &[
                    &message.terminal,
                    &wish.reference,
                    &wish.order,
                    &items,
                    &wish.reason,
                    &wish.exchange_for,
                    &time(wish.at),
                    &time(message.at),
                ],
            )
            .await
            .map_err(db)?;
        if inserted == 0 {
            return Err(Refusal::Idempotency);
        }
        let found = orders::locked(&tx, wish.order)
            .await?
            .filter(|o| o.terminal == message.terminal);
        let mut state = found.as_ref().map(|o| o.state);
        // Only what has been delivered can be on its way back; else staff see the request alone.
        if let Some(order) = found.filter(|o| o.state.can_return()) {
            let change = orders::Entry {
                by: "terminal",
                at: wish.at,
                state: Some(OrderState::ReturnRequested),
                note: Some(wish.reference.clone()),
                ..orders::Entry::default()
            };
            orders::append(&tx, &order, &change).await?;
            state = Some(OrderState::ReturnRequested);
        }
        let receipt = Receipt { state, note: None };
        answer(&tx, message, &receipt).await?;
        tx.commit().await.map_err(db)?;
        Ok(Answered::Now(receipt))
    }

    /// Takes a ticket, or words of praise or blame, into its box (`ticket`, `feedback`).
    ///
    /// # Errors
    /// [`Refusal::Idempotency`], [`Refusal::Sequence`]; others when nothing could be written.
    pub async fn take_ticket(
        &self,
        message: &Message,
        into: &'static str,
        ticket: &TicketMessage,
    ) -> Result<Answered<Receipt>, Refusal> {
        let receipt = Receipt {
            state: None,
            note: None,
        };
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        if let Some(before) = claim(&tx, message, Some(&receipt)).await? {
            return Ok(Answered::Before(before));
        }
        in_sequence(&tx, message).await?;
        let inserted = tx
            .execute(
                "INSERT INTO hub.ticket (terminal, box, reference, kind, story, at, came_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                &[
                    &message.terminal,
                    &into,
                    &ticket.reference,
                    &ticket.kind,
                    &ticket.story,
                    &time(ticket.at),
                    &time(message.at),
                ],
            )
            .await
            .map_err(db)?;
        if inserted == 0 {
            return Err(Refusal::Idempotency);
        }
        tx.commit().await.map_err(db)?;
        Ok(Answered::Now(receipt))
    }
}

/// Takes a message's key. `Some` is what was answered when it first came. Whoever comes with the
/// same key at the same time waits here until the first is done.
pub(super) async fn claim<T: Serialize + DeserializeOwned>(
    tx: &Transaction<'_>,
    message: &Message,
    answer: Option<&T>,
) -> Result<Option<T>, Refusal> {
    let answer = answer.map(json).transpose()?;
    let statement = tx
        .prepare_cached(
            "INSERT INTO hub.message (terminal, key, hash, answer, at) \
             VALUES ($1, $2, $3, $4::text::jsonb, $5) ON CONFLICT DO NOTHING",
        )
        .await
        .map_err(db)?;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
        &message.terminal,
        &message.key,
        &message.hash.as_slice(),
        &answer,
        &time(message.at),
    ];
    if tx.execute(&statement, &values).await.map_err(db)? == 1 {
        return Ok(None);
    }
    let row = tx
        .query_one(
            "SELECT hash, answer FROM hub.message WHERE terminal = $1 AND key = $2",
            &[&message.terminal, &message.key],
        )
        .await
        .map_err(db)?;
    let hash: Vec<u8> = get(&row, 0)?;
    if hash != message.hash {
        return Err(Refusal::Idempotency);
    }
    let answer: Option<serde_json::Value> = get(&row, 1)?;
    answer
        .and_then(|value| serde_json::from_value(value).ok())
        .map(Some)
        .ok_or_else(|| Refusal::Failed("a message without its answer".into()))
}

/// Keeps what is answered to a message.
pub(super) async fn answer<T: Serialize>(
    tx: &Transaction<'_>,
    message: &Message,
    answer: &T,
) -> Result<(), Refusal> {
    tx.execute(
        "UPDATE hub.message SET answer = $3::text::jsonb WHERE terminal = $1 AND key = $2",
        &[&message.terminal, &message.key, &json(answer)?],
    )
    .await
    .map_err(db)?;
    Ok(())
}

/// Checks that a message is the next about its subject, and notes that it has come.
pub(super) async fn in_sequence(tx: &Transaction<'_>, message: &Message) -> Result<(), Refusal> {
    let sql = if message.sequence == 1 {
        "INSERT INTO hub.subject (terminal, subject, last) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING"
    } else {
        "UPDATE hub.subject SET last = $3::bigint \
         WHERE terminal = $1 AND subject = $2 AND last = $3::bigint - 1"
    };
    let statement = tx.prepare_cached(sql).await.map_err(db)?;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&message.terminal, &message.subject, &message.sequence];
    if tx.execute(&statement, &values).await.map_err(db)? == 1 {
        return Ok(());
    }
    let row = tx
        .query_opt(
            "SELECT last FROM hub.subject WHERE terminal = $1 AND subject = $2",
            &[&message.terminal, &message.subject],
        )
        .await
        .map_err(db)?;
    let last: i64 = row.map_or(Ok(0), |row| get(&row, 0))?;
    Err(Refusal::Sequence {
        expected: last + 1,
        found: message.sequence,
    })
}

/// The receipt of an order that came before, where it is the same order of the same terminal.
async fn known_order(
    tx: &Transaction<'_>,
    id: Uuid,
    terminal: &str,
    body: [u8; 32],
) -> Result<Receipt, Refusal> {
    let row = tx
        .query_one(
            "SELECT k.terminal, k.hash, o.state FROM hub.order_id k \
             JOIN hub.orders o ON o.placed_at = k.placed_at AND o.id = k.id WHERE k.id = $1",
            &[&id],
        )
        .await
        .map_err(db)?;
    let (owner, hash): (String, Vec<u8>) = (get(&row, 0)?, get(&row, 1)?);
    if owner != terminal || hash != body {
        return Err(Refusal::Idempotency);
    }
    Ok(Receipt {
        state: Some(read_word(get(&row, 2)?)?),
        note: None,
    })
}
