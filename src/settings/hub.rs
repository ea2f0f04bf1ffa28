//! Settings of the reference backend (`comptoir hub`).

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The reference backend. Its three secrets come from files or from the environment
/// (`COMPTOIR_HUB_DATABASE_URL`, `COMPTOIR_HUB_KEY`, `COMPTOIR_HUB_ADMIN_TOKEN`), never from
/// the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// Where it is served.
    pub listen: String,
    /// How terminals and shoppers' phones reach it. Empty: `http://` and where it is served.
    pub public_url: String,
    /// The database: `postgresql://user@host/name`. Better in a file or the environment.
    pub database_url: String,
    /// A file that holds the database's URL.
    pub database_url_file: PathBuf,
    /// The key from which terminals' secrets are derived. Better in a file or the environment.
    pub key: String,
    /// A file that holds the key.
    pub key_file: PathBuf,
    /// The back office's bearer token. Empty, and no file: the back office's routes are shut.
    pub admin_token: String,
    /// A file that holds the token.
    pub admin_token_file: PathBuf,
    /// Connections to the database.
    pub connections: u16,
    /// Requests that are worked on at once; more wait a second, then are told to come again.
    pub at_once: u16,
    /// Connections of terminals, waiting ones included.
    pub clients: u32,
    /// How long a request may take, ms.
    pub deadline_ms: u64,
    /// How long requests that are worked on may take to end when the hub is told to end, ms.
    pub drain_ms: u64,
    /// Whether orders are accepted as they come; else by staff.
    pub auto_accept: bool,
    /// How long a payment link can be used, minutes.
    pub payment_minutes: u32,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8480".into(),
            public_url: String::new(),
            database_url: String::new(),
            database_url_file: PathBuf::new(),
            key: String::new(),
            key_file: PathBuf::new(),
            admin_token: String::new(),
            admin_token_file: PathBuf::new(),
            connections: 16,
            at_once: 64,
            clients: 2000,
            deadline_ms: 10_000,
            drain_ms: 10_000,
            auto_accept: false,
            payment_minutes: 60,
        }
    }
}

impl Hub {
    /// The same, with secrets that are shown only as set.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        for secret in [&mut self.database_url, &mut self.key, &mut self.admin_token] {
            if !secret.is_empty() {
                *secret = "(set)".into();
            }
        }
        self
    }

    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if !(2..=500).contains(&self.connections) {
            let found = self.connections;
            return Some(format!(
                "expected hub.connections from 2 to 500, found {found}"
            ));
        }
        if self.at_once == 0 {
            return Some("expected hub.at_once of at least 1, found 0".into());
        }
        if !(1..=100_000).contains(&self.clients) {
            let found = self.clients;
            return Some(format!(
                "expected hub.clients from 1 to 100000, found {found}"
            ));
        }
        if !(100..=60_000).contains(&self.deadline_ms) {
            let found = self.deadline_ms;
            return Some(format!(
                "expected hub.deadline_ms from 100 to 60000, found {found}"
            ));
        }
        if !(1..=10_080).contains(&self.payment_minutes) {
            let found = self.payment_minutes;
            return Some(format!(
                "expected hub.payment_minutes from 1 to 10080, found {found}"
            ));
        }
        None
    }
}
