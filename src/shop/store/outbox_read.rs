//! Reading the outbox: what is due, what waits, and how much of it.

use super::{
    Store, StoreError,
    catalog::{parse, time},
    outbox::{LONGEST_WAIT, Message, MessageKind, MessageState, kind},
};
use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;
use uuid::Uuid;

/// A message as `comptoir outbox list` shows it; what it says is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxEntry {
    /// Its place in this outbox.
    pub id: i64,
    /// Its idempotency key.
    pub key: Uuid,
    /// What it is.
    pub kind: MessageKind,
    /// What it is about.
    pub subject: String,
    /// Its place among the messages about that, from 1.
    pub sequence: u64,
    /// Where it stands.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; `None`: at once, or not at all.
    pub next_at: Option<Timestamp>,
    /// What the last try came to.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The outbox in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxSummary {
    /// To be sent.
    pub waiting: usize,
    /// Refused by the backend.
    pub dead: usize,
    /// When the oldest of these was written.
    pub oldest: Option<Timestamp>,
}

/// Orders that the backend does not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// How many.
    pub orders: usize,
    /// What they come to, minor units.
    pub amount: i64,
    /// When the oldest was placed.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// The messages whose time has come, oldest first, at most one a subject. A payment link
    /// that the backend refuses does not hold back the cancellation behind it.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn due_messages(&self, now: Timestamp, limit: usize) -> Result<Vec<Message>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT id, key, kind, subject,
                    1 + (SELECT count(*) FROM outbox p
                         WHERE p.subject = o.subject AND p.state = 'sent'),
                    body, attempts
             FROM outbox o
             WHERE state = 'waiting' AND (next_at <= ?1 OR next_at > ?2)
               AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.subject = o.subject
                               AND p.sequence < o.sequence AND p.state <> 'sent'
                               AND NOT (p.state = 'dead' AND p.kind = 'payment_link'))
             ORDER BY id LIMIT ?3",
        )?;
        let far = now.checked_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows =
            statement.query(params![now.as_millisecond(), far.as_millisecond(), limit])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            due.push(Message {
                id: row.get(0)?,
                key: parse("a UUID", &row.get::<_, String>(1)?)?,
                kind: kind(row.get(2)?)?,
                subject: row.get(3)?,
                sequence: count(row.get(4)?),
                body: row.get(5)?,
                attempts: row.get(6)?,
            });
        }
        Ok(due)
    }

    /// What was not sent yet, oldest first; `dead`: only what the backend refuses.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn outbox(&self, dead: bool, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT id, key, kind, subject, sequence, state, attempts, next_at, error, created_at
             FROM outbox WHERE state = 'dead' OR (state = 'waiting' AND NOT ?1)
             ORDER BY id LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![dead, limit])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }

    /// How much there is in the outbox.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn outbox_summary(&self) -> Result<OutboxSummary, StoreError> {
        let (waiting, dead, oldest) = self.orders.query_row(
            "SELECT count(*) FILTER (WHERE state = 'waiting'),
                    count(*) FILTER (WHERE state = 'dead'), min(created_at)
             FROM outbox WHERE state IN ('waiting', 'dead')",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                ))
            },
        )?;
        Ok(OutboxSummary {
            waiting: usize::try_from(waiting).unwrap_or(0),
            dead: usize::try_from(dead).unwrap_or(0),
            oldest: oldest.map(time).transpose()?,
        })
    }

    /// The orders that the backend does not have yet.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn unsent_orders(&self) -> Result<Unsent, StoreError> {
        let (orders, amount, oldest) = self.orders.query_row(
            "SELECT count(*), coalesce (sum (delivery_fee - discount + (
                        SELECT sum (unit_price * quantity) FROM order_line
                        WHERE order_id = o.id)), 0), min (created_at)
             FROM orders o WHERE acknowledged_at IS NULL AND state <> 'cancelled'",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get(1)?,
                    row.get::<_, Option<i64>>(2)?,
                ))
            },
        )?;
        Ok(Unsent {
            orders: usize::try_from(orders).unwrap_or(0),
            amount,
            oldest: oldest.map(time).transpose()?,
        })
    }
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let state: String = row.get(5)?;
    let next_at: i64 = row.get(7)?;
    Ok(OutboxEntry {
        id: row.get(0)?,
        key: parse("a UUID", &row.get::<_, String>(1)?)?,
        kind: kind(row.get(2)?)?,
        subject: row.get(3)?,
        sequence: count(row.get(4)?),
        state: match state.as_str() {
            "waiting" => MessageState::Waiting,
            "sent" => MessageState::Sent,
            _ => MessageState::Dead,
        },
        attempts: row.get(6)?,
        next_at: (next_at > 0 && state == "waiting")
            .then(|| time(next_at))
            .transpose()?,
        error: row.get(8)?,
        created_at: time(row.get(9)?)?,
    })
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
