//! The outbox: what the shop's backend is to be told. A message is written in the transaction
//! that it tells of, leaves at least once, and is the same message each time, by its key.
//!
//! Messages about one subject (an order, a ticket) leave in their order: one that fails holds
//! back those behind it, and nothing else.

use super::{
    Store, StoreError,
    catalog::parse,
    inbound,
    order_read::name_of,
    order_write::{code, to_json},
};
use crate::sync::contract::{PaymentLink, Receipt, TicketMessage};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest that a message waits for its next try. What would wait longer was put off by a
/// clock that has been set back since, and is tried at once.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum MessageKind {
    Order,
    Cancel,
    Return,
    PaymentLink,
    Ticket,
    Feedback,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is to be sent.
    Waiting,
    /// The backend has it.
    Sent,
    /// The backend refuses it: people have to look at it.
    Dead,
}

/// A message to the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in this outbox.
    pub id: i64,
    /// Its idempotency key.
    pub key: Uuid,
    /// What it is.
    pub kind: MessageKind,
    /// What it is about: an order's id, or a return's or ticket's reference.
    pub subject: String,
    /// Its place among the messages about that which the backend has, from 1.
    pub sequence: u64,
    /// JSON.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// What the backend said to a message that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To anything but a payment link's request.
    Receipt(Receipt),
    /// Where the order can be paid.
    Link(PaymentLink),
}

impl Store {
    /// The backend took a message: what it said is written with it. The same again changes
    /// nothing. `random` makes the reference of a ticket where staff have to know.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written; the message is sent again then.
    pub fn message_taken(
        &mut self,
        id: i64,
        answer: &Answer,
        random: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some((what, subject)) = waits(&tx, id)? else {
            return Ok(());
        };
        tx.execute(
            "UPDATE outbox SET state = 'sent', sent_at = ?2, body = '', error = NULL,
                 attempts = attempts + 1
             WHERE id = ?1",
            params![id, now.as_millisecond()],
        )?;
        match (what, answer) {
            (MessageKind::PaymentLink, Answer::Link(link)) => {
                tx.execute(
                    "UPDATE orders SET payment_link = ?2, payment_link_until = ?3 WHERE id = ?1",
                    params![subject, link.url, link.expires_at.as_millisecond()],
                )?;
            }
            (MessageKind::Order, Answer::Receipt(receipt)) => {
                tx.execute(
                    "UPDATE orders SET acknowledged_at = coalesce (acknowledged_at, ?2)
                     WHERE id = ?1",
                    params![subject, now.as_millisecond()],
                )?;
                inbound::answered(&tx, parse("a UUID", &subject)?, receipt, random, now)?;
                let by_link: bool = tx.query_row(
                    "SELECT EXISTS (SELECT 1 FROM orders WHERE id = ?1 AND method = 'link'
                         AND state NOT IN ('rejected', 'cancelled') AND payment <> 'paid')",
                    [&subject],
                    |row| row.get(0),
                )?;
                if by_link {
                    send(&tx, MessageKind::PaymentLink, &subject, &(), now)?;
                }
            }
            (MessageKind::Cancel, Answer::Receipt(receipt)) => {
                inbound::cancel_answered(&tx, parse("a UUID", &subject)?, receipt, random, now)?;
            }
            (MessageKind::Return, Answer::Receipt(_)) => {
                tx.execute(
                    "UPDATE return_request SET state = 'sent'
                     WHERE reference = ?1 AND state = 'asked'",
                    [&subject],
                )?;
            }
            _ => {}
        }
        tx.commit()?;
        Ok(())
    }

    /// A try came to nothing: the message waits until `next_at`.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written; it is then tried again at once.
    pub fn message_failed(
        &mut self,
        id: i64,
        error: &str,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.orders.execute(
            "UPDATE outbox SET attempts = attempts + 1, error = ?2, next_at = ?3
             WHERE id = ?1 AND state = 'waiting'",
            params![id, cut(error), next_at.as_millisecond()],
        )?;
        Ok(())
    }

    /// The backend refuses a message for good: it stays, with what is behind it, until somebody
    /// has it sent again. Where it was an order, a cancellation or a return, staff get a ticket:
    /// a shopper counts on it.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn message_refused(
        &mut self,
        id: i64,
        error: &str,
        random: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some((what, subject)) = waits(&tx, id)? else {
            return Ok(());
        };
        tx.execute(
            "UPDATE outbox SET state = 'dead', attempts = attempts + 1, error = ?2 WHERE id = ?1",
            params![id, cut(error)],
        )?;
        // A ticket about a refused ticket would go on for ever.
        if !matches!(what, MessageKind::Ticket | MessageKind::Feedback) {
            let number: Option<String> = tx
                .query_row(
                    "SELECT number FROM orders WHERE id = coalesce (
                         (SELECT order_id FROM return_request WHERE reference = ?1), ?1)",
                    [&subject],
                    |row| row.get(0),
                )
                .optional()?;
            let story = format!(
                "The {} of order {} could not be given to the shop's system: {}",
                name_of(&what).replace('_', " "),
                number.unwrap_or(subject),
                cut(error)
            );
            alert(&tx, "undelivered", &story, random, now)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Has refused messages sent again, one or all; those that wait for their next try are due
    /// at once too. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn send_again(&mut self, id: Option<i64>) -> Result<usize, StoreError> {
        Ok(self.orders.execute(
            "UPDATE outbox SET state = 'waiting', next_at = 0
             WHERE state <> 'sent' AND (?1 IS NULL OR id = ?1)",
            [id],
        )?)
    }

    /// What waits for its next try is due at once.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn due_now(&mut self) -> Result<(), StoreError> {
        self.orders.execute(
            "UPDATE outbox SET next_at = 0 WHERE state = 'waiting' AND next_at <> 0",
            [],
        )?;
        Ok(())
    }
}

/// Queues a message, after all about the same subject.
pub(super) fn send<T: Serialize>(
    db: &Connection,
    kind: MessageKind,
    subject: &str,
    body: &T,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sequence: i64 = db
        .prepare_cached("SELECT coalesce (max (sequence), 0) + 1 FROM outbox WHERE subject = ?1")?
        .query_row([subject], |row| row.get(0))?;
    // The request for a payment link says nothing but its address.
    let body = match kind {
        MessageKind::PaymentLink => String::new(),
        _ => to_json(body)?,
    };
    let key = match kind {
        // An order is its own key: the backend has it once, whoever brings it.
        MessageKind::Order => subject.to_owned(),
        _ => key_of(kind, subject, sequence, &body, now).to_string(),
    };
    db.execute(
        "INSERT INTO outbox (key, kind, subject, sequence, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key,
            name_of(&kind),
            subject,
            sequence,
            body,
            now.as_millisecond()
        ],
    )?;
    Ok(())
}

/// A message's key, made from what it says and when: a UUID of version 8.
fn key_of(kind: MessageKind, subject: &str, sequence: i64, body: &str, now: Timestamp) -> Uuid {
    let mut sha = Sha256::new();
    for part in [&name_of(&kind), subject, &sequence.to_string(), body] {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.update(now.as_millisecond().to_le_bytes());
    let digest: [u8; 32] = sha.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Opens a ticket for staff, in a transaction under way, and queues it.
pub(super) fn alert(
    db: &Connection,
    kind: &str,
    story: &str,
    random: u64,
    now: Timestamp,
) -> Result<String, StoreError> {
    let reference = free_reference(db, "ticket", 'T', random)?;
    db.execute(
        "INSERT INTO ticket (reference, kind, story, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![reference, kind, story, now.as_millisecond()],
    )?;
    let message = TicketMessage {
        reference: reference.clone(),
        kind: kind.to_owned(),
        story: story.to_owned(),
        at: now,
    };
    let about = match kind {
        "feedback" => MessageKind::Feedback,
        _ => MessageKind::Ticket,
    };
    send(db, about, &reference, &message, now)?;
    Ok(reference)
}

/// A reference that is not taken: the first of the sequence that `random` starts.
pub(super) fn free_reference(
    db: &Connection,
    table: &'static str,
    letter: char,
    random: u64,
) -> Result<String, StoreError> {
    for n in 0..1_000 {
        let reference = format!("{letter}{}", code(random, n, 5));
        let taken: bool = db.query_row(
            &format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE reference = ?1)"),
            [&reference],
            |row| row.get(0),
        )?;
        if !taken {
            return Ok(reference);
        }
    }
    Err(StoreError::Content {
        what: "a free reference",
        found: "none in 1,000 tries".to_owned(),
    })
}

/// What a message that was not sent yet is, and what about.
fn waits(db: &Connection, id: i64) -> Result<Option<(MessageKind, String)>, StoreError> {
    let found: Option<(String, String)> = db
        .query_row(
            "SELECT kind, subject FROM outbox WHERE id = ?1 AND state <> 'sent'",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    found
        .map(|(what, subject)| Ok((kind(what)?, subject)))
        .transpose()
}

pub(super) fn kind(text: String) -> Result<MessageKind, StoreError> {
    super::order_read::word("a kind of message", text)
}

/// What a backend says, short enough to be kept and safe on a terminal.
fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(500).map(plain).collect()
}
