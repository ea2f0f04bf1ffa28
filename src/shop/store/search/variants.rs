//! The variants of one product are one answer, unless the shopper asked for one of them.

use super::{CHARACTERS, candidate::Candidate};
use crate::shop::{facets, search::SearchQuery, words};
use std::collections::HashSet;

/// One of the variants of a product, the best: unless the shopper asked for what tells them
/// apart.
pub(super) fn collapsed(query: &SearchQuery, found: Vec<Candidate>) -> Vec<Candidate> {
    // Who asks for the variants of one product, or for these very products, gets them all.
    if query.item_group.is_some() || !query.among.is_empty() {
        return found;
    }
    let said = words::fold(&query.text.chars().take(CHARACTERS).collect::<String>());
    let said_words = || {
        said.split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
    };
    let by_color = query.color.is_some() || said_words().any(facets::is_color);
    let by_size = query.size.is_some()
        || said_words().any(|w| {
            w.bytes().any(|b| b.is_ascii_digit())
                || [
                    "size", "taille", "pointure", "small", "medium", "large", "xs", "xl", "xxl",
                ]
                .contains(&w)
        });
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for c in found {
        let Some(group) = &c.group else {
            kept.push(c);
            continue;
        };
        let color = c.color.clone().filter(|_| by_color);
        let size = c.size.clone().filter(|_| by_size);
        if seen.insert((group.clone(), color, size)) {
            kept.push(c);
        }
    }
    kept
}
