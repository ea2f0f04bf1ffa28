//! Catalog search: words to products.
//!
//! The words are stemmed ([`words::stems`]) and each gets its meanings among the catalog's own
//! words: the same, begun by it, spelled like it ([`lexicon`]). The full-text index gives
//! candidates, which are rated by which words stand where ([`candidate`]). What the session's
//! language does not know is looked for in the other one. Where nothing is found the filters
//! are dropped one at a time ([`filter`]), and last, names are compared by trigrams.

mod candidate;
mod exclude;
mod filter;
mod lexicon;
mod trigrams;
mod variants;

pub(in crate::shop::store) use candidate::HEAD;
pub(in crate::shop::store) use lexicon::Lexicon;

use super::{Catalog, Store, StoreError};
use crate::{
    lang::Language,
    nlu::slot::Sort,
    shop::{
        facets,
        product::Product,
        search::{Found, Hit, MatchKind, SearchQuery, Tiers},
        words,
    },
};
use candidate::{Candidate, Said};
use filter::{Conditions, Filter};
use jiff::Timestamp;
use lexicon::Term;
use rusqlite::types::Value;
use std::collections::HashMap;
use variants::collapsed;

/// Characters of a query that are looked at: nobody says more in one go.
const CHARACTERS: usize = 2_000;
/// Words of a query that are looked for: the ones that say most.
const WORDS: usize = 12;
/// Candidates that are rated.
const CANDIDATES: usize = 400;
/// Results that are counted.
const COUNTED: usize = 1_000;
/// Below this score nothing is shown.
const LEAST: f32 = 0.15;
/// From this score on, a match is sure enough not to look elsewhere.
const SURE: f32 = 0.72;
/// How much more the head of the query counts than another word as rare.
const HEAD_WEIGHT: f32 = 1.6;
/// How much a colour counts beside a word as rare.
const COLOR_WEIGHT: f32 = 0.7;
/// What the other language's match is worth.
const OTHER_LANGUAGE: f32 = 0.93;

impl Store {
    /// Searches the catalog. Never fails on odd text: quotes, operators, emoji and a hundred
    /// thousand characters are words or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn search(&self, query: &SearchQuery, now: Timestamp) -> Result<Found, StoreError> {
        self.search_by(query, Tiers::ALL, now)
    }

    /// Searches with some of the tiers only: for measuring what each is worth.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn search_by(
        &self,
        query: &SearchQuery,
        tiers: Tiers,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let text: String = query.text.chars().take(CHARACTERS).collect();
        if let Some(product) = self.by_code(text.trim(), query.language, now)? {
            return Ok(Found {
                hits: vec![Hit {
                    product,
                    score: 1.0,
                    matched: MatchKind::Exact,
                }],
                total: 1,
                relaxed: None,
            });
        }
        let spoken_for = {
            let catalog = self.catalog()?;
            self.spoken_for(&catalog, now, None)?
        };
        let search = Search {
            catalog: &*self.catalog()?,
            text: &text,
            spoken_for: &spoken_for,
            tiers,
            now,
        };
        let mut relaxed = None;
        let mut found = search.run(query)?;
        let best = |found: &[Candidate]| found.first().map_or(0.0, |c| c.score);
        if Filter::ALL.iter().any(|f| f.is_in(query)) && best(&found) < SURE {
            for filter in Filter::ALL.into_iter().filter(|f| f.is_in(query)) {
                let looser = filter.dropped_from(query);
                if search.is_empty_of_meaning(&looser) {
                    continue;
                }
                let others = search.run(&looser)?;
                // A weak match that meets every filter is not what was asked for when a good
                // one fails a single filter.
                if best(&others) > 1.8 * best(&found) {
                    relaxed = Some(filter.name().to_owned());
                    found = others;
                    break;
                }
            }
        }
        self.page(query, found, relaxed, now)
    }

    /// A product by what is printed under its bar code, or by its id where the text looks like
    /// one.
    fn by_code(
        &self,
        text: &str,
        language: Language,
        now: Timestamp,
    ) -> Result<Option<Product>, StoreError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits && matches!(text.len(), 8 | 12..=14) {
            return self.product_by_gtin(text, language, now);
        }
        let code = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_');
        if text.len() <= 50 && text.contains(code) && !text.contains(' ') {
            let id = crate::shop::product::ProductId(text.to_owned());
            return self.product(&id, language, now);
        }
        Ok(None)
    }

    /// Collapses variants, sorts, cuts, and reads the products of the page.
    fn page(
        &self,
        query: &SearchQuery,
        found: Vec<Candidate>,
        relaxed: Option<String>,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let mut kept = collapsed(query, found);
        let top = kept.first().map_or(0.0, |c| c.score);
        // What is sorted by something else than relevance has to be relevant.
        let share = if query.sort.is_some() { 0.7 } else { 0.5 };
        kept.retain(|c| c.score >= LEAST.max(top * share));
        match query.sort {
            Some(Sort::PriceAsc) => kept.sort_by_key(|c| c.price),
            Some(Sort::PriceDesc) => kept.sort_by_key(|c| -c.price),
            Some(Sort::Rating) => kept.sort_by(|a, b| {
                let rating = |c: &Candidate| (c.stars.unwrap_or(0.0), c.reviews);
                let (a, b) = (rating(a), rating(b));
                b.0.total_cmp(&a.0).then(b.1.cmp(&a.1))
            }),
            // Feeds have no dates: the last lines are the newest.
            Some(Sort::Newest) => kept.sort_by_key(|c| -c.product),
            None => {}
        }
        let total = kept.len().min(COUNTED);
        let page: Vec<Candidate> = kept
            .into_iter()
            .skip(query.offset)
            .take(query.limit.clamp(1, 100))
            .collect();
        let keys: Vec<i64> = page.iter().map(|c| c.product).collect();
        let products = self.products_by_key(&keys, query.language, now)?;
        let hits = products
            .into_iter()
            .zip(&page)
            .map(|(product, c)| Hit {
                product,
                score: c.score.clamp(0.0, 1.0),
                matched: c.matched,
            })
            .collect();
        Ok(Found {
            hits,
            total,
            relaxed,
        })
    }
}

/// One search: what stays the same while filters are dropped.
struct Search<'a> {
    catalog: &'a Catalog,
    text: &'a str,
    spoken_for: &'a HashMap<String, u32>,
    tiers: Tiers,
    now: Timestamp,
}

impl Search<'_> {
    /// Whether nothing is left to look for.
    fn is_empty_of_meaning(&self, query: &SearchQuery) -> bool {
        let filtered = Filter::ALL
            .iter()
            .any(|f| *f != Filter::Stock && f.is_in(query));
        !filtered
            && query.among.is_empty()
            && query.item_group.is_none()
            && !query.promoted_only
            && query.hints.is_empty()
            && words::stems(self.text, query.language).is_empty()
    }

    /// All that meets the filters, best first.
    fn run(&self, query: &SearchQuery) -> Result<Vec<Candidate>, StoreError> {
        if self.is_empty_of_meaning(query) {
            return Ok(Vec::new());
        }
        let mut found = self.in_language(query, query.language)?;
        let best = |found: &[Candidate]| found.iter().map(|c| c.score).fold(0.0, f32::max);
        if best(&found) < SURE {
            for language in Language::ALL.into_iter().filter(|l| *l != query.language) {
                for mut other in self.in_language(query, language)? {
                    other.score *= OTHER_LANGUAGE;
                    match found.iter_mut().find(|c| c.product == other.product) {
                        Some(same) if same.score >= other.score => {}
                        Some(same) => *same = other,
                        None => found.push(other),
                    }
                }
            }
        }
        self.leave_out(query, &mut found)?;
        let hints = self.hints(query)?;
        let standing = |c: &Candidate| {
            let out = if c.can_be_had(self.spoken_for) {
                0.0
            } else {
                0.1
            };
            let stars = c.stars.unwrap_or(3.0) - 3.0;
            let liked = 0.01 * stars * (c.reviews.min(10) as f32 / 10.0);
            c.score + liked + 0.15 * c.share_of(&hints) - out
        };
        let mut rated: Vec<(f32, Candidate)> =
            found.into_iter().map(|c| (standing(&c), c)).collect();
        rated.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.product.cmp(&y.product)));
        Ok(rated.into_iter().map(|(_, c)| c).collect())
    }

    /// All that meets the filters, by the words and texts of one language; in no order.
    fn in_language(
        &self,
        query: &SearchQuery,
        language: Language,
    ) -> Result<Vec<Candidate>, StoreError> {
        let conditions = Conditions::of(query, language);
        let stems = words::stems(self.text, language);
        if stems.is_empty() {
            return self.unworded(&conditions, language);
        }
        let vocabulary = self.catalog.lexicon.of(&self.catalog.db, language)?;
        if vocabulary.is_empty() {
            return Ok(Vec::new());
        }
        let said = Said::words(self.text, language);
        let head = words::head(self.text, language);
        let terms_of = |freely: bool| {
            let mut terms = vocabulary.terms(&few(stems.clone()), freely, self.tiers);
            for term in &mut terms {
                // The shopper's noun counts most, what tells variants apart least.
                if head.as_ref() == Some(&term.stem) {
                    term.weight *= HEAD_WEIGHT;
                } else if facets::is_color(&term.stem) {
                    term.weight *= COLOR_WEIGHT;
                }
            }
            most_telling(terms)
        };
        let mut terms = terms_of(false);
        let mut found = self.worded(&terms, &conditions, language)?;
        let rate = |found: &mut Vec<Candidate>, terms: &[Term]| {
            found
                .iter_mut()
                .for_each(|c| c.rate(terms, &said, vocabulary));
            found.iter().map(|c| c.score).fold(0.0, f32::max)
        };
        let mut best = rate(&mut found, &terms);
        let every = |found: &[Candidate]| {
            found
                .iter()
                .any(|c| matches!(c.matched, MatchKind::Words | MatchKind::Prefix))
        };
        if self.tiers != Tiers::LEXICAL && best < SURE && !every(&found) {
            // Words that are in the catalog, but not together: one may be misheard.
            terms = terms_of(true);
            let mut freely = self.worded(&terms, &conditions, language)?;
            let best_freely = rate(&mut freely, &terms);
            if best_freely > best {
                (found, best) = (freely, best_freely);
            }
        }
        if self.tiers.spelling && best < 0.35 {
            for similar in self.by_trigrams(&conditions, language)? {
                match found.iter_mut().find(|c| c.product == similar.product) {
                    Some(same) if same.score >= similar.score => {}
                    Some(same) => *same = similar,
                    None => found.push(similar),
                }
            }
        }
        Ok(found)
    }

    /// Candidates that have the words: all of them first, then any.
    fn worded(
        &self,
        terms: &[Term],
        conditions: &Conditions,
        language: Language,
    ) -> Result<Vec<Candidate>, StoreError> {
        let groups: Vec<String> = terms
            .iter()
            .filter(|t| !t.meanings.is_empty())
            .map(|t| {
                let stems: Vec<String> = t.meanings.iter().map(|m| quoted(&m.stem)).collect();
                format!("({})", stems.join(" OR "))
            })
            .collect();
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let table = format!("words_{language}");
        let rank = format!("bm25({table}, 8.0, 6.0, 3.0, 1.0)");
        let mut found = self.matching(&table, &rank, &groups.join(" AND "), conditions)?;
        if groups.len() > 1 && found.len() < 50 {
            let any = self.matching(&table, &rank, &groups.join(" OR "), conditions)?;
            for candidate in any {
                if !found.iter().any(|c| c.product == candidate.product) {
                    found.push(candidate);
                }
            }
        }
        Ok(found)
    }

    fn matching(
        &self,
        table: &str,
        rank: &str,
        expression: &str,
        conditions: &Conditions,
    ) -> Result<Vec<Candidate>, StoreError> {
        let sql = format!(
            "SELECT {} FROM {table} JOIN product_text t ON t.key = {table}.rowid
             JOIN product p ON p.key = t.product
             WHERE {table} MATCH ? {} ORDER BY {rank} LIMIT {CANDIDATES}",
            self.columns(),
            conditions.sql
        );
        self.read(&sql, Some(expression.to_owned()), conditions)
    }

    /// Everything that meets the filters, when no words were given.
    fn unworded(
        &self,
        conditions: &Conditions,
        language: Language,
    ) -> Result<Vec<Candidate>, StoreError> {
        let sql = format!(
            "SELECT {} FROM product_text t JOIN product p ON p.key = t.product
             WHERE t.language = ? {} ORDER BY p.key LIMIT {COUNTED}",
            self.columns(),
            conditions.sql
        );
        let mut found = self.read(&sql, Some(language.code().to_owned()), conditions)?;
        // Alike: rating, stock and the feed's order rank them.
        found.iter_mut().for_each(|c| c.score = 0.8);
        Ok(found)
    }

    fn columns(&self) -> String {
        candidate::COLUMNS.replace(":now", &self.now.as_millisecond().to_string())
    }

    fn read(
        &self,
        sql: &str,
        first: Option<String>,
        conditions: &Conditions,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut statement = self.catalog.db.prepare(sql)?;
        let first = first.map(Value::Text);
        let values = first.iter().chain(&conditions.values);
        let rows = statement.query_map(rusqlite::params_from_iter(values), Candidate::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn hints(&self, query: &SearchQuery) -> Result<Vec<Term>, StoreError> {
        let hints: String = query.hints.join(" ").chars().take(200).collect();
        if hints.is_empty() {
            return Ok(Vec::new());
        }
        let vocabulary = self.catalog.lexicon.of(&self.catalog.db, query.language)?;
        Ok(vocabulary.terms(
            &few(words::stems(&hints, query.language)),
            false,
            Tiers::LEXICAL,
        ))
    }
}

/// A stem as an FTS5 string: nothing in it is an operator.
fn quoted(stem: &str) -> String {
    format!("\"{}\"", stem.replace('"', ""))
}

/// The first words: more than anybody says, so that a long text stays quick.
fn few(mut stems: Vec<String>) -> Vec<String> {
    stems.truncate(4 * WORDS);
    stems
}

/// The words that say most, in their order.
fn most_telling(mut terms: Vec<Term>) -> Vec<Term> {
    while terms.len() > WORDS {
        let weakest = terms
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight))
            .map(|(i, _)| i);
        match weakest {
            Some(i) => terms.remove(i),
            None => break,
        };
    }
    terms
}
