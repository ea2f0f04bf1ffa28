//! Names by any three letters in a row: the last resort.

use super::{HEAD, Search, StoreError, candidate::Candidate, filter::Conditions, quoted};
use crate::{
    lang::Language,
    shop::{search::MatchKind, words},
};

impl Search<'_> {
    /// Products whose names are written like the text, by trigrams: the last resort.
    pub(super) fn by_trigrams(
        &self,
        conditions: &Conditions,
        language: Language,
    ) -> Result<Vec<Candidate>, StoreError> {
        let said = words::stems(self.text, language).join(" ");
        let said: String = said.chars().take(60).collect();
        let letters: Vec<char> = said.chars().filter(|c| c.is_alphanumeric()).collect();
        if letters.len() < 5 {
            return Ok(Vec::new());
        }
        let trigrams: Vec<String> = letters
            .windows(3)
            .map(|w| quoted(&w.iter().collect::<String>()))
            .collect();
        let table = format!("trigrams_{language}");
        let rank = format!("bm25({table})");
        let found = self.matching(&table, &rank, &trigrams.join(" OR "), conditions)?;
        let said: String = letters.iter().collect();
        let similar = found.into_iter().take(60).filter_map(|mut c| {
            let alike = c
                .names()
                .map(|name| strsim::normalized_damerau_levenshtein(&said, &name) as f32)
                .fold(0.0, f32::max);
            // Below this, two names share letters and no more.
            (alike >= 0.68).then(|| {
                c.score = 0.6 * alike;
                c.matched = MatchKind::Similar;
                c
            })
        });
        Ok(similar.collect())
    }
}

impl Candidate {
    /// Its name and synonyms without spaces, for comparing letters.
    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.phrases().map(|phrase| {
            phrase
                .split_whitespace()
                .filter(|word| !word.starts_with(HEAD))
                .flat_map(str::chars)
                .filter(|c| c.is_alphanumeric())
                .collect()
        })
    }
}
