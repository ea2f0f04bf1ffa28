//! Payment links: one order, one use, until a time.

use super::{
    Answered, HubStore, Message, db, get, intake,
    orders::{self, money},
    read_word, time, when, when_any,
};
use crate::{
    hub::refusal::Refusal,
    shop::{
        money::Money,
        order::{OrderState, PaymentState},
    },
    sync::contract::OrderMessage,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A payment link as it is kept: its address is derived from the hub's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The link.
    pub id: Uuid,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// What a payment page shows.
#[derive(Clone, Debug)]
pub struct Payable {
    /// The order as it came.
    pub message: OrderMessage,
    /// Everything to pay.
    pub total: Money,
    /// Where the order stands.
    pub state: OrderState,
    /// What is known of the payment.
    pub payment: PaymentState,
    /// Until when the link can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl Payable {
    /// Whether the order is one that is to be paid at all.
    #[must_use]
    pub fn is_due(&self) -> bool {
        is_due(self.state)
    }
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    /// It is paid now.
    Now,
    /// It was paid before; nothing was changed.
    Before,
    /// The link is too old.
    Expired,
    /// The order is cancelled or rejected: nothing is to be paid.
    NotDue,
}

impl HubStore {
    /// Makes a link to pay an order of this terminal's.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the terminal has no such order, [`Refusal::State`] when
    /// nothing is to be paid; [`Refusal::Idempotency`], [`Refusal::Sequence`].
    pub async fn take_payment_link(
        &self,
        message: &Message,
        order: Uuid,
        link: Link,
    ) -> Result<Answered<Link>, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        if let Some(before) = intake::claim(&tx, message, Some(&link)).await? {
            return Ok(Answered::Before(before));
        }
        intake::in_sequence(&tx, message).await?;
        let found = orders::locked(&tx, order)
            .await?
            .filter(|o| o.terminal == message.terminal)
            .ok_or(Refusal::NotFound("an order of this terminal's"))?;
        if !is_due(found.state) || found.payment == PaymentState::Paid {
            return Err(Refusal::State(
                "expected an order that is still to be paid, found one that is paid or over".into(),
            ));
        }
        tx.execute(
            "INSERT INTO hub.payment_link (id, order_id, expires_at) VALUES ($1, $2, $3)",
            &[&link.id, &order, &time(link.expires_at)],
        )
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)?;
        Ok(Answered::Now(link))
    }

    /// What a link's page shows.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn payable(&self, link: Uuid) -> Result<Option<Payable>, Refusal> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT o.body, o.total, o.currency, o.state, o.payment, l.expires_at, l.used_at \
                 FROM hub.payment_link l JOIN hub.order_id k ON k.id = l.order_id \
                 JOIN hub.orders o ON o.placed_at = k.placed_at AND o.id = k.id WHERE l.id = $1",
                &[&link],
            )
            .await
            .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        let body: serde_json::Value = get(&row, 0)?;
        Ok(Some(Payable {
            message: serde_json::from_value(body)
                .map_err(|e| Refusal::Failed(format!("an order of the database: {e}")))?,
            total: money(get(&row, 1)?, &get::<String>(&row, 2)?)?,
            state: read_word(get(&row, 3)?)?,
            payment: read_word(get(&row, 4)?)?,
            expires_at: when(&row, 5)?,
            used_at: when_any(&row, 6)?,
        }))
    }

    /// Pays the order of a link, once, and tells its terminal.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is no such link.
    pub async fn pay(&self, link: Uuid, now: Timestamp) -> Result<Paid, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let row = tx
            .query_opt(
                "SELECT order_id, expires_at FROM hub.payment_link WHERE id = $1 FOR UPDATE",
                &[&link],
            )
            .await
            .map_err(db)?
            .ok_or(Refusal::NotFound("a payment link"))?;
        let expires_at = when(&row, 1)?;
        let order = orders::locked(&tx, get(&row, 0)?)
            .await?
            .ok_or(Refusal::NotFound("an order"))?;
        if order.payment == PaymentState::Paid {
            return Ok(Paid::Before);
        }
        if now >= expires_at {
            return Ok(Paid::Expired);
        }
        if !is_due(order.state) || order.payment == PaymentState::Refunded {
            return Ok(Paid::NotDue);
        }
        let used = tx
            .execute(
                "UPDATE hub.payment_link SET used_at = $2 WHERE id = $1 AND used_at IS NULL",
                &[&link, &time(now)],
            )
            .await
            .map_err(db)?;
        if used == 0 {
            return Ok(Paid::NotDue);
        }
        orders::paid(&tx, &order, PaymentState::Paid, "page", None, now).await?;
        tx.commit().await.map_err(db)?;
        Ok(Paid::Now)
    }
}

fn is_due(state: OrderState) -> bool {
    !matches!(
        state,
        OrderState::Cancelled | OrderState::Rejected | OrderState::Refunded | OrderState::Returned
    )
}
