//! What shoppers ask of people: returns, exchanges, tickets.

use super::{
    Store, StoreError,
    order_write::{append, code, send, to_json},
};
use crate::{
    dialogue::event::WriteRefusal,
    nlu::slot::ReturnReason,
    shop::order::{Order, OrderEvent, OrderState},
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{TransactionBehavior, params};
use serde::Serialize;
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

#[derive(Serialize)]
struct ReturnMessage<'a> {
    reference: &'a str,
    order: Uuid,
    wish: &'a ReturnWish,
}

#[derive(Serialize)]
struct TicketMessage<'a> {
    reference: &'a str,
    kind: &'a str,
    story: &'a str,
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
        let reference = format!("R{}", code(random, 0, 5));
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
            reference: &reference,
            order,
            wish,
        };
        send(&tx, "return", &reference, &message, now)?;
        tx.commit()?;
        Ok(reference)
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
        let reference = format!("T{}", code(random, 0, 5));
        tx.execute(
            "INSERT INTO ticket (reference, kind, story, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![reference, kind, story, now.as_millisecond()],
        )?;
        let message = TicketMessage {
            reference: &reference,
            kind,
            story: &story,
        };
        send(&tx, "ticket", &reference, &message, now)?;
        tx.commit()?;
        Ok(reference)
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
