//! `[catalog]`: where the catalog comes from, and how often.

use crate::{lang::Language, shop::money::Currency};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Where the catalog comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// A sync that would remove more of the products than this, in percent, is refused.
    pub max_removals_percent: u8,
    /// The feeds; together they are the catalog.
    pub sources: Vec<CatalogSource>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            max_removals_percent: 30,
            sources: Vec::new(),
        }
    }
}

/// One feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSource {
    /// How it is called, here and in `comptoir catalog status`.
    pub name: String,
    /// A URL or a file.
    pub from: String,
    /// The language of its texts.
    #[serde(default = "english")]
    pub language: Language,
    /// Its format: `auto`, `tsv`, `rss`, `jsonl`, a mapping of ours (`shopify` ...) or a file.
    #[serde(default = "auto")]
    pub format: String,
    /// The currency of its prices, where it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How often it is asked for: `6h`, `30m`. Empty: on demand only.
    #[serde(default = "six_hours")]
    pub every: String,
    /// How long a download may take, s.
    #[serde(default = "half_an_hour")]
    pub deadline_s: u64,
    /// How long it may be, MB, packed and unpacked.
    #[serde(default = "two_gigabytes")]
    pub max_mb: u64,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderValue>,
}

fn english() -> Language {
    Language::En
}

fn auto() -> String {
    "auto".to_owned()
}

fn six_hours() -> String {
    "6h".to_owned()
}

fn half_an_hour() -> u64 {
    1_800
}

fn two_gigabytes() -> u64 {
    2_048
}

/// A header's value, or where a secret one stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// No secret.
    Plain(String),
    /// In a variable of the environment.
    Variable {
        /// Its name.
        env: String,
        /// What stands before it: `Bearer `.
        #[serde(default)]
        prefix: String,
    },
    /// In a file.
    File {
        /// Which.
        file: PathBuf,
        /// What stands before it: `Basic `.
        #[serde(default)]
        prefix: String,
    },
}

impl HeaderValue {
    /// Whether nobody is to read it.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// The value. The error says where it was looked for, and never what it is.
    ///
    /// # Errors
    /// When the variable is not set or the file cannot be read.
    pub fn read(&self) -> Result<String, String> {
        let (text, prefix) = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Variable { env, prefix } => {
                let text = std::env::var(env)
                    .map_err(|_| format!("expected a secret in the variable {env}, found none"))?;
                (text, prefix)
            }
            Self::File { file, prefix } => {
                let text = std::fs::read_to_string(file)
                    .map_err(|e| format!("expected a secret in {}: {e}", file.display()))?;
                (text, prefix)
            }
        };
        Ok(format!("{prefix}{}", text.trim()))
    }
}

/// Headers whose values are secrets by their nature.
const SECRET: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "secret",
    "api-key",
    "apikey",
];

impl CatalogSource {
    /// Whether it is asked for over HTTP.
    #[must_use]
    pub fn is_url(&self) -> bool {
        self.from.starts_with("http://") || self.from.starts_with("https://")
    }

    /// How often it is asked for; `None`: on demand only.
    #[must_use]
    pub fn period(&self) -> Option<SignedDuration> {
        self.every.parse().ok().filter(SignedDuration::is_positive)
    }

    fn check(&self) -> Result<(), String> {
        let here = format!("[[catalog.sources]] `{}`", self.name);
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if !(1..=40).contains(&self.name.len()) || !self.name.chars().all(good) {
            return Err(format!(
                "[[catalog.sources]]: expected a name of a to z, 0 to 9, - and _, found `{}`",
                self.name
            ));
        }
        if self.from.is_empty() {
            return Err(format!(
                "{here}: expected a URL or a file in `from`, found nothing"
            ));
        }
        if self.is_url() {
            // What stands in a URL is shown and logged.
            let rest = self.from.split_once("://").map_or("", |(_, rest)| rest);
            if rest
                .split('/')
                .next()
                .is_some_and(|host| host.contains('@'))
            {
                return Err(format!(
                    "{here}: expected no user or password in the URL; put them in `headers`"
                ));
            }
        }
        if !self.every.is_empty()
            && self
                .period()
                .is_none_or(|p| p < SignedDuration::from_secs(10))
        {
            return Err(format!(
                "{here}: expected `every` as 6h or 30m, of 10s at least, found `{}`",
                self.every
            ));
        }
        if self.deadline_s == 0 || self.max_mb == 0 {
            return Err(format!("{here}: expected deadline_s and max_mb above 0"));
        }
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            if !value.is_secret() && SECRET.iter().any(|word| lower.contains(word)) {
                return Err(format!(
                    "{here}: expected the value of {name} as {{ env = \"NAME\" }} or {{ file = \
                     \"PATH\" }}, found it in the settings"
                ));
            }
        }
        Ok(())
    }
}

impl Catalog {
    /// Whether these settings can be used; the error says what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.max_removals_percent > 100 {
            return Err(format!(
                "expected catalog.max_removals_percent from 0 to 100, found {}",
                self.max_removals_percent
            ));
        }
        let mut names = BTreeSet::new();
        for source in &self.sources {
            source.check()?;
            if !names.insert(&source.name) {
                return Err(format!(
                    "[[catalog.sources]]: expected each name once, found `{}` twice",
                    source.name
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_examples_source_is_one() {
        let example: Vec<&str> = Settings::EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .filter(|line| !line.starts_with(' '))
            .collect();
        let settings: Settings = toml::from_str(&example.join("\n")).unwrap();
        assert_eq!(settings.catalog.check(), Ok(()));
        let source = &settings.catalog.sources[0];
        assert_eq!(source.period(), Some(SignedDuration::from_hours(6)));
        let spelled_out: CatalogSource = toml::from_str(&format!(
            "name = \"main\"\nfrom = \"{}\"\nlanguage = \"fr\"\ncurrency = \"EUR\"",
            source.from
        ))
        .unwrap();
        let headers = source.headers.clone();
        assert!(headers["Authorization"].is_secret());
        let with_headers = CatalogSource {
            headers,
            ..spelled_out
        };
        assert_eq!(
            source, &with_headers,
            "what is not said is as in the example"
        );
    }
}
