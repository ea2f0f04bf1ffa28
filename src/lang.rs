//! The languages that Comptoir speaks. English and French are equal first languages.

pub mod sound;

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A language of the assistant, written as its ISO 639-1 code (`en`, `fr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl Language {
    /// Every language, in a fixed order.
    pub const ALL: [Language; 2] = [Language::En, Language::Fr];

    /// The ISO 639-1 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A language code that Comptoir does not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a language, `en` or `fr`, found `{0}`")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads `en`, `fr` and regional forms of them (`en-GB`, `fr_CA`).
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let base = s.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|l| l.code().eq_ignore_ascii_case(base))
            .ok_or_else(|| UnknownLanguage(s.to_owned()))
    }
}
