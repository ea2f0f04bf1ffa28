//! What the shop's backend tells: its answers to orders, and the events of the shop. An event
//! comes at least once and in any order: the same one twice is one, and an older one does not
//! undo what is known.

use super::{
    CatalogPatch, Store, StoreError,
    order_read::{name_of, word},
    order_write::append,
    outbox::alert,
};
use crate::{
    shop::{
        order::{OrderEvent, OrderState, PaymentState},
        product::ProductId,
    },
    sync::contract::{Happened, Receipt, ShopEvent},
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

/// How long an event's id is kept. Versions are kept for ever: what is sent again after this
/// is old, and changes nothing.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is known now.
    New,
    /// It was known.
    Known,
    /// Something newer about the same was known.
    Older,
    /// It is about an order or a product that is not here.
    NotOurs,
    /// It cannot be: a price of nothing, a currency that is not the shop's.
    Wrong,
}

impl Store {
    /// Takes an event of the shop's backend. `random` makes the reference of a ticket where
    /// staff have to know.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written; the event has to come again then.
    pub fn take_event(
        &mut self,
        event: &ShopEvent,
        random: u64,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        if self.knows(event.id)? {
            return Ok(Applied::Known);
        }
        let (subject, about) = place(&event.what);
        let patch = patch_of(event);
        if let Some(patch) = &patch {
            // The catalog is another file: it is patched first, so that an event that is cut off
            // here comes again and is patched again, to the same.
            if is_older(&self.orders, &subject, about, event.version)? {
                return self.note(event, Applied::Older, now);
            }
            let report = self.patch_catalog(std::slice::from_ref(patch), now)?;
            let applied = if report.unknown > 0 {
                Applied::NotOurs
            } else if report.refused > 0 {
                Applied::Wrong
            } else if report.outdated > 0 {
                Applied::Older
            } else {
                Applied::New
            };
            if applied != Applied::New {
                return self.note(event, applied, now);
            }
        }
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !remember(&tx, event.id, now)? {
            return Ok(Applied::Known);
        }
        let mut applied = Applied::New;
        if is_older(&tx, &subject, about, event.version)? {
            applied = Applied::Older;
        } else {
            tx.execute(
                "INSERT INTO inbound_version (subject, about, version) VALUES (?1, ?2, ?3)
                 ON CONFLICT (subject, about) DO UPDATE SET version = ?3",
                params![
                    subject,
                    about,
                    i64::try_from(event.version).unwrap_or(i64::MAX)
                ],
            )?;
            match &event.what {
                Happened::OrderState {
                    order,
                    state,
                    note,
                    carrier,
                    tracking,
                } => {
                    let event = OrderEvent {
                        at: event.at,
                        state: *state,
                        note: note.clone(),
                    };
                    let shipped = (carrier.as_deref(), tracking.as_deref());
                    if !order_told(&tx, *order, &event, shipped, random, now)? {
                        applied = Applied::NotOurs;
                    }
                }
                Happened::OrderPayment { order, payment } => {
                    if !payment_told(&tx, *order, *payment, event.at, now)? {
                        applied = Applied::NotOurs;
                    }
                }
                Happened::Stock { .. } | Happened::Price { .. } => {}
            }
        }
        tx.commit()?;
        Ok(applied)
    }

    /// How far a backend's events were read.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn events_read(&self, backend: &str) -> Result<u64, StoreError> {
        let number: Option<i64> = self
            .orders
            .query_row(
                "SELECT number FROM inbound_cursor WHERE backend = ?1",
                [backend],
                |row| row.get(0),
            )
            .optional()?;
        Ok(number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// Remembers how far a backend's events were read. It never goes back.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn set_events_read(&mut self, backend: &str, number: u64) -> Result<(), StoreError> {
        self.orders.execute(
            "INSERT INTO inbound_cursor (backend, number) VALUES (?1, ?2)
             ON CONFLICT (backend) DO UPDATE SET number = max (number, ?2)",
            params![backend, i64::try_from(number).unwrap_or(i64::MAX)],
        )?;
        Ok(())
    }

    fn knows(&self, id: Uuid) -> Result<bool, StoreError> {
        Ok(self
            .orders
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM inbound_event WHERE id = ?1)")?
            .query_row([id.to_string()], |row| row.get(0))?)
    }

    fn note(
        &mut self,
        event: &ShopEvent,
        applied: Applied,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        remember(&tx, event.id, now)?;
        tx.commit()?;
        Ok(applied)
    }
}

/// What the backend answered to an order. The answer is as old as the question: where an event
/// has told more since, or the shopper has cancelled, it is not taken.
pub(super) fn answered(
    db: &Connection,
    order: Uuid,
    receipt: &Receipt,
    random: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(state) = receipt.state else {
        return Ok(());
    };
    if state_of(db, order)? != Some(OrderState::Received) {
        return Ok(());
    }
    let event = OrderEvent {
        at: now,
        state,
        note: receipt.note.clone(),
    };
    order_told(db, order, &event, (None, None), random, now)?;
    Ok(())
}

/// What the backend answered to a cancellation: where it went on all the same, staff and the
/// shopper have to know.
pub(super) fn cancel_answered(
    db: &Connection,
    order: Uuid,
    receipt: &Receipt,
    random: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(state) = receipt.state else {
        return Ok(());
    };
    let ended = matches!(
        state,
        OrderState::Cancelled | OrderState::Rejected | OrderState::Refunded
    );
    if ended || state_of(db, order)? != Some(OrderState::Cancelled) {
        return Ok(());
    }
    let event = OrderEvent {
        at: now,
        state,
        note: receipt.note.clone(),
    };
    append(db, order, &event)?;
    let story = format!(
        "A shopper cancelled order {}, and the shop's system says that it is {}.",
        number_of(db, order)?,
        name_of(&state)
    );
    alert(db, "cancel_refused", &story, random, now)?;
    Ok(())
}

/// The backend tells where an order stands. False: there is no such order here.
fn order_told(
    db: &Connection,
    order: Uuid,
    event: &OrderEvent,
    (carrier, tracking): (Option<&str>, Option<&str>),
    random: u64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(before) = state_of(db, order)? else {
        return Ok(false);
    };
    let id = order.to_string();
    db.execute(
        "UPDATE orders SET acknowledged_at = coalesce (acknowledged_at, ?2),
             carrier = coalesce (?3, carrier), tracking = coalesce (?4, tracking)
         WHERE id = ?1",
        params![id, now.as_millisecond(), carrier, tracking],
    )?;
    let note: Option<String> = db
        .query_row(
            "SELECT note FROM order_event WHERE order_id = ?1 ORDER BY key DESC LIMIT 1",
            [&id],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let said = event.note.is_none() || event.note == note;
    // `received` is where every order begins: it never leads back there.
    if event.state == OrderState::Received || (event.state == before && said) {
        return Ok(true);
    }
    // The shopper has cancelled, and the backend could not know: its answer to that decides.
    let cancelling: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM outbox
                        WHERE subject = ?1 AND kind = 'cancel' AND state = 'waiting')",
        [&id],
        |row| row.get(0),
    )?;
    if cancelling && before == OrderState::Cancelled {
        return Ok(true);
    }
    append(db, order, event)?;
    let asked = match event.state {
        OrderState::Returned | OrderState::Refunded => Some("done"),
        OrderState::ReturnRequested => None,
        _ if before == OrderState::ReturnRequested => Some("refused"),
        _ => None,
    };
    if let Some(state) = asked {
        db.execute(
            "UPDATE return_request SET state = ?2
             WHERE order_id = ?1 AND state IN ('asked', 'sent')",
            params![id, state],
        )?;
    }
    if matches!(event.state, OrderState::Rejected | OrderState::Cancelled) {
        db.execute("DELETE FROM reservation WHERE order_id = ?1", [&id])?;
    }
    if event.state == OrderState::Rejected && before != OrderState::Rejected {
        let story = format!(
            "The shop rejected order {}{}{}. The shopper may still be here, or has to be told.",
            number_of(db, order)?,
            if event.note.is_some() { ": " } else { "" },
            event.note.as_deref().unwrap_or_default()
        );
        alert(db, "rejected", &story, random, now)?;
    }
    Ok(true)
}

/// The backend tells of a payment, or of money given back.
fn payment_told(
    db: &Connection,
    order: Uuid,
    payment: PaymentState,
    at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = order.to_string();
    let found = db.execute(
        "UPDATE orders SET payment = ?2, acknowledged_at = coalesce (acknowledged_at, ?3)
         WHERE id = ?1",
        params![id, name_of(&payment), now.as_millisecond()],
    )?;
    if found == 0 {
        return Ok(false);
    }
    db.execute(
        "INSERT INTO payment_event (order_id, at, payment) VALUES (?1, ?2, ?3)",
        params![id, at.as_millisecond(), name_of(&payment)],
    )?;
    if payment == PaymentState::Refunded {
        db.execute(
            "UPDATE return_request SET state = 'done'
             WHERE order_id = ?1 AND exchange_for IS NULL AND state IN ('asked', 'sent')",
            [&id],
        )?;
    }
    Ok(true)
}

/// What an event is about: of versions of one subject's state nothing follows for its payment.
fn place(what: &Happened) -> (String, &'static str) {
    match what {
        Happened::OrderState { order, .. } => (order.to_string(), "state"),
        Happened::OrderPayment { order, .. } => (order.to_string(), "payment"),
        Happened::Stock { product, .. } => (product.clone(), "stock"),
        Happened::Price { product, .. } => (product.clone(), "price"),
    }
}

fn patch_of(event: &ShopEvent) -> Option<CatalogPatch> {
    let patch = |product: &str| CatalogPatch {
        product: ProductId(product.to_owned()),
        price: None,
        stock: None,
        at: event.at,
    };
    match &event.what {
        Happened::Stock {
            product,
            quantity,
            available,
        } => Some(CatalogPatch {
            stock: Some((*quantity, *available)),
            ..patch(product)
        }),
        Happened::Price {
            product,
            price,
            sale_price,
        } => Some(CatalogPatch {
            price: Some((*price, *sale_price)),
            ..patch(product)
        }),
        Happened::OrderState { .. } | Happened::OrderPayment { .. } => None,
    }
}

fn is_older(db: &Connection, subject: &str, about: &str, version: u64) -> Result<bool, StoreError> {
    let known: Option<i64> = db
        .prepare_cached("SELECT version FROM inbound_version WHERE subject = ?1 AND about = ?2")?
        .query_row([subject, about], |row| row.get(0))
        .optional()?;
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    Ok(known.is_some_and(|known| version <= known))
}

/// False: it is known already.
fn remember(db: &Connection, event: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let new = db.execute(
        "INSERT INTO inbound_event (id, received_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![event.to_string(), now.as_millisecond()],
    )?;
    let old = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    db.execute(
        "DELETE FROM inbound_event WHERE received_at < ?1",
        [old.as_millisecond()],
    )?;
    Ok(new > 0)
}

fn state_of(db: &Connection, order: Uuid) -> Result<Option<OrderState>, StoreError> {
    let state: Option<String> = db
        .query_row(
            "SELECT state FROM orders WHERE id = ?1",
            [order.to_string()],
            |row| row.get(0),
        )
        .optional()?;
    state.map(|s| word("an order state", s)).transpose()
}

fn number_of(db: &Connection, order: Uuid) -> Result<String, StoreError> {
    Ok(db.query_row(
        "SELECT number FROM orders WHERE id = ?1",
        [order.to_string()],
        |row| row.get(0),
    )?)
}
