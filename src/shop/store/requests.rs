//! What shoppers ask of people: returns, exchanges, tickets.

use super::{
    Store, StoreError,
    catalog::time,
    order_read::word,
    order_write::{append, to_json},
    outbox::{MessageKind, alert, free_reference, send},
};
use crate::{
    dialogue::event::WriteRefusal,
    nlu::slot::ReturnReason,
    shop::order::{Order, OrderEvent, OrderState},
    sync::contract::ReturnMessage,
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a shopper wants to send back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReturnWish {
    /// The titles of the lines concerned; empty for all.
    pub items: Vec<String>,
    /// Why.
    pub reason: Option<ReturnReason>,
    /// Another size or colour instead.
    pub exchange_for: Option<String>,
}

/// Where a return or an exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// Saved here.
    Asked,
    /// The shop's backend has it.
    Sent,
    /// The shop went on without it.
    Refused,
    /// The goods came back, or the money was given back.
    Done,
}

/// A return or an exchange that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnRequest {
    /// As the shopper was told.
    pub reference: String,
    /// Whether something else is wanted instead.
    pub exchange: bool,
    /// Where it stands.
    pub state: ReturnState,
    /// When it was asked.
    pub at: Timestamp,
}

impl Store {
    /// Asks to send something back: the request, the order's state, and the message to the
    /// backend in one transaction. Returns the request's reference. `within_days` is the
    /// shop's rule, counted from the delivery; `None` is no limit.
    ///
    /// # Errors
    /// [`StoreError::Refused`] (`NotAllowed`) when the order was not delivered, the time is
    /// over, or none of the items is in it.
    pub fn request_return(
        &mut self,
        order: Uuid,
        wish: &ReturnWish,
        within_days: Option<u32>,
        random: u64,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let refused = || StoreError::Refused(WriteRefusal::NotAllowed);
        let tx =
            rusqlite::Transaction::new_unchecked(&self.orders, TransactionBehavior::Immediate)?;
        let found = self.order(order)?.ok_or_else(refused)?;
        let in_time = within_days.is_none_or(|days| {
            let hours = SignedDuration::from_hours(i64::from(days) * 24);
            now.duration_since(arrived(&found)) <= hours
        });
        let known = |title: &String| found.lines.iter().any(|line| line.title == *title);
        if !found.state.can_return() || !in_time || !wish.items.iter().all(known) {
            return Err(refused());
        }
        let reference = free_reference(&tx, "return_request", 'R', random)?;
        tx.execute(
            "INSERT INTO return_request (reference, order_id, items, reason, exchange_for, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                reference,
                order.to_string(),
                to_json(&wish.items)?,
                wish.reason.map(ReturnReason::word),
                wish.exchange_for,
                now.as_millisecond()
            ],
        )?;
        let event = OrderEvent {
            at: now,
            state: OrderState::ReturnRequested,
            note: Some(reference.clone()),
        };
        append(&tx, order, &event)?;
        let message = ReturnMessage {
            reference,
            order,
            items: wish.items.clone(),
            reason: wish.reason.map(|r| r.word().to_owned()),
            exchange_for: wish.exchange_for.clone(),
            at: now,
        };
        send(&tx, MessageKind::Return, &message.reference, &message, now)?;
        tx.commit()?;
        Ok(message.reference)
    }

    /// Opens a ticket for staff and queues it for the backend. Returns its reference. The
    /// story is cut at 4,000 characters.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn open_ticket(
        &mut self,
        kind: &str,
        story: &str,
        random: u64,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let story: String = story.chars().take(4_000).collect();
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let reference = alert(&tx, kind, &story, random, now)?;
        tx.commit()?;
        Ok(reference)
    }

    /// What was asked to be sent back of an order, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn returns(&self, order: Uuid) -> Result<Vec<ReturnRequest>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT reference, exchange_for IS NOT NULL, state, created_at FROM return_request
             WHERE order_id = ?1 ORDER BY created_at, reference",
        )?;
        let mut rows = statement.query([order.to_string()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(ReturnRequest {
                reference: row.get(0)?,
                exchange: row.get(1)?,
                state: word("the state of a return", row.get(2)?)?,
                at: time(row.get(3)?)?,
            });
        }
        Ok(found)
    }

    /// The tickets that were opened for staff here, newest first: kind, reference, story.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn tickets(&self, limit: usize) -> Result<Vec<(String, String, String)>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT kind, reference, story FROM ticket ORDER BY created_at DESC LIMIT ?1",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([limit], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// When an order reached the shopper, or was made if nobody said.
fn arrived(order: &Order) -> Timestamp {
    order
        .events
        .iter()
        .rev()
        .find(|e| {
            matches!(
                e.state,
                OrderState::Delivered | OrderState::PartiallyDelivered
            )
        })
        .map_or(order.created_at, |e| e.at)
}
