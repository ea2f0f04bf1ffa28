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
            text: String::new(),
            language: self.state.language(),
            commands,
            source: Source::Fastpath,
            heard: Heard::default(),
            confidence: None,
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
fn explore() {
    let mut s = Shop::open(Language::En);
    for c in [
        r#"{"intent":"search_product","query":"oat milk"}"#,
        r#"{"intent":"add_to_cart","item":"oat milk","quantity":2}"#,
        r#"{"intent":"add_to_cart","item":"latte","size":"large","options":["decaf","oat milk","no sugar"]}"#,
        r#"{"intent":"change_options","options":["double shot","dark roast"]}"#,
        r#"{"intent":"add_to_cart","item":"coffee"}"#,
        r#"{"intent":"select","ordinal":1}"#,
        r#"{"intent":"search_product","query":"waterproof coat","max_price":200}"#,
        r#"{"intent":"product_details","ordinal":1,"aspect":"sizes"}"#,
        r#"{"intent":"add_to_cart","ordinal":1}"#,
        r#"{"intent":"view_cart"}"#,
        r#"{"intent":"add_to_cart","item":"running shoes","size":"42"}"#,
        r#"{"intent":"add_to_cart","item":"bread"}"#,
        r#"{"intent":"add_to_cart","item":"wireless earphones"}"#,
        r#"{"intent":"recommend","recipient":"my mother"}"#,
        r#"{"intent":"recommend","item":"wireless earphones"}"#,
        r#"{"intent":"compare_products","items":["plain yoghurt","greek yoghurt"]}"#,
        r#"{"intent":"promotions"}"#,
        r#"{"intent":"checkout"}"#,
        r#"{"intent":"affirm"}"#,
        r#"{"intent":"track_order"}"#,
    ] {
        s.say(c);
    }
    println!("{}", s.log);
    let mut s = Shop::open(Language::Fr);
    for c in [
        r#"{"intent":"search_product","query":"lait d'avoine"}"#,
        r#"{"intent":"add_to_cart","item":"lait d'avoine","quantity":2}"#,
        r#"{"intent":"add_to_cart","item":"latte","size":"grand","options":["décaféiné","lait d'avoine","sans sucre"]}"#,
        r#"{"intent":"add_to_cart","item":"yaourt nature"}"#,
        r#"{"intent":"add_to_cart","item":"café"}"#,
        r#"{"intent":"search_product","query":"robe","color":"rouge"}"#,
        r#"{"intent":"add_to_cart","ordinal":1}"#,
        r#"{"intent":"refine_search","sort":"price_asc"}"#,
        r#"{"intent":"checkout"}"#,
        r#"{"intent":"affirm"}"#,
    ] {
        s.say(c);
    }
    println!("{}", s.log);
}
