//! What one turn was: the record that `hear --json`, `eval` and `bench` read.

use crate::{
    lang::Language,
    nlu::{Tier, command::Command},
    shop::{
        cart::{Cart, CartLine},
        money::Money,
        order::{Order, OrderState},
    },
};
use serde::{Deserialize, Serialize};

/// A cart line as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartEntry {
    /// The product's id in the feed.
    pub product_id: String,
    /// Its name.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// Choices of a made-to-order product.
    pub options: Vec<String>,
    /// For one, minor units, tax and options included.
    pub unit_price_minor: i64,
    /// For all, minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

impl From<&CartLine> for CartEntry {
    fn from(line: &CartLine) -> Self {
        Self {
            product_id: line.product.0.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            options: line.options.clone(),
            unit_price_minor: line.unit_price.minor,
            total_minor: line.total().minor,
            currency: line.unit_price.currency.code().to_owned(),
        }
    }
}

/// An order of this session as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEntry {
    /// The number that the shopper was told.
    pub number: String,
    /// Where it stands.
    pub state: OrderState,
    /// Everything to pay, minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What was bought: title and quantity.
    pub lines: Vec<(String, u32)>,
}

impl From<&Order> for OrderEntry {
    fn from(order: &Order) -> Self {
        let total = order.total();
        Self {
            number: order.number.0.clone(),
            state: order.state,
            total_minor: total.minor,
            currency: total.currency.code().to_owned(),
            lines: order
                .lines
                .iter()
                .map(|l| (l.title.clone(), l.quantity))
                .collect(),
        }
    }
}

/// How long each stage took, ms. Absent: the stage did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Reading and resampling the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<f64>,
    /// Finding the speech in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vad: Option<f64>,
    /// Speech to text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<f64>,
    /// Text to commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nlu: Option<f64>,
    /// Dialogue, the shop's answers included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialogue: Option<f64>,
    /// Of which the shop: searches and writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<f64>,
    /// From the reply's text to its first audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts_first: Option<f64>,
    /// From the reply's text to its last audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<f64>,
    /// From the end of speech to the first audio of the reply, endpointing excluded: the sum
    /// of stt, nlu, dialogue and tts_first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_audio: Option<f64>,
}

impl Timings {
    /// The stages in order, by name.
    #[must_use]
    pub fn stages(&self) -> [(&'static str, Option<f64>); 9] {
        [
            ("decode", self.decode),
            ("vad", self.vad),
            ("stt", self.stt),
            ("nlu", self.nlu),
            ("dialogue", self.dialogue),
            ("shop", self.shop),
            ("tts_first", self.tts_first),
            ("tts", self.tts),
            ("first_audio", self.first_audio),
        ]
    }
}

/// One turn: an utterance and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The recording it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where in the recording it was, ms from the start: begin and end of speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_ms: Option<(u32, u32)>,
    /// The session's language in this turn.
    pub language: Language,
    /// What was heard or typed. Empty: nothing.
    pub transcript: String,
    /// What it was understood as.
    pub commands: Vec<Command>,
    /// Which tier understood it; absent when nothing was heard.
    pub tier: Option<Tier>,
    /// How sure the tier was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// How the session opened, in its first turn: the assistant says what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// What is answered, as shown.
    pub reply: String,
    /// What is answered, as spoken.
    pub speech: String,
    /// The cart after the turn.
    pub cart: Vec<CartEntry>,
    /// Its total, minor units.
    pub cart_total_minor: i64,
    /// The orders of this session after the turn.
    pub orders: Vec<OrderEntry>,
    /// Time by stage, ms.
    pub timings_ms: Timings,
    /// The reply's recording, where it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_file: Option<String>,
    /// What went wrong with an engine or the recording in this turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The shopper has left, or the session was wiped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

impl Turn {
    /// A turn in which nothing has happened yet.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            file: None,
            span_ms: None,
            language,
            transcript: String::new(),
            commands: Vec::new(),
            tier: None,
            confidence: None,
            greeting: None,
            reply: String::new(),
            speech: String::new(),
            cart: Vec::new(),
            cart_total_minor: 0,
            orders: Vec::new(),
            timings_ms: Timings::default(),
            reply_file: None,
            problems: Vec::new(),
            ended: false,
        }
    }

    /// Records the cart and orders as they stand.
    pub fn record(&mut self, cart: &Cart, orders: &[Order]) {
        self.cart = cart.lines.iter().map(CartEntry::from).collect();
        self.cart_total_minor = if cart.lines.is_empty() {
            0
        } else {
            cart.total().minor
        };
        self.orders = orders.iter().map(OrderEntry::from).collect();
    }

    /// The cart's total with its currency, if there is anything in it.
    #[must_use]
    pub fn cart_total(&self) -> Option<Money> {
        let currency = self.cart.first()?.currency.parse().ok()?;
        Some(Money::new(self.cart_total_minor, currency))
    }
}
