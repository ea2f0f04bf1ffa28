//! The words of the catalog, and what a shopper's word may mean among them.

use super::super::StoreError;
use crate::{
    lang::{Language, sound::Sound},
    shop::search::Tiers,
};
use rusqlite::Connection;
use std::cell::OnceCell;

/// The words of one generation of the catalog, by language; read when first needed.
#[derive(Default)]
pub(in crate::shop::store) struct Lexicon {
    en: OnceCell<Vocabulary>,
    fr: OnceCell<Vocabulary>,
}

impl Lexicon {
    /// The words of a language.
    pub(super) fn of(
        &self,
        db: &Connection,
        language: Language,
    ) -> Result<&Vocabulary, StoreError> {
        let cell = match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
        };
        if let Some(vocabulary) = cell.get() {
            return Ok(vocabulary);
        }
        let vocabulary = Vocabulary::read(db, language)?;
        Ok(cell.get_or_init(|| vocabulary))
    }
}

/// The stems that are indexed in one language.
pub(super) struct Vocabulary {
    language: Language,
    /// In alphabetical order.
    entries: Vec<Entry>,
    /// How the entries sound, in the order of the sounds; made when a word is not known.
    sounds: OnceCell<Vec<(Sound, u32)>>,
    /// How many texts there are.
    texts: f32,
}

struct Entry {
    stem: Box<str>,
    texts: u32,
    letters: u32,
}

/// How an indexed stem was reached from the shopper's word; the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The same stem.
    Same,
    /// The word begins it.
    Prefix,
    /// It is spelled alike.
    Alike,
}

/// An indexed stem that a word may mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meaning {
    pub stem: String,
    /// 0 to 1.
    pub quality: f32,
    pub reach: Reach,
}

/// A word of the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// Its stem.
    pub stem: String,
    /// How much it says: the rarer, the more. A word that the catalog does not know says most.
    pub weight: f32,
    /// What it may mean; empty when nothing in the catalog is like it.
    pub meanings: Vec<Meaning>,
}

/// At most so many stems for one word.
const MEANINGS: usize = 24;

/// What a word may cost at most beside one that it is taken for: two sounds and a letter.
const SOUNDS_ALIKE: f32 = 0.36;

/// From so many letters on a word is compared with what sounds a little different too.
const MOST_TELLING: usize = 5;

/// At most so many words of a query are compared by spelling: it is the costly step.
const SPELLED: usize = 6;

impl Vocabulary {
    fn read(db: &Connection, language: Language) -> Result<Self, StoreError> {
        let mut statement = db.prepare(&format!(
            "SELECT term, doc FROM vocabulary_{language} ORDER BY term"
        ))?;
        let entries = statement
            .query_map([], |row| {
                let stem: String = row.get(0)?;
                Ok(Entry {
                    letters: letters(&stem),
                    stem: stem.into_boxed_str(),
                    texts: row.get(1)?,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let texts: i64 = db.query_row(
            "SELECT count(*) FROM product_text WHERE language = ?1",
            [language.code()],
            |row| row.get(0),
        )?;
        Ok(Self {
            language,
            entries,
            sounds: OnceCell::new(),
            texts: texts as f32,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn texts_with(&self, stem: &str) -> Option<u32> {
        self.entries
            .binary_search_by(|entry| (*entry.stem).cmp(stem))
            .ok()
            .and_then(|i| self.entries.get(i))
            .map(|entry| entry.texts)
    }

    /// How much a stem says, from how few texts it is in.
    pub(super) fn weight(&self, stem: &str) -> f32 {
        let texts = self.texts_with(stem).unwrap_or(0) as f32;
        let weight = (1.0 + self.texts / (texts + 0.5)).ln();
        // Numbers and measures tell variants apart; they do not name what is looked for.
        if stem.bytes().any(|b| b.is_ascii_digit()) {
            weight * 0.35
        } else {
            weight
        }
    }

    /// The words of a query with what they may mean. With `freely`, words that are in the
    /// catalog are compared by spelling too: speech recognition also writes wrong real words.
    /// `tiers` says what they are compared by.
    pub(super) fn terms(&self, stems: &[String], freely: bool, tiers: Tiers) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        let mut spelled = 0;
        for stem in stems {
            if terms.iter().any(|term| term.stem == *stem) {
                continue;
            }
            let known = self.texts_with(stem).is_some();
            if !known && let Some((left, right)) = self.split(stem) {
                // "oatmilk" is "oat milk".
                terms.extend([left, right].map(|part| self.term(part, 0.95)));
                continue;
            }
            let mut term = self.term(stem, 1.0);
            if !known {
                self.add_prefixed(&mut term);
            }
            if (!known || freely) && term.meanings.len() <= 1 && spelled < SPELLED {
                spelled += 1;
                let factor = if known { 0.8 } else { 1.0 };
                if tiers.spelling {
                    self.add_alike(&mut term, factor);
                }
                if tiers.sound {
                    self.add_sounding(&mut term, factor);
                }
            }
            terms.push(term);
        }
        self.add_joined(stems, &mut terms);
        if tiers.sound {
            self.add_joined_by_sound(stems, &mut terms);
        }
        terms
    }

    fn term(&self, stem: &str, quality: f32) -> Term {
        let mut meanings = Vec::new();
        if self.texts_with(stem).is_some() {
            meanings.push(Meaning {
                stem: stem.to_owned(),
                quality,
                reach: Reach::Same,
            });
        }
        Term {
            stem: stem.to_owned(),
            weight: self.weight(stem),
            meanings,
        }
    }

    /// Cuts a word that is not in the catalog into two that are.
    fn split<'a>(&self, stem: &'a str) -> Option<(&'a str, &'a str)> {
        let parts = stem
            .char_indices()
            .map(|(i, _)| stem.split_at(i))
            .filter(|(left, right)| left.len() >= 3 && right.len() >= 3);
        parts
            .filter(|(left, right)| {
                self.texts_with(left).is_some() && self.texts_with(right).is_some()
            })
            .max_by_key(|(left, right)| left.len().min(right.len()))
    }

    /// "tooth brush" is also "toothbrush".
    fn add_joined(&self, stems: &[String], terms: &mut [Term]) {
        for pair in stems.windows(2) {
            let [left, right] = pair else { continue };
            let joined = format!("{left}{right}");
            if self.texts_with(&joined).is_none() {
                continue;
            }
            for term in terms
                .iter_mut()
                .filter(|t| t.stem == *left || t.stem == *right)
            {
                term.meanings.push(Meaning {
                    stem: joined.clone(),
                    quality: 0.95,
                    reach: Reach::Same,
                });
            }
        }
    }

    fn add_prefixed(&self, term: &mut Term) {
        let length = term.stem.chars().count();
        if length < 4 {
            return;
        }
        let from = self.entries.partition_point(|e| *e.stem < *term.stem);
        let begun = self.entries[from..]
            .iter()
            .take_while(|e| e.stem.starts_with(&term.stem))
            .take(MEANINGS);
        for entry in begun {
            let share = length as f32 / entry.stem.chars().count() as f32;
            term.meanings.push(Meaning {
                stem: entry.stem.to_string(),
                quality: 0.5 + 0.45 * share,
                reach: Reach::Prefix,
            });
        }
    }

    fn sounds(&self) -> &[(Sound, u32)] {
        self.sounds.get_or_init(|| {
            let entries = self.entries.iter().zip(0u32..);
            let mut sounds: Vec<(Sound, u32)> = entries
                .filter(|(e, _)| e.stem.len() > 2 && !e.stem.bytes().any(|b| b.is_ascii_digit()))
                .map(|(e, i)| (Sound::of(&e.stem, self.language), i))
                .collect();
            sounds.sort_by(|(a, _), (b, _)| a.code().cmp(b.code()));
            sounds
        })
    }

    /// What sounds like a word that nothing in the catalog is written like.
    fn add_sounding(&self, term: &mut Term, factor: f32) {
        let length = term.stem.chars().count();
        if !(3..=40).contains(&length) || term.stem.bytes().any(|b| b.is_ascii_digit()) {
            return;
        }
        let own = Sound::of(&term.stem, self.language);
        let mut found: Vec<(f32, u32)> = Vec::new();
        if length >= MOST_TELLING {
            let near = self.sounds().iter();
            found.extend(near.filter_map(|(sound, i)| Some((own.cost(sound)?, *i))));
        } else {
            let same = self.sounding(own.code());
            found.extend(same.filter_map(|(sound, i)| Some((own.cost(sound)?, *i))));
        }
        found.retain(|(cost, _)| *cost <= SOUNDS_ALIKE);
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(8);
        for (cost, i) in found {
            let stem = &self.entries[i as usize].stem;
            let quality = ((0.92 - 0.6 * cost) * factor).max(0.25);
            match term.meanings.iter_mut().find(|m| *m.stem == **stem) {
                Some(known) => known.quality = known.quality.max(quality),
                None => term.meanings.push(Meaning {
                    stem: stem.to_string(),
                    quality,
                    reach: Reach::Alike,
                }),
            }
        }
    }

    /// The entries with exactly these sounds.
    fn sounding(&self, code: &str) -> impl Iterator<Item = &(Sound, u32)> {
        let sounds = self.sounds();
        let from = sounds.partition_point(|(s, _)| s.code() < code);
        sounds[from..]
            .iter()
            .take_while(move |(s, _)| s.code() == code)
    }

    /// "Cap a chino" sounds like "cappuccino": words that are not known are one that is, by its
    /// sound.
    fn add_joined_by_sound(&self, stems: &[String], terms: &mut [Term]) {
        for length in [3, 2] {
            for parts in stems.windows(length) {
                if parts.iter().all(|p| self.texts_with(p).is_some()) {
                    continue;
                }
                let joined = Sound::of(&parts.join(" "), self.language);
                if joined.code().len() < 3 {
                    continue;
                }
                let best = self
                    .sounding(joined.code())
                    .filter_map(|(sound, i)| Some((joined.cost(sound)?, *i)))
                    .min_by(|a, b| a.0.total_cmp(&b.0));
                let Some((cost, i)) = best else { continue };
                let meaning = Meaning {
                    stem: self.entries[i as usize].stem.to_string(),
                    quality: (0.9 - 0.6 * cost).max(0.25),
                    reach: Reach::Alike,
                };
                for term in terms.iter_mut().filter(|t| parts.contains(&t.stem)) {
                    if !term.meanings.iter().any(|m| m.stem == meaning.stem) {
                        term.meanings.push(meaning.clone());
                    }
                }
            }
        }
    }

    fn add_alike(&self, term: &mut Term, factor: f32) {
        let length = term.stem.chars().count();
        let allowed = match length {
            0..=3 => return,
            4..=6 => 1,
            _ => 2,
        };
        if length > 40 || term.stem.bytes().any(|b| b.is_ascii_digit()) {
            return;
        }
        let own = letters(&term.stem);
        let first = term.stem.chars().next();
        let mut alike: Vec<Meaning> = Vec::new();
        for entry in &self.entries {
            // A letter that only one of them has costs a distance of at least a half.
            if (entry.letters ^ own).count_ones() > 2 * allowed
                || entry.stem.len().abs_diff(term.stem.len()) > allowed as usize + 1
                || *entry.stem == *term.stem
                || entry.stem.bytes().any(|b| b.is_ascii_digit())
            {
                continue;
            }
            let distance = strsim::osa_distance(&entry.stem, &term.stem);
            if distance > allowed as usize {
                continue;
            }
            // In a short word one letter is another word ("goat", "oat"), the first one most.
            if length <= 5 && (entry.stem.chars().next() != first || entry.stem.len() < 4) {
                continue;
            }
            let quality = (1.0 - 1.5 * distance as f32 / length as f32) * factor;
            alike.push(Meaning {
                stem: entry.stem.to_string(),
                quality: quality.max(0.3),
                reach: Reach::Alike,
            });
        }
        alike.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        alike.truncate(8);
        term.meanings.extend(alike);
    }
}

/// Which letters a word has, one bit each; others share the rest.
fn letters(word: &str) -> u32 {
    word.bytes().fold(0, |set, b| {
        let bit = if b.is_ascii_lowercase() {
            b - b'a'
        } else {
            26 + b % 6
        };
        set | 1 << bit
    })
}
