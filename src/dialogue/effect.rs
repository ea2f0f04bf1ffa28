//! What the core asks for: the only way out.

use super::event::RequestId;
use crate::{
    lang::Language,
    nlu::slot::{Method, ReturnReason, Service},
    shop::{
        cart::Cart,
        money::Money,
        order::{Fulfilment, OrderNumber},
        search::SearchQuery,
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one reply, counted from 1 in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplyId(pub u64);

/// What the shopper hears and sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Its name.
    pub id: ReplyId,
    /// The language it is in.
    pub language: Language,
    /// As shown: prices as "12,50 €", order numbers as written.
    pub text: String,
    /// As spoken: prices, dates and order numbers in words; sentences end with punctuation.
    pub speech: String,
    /// A question that waits for an answer, as asked.
    pub asks: Option<String>,
    /// Message keys of which it was made, for tests.
    pub keys: Vec<String>,
    /// Whether every shopper hears the same: its audio may be kept.
    pub fixed: bool,
}

/// Which orders to look for, and by what proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum OrderLookup {
    /// An order placed in this very session: no further proof is needed.
    OwnSession {
        /// Its id.
        order: Uuid,
    },
    /// An order number and a second fact (post code or e-mail as said, or a PIN as typed).
    Number {
        /// The number, upper case without spaces.
        number: OrderNumber,
        /// The second fact, if it was given.
        second: Option<SecondFact>,
    },
    /// Every order of a customer whose identity was proven earlier in this session by one of
    /// their orders.
    SameCustomer {
        /// The order that proved it.
        number: OrderNumber,
    },
}

/// What proves that an order number is the shopper's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", content = "value", rename_all = "snake_case")]
pub enum SecondFact {
    /// A post code, as said; compared without spaces and case.
    PostCode(String),
    /// A PIN typed on the screen.
    Pin(String),
}

/// How the order was confirmed, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The order's id: client-made, also its idempotency key.
    pub order: Uuid,
    /// What was read back, line by line.
    pub cart: Cart,
    /// How the goods reach the shopper.
    pub fulfilment: Fulfilment,
    /// The price of delivery.
    pub delivery_fee: Money,
    /// Everything to pay, as it was read back.
    pub total: Money,
    /// How it will be paid: at the counter or by a link, never by voice.
    pub method: Method,
    /// The language of the receipt.
    pub language: Language,
    /// Eaten here or taken away, where it was said.
    #[serde(default)]
    pub service: Option<Service>,
    /// When it is wanted: `HH:MM`, or as said.
    #[serde(default)]
    pub wanted_at: Option<String>,
}

/// Something to do in the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Say and show this.
    Say(Reply),
    /// Search the catalog; answered by [`super::Event::Found`].
    Search {
        /// To be named in the answer.
        request: RequestId,
        /// What for.
        query: SearchQuery,
    },
    /// Look orders up; answered by [`super::Event::Orders`].
    FindOrders {
        /// To be named in the answer.
        request: RequestId,
        /// Which.
        lookup: OrderLookup,
    },
    /// Look up the loyalty points of whoever an order is of; answered by
    /// [`super::Event::Points`].
    FindPoints {
        /// To be named in the answer.
        request: RequestId,
        /// The order that proved who the shopper is.
        number: OrderNumber,
    },
    /// Check prices and reserve the stock of this cart; answered by [`super::Event::Reserve`].
    Reserve {
        /// To be named in the answer.
        request: RequestId,
        /// What.
        cart: Cart,
    },
    /// Give reserved stock back.
    Release {
        /// Of which order.
        order: Uuid,
    },
    /// Write the order and its outbox row; answered by [`super::Event::Placed`].
    PlaceOrder {
        /// To be named in the answer.
        request: RequestId,
        /// What was confirmed.
        purchase: Box<Purchase>,
    },
    /// Cancel an order whose owner is proven; answered by [`super::Event::Written`].
    CancelOrder {
        /// To be named in the answer.
        request: RequestId,
        /// Which.
        order: Uuid,
    },
    /// Ask to send something back; answered by [`super::Event::Written`].
    RequestReturn {
        /// To be named in the answer.
        request: RequestId,
        /// Of which order.
        order: Uuid,
        /// The titles of the lines concerned; empty for all.
        items: Vec<String>,
        /// Why.
        reason: Option<ReturnReason>,
        /// Whether another size or colour is wanted instead ("42", "blue").
        exchange_for: Option<String>,
    },
    /// Hand over to a person, with the story so far; answered by [`super::Event::Written`].
    OpenTicket {
        /// To be named in the answer.
        request: RequestId,
        /// The kind: "human", "payment", "feedback", "notify", "appointment", "privacy".
        kind: String,
        /// What staff should know, without personal data that was not given for it.
        story: String,
    },
    /// Stop what is being said now.
    StopSpeaking,
    /// From now on listen and speak in this language.
    SetLanguage(Language),
    /// Louder, softer, slower, faster: steps of -1 or 1.
    AdjustSpeech {
        /// Volume steps.
        volume: i8,
        /// Rate steps.
        rate: i8,
    },
    /// The session is over: wipe what was said and shown.
    EndSession,
}
