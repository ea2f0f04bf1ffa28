//! The dialogue core before the real store with the sample shop: what the scripts' small shop
//! cannot show, how real search answers lead the conversation.

#![allow(clippy::unwrap_used)]

use comptoir::{
    daemon::counter::Counter,
    dialogue::{
        Effect, Event, State,
        event::{Activation, Heard, Source, Surface, Utterance},
        policy::Policy,
        step,
    },
    lang::Language,
    session::desk::Desk,
    shop::{load, store::Store},
};
use jiff::Zoned;
use std::fmt::Write as _;

struct Shop {
    state: State,
    counter: Counter,
    now: Zoned,
    _folder: tempfile::TempDir,
    log: String,
    words: String,
}

impl Shop {
    fn open(language: Language) -> Self {
        let now: Zoned = "2026-11-20T15:00:00[Europe/Paris]".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        load::sample(&mut store, now.timestamp()).unwrap();
        let info = load::info(&store).unwrap();
        let mut n = 0u128;
        let random = Box::new(move || {
            n += 1;
            n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        });
        let counter = Counter::new(store, &info, random);
        let policy = Policy::of(&info);
        let mut shop = Self {
            state: State::new(info, policy),
            counter,
            now,
            _folder: folder,
            log: String::new(),
            words: String::new(),
        };
        shop.event(Event::Started {
            activation: Activation::Touch,
            language,
            surface: Surface {
                screen: true,
                public: false,
            },
        });
        shop
    }

    fn event(&mut self, event: Event) -> String {
        let mut said = String::new();
        let mut events = vec![event];
        while !events.is_empty() {
            for effect in step(&mut self.state, events.remove(0), &self.now) {
                if let Effect::Say(reply) = &effect {
                    let _ = writeln!(self.log, "  {}\n  ~ {}", reply.text, reply.speech);
                    said.push_str(&reply.text);
                    events.push(Event::Spoken { reply: reply.id });
                }
                events.extend(self.counter.answer(effect, self.now.timestamp()));
            }
        }
        said
    }

    fn say(&mut self, commands: &str) -> String {
        let _ = writeln!(self.log, "> {commands}");
        let commands = serde_json::from_str(&format!("[{commands}]")).unwrap();
        self.now = self
            .now
            .checked_add(jiff::SignedDuration::from_secs(5))
            .unwrap();
        let said = self.event(Event::Understood(Utterance {
            text: self.words.clone(),
            language: self.state.language(),
            commands,
            source: Source::Fastpath,
            heard: Heard::default(),
            confidence: None,
            alternatives: Vec::new(),
            degraded: false,
        }));
        let cart: Vec<String> = self.cart();
        let _ = writeln!(self.log, "  {cart:?}");
        said
    }

    fn cart(&self) -> Vec<String> {
        self.state
            .cart()
            .lines
            .iter()
            .map(|l| format!("{} {} {:?}", l.quantity, l.product, l.options))
            .collect()
    }
}

#[test]
fn a_coat_is_found_asked_about_bought_and_tracked() {
    let mut s = Shop::open(Language::En);
    let found = s.say(r#"{"intent":"search_product","query":"waterproof coat","max_price":200}"#);
    assert!(found.contains("1. ") && found.contains("3. "), "{}", s.log);
    let second = s.state.shown()[1].clone();
    assert!(second.price.minor <= 20_000);
    let stock = s.say(r#"{"intent":"product_details","ordinal":2,"aspect":"stock"}"#);
    assert!(
        stock.contains("in stock") || stock.contains("left"),
        "{}",
        s.log
    );
    s.say(r#"{"intent":"add_to_cart","ordinal":2}"#);
    assert_eq!(s.cart(), [format!("1 {} []", second.id)], "{}", s.log);
    let read = s.say(r#"{"intent":"checkout"}"#);
    assert!(
        read.contains(&second.title) && read.contains("obligation to pay"),
        "{}",
        s.log
    );
    let placed = s.say(r#"{"intent":"affirm"}"#);
    let number = s.state.placed()[0].number.0.clone();
    assert!(
        placed.contains(&number) && placed.contains("not yet sent"),
        "{}",
        s.log
    );
    let tracked = s.say(r#"{"intent":"track_order"}"#);
    assert!(
        tracked.contains(&number) && tracked.contains("not yet sent"),
        "{}",
        s.log
    );
}

#[test]
fn the_plain_product_is_meant_by_its_plain_name() {
    let mut s = Shop::open(Language::En);
    s.say(r#"{"intent":"search_product","query":"oat milk"}"#);
    s.say(r#"{"intent":"add_to_cart","item":"oat milk","quantity":2}"#);
    s.say(r#"{"intent":"add_to_cart","item":"goat milk"}"#);
    assert_eq!(s.cart(), ["2 oat-milk []", "1 goat-milk []"], "{}", s.log);
    let mut s = Shop::open(Language::Fr);
    s.say(r#"{"intent":"add_to_cart","item":"lait d'avoine","quantity":2}"#);
    assert_eq!(s.cart(), ["2 oat-milk []"], "{}", s.log);
}

#[test]
fn a_drink_is_made_as_it_was_said() {
    let mut s = Shop::open(Language::En);
    s.say(r#"{"intent":"add_to_cart","item":"latte","size":"large","options":["oat milk","double shot"]}"#);
    let line = &s.state.cart().lines[0];
    assert_eq!(line.unit_price.minor, 540, "{}", s.log);
    s.say(r#"{"intent":"change_options","options":["decaf"]}"#);
    let options = &s.state.cart().lines[0].options;
    for option in ["oat milk", "double shot", "decaf"] {
        assert!(options.iter().any(|o| o == option), "{}", s.log);
    }
    assert!(!options.iter().any(|o| o == "whole milk"), "{}", s.log);
    let asked = s.say(r#"{"intent":"add_to_cart","item":"filled bagel"}"#);
    assert!(
        asked.contains("salmon") && asked.contains("egg"),
        "{}",
        s.log
    );
    s.say(r#"{"intent":"select","item":"salmon"}"#);
    assert_eq!(s.state.cart().lines.len(), 2, "{}", s.log);

    let mut s = Shop::open(Language::Fr);
    s.say(r#"{"intent":"add_to_cart","item":"chocolat chaud","size":"grand","options":["chantilly"]}"#);
    s.say(r#"{"intent":"change_options","options":["sans sucre"]}"#);
    let line = &s.state.cart().lines[0];
    assert_eq!(line.unit_price.minor, 510, "{}", s.log);
    assert!(line.options.iter().any(|o| o == "sans sucre"), "{}", s.log);
    assert!(line.options.iter().any(|o| o == "chantilly"), "{}", s.log);
}

#[test]
fn a_coat_by_its_name_is_asked_for_its_colour_and_size() {
    let mut s = Shop::open(Language::En);
    let asked = s.say(r#"{"intent":"add_to_cart","item":"waterproof trench coat"}"#);
    assert!(
        asked.contains("Which colour for Waterproof trench coat: navy or beige?"),
        "{}",
        s.log
    );
    let asked = s.say(r#"{"intent":"select","item":"beige"}"#);
    assert!(asked.contains("Which size"), "{}", s.log);
    s.say(r#"{"intent":"add_to_cart","size":"l"}"#);
    assert_eq!(s.cart(), ["1 trench-beige-l []"], "{}", s.log);
    s.say(r#"{"intent":"change_options","size":"m"}"#);
    assert_eq!(s.cart(), ["1 trench-beige-m []"], "{}", s.log);
    let sizes =
        s.say(r#"{"intent":"product_details","item":"waterproof trench coat","aspect":"colors"}"#);
    assert!(sizes.contains("navy and beige"), "{}", s.log);
    // The variant that was shown by colour and size is the one that is taken.
    s.say(r#"{"intent":"search_product","query":"raincoat","color":"green","size":"m"}"#);
    s.say(r#"{"intent":"add_to_cart","ordinal":1}"#);
    assert_eq!(
        s.cart(),
        ["1 trench-beige-m []", "1 raincoat-green-m []"],
        "{}",
        s.log
    );
}

#[test]
fn what_is_on_offer_and_what_is_suggested_can_be_bought() {
    let mut s = Shop::open(Language::En);
    let said = s.say(r#"{"intent":"promotions"}"#);
    assert!(said.contains("On offer: 1. "), "{}", s.log);
    assert!(s.state.shown()[0].prior_price.is_some());
    let said = s.say(r#"{"intent":"recommend","recipient":"my mother","max_price":50}"#);
    assert!(said.contains("I suggest 1. "), "{}", s.log);
    assert!(
        s.state.shown().iter().all(|p| p.price.minor <= 5_000),
        "{}",
        s.log
    );
    s.say(r#"{"intent":"add_to_cart","ordinal":2}"#);
    let last = s.say(r#"{"intent":"recommend","item":"wireless earphones"}"#);
    assert!(last.contains("suggest"), "{}", s.log);
}

#[test]
fn an_order_of_the_sample_shop_is_found_by_number_and_post_code() {
    let mut s = Shop::open(Language::Fr);
    let asked = s.say(r#"{"intent":"track_order","order_number":"A7K2P9"}"#);
    assert!(asked.contains("code postal"), "{}", s.log);
    s.words = "69006".into();
    let said = s.say(r#"{"intent":"out_of_scope"}"#);
    assert!(said.contains("A7K2P9 est en route"), "{}", s.log);
    s.words.clear();
    let said = s.say(r#"{"intent":"order_history"}"#);
    assert!(said.contains("commande"), "{}", s.log);
}
