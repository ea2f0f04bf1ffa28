//! Orders as the store holds them.

use super::{money::Money, product::ProductId};
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
    /// Saved here, not yet acknowledged by the shop's backend.
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
    /// The price of delivery.
    pub delivery_fee: Money,
    /// How the goods reach the shopper.
    pub fulfilment: Fulfilment,
    /// Payment.
    pub payment: PaymentState,
    /// When it was made.
    pub created_at: Timestamp,
    /// The day that was promised.
    pub promised: Option<jiff::civil::Date>,
    /// The carrier's name and tracking code.
    pub carrier: Option<(String, String)>,
    /// What happened, oldest first.
    pub events: Vec<OrderEvent>,
}

impl Order {
    /// Everything to pay, tax included.
    #[must_use]
    pub fn total(&self) -> Money {
        let goods: Money = self.lines.iter().map(OrderLine::total).sum();
        if self.lines.is_empty() {
            self.delivery_fee
        } else {
            goods.plus(self.delivery_fee)
        }
    }
}
