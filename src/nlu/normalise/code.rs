//! Order numbers as people spell them: letters, NATO words, digits, "double", "oh".

use super::{key, replace};
use crate::nlu::{
    lexicon::Lexicon,
    words::{Glue, Word},
};

/// The ICAO/NATO spelling alphabet, both common spellings.
const NATO: &[(&str, char)] = &[
    ("alpha", 'A'),
    ("alfa", 'A'),
    ("bravo", 'B'),
    ("charlie", 'C'),
    ("delta", 'D'),
    ("echo", 'E'),
    ("foxtrot", 'F'),
    ("golf", 'G'),
    ("hotel", 'H'),
    ("india", 'I'),
    ("juliet", 'J'),
    ("juliett", 'J'),
    ("juliette", 'J'),
    ("kilo", 'K'),
    ("lima", 'L'),
    ("mike", 'M'),
    ("november", 'N'),
    ("novembre", 'N'),
    ("oscar", 'O'),
    ("papa", 'P'),
    ("quebec", 'Q'),
    ("romeo", 'R'),
    ("sierra", 'S'),
    ("tango", 'T'),
    ("uniform", 'U'),
    ("victor", 'V'),
    ("whiskey", 'W'),
    ("whisky", 'W'),
    ("xray", 'X'),
    ("yankee", 'Y'),
    ("zulu", 'Z'),
    ("zoulou", 'Z'),
];

/// One spelled piece: what it adds, and how many words it took.
struct Piece {
    text: String,
    words: usize,
    nato: bool,
}

pub(super) fn write(list: &mut Vec<Word>, lexicon: &Lexicon, asked: bool) {
    let mut at = 0;
    while at < list.len() {
        // "Order A7K2 for a 16": the cue was for the number before.
        let cued = asked
            || list[at.saturating_sub(4)..at]
                .iter()
                .rev()
                .take_while(|w| !w.key.bytes().any(|b| b.is_ascii_digit()))
                .any(|w| lexicon.code_cues.contains(&w.key));
        if let Some((code, len)) = spelled(list, at, cued) {
            replace(list, at..at + len, &code);
        }
        at += 1;
    }
}

/// The order number that begins at `at`.
fn spelled(list: &[Word], at: usize, cued: bool) -> Option<(String, usize)> {
    let mut code = String::new();
    let mut len = 0;
    let mut pieces = 0;
    let mut nato = 0;
    let mut single_digits = 0;
    let mut single_letters = 0;
    while let Some(piece) = piece(list, at + len, !code.is_empty()) {
        // "La commande 405 a été débitée": the verb, not the letter.
        if len > 0 && piece.text == "A" && is_verb(list, at + len) {
            break;
        }
        // A sentence's end parts two things; a comma is how a recogniser writes a pause.
        if len > 0 && list[at + len].after.is_some_and(|c| c != ',') && !cued {
            break;
        }
        // Between letters an "o" is one: "S O L D E S".
        let next = key(list, at + len + 1);
        let lettered = code.ends_with(|c: char| c.is_ascii_alphabetic())
            && next.len() == 1
            && next.bytes().all(|b| b.is_ascii_alphabetic());
        if key(list, at + len) == "o" && lettered {
            code.push('O');
            single_letters += 1;
        } else {
            code.push_str(&piece.text);
        }
        len += piece.words;
        pieces += 1;
        nato += usize::from(piece.nato);
        single_digits +=
            usize::from(piece.text.len() == 1 && piece.text.as_bytes()[0].is_ascii_digit());
        single_letters +=
            usize::from(piece.text.len() == 1 && piece.text.as_bytes()[0].is_ascii_uppercase());
        if piece.text.len() == 1
            && let Some(words) = exampled(list, at + len, &piece.text.to_lowercase())
        {
            len += words;
            nato += 2;
        }
    }
    // "06K2, le K comme Kévin"
    let letter = key(list, at + len + 1);
    if matches!(key(list, at + len), "le" | "the")
        && letter.len() == 1
        && code.contains(&letter.to_uppercase())
        && let Some(words) = exampled(list, at + len + 2, letter)
    {
        len += 2 + words;
    }
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    let letters = code.len() - digits;
    // "S O L D E S": four letters and more are spelled even without a digit.
    let letters_alone = digits == 0 && single_letters < 4;
    if letters_alone || code.len() < 3 || code.len() > 24 {
        return None;
    }
    let opens = key(list, at);
    if matches!(opens, "a" | "i" | "y" | "o" | "oh") && !(cued && len > 1) && pieces < 4 {
        return None;
    }
    // "3 boîtes de" ends in a word; "42 m" may be a size, "500 g" a weight.
    let enough = if cued {
        pieces >= 2 || letters > 0
    } else if letters == 0 {
        single_digits >= 4 && single_digits == pieces
    } else {
        single_letters >= 4
            || single_letters >= 1 && single_digits >= 3 && single_letters + single_digits == pieces
            || nato >= 2 && pieces >= 3
            || runs(&code) >= 4 && code.len() >= 5 && longest_run(&code) <= 2
            || pieces >= 4 && single_digits >= 2 && !code.starts_with(|c: char| c.is_ascii_digit())
    };
    enough.then_some((code, len))
}

/// How many words say by example which letter was meant: "(A) comme Anatole", "(B) for bravo",
/// "(K) as in kilo".
fn exampled(list: &[Word], at: usize, letter: &str) -> Option<usize> {
    let tie = match (key(list, at), key(list, at + 1)) {
        ("comme" | "like" | "for", _) => 1,
        ("as", "in") => 2,
        _ => return None,
    };
    let example = key(list, at + tie);
    (example.len() > 2 && example.starts_with(letter) && example != "the").then_some(tie + 1)
}

/// Whether the "a" at `at` is French "has": a participle or a pronoun follows, no spelling.
fn is_verb(list: &[Word], at: usize) -> bool {
    key(list, at) == "a"
        && list.get(at + 1).is_some_and(|next| {
            next.after.is_none()
                && next.key.len() > 2
                && !matches!(
                    next.key.as_str(),
                    "comme" | "like" | "for" | "and" | "double"
                )
                && piece(list, at + 1, true).is_none()
        })
}

fn piece(list: &[Word], at: usize, inside: bool) -> Option<Piece> {
    let word = list.get(at)?;
    let one = |text: String, nato| {
        Some(Piece {
            text,
            words: 1,
            nato,
        })
    };
    let text = word.key.as_str();
    if let Some((_, letter)) = NATO.iter().find(|(name, _)| *name == text) {
        return one(letter.to_string(), true);
    }
    match text {
        "x" if key(list, at + 1) == "ray" => {
            return Some(Piece {
                text: "X".into(),
                words: 2,
                nato: true,
            });
        }
        "double" | "triple" => {
            if text == "double" && matches!(key(list, at + 1), "v" | "u" | "you") {
                return Some(Piece {
                    text: "W".into(),
                    words: 2,
                    nato: false,
                });
            }
            let next = piece(list, at + 1, true)?;
            if next.text.len() != 1 {
                return None;
            }
            let times = if text == "double" { 2 } else { 3 };
            return Some(Piece {
                text: next.text.repeat(times),
                words: next.words + 1,
                nato: true,
            });
        }
        "oh" | "o" if inside || next_is_digit(list, at) => return one("0".into(), false),
        "dash" | "hyphen" | "tiret" | "slash" if inside => return one(String::new(), false),
        _ => {}
    }
    if text.bytes().all(|b| b.is_ascii_digit()) && text.len() <= 12 {
        return one(text.to_owned(), false);
    }
    // A letter by itself; with a digit after it in one breath ("a7"), also groups ("k2p9").
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let unit = matches!(
        text,
        "g" | "l" | "kg" | "ml" | "cl" | "cm" | "mm" | "xl" | "xs"
    );
    if text.len() == 1 && plain {
        let alone = inside && text == "a" && key(list, at + 1).is_empty();
        return (!(inside && unit && list[at].glue == Glue::Space && text == "g" || alone)).then(
            || Piece {
                text: text.to_uppercase(),
                words: 1,
                nato: false,
            },
        );
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // "k2p9" in one breath; a whole number as typed ("f8jc4t") takes turns.
    let few_letters = text.len() - digits <= 3 && text.len() <= 12;
    let typed = (5..=10).contains(&text.len()) && runs(text) >= 3;
    (plain && digits > 0 && (few_letters || typed)).then(|| Piece {
        text: text.to_uppercase(),
        words: 1,
        nato: false,
    })
}

fn next_is_digit(list: &[Word], at: usize) -> bool {
    list.get(at + 1)
        .is_some_and(|w| w.count().is_some() || w.key == "oh" || w.key == "o")
}

/// How often letters and digits take turns, plus one.
fn runs(code: &str) -> usize {
    let kinds: Vec<bool> = code.bytes().map(|b| b.is_ascii_digit()).collect();
    1 + kinds.windows(2).filter(|w| w[0] != w[1]).count()
}

fn longest_run(code: &str) -> usize {
    let mut longest = 0;
    let mut current = 0;
    let mut last = None;
    for b in code.bytes() {
        let kind = b.is_ascii_digit();
        current = if last == Some(kind) { current + 1 } else { 1 };
        last = Some(kind);
        longest = longest.max(current);
    }
    longest
}
