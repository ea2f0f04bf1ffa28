//! A product phrase taken apart: "2 bags of dark roast coffee", "une robe rouge en 42 pour ma
//! mère". What is left after number, colour, size, price and the like is the product.

use super::{
    command::{INTENTS, IntentSpec},
    lexicon::{Lexicon, phrase},
    pattern::price,
    words::{Word, join},
};
use serde_json::{Map, Value};

/// Slot values on their way to a command.
pub type Slots = Map<String, Value>;

/// The row of an intent.
#[must_use]
pub fn spec(intent: &str) -> Option<&'static IntentSpec> {
    INTENTS.iter().find(|i| i.name == intent)
}

/// Whether an intent has a slot.
#[must_use]
pub fn has_slot(intent: &str, slot: &str) -> bool {
    spec(intent).is_some_and(|i| i.slots.iter().any(|s| s.name == slot))
}

/// Takes price limits out of an utterance: `(min_price, max_price)` in major units.
#[must_use]
pub fn take_limits(words: &mut Vec<Word>, lexicon: &Lexicon) -> (Option<f64>, Option<f64>) {
    let limits = &lexicon.limits;
    let amount = |words: &[Word], at: usize| {
        [2, 1].into_iter().find_map(|len| {
            let range = words.get(at..at + len)?;
            let value = price(range, lexicon)?;
            (range.iter().skip(1).all(|w| w.after.is_none())).then_some((value, len))
        })
    };
    let currency = |words: &[Word], at: usize, len: usize| {
        words[at..at + len]
            .iter()
            .any(|w| lexicon.currencies.contains(&w.key))
    };
    let (mut min, mut max) = (None, None);
    let mut at = 0;
    while at < words.len() {
        let cut = starts_with_any(words, at, &limits.between)
            .and_then(|cue| {
                let (low, l) = amount(words, at + cue)?;
                let to = starts_with_any(words, at + cue + l, &limits.to)?;
                let (high, h) = amount(words, at + cue + l + to)?;
                let len = cue + l + to + h;
                // "from 2 to 3" needs money in it, "between" does not.
                (low < high
                    && (currency(words, at, len)
                        || matches!(words[at].key.as_str(), "between" | "entre")))
                .then(|| {
                    (min, max) = (Some(low), Some(high));
                    len
                })
            })
            .or_else(|| {
                let cue = starts_with_any(words, at, &limits.max)?;
                let (value, len) = amount(words, at + cue)?;
                max = Some(value);
                Some(cue + len)
            })
            .or_else(|| {
                let cue = starts_with_any(words, at, &limits.min)?;
                let (value, len) = amount(words, at + cue)?;
                if !currency(words, at + cue, len) {
                    return None;
                }
                min = Some(value);
                Some(cue + len)
            })
            .or_else(|| {
                let (value, len) = amount(words, at)?;
                let after = starts_with_any(words, at + len, &limits.after_max)?;
                // "2 plus ..." is no maximum: money, or nothing else.
                if !currency(words, at, len) && at + len + after < words.len() {
                    return None;
                }
                max = Some(value);
                Some(len + after)
            });
        match cut {
            Some(len) => {
                let until = (at + len).min(words.len());
                words.drain(at..until);
                if let Some(next) = words.get_mut(at) {
                    next.after = next.after.or(Some(','));
                }
            }
            None => at += 1,
        }
    }
    if let Some(first) = words.first_mut() {
        first.after = None;
    }
    (min, max)
}

/// The length of the longest of `phrases` that stands at `at`.
#[must_use]
pub fn starts_with_any(words: &[Word], at: usize, phrases: &[String]) -> Option<usize> {
    phrases
        .iter()
        .filter_map(|p| {
            let mut len = 0;
            let mut text = String::new();
            while text.len() < p.len() {
                let word = words.get(at + len)?;
                if len > 0 && word.after.is_some() {
                    return None;
                }
                if !text.is_empty() && !text.ends_with('\'') {
                    text.push(' ');
                }
                text.push_str(&word.key);
                len += 1;
            }
            (text == *p).then_some(len)
        })
        .max()
}

/// Drops articles, partitives and possessives at the beginning.
#[must_use]
pub fn without_articles<'w>(mut words: &'w [Word], lexicon: &Lexicon) -> &'w [Word] {
    while let [first, rest @ ..] = words
        && lexicon.articles.contains(&first.key)
        && !rest.is_empty()
    {
        words = rest;
    }
    words
}

/// Whether words stand for a product without naming one.
#[must_use]
pub fn is_pronoun(words: &[Word], lexicon: &Lexicon) -> bool {
    let bare = without_articles(words, lexicon);
    lexicon.pronouns.contains(&phrase(words))
        || lexicon.pronouns.contains(&phrase(bare))
        || bare.iter().all(|w| lexicon.articles.contains(&w.key))
}

/// Fills the slots of `intent` from a product phrase. The product itself goes into `main`
/// (`item` or `query`). Slots that the intent does not have stay part of the product's name.
pub fn fill(intent: &str, main: &str, words: &[Word], lexicon: &Lexicon, slots: &mut Slots) {
    let has = |slot: &str| has_slot(intent, slot);
    let mut rest: Vec<Word> = without_articles(words, lexicon).to_vec();
    if has("ordinal")
        && let Some(n) = position(&rest, lexicon)
    {
        slots.insert("ordinal".into(), n.into());
        return;
    }
    leading_count(&mut rest, intent, lexicon, slots);
    // "a decent pair of boots"
    if let Some(at) = rest.windows(2).position(|w| {
        matches!(w[0].key.as_str(), "pair" | "paire") && lexicon.of.contains(&w[1].key)
    }) {
        rest.drain(at..at + 2);
    }
    if has("options") && intent == "add_to_cart" {
        super::made_to_order::take_options(&mut rest, lexicon, slots);
    }
    if has("color") && !matches!(intent, "exchange_item" | "change_options") {
        take_color(&mut rest, lexicon, slots);
    }
    if has("size") {
        take_size(&mut rest, lexicon, slots, intent == "add_to_cart");
    }
    if has("recipient") {
        take_purpose(&mut rest, lexicon, slots);
    }
    if has("material") {
        take_material(&mut rest, lexicon, slots);
    }
    if has("brand") {
        take_brand(&mut rest, lexicon, slots);
    }
    let mut rest = without_articles(&rest, lexicon);
    // "the zip on my tent", "la fermeture de mon blouson": the product is what one owns.
    if matches!(intent, "return_item" | "exchange_item")
        && let Some(at) = rest.windows(2).rposition(|w| {
            matches!(w[0].key.as_str(), "on" | "of" | "de")
                && matches!(w[1].key.as_str(), "my" | "mon" | "ma" | "mes")
        })
        && at + 2 < rest.len()
    {
        rest = &rest[at + 2..];
    }
    if has("ordinal")
        && let Some(n) = position(rest, lexicon)
    {
        slots.insert("ordinal".into(), n.into());
    } else if !rest.is_empty() && !is_pronoun(rest, lexicon) {
        slots.insert(main.into(), join(rest).into());
    }
}

/// A made-to-order product with the number and the article before it, read whole or not at all.
#[must_use]
pub fn made_to_order(
    words: &[Word],
    lexicon: &Lexicon,
) -> Option<super::made_to_order::MadeToOrder> {
    let mut rest = without_articles(words, lexicon).to_vec();
    leading_count(&mut rest, "add_to_cart", lexicon, &mut Slots::new());
    super::made_to_order::read(&rest, lexicon).filter(|made| made.item.is_some())
}

/// "second one", "dernier", "number 3".
#[must_use]
pub fn position(words: &[Word], lexicon: &Lexicon) -> Option<i32> {
    let words = match words {
        [w, rest @ ..] if matches!(w.key.as_str(), "number" | "numero" | "option") => {
            return match rest {
                [n] => n
                    .count()
                    .and_then(|n| i32::try_from(n).ok())
                    .filter(|n| (1..100).contains(n)),
                _ => None,
            };
        }
        [rest @ .., one] if matches!(one.key.as_str(), "one" | "ones") && !rest.is_empty() => rest,
        [rest @ .., _, of] if of.key == "liste" => rest,
        words => words,
    };
    (1..=2)
        .contains(&words.len())
        .then(|| lexicon.ordinal(words))
        .flatten()
}

/// "2 bags of", "500 g of", "a kilo of".
fn leading_count(rest: &mut Vec<Word>, intent: &str, lexicon: &Lexicon, slots: &mut Slots) {
    let count = rest.first().and_then(Word::number);
    let mut at = usize::from(count.is_some());
    // "2 of the yogurts", "3 more bottles"
    let of = |word: Option<&Word>| word.is_some_and(|w| lexicon.of.contains(&w.key));
    let unit = rest.get(at).is_some_and(|w| lexicon.units.contains(&w.key));
    let container = rest
        .get(at)
        .is_some_and(|w| lexicon.containers.contains(&w.key));
    let quantity = |n: f64| (n.fract() == 0.0 && (0.0..10_000.0).contains(&n)).then_some(n as u32);
    if unit && (of(rest.get(at + 1)) || count.is_some() && rest.len() > at + 1) {
        let amount = count.map_or_else(|| "1".to_owned(), |_| rest[0].text.clone());
        let size = format!("{amount} {}", rest[at].text);
        at += 1 + usize::from(of(rest.get(at + 1)));
        if has_slot(intent, "size") {
            slots.insert("size".into(), size.into());
        }
        rest.drain(..at);
    } else if container && of(rest.get(at + 1)) {
        at += 2;
        if let Some(n) = count.and_then(quantity) {
            put_quantity(intent, n, slots);
        }
        rest.drain(..at);
        // "2 packets of 500 g of flour" goes on.
        if rest.first().is_some_and(|w| w.number().is_some()) {
            leading_count(rest, "search_product", lexicon, slots);
        }
    } else if let Some(n) = count.and_then(quantity)
        && rest.len() > 1
        && has_slot(intent, "quantity")
    {
        put_quantity(intent, n, slots);
        at += usize::from(of(rest.get(at)) || rest[at].key == "more" || rest[at].key == "x");
        rest.drain(..at);
    }
    let bare = without_articles(rest, lexicon).len();
    rest.drain(..rest.len() - bare);
}

fn put_quantity(intent: &str, n: u32, slots: &mut Slots) {
    if has_slot(intent, "quantity") {
        slots.entry("quantity").or_insert(n.into());
    }
}

/// A colour before the noun, after it, or after "in" / "en". Not where it is part of the
/// product's name (red wine, thé vert), and never all that there is, except alone.
fn take_color(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots) {
    for len in [2, 1] {
        for at in 0..rest.len().saturating_sub(len - 1) {
            let range = at..at + len;
            if !lexicon.is_color(&rest[range.clone()]) || slots.contains_key("color") {
                continue;
            }
            let named = |i: Option<usize>| {
                i.and_then(|i| rest.get(i))
                    .is_some_and(|w| lexicon.color_nouns.contains(&w.key))
            };
            let preposed = at > 0 && matches!(rest[at - 1].key.as_str(), "in" | "en");
            let tied = at > 0
                && matches!(
                    rest[at - 1].key.as_str(),
                    "d'" | "de" | "a" | "au" | "aux" | "of"
                );
            if !preposed && (tied || named(Some(at + len)) || named(at.checked_sub(1)))
                || named(rest.len().checked_sub(1)) && at + len < rest.len()
            {
                continue;
            }
            let color = join(&rest[range]);
            let from = at - usize::from(preposed);
            let only = from == 0 && at + len == rest.len();
            slots.insert("color".into(), color.into());
            rest.drain(from..at + len);
            if only {
                rest.clear();
            }
            return;
        }
    }
}

/// "in size 42", "size 9.5", "taille 42", "en 42", "in a medium", and for an order also the
/// bare size before the product ("large latte").
fn take_size(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots, bare: bool) {
    if slots.contains_key("size") {
        return;
    }
    for at in 0..rest.len() {
        let mut from = at;
        let mut value = at;
        let mut cued = false;
        if matches!(rest[value].key.as_str(), "in" | "en" | "a" | "du" | "au") {
            value += 1;
            value += usize::from(
                rest.get(value)
                    .is_some_and(|w| matches!(w.key.as_str(), "a" | "an" | "the")),
            );
            cued = rest[at].key != "a" && rest[at].key != "au";
        }
        if rest
            .get(value)
            .is_some_and(|w| matches!(w.key.as_str(), "size" | "taille" | "pointure" | "sizes"))
        {
            value += 1;
            cued = true;
        } else if bare && value == at {
            // A bare size: first, or last. A bare number is none.
            cued = (at == 0 || at + 1 == rest.len())
                && rest.len() > 1
                && rest[at].number().is_none()
                && lexicon.sizes.contains_key(&rest[at].key);
        } else if value == at {
            continue;
        }
        if !cued {
            continue;
        }
        for len in [2, 1] {
            let Some(range) = rest.get(value..value + len) else {
                continue;
            };
            if let Some(size) = lexicon.size(range) {
                slots.insert("size".into(), size.into());
                if from > 0 && rest[from - 1].key == "de" {
                    from -= 1;
                }
                rest.drain(from..value + len);
                return;
            }
        }
    }
}

/// "for my mother", "pour un mariage": only people and occasions that the lexicon knows.
fn take_purpose(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots) {
    let mut at = 0;
    while at < rest.len() {
        if !matches!(rest[at].key.as_str(), "for" | "pour" | "to") {
            at += 1;
            continue;
        }
        let from = at + 1;
        let bare = rest.len() - from - without_articles(&rest[from..], lexicon).len();
        let from = from + bare;
        let mut taken = false;
        for len in (1..=3).rev() {
            let Some(range) = rest.get(from..from + len) else {
                continue;
            };
            let key = phrase(range);
            let slot = if lexicon.recipients.contains(&key) {
                "recipient"
            } else if lexicon.occasions.contains(&key) {
                "occasion"
            } else {
                continue;
            };
            // "for my 5 year old", "pour mon fils de 5 ans": the age belongs to the person.
            let until = if slot == "recipient" {
                age_until(rest, from + len)
            } else {
                from + len
            };
            slots.insert(slot.into(), join(&rest[from..until]).into());
            rest.drain(at..until);
            taken = true;
            break;
        }
        if !taken {
            at += 1;
        }
    }
}

fn age_until(rest: &[Word], at: usize) -> usize {
    match rest.get(at..at + 3) {
        Some([de, n, ans]) if de.key == "de" && n.count().is_some() && ans.key == "ans" => at + 3,
        _ => at,
    }
}

/// "in leather", "en cuir".
fn take_material(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots) {
    for at in 0..rest.len() {
        if !matches!(rest[at].key.as_str(), "in" | "en") {
            continue;
        }
        for len in [2, 1] {
            if let Some(range) = rest.get(at + 1..at + 1 + len)
                && lexicon.materials.contains(&phrase(range))
            {
                slots.insert("material".into(), join(range).into());
                rest.drain(at..at + 1 + len);
                return;
            }
        }
    }
}

/// A brand that everybody knows, wherever it stands; "by X", "de marque X" at the end.
fn take_brand(rest: &mut Vec<Word>, lexicon: &Lexicon, slots: &mut Slots) {
    for len in [3, 2, 1] {
        for at in 0..(rest.len() + 1).saturating_sub(len) {
            if !lexicon.brands.contains(&phrase(&rest[at..at + len])) {
                continue;
            }
            let cue = [
                "by",
                "from",
                "de la marque",
                "de marque",
                "de chez",
                "chez",
                "marque",
                "brand",
            ]
            .iter()
            .filter_map(|cue| {
                let words = cue.split(' ').count();
                let start = at.checked_sub(words)?;
                (phrase(&rest[start..at]) == *cue).then_some(start)
            })
            .min()
            .unwrap_or(at);
            slots.insert("brand".into(), join(&rest[at..at + len]).into());
            rest.drain(cue..at + len);
            return;
        }
    }
    for cue in ["de la marque", "de marque", "de chez", "by", "from"] {
        let words = cue.split(' ').count();
        for at in 1..rest.len() {
            if rest.len() > at + words
                && rest.len() - at - words <= 2
                && phrase(&rest[at..at + words]) == cue
            {
                slots.insert("brand".into(), join(&rest[at + words..]).into());
                rest.truncate(at);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{lang::Language, nlu::words::Words};
    use serde_json::json;

    fn parts(language: Language, intent: &str, text: &str) -> Value {
        let lexicon = Lexicon::of(language);
        let main = if has_slot(intent, "item") {
            "item"
        } else {
            "query"
        };
        let mut slots = Slots::new();
        let mut words = Words::of(text).list;
        let (min, max) = take_limits(&mut words, lexicon);
        for (slot, value) in [("min_price", min), ("max_price", max)] {
            if let Some(value) = value {
                slots.insert(slot.into(), value.into());
            }
        }
        fill(intent, main, &words, lexicon, &mut slots);
        Value::Object(slots)
    }

    #[test]
    fn a_search_is_taken_apart() {
        let en = |text| parts(Language::En, "search_product", text);
        assert_eq!(
            en("a waterproof coat under 200 euros"),
            json!({"query": "waterproof coat", "max_price": 200.0})
        );
        assert_eq!(
            en("black shoes in size 9.5 for a wedding"),
            json!({"query": "shoes", "color": "black", "size": "9.5", "occasion": "wedding"})
        );
        assert_eq!(en("some red wine"), json!({"query": "red wine"}));
        assert_eq!(
            en("a dark blue shirt from nike"),
            json!({"query": "shirt", "color": "dark blue", "brand": "nike"})
        );
        assert_eq!(
            en("headphones between 50 and 100 euros"),
            json!({"query": "headphones", "min_price": 50.0, "max_price": 100.0})
        );
        let fr = |text| parts(Language::Fr, "search_product", text);
        assert_eq!(
            fr("une robe rouge en 42 pour ma mère"),
            json!({"query": "robe", "color": "rouge", "size": "42", "recipient": "mère"})
        );
        assert_eq!(fr("du lait d'avoine"), json!({"query": "lait d'avoine"}));
        assert_eq!(fr("un jus d'orange"), json!({"query": "jus d'orange"}));
        assert_eq!(
            fr("des chaussures en cuir à moins de 80 euros"),
            json!({"query": "chaussures", "material": "cuir", "max_price": 80.0})
        );
    }

    #[test]
    fn an_order_is_taken_apart() {
        let en = |text| parts(Language::En, "add_to_cart", text);
        assert_eq!(en("2 bags of rice"), json!({"item": "rice", "quantity": 2}));
        assert_eq!(
            en("500 g of flour"),
            json!({"item": "flour", "size": "500 g"})
        );
        assert_eq!(en("the second one"), json!({"ordinal": 2}));
        assert_eq!(en("it"), json!({}));
        let fr = |text| parts(Language::Fr, "add_to_cart", text);
        assert_eq!(
            fr("3 paquets de café"),
            json!({"item": "café", "quantity": 3})
        );
        assert_eq!(
            fr("un kilo de tomates"),
            json!({"item": "tomates", "size": "1 kilo"})
        );
        assert_eq!(fr("la dernière"), json!({"ordinal": -1}));
        assert_eq!(
            fr("un t-shirt bleu taille m"),
            json!({"item": "t-shirt", "color": "bleu", "size": "m"})
        );
    }
}
