//! Word errors: what the recogniser wrote against what was said.

use serde::Serialize;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// Errors over words, and apart from it over the words of product names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WordErrors {
    /// Words said.
    pub words: usize,
    /// Insertions, deletions and substitutions (Levenshtein distance over words).
    pub errors: usize,
    /// Words said that occur in product names.
    pub product_words: usize,
    /// Of these, how many were not written.
    pub product_missed: usize,
}

impl WordErrors {
    /// Adds one recording.
    pub fn add(&mut self, said: &str, written: &str, product_names: &HashSet<String>) {
        let (said, written) = (words(said), words(written));
        self.words += said.len();
        self.errors += strsim::generic_levenshtein(&said, &written);
        let mut left = written;
        for word in said.iter().filter(|w| product_names.contains(*w)) {
            self.product_words += 1;
            match left.iter().position(|w| w == word) {
                Some(i) => {
                    left.swap_remove(i);
                }
                None => self.product_missed += 1,
            }
        }
    }

    /// Errors per word said, 0 to 1 and beyond.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.words > 0).then(|| self.errors as f64 / self.words as f64)
    }

    /// Missed product words per product word said, 0 to 1.
    #[must_use]
    pub fn product_rate(&self) -> Option<f64> {
        (self.product_words > 0).then(|| self.product_missed as f64 / self.product_words as f64)
    }
}

/// The words of a text: lower case, no punctuation, apostrophes and hyphens part words. Accents
/// count.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.nfc()
        .collect::<String>()
        .to_lowercase()
        .replace('%', " percent ")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_product_word_is_counted_twice() {
        let names: HashSet<String> = ["mocha", "iced"].map(str::to_owned).into();
        let mut e = WordErrors::default();
        e.add("An iced mocha, please.", "an iced marker please", &names);
        assert_eq!(
            e,
            WordErrors {
                words: 4,
                errors: 1,
                product_words: 2,
                product_missed: 1
            }
        );
        e.add("l'eau", "l eau", &names);
        assert_eq!((e.words, e.errors), (6, 1));
        assert_eq!(e.rate(), Some(1.0 / 6.0));
    }
}
