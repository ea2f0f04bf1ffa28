//! An utterance as words: what every tier but the model works on.
//!
//! A word keeps its spelling for the slots and has a folded key (no case, no diacritics) for
//! comparing, because recognisers drop accents. French elisions are words of their own
//! (`l'` `avoine`), hyphens separate (`avez` `vous`); both are put back when words are joined.

use std::fmt;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// How a word stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glue {
    /// A space between them.
    Space,
    /// A hyphen between them (`t-shirt`).
    Hyphen,
    /// Nothing between them (after `l'`).
    Nothing,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As said, lower case, without punctuation. Order numbers and codes are upper case.
    pub text: String,
    /// For comparing: lower case, without diacritics or apostrophe marks.
    pub key: String,
    /// How it follows the word before it.
    pub glue: Glue,
    /// The punctuation that parts it from the word before it, if any (`,` `.` `?` `;`).
    pub after: Option<char>,
}

impl Word {
    /// A word after a space.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            key: fold(text),
            glue: Glue::Space,
            after: None,
        }
    }

    /// Whether it is written in digits: `2`, `12.5`.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let digits = self.key.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (digits && self.key.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| self.key.parse().ok())
            .flatten()
    }

    /// Whether it is a whole number in digits, at most nine of them.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        let digits = self.key.bytes().all(|b| b.is_ascii_digit());
        (digits && self.key.len() <= 9)
            .then(|| self.key.parse().ok())
            .flatten()
    }
}

/// The words of an utterance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// In order.
    pub list: Vec<Word>,
    /// Whether it ended as a question.
    pub question: bool,
}

/// Lower case without diacritics, ligatures or typographic apostrophes.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                'œ' => out.push_str("oe"),
                'æ' => out.push_str("ae"),
                '’' | 'ʼ' | '`' | '‘' => out.push('\''),
                c => out.push(c),
            }
            out
        })
}

/// What is elided before a vowel in French.
const ELISIONS: &[&str] = &[
    "c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu",
];

/// Longest utterance that is looked at, in words: half from its beginning, half from its end.
pub const MOST_WORDS: usize = 160;

impl Words {
    /// Cuts a transcript into words. Never fails: what is no word is punctuation.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Words::default();
        let mut glue = Glue::Space;
        let mut after = None;
        let mut current = String::new();
        // Far beyond `MOST_WORDS`: bounds the work on a text of any length.
        let most = 64 * MOST_WORDS;
        let head: String = if text.chars().count() > 2 * most {
            let tail: String = text.chars().rev().take(most).collect();
            text.chars()
                .take(most)
                .chain([' '])
                .chain(tail.chars().rev())
                .collect()
        } else {
            text.to_owned()
        };
        let chars: Vec<char> = head.nfc().flat_map(char::to_lowercase).collect();
        for (i, &c) in chars.iter().enumerate() {
            let next = chars.get(i + 1).copied().unwrap_or(' ');
            let between_digits =
                next.is_ascii_digit() && current.ends_with(|p: char| p.is_ascii_digit());
            match c {
                '\'' | '’' | 'ʼ' | '`' | '‘' if !current.is_empty() && next.is_alphanumeric() =>
                {
                    current.push('\'');
                    if ELISIONS.contains(&fold(current.trim_end_matches('\'')).as_str()) {
                        words.push(&mut current, &mut glue, &mut after);
                        glue = Glue::Nothing;
                    }
                }
                // "12,50" and "12.50" are one number, "1,000" is a thousand.
                '.' | ',' if between_digits => {
                    let rest = chars[i + 1..]
                        .iter()
                        .take_while(|c| c.is_ascii_digit())
                        .count();
                    match (c, rest) {
                        (',', 3) if !current.contains('.') && current != "0" => {}
                        _ if rest <= 3 && !current.contains('.') => current.push('.'),
                        _ => {
                            words.push(&mut current, &mut glue, &mut after);
                            after = Some(',');
                        }
                    }
                }
                ':' if between_digits => current.push(':'),
                '-' | '‐' | '‑' | '/' if !current.is_empty() && next.is_alphanumeric() => {
                    words.push(&mut current, &mut glue, &mut after);
                    glue = Glue::Hyphen;
                }
                // "a.m." is "am".
                '.' if current.chars().count() == 1 && next.is_alphabetic() => {}
                '€' | '$' | '£' | '%' | '&' => {
                    words.push(&mut current, &mut glue, &mut after);
                    current = match c {
                        '€' => "euros",
                        '$' => "dollars",
                        '£' => "pounds",
                        '%' => "%",
                        _ => "and",
                    }
                    .to_owned();
                    words.push(&mut current, &mut glue, &mut after);
                }
                '°' if current == "n" => current = "numéro".to_owned(),
                c if c.is_alphanumeric() => current.push(c),
                c => {
                    words.push(&mut current, &mut glue, &mut after);
                    glue = Glue::Space;
                    if matches!(
                        c,
                        ',' | ';' | '.' | '?' | '!' | ':' | '…' | '\n' | '—' | '–'
                    ) {
                        after = Some(if c == '?' || c == ',' { c } else { '.' });
                        words.question = c == '?';
                    }
                }
            }
        }
        words.push(&mut current, &mut glue, &mut after);
        words.question &= after == Some('?');
        if words.list.len() > MOST_WORDS {
            let cut = words.list.len() - MOST_WORDS / 2;
            words.list.drain(MOST_WORDS / 2..cut);
        }
        words
    }

    fn push(&mut self, current: &mut String, glue: &mut Glue, after: &mut Option<char>) {
        if current.is_empty() {
            return;
        }
        let text = std::mem::take(current);
        let first = self.list.is_empty();
        let after = after.take().filter(|_| !first);
        let glue = std::mem::replace(glue, Glue::Space);
        let glue = if first || after.is_some() {
            Glue::Space
        } else {
            glue
        };
        self.list.push(Word {
            key: fold(&text),
            text,
            glue,
            after,
        });
    }

    /// The keys, for comparing.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|w| w.key.as_str())
    }
}

/// Words put back together, without punctuation.
#[must_use]
pub fn join(words: &[Word]) -> String {
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            match word.glue {
                Glue::Space => out.push(' '),
                Glue::Hyphen => out.push('-'),
                Glue::Nothing => {}
            }
        }
        out.push_str(&word.text);
    }
    out
}

impl fmt::Display for Words {
    /// The utterance in one line: lower case, with the punctuation that separates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut start = 0;
        for (i, word) in self.list.iter().enumerate().skip(1) {
            if let Some(mark) = word.after {
                write!(f, "{}{mark} ", join(&self.list[start..i]))?;
                start = i;
            }
        }
        f.write_str(&join(&self.list[start..]))?;
        if self.question {
            f.write_str("?")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        Words::of(text).list.into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn elisions_and_hyphens_are_parted_and_put_back() {
        assert_eq!(
            cut("Avez-vous du lait d’avoine ?"),
            ["avez", "vous", "du", "lait", "d'", "avoine"]
        );
        assert_eq!(
            Words::of("Avez-vous du lait d’avoine ?").to_string(),
            "avez-vous du lait d'avoine?"
        );
        assert_eq!(
            cut("What's in my T-shirt, aujourd'hui"),
            ["what's", "in", "my", "t", "shirt", "aujourd'hui"]
        );
    }

    #[test]
    fn numbers_keep_their_decimals_and_currency_signs_become_words() {
        assert_eq!(
            cut("12,50€ or $3.99, 1,000 at 9:30 a.m."),
            [
                "12.50", "euros", "or", "dollars", "3.99", "1000", "at", "9:30", "am"
            ]
        );
    }

    #[test]
    fn nothing_but_noise_is_no_word() {
        assert!(Words::of(" … !!! 🙂 ").list.is_empty());
        assert_eq!(Words::of(&"la ".repeat(100_000)).list.len(), MOST_WORDS);
    }
}
