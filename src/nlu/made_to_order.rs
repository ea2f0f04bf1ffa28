//! Products made to order: "a large decaf latte with oat milk and 2 sugars".
//!
//! The phrase is read whole or not at all: every word must be a size, a drink (or dish), an
//! option or a word that ties them. Options stay as said.

use super::{
    lexicon::{Lexicon, phrase},
    phrase::{Slots, starts_with_any},
    words::{Word, join},
};
use serde::Deserialize;

/// How options of a made-to-order product are said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Complete options: `double shot`, `dark roast`, `decaf`, `extra hot`.
    pub whole: Vec<String>,
    /// What can be in it: `oat milk`, `sugar`, `mousse`.
    pub ingredients: Vec<String>,
    /// How much of it, kept: `extra`, `a lot of`, `no`, `sans`.
    pub amounts: Vec<String>,
    /// What ties the parts, dropped: `with`, `and`, `avec`, `au`.
    pub ties: Vec<String>,
}

/// A made-to-order product as said.
#[derive(Debug, Default, PartialEq)]
pub struct MadeToOrder {
    /// The product; `None` when only options were said.
    pub item: Option<String>,
    /// Its size.
    pub size: Option<String>,
    /// Its options, in the order said.
    pub options: Vec<String>,
}

/// Reads a phrase, whole or not at all. The number and the article before it are gone already.
#[must_use]
pub fn read(words: &[Word], lexicon: &Lexicon) -> Option<MadeToOrder> {
    let mut made = MadeToOrder::default();
    let known = &lexicon.options;
    let mut at = 0;
    while at < words.len() {
        let named = if made.item.is_none() {
            drink(words, at, lexicon)
        } else {
            None
        };
        if let Some(len) = starts_with_any(words, at, &known.whole)
            && named.is_none_or(|named| named <= len)
        {
            made.options.push(join(&words[at..at + len]));
            at += len;
            continue;
        }
        if let Some((option, len)) = ingredient(words, at, lexicon) {
            // "au café" after "latte": the drink itself wins over what may be in it.
            if made.item.is_some() || drink(words, at, lexicon).is_none_or(|d| d < len) {
                made.options.push(option);
                at += len;
                continue;
            }
        }
        if made.size.is_none()
            && let Some((size, len)) = size(words, at, lexicon)
        {
            made.size = Some(size);
            at += len;
            continue;
        }
        if let Some(len) = named {
            made.item = Some(join(&words[at..at + len]));
            at += len;
            continue;
        }
        let tie = starts_with_any(words, at, &known.ties)
            .or_else(|| lexicon.articles.contains(&words[at].key).then_some(1));
        at += tie?;
    }
    (made.item.is_some() || !made.options.is_empty() || made.size.is_some()).then_some(made)
}

fn drink(words: &[Word], at: usize, lexicon: &Lexicon) -> Option<usize> {
    (1..=4).rev().find(|len| {
        words.get(at..at + len).is_some_and(|range| {
            range.iter().skip(1).all(|w| w.after.is_none())
                && lexicon.made_to_order.contains(&phrase(range))
                // "café au lait d'avoine" is a café with lait d'avoine.
                && !(*len > 1 && words.get(at + len).is_some_and(|w| lexicon.of.contains(&w.key)))
        })
    })
}

/// "oat milk", "2 sugars", "a lot of skim milk", "sans mousse".
fn ingredient(words: &[Word], at: usize, lexicon: &Lexicon) -> Option<(String, usize)> {
    let known = &lexicon.options;
    if let Some(len) = starts_with_any(words, at, &known.ingredients) {
        return Some((join(&words[at..at + len]), len));
    }
    let amount =
        starts_with_any(words, at, &known.amounts).or_else(|| words.get(at)?.count().map(|_| 1))?;
    // "beaucoup de", "a bit of the"
    let of = words
        .get(at + amount)
        .is_some_and(|w| lexicon.of.contains(&w.key) || lexicon.articles.contains(&w.key));
    let from = at + amount + usize::from(of);
    let len = starts_with_any(words, from, &known.ingredients)?;
    Some((join(&words[at..from + len]), from + len - at))
}

/// "large", "12 ounce".
fn size(words: &[Word], at: usize, lexicon: &Lexicon) -> Option<(String, usize)> {
    if words.get(at)?.number().is_some() {
        let unit = words.get(at + 1)?;
        return (lexicon.units.contains(&unit.key))
            .then(|| (format!("{} {}", words[at].text, unit.text), 2));
    }
    [2, 1]
        .into_iter()
        .find_map(|len| Some((lexicon.size(words.get(at..at + len)?)?, len)))
}

/// Takes a made-to-order product out of a phrase: fills `item`, `size` and `options` and
/// leaves nothing, or leaves the phrase alone.
pub fn take_options(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots) {
    let Some(made) = read(rest, lexicon) else {
        return;
    };
    let Some(item) = made.item else { return };
    slots.insert("item".into(), item.into());
    if let Some(size) = made.size {
        slots.insert("size".into(), size.into());
    }
    if !made.options.is_empty() {
        slots.insert("options".into(), made.options.into());
    }
    rest.clear();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{lang::Language, nlu::words::Words};

    fn made(
        language: Language,
        text: &str,
    ) -> Option<(Option<String>, Option<String>, Vec<String>)> {
        let made = read(&Words::of(text).list, Lexicon::of(language))?;
        Some((made.item, made.size, made.options))
    }

    fn is(
        item: &str,
        size: &str,
        options: &[&str],
    ) -> Option<(Option<String>, Option<String>, Vec<String>)> {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        Some((
            some(item),
            some(size),
            options.iter().map(|o| (*o).to_owned()).collect(),
        ))
    }

    #[test]
    fn drinks_are_read_with_their_options() {
        let en = |text| made(Language::En, text);
        assert_eq!(
            en("large decaf latte with oat milk and 2 sugars"),
            is("latte", "large", &["decaf", "oat milk", "2 sugars"])
        );
        assert_eq!(
            en("double shot medium roast mocha with a lot of skim milk and brown sugar"),
            is(
                "mocha",
                "",
                &[
                    "double shot",
                    "medium roast",
                    "a lot of skim milk",
                    "brown sugar"
                ]
            )
        );
        assert_eq!(
            en("12 ounce iced coffee with some cream"),
            is("iced coffee", "12 ounce", &["cream"])
        );
        let fr = |text| made(Language::Fr, text);
        assert_eq!(
            fr("grand cappuccino au lait d'avoine sans sucre"),
            is("cappuccino", "grand", &["lait d'avoine", "sans sucre"])
        );
        assert_eq!(
            fr("café au lait avec 2 sucres"),
            is("café au lait", "", &["2 sucres"])
        );
    }

    #[test]
    fn what_is_not_all_understood_is_left_alone() {
        assert_eq!(made(Language::En, "coffee table in oak"), None);
        assert_eq!(made(Language::En, "latte for my sister"), None);
        assert_eq!(made(Language::Fr, "machine à café"), None);
    }
}
