//! Orders: their rows, their lines, and what happened to them.

use super::{
    Happening, HubStore, db, events, get, intake::Message, json, read_word, time, when, word,
};
use crate::{
    hub::{check, refusal::Refusal},
    shop::{
        money::Money,
        order::{OrderState, PaymentState},
    },
    sync::contract::{Happened, OrderMessage},
};
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::Serialize;
use std::time::SystemTime;
use uuid::Uuid;

/// An order's row, locked until the transaction ends.
#[derive(Debug)]
pub(super) struct Locked {
    pub id: Uuid,
    pub placed_at: SystemTime,
    pub terminal: String,
    pub state: OrderState,
    pub payment: PaymentState,
    pub version: i64,
}

/// What happens to an order.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub by: &'static str,
    pub at: Timestamp,
    pub state: Option<OrderState>,
    pub payment: Option<PaymentState>,
    pub note: Option<String>,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
}

/// What staff say of an order.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Where it stands now.
    pub state: OrderState,
    /// Why, for people.
    pub note: Option<String>,
    /// The carrier's name.
    pub carrier: Option<String>,
    /// Its tracking code.
    pub tracking: Option<String>,
}

/// An order with what happened to it, for staff.
#[derive(Clone, Debug, Serialize)]
pub struct StoredOrder {
    /// The order as the terminal sent it.
    pub message: serde_json::Value,
    /// Whose it is.
    pub terminal: String,
    /// When it came.
    pub placed_at: Timestamp,
    /// Where it stands now.
    pub state: OrderState,
    /// What is known of the payment.
    pub payment: PaymentState,
    /// The carrier's name and tracking code.
    pub carrier: Option<String>,
    /// The tracking code.
    pub tracking: Option<String>,
    /// The number of its last event.
    pub version: i64,
    /// What happened, oldest first.
    pub events: Vec<StoredEvent>,
}

/// Something that happened to an order.
#[derive(Clone, Debug, Serialize)]
pub struct StoredEvent {
    /// Its number.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// Who did it: `terminal`, `staff`, `page` or `hub`.
    pub by: String,
    /// The state after it, where it changed.
    pub state: Option<String>,
    /// The payment after it, where it changed.
    pub payment: Option<String>,
    /// Why, for people.
    pub note: Option<String>,
}

impl HubStore {
    /// Moves an order on and tells its terminal. The same again changes nothing. Returns whether
    /// something changed, and the order's version.
    ///
    /// # Errors
    /// [`Refusal::State`] when the state does not follow, [`Refusal::NotFound`].
    pub async fn move_order(
        &self,
        id: Uuid,
        moved: &Moved,
        now: Timestamp,
    ) -> Result<(bool, i64), Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let order = locked(&tx, id)
            .await?
            .ok_or(Refusal::NotFound("an order"))?;
        let more = moved.note.is_some() || moved.carrier.is_some() || moved.tracking.is_some();
        if order.state == moved.state && !more {
            return Ok((false, order.version));
        }
        if order.state != moved.state && !check::may_follow(order.state, moved.state) {
            return Err(Refusal::State(format!(
                "expected a state that can follow `{}`, found `{}`",
                word(&order.state),
                word(&moved.state)
            )));
        }
        let entry = Entry {
            by: "staff",
            at: now,
            state: Some(moved.state),
            payment: None,
            note: moved.note.clone(),
            carrier: moved.carrier.clone(),
            tracking: moved.tracking.clone(),
        };
        let version = append(&tx, &order, &entry).await?;
        let happening = Happening {
            id: Uuid::now_v7(),
            version,
            at: now,
            what: Happened::OrderState {
                order: id,
                state: moved.state,
                note: moved.note.clone(),
                carrier: moved.carrier.clone(),
                tracking: moved.tracking.clone(),
            },
        };
        events::tell(&tx, &order.terminal, &happening).await?;
        tx.commit().await.map_err(db)?;
        Ok((true, version))
    }

    /// Notes a payment, or money given back, and tells the terminal.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; others when nothing could be written.
    pub async fn note_payment(
        &self,
        id: Uuid,
        payment: PaymentState,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<(bool, i64), Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let order = locked(&tx, id)
            .await?
            .ok_or(Refusal::NotFound("an order"))?;
        if order.payment == payment {
            return Ok((false, order.version));
        }
        if payment == PaymentState::Refunded && order.payment != PaymentState::Paid {
            return Err(Refusal::State(format!(
                "expected an order that is paid, found one that is `{}`",
                word(&order.payment)
            )));
        }
        let version = paid(&tx, &order, payment, "staff", note, now).await?;
        tx.commit().await.map_err(db)?;
        Ok((true, version))
    }

    /// An order with what happened to it.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn order(&self, id: Uuid) -> Result<Option<StoredOrder>, Refusal> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT o.body, o.terminal, o.placed_at, o.state, o.payment, o.carrier, \
                     o.tracking, o.version \
                 FROM hub.order_id k \
                 JOIN hub.orders o ON o.placed_at = k.placed_at AND o.id = k.id WHERE k.id = $1",
                &[&id],
            )
            .await
            .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        let placed_at: SystemTime = get(&row, 2)?;
        let happened = client
            .query(
                "SELECT version, at, by, state, payment, note FROM hub.order_event \
                 WHERE placed_at = $1 AND order_id = $2 AND version <= $3 ORDER BY version",
                &[&placed_at, &id, &get::<i64>(&row, 7)?],
            )
            .await
            .map_err(db)?;
        let events = happened
            .iter()
            .map(|event| {
                Ok(StoredEvent {
                    version: get(event, 0)?,
                    at: when(event, 1)?,
                    by: get(event, 2)?,
                    state: get(event, 3)?,
                    payment: get(event, 4)?,
                    note: get(event, 5)?,
                })
            })
            .collect::<Result<_, Refusal>>()?;
        Ok(Some(StoredOrder {
            message: get(&row, 0)?,
            terminal: get(&row, 1)?,
            placed_at: when(&row, 2)?,
            state: read_word(get(&row, 3)?)?,
            payment: read_word(get(&row, 4)?)?,
            carrier: get(&row, 5)?,
            tracking: get(&row, 6)?,
            version: get(&row, 7)?,
            events,
        }))
    }

    /// How many orders there are, and their sum in minor units.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn order_sums(&self) -> Result<(i64, i64), Refusal> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "SELECT count(*), coalesce(sum(total), 0)::bigint FROM hub.orders",
                &[],
            )
            .await
            .map_err(db)?;
        Ok((get(&row, 0)?, get(&row, 1)?))
    }
}

/// Writes an order with its lines and its first event, in one statement.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    message: &Message,
    order: &OrderMessage,
    state: OrderState,
) -> Result<(), Refusal> {
    let statement = tx
        .prepare_cached(
            "WITH placed AS (INSERT INTO hub.orders (id, placed_at, terminal, number, customer, \
                 language, state, payment, fulfilment, currency, total, version, body) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12::text::jsonb)), \
             lines AS (INSERT INTO hub.order_line (order_id, placed_at, position, product, \
                 title, quantity, options, unit_price, tax_rate_bp, held_for_age) \
               SELECT $1, $2, n::integer, line->>'product', line->>'title', \
                 (line->>'quantity')::bigint, line->'options', \
                 (line->'unit_price'->>'minor')::bigint, (line->>'tax_rate_bp')::bigint, \
                 (line->>'held_for_age')::boolean \
               FROM jsonb_array_elements($12::text::jsonb->'lines') WITH ORDINALITY AS t (line, n)) \
             INSERT INTO hub.order_event (order_id, placed_at, version, at, by, state) \
             VALUES ($1, $2, 1, $13, 'terminal', $7)",
        )
        .await
        .map_err(db)?;
    let o = &order.order;
    tx.execute(
        &statement,
        &[
            &o.id,
            &time(message.at),
            &message.terminal,
            &o.number.0,
            &o.customer,
            &o.language.code(),
            &word(&state),
            &word(&o.payment),
            &word(&o.fulfilment),
            &order.total.currency.code(),
            &order.total.minor,
            // Written anew, not as it came: unknown keys are not kept.
            &json(order)?,
            &time(o.created_at),
        ],
    )
    .await
    .map_err(db)?;
    Ok(())
}

/// An order's row, locked.
pub(super) async fn locked(tx: &Transaction<'_>, id: Uuid) -> Result<Option<Locked>, Refusal> {
    let row = tx
        .query_opt(
            "SELECT o.placed_at, o.terminal, o.state, o.payment, o.version FROM hub.order_id k \
             JOIN hub.orders o ON o.placed_at = k.placed_at AND o.id = k.id \
             WHERE k.id = $1 FOR UPDATE OF o",
            &[&id],
        )
        .await
        .map_err(db)?;
    row.map(|row| {
        Ok(Locked {
            id,
            placed_at: get(&row, 0)?,
            terminal: get(&row, 1)?,
            state: read_word(get(&row, 2)?)?,
            payment: read_word(get(&row, 3)?)?,
            version: get(&row, 4)?,
        })
    })
    .transpose()
}

/// Appends what happened and sets the order by it. Returns the event's number.
pub(super) async fn append(
    tx: &Transaction<'_>,
    order: &Locked,
    entry: &Entry,
) -> Result<i64, Refusal> {
    let version = order.version + 1;
    let (state, payment) = (
        entry.state.map(|s| word(&s)),
        entry.payment.map(|p| word(&p)),
    );
    tx.execute(
        "INSERT INTO hub.order_event (order_id, placed_at, version, at, by, state, payment, note) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &order.id,
            &order.placed_at,
            &version,
            &time(entry.at),
            &entry.by,
            &state,
            &payment,
            &entry.note,
        ],
    )
    .await
    .map_err(db)?;
    tx.execute(
        "UPDATE hub.orders SET version = $3, state = coalesce($4, state), \
             payment = coalesce($5, payment), carrier = coalesce($6, carrier), \
             tracking = coalesce($7, tracking) \
         WHERE placed_at = $1 AND id = $2",
        &[
            &order.placed_at,
            &order.id,
            &version,
            &state,
            &payment,
            &entry.carrier,
            &entry.tracking,
        ],
    )
    .await
    .map_err(db)?;
    Ok(version)
}

/// Sets the payment of an order and tells its terminal.
pub(super) async fn paid(
    tx: &Transaction<'_>,
    order: &Locked,
    payment: PaymentState,
    by: &'static str,
    note: Option<String>,
    now: Timestamp,
) -> Result<i64, Refusal> {
    let entry = Entry {
        by,
        at: now,
        payment: Some(payment),
        note,
        ..Entry::default()
    };
    let version = append(tx, order, &entry).await?;
    let happening = Happening {
        id: Uuid::now_v7(),
        version,
        at: now,
        what: Happened::OrderPayment {
            order: order.id,
            payment,
        },
    };
    events::tell(tx, &order.terminal, &happening).await?;
    Ok(version)
}

/// An amount from its columns.
pub(super) fn money(minor: i64, currency: &str) -> Result<Money, Refusal> {
    let currency = currency
        .parse()
        .map_err(|e| Refusal::Failed(format!("a currency of the database: {e}")))?;
    Ok(Money::new(minor, currency))
}
