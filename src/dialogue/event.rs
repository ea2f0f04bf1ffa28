//! What the core is told: the only way in.

use crate::{
    lang::Language,
    nlu::command::Command,
    shop::{
        order::{Order, OrderNumber},
        product::{Product, ProductId},
        search::Found,
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one request to the world, so that a late answer is told from the awaited one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// How a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// A finger on the screen, a key, the command line: a person did it.
    Touch,
    /// The wake word.
    WakeWord,
    /// Sound alone (open listening, a Wyoming `handle`): may not confirm a purchase.
    Sound,
}

/// What shoppers can see and touch here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    /// Whether there is a screen (kiosk, terminal).
    pub screen: bool,
    /// Whether several people may hear it: titles of past orders are shown, not spoken.
    pub public: bool,
}

/// Where the commands of an utterance came from. Only the fast path confirms a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The closed grammar of yes, no, ordinals, numbers.
    Fastpath,
    /// A language model.
    Llm,
    /// The lexical parser, because the model is down or late.
    Fallback,
    /// A finger or a key on a shown button.
    Touch,
}

/// What is known of the sound of an utterance; all absent for typed text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Detected speech, ms.
    pub speech_ms: Option<u32>,
    /// The recogniser's probability that there was no speech, 0 to 1.
    pub no_speech_prob: Option<f32>,
    /// When the utterance began.
    pub began_at: Option<Timestamp>,
}

/// One understood utterance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// The words, as transcribed or typed.
    pub text: String,
    /// The language it was in.
    pub language: Language,
    /// The commands, in the order spoken. May be empty: nothing was understood.
    pub commands: Vec<Command>,
    /// Which tier understood it.
    pub source: Source,
    /// Its sound.
    pub heard: Heard,
    /// How sure the model is of the first command's intent, 0 to 1, where known.
    pub confidence: Option<f32>,
    /// What else it may have meant, the likeliest first.
    pub alternatives: Vec<Command>,
    /// The language model should have understood it and could not be asked.
    pub degraded: bool,
}

/// Why nothing could be made of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unheard {
    /// Silence or noise: no reply is due unless a question is pending.
    Nothing,
    /// Speech, but not clear enough to act on.
    Unclear,
    /// The recogniser failed or was too late.
    EngineDown,
}

/// A line as the store would sell it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The order's id, made by the session; also its idempotency key.
    pub order: Uuid,
    /// Until when the stock is kept.
    pub until: Timestamp,
}

/// Why the stock of a cart could not be reserved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum ReserveRefusal {
    /// There is less of it than asked.
    Stock {
        /// Which product.
        product: ProductId,
        /// How many can be had.
        left: u32,
    },
    /// A price has changed since it was put in the cart; the row's product is given.
    Price {
        /// As it is now.
        product: Box<Product>,
    },
    /// It is no longer sold.
    Gone {
        /// Which product.
        product: ProductId,
    },
    /// The shop could not answer (disk full, too slow): nothing was reserved.
    Unavailable,
    /// The shop's backend has been away for too long, or for too many orders.
    Offline,
}

/// Why a write was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteRefusal {
    /// The rules say no in this state (too late to cancel, return window over).
    NotAllowed,
    /// The store could not write (disk full): nothing was changed.
    Failed,
    /// The reservation had expired.
    Expired,
    /// The shop's backend has been away for too long, or for too many orders.
    Offline,
}

/// What a look-up of orders gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "orders", rename_all = "snake_case")]
pub enum OrdersFound {
    /// These, newest first; identity was proven.
    Known {
        /// The orders.
        list: Vec<Order>,
    },
    /// No such order, or the second fact does not fit: said alike, so that nobody can probe.
    NotFound,
    /// The shop could not answer.
    Unavailable,
    /// Too many wrong tries: locked until then.
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// An order number alone is not enough: a second fact is needed.
    NeedsSecondFact {
        /// Which order.
        number: OrderNumber,
    },
}

/// An event: something that happened in the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A session begins.
    Started {
        /// How.
        activation: Activation,
        /// The language to begin in.
        language: Language,
        /// What can be seen here.
        surface: Surface,
    },
    /// An utterance was understood (or a text typed, or a button touched).
    Understood(Utterance),
    /// A sound of which nothing could be made.
    Unheard(Unheard),
    /// The answer to [`super::Effect::Search`].
    Found {
        /// Of which request.
        request: RequestId,
        /// What was found; `None` when the catalog could not be read.
        found: Option<Found>,
    },
    /// The answer to [`super::Effect::FindOrders`].
    Orders {
        /// Of which request.
        request: RequestId,
        /// What was found.
        found: OrdersFound,
    },
    /// The answer to [`super::Effect::FindPoints`]; `None` where nobody knows.
    Points {
        /// Of which request.
        request: RequestId,
        /// How many.
        points: Option<i64>,
    },
    /// The answer to [`super::Effect::Reserve`].
    Reserve {
        /// Of which request.
        request: RequestId,
        /// The reservation, or why not.
        result: Result<Reserved, ReserveRefusal>,
    },
    /// The answer to [`super::Effect::PlaceOrder`]: the order as written.
    Placed {
        /// Of which request.
        request: RequestId,
        /// The order, or why not.
        result: Result<Box<Order>, WriteRefusal>,
    },
    /// The answer to [`super::Effect::CancelOrder`], [`super::Effect::RequestReturn`] and
    /// [`super::Effect::OpenTicket`]. `Ok` holds the ticket's or request's short reference,
    /// where there is one.
    Written {
        /// Of which request.
        request: RequestId,
        /// The reference, or why not.
        result: Result<Option<String>, WriteRefusal>,
    },
    /// A reply has been heard to its end. (Text channels send it at once.)
    Spoken {
        /// Of which reply.
        reply: super::effect::ReplyId,
    },
    /// A reply was cut off by the shopper: what it said is not confirmed.
    Interrupted {
        /// Of which reply.
        reply: super::effect::ReplyId,
    },
    /// A fact typed on the screen, never spoken (PIN).
    Typed {
        /// The digits.
        pin: String,
    },
    /// Time has passed: expire what must expire.
    Tick,
    /// The shopper has gone, or somebody ended the session: give up what was open.
    Left,
}
