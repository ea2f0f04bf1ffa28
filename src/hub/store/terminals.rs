//! Terminals: names, salts, and when they were last seen.

use super::{HubStore, db, get, time, when, when_any};
use crate::hub::refusal::Refusal;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use tokio_postgres::error::SqlState;

/// The channel that tells hubs of terminals that were added, rotated or revoked.
pub const TERMINALS_CHANGED: &str = "hub_terminal";

/// What a terminal's secrets are derived from.
#[derive(Clone, Debug)]
pub struct Salts {
    /// The present one.
    pub now: Vec<u8>,
    /// The one before, and until when it holds.
    pub old: Option<(Vec<u8>, Timestamp)>,
}

/// A terminal, for people.
#[derive(Clone, Debug, Serialize)]
pub struct TerminalRow {
    /// Its name.
    pub name: String,
    /// Where its webhook is.
    pub webhook_url: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
    /// Since when it may no longer come.
    pub revoked_at: Option<Timestamp>,
    /// When a request of its was last believed, to some seconds.
    pub last_seen: Option<Timestamp>,
    /// How many events it was told of.
    pub events: i64,
}

impl HubStore {
    /// Adds a terminal.
    ///
    /// # Errors
    /// [`Refusal::State`] when the name is taken, [`Refusal::Content`] when it is no name.
    pub async fn add_terminal(
        &self,
        name: &str,
        salt: &[u8],
        webhook_url: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        tx.execute(
            "INSERT INTO hub.terminal (name, salt, webhook_url, added_at) VALUES ($1, $2, $3, $4)",
            &[&name, &salt, &webhook_url, &time(now)],
        )
        .await
        .map_err(|e| match e.code() {
            Some(code) if *code == SqlState::UNIQUE_VIOLATION => Refusal::State(format!(
                "expected a new name, found a terminal `{name}`; \
                 `rotate` gives it a new secret"
            )),
            Some(code) if *code == SqlState::CHECK_VIOLATION => Refusal::Content(
                "expected a name of 1 to 63 lower-case letters, digits, `.`, `_` and `-`, \
                 beginning with a letter or digit"
                    .into(),
            ),
            _ => db(e),
        })?;
        tx.execute("INSERT INTO hub.mailbox (terminal) VALUES ($1)", &[&name])
            .await
            .map_err(db)?;
        tx.execute("SELECT pg_notify($1, $2)", &[&TERMINALS_CHANGED, &name])
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }

    /// Gives a terminal a new salt; the one before holds until then.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is no such terminal.
    pub async fn rotate_terminal(
        &self,
        name: &str,
        salt: &[u8],
        old_until: Timestamp,
    ) -> Result<(), Refusal> {
        self.change_terminal(
            "UPDATE hub.terminal SET old_salt = salt, old_until = $3, salt = $2 \
             WHERE name = $1 AND revoked_at IS NULL",
            name,
            &[&salt, &time(old_until)],
        )
        .await
    }

    /// Ends a terminal: nothing that it signs is believed from now on.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is no such terminal.
    pub async fn revoke_terminal(&self, name: &str, now: Timestamp) -> Result<(), Refusal> {
        self.change_terminal(
            "UPDATE hub.terminal SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1",
            name,
            &[&time(now)],
        )
        .await
    }

    async fn change_terminal(
        &self,
        sql: &str,
        name: &str,
        more: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&name];
        values.extend(more);
        if tx.execute(sql, &values).await.map_err(db)? == 0 {
            return Err(Refusal::NotFound("a terminal"));
        }
        tx.execute("SELECT pg_notify($1, $2)", &[&TERMINALS_CHANGED, &name])
            .await
            .map_err(db)?;
        tx.commit().await.map_err(db)
    }

    /// A terminal's salts; `None` when it is unknown or revoked.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn salts(&self, name: &str) -> Result<Option<Salts>, Refusal> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT salt, old_salt, old_until FROM hub.terminal \
                 WHERE name = $1 AND revoked_at IS NULL",
            )
            .await
            .map_err(db)?;
        let Some(row) = client.query_opt(&statement, &[&name]).await.map_err(db)? else {
            return Ok(None);
        };
        let old: Option<Vec<u8>> = get(&row, 1)?;
        Ok(Some(Salts {
            now: get(&row, 0)?,
            old: old.zip(when_any(&row, 2)?),
        }))
    }

    /// Every terminal, by name.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn terminals(&self) -> Result<Vec<TerminalRow>, Refusal> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT t.name, t.webhook_url, t.added_at, t.revoked_at, s.last_seen, m.events \
                 FROM hub.terminal t JOIN hub.mailbox m ON m.terminal = t.name \
                 LEFT JOIN hub.terminal_seen s ON s.terminal = t.name ORDER BY t.name",
                &[],
            )
            .await
            .map_err(db)?;
        rows.iter()
            .map(|row| {
                Ok(TerminalRow {
                    name: get(row, 0)?,
                    webhook_url: get(row, 1)?,
                    added_at: when(row, 2)?,
                    revoked_at: when_any(row, 3)?,
                    last_seen: when_any(row, 4)?,
                    events: get(row, 5)?,
                })
            })
            .collect()
    }

    /// Notes when terminals were last seen. Not worth waiting for the disk.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn seen(&self, seen: &HashMap<String, Timestamp>) -> Result<(), Refusal> {
        let mut pairs: Vec<_> = seen.iter().map(|(name, at)| (name, time(*at))).collect();
        // In one order everywhere, so that two hubs do not wait for each other.
        pairs.sort_unstable();
        let (names, times): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        tx.batch_execute("SET LOCAL synchronous_commit = off")
            .await
            .map_err(db)?;
        tx.execute(
            "INSERT INTO hub.terminal_seen AS s (terminal, last_seen) \
             SELECT n, t FROM unnest($1::text[], $2::timestamptz[]) AS u (n, t) ORDER BY n \
             ON CONFLICT (terminal) DO UPDATE \
             SET last_seen = greatest(s.last_seen, excluded.last_seen)",
            &[&names, &times],
        )
        .await
        .map_err(db)?;
        tx.commit().await.map_err(db)
    }
}
