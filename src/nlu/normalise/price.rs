//! Prices: "three fifty", "douze euros cinquante", "$3.99", "1 200 euros".

use super::{key, replace};
use crate::{
    lang::Language,
    nlu::{
        lexicon::Lexicon,
        words::{Glue, Word},
    },
};

/// Words after which two numbers in a row are an amount.
const CUES: &[&str] = &[
    "under", "below", "than", "over", "above", "for", "at", "is", "costs", "spend", "max",
    "maximum", "a", "de",
];

pub(super) fn write(list: &mut Vec<Word>, language: Language, lexicon: &Lexicon) {
    let money = |at: usize, list: &[Word]| {
        list.get(at)
            .is_some_and(|w| lexicon.currencies.contains(&w.key))
    };
    let mut at = 0;
    while at < list.len() {
        // "$3.99" is "dollars 3.99" so far.
        if matches!(key(list, at), "dollars" | "pounds" | "euros")
            && list
                .get(at + 1)
                .is_some_and(|w| w.number().is_some() && w.after.is_none())
            && list
                .get(at.wrapping_sub(1))
                .is_none_or(|w| w.number().is_none())
        {
            let glue = std::mem::replace(&mut list[at].glue, Glue::Space);
            let after = list[at].after.take();
            list.swap(at, at + 1);
            (list[at].glue, list[at].after) = (glue, after);
        }
        let (Some(major), true) = (list[at].count(), list[at].key.len() <= 6) else {
            at += 1;
            continue;
        };
        let count = |i: usize| {
            list.get(i)
                .filter(|w| w.after.is_none())
                .and_then(Word::count)
        };
        let two = |i: usize| list.get(i).is_some_and(|w| w.key.len() == 2) && count(i).is_some();
        // "1 200 euros"
        if major > 0
            && major < 1000
            && list.get(at + 1).is_some_and(|w| w.key.len() == 3)
            && count(at + 1).is_some()
            && money(at + 2, list)
        {
            let digits = format!("{major}{}", key(list, at + 1));
            replace(list, at..at + 2, &digits);
            continue;
        }
        // "12 euros 50 [centimes]", "3 dollars and 50 cents"
        if money(at + 1, list) {
            let and = usize::from(matches!(key(list, at + 2), "and" | "et"));
            let cents_at = at + 2 + and;
            let named = matches!(
                key(list, cents_at + 1),
                "cents" | "cent" | "centimes" | "pence" | "p"
            );
            let is_cents = count(cents_at).is_some_and(|c| c < 100)
                && (named || and == 0 && two(cents_at) && ends_amount(list, cents_at + 1));
            if is_cents && let Some(cents) = count(cents_at) {
                let currency = list[at + 1].text.clone();
                let until = cents_at + 1 + usize::from(named);
                replace(list, at..until, &format!("{major}.{cents:02}"));
                list.insert(at + 1, Word::new(&currency));
            }
        } else if matches!(key(list, at + 1), "cents" | "centimes" | "pence") && major < 100 {
            replace(list, at..at + 1, &format!("0.{major:02}"));
            replace(list, at + 1..at + 2, "euros");
        } else if major < 100 && two(at + 1) && count(at + 1).is_some_and(|c| c > 12) {
            // "three fifty": with a currency after it, or after a word that asks for an amount.
            let cued = at > 0 && CUES.contains(&key(list, at - 1)) && language == Language::En;
            if money(at + 2, list) || cued && ends_amount(list, at + 2) {
                let digits = format!("{major}.{}", key(list, at + 1));
                replace(list, at..at + 2, &digits);
                if !money(at + 1, list) {
                    list.insert(at + 1, Word::new("euros"));
                }
            }
        }
        at += 1;
    }
}

/// Whether nothing that could be counted follows.
fn ends_amount(list: &[Word], at: usize) -> bool {
    list.get(at).is_none_or(|w| {
        w.after.is_some()
            || matches!(
                w.key.as_str(),
                "or" | "and"
                    | "please"
                    | "for"
                    | "in"
                    | "ou"
                    | "et"
                    | "maximum"
                    | "max"
                    | "pour"
                    | "en"
                    | "s'"
            )
    })
}
