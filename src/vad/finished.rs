//! Whether words sound finished.

use crate::lang::Language;
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unfinished {
    en: Vec<String>,
    fr: Vec<String>,
}

static UNFINISHED: LazyLock<Unfinished> = LazyLock::new(|| {
    let read = |text: &str| {
        let mut lists: Unfinished = toml::from_str(text)?;
        for phrase in lists.en.iter_mut().chain(&mut lists.fr) {
            *phrase = plain(phrase);
        }
        Ok::<_, toml::de::Error>(lists)
    };
    // Part of the program, read by a test: not input.
    read(include_str!("../../assets/vad/unfinished.toml")).unwrap_or(Unfinished {
        en: Vec::new(),
        fr: Vec::new(),
    })
});

/// Whether a transcript sounds like all that the shopper wants to say. It does not after "I'd
/// like a", nor in the middle of a number that was asked for (`number`).
#[must_use]
pub fn sounds_finished(transcript: &str, language: Language, number: bool) -> bool {
    if transcript.trim_end().ends_with("...") || transcript.trim_end().ends_with('…') {
        return false;
    }
    let said = format!(" {}", plain(transcript));
    let list = match language {
        Language::En => &UNFINISHED.en,
        Language::Fr => &UNFINISHED.fr,
    };
    if list.iter().any(|end| said.ends_with(&format!(" {end}"))) {
        return false;
    }
    let digits = transcript.chars().filter(char::is_ascii_digit).count();
    let letters = transcript.chars().filter(|c| c.is_alphanumeric()).count();
    // Half a number: most of it digits, and few of them.
    !(number && digits > 0 && letters <= 4)
}

/// Lower case, one space between words, no punctuation but apostrophes and hyphens.
fn plain(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .replace(['’', '‘'], "'")
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '\'' | '-') {
                c
            } else {
                ' '
            }
        })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{En, Fr};

    #[test]
    fn words_that_want_more_are_not_finished() {
        for (language, said, finished) in [
            (En, "I'd like a", false),
            (En, "I want...", false),
            (En, "Add two croissants and", false),
            (En, "I'd like a latte.", true),
            (En, "yes", true),
            (Fr, "Je voudrais un", false),
            (Fr, "Je voudrais un café.", true),
            (Fr, "Un café avec…", false),
        ] {
            assert_eq!(sounds_finished(said, language, false), finished, "{said}");
        }
        assert!(!UNFINISHED.en.is_empty());
    }

    #[test]
    fn half_a_number_that_was_asked_for_is_not_finished() {
        assert!(!sounds_finished("A7", En, true));
        assert!(sounds_finished("A7K2P9", En, true));
        assert!(sounds_finished("two", En, false));
        assert!(sounds_finished("I don't know it.", En, true));
    }
}
