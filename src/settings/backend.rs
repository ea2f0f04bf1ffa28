//! How the shop's backend is reached, and what is sold while it is not.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The shop's backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backend {
    /// Where it is. Empty: there is none.
    pub url: String,
    /// This terminal's name there.
    pub terminal: String,
    /// The file with the shared secret.
    pub secret_file: PathBuf,
    /// The shared secret, from the environment (`COMPTOIR_BACKEND_SECRET`).
    pub secret: Secret,
    /// How long one message may take, ms.
    pub deadline_ms: u64,
    /// How long the reply to a confirmed order waits for the backend, ms.
    pub answer_ms: u64,
    /// How long a look-up of a customer may take, ms.
    pub customer_deadline_ms: u64,
    /// How long a request for events waits at the backend, s; 0: they are not asked for.
    pub poll_s: u32,
    /// What unsent orders may come to, minor units; 0: any amount.
    pub offline_max_amount: i64,
    /// How old unsent orders may be, hours; 0: any age.
    pub offline_max_age_h: u32,
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            url: String::new(),
            terminal: String::new(),
            secret_file: PathBuf::new(),
            secret: Secret::default(),
            deadline_ms: 10_000,
            answer_ms: 800,
            customer_deadline_ms: 1_500,
            poll_s: 25,
            offline_max_amount: 500_000,
            offline_max_age_h: 72,
        }
    }
}

impl Backend {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.url.is_empty()
    }

    /// The shared secret, from the environment, else from its file.
    ///
    /// # Errors
    /// What is missing and what to do; never what the secret is.
    pub fn read_secret(&self) -> Result<Secret, String> {
        if !self.secret.is_empty() {
            return self
                .secret
                .clone()
                .long_enough("COMPTOIR_BACKEND_SECRET".to_owned());
        }
        if self.secret_file.as_os_str().is_empty() {
            return Err(
                "backend.url is set: expected backend.secret_file or COMPTOIR_BACKEND_SECRET, found neither"
                    .to_owned(),
            );
        }
        Secret::read(&self.secret_file)
    }

    /// What is wrong with these settings, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let between = |name: &str, value: u64, from: u64, to: u64| {
            if (from..=to).contains(&value) {
                return Ok(());
            }
            Err(format!(
                "expected backend.{name} from {from} to {to}, found {value}"
            ))
        };
        between("deadline_ms", self.deadline_ms, 100, 60_000)?;
        between("answer_ms", self.answer_ms, 0, 4_000)?;
        between(
            "customer_deadline_ms",
            self.customer_deadline_ms,
            100,
            5_000,
        )?;
        between("poll_s", self.poll_s.into(), 0, 30)?;
        if self.offline_max_amount < 0 {
            return Err(format!(
                "expected backend.offline_max_amount of 0 or more, found {}",
                self.offline_max_amount
            ));
        }
        if !self.is_set() {
            return Ok(());
        }
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            return Err(format!(
                "expected backend.url as http://... or https://..., found `{}`",
                self.url
            ));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if self.terminal.is_empty() || !self.terminal.chars().all(plain) {
            return Err(format!(
                "backend.url is set: expected backend.terminal of letters, digits and `-_.:`, found `{}`",
                self.terminal
            ));
        }
        Ok(())
    }
}

/// A secret. It is never shown: not in logs, not among the settings.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The shortest that is taken, bytes.
    const SHORTEST: usize = 16;

    /// A secret of these bytes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Reads it from a file, without the line break at its end.
    fn read(path: &Path) -> Result<Self, String> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("expected the backend's secret in {place}: {e}"))?;
        Self(text.trim_end_matches(['\r', '\n']).to_owned()).long_enough(place)
    }

    fn long_enough(self, place: String) -> Result<Self, String> {
        if self.0.len() < Self::SHORTEST {
            return Err(format!(
                "expected a secret of {} characters or more in {place}, found {}",
                Self::SHORTEST,
                self.0.len()
            ));
        }
        Ok(self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For signing.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "(none)" } else { "(set)" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { "(set)" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set() -> Backend {
        Backend {
            url: "http://127.0.0.1:1".to_owned(),
            terminal: "till-1".to_owned(),
            ..Backend::default()
        }
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let backend = Backend {
            secret: Secret::new("open sesame, open"),
            ..set()
        };
        let shown = format!("{backend:?} {}", toml::to_string(&backend).unwrap());
        assert!(
            !shown.contains("sesame") && shown.contains("(set)"),
            "{shown}"
        );
        let wrong = Backend {
            terminal: String::new(),
            ..backend
        };
        assert!(!wrong.check().unwrap_err().contains("sesame"));
    }

    #[test]
    fn a_secret_comes_from_the_environment_or_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        assert!(
            set()
                .read_secret()
                .unwrap_err()
                .contains("COMPTOIR_BACKEND_SECRET")
        );
        let mut backend = Backend {
            secret_file: file.clone(),
            ..set()
        };
        assert!(backend.read_secret().unwrap_err().contains("secret"));
        std::fs::write(&file, "short\n").unwrap();
        let short = backend.read_secret().unwrap_err();
        assert!(short.contains("16 characters"), "{short}");
        std::fs::write(&file, "0123456789abcdef\r\n").unwrap();
        assert_eq!(backend.read_secret().unwrap().bytes(), b"0123456789abcdef");
        backend.secret = Secret::new("the environment stands above");
        assert!(
            backend
                .read_secret()
                .unwrap()
                .bytes()
                .starts_with(b"the env")
        );
    }

    #[test]
    fn settings_that_cannot_work_are_told() {
        assert_eq!(set().check(), Ok(()));
        for (wrong, word) in [
            (
                Backend {
                    url: "ftp://x".to_owned(),
                    ..set()
                },
                "http://",
            ),
            (
                Backend {
                    terminal: "a b".to_owned(),
                    ..set()
                },
                "terminal",
            ),
            (
                Backend {
                    poll_s: 31,
                    ..set()
                },
                "poll_s",
            ),
            (
                Backend {
                    deadline_ms: 1,
                    ..set()
                },
                "deadline_ms",
            ),
            (
                Backend {
                    offline_max_amount: -1,
                    ..set()
                },
                "amount",
            ),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
