//! What the hub needs before it can begin: its secrets, from files or the environment.

use super::keys::{HubKey, LEAST_KEY};
use crate::settings::Hub;
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The least length of the back office's token.
const LEAST_TOKEN: usize = 24;
/// A secret's file is no longer than this.
const LONGEST_SECRET: u64 = 4096;

/// Why the hub cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A secret that is not there.
    #[error(
        "expected {what}: set hub.{key}_file to a file that holds it, or {variable} in the environment{hint}"
    )]
    Missing {
        /// What it is.
        what: &'static str,
        /// The settings' key.
        key: &'static str,
        /// The environment's.
        variable: &'static str,
        /// How to make one.
        hint: &'static str,
    },
    /// A secret that is too short.
    #[error("expected {what} of at least {least} characters, found {found}")]
    Short {
        /// What it is.
        what: &'static str,
        /// The least length.
        least: usize,
        /// Its length.
        found: usize,
    },
    /// A secret's file that cannot be read.
    #[error("expected {what} in {}: {why}", path.display())]
    File {
        /// What it is.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A URL that is none.
    #[error(
        "expected a database URL such as postgresql://hub@localhost/hub, found one that cannot be read: {0}"
    )]
    Url(String),
    /// Another hub's database.
    #[error(
        "expected the key with which this database's terminals were made, found another; \
         look at hub.key_file or COMPTOIR_HUB_KEY"
    )]
    OtherKey,
    /// A schema that is not ours to serve.
    #[error("expected the database's schema at number {known}, found {found}; {todo}")]
    Schema {
        /// The newest known here.
        known: i32,
        /// The database's.
        found: i32,
        /// What to do.
        todo: &'static str,
    },
    /// The database cannot be asked.
    #[error("expected to use the database: {0}; is PostgreSQL up, and may this role use it?")]
    Database(String),
    /// The address is taken, or is none.
    #[error("expected to listen at {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// The database's URL.
///
/// # Errors
/// [`StartError`] when it is nowhere.
pub fn database_url(settings: &Hub) -> Result<String, StartError> {
    let what = "the database's URL";
    secret(what, &settings.database_url, &settings.database_url_file)?.ok_or(StartError::Missing {
        what,
        key: "database_url",
        variable: "COMPTOIR_HUB_DATABASE_URL",
        hint: " (postgresql://hub@localhost/hub)",
    })
}

/// The hub's key.
///
/// # Errors
/// [`StartError`] when it is nowhere, or too short.
pub fn key(settings: &Hub) -> Result<HubKey, StartError> {
    let what = "the hub's key";
    let text = secret(what, &settings.key, &settings.key_file)?.ok_or(StartError::Missing {
        what,
        key: "key",
        variable: "COMPTOIR_HUB_KEY",
        hint: "; `openssl rand -hex 32` makes one",
    })?;
    HubKey::new(&text).ok_or(StartError::Short {
        what,
        least: LEAST_KEY,
        found: text.len(),
    })
}

/// The digest of the back office's token; `None` shuts its routes.
///
/// # Errors
/// [`StartError`] when it is too short, or its file cannot be read.
pub fn admin_token(settings: &Hub) -> Result<Option<[u8; 32]>, StartError> {
    let what = "the back office's token";
    let Some(token) = secret(what, &settings.admin_token, &settings.admin_token_file)? else {
        return Ok(None);
    };
    if token.len() < LEAST_TOKEN {
        return Err(StartError::Short {
            what,
            least: LEAST_TOKEN,
            found: token.len(),
        });
    }
    Ok(Some(digest(token.as_bytes())))
}

/// SHA-256.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A secret from its text or its file, without white space at its ends.
fn secret(what: &'static str, text: &str, file: &Path) -> Result<Option<String>, StartError> {
    if !text.trim().is_empty() {
        return Ok(Some(text.trim().to_owned()));
    }
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let wrong = |why: String| StartError::File {
        what,
        path: file.to_owned(),
        why,
    };
    let mut found = String::new();
    fs::File::open(file)
        .and_then(|f| f.take(LONGEST_SECRET + 1).read_to_string(&mut found))
        .map_err(|e| wrong(e.to_string()))?;
    if found.len() as u64 > LONGEST_SECRET {
        return Err(wrong(format!("found more than {LONGEST_SECRET} bytes")));
    }
    if found.trim().is_empty() {
        return Err(wrong("found an empty file".into()));
    }
    Ok(Some(found.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_comes_from_the_environment_before_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        fs::write(&file, "postgresql://from-a-file/hub\n").unwrap();
        let mut settings = Hub {
            database_url_file: file,
            ..Hub::default()
        };
        assert_eq!(
            database_url(&settings).unwrap(),
            "postgresql://from-a-file/hub"
        );
        settings.database_url = "postgresql://told/hub".into();
        assert_eq!(database_url(&settings).unwrap(), "postgresql://told/hub");
    }

    #[test]
    fn what_is_missing_or_too_short_is_named_with_what_to_do() {
        let e = key(&Hub::default()).unwrap_err().to_string();
        assert!(
            e.contains("COMPTOIR_HUB_KEY") && e.contains("hub.key_file") && e.contains("openssl"),
            "{e}"
        );
        let short = Hub {
            key: "abc".into(),
            admin_token: "abc".into(),
            ..Hub::default()
        };
        assert!(key(&short).unwrap_err().to_string().contains("at least 32"));
        let e = admin_token(&short).unwrap_err().to_string();
        assert!(e.contains("at least 24") && !e.contains("abc"), "{e}");
        assert!(admin_token(&Hub::default()).unwrap().is_none());
        let lost = Hub {
            database_url_file: "/nowhere/url".into(),
            ..Hub::default()
        };
        let e = database_url(&lost).unwrap_err().to_string();
        assert!(e.contains("/nowhere/url"), "{e}");
    }
}
