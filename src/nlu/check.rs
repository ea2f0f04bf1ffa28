//! After the model: what it wrote is held against what was said.
//!
//! Copied values (products, numbers, order numbers, prices, dates) must occur in the utterance
//! or in the context; what does not is repaired where only one thing can be meant, else
//! dropped. Commands that buy or destroy need a word that says so. An `affirm` of the model
//! stays one, but its tier is `llm`, and a purchase is confirmed on tier `fastpath` only.

mod tuned;
mod values;

pub use tuned::check_tuned;

use super::{
    command::{Command, Context},
    fastpath::without_fillers,
    lexicon::Lexicon,
    phrase::{Slots, fill, has_slot, spec, take_limits},
    slot::SlotKind,
    words::{Word, Words},
};
use crate::lang::Language;
use serde_json::Value;
use std::collections::HashSet;

/// The commands of a model's answer, checked. `None` when the answer is no list of commands.
#[must_use]
pub fn check(
    answer: &str,
    words: &Words,
    language: Language,
    context: &Context,
) -> Option<Vec<Command>> {
    let proposed = match serde_json::from_str(answer).ok()? {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("commands")? {
            Value::Array(list) => list,
            _ => return None,
        },
        _ => return None,
    };
    let lexicon = Lexicon::of(language);
    let said = Said::new(words, lexicon, context);
    let mut commands: Vec<Command> = Vec::new();
    let several = proposed.len() > 1;
    for value in proposed {
        let Value::Object(mut slots) = value else {
            continue;
        };
        let Some(Value::String(intent)) = slots.remove("intent") else {
            continue;
        };
        if let Some(command) = said.command(&intent, slots, several)
            && !commands.contains(&command)
        {
            commands.push(command);
        }
    }
    said.tidy(&mut commands);
    if commands.is_empty() {
        // Nothing of the answer held: the cue words may know more.
        commands = super::fallback::understand(words, language, context);
    }
    if let [command] = &commands[..] {
        let clauses = super::fallback::by_clause(&said.words, language, context);
        commands = vec![agree(command.clone(), &clauses, lexicon)];
    }
    Some(commands)
}

/// What the shopper said and saw.
struct Said<'a> {
    words: Vec<Word>,
    lexicon: &'static Lexicon,
    context: &'a Context,
    /// Keys of the utterance.
    spoken: HashSet<String>,
    /// Keys of the utterance and of the context's names.
    keys: HashSet<String>,
    /// The utterance without spaces, for codes.
    run: String,
}

impl<'a> Said<'a> {
    fn new(words: &Words, lexicon: &'static Lexicon, context: &'a Context) -> Self {
        let spoken: HashSet<String> = words.keys().map(str::to_owned).collect();
        let mut keys = spoken.clone();
        for name in context
            .last_results
            .iter()
            .chain(&context.cart)
            .chain(&context.asked)
        {
            keys.extend(Words::of(name).keys().map(str::to_owned));
        }
        let run = words.keys().collect();
        Self {
            words: without_fillers(&words.list, lexicon),
            lexicon,
            context,
            spoken,
            keys,
            run,
        }
    }

    /// One command, checked; `None` when nothing of it holds.
    fn command(&self, intent: &str, proposed: Slots, several: bool) -> Option<Command> {
        let spec = spec(intent)?;
        if self.context.pending.as_deref() != Some(intent) && !self.evident(intent) {
            return None;
        }
        let mut slots = Slots::new();
        for slot in spec.slots {
            let Some(value) = proposed.get(slot.name) else {
                continue;
            };
            let Some(value) = self.value(slot.name, slot.kind, value) else {
                continue;
            };
            let word = value.as_str().unwrap_or_default();
            // A word list's value needs its evidence, a text stands in one slot only.
            let held = match slot.kind {
                SlotKind::OneOf(_) => self.evident(&format!("{intent}.{}.{word}", slot.name)),
                SlotKind::Text => self.evident(slot.name) && !slots.values().any(|v| *v == value),
                _ => true,
            };
            if held {
                slots.insert(slot.name.into(), value);
            }
        }
        self.sort_out(intent, &mut slots);
        self.take_apart(intent, &mut slots);
        if !several {
            self.fill_certain(intent, &mut slots);
        }
        if intent == "feedback" && !slots.contains_key("score") {
            // A complaint is a 1; praise says so.
            let praise = self.evident("feedback.praise");
            slots.insert("score".into(), if praise { 5 } else { 1 }.into());
        }
        // An option is changed to something.
        if intent == "change_options"
            && !["options", "size", "color"]
                .iter()
                .any(|s| slots.contains_key(*s))
        {
            return None;
        }
        let empty = slots.is_empty();
        if empty && matches!(intent, "search_product" | "select") {
            return None;
        }
        if empty && matches!(intent, "refine_search") {
            slots.insert("page".into(), "next".into());
        }
        slots.insert("intent".into(), intent.into());
        serde_json::from_value(Value::Object(slots)).ok()
    }

    /// Whether a word was said for what needs one.
    fn evident(&self, key: &str) -> bool {
        self.lexicon.evident(key, &self.words)
    }

    /// A person or an occasion that was taken for a product.
    fn sort_out(&self, intent: &str, slots: &mut Slots) {
        for main in ["query", "item"] {
            let Some(Value::String(text)) = slots.get(main) else {
                continue;
            };
            let key = phrase_key(text);
            let slot = if self.lexicon.recipients.contains(&key) {
                "recipient"
            } else if self.lexicon.occasions.contains(&key) {
                "occasion"
            } else {
                continue;
            };
            if intent == "recommend" {
                let text = text.clone();
                slots.remove(main);
                slots.entry(slot).or_insert(text.into());
            }
        }
    }

    /// A product phrase that the model left whole: number, colour, size, price go to their
    /// slots, where the model did not fill them.
    fn take_apart(&self, intent: &str, slots: &mut Slots) {
        let main = match intent {
            "search_product" | "refine_search" => "query",
            "add_to_cart" | "set_quantity" | "remove_from_cart" => "item",
            _ => return,
        };
        let Some(Value::String(text)) = slots.get(main) else {
            return;
        };
        let mut words = Words::of(text).list;
        let limits = take_limits(&mut words, self.lexicon);
        let mut parts = Slots::new();
        fill(intent, main, &words, self.lexicon, &mut parts);
        if !parts.contains_key(main) && parts.is_empty() {
            return;
        }
        slots.remove(main);
        for (slot, value) in parts {
            slots.entry(slot).or_insert(value);
        }
        for (slot, value) in [("min_price", limits.0), ("max_price", limits.1)] {
            if let Some(value) = value
                && has_slot(intent, slot)
            {
                slots.entry(slot).or_insert(value.into());
            }
        }
    }

    /// What the words say without doubt, when they hold one command: price limits, the one
    /// order number, the number before the product.
    fn fill_certain(&self, intent: &str, slots: &mut Slots) {
        if has_slot(intent, "max_price") {
            let (min, max) = take_limits(&mut self.words.clone(), self.lexicon);
            for (slot, value) in [("min_price", min), ("max_price", max)] {
                if has_slot(intent, slot) {
                    match value {
                        Some(value) => slots.insert(slot.into(), value.into()),
                        None => slots.remove(slot),
                    };
                }
            }
        }
        if has_slot(intent, "order_number")
            && let [only] = &self.order_numbers()[..]
        {
            slots.entry("order_number").or_insert(only.clone().into());
        }
        if intent == "add_to_cart"
            && !slots.contains_key("quantity")
            && let Some(n) = self.number_before(slots.get("item"))
        {
            slots.insert("quantity".into(), n.into());
        }
        // A size that was copied into the number, or the other way round.
        if let (Some(size), Some(quantity)) = (slots.get("size"), slots.get("quantity"))
            && size.as_str().and_then(|s| s.parse::<u64>().ok()) == quantity.as_u64()
            && self
                .words
                .iter()
                .filter(|w| Some(w.key.as_str()) == size.as_str())
                .count()
                == 1
        {
            let sized = self.words.windows(2).any(|w| {
                matches!(w[0].key.as_str(), "size" | "taille" | "pointure" | "en")
                    && Some(w[1].key.as_str()) == size.as_str()
            });
            slots.remove(if sized { "quantity" } else { "size" });
        }
    }

    /// "2 oat milks", "2 bags of rice": the count before the item's first word.
    fn number_before(&self, item: Option<&Value>) -> Option<u32> {
        let first = Words::of(item?.as_str()?).list.into_iter().next()?.key;
        let at = self.words.iter().position(|w| w.key == first)?;
        let back = |n: usize| at.checked_sub(n).and_then(|i| self.words.get(i));
        let container = back(2).is_some_and(|w| self.lexicon.containers.contains(&w.key))
            && back(1).is_some_and(|w| self.lexicon.of.contains(&w.key));
        back(if container { 3 } else { 1 })?.count()
    }

    /// Courtesy beside a request, a yes or no that nobody asked for.
    fn tidy(&self, commands: &mut Vec<Command>) {
        let courtesy = |c: &Command| matches!(c, Command::Greet {} | Command::Thank {});
        if commands
            .iter()
            .any(|c| !courtesy(c) && !matches!(c, Command::Goodbye {}))
        {
            commands.retain(|c| !courtesy(c));
        }
        super::fastpath::merge(commands);
        let asked = self.context.asked.is_some() || self.context.pending.is_some();
        // A no takes back what it answers: "no, not yet" to a read-back asks for no other one.
        if commands.iter().any(|c| matches!(c, Command::Deny {})) {
            let pending = self.context.pending.as_deref();
            commands.retain(|c| Some(c.intent()) != pending);
        }
        if commands.len() > 1 {
            commands.retain(|c| !matches!(c, Command::OutOfScope {}));
            if !asked {
                commands.retain(|c| !matches!(c, Command::Affirm {} | Command::Deny {}));
            }
        }
    }
}

/// Whether a word is among others, but for its ending or a letter or two.
fn near(key: &str, keys: &HashSet<String>) -> bool {
    keys.contains(key) || key.len() >= 4 && keys.iter().any(|k| strsim::jaro_winkler(k, key) > 0.88)
}

fn phrase_key(text: &str) -> String {
    super::lexicon::phrase(&Words::of(text).list)
}

/// What a clause says for certain goes before what the model made of it: a command that the
/// closed patterns found in one clause stands, with the model's further slots where both agree
/// on the intent. Where the model heard no request at all, a clause buys and destroys nothing.
fn agree(command: Command, clauses: &[Command], lexicon: &Lexicon) -> Command {
    let [certain] = clauses else { return command };
    if certain.intent() != command.intent() {
        // "..., at most 30 euros" and "never mind, ..." lean on the clause beside them.
        let leaning = matches!(
            certain,
            Command::RefineSearch { .. }
                | Command::Select { .. }
                | Command::Deny {}
                | Command::Greet {}
                | Command::Thank {}
                | Command::Goodbye {}
                | Command::OutOfScope {}
        );
        let harmful = lexicon.evidence.contains_key(certain.intent());
        let unheard = matches!(command, Command::OutOfScope {}) && harmful;
        return if unheard || leaning {
            command
        } else {
            certain.clone()
        };
    }
    let object = |c: &Command| match serde_json::to_value(c) {
        Ok(Value::Object(object)) => object,
        _ => Slots::new(),
    };
    let mut slots = object(&command);
    slots.extend(object(certain));
    // A word of the product in a second slot is the model's slip.
    let main = slots
        .get("query")
        .or_else(|| slots.get("item"))
        .and_then(Value::as_str)
        .map(phrase_key);
    if let Some(main) = main {
        let words: Vec<&str> = main.split(' ').collect();
        slots.retain(|slot, value| {
            matches!(slot.as_str(), "query" | "item" | "intent")
                || value
                    .as_str()
                    .is_none_or(|v| !words.contains(&phrase_key(v).as_str()))
        });
    }
    serde_json::from_value(Value::Object(slots)).unwrap_or(command)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nlu::normalise::normalise;
    use serde_json::json;

    fn checked(language: Language, said: &str, proposed: Value) -> Value {
        let context = Context {
            cart: vec!["oat milk".into()],
            ..Context::default()
        };
        let words = normalise(said, language, &context);
        let commands = check(&proposed.to_string(), &words, language, &context).unwrap();
        serde_json::to_value(commands).unwrap()
    }

    #[test]
    fn what_was_not_said_is_dropped_or_repaired() {
        let en = |said, proposed| checked(Language::En, said, proposed);
        assert_eq!(
            en(
                "so uh where would order A7K2P9 be",
                json!([{"intent": "track_order", "order_number": "A7K2P6"}])
            ),
            json!([{"intent": "track_order", "order_number": "A7K2P9"}])
        );
        assert_eq!(
            en(
                "where might it be",
                json!([{"intent": "track_order", "order_number": "12345"}])
            ),
            json!([{"intent": "track_order"}])
        );
        assert_eq!(
            en(
                "chuck some bananas in",
                json!([{"intent": "add_to_cart", "item": "the bananas", "quantity": 5}])
            ),
            json!([{"intent": "add_to_cart", "item": "bananas"}])
        );
        assert_eq!(
            en(
                "3 bags of rice for me",
                json!([{"intent": "add_to_cart", "item": "rice"}])
            ),
            json!([{"intent": "add_to_cart", "item": "rice", "quantity": 3}])
        );
        assert_eq!(
            en(
                "a blue scarf, at most 30 euros",
                json!([{"intent": "search_product", "query": "blue scarf"}])
            ),
            json!([{"intent": "search_product", "query": "scarf", "color": "blue", "max_price": 30}])
        );
        // A name from the cart counts as said.
        assert_eq!(
            en(
                "not that milk",
                json!([{"intent": "remove_from_cart", "item": "oat milk"}])
            ),
            json!([{"intent": "remove_from_cart", "item": "oat milk"}])
        );
    }

    #[test]
    fn buying_and_destroying_need_a_word_for_it() {
        let en = |said, proposed| checked(Language::En, said, proposed);
        assert_eq!(
            en("never mind", json!([{"intent": "checkout"}])),
            json!([{"intent": "deny"}])
        );
        assert_eq!(
            en("my uncle is tall", json!([{"intent": "clear_cart"}])),
            json!([{"intent": "out_of_scope"}])
        );
        assert_eq!(
            en("i think i am ready to pay", json!([{"intent": "checkout"}])),
            json!([{"intent": "checkout"}])
        );
    }

    #[test]
    fn a_certain_clause_goes_before_the_models_reading() {
        assert_eq!(
            checked(
                Language::En,
                "it is her big day, I need a school bag",
                json!([
            {"intent": "search_product", "query": "bags", "occasion": "school"}])
            ),
            json!([{"intent": "search_product", "query": "school bag"}])
        );
        let late = "where is my order? it was promised for tuesday";
        assert_eq!(
            checked(Language::En, late, json!([{"intent": "order_history"}])),
            json!([{"intent": "track_order"}])
        );
        let aside = "granny used to say, empty my basket";
        assert_eq!(
            checked(Language::En, aside, json!([{"intent": "out_of_scope"}])),
            json!([{"intent": "out_of_scope"}])
        );
    }

    #[test]
    fn lists_are_tidied() {
        let fr = |said, proposed| checked(Language::Fr, said, proposed);
        assert_eq!(
            fr(
                "bonjour, vous n'auriez pas des piles par hasard",
                json!([{"intent": "greet"},
            {"intent": "search_product", "query": "des piles"}, {"intent": "search_product", "query": "piles"}])
            ),
            json!([{"intent": "search_product", "query": "piles"}])
        );
        assert!(
            check(
                "pas de json",
                &Words::of("x"),
                Language::Fr,
                &Context::default()
            )
            .is_none()
        );
        let wrapped = json!({"commands": [{"intent": "help"}]});
        assert_eq!(fr("au secours", wrapped), json!([{"intent": "help"}]));
    }
}
