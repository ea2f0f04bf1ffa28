//! What must not be shown: what cannot be had, and what has what the shopper must do without.

use super::{super::catalog::json, Search, StoreError, candidate::Candidate};
use crate::{
    lang::Language,
    shop::{facets::Allergen, product::Allergens, search::SearchQuery, words},
};

impl Search<'_> {
    /// Drops what must not be shown: what cannot be had, where that was asked, and what has
    /// what the shopper must do without.
    pub(super) fn leave_out(
        &self,
        query: &SearchQuery,
        found: &mut Vec<Candidate>,
    ) -> Result<(), StoreError> {
        if query.in_stock_only {
            found.retain(|c| c.can_be_had(self.spoken_for));
        }
        let Some(without) = query.exclude.as_deref().filter(|w| !w.trim().is_empty()) else {
            return Ok(());
        };
        let without: String = without.chars().take(80).collect();
        let allergen: Option<Allergen> = without.parse().ok();
        let stems = words::stems(&without, query.language);
        let mut statement = self.catalog.db.prepare_cached(
            "SELECT title, allergens, coalesce(ingredients, '') FROM product_text
             WHERE product = ?1 ORDER BY language = ?2 DESC",
        )?;
        let mut kept = Vec::new();
        for candidate in found.drain(..) {
            let mut has = false;
            let mut declared = allergen.is_none();
            let mut rows =
                statement.query(rusqlite::params![candidate.product, query.language.code()])?;
            while let Some(row) = rows.next()? {
                let (title, ingredients): (String, String) = (row.get(0)?, row.get(2)?);
                let allergens: Allergens = json("allergens", &row.get::<_, String>(1)?)?;
                has |= contains(&title, &stems, query.language)
                    || contains(&ingredients, &stems, query.language);
                match allergens {
                    Allergens::Unknown => {}
                    Allergens::None => declared = true,
                    Allergens::Contains(list) => {
                        declared = true;
                        has |= list.iter().any(|name| {
                            allergen.is_some() && name.parse::<Allergen>().ok() == allergen
                        });
                    }
                }
            }
            // Where an allergen was named, nobody's silence is a promise.
            if !has && declared {
                kept.push(candidate);
            }
        }
        *found = kept;
        Ok(())
    }
}

/// Whether a text has all the words, and not as something that it is without ("sugar-free",
/// "sans sucre").
fn contains(text: &str, stems: &[String], language: Language) -> bool {
    let words = words::stems(text, language);
    let free = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| words.get(i));
        let after = words.get(i + 1);
        before.is_some_and(|w| ["sans", "without", "no", "san", "zero", "0"].contains(&w.as_str()))
            || after.is_some_and(|w| w == "free")
    };
    !stems.is_empty()
        && stems.iter().all(|stem| {
            words
                .iter()
                .enumerate()
                .any(|(i, word)| word == stem && !free(i))
        })
}
