//! Reading from the full-text index the products that may be meant, and how well each is.

use super::lexicon::{Reach, Term, Vocabulary};
use crate::{
    lang::Language,
    shop::{
        search::MatchKind,
        words::{fold, is_stop_word},
    },
};
use rusqlite::Row;
use std::collections::HashMap;

/// A product that may be meant, as the index gave it.
pub(super) struct Candidate {
    pub product: i64,
    pub id: String,
    pub group: Option<String>,
    pub color: Option<String>,
    pub size: Option<String>,
    /// What is to be paid now, minor units.
    pub price: i64,
    pub stock: Option<u32>,
    pub available: bool,
    pub stars: Option<f32>,
    pub reviews: u32,
    pub score: f32,
    pub matched: MatchKind,
    shown: String,
    title: String,
    synonyms: String,
    attributes: String,
    body: String,
}

/// The columns that [`Candidate::from_row`] reads. `:now` is ms since 1970.
pub(super) const COLUMNS: &str = "p.key, p.id, p.item_group_id, t.color, t.size, \
     CASE WHEN p.sale_price IS NOT NULL AND coalesce(p.sale_from, :now) <= :now \
          AND (p.sale_until IS NULL OR p.sale_until > :now) \
          THEN p.sale_price ELSE p.price END AS current, \
     p.stock, p.available, p.stars, p.reviews, \
     t.title_words, t.synonym_words, t.attribute_words, t.body_words, t.title";

/// A word of the query as it was said.
pub(super) struct Said {
    /// In lower case.
    pub word: String,
    /// And without diacritics.
    pub folded: String,
}

impl Said {
    /// The words of a query that say something.
    pub(super) fn words(text: &str, language: Language) -> Vec<Self> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| Self {
                word: word.to_owned(),
                folded: fold(word),
            })
            .filter(|said| !is_stop_word(&said.folded, language) && said.word.chars().count() > 1)
            .take(16)
            .collect()
    }
}

/// Where a word stands says how much it is about the product.
const TITLE: f32 = 1.0;
const SYNONYM: f32 = 0.97;
const VARIANT: f32 = 0.95;
const ATTRIBUTE: f32 = 0.85;
const BODY: f32 = 0.5;

impl Candidate {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            product: row.get(0)?,
            id: row.get(1)?,
            group: row.get(2)?,
            color: row.get(3)?,
            size: row.get(4)?,
            price: row.get(5)?,
            stock: row.get(6)?,
            available: row.get(7)?,
            stars: row.get(8)?,
            reviews: row.get(9)?,
            title: row.get(10)?,
            synonyms: row.get(11)?,
            attributes: row.get(12)?,
            body: row.get(13)?,
            shown: row.get(14)?,
            score: 0.0,
            matched: MatchKind::Filter,
        })
    }

    pub(super) fn can_be_had(&self, spoken_for: &HashMap<String, u32>) -> bool {
        let taken = spoken_for.get(&self.id).copied().unwrap_or(0);
        self.available && self.stock.is_none_or(|stock| stock > taken)
    }

    /// Whether a stem is anywhere in its texts.
    pub(super) fn mentions(&self, stem: &str) -> bool {
        [&self.title, &self.synonyms, &self.attributes, &self.body]
            .iter()
            .any(|field| field.split_whitespace().any(|word| word == stem))
    }

    /// Its name, its whole title and its synonyms, as stems.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &str> {
        let name = self.title.split('|').next().unwrap_or_default();
        [name, self.title.as_str()]
            .into_iter()
            .chain(self.synonyms.lines())
    }

    /// How much of the hints' weight its texts have, 0 to 1.
    pub(super) fn share_of(&self, hints: &[Term]) -> f32 {
        let all: f32 = hints.iter().map(|t| t.weight).sum();
        let has = |t: &&Term| t.meanings.iter().any(|m| self.mentions(&m.stem));
        let found: f32 = hints.iter().filter(has).map(|t| t.weight).sum();
        if all > 0.0 { found / all } else { 0.0 }
    }

    /// How much of what was said stands in the title letter for letter: it tells "pâté" from
    /// "pâtes". Without its accents a word counts nearly as much: keyboards lack them.
    fn literal(&self, said: &[Said]) -> f32 {
        let shown = self.shown.to_lowercase();
        let words = || shown.split(|c: char| !c.is_alphanumeric());
        let worth = |said: &Said| {
            if words().any(|word| word == said.word) {
                1.0
            } else if said.word == said.folded && words().any(|w| fold(w) == said.folded) {
                0.8
            } else {
                0.0
            }
        };
        let sum: f32 = said.iter().map(worth).sum();
        if said.is_empty() {
            0.0
        } else {
            sum / said.len() as f32
        }
    }

    /// Sets `score` and `matched` by the words of the query.
    pub(super) fn rate(&mut self, terms: &[Term], said: &[Said], vocabulary: &Vocabulary) {
        let mut best = vec![(0.0_f32, Reach::Same); terms.len()];
        let mut meant: HashMap<&str, Vec<(usize, f32, Reach)>> = HashMap::new();
        for (i, term) in terms.iter().enumerate() {
            for m in &term.meanings {
                let entry = meant.entry(m.stem.as_str()).or_default();
                entry.push((i, m.quality, m.reach));
            }
        }
        let mut look = |text: &str, worth: f32| {
            for word in text.split_whitespace() {
                for &(i, quality, reach) in meant.get(word).into_iter().flatten() {
                    if quality * worth > best[i].0 {
                        best[i] = (quality * worth, reach);
                    }
                }
            }
        };
        let (name, variant) = self.title.split_once('|').unwrap_or((&self.title, ""));
        look(name, TITLE);
        look(variant, VARIANT);
        look(&self.synonyms, SYNONYM);
        look(&self.attributes, ATTRIBUTE);
        look(&self.body, BODY);

        let all: f32 = terms.iter().map(|t| t.weight).sum();
        let found: f32 = terms
            .iter()
            .zip(&best)
            .map(|(t, (q, _))| t.weight * q)
            .sum();
        let coverage = if all > 0.0 { found / all } else { 0.0 };
        let is_meant = |word: &str| {
            meant
                .get(word)
                .into_iter()
                .flatten()
                .map(|(_, quality, _)| *quality)
                .fold(0.0, f32::max)
        };
        // How much of the product's own name was said, by the name or one of its synonyms.
        let literal = self.literal(said);
        let said = |phrase: &str| {
            let (mut said, mut all) = (0.0, 0.0);
            for word in phrase.split_whitespace().filter(|w| !w.starts_with(HEAD)) {
                let weight = vocabulary.weight(word);
                all += weight;
                said += weight * is_meant(word);
            }
            if all > 0.0 { said / all } else { 0.0 }
        };
        let by_synonym = self.synonyms.lines().map(said).fold(0.0, f32::max);
        let by_name = said(name);
        let head = name
            .split_whitespace()
            .find_map(|word| word.strip_prefix(HEAD))
            .map_or(0.0, is_meant)
            .max(if by_synonym > 0.99 { 0.97 } else { 0.0 });
        let precision = by_name.max(by_synonym * 0.95);

        let every = best.iter().all(|(quality, _)| *quality > 0.0);
        let worst = best
            .iter()
            .filter(|(quality, _)| *quality > 0.0)
            .map(|(_, reach)| *reach)
            .max()
            .unwrap_or(Reach::Alike);
        self.matched = match (every, worst) {
            (_, Reach::Alike) => MatchKind::Similar,
            (false, _) => MatchKind::SomeWords,
            (true, Reach::Prefix) => MatchKind::Prefix,
            (true, Reach::Same) => MatchKind::Words,
        };
        let score = coverage * (0.55 + 0.24 * precision + 0.16 * head + 0.05 * literal);
        self.score = match self.matched {
            MatchKind::SomeWords => score * 0.7,
            // As heard, the words are not in the catalog: never a sure match.
            MatchKind::Similar if every => score.min(0.7),
            MatchKind::Similar => score * 0.6,
            _ => score,
        };
    }
}

/// Marks the head of a title's name: the word that says what it is.
pub(in crate::shop::store) const HEAD: char = '=';
