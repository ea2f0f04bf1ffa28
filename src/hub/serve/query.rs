//! What stands after the question mark, and bodies in JSON.

use crate::{hub::refusal::Refusal, lang::Language};
use axum::http::Uri;
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, str::FromStr};
use uuid::Uuid;

/// The pairs of a query.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Of a target; a name that stands twice counts as it stands last.
    pub(super) fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let url = reqwest::Url::parse(&format!("http://hub/?{query}"));
        Self(url.map_or_else(
            |_| BTreeMap::new(),
            |url| {
                url.query_pairs()
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect()
            },
        ))
    }

    /// A value that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A value of a type, where it is there.
    pub(super) fn value<T: FromStr>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    let found: String = text.chars().take(40).collect();
                    Refusal::Content(format!("expected {expected} in `{name}`, found `{found}`"))
                })
            })
            .transpose()
    }

    /// How many rows are wanted.
    pub(super) fn limit(&self, default: u16, most: u16) -> Result<u16, Refusal> {
        let limit = self
            .value::<u16>("limit", "a whole number")?
            .unwrap_or(default);
        if (1..=most).contains(&limit) {
            Ok(limit)
        } else {
            Err(Refusal::Content(format!(
                "expected a limit of 1 to {most}, found {limit}"
            )))
        }
    }

    /// The language of texts.
    pub(super) fn language(&self) -> Result<Language, Refusal> {
        self.value("language", "`en` or `fr`")?
            .ok_or_else(|| Refusal::Content("expected `language=en` or `fr`, found none".into()))
    }
}

/// A body in JSON.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|e| Refusal::Content(format!("expected the contract's JSON, found: {e}")))
}

/// An id from a path.
pub(super) fn id(text: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(text)
        .map_err(|_| Refusal::Content("expected a UUID in the path, found something else".into()))
}
