//! Orders as the store holds them.

use super::{money::Money, product::ProductId};
use crate::{lang::Language, nlu::slot::Method};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The number that a shopper is told: upper case letters and digits without look-alikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(pub String);

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum OrderState {
    /// Saved. [`Order::acknowledged_at`] says whether the shop's backend has it.
    Received,
    Accepted,
    Rejected,
    Preparing,
    ReadyForPickup,
    Shipped,
    OutForDelivery,
    Delivered,
    PartiallyDelivered,
    Delayed,
    Cancelled,
    ReturnRequested,
    Returned,
    Refunded,
    PaymentFailed,
}

impl OrderState {
    /// Whether a shopper may still cancel it: nothing has left the shop.
    #[must_use]
    pub fn can_cancel(self) -> bool {
        matches!(
            self,
            Self::Received | Self::Accepted | Self::Preparing | Self::Delayed | Self::PaymentFailed
        )
    }

    /// Whether its lines may be sent back.
    #[must_use]
    pub fn can_return(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::PartiallyDelivered | Self::ReturnRequested
        )
    }
}

/// How the goods reach the shopper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fulfilment {
    /// Fetched at the counter.
    #[default]
    Pickup,
    /// Brought to an address.
    Delivery,
}

/// What is known of the payment. Payment is never taken by voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum PaymentState {
    #[default]
    Unpaid,
    Pending,
    Paid,
    Failed,
    Refunded,
    Cancelled,
}

/// One line of an order: what was bought, at the price of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product.
    pub product: ProductId,
    /// Its name at that moment, in the order's language.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// Choices of a made-to-order product, by name.
    #[serde(default)]
    pub options: Vec<String>,
    /// For one, tax included, options included.
    pub unit_price: Money,
    /// Tax rate in basis points.
    pub tax_rate_bp: u32,
    /// Held until a member of staff has seen the buyer's age.
    #[serde(default)]
    pub held_for_age: bool,
}

impl OrderLine {
    /// The line's total, tax included.
    #[must_use]
    pub fn total(&self) -> Money {
        self.unit_price.times(self.quantity)
    }
}

/// Something that happened to an order. Never changed once written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// When.
    pub at: Timestamp,
    /// The state after it.
    pub state: OrderState,
    /// A note for people.
    #[serde(default)]
    pub note: Option<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Made by the client; also the idempotency key.
    pub id: Uuid,
    /// The number that the shopper was told.
    pub number: OrderNumber,
    /// Whose it is, where known.
    pub customer: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What a promotion took off the goods; 0 without one.
    pub discount: Money,
    /// The price of delivery.
    pub delivery_fee: Money,
    /// How the goods reach the shopper.
    pub fulfilment: Fulfilment,
    /// Payment.
    pub payment: PaymentState,
    /// How it is, or will be, paid.
    pub method: Option<Method>,
    /// The language of the receipt.
    pub language: Language,
    /// When it was made.
    pub created_at: Timestamp,
    /// The day that was promised.
    pub promised: Option<jiff::civil::Date>,
    /// The carrier's name and tracking code.
    pub carrier: Option<(String, String)>,
    /// What happened, oldest first.
    pub events: Vec<OrderEvent>,
    /// When the shop's backend said that it has it; `None`: saved here, not yet sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// Where it can be paid, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_link: Option<(String, Timestamp)>,
}

impl Order {
    /// Everything to pay, tax included: lines less the discount, plus delivery.
    #[must_use]
    pub fn total(&self) -> Money {
        self.lines
            .iter()
            .map(OrderLine::total)
            .fold(self.delivery_fee, Money::plus)
            .plus(-self.discount)
    }

    /// The tax contained in the lines, by rate in basis points, lowest rate first. A discount
    /// is spread over the lines by their share of the goods; delivery is not in it.
    #[must_use]
    pub fn taxes(&self) -> Vec<(u32, Money)> {
        let goods: i64 = self.lines.iter().map(|l| l.total().minor).sum();
        let mut rates: Vec<(u32, i64)> = Vec::new();
        for line in &self.lines {
            match rates.iter_mut().find(|(rate, _)| *rate == line.tax_rate_bp) {
                Some((_, sum)) => *sum += line.total().minor,
                None => rates.push((line.tax_rate_bp, line.total().minor)),
            }
        }
        rates.sort_unstable();
        let less = |sum: i64| match goods {
            0 => sum,
            _ => {
                sum - (i128::from(self.discount.minor) * i128::from(sum) / i128::from(goods)) as i64
            }
        };
        rates
            .into_iter()
            .map(|(rate, sum)| {
                let sum = Money::new(less(sum), self.delivery_fee.currency);
                (rate, sum.tax_included(rate))
            })
            .collect()
    }
}
