//! Which format a feed has: told, or seen from how it begins.

use super::{
    json,
    mapping::{Mapping, MappingError},
};
use std::{fmt, path::Path, str::FromStr};

/// A format that feeds come in.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// By how it begins.
    #[default]
    Auto,
    /// Text between tabs, commas or semicolons, with a header line.
    Table,
    /// Google Merchant's feed as RSS 2.0 or Atom.
    Xml,
    /// One JSON object a line.
    JsonLines,
    /// JSON through a mapping.
    Mapped(Box<Mapping>),
}

/// No such format.
#[derive(Debug, thiserror::Error)]
pub enum UnknownFormat {
    /// Not a name.
    #[error(
        "expected a format: auto, tsv, csv, rss, jsonl, {known}, or a mapping file FILE.toml; \
         found `{found}`",
        known = Mapping::names().collect::<Vec<_>>().join(", ")
    )]
    Name {
        /// What was said.
        found: String,
    },
    /// Not a mapping.
    #[error(transparent)]
    Mapping(#[from] Box<MappingError>),
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Ok(match text {
            "" | "auto" => Self::Auto,
            "tsv" | "csv" | "table" => Self::Table,
            "rss" | "xml" | "atom" => Self::Xml,
            "jsonl" => Self::JsonLines,
            path if Path::new(path).extension().is_some_and(|e| e == "toml") => {
                Self::Mapped(Box::new(Mapping::read(Path::new(path)).map_err(Box::new)?))
            }
            name => match Mapping::built_in(name) {
                Some(mapping) => Self::Mapped(Box::new(mapping)),
                None => {
                    let found = name.to_owned();
                    return Err(UnknownFormat::Name { found });
                }
            },
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Table => "tsv",
            Self::Xml => "rss",
            Self::JsonLines => "jsonl",
            Self::Mapped(mapping) => &mapping.name,
        })
    }
}

impl Format {
    /// The mapping, where there is one.
    #[must_use]
    pub fn mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Mapped(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The format of a feed that begins like this; the error is what it seems to be.
    pub(super) fn detected(head: &[u8]) -> Result<Self, String> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let start = head.trim_ascii_start();
        match start.first() {
            Some(b'<') => {
                let begins = |text: &[u8]| {
                    let start = start.get(..text.len()).unwrap_or_default();
                    start.eq_ignore_ascii_case(text)
                };
                if begins(b"<!doctype html") || begins(b"<html") {
                    return Err("an HTML page".to_owned());
                }
                Ok(Self::Xml)
            }
            Some(b'{' | b'[') => {
                let text = String::from_utf8_lossy(start);
                if let Some(mapping) = Mapping::detected(&text) {
                    return Ok(Self::Mapped(Box::new(mapping)));
                }
                let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
                // A line that goes on beyond what is seen may still be an object.
                let is_object = line.first() == Some(&b'{')
                    && (json::parse(line).is_ok() || line.len() == start.len());
                if is_object {
                    return Ok(Self::JsonLines);
                }
                Err("JSON of an unknown form (say its format or mapping)".to_owned())
            }
            _ => Ok(Self::Table),
        }
    }
}
