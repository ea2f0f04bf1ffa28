//! The HTTP contract between a terminal and the shop's backend, as plain types. What each route
//! takes and gives is in `docs/backend.md`; `docs/backend.openapi.json` is the same for
//! machines, and a test holds the two together. [`crate::hub`] serves it; a retailer's own
//! backend may as well.
//!
//! Every request of a terminal carries [`TERMINAL`], [`TIMESTAMP`] and [`SIGNATURE`]; one that
//! writes also carries [`IDEMPOTENCY_KEY`] and [`SEQUENCE`]. Webhooks from the backend are
//! signed in the same way with the same secret.
//!
//! Amounts are in minor units with an ISO 4217 code, times are RFC 3339 in UTC.

use crate::shop::{
    feed::Severity,
    money::Money,
    order::{Order, OrderState, PaymentState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Header: the terminal's name, as the backend knows it.
pub const TERMINAL: &str = "comptoir-terminal";
/// Header: when the request was signed, seconds since 1970. More than [`SKEW_S`] off is refused.
pub const TIMESTAMP: &str = "comptoir-timestamp";
/// Header: `v1=` and the lower-case hex HMAC-SHA256, by the terminal's secret, of
/// `TIMESTAMP.METHOD.PATH?QUERY.` followed by the raw body.
pub const SIGNATURE: &str = "comptoir-signature";
/// Header: a UUID; the same key again gives the first answer again. (IETF
/// draft-ietf-httpapi-idempotency-key-header.)
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Header: the message's place among those about the same subject, from 1. A message whose
/// predecessor has not arrived is answered with 409 and is sent again later. The subject of an
/// order, its cancellation and its payment link is the order; a return, a ticket and feedback are
/// their own. What is refused takes no place.
pub const SEQUENCE: &str = "comptoir-sequence";

/// How far the clocks may be apart, seconds.
pub const SKEW_S: i64 = 300;

/// `POST /v1/orders`: an order as it was confirmed. Answered by [`Receipt`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderMessage {
    /// The order; its `id` is the idempotency key too.
    #[serde(flatten)]
    pub order: Order,
    /// Everything to pay, as it was read back: the backend checks that its sums agree.
    pub total: Money,
    /// `eat_in` or `takeaway`, where it was said.
    #[serde(default)]
    pub service: Option<String>,
    /// When it is wanted: `HH:MM`, or as said.
    #[serde(default)]
    pub wanted_at: Option<String>,
}

/// `POST /v1/orders/{id}/cancel`. Answered by [`Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelMessage {
    /// When the shopper cancelled.
    pub at: Timestamp,
}

/// `POST /v1/returns`. Answered by [`Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnMessage {
    /// The request's number, as the shopper was told.
    pub reference: String,
    /// Of which order.
    pub order: Uuid,
    /// The titles of the lines concerned; empty for all.
    pub items: Vec<String>,
    /// Why, one of the command language's reasons.
    pub reason: Option<String>,
    /// Another size or colour instead.
    pub exchange_for: Option<String>,
    /// When it was asked.
    pub at: Timestamp,
}

/// `POST /v1/tickets` and `POST /v1/feedback`. Answered by [`Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMessage {
    /// The ticket's number, as the shopper was told.
    pub reference: String,
    /// What it is about: `human`, `problem`, `feedback` ...
    pub kind: String,
    /// The conversation so far, or the words of praise or blame.
    pub story: String,
    /// When.
    pub at: Timestamp,
}

/// What the backend says to a message that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The order's state at the backend, where the message was about an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OrderState>,
    /// Why it was rejected, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /v1/orders/{id}/payment-link`: where the shopper pays. The body is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentLink {
    /// The page.
    pub url: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// `GET /v1/customers?card=|phone=|email=`: a customer's loyalty, where the backend knows them;
/// 404 where it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// The backend's id.
    pub id: String,
    /// How they are called.
    pub name: String,
    /// Loyalty points; `None` without a card.
    #[serde(default)]
    pub points: Option<i64>,
}

/// `GET /v1/catalog?language=en&cursor=&limit=`: products, a page at a time. Without a cursor
/// the whole catalog; with the last page's cursor what changed since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CatalogPage {
    /// Products as rows of a feed: column names of `docs/feed.md` and their values.
    pub products: Vec<Map<String, Value>>,
    /// Ids of products that are gone. Empty in a first, whole hand-out.
    #[serde(default)]
    pub removed: Vec<String>,
    /// To be given with the next request. Opaque; at most 200 characters.
    pub cursor: String,
    /// Whether there is more at once.
    pub more: bool,
}

/// Something that happened in the shop: the body of a webhook
/// (`POST /v1/webhooks/backend` at the terminal), and what `GET /v1/events?after=N` lists for
/// terminals that nobody can call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopEvent {
    /// Names it: the same event twice is one.
    pub id: Uuid,
    /// Its place among all events for this terminal; 0 in a webhook of a backend that does not
    /// number them. `GET /v1/events?after=` takes it.
    #[serde(default)]
    pub number: u64,
    /// Its place among the events about the same order or product, from 1: what comes late with
    /// a lower one does not undo what is known.
    pub version: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happened {
    /// An order moved on.
    OrderState {
        /// Which.
        order: Uuid,
        /// Where it stands now.
        state: OrderState,
        /// For people: why it was rejected, which lines are late.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The carrier's name, once shipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carrier: Option<String>,
        /// Its tracking code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking: Option<String>,
    },
    /// A payment, or money given back. Refunds are facts from the backend.
    OrderPayment {
        /// Which order's.
        order: Uuid,
        /// Where it stands now.
        payment: PaymentState,
    },
    /// The stock of a product; `None` is not counted.
    Stock {
        /// Which product's.
        product: String,
        /// Pieces.
        quantity: Option<u32>,
        /// Whether it is sold at all.
        available: bool,
    },
    /// The price of a product.
    Price {
        /// Which product's.
        product: String,
        /// The regular price, tax included.
        price: Money,
        /// The promotion's, lower than that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sale_price: Option<Money>,
    },
}

/// `GET /v1/events?after=N&wait=S`: at most 500, in order; waits up to `wait` seconds (at most
/// 30) for the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events, by number.
    pub events: Vec<ShopEvent>,
}

/// What the backend says when it refuses, with a status of 4xx or 5xx
/// (`application/problem+json`, RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, in one word: `signature`, `terminal`, `sequence`, `idempotency`,
    /// `content`, `sum`, `not_found`, `too_large`, `busy`; also `state` (it does not follow from
    /// the present one), `token` (the back office's) and `failed` (a fault of the backend's).
    #[serde(rename = "type")]
    pub kind: String,
    /// What was expected and what was found.
    pub detail: String,
}

/// A line of a catalog that the backend refused, in the answer to `PUT /v1/admin/products`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Its place in the request, from 1.
    pub line: u64,
    /// What was expected and found.
    pub why: String,
    /// Whether the row or a value was left out.
    pub severity: Severity,
}
