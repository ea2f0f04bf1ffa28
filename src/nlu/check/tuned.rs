//! After the tuned model: its reading stands, and what it copied must have been there.
//!
//! A general model needs its intents and slots mended ([`super::check`]); the tuned one was
//! taught the rules. What no training rules out is invention: a number, a name or an order that
//! nobody said. Such a value is dropped, and the dialogue asks for it.

use super::{Said, near};
use crate::{
    lang::Language,
    nlu::{
        command::{Command, Context},
        lexicon::{Lexicon, is_iso_date},
        made_to_order::{self, MadeToOrder},
        pattern::is_time,
        phrase::{Slots, has_slot, spec, without_articles},
        slot::SlotKind,
        words::{Words, fold, join},
    },
};
use serde_json::Value;

/// The commands of the tuned model's answer, held against what was said. `None` when the answer
/// is no list of commands.
#[must_use]
pub fn check_tuned(
    answer: &str,
    words: &Words,
    language: Language,
    context: &Context,
) -> Option<Vec<Command>> {
    let proposed: Vec<Slots> = serde_json::from_str(answer).ok()?;
    let said = Said::new(words, Lexicon::of(language), context);
    let mut commands: Vec<Command> = Vec::new();
    for slots in proposed {
        let Some(command) = said.copied(slots) else {
            continue;
        };
        // A small model repeats itself; a shopper who wants the same twice says so twice.
        let before = commands.iter().filter(|c| **c == command).count();
        if before == 0 || before < said.times(&command) {
            commands.push(command);
        }
    }
    said.tidy(&mut commands);
    if commands.is_empty() {
        commands.push(Command::OutOfScope {});
    }
    Some(commands)
}

/// A name is taken for misheard, not invented, with at most one edit in so many letters.
const MISHEARD: usize = 3;

impl Said<'_> {
    /// A command with the values that were said.
    fn copied(&self, proposed: Slots) -> Option<Command> {
        let intent = proposed.get("intent")?.as_str()?;
        let mut slots = Slots::new();
        for slot in spec(intent)?.slots {
            if let Some(value) = proposed.get(slot.name)
                && let Some(value) = self.copied_value(slot.name, slot.kind, value)
            {
                slots.insert(slot.name.into(), value);
            }
        }
        // "En laine" is what it is made of, not its colour.
        if let Some(Value::String(color)) = slots.get("color")
            && has_slot(intent, "material")
            && !slots.contains_key("material")
            && self.lexicon.materials.contains(&fold(color))
            && !self.lexicon.colors.contains(&fold(color))
            && let Some(material) = slots.remove("color")
        {
            slots.insert("material".into(), material);
        }
        if intent == "add_to_cart" {
            self.take_modifiers(&mut slots);
        }
        // A choice of nothing, a search for nothing.
        if slots.is_empty() && proposed.len() > 1 && matches!(intent, "select" | "search_product") {
            return None;
        }
        slots.insert("intent".into(), intent.into());
        serde_json::from_value(Value::Object(slots)).ok()
    }

    /// "Triple shot dark roast iced coffee": the shots and the roast are options, what is before
    /// a drink's own name and known as an option by itself. Flavours stay in the name.
    fn take_modifiers(&self, slots: &mut Slots) {
        let Some(item) = slots.get("item").and_then(Value::as_str) else {
            return;
        };
        let Some(MadeToOrder {
            item: Some(name),
            size,
            options,
        }) = made_to_order::read(&Words::of(item).list, self.lexicon)
        else {
            return;
        };
        if options.is_empty() && size.is_none()
            || !options
                .iter()
                .all(|o| self.lexicon.options.whole.contains(o))
        {
            return;
        }
        slots.insert("item".into(), name.into());
        if let Some(size) = size {
            slots.entry("size").or_insert(size.into());
        }
        let mut all: Vec<Value> = options.into_iter().map(Value::from).collect();
        if let Some(Value::Array(after)) = slots.remove("options") {
            all.extend(after);
        }
        if !all.is_empty() {
            slots.insert("options".into(), all.into());
        }
    }

    fn copied_value(&self, slot: &str, kind: SlotKind, value: &Value) -> Option<Value> {
        match kind {
            SlotKind::OneOf(words) => words.contains(&value.as_str()?).then(|| value.clone()),
            SlotKind::Score => Some(value.clone()),
            SlotKind::TextList => {
                let list = value.as_array()?.iter().filter_map(Value::as_str);
                let list: Vec<String> = list.filter_map(|v| self.copied_text(v)).collect();
                (!list.is_empty()).then(|| list.into())
            }
            SlotKind::Count | SlotKind::Price => {
                let n = value.as_f64()?;
                // One is said in many ways ("another", "encore une").
                let said = n == 1.0 || self.words.iter().any(|w| w.number() == Some(n));
                said.then(|| value.clone())
            }
            SlotKind::Ordinal => self.copied_position(value.as_i64()?).map(Value::from),
            SlotKind::OrdinalList => {
                let list = value.as_array()?.iter().filter_map(Value::as_i64);
                let list: Vec<i64> = list.filter_map(|n| self.copied_position(n)).collect();
                (!list.is_empty()).then(|| list.into())
            }
            SlotKind::Text => {
                let text = value.as_str()?;
                match slot {
                    "order_number" => self.order_number(text),
                    "code" => self
                        .run
                        .contains(&fold(text))
                        .then(|| text.to_uppercase().into()),
                    "language" => Some(value.clone()),
                    "time" => self.copied_time(text).map(Value::from),
                    "date" if is_iso_date(text) => self.token(text, is_iso_date),
                    _ => self.copied_text(text).map(Value::from),
                }
            }
        }
    }

    /// Words of which half were said or stand on the screen, and every number was.
    fn copied_text(&self, text: &str) -> Option<String> {
        let words = Words::of(text).list;
        let bare = without_articles(&words, self.lexicon);
        let number = |key: &str| key.bytes().any(|b| b.is_ascii_digit());
        let (numbers, names): (Vec<_>, Vec<_>) = bare.iter().partition(|w| number(&w.key));
        let halves = ["half", "quarter", "demi", "demie", "quart"];
        let counted = numbers.iter().all(|w| {
            self.keys.contains(&w.key)
                || w.key == "1"
                || self.run.contains(w.key.as_str())
                || w.key.contains('.') && halves.iter().any(|h| self.spoken.contains(*h))
        });
        let heard = names.iter().filter(|w| near(&w.key, &self.keys)).count();
        let said = 2 * heard >= names.len() || self.sounded_like(&join(bare));
        (counted && !bare.is_empty() && said).then(|| join(bare))
    }

    /// Whether words were said that differ from these in few letters and in where they are cut
    /// ("tourne vise" for "tournevis"): the model's repair of what was misheard.
    fn sounded_like(&self, text: &str) -> bool {
        let letters = |text: &str| -> Vec<char> {
            fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
        };
        let (name, said) = (letters(text), letters(&self.run));
        // The least edits of any stretch of what was said (P. H. Sellers, 1980).
        let mut row: Vec<usize> = vec![0; said.len() + 1];
        for (i, a) in name.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, b) in said.iter().enumerate() {
                let kept = diagonal + usize::from(a != b);
                diagonal = row[j + 1];
                row[j + 1] = kept.min(diagonal + 1).min(row[j] + 1);
            }
        }
        let least = row.into_iter().min().unwrap_or(name.len());
        name.len() >= 5 && MISHEARD * least <= name.len()
    }

    /// A position that was said, or that is on the screen where it was said in other words ("the
    /// middle one").
    fn copied_position(&self, proposed: i64) -> Option<i64> {
        let mut said = self.positions();
        said.sort_unstable();
        said.dedup();
        let shown = self.context.last_results.len().max(self.context.cart.len());
        let there = proposed == -1 || usize::try_from(proposed).is_ok_and(|n| n <= shown);
        match &said[..] {
            [] => there.then_some(proposed),
            [only] => Some(*only),
            _ => said.contains(&proposed).then_some(proposed),
        }
    }

    /// A time that was said, or whose hour was ("collect, 6" is 18:00).
    fn copied_time(&self, proposed: &str) -> Option<String> {
        if !is_time(proposed) {
            return self.copied_text(proposed);
        }
        if self.words.iter().any(|w| w.key == proposed) {
            return Some(proposed.to_owned());
        }
        let (hour, minute) = proposed.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        let numbers: Vec<u32> = self.words.iter().filter_map(|w| w.count()).collect();
        let hour = numbers.iter().any(|n| n % 12 == hour % 12);
        let minute = minute == 0 || numbers.contains(&minute);
        (hour && minute).then(|| proposed.to_owned())
    }

    /// How often the thing that a command is about was said.
    fn times(&self, command: &Command) -> usize {
        let value = serde_json::to_value(command).unwrap_or_default();
        let item = value.get("item").or_else(|| value.get("query"));
        let words = Words::of(item.and_then(Value::as_str).unwrap_or_default());
        let last = words.list.last();
        last.map_or(1, |last| {
            self.words.iter().filter(|w| w.key == last.key).count()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nlu::{normalise::normalise, wire};

    fn checked(said: &str, answer: &str) -> String {
        let context = Context {
            last_results: vec!["Oat milk".into(), "Soy milk".into()],
            ..Context::default()
        };
        let words = normalise(said, Language::En, &context);
        let answer = wire::to_json(answer).unwrap().to_string();
        wire::write(&check_tuned(&answer, &words, Language::En, &context).unwrap())
    }

    #[test]
    fn what_was_said_stands() {
        for (said, answer) in [
            (
                "run it on my visa and I'll swing by",
                "checkout card; get pickup",
            ),
            (
                "I'd better have a dozen of the oat one",
                "add oat milk; qty 12",
            ),
            ("let me think, the soy", "select soy milk"),
            ("one order, seven seven double oh three", "track 77003"),
            ("collect, six", "checkout; get pickup; at 18:00"),
            ("a hat in wool", "search hat; material wool"),
            ("a tea and a tea", "add tea | add tea"),
            ("another bun then", "add bun; qty 1"),
            ("not that, the other one", "select; nth 2"),
            (
                "a large triple shot light roast iced coffee with soy milk",
                "add iced coffee; size large; with triple shot, light roast, soy milk",
            ),
            ("compare the first two", "compare; nth 1, 2"),
            ("do you have any cell o tape", "search sellotape"),
            ("too flat wides please", "add flat whites"),
        ] {
            assert_eq!(checked(said, answer), answer, "{said}");
        }
    }

    #[test]
    fn modifiers_before_a_drink_are_options() {
        assert_eq!(
            checked(
                "a triple shot light roast iced coffee with soy milk",
                "add triple shot light roast iced coffee; with soy milk"
            ),
            "add iced coffee; with triple shot, light roast, soy milk"
        );
        let vanilla = "add vanilla latte";
        assert_eq!(checked("a vanilla latte", vanilla), vanilla);
    }

    #[test]
    fn what_was_not_said_is_dropped() {
        for (said, answer, kept) in [
            ("where is it then", "track A7K2P9", "track"),
            ("some rice maybe", "add rice; qty 3", "add rice"),
            ("put it in", "add champagne; qty 1", "add; qty 1"),
            ("a lamp for less", "search lamp; max 20", "search lamp"),
            ("tea please", "add tea | add tea | add tea", "add tea"),
            ("the second one", "select; nth 1", "select; nth 2"),
            (
                "a hat in wool",
                "search hat; color wool",
                "search hat; material wool",
            ),
            ("buy it", "select caviar", "none"),
            ("do you have any rope", "search sellotape", "none"),
        ] {
            assert_eq!(checked(said, answer), kept, "{said}");
        }
    }
}
