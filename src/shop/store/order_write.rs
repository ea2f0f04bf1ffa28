//! Placing and cancelling orders. Each is one transaction: order, event, outbox and stock
//! together or not at all.

use super::{
    Store, StoreError,
    order_read::name_of,
    outbox::{MessageKind, send},
    reserve,
};
use crate::{
    dialogue::{effect::Purchase, event::WriteRefusal},
    nlu::slot::{Method, Service},
    shop::{
        customer::Customer,
        order::{Order, OrderEvent, OrderLine, OrderNumber, OrderState, PaymentState},
    },
    sync::contract::{CancelMessage, OrderMessage},
};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Letters and digits of order numbers and references: none that look alike in print
/// (0 O D Q, 1 I L, 2 Z, 5 S, 8 B, U V).
const SYMBOLS: &[u8] = b"ACEFGHJKMNPRTWXY34679";

impl Store {
    /// Writes the order that was confirmed: the order in state `received` (saved here, not yet
    /// acknowledged by the shop), its lines, its first event, the message to the backend, and
    /// the reserved stock as sold. The same order id again gives the order that is there.
    ///
    /// `random` makes the order number; a number that is taken is skipped.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the reservation or the read-back prices no longer hold
    /// (`Expired`) or the sums do not add up (`NotAllowed`); others when nothing could be
    /// written. Nothing is changed then.
    pub fn place_order(
        &mut self,
        purchase: &Purchase,
        random: u64,
        now: Timestamp,
    ) -> Result<Order, StoreError> {
        let tx =
            rusqlite::Transaction::new_unchecked(&self.orders, TransactionBehavior::Immediate)?;
        if let Some(order) = self.order(purchase.order)? {
            return Ok(order);
        }
        let cart = &purchase.cart;
        if cart.lines.is_empty() || cart.total().plus(purchase.delivery_fee) != purchase.total {
            return Err(StoreError::Refused(WriteRefusal::NotAllowed));
        }
        let kept = reserve::kept_for(&tx, purchase.order)?;
        let holds = kept.is_some_and(|(kept, until)| now < until && kept == reserve::pieces(cart));
        let mut prices_hold = true;
        for line in &cart.lines {
            prices_hold &= self.line_refusal(line, now)?.is_none();
        }
        if !holds || !prices_hold {
            return Err(StoreError::Refused(WriteRefusal::Expired));
        }
        let order = Order {
            id: purchase.order,
            number: free_number(&tx, random)?,
            customer: None,
            state: OrderState::Received,
            lines: cart
                .lines
                .iter()
                .map(|line| OrderLine {
                    product: line.product.clone(),
                    title: line.title.clone(),
                    quantity: line.quantity,
                    options: line.options.clone(),
                    unit_price: line.unit_price,
                    tax_rate_bp: line.tax_rate_bp,
                    held_for_age: line.min_age.is_some(),
                })
                .collect(),
            discount: crate::shop::money::Money::new(0, purchase.total.currency),
            delivery_fee: purchase.delivery_fee,
            fulfilment: purchase.fulfilment,
            payment: match purchase.method {
                Method::Link => PaymentState::Pending,
                Method::Card | Method::Cash | Method::Counter => PaymentState::Unpaid,
            },
            method: Some(purchase.method),
            language: purchase.language,
            created_at: now,
            promised: None,
            carrier: None,
            events: vec![OrderEvent {
                at: now,
                state: OrderState::Received,
                note: None,
            }],
            acknowledged_at: None,
            payment_link: None,
        };
        insert(&tx, &order)?;
        tx.execute(
            "UPDATE reservation SET state = 'sold', at = ?2 WHERE order_id = ?1",
            params![order.id.to_string(), now.as_millisecond()],
        )?;
        tx.execute(
            "UPDATE orders SET service = ?2, wanted_at = ?3 WHERE id = ?1",
            params![
                order.id.to_string(),
                purchase.service.map(Service::word),
                purchase.wanted_at
            ],
        )?;
        let message = OrderMessage {
            order,
            total: purchase.total,
            service: purchase.service.map(|s| s.word().to_owned()),
            wanted_at: purchase.wanted_at.clone(),
        };
        let subject = message.order.id.to_string();
        send(&tx, MessageKind::Order, &subject, &message, now)?;
        tx.commit()?;
        Ok(message.order)
    }

    /// Cancels an order, if nothing has left the shop, and gives its stock back. An order
    /// that is cancelled already stays so.
    ///
    /// # Errors
    /// [`StoreError::Refused`] (`NotAllowed`) when it is too late or there is no such order.
    pub fn cancel_order(&mut self, id: Uuid, now: Timestamp) -> Result<Order, StoreError> {
        let tx =
            rusqlite::Transaction::new_unchecked(&self.orders, TransactionBehavior::Immediate)?;
        let Some(order) = self.order(id)? else {
            return Err(StoreError::Refused(WriteRefusal::NotAllowed));
        };
        if order.state == OrderState::Cancelled {
            return Ok(order);
        }
        if !order.state.can_cancel() {
            return Err(StoreError::Refused(WriteRefusal::NotAllowed));
        }
        let event = OrderEvent {
            at: now,
            state: OrderState::Cancelled,
            note: None,
        };
        append(&tx, id, &event)?;
        tx.execute(
            "DELETE FROM reservation WHERE order_id = ?1",
            [id.to_string()],
        )?;
        let message = CancelMessage { at: now };
        send(&tx, MessageKind::Cancel, &id.to_string(), &message, now)?;
        tx.commit()?;
        self.order(id)?
            .ok_or(StoreError::Refused(WriteRefusal::NotAllowed))
    }

    /// Adds what happened to an order (told by the shop's backend, or by staff).
    ///
    /// # Errors
    /// [`StoreError::Refused`] (`NotAllowed`) when there is no such order.
    pub fn record_event(&mut self, id: Uuid, event: &OrderEvent) -> Result<Order, StoreError> {
        let tx =
            rusqlite::Transaction::new_unchecked(&self.orders, TransactionBehavior::Immediate)?;
        if self.order(id)?.is_none() {
            return Err(StoreError::Refused(WriteRefusal::NotAllowed));
        }
        append(&tx, id, event)?;
        tx.commit()?;
        self.order(id)?
            .ok_or(StoreError::Refused(WriteRefusal::NotAllowed))
    }

    /// Loads customers and orders that the shop already has, in one transaction. A customer
    /// that is there is replaced; an order whose number is there is left as it is. Returns how
    /// many orders are new.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn load_orders(
        &mut self,
        customers: &[Customer],
        orders: &[Order],
    ) -> Result<usize, StoreError> {
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for c in customers {
            tx.execute(
                "INSERT INTO customer (id, name, language, email, phone, post_code, pin_hash, points)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET name = ?2, language = ?3, email = ?4, phone = ?5,
                     post_code = ?6, pin_hash = ?7, points = ?8",
                params![
                    c.id, c.name, c.language.code(), c.email, c.phone, c.post_code, c.pin_hash, c.points
                ],
            )?;
        }
        let mut new = 0;
        for order in orders {
            let taken: bool = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM orders WHERE number = ?1 OR id = ?2)",
                params![order.number.0, order.id.to_string()],
                |row| row.get(0),
            )?;
            if !taken {
                insert(&tx, order)?;
                new += 1;
            }
        }
        tx.commit()?;
        Ok(new)
    }
}

fn insert(db: &Connection, order: &Order) -> Result<(), StoreError> {
    let id = order.id.to_string();
    db.execute(
        "INSERT INTO orders (id, number, customer, language, state, fulfilment, currency,
             discount, delivery_fee, payment, method, created_at, promised, carrier, tracking,
             acknowledged_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            id,
            order.number.0,
            order.customer,
            order.language.code(),
            name_of(&order.state),
            name_of(&order.fulfilment),
            order.delivery_fee.currency.code(),
            order.discount.minor,
            order.delivery_fee.minor,
            name_of(&order.payment),
            order.method.map(Method::word),
            order.created_at.as_millisecond(),
            order.promised.map(|day| day.to_string()),
            order.carrier.as_ref().map(|(name, _)| name),
            order.carrier.as_ref().map(|(_, code)| code),
            order.acknowledged_at.map(Timestamp::as_millisecond),
        ],
    )?;
    for (position, line) in order.lines.iter().enumerate() {
        db.execute(
            "INSERT INTO order_line (order_id, position, product, title, quantity, options,
                 unit_price, tax_rate_bp, held_for_age)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                id,
                position as i64,
                line.product.0,
                line.title,
                line.quantity,
                to_json(&line.options)?,
                line.unit_price.minor,
                line.tax_rate_bp,
                line.held_for_age
            ],
        )?;
    }
    for event in &order.events {
        append(db, order.id, event)?;
    }
    Ok(())
}

/// Appends an event and sets the order's state by it.
pub(super) fn append(db: &Connection, order: Uuid, event: &OrderEvent) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO order_event (order_id, at, state, note) VALUES (?1, ?2, ?3, ?4)",
        params![
            order.to_string(),
            event.at.as_millisecond(),
            name_of(&event.state),
            event.note
        ],
    )?;
    db.execute(
        "UPDATE orders SET state = ?2 WHERE id = ?1",
        params![order.to_string(), name_of(&event.state)],
    )?;
    Ok(())
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Content {
        what: "something that can be written as JSON",
        found: e.to_string(),
    })
}

/// An order number that is free: the first of the sequence that `random` starts.
fn free_number(db: &Connection, random: u64) -> Result<OrderNumber, StoreError> {
    for n in 0..10_000 {
        let number = OrderNumber(code(random, n, 6));
        let taken: bool = db.query_row(
            "SELECT EXISTS (SELECT 1 FROM orders WHERE number = ?1)",
            [&number.0],
            |row| row.get(0),
        )?;
        if !taken {
            return Ok(number);
        }
    }
    Err(StoreError::Content {
        what: "a free order number",
        found: "none in 10,000 tries".to_owned(),
    })
}

/// `length` symbols from `random`: at least two letters and two digits, so that it is heard as
/// a code and neither as a word nor as a quantity.
pub(super) fn code(random: u64, n: u64, length: usize) -> String {
    let mut round = 0u64;
    loop {
        let mut sha = Sha256::new();
        sha.update(random.to_le_bytes());
        sha.update(n.to_le_bytes());
        sha.update(round.to_le_bytes());
        let code: String = sha
            .finalize()
            .iter()
            // Bytes beyond the last whole multiple would favour some symbols.
            .filter(|byte| usize::from(**byte) < 256 / SYMBOLS.len() * SYMBOLS.len())
            .map(|byte| char::from(SYMBOLS[usize::from(*byte) % SYMBOLS.len()]))
            .take(length)
            .collect();
        let digits = code.bytes().filter(u8::is_ascii_digit).count();
        if code.len() == length && digits >= 2 && length - digits >= 2 {
            return code;
        }
        round += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_look_alikes_and_can_be_told_from_words_and_amounts() {
        for random in 0..2_000 {
            let number = code(random, 0, 6);
            assert_eq!(number.len(), 6);
            assert!(
                !number.contains(['0', 'O', '1', 'I', 'L', '2', 'Z', '5', 'S', '8', 'B']),
                "{number}"
            );
            assert!(
                number.bytes().filter(u8::is_ascii_digit).count() >= 2,
                "{number}"
            );
            assert!(
                number.bytes().filter(u8::is_ascii_alphabetic).count() >= 2,
                "{number}"
            );
            assert_ne!(number, code(random, 1, 6));
        }
    }
}
