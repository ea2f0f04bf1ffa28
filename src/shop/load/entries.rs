//! Customers, orders and reviews as the shop folder writes them.

use super::{LoadError, content};
use crate::{
    lang::Language,
    nlu::slot::Method,
    shop::{
        customer::Customer,
        money::{Currency, Money},
        order::{Fulfilment, Order, OrderEvent, OrderLine, OrderNumber, OrderState, PaymentState},
        product::ProductId,
    },
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// How far the dates of the files are moved.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    days: i32,
}

impl Moved {
    pub(super) fn from(anchor: Date, today: Date) -> Self {
        Self {
            days: anchor.until(today).map_or(0, |span| span.get_days()),
        }
    }

    pub(super) fn day(self, day: Date) -> Date {
        day.saturating_add(jiff::Span::new().days(self.days))
    }

    fn time(self, at: Timestamp) -> Timestamp {
        let moved = at.checked_add(SignedDuration::from_hours(24 * i64::from(self.days)));
        moved.unwrap_or(at)
    }
}

#[derive(Default, Deserialize)]
pub(super) struct CustomersFile {
    #[serde(default)]
    pub(super) customers: Vec<Customer>,
}

#[derive(Deserialize)]
pub(super) struct ReviewEntry {
    pub(super) product: ProductId,
    pub(super) stars: u8,
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) date: Date,
}

#[derive(Deserialize)]
pub(super) struct OrdersFile {
    pub(super) anchor: Date,
    currency: Currency,
    orders: Vec<OrderEntry>,
}

#[derive(Deserialize)]
struct OrderEntry {
    number: String,
    #[serde(default)]
    customer: Option<String>,
    language: Language,
    state: OrderState,
    created_at: Timestamp,
    #[serde(default)]
    promised: Option<Date>,
    fulfilment: Fulfilment,
    payment: PaymentEntry,
    lines: Vec<LineEntry>,
    #[serde(default)]
    discount: i64,
    #[serde(default)]
    delivery_fee: i64,
    total: i64,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    tracking: Option<String>,
    events: Vec<EventEntry>,
}

#[derive(Deserialize)]
struct PaymentEntry {
    state: PaymentState,
    #[serde(default)]
    method: Option<Method>,
}

#[derive(Deserialize)]
struct LineEntry {
    product: ProductId,
    title: String,
    quantity: u32,
    unit_price: i64,
    #[serde(default)]
    tax_rate: f64,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    held_for_age: bool,
}

#[derive(Deserialize)]
struct EventEntry {
    at: Timestamp,
    state: OrderState,
    #[serde(default)]
    note: Option<String>,
}

impl OrdersFile {
    /// The orders, their dates moved. The sums must add up and the last event must be the
    /// state.
    pub(super) fn orders(self, moved: Moved) -> Result<Vec<Order>, LoadError> {
        let money = |minor| Money::new(minor, self.currency);
        let mut seen = HashSet::new();
        let mut orders = Vec::with_capacity(self.orders.len());
        for entry in self.orders {
            let number = entry.number.clone();
            let wrong = |found: String| content("orders.json", "orders that add up", found);
            if !seen.insert(number.clone()) {
                return Err(wrong(format!("order {number} stands twice")));
            }
            if entry.lines.iter().any(|line| line.quantity == 0) {
                return Err(wrong(format!("order {number} has a line of nothing")));
            }
            let order = Order {
                id: id_of(&number),
                number: OrderNumber(number.clone()),
                customer: entry.customer,
                state: entry.state,
                lines: entry
                    .lines
                    .into_iter()
                    .map(|line| OrderLine {
                        product: line.product,
                        title: line.title,
                        quantity: line.quantity,
                        options: line.options,
                        unit_price: money(line.unit_price),
                        tax_rate_bp: (line.tax_rate.clamp(0.0, 100.0) * 100.0).round() as u32,
                        held_for_age: line.held_for_age,
                    })
                    .collect(),
                discount: money(entry.discount),
                delivery_fee: money(entry.delivery_fee),
                fulfilment: entry.fulfilment,
                payment: entry.payment.state,
                method: entry.payment.method,
                language: entry.language,
                acknowledged_at: Some(moved.time(entry.created_at)),
                payment_link: None,
                created_at: moved.time(entry.created_at),
                promised: entry.promised.map(|day| moved.day(day)),
                carrier: entry
                    .carrier
                    .map(|name| (name, entry.tracking.unwrap_or_default())),
                events: entry
                    .events
                    .into_iter()
                    .map(|event| OrderEvent {
                        at: moved.time(event.at),
                        state: event.state,
                        note: event.note.filter(|note| !note.is_empty()),
                    })
                    .collect(),
            };
            if order.total().minor != entry.total {
                return Err(wrong(format!(
                    "the lines of order {number} come to {}, its total says {}",
                    order.total(),
                    money(entry.total)
                )));
            }
            if order.events.last().map(|event| event.state) != Some(order.state) {
                return Err(wrong(format!(
                    "the last event of order {number} is not its state"
                )));
            }
            orders.push(order);
        }
        Ok(orders)
    }
}

/// A stable id for an order that came with a number only.
fn id_of(number: &str) -> uuid::Uuid {
    let digest: [u8; 32] = Sha256::digest(number.as_bytes()).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
