//! A scenario: a conversation and what must come of it, in TOML.
//!
//! ```toml
//! about = "A waterproof coat under a price, then bought at the counter"
//! language = "en"
//!
//! [[turn]]
//! audio = "coat.ogg"                  # a recording beside this file, or
//! said = "Do you have a coat?"        # (what is said in it)
//! text = "a waterproof coat"          # typed words
//! commands = [{ intent = "search_product", max_price = 200 }]
//! reply = ["parka", "189"]            # all of these are in the reply
//! absent = ["sorry"]                  # none of these is
//! cart = [{ title = "parka", quantity = 1 }]
//! orders = [{ state = "received" }]
//! within_ms = 20000
//! ```

use crate::{lang::Language, shop::order::OrderState};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A conversation with expectations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// The language the session begins in; absent: detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Another shop folder than the sample, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<PathBuf>,
    /// The turns.
    #[serde(rename = "turn")]
    pub turns: Vec<Expected>,
    /// The file it was read from.
    #[serde(skip)]
    pub path: PathBuf,
}

/// A turn and what must come of it. What is absent is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// A recording, relative to the scenario's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<PathBuf>,
    /// Typed words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is said in the recording, word for word: for people, and for `scripts/record`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The voice that `scripts/record` takes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// The language of this turn, where it is not the scenario's, for `scripts/record`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The commands, all of them, in order. A slot that is named must be as given (words are
    /// compared without case and accents); a slot that is not named is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<toml::Table>>,
    /// Each of these is in the reply, as shown or as spoken, without regard to case. `a|b`: one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply: Vec<String>,
    /// None of these is in the reply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// The lines of the cart after the turn, all of them, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart: Option<Vec<ExpectedLine>>,
    /// The orders of the session after the turn, all of them, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<ExpectedOrder>>,
    /// From the end of speech to the first audio of the reply, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u32>,
}

/// A cart line that must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedLine {
    /// The product's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A part of its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Each of these is a part of one of its options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The line's total, minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_minor: Option<i64>,
}

/// An order that must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedOrder {
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<OrderState>,
    /// Everything to pay, minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_minor: Option<i64>,
}

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The folder or file cannot be read.
    #[error("expected scenarios in {}: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a scenario.
    #[error("{}: {message}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What was expected and found.
        message: String,
    },
    /// A folder without any.
    #[error("expected at least one scenario (*.toml) in {}, found none", path.display())]
    None {
        /// Where.
        path: PathBuf,
    },
}

impl Scenario {
    /// Reads one scenario.
    ///
    /// # Errors
    /// When it cannot be read, holds an unknown key, or a turn has not just one of audio and text.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
            path: path.into(),
            source,
        })?;
        let wrong = |message: String| ScenarioError::Wrong {
            path: path.into(),
            message,
        };
        let mut scenario: Self =
            toml::from_str(&text).map_err(|e| wrong(e.to_string().trim().to_owned()))?;
        for (i, turn) in scenario.turns.iter().enumerate() {
            if turn.audio.is_some() == turn.text.is_some() {
                return Err(wrong(format!(
                    "turn {}: expected either audio or text",
                    i + 1
                )));
            }
        }
        if scenario.turns.is_empty() {
            return Err(wrong("expected at least one [[turn]], found none".into()));
        }
        scenario.path = path.into();
        Ok(scenario)
    }

    /// Reads a file, or every scenario of a folder and its sub-folders, in order of their paths.
    ///
    /// # Errors
    /// When one cannot be read, or there is none.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, ScenarioError> {
        if path.is_file() {
            return Ok(vec![Self::read(path)?]);
        }
        let mut files = Vec::new();
        collect(path, &mut files)?;
        files.sort();
        if files.is_empty() {
            return Err(ScenarioError::None { path: path.into() });
        }
        files.iter().map(|f| Self::read(f)).collect()
    }

    /// Its name: the file's, without the ending.
    #[must_use]
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// A path that the scenario names, from its own folder.
    #[must_use]
    pub fn beside(&self, relative: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(relative)
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    let read = |source| ScenarioError::Read {
        path: folder.into(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
