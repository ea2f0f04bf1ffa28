//! Whether a slot's value was said: copied words, numbers, positions, codes, dates.

use super::{Said, near, phrase_key};
use crate::nlu::{
    lexicon::is_iso_date,
    pattern::{is_order_number, is_time},
    phrase::{self, position, without_articles},
    slot::SlotKind,
    words::{Word, Words, fold, join},
};
use serde_json::Value;
use std::collections::HashSet;

impl Said<'_> {
    pub(super) fn value(&self, slot: &str, kind: SlotKind, value: &Value) -> Option<Value> {
        match kind {
            SlotKind::Text => match slot {
                "order_number" => self.order_number(value.as_str()?),
                "code" => {
                    let code: String = value
                        .as_str()?
                        .chars()
                        .filter(|c| c.is_alphanumeric())
                        .collect();
                    self.run
                        .contains(&fold(&code))
                        .then(|| code.to_uppercase().into())
                }
                "language" => {
                    let iso = value.as_str()?.to_lowercase();
                    self.lexicon
                        .languages
                        .values()
                        .any(|l| *l == iso)
                        .then(|| iso.into())
                }
                "time" => self.token(value.as_str()?, is_time),
                "date" => self.token(value.as_str()?, is_iso_date),
                "comment" | "reason" => Some(value.as_str()?.trim().to_lowercase().into()),
                "size" => self.size(value.as_str()?),
                "color" | "material" | "occasion" | "recipient" => {
                    self.of_its_class(slot, value.as_str()?).map(Value::from)
                }
                _ => self.text(value.as_str()?).map(Value::from),
            },
            SlotKind::TextList => {
                let list: Vec<String> = value
                    .as_array()?
                    .iter()
                    .filter_map(|v| self.text(v.as_str()?))
                    .collect();
                (!list.is_empty()).then(|| list.into())
            }
            SlotKind::Ordinal => self.position(value.as_i64()?).map(Value::from),
            SlotKind::OrdinalList => {
                let list: Vec<i64> = value
                    .as_array()?
                    .iter()
                    .filter_map(Value::as_i64)
                    .filter(|n| self.positions().contains(n))
                    .collect();
                (!list.is_empty()).then(|| list.into())
            }
            SlotKind::Count | SlotKind::Price | SlotKind::Score => {
                let n = value.as_f64()?;
                let alone = ["one", "seul", "seule", "single"];
                let one = n == 1.0 && alone.iter().any(|w| self.spoken.contains(*w));
                let said = one || self.words.iter().any(|w| w.number() == Some(n));
                said.then(|| value.clone())
            }
            SlotKind::OneOf(words) => words.contains(&value.as_str()?).then(|| value.clone()),
        }
    }

    /// Free words: without articles, and said (in half of its words at least).
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let words = Words::of(text).list;
        let bare = without_articles(&words, self.lexicon);
        if bare.is_empty() || phrase::is_pronoun(&words, self.lexicon) {
            return None;
        }
        let said = bare.iter().filter(|w| self.was_said(&w.key)).count();
        // A name from the screen is completed ("that milk"), not supplied ("that one").
        let here = bare.iter().any(|w| near(&w.key, &self.spoken));
        (here && 2 * said >= bare.len()).then(|| join(bare))
    }

    /// A colour, material, person or occasion: a word of that class, or what "for" introduces.
    pub(super) fn of_its_class(&self, slot: &str, text: &str) -> Option<String> {
        let text = self.text(text)?;
        let words = Words::of(&text).list;
        let known = |set: &HashSet<String>| {
            set.contains(&phrase_key(&text)) || words.iter().any(|w| set.contains(&w.key))
        };
        let fits = match slot {
            "color" => self.lexicon.is_color(&words) || known(&self.lexicon.colors),
            "material" => known(&self.lexicon.materials),
            "recipient" => known(&self.lexicon.recipients) || self.is_for(&words),
            _ => known(&self.lexicon.occasions) || self.is_for(&words),
        };
        fits.then_some(text)
    }

    /// Whether "for" stands before these words, an article or two between.
    pub(super) fn is_for(&self, words: &[Word]) -> bool {
        let Some(first) = words.first() else {
            return false;
        };
        self.words
            .iter()
            .enumerate()
            .filter(|(_, w)| w.key == first.key)
            .any(|(at, _)| {
                let before = &self.words[..at];
                let article = |w: &&Word| self.lexicon.articles.contains(&w.key);
                before
                    .iter()
                    .rev()
                    .find(|w| !article(w))
                    .is_some_and(|w| matches!(w.key.as_str(), "for" | "pour" | "to"))
            })
    }

    /// Whether a word, or one that differs in its ending or a letter or two, was said.
    pub(super) fn was_said(&self, key: &str) -> bool {
        near(key, &self.keys)
    }

    pub(super) fn size(&self, text: &str) -> Option<Value> {
        let words = Words::of(text).list;
        if words.is_empty() || !words.iter().all(|w| self.was_said(&w.key)) {
            let short =
                self.lexicon.sizes.iter().any(|(said, size)| {
                    size == text && said.split(' ').all(|w| self.keys.contains(w))
                });
            return short.then(|| text.into());
        }
        Some(
            self.lexicon
                .size(&words)
                .unwrap_or_else(|| join(&words))
                .into(),
        )
    }

    /// The order number that was said, if it is this one or the only one.
    pub(super) fn order_number(&self, proposed: &str) -> Option<Value> {
        let proposed: String = proposed
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect::<String>()
            .to_uppercase();
        let said = self.order_numbers();
        if said.contains(&proposed)
            || self.run.contains(&proposed.to_lowercase()) && proposed.len() >= 3
        {
            return Some(proposed.into());
        }
        match &said[..] {
            [only] => Some(only.clone().into()),
            _ => None,
        }
    }

    pub(super) fn order_numbers(&self) -> Vec<String> {
        let texts = self.words.iter().map(|w| w.text.to_uppercase());
        texts
            .filter(|t| is_order_number(t) && !t.contains(['.', ':']))
            .collect()
    }

    /// A time or a date as normalised; as said where it is none.
    pub(super) fn token(&self, proposed: &str, is_one: fn(&str) -> bool) -> Option<Value> {
        let mut found = self.words.iter().filter(|w| is_one(&w.key));
        if self.words.iter().any(|w| w.key == proposed) {
            return Some(proposed.into());
        }
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only.key.clone().into()),
            (None, _) if !is_one(proposed) => self.text(proposed).map(Value::from),
            _ => None,
        }
    }

    /// Positions that were said.
    pub(super) fn positions(&self) -> Vec<i64> {
        let mut out = Vec::new();
        for at in 0..self.words.len() {
            for len in [2, 1] {
                if let Some(range) = self.words.get(at..at + len)
                    && let Some(n) = position(range, self.lexicon)
                {
                    out.push(i64::from(n));
                }
            }
            out.extend(self.first_few(at));
        }
        out
    }

    /// "The first two", "les trois premiers": 1, 2, 3.
    fn first_few(&self, at: usize) -> std::ops::RangeInclusive<i64> {
        let first = |w: &Word| matches!(w.key.as_str(), "first" | "premiers" | "premieres");
        let few = |w: &Word| w.count().filter(|n| (2..=9).contains(n)).map(i64::from);
        let count = match self.words.get(at..at + 2) {
            Some([a, b]) if first(a) => few(b),
            Some([a, b]) if first(b) => few(a).or_else(|| {
                let pair = matches!(a.key.as_str(), "deux" | "two");
                pair.then_some(2)
            }),
            _ => None,
        };
        1..=count.unwrap_or(0)
    }

    pub(super) fn position(&self, proposed: i64) -> Option<i64> {
        let said = self.positions();
        if said.contains(&proposed) {
            return Some(proposed);
        }
        match &said[..] {
            [only] => Some(*only),
            _ => None,
        }
    }
}
