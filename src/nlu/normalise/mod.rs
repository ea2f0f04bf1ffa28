//! Before the model: what is meant as a number is written as one.
//!
//! | said | becomes |
//! |---|---|
//! | quatre-vingt-dix-sept, a hundred and fifty, une douzaine d'œufs | `97`, `150`, `12 œufs` |
//! | three fifty, douze euros cinquante | `3.50 euros`, `12.50 euros` |
//! | A seven K two P nine, alpha sept kilo deux, double oh three | `A7K2P9`, `A7K2`, `003` |
//! | half three, neuf heures moins le quart | `15:30`, `08:45` |
//! | Friday, le 3 mai, after tomorrow | `2026-11-27`, when the context has a clock |
//!
//! Order: numbers, order numbers, times, prices, dates; each step reads what the one before
//! wrote. Product words with a number inside stay (`Lexicon::not_numbers`).

mod code;
mod date;
mod number;
mod price;
mod time;

use super::{
    command::Context,
    lexicon::Lexicon,
    words::{Glue, Word, Words, fold},
};
use crate::lang::Language;
use std::ops::Range;

pub use date::Clock;

/// Writes numbers, prices, order numbers, times and dates as digits.
#[must_use]
pub fn normalise(text: &str, language: Language, context: &Context) -> Words {
    let mut words = Words::of(text);
    let lexicon = Lexicon::of(language);
    let list = &mut words.list;
    number::write(list, language, lexicon);
    code::write(list, lexicon, expects_order_number(context));
    time::write(list, language);
    price::write(list, language, lexicon);
    if let Some(clock) = context.clock.as_deref().and_then(Clock::read) {
        date::write(list, language, lexicon, &clock);
    }
    words
}

/// Whether the question just asked is for an order number.
fn expects_order_number(context: &Context) -> bool {
    let asked = context.asked.as_deref().map(fold).unwrap_or_default();
    [
        "order_number",
        "order number",
        "numero de",
        "numero de commande",
        "reference",
    ]
    .iter()
    .any(|cue| asked.contains(cue))
}

/// Puts one word in the place of several.
fn replace(list: &mut Vec<Word>, range: Range<usize>, text: &str) {
    let (glue, after) = list
        .get(range.start)
        .map_or((Glue::Space, None), |w| (w.glue, w.after));
    let glue = if glue == Glue::Hyphen {
        Glue::Space
    } else {
        glue
    };
    let word = Word {
        text: text.to_owned(),
        key: fold(text),
        glue,
        after,
    };
    let start = range.start;
    list.splice(range, [word]);
    // What was elided or hyphenated onto the words that went is a word of its own now.
    if let Some(next) = list.get_mut(start + 1) {
        next.glue = Glue::Space;
    }
}

fn key(list: &[Word], at: usize) -> &str {
    list.get(at).map_or("", |w| w.key.as_str())
}

/// Whether `words` stand at `at`, with no punctuation between.
fn stands(list: &[Word], at: usize, words: &[&str]) -> bool {
    at + words.len() <= list.len()
        && words
            .iter()
            .enumerate()
            .all(|(i, w)| list[at + i].key == *w && (i == 0 || list[at + i].after.is_none()))
}

#[cfg(test)]
mod tests;
