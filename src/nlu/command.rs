//! The closed command set: what a shopper's words become.
//!
//! One utterance holds one or several commands, in the order spoken. In JSON a command is an
//! object with `intent` and only the slots that the shopper said:
//! `{"intent":"add_to_cart","item":"oat milk","quantity":2}`.
//!
//! The [`commands!`] table below is the one source: the Rust enum, the JSON form, [`INTENTS`]
//! (from which the grammar, the prompt and the checks are made) all come from it.

use super::slot::{
    Aspect, Delivery, LoyaltyAction, Method, Ordinal, Page, PaymentProblem, Price, PrivacyAction,
    Rate, ReturnReason, Score, Service, Slot, SlotKind, Sort, Topic, Volume,
};
use serde::{Deserialize, Serialize};

/// What a slot may hold, by name: one row of an [`IntentSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSpec {
    /// The slot's name in JSON.
    pub name: &'static str,
    /// The values it takes.
    pub kind: SlotKind,
}

/// An intent and its slots, in their fixed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntentSpec {
    /// The intent's name in JSON.
    pub name: &'static str,
    /// Its slots, in the order in which they are written.
    pub slots: &'static [SlotSpec],
}

macro_rules! commands {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal { $( $slot:ident : $ty:ty ),* $(,)? } )*) => {
        /// A command of the closed set. Slots are `None` (or empty) when not said.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "intent", rename_all = "snake_case", deny_unknown_fields)]
        #[allow(missing_docs, reason = "the slots are documented in `commands!`'s table of slots")]
        pub enum Command {
            $(
                $(#[$doc])*
                $variant {
                    $(
                        #[serde(default, skip_serializing_if = "Slot::is_absent")]
                        $slot: $ty,
                    )*
                },
            )*
        }

        /// Every intent with its slots, in the order of the command language.
        pub const INTENTS: &[IntentSpec] = &[
            $( IntentSpec {
                name: $name,
                slots: &[ $( SlotSpec { name: stringify!($slot), kind: <$ty as Slot>::KIND } ),* ],
            } ),*
        ];

        impl Command {
            /// The intent's name in JSON.
            #[must_use]
            pub fn intent(&self) -> &'static str {
                match self { $( Command::$variant { .. } => $name ),* }
            }
        }
    };
}

commands! {
    /// Find products.
    SearchProduct = "search_product" {
        query: Option<String>, color: Option<String>, size: Option<String>, brand: Option<String>,
        material: Option<String>, category: Option<String>, min_price: Option<Price>,
        max_price: Option<Price>, occasion: Option<String>, recipient: Option<String>,
        sort: Option<Sort>, exclude: Option<String>,
    }
    /// Narrow, widen or page through the search just made.
    RefineSearch = "refine_search" {
        query: Option<String>, color: Option<String>, size: Option<String>, brand: Option<String>,
        material: Option<String>, category: Option<String>, min_price: Option<Price>,
        max_price: Option<Price>, occasion: Option<String>, recipient: Option<String>,
        sort: Option<Sort>, exclude: Option<String>, page: Option<Page>,
    }
    /// Ask about one product.
    ProductDetails = "product_details" {
        item: Option<String>, ordinal: Option<Ordinal>, aspect: Option<Aspect>,
    }
    /// Which of these is better.
    CompareProducts = "compare_products" { items: Vec<String>, ordinals: Vec<Ordinal> }
    /// Ask for advice.
    Recommend = "recommend" {
        item: Option<String>, occasion: Option<String>, recipient: Option<String>,
        query: Option<String>, max_price: Option<Price>,
    }
    /// Put a product in the cart.
    AddToCart = "add_to_cart" {
        item: Option<String>, ordinal: Option<Ordinal>, quantity: Option<u32>,
        color: Option<String>, size: Option<String>, brand: Option<String>, options: Vec<String>,
    }
    /// Change the modifiers, size or colour of a cart line.
    ChangeOptions = "change_options" {
        item: Option<String>, ordinal: Option<Ordinal>, options: Vec<String>,
        size: Option<String>, color: Option<String>,
    }
    /// Set how many of a cart line.
    SetQuantity = "set_quantity" {
        item: Option<String>, ordinal: Option<Ordinal>, quantity: Option<u32>,
    }
    /// Take a product out of the cart, or some of it.
    RemoveFromCart = "remove_from_cart" {
        item: Option<String>, ordinal: Option<Ordinal>, quantity: Option<u32>,
    }
    /// Read the cart.
    ViewCart = "view_cart" {}
    /// Empty the cart.
    ClearCart = "clear_cart" {}
    /// Buy what is in the cart (first phase: it is read back).
    Checkout = "checkout" {
        method: Option<Method>, delivery: Option<Delivery>, service: Option<Service>,
        time: Option<String>,
    }
    /// Where is my order.
    TrackOrder = "track_order" { order_number: Option<String>, item: Option<String> }
    /// What did I buy.
    OrderHistory = "order_history" { item: Option<String> }
    /// The same again.
    Reorder = "reorder" { order_number: Option<String>, item: Option<String> }
    /// Cancel an order.
    CancelOrder = "cancel_order" { order_number: Option<String>, item: Option<String> }
    /// Send something back.
    ReturnItem = "return_item" {
        item: Option<String>, order_number: Option<String>, reason: Option<ReturnReason>,
    }
    /// Swap something bought for another colour or size.
    ExchangeItem = "exchange_item" {
        item: Option<String>, order_number: Option<String>, color: Option<String>,
        size: Option<String>,
    }
    /// Something went wrong with a payment.
    PaymentProblem = "payment_problem" {
        order_number: Option<String>, problem: Option<PaymentProblem>,
    }
    /// Ask about the shop.
    StoreInfo = "store_info" { topic: Option<Topic> }
    /// Offers and codes.
    Promotions = "promotions" { query: Option<String>, code: Option<String> }
    /// Points and rewards.
    Loyalty = "loyalty" { action: Option<LoyaltyAction> }
    /// Book a service.
    BookAppointment = "book_appointment" {
        service: Option<String>, date: Option<String>, time: Option<String>,
    }
    /// Move a booking.
    ChangeAppointment = "change_appointment" { date: Option<String>, time: Option<String> }
    /// Cancel a booking.
    CancelAppointment = "cancel_appointment" {}
    /// Tell me when it is back, or when the order moves.
    NotifyMe = "notify_me" { item: Option<String>, order_number: Option<String> }
    /// Reach a person.
    TalkToHuman = "talk_to_human" { reason: Option<String> }
    /// Praise or complaint about the shop.
    Feedback = "feedback" { score: Option<Score>, comment: Option<String> }
    /// Personal data.
    Privacy = "privacy" { action: Option<PrivacyAction> }
    /// Speak another language (ISO 639-1).
    ChangeLanguage = "change_language" { language: Option<String> }
    /// Why was this suggested.
    Explain = "explain" {}
    /// What can you do.
    Help = "help" {}
    /// Say that again.
    Repeat = "repeat" {}
    /// Louder, slower.
    Speech = "speech" { volume: Option<Volume>, rate: Option<Rate> }
    /// Take back the last change.
    Undo = "undo" {}
    /// Choose among what was shown.
    Select = "select" { item: Option<String>, ordinal: Option<Ordinal> }
    /// Yes.
    Affirm = "affirm" {}
    /// No.
    Deny = "deny" {}
    /// Be quiet.
    Stop = "stop" {}
    /// Hello.
    Greet = "greet" {}
    /// Thanks.
    Thank = "thank" {}
    /// Goodbye.
    Goodbye = "goodbye" {}
    /// Not for the assistant, or outside this table.
    OutOfScope = "out_of_scope" {}
}

impl Command {
    /// Whether it changes, buys or leaves something: the basket, an order, a request with the
    /// shop. The others only tell, or change how the assistant speaks.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::AddToCart { .. }
                | Self::ChangeOptions { .. }
                | Self::SetQuantity { .. }
                | Self::RemoveFromCart { .. }
                | Self::ClearCart {}
                | Self::Checkout { .. }
                | Self::Reorder { .. }
                | Self::CancelOrder { .. }
                | Self::ReturnItem { .. }
                | Self::ExchangeItem { .. }
                | Self::PaymentProblem { .. }
                | Self::BookAppointment { .. }
                | Self::ChangeAppointment { .. }
                | Self::CancelAppointment {}
                | Self::NotifyMe { .. }
                | Self::TalkToHuman { .. }
                | Self::Feedback { .. }
                | Self::Privacy { .. }
                | Self::Undo {}
        )
    }
}

/// What the interpreter is told about the conversation. Short, and the same for every tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The question just asked, in the shopper's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The intent of the command that waits for the answer (`add_to_cart`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Names just shown, in order; ordinals count from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_results: Vec<String>,
    /// Names in the cart, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cart: Vec<String>,
    /// The clock, `YYYY-MM-DDTHH:MM` local time, optionally followed by the weekday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_json_form_holds_only_what_was_said() {
        let text =
            r#"[{"intent":"add_to_cart","item":"oat milk","quantity":2},{"intent":"view_cart"}]"#;
        let commands: Vec<Command> = serde_json::from_str(text).unwrap();
        assert_eq!(commands[0].intent(), "add_to_cart");
        assert_eq!(serde_json::to_string(&commands).unwrap(), text);
    }

    #[test]
    fn a_slot_that_the_intent_does_not_have_is_refused() {
        let wrong = r#"{"intent":"set_quantity","quantity":2,"options":["decaf"]}"#;
        assert!(serde_json::from_str::<Command>(wrong).is_err());
    }

    #[test]
    fn prices_are_minor_units_inside_and_major_units_in_json() {
        let c: Command =
            serde_json::from_str(r#"{"intent":"search_product","max_price":19.99}"#).unwrap();
        assert_eq!(
            c,
            Command::SearchProduct {
                query: None,
                color: None,
                size: None,
                brand: None,
                material: None,
                category: None,
                min_price: None,
                max_price: Some(Price::from_minor(1999)),
                occasion: None,
                recipient: None,
                sort: None,
                exclude: None,
            }
        );
        assert_eq!(
            serde_json::to_string(&c).unwrap(),
            r#"{"intent":"search_product","max_price":19.99}"#
        );
        let whole: Command =
            serde_json::from_str(r#"{"intent":"search_product","max_price":150}"#).unwrap();
        assert!(
            serde_json::to_string(&whole)
                .unwrap()
                .ends_with(r#""max_price":150}"#)
        );
    }
}
