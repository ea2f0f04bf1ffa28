//! The files of a shop, in a folder or in this program.

use super::{LoadError, content};
use crate::{lang::Language, shop::feed::language_of};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// Where a shop comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// The sample shop in this program.
    Sample,
    /// A shop folder.
    Folder(&'a Path),
}

/// The files of the sample shop.
const SAMPLE: &[(&str, &str)] = &[
    (
        "products.en.tsv",
        include_str!("../../../assets/shop/products.en.tsv"),
    ),
    (
        "products.fr.tsv",
        include_str!("../../../assets/shop/products.fr.tsv"),
    ),
    ("shop.toml", include_str!("../../../assets/shop/shop.toml")),
    ("faq.toml", include_str!("../../../assets/shop/faq.toml")),
    (
        "reviews.json",
        include_str!("../../../assets/shop/reviews.json"),
    ),
    (
        "customers.toml",
        include_str!("../../../assets/shop/customers.toml"),
    ),
    (
        "orders.json",
        include_str!("../../../assets/shop/orders.json"),
    ),
];

/// One feed: its name, its language, its text.
pub(super) type OpenFeed = (String, Language, Box<dyn BufRead>);

/// The files of a shop, wherever they are.
pub(super) struct Files<'a> {
    pub(super) source: Source<'a>,
}

impl Files<'_> {
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, LoadError> {
        match self.source {
            Source::Sample => Ok(SAMPLE
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, text)| (*text).to_owned())),
            Source::Folder(folder) => {
                let path = folder.join(name);
                match std::fs::read_to_string(&path) {
                    Ok(text) => Ok(Some(text)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(LoadError::Read { path, source }),
                }
            }
        }
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| content(name, expected, e.to_string()))
    }

    pub(super) fn toml<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        toml::from_str(&text)
            .map(Some)
            .map_err(|e| content(name, expected, e.to_string()))
    }

    pub(super) fn feeds(&self) -> Result<Vec<OpenFeed>, LoadError> {
        match self.source {
            Source::Sample => Ok(SAMPLE
                .iter()
                .filter(|(name, _)| name.ends_with(".tsv"))
                .map(|(name, text)| {
                    let language = language_of(Path::new(name)).unwrap_or(Language::En);
                    let reader: Box<dyn BufRead> = Box::new(text.as_bytes());
                    ((*name).to_owned(), language, reader)
                })
                .collect()),
            Source::Folder(folder) => feed_paths(folder)?
                .into_iter()
                .map(|path| {
                    let file = File::open(&path).map_err(|source| LoadError::Read {
                        path: path.clone(),
                        source,
                    })?;
                    let language = language_of(&path).unwrap_or(Language::En);
                    let reader: Box<dyn BufRead> = Box::new(BufReader::new(file));
                    Ok((path.display().to_string(), language, reader))
                })
                .collect(),
        }
    }
}

/// The feeds of a folder: those called `products...`, else the only table there.
fn feed_paths(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let read = |source| LoadError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if matches!(
            extension.to_ascii_lowercase().as_str(),
            "tsv" | "csv" | "txt"
        ) {
            tables.push(path);
        }
    }
    tables.sort();
    let name = |path: &Path| {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        name.to_owned()
    };
    let products: Vec<PathBuf> = tables
        .iter()
        .filter(|path| name(path).starts_with("products"))
        .cloned()
        .collect();
    if !products.is_empty() {
        return Ok(products);
    }
    match tables.as_slice() {
        [only] => Ok(vec![only.clone()]),
        [] => Err(LoadError::NoFeed {
            folder: folder.to_owned(),
            found: "none".to_owned(),
        }),
        many => Err(LoadError::NoFeed {
            folder: folder.to_owned(),
            found: many.iter().map(|p| name(p)).collect::<Vec<_>>().join(", "),
        }),
    }
}
