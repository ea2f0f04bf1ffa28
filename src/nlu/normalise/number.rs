//! Numbers in words to digits, in English and French (with septante, huitante, nonante).

use super::{key, replace, stands};
use crate::{
    lang::Language,
    nlu::{lexicon::Lexicon, words::Word},
};

pub(super) fn write(list: &mut Vec<Word>, language: Language, lexicon: &Lexicon) {
    let mut at = 0;
    while at < list.len() {
        if let Some(len) = kept(list, at, lexicon) {
            at += len;
            continue;
        }
        split_verb(list, at);
        if let Some((amount, unit, len)) = halves(list, at, language, lexicon) {
            let unit = list[unit].text.clone();
            replace(list, at..at + len, &amount);
            list.insert(at + 1, Word::new(&unit));
        } else if let Some((value, len)) = collective(list, at, language) {
            replace(list, at..at + len, &value.to_string());
        } else if let Some((value, len)) = parse(list, at, language)
            && is_meant(list, at, len, value, language)
            && !(len == 1 && value == 1 && kept(list, at + 1, lexicon).is_some())
        {
            let (digits, len) = with_decimals(list, at, len, value, language);
            replace(list, at..at + len, &digits);
        }
        at += 1;
    }
}

/// "Three'll do" is "three will do".
fn split_verb(list: &mut Vec<Word>, at: usize) {
    if let Some(number) = list[at].key.strip_suffix("'ll")
        && (english_small(number).is_some() || english_tens(number).is_some())
    {
        let number = Word {
            text: number.to_owned(),
            key: number.to_owned(),
            ..list[at].clone()
        };
        list[at] = number;
        list.insert(at + 1, Word::new("will"));
    }
}

/// "A pound and a half of", "un kilo et demi de", "half a litre", "un demi-litre": the amount,
/// where its unit stands, and how many words it takes.
fn halves(
    list: &[Word],
    at: usize,
    language: Language,
    lexicon: &Lexicon,
) -> Option<(String, usize, usize)> {
    // Money as well, but not in halves.
    let pound = |key: &str| matches!(key, "pound" | "pounds");
    let unit = |i: usize| {
        list.get(i)
            .is_some_and(|w| w.after.is_none() && (lexicon.units.contains(&w.key) || pound(&w.key)))
    };
    let (before, after): (&[&[&str]], &[&[&str]]) = match language {
        Language::En => (
            &[&["half", "a"], &["half", "an"], &["a", "half"], &["half"]],
            &[&["and", "a", "half"]],
        ),
        Language::Fr => (
            &[&["un", "demi"], &["une", "demi"], &["demi"]],
            &[&["et", "demi"], &["et", "demie"]],
        ),
    };
    if let Some(half) = before.iter().find(|half| stands(list, at, half))
        && unit(at + half.len())
    {
        return Some(("0.5".into(), at + half.len(), half.len() + 1));
    }
    let (whole, len) = match key(list, at) {
        "a" | "an" | "un" | "une" => (1, 1),
        _ => parse(list, at, language)?,
    };
    let half = after
        .iter()
        .find(|half| unit(at + len) && stands(list, at + len + 1, half))?;
    Some((format!("{whole}.5"), at + len, len + 1 + half.len()))
}

/// The length of a product name with a number in it that begins here.
fn kept(list: &[Word], at: usize, lexicon: &Lexicon) -> Option<usize> {
    lexicon.not_numbers.iter().find_map(|name| {
        let words: Vec<&str> = name.split(' ').collect();
        stands(list, at, &words).then_some(words.len())
    })
}

/// "a dozen", "half a dozen", "a couple of", "une douzaine de", "une demi-douzaine d'".
fn collective(list: &[Word], at: usize, language: Language) -> Option<(u32, usize)> {
    let table: &[(&[&str], u32)] = match language {
        Language::En => &[
            (&["half", "a", "dozen"], 6),
            (&["half", "dozen"], 6),
            (&["a", "half", "dozen"], 6),
            (&["a", "dozen"], 12),
            (&["one", "dozen"], 12),
            (&["two", "dozen"], 24),
            (&["three", "dozen"], 36),
            (&["a", "couple"], 2),
            (&["couple", "of"], 2),
            (&["dozen"], 12),
            (&["a", "fiver"], 5),
            (&["fiver"], 5),
            (&["a", "tenner"], 10),
            (&["tenner"], 10),
        ],
        Language::Fr => &[
            (&["une", "demi", "douzaine"], 6),
            (&["demi", "douzaine"], 6),
            (&["une", "douzaine"], 12),
            (&["deux", "douzaines"], 24),
            (&["trois", "douzaines"], 36),
            (&["douzaine"], 12),
            (&["une", "dizaine"], 10),
            (&["une", "quinzaine"], 15),
            (&["une", "vingtaine"], 20),
            (&["une", "trentaine"], 30),
            (&["une", "cinquantaine"], 50),
            (&["une", "centaine"], 100),
        ],
    };
    let (words, value) = table.iter().find(|(words, _)| stands(list, at, words))?;
    let mut len = words.len();
    // "a dozen of the", "une douzaine d'"
    if matches!(key(list, at + len), "of" | "de" | "d'") {
        len += 1;
    }
    Some((*value, len))
}

/// The number in words at `at`, and how many words it takes.
fn parse(list: &[Word], at: usize, language: Language) -> Option<(u32, usize)> {
    match language {
        Language::En => english(list, at),
        Language::Fr => french(list, at),
    }
}

fn english_small(word: &str) -> Option<u32> {
    let at = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    .iter()
    .position(|w| *w == word)?;
    u32::try_from(at).ok()
}

fn english_tens(word: &str) -> Option<u32> {
    let tens = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let word = if word == "fourty" { "forty" } else { word };
    tens.iter()
        .position(|w| *w == word)
        .and_then(|i| u32::try_from(20 + 10 * i).ok())
}

/// 0 to 99.
fn english_pair(list: &[Word], at: usize) -> Option<(u32, usize)> {
    if let Some(tens) = english_tens(key(list, at)) {
        let unit = english_small(key(list, at + 1))
            .filter(|u| (1..10).contains(u) && list[at + 1].after.is_none());
        return Some(unit.map_or((tens, 1), |u| (tens + u, 2)));
    }
    english_small(key(list, at)).map(|n| (n, 1))
}

fn english(list: &[Word], at: usize) -> Option<(u32, usize)> {
    let (mut value, mut len) = match key(list, at) {
        "a" if matches!(key(list, at + 1), "hundred" | "thousand") => (1, 1),
        "hundred" | "thousand" => (1, 0),
        word => match list[at].count() {
            Some(n) if matches!(key(list, at + 1), "hundred" | "thousand") => (n, 1),
            _ if word.is_empty() => return None,
            _ => english_pair(list, at)?,
        },
    };
    let follows = |len: usize| list.get(at + len).is_some_and(|w| w.after.is_none());
    let tail = |len: usize, below: u32| {
        let skip = usize::from(key(list, at + len) == "and");
        (follows(len) && follows(len + skip))
            .then(|| english_pair(list, at + len + skip))
            .flatten()
            .filter(|(n, _)| (1..below).contains(n))
            .map(|(n, l)| (n, l + skip))
    };
    if key(list, at + len) == "hundred" && value < 100 {
        value *= 100;
        len += 1;
        if let Some((n, l)) = tail(len, 100) {
            value += n;
            len += l;
        }
    }
    if key(list, at + len) == "thousand" && value < 1000 {
        value *= 1000;
        len += 1;
        if follows(len)
            && let Some((n, l)) = english_pair(list, at + len)
            && key(list, at + len + l) == "hundred"
        {
            value += n * 100;
            len += l + 1;
        }
        // "Between thirty thousand and forty thousand": the next number is not this one's end.
        if let Some((n, l)) = tail(len, 100)
            && key(list, at + len + l) != "thousand"
        {
            value += n;
            len += l;
        }
    }
    (len > 0).then_some((value, len))
}

fn french_small(word: &str) -> Option<u32> {
    if word == "une" {
        return Some(1);
    }
    let at = [
        "zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix",
        "onze", "douze", "treize", "quatorze", "quinze", "seize",
    ]
    .iter()
    .position(|w| *w == word)?;
    u32::try_from(at).ok()
}

/// 0 to 99.
fn french_pair(list: &[Word], at: usize) -> Option<(u32, usize)> {
    let next = |i: usize| {
        if list.get(at + i).is_some_and(|w| w.after.is_none()) {
            key(list, at + i)
        } else {
            ""
        }
    };
    // 1 to 9, and 10 to 19 where the tens allow it, perhaps after "et".
    let unit = |i: usize, teens: bool| -> Option<(u32, usize)> {
        let skip = usize::from(next(i) == "et");
        let word = next(i + skip);
        if skip == 1 && !matches!(word, "un" | "une" | "onze") {
            return None;
        }
        if teens && word == "dix" {
            let more = match next(i + skip + 1) {
                "sept" => 7,
                "huit" => 8,
                "neuf" => 9,
                _ => return Some((10, 1 + skip)),
            };
            return Some((10 + more, 2 + skip));
        }
        let n = french_small(word)?;
        // "vingt un" is 21 only with "et" or a hyphen; "une" begins the next noun phrase.
        if n == 1 && skip == 0 && list[at + i].glue != crate::nlu::words::Glue::Hyphen {
            return None;
        }
        ((1..10).contains(&n) || teens && n < 17).then_some((n, 1 + skip))
    };
    let (tens, len, teens) = match key(list, at) {
        "quatre" if matches!(next(1), "vingt" | "vingts") => (80, 2, true),
        "soixante" => (60, 1, true),
        "vingt" => (20, 1, false),
        "trente" => (30, 1, false),
        "quarante" => (40, 1, false),
        "cinquante" => (50, 1, false),
        "septante" => (70, 1, false),
        "huitante" | "octante" => (80, 1, false),
        "nonante" => (90, 1, false),
        "dix" if matches!(next(1), "sept" | "huit" | "neuf") => (10, 1, false),
        word => return french_small(word).map(|n| (n, 1)),
    };
    Some(unit(len, teens).map_or((tens, len), |(n, l)| (tens + n, len + l)))
}

/// 1 to 999.
fn french_hundreds(list: &[Word], at: usize) -> Option<(u32, usize)> {
    let follows = |len: usize| list.get(at + len).is_some_and(|w| w.after.is_none());
    let (mut value, mut len) = if matches!(key(list, at), "cent" | "cents") {
        (100, 1)
    } else {
        let (n, l) = french_pair(list, at)?;
        if !((2..10).contains(&n) && matches!(key(list, at + l), "cent" | "cents") && follows(l)) {
            return Some((n, l));
        }
        (n * 100, l + 1)
    };
    if follows(len)
        && let Some((n, l)) = french_pair(list, at + len)
        && n > 0
        && !matches!(key(list, at + len), "un" | "une")
    {
        value += n;
        len += l;
    }
    Some((value, len))
}

fn french(list: &[Word], at: usize) -> Option<(u32, usize)> {
    let (thousands, len) = if key(list, at) == "mille" {
        (1, 0)
    } else {
        let (n, l) = french_hundreds(list, at)?;
        if key(list, at + l) != "mille" || n < 2 {
            return Some((n, l));
        }
        (n, l)
    };
    let (mut value, mut len) = (thousands * 1000, len + 1);
    if list.get(at + len).is_some_and(|w| w.after.is_none())
        && !matches!(key(list, at + len), "un" | "une")
        && let Some((n, l)) = french_hundreds(list, at + len)
        && n > 0
    {
        value += n;
        len += l;
    }
    Some((value, len))
}

/// Whether number words stand for a number here: "one", "un" and "neuf" often do not.
fn is_meant(list: &[Word], at: usize, len: usize, value: u32, language: Language) -> bool {
    let before = if at == 0 { "" } else { key(list, at - 1) };
    let after = key(list, at + len);
    let ends = list.get(at + len).is_none_or(|w| w.after.is_some());
    match (language, value, len) {
        (Language::En, 1, 1) if key(list, at) == "one" => {
            let asked = [
                "", "add", "take", "want", "get", "have", "need", "just", "only", "to", "number",
                "order", "me", "remove", "and", "it", "quantity", "double", "size", "option", "at",
                "like", "zero", "oh", "past", "half", "buy",
            ];
            (after == "of" && matches!(before, "take" | "remove" | "drop")
                || after != "of" && asked.contains(&before)
                || list
                    .get(at.wrapping_sub(1))
                    .is_some_and(|w| w.number().is_some()))
                && !matches!(after, "that" | "which" | "with" | "for" | "i" | "is")
                || matches!(after, "o'clock" | "pm" | "am" | "percent" | "point")
                // "under one fifty"
                || english_tens(after).is_some()
                    && matches!(before, "under" | "below" | "than" | "over" | "above" | "max")
                || english_small(after).is_some()
        }
        (Language::Fr, 1, 1) => {
            matches!(before, "numero" | "quantite" | "zero" | "double")
                || matches!(after, "heure" | "h" | "virgule")
                || list
                    .get(at.wrapping_sub(1))
                    .is_some_and(|w| w.number().is_some())
                    && french_small(after).is_some()
                || key(list, at) == "un" && french_small(after).is_some_and(|n| n != 1)
        }
        (Language::Fr, 9, 1) => {
            // "un téléphone neuf", "à neuf" are new, not nine.
            let leads = [
                "",
                "taille",
                "pointure",
                "numero",
                "les",
                "mets",
                "mettez",
                "prends",
                "prendre",
                "veux",
                "voudrais",
                "moins",
                "faut",
                "commande",
                "plutot",
                "finalement",
                "vers",
                "par",
                "sur",
                "sept",
                "huit",
                "zero",
                "et",
                "ajoute",
                "ajoutez",
                "double",
            ];
            !ends
                || leads.contains(&before)
                || before.len() == 1
                || list
                    .get(at.wrapping_sub(1))
                    .is_some_and(|w| w.number().is_some())
        }
        _ => true,
    }
}

/// "nine and a half", "three point five", "quarante-deux et demi", "douze virgule cinq".
fn with_decimals(
    list: &[Word],
    at: usize,
    len: usize,
    value: u32,
    language: Language,
) -> (String, usize) {
    let next = at + len;
    let half: &[&[&str]] = match language {
        Language::En => &[&["and", "a", "half"]],
        Language::Fr => &[&["et", "demi"], &["et", "demie"]],
    };
    if let Some(words) = half.iter().find(|words| stands(list, next, words)) {
        return (format!("{value}.5"), len + words.len());
    }
    if matches!(key(list, next), "point" | "virgule")
        && let Some((n, l)) = parse(list, next + 1, language)
        && n < 100
    {
        return (format!("{value}.{n}"), len + 1 + l);
    }
    (value.to_string(), len)
}
