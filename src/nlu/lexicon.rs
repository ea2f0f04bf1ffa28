//! What a language's words are: articles, colours, sizes, ordinals, currencies.
//!
//! Read from `assets/nlu/words.LANG.toml`, which is part of the program.

use super::words::{Word, fold};
use crate::lang::Language;
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// The closed word classes of one language. All words are folded (no case, no accents).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lexicon {
    /// Words that a product name or a search does not hold (`and`, `is`, `I`).
    pub breakers: HashSet<String>,
    /// Articles, partitives and possessives: dropped at the beginning of a slot.
    pub articles: HashSet<String>,
    /// Words that stand for a product (`it`, `that one`): no slot value.
    pub pronouns: HashSet<String>,
    /// Colour words and phrases, with shade words apart.
    pub colors: HashSet<String>,
    /// Words that go with a colour (`dark`, `clair`).
    pub shades: HashSet<String>,
    /// Size words, to how they are written in a slot.
    pub sizes: HashMap<String, String>,
    /// Position words: 1 is the first, -1 the last.
    pub ordinals: HashMap<String, i32>,
    /// Names of money.
    pub currencies: HashSet<String>,
    /// Counted containers, dropped between number and product (`two bags of`).
    pub containers: HashSet<String>,
    /// Weights and volumes, which make a size (`500 g`, `2 litres`).
    pub units: HashSet<String>,
    /// Words that tie a container or a unit to its product (`of`, `de`).
    pub of: HashSet<String>,
    /// Materials.
    pub materials: HashSet<String>,
    /// Brands that everybody knows, so that they are told apart from the product.
    pub brands: HashSet<String>,
    /// Drinks and food made to order, which are ordered rather than searched.
    pub made_to_order: HashSet<String>,
    /// People that something is for.
    pub recipients: HashSet<String>,
    /// Occasions.
    pub occasions: HashSet<String>,
    /// Names of languages, to ISO 639-1.
    pub languages: HashMap<String, String>,
    /// Hesitation and politeness: dropped anywhere.
    pub fillers: Vec<String>,
    /// Openings that say nothing: dropped at the beginning.
    pub openings: Vec<String>,
    /// Endings that say nothing: dropped at the end.
    pub endings: Vec<String>,
    /// Words by which this language is told from the other.
    pub telltale: HashSet<String>,
    /// Weekdays, Monday first.
    pub weekdays: Vec<String>,
    /// Months, January first.
    pub months: Vec<String>,
    /// Other dates, kept as said when there is no clock.
    pub dates: HashSet<String>,
    /// Words that only make a date beside a weekday or a month (`next`, `of`).
    pub date_words: HashSet<String>,
    /// Product names that hold a number word, which stays a word (`seven up`).
    pub not_numbers: Vec<String>,
    /// Words after which letters and digits are an order number (`order`, `commande`).
    pub code_cues: HashSet<String>,
    /// Words with which people correct what they just said (`no wait`, `enfin`).
    pub corrections: Vec<String>,
    /// Products whose colour word is part of their name (`wine`: red wine, `thé`: thé vert).
    pub color_nouns: HashSet<String>,
    /// Products of two words joined by "and": never cut there.
    pub pairs: Vec<String>,
    /// Words that begin a price limit, and what it is.
    pub limits: Limits,
    /// Words that join two requests.
    pub joints: Vec<String>,
    /// What must have been said, in part, before a model's word for it is taken: by intent, or
    /// by `intent.slot.word`; beginnings of words.
    pub evidence: HashMap<String, Vec<String>>,
    /// How options of made-to-order products are said.
    pub options: super::made_to_order::Options,
}

/// How price limits are said: phrases before the amount.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// `under`, `à moins de`
    pub max: Vec<String>,
    /// `over`, `à partir de`
    pub min: Vec<String>,
    /// `between`, `entre`
    pub between: Vec<String>,
    /// What stands between the two amounts of a range.
    pub to: Vec<String>,
    /// What makes the amount before it a maximum (`20 euros maximum`).
    pub after_max: Vec<String>,
}

static EN: LazyLock<Lexicon> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/words.en.toml")));
static FR: LazyLock<Lexicon> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/words.fr.toml")));

fn read(text: &str) -> Lexicon {
    // Part of the program, read by a test: not input.
    let mut lexicon: Lexicon = toml::from_str(text).expect("the bundled word file is well formed");
    lexicon.fold_all();
    lexicon
}

impl Lexicon {
    /// The lexicon of a language.
    #[must_use]
    pub fn of(language: Language) -> &'static Lexicon {
        match language {
            Language::En => &EN,
            Language::Fr => &FR,
        }
    }

    /// The files are written with accents, for people; comparing is without.
    fn fold_all(&mut self) {
        for set in [
            &mut self.breakers,
            &mut self.articles,
            &mut self.pronouns,
            &mut self.colors,
            &mut self.shades,
            &mut self.currencies,
            &mut self.containers,
            &mut self.units,
            &mut self.of,
            &mut self.materials,
            &mut self.brands,
            &mut self.made_to_order,
            &mut self.recipients,
            &mut self.occasions,
            &mut self.telltale,
            &mut self.dates,
            &mut self.date_words,
            &mut self.code_cues,
            &mut self.color_nouns,
        ] {
            *set = set.iter().map(|w| fold(w)).collect();
        }
        for list in [
            &mut self.fillers,
            &mut self.openings,
            &mut self.endings,
            &mut self.weekdays,
            &mut self.months,
            &mut self.not_numbers,
            &mut self.corrections,
            &mut self.pairs,
            &mut self.joints,
            &mut self.limits.max,
            &mut self.limits.min,
            &mut self.limits.between,
            &mut self.limits.to,
            &mut self.limits.after_max,
            &mut self.options.whole,
            &mut self.options.ingredients,
            &mut self.options.amounts,
            &mut self.options.ties,
        ] {
            for word in list {
                *word = fold(word);
            }
        }
        for beginnings in self.evidence.values_mut() {
            for word in beginnings {
                *word = fold(word);
            }
        }
        self.sizes = self.sizes.drain().map(|(k, v)| (fold(&k), v)).collect();
        self.ordinals = self.ordinals.drain().map(|(k, v)| (fold(&k), v)).collect();
        self.languages = self.languages.drain().map(|(k, v)| (fold(&k), v)).collect();
    }

    /// The position that words say.
    #[must_use]
    pub fn ordinal(&self, words: &[Word]) -> Option<i32> {
        let key = phrase(words);
        if let Some(n) = self.ordinals.get(&key) {
            return Some(*n);
        }
        // 1st, 2nd, 3e, 4eme
        let [word] = words else { return None };
        let digits = word.key.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let suffix = &word.key[digits.len()..];
        let known = [
            "st", "nd", "rd", "th", "e", "er", "ere", "eme", "ieme", "nde",
        ];
        (known.contains(&suffix))
            .then(|| digits.parse().ok())
            .flatten()
            .filter(|n| *n > 0)
    }

    /// Whether words are a size: `42`, `9.5`, `xl`, `extra large`.
    #[must_use]
    pub fn is_size(&self, words: &[Word]) -> bool {
        self.size(words).is_some()
    }

    /// A size as it is written in a slot.
    #[must_use]
    pub fn size(&self, words: &[Word]) -> Option<String> {
        if let [word] = words
            && word.number().is_some_and(|n| n > 0.0 && n < 250.0)
        {
            return Some(word.key.clone());
        }
        self.sizes.get(&phrase(words)).cloned()
    }

    /// Whether words say what an intent or a slot's value needs to be said (`evidence`); what
    /// needs nothing is always evident.
    #[must_use]
    pub fn evident(&self, key: &str, words: &[Word]) -> bool {
        self.evidence.get(key).is_none_or(|beginnings| {
            let said = |b: &String| words.iter().any(|w| w.key.starts_with(b.as_str()));
            beginnings.iter().any(said)
        })
    }

    /// Whether words are a colour: `red`, `dark blue`, `bleu marine`.
    #[must_use]
    pub fn is_color(&self, words: &[Word]) -> bool {
        self.colors.contains(&phrase(words))
            || words.len() == 2
                && words.iter().any(|w| self.shades.contains(&w.key))
                && words.iter().any(|w| self.colors.contains(&w.key))
    }

    /// Whether words are a date: ISO, or as said.
    #[must_use]
    pub fn is_date(&self, words: &[Word]) -> bool {
        if let [word] = words
            && is_iso_date(&word.key)
        {
            return true;
        }
        self.dates.contains(&phrase(words))
            || words
                .iter()
                .any(|w| self.weekdays.contains(&w.key) || self.months.contains(&w.key))
                && words.iter().all(|w| {
                    self.weekdays.contains(&w.key)
                        || self.months.contains(&w.key)
                        || self.date_words.contains(&w.key)
                        || w.count().is_some()
                        || self.ordinal(std::slice::from_ref(w)).is_some()
                })
    }
}

/// The language whose telltale words an utterance holds more of; `None` when it is even.
#[must_use]
pub fn guess_language(text: &str) -> Option<Language> {
    let words = super::words::Words::of(text);
    let count = |lexicon: &Lexicon| {
        words
            .keys()
            .filter(|k| lexicon.telltale.contains(*k))
            .count()
    };
    // English has no accents to speak of.
    let accents = usize::from(text.chars().any(|c| "éèêàâçùûôîœÉÀÇ".contains(c)));
    let (en, fr) = (count(&EN), count(&FR) + accents);
    match en.cmp(&fr) {
        std::cmp::Ordering::Greater => Some(Language::En),
        std::cmp::Ordering::Less => Some(Language::Fr),
        std::cmp::Ordering::Equal => None,
    }
}

/// Whether a word is an ISO date, `2026-05-03`.
#[must_use]
pub fn is_iso_date(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        })
}

/// The keys of words with spaces between (elisions and hyphens too).
#[must_use]
pub fn phrase(words: &[Word]) -> String {
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 && !out.ends_with('\'') {
            out.push(' ');
        }
        out.push_str(&word.key);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlu::words::Words;

    #[test]
    fn both_word_files_are_well_formed() {
        for language in Language::ALL {
            let lexicon = Lexicon::of(language);
            assert_eq!((lexicon.weekdays.len(), lexicon.months.len()), (7, 12));
        }
    }

    #[test]
    fn a_language_is_told_by_its_small_words() {
        assert_eq!(guess_language("Where is my order?"), Some(Language::En));
        assert_eq!(guess_language("c'est où les toilettes"), Some(Language::Fr));
        assert_eq!(guess_language("oui"), Some(Language::Fr));
        assert_eq!(guess_language("pizza"), None);
    }

    #[test]
    fn colours_sizes_and_positions_are_told() {
        let fr = Lexicon::of(Language::Fr);
        assert!(fr.is_color(&Words::of("bleu foncé").list));
        assert_eq!(fr.ordinal(&Words::of("deuxième").list), Some(2));
        let en = Lexicon::of(Language::En);
        assert_eq!(en.size(&Words::of("Extra Large").list), Some("xl".into()));
        assert_eq!(en.ordinal(&Words::of("22nd").list), Some(22));
        assert!(en.is_date(&Words::of("next Friday").list));
        assert!(!en.is_date(&Words::of("next").list));
    }
}
