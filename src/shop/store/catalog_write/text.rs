//! From a row's texts to what is indexed, ranked and filtered by.

use super::super::search::HEAD;
use crate::{
    lang::Language,
    shop::{facets, feed::FeedRow, words},
};

/// The words of a product's texts, as they are indexed and ranked by.
pub(super) struct TextWords {
    /// The title's stems; `|` ends its name, before what tells variants apart.
    pub(super) title: String,
    /// One synonym's stems a line.
    pub(super) synonyms: String,
    pub(super) attributes: String,
    pub(super) body: String,
}

impl TextWords {
    pub(super) fn of(row: &FeedRow, language: Language) -> Self {
        let stems = |text: &str| words::stems(text, language).join(" ");
        // "Trench, navy, size M": the name is what stands before the first comma.
        let (name, rest) = row.title.split_once(',').unwrap_or((&row.title, ""));
        let rest = match rest.trim() {
            "" => String::new(),
            rest => stems(rest),
        };
        let mut attributes: Vec<String> = Vec::new();
        attributes.extend(row.brand.as_deref().map(stems));
        attributes.extend(row.category.iter().map(|c| stems(c)));
        if let Some(color) = &row.color {
            attributes.push(stems(color));
            attributes.extend(
                facets::color_words(color, language)
                    .into_iter()
                    .map(|word| words::stem(word, language)),
            );
        }
        if let Some(size) = &row.size {
            attributes.push(stems(size));
            attributes.push(stems(&facets::size_value(size)));
        }
        attributes.extend(row.material.as_deref().map(stems));
        attributes.extend(row.unit.as_ref().map(|unit| stems(&unit.measure)));
        let mut body = vec![stems(&row.description)];
        body.extend(row.ingredients.as_deref().map(stems));
        body.extend(
            row.details
                .iter()
                .map(|(name, value)| stems(&format!("{name} {value}"))),
        );
        let head = words::head(name, language).map_or_else(String::new, |h| format!("{HEAD}{h} "));
        Self {
            title: format!("{head}{} | {rest}", stems(name)).trim().to_owned(),
            synonyms: row
                .synonyms
                .iter()
                .map(|s| stems(s))
                .collect::<Vec<_>>()
                .join("\n"),
            attributes: attributes.join(" "),
            body: body.join(" "),
        }
    }
}

/// The text whose trigrams are indexed.
pub(super) fn name_of(title: &str, synonyms: &[String]) -> String {
    let mut name = words::fold(title);
    for synonym in synonyms {
        name.push(' ');
        name.push_str(&words::fold(synonym));
    }
    name
}

/// The values by which a row is filtered.
pub(super) fn facets_of(row: &FeedRow, language: Language) -> Vec<(&'static str, String)> {
    let stems = |text: &str| words::stems(text, language);
    let mut values = Vec::new();
    if let Some(color) = &row.color {
        values.extend(
            facets::color_values(color)
                .into_iter()
                .map(|v| ("color", v)),
        );
    }
    if let Some(size) = &row.size {
        values.push(("size", facets::size_value(size)));
    }
    if let Some(unit) = &row.unit {
        values.push(("size", facets::size_value(&unit.measure)));
    }
    for (kind, text) in [("brand", &row.brand), ("material", &row.material)] {
        if let Some(text) = text {
            values.extend(stems(text).into_iter().map(|v| (kind, v)));
        }
    }
    for part in &row.category {
        values.extend(stems(part).into_iter().map(|v| ("category", v)));
    }
    values
}
