//! The schema's steps: append-only files, applied under a lock in one transaction.

use super::{HubStore, db, get};
use crate::hub::{keys::HubKey, refusal::Refusal, start::StartError};
use deadpool_postgres::Transaction;
use jiff::Timestamp;

/// The steps, oldest first. Never edit one that was released: append.
const STEPS: &[&str] = &[include_str!("migrations/001_hub.sql")];

/// The newest schema's number.
pub const KNOWN: i32 = STEPS.len() as i32;

/// Whoever changes the schema or makes partitions holds this lock until its transaction ends.
pub(super) const LOCK: i64 = 0x636f_6d70_746f_6972;

impl HubStore {
    /// Brings the schema to the newest number, and makes the partitions of the months around
    /// `now`. All or nothing; several hubs may do so at once. Returns the number it had.
    ///
    /// # Errors
    /// [`StartError`] when the schema is newer than this program, or the database refuses.
    pub async fn migrate(&self, now: Timestamp) -> Result<i32, StartError> {
        let told = |e: Refusal| StartError::Database(e.to_string());
        let mut client = self.client().await.map_err(told)?;
        let tx = client.transaction().await.map_err(db).map_err(told)?;
        // Other hubs may wait here for a long step.
        tx.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            .await
            .map_err(db)
            .map_err(told)?;
        lock(&tx).await.map_err(told)?;
        let found = number(&tx).await.map_err(told)?;
        if found > KNOWN {
            return Err(newer(found));
        }
        for (n, step) in STEPS.iter().enumerate().skip(found.unsigned_abs() as usize) {
            tx.batch_execute(step).await.map_err(db).map_err(told)?;
            tx.execute(
                "INSERT INTO hub.migration (number) VALUES ($1)",
                &[&(n as i32 + 1)],
            )
            .await
            .map_err(db)
            .map_err(told)?;
        }
        super::partitions::make(&tx, now).await.map_err(told)?;
        tx.commit().await.map_err(db).map_err(told)?;
        Ok(found)
    }

    /// The schema's number; 0 before the first step.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn schema(&self) -> Result<i32, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        number(&tx).await
    }

    /// Checks that the schema is the one known here, and that the key is this database's; an
    /// unmarked database takes the key's mark.
    ///
    /// # Errors
    /// [`StartError`] says what is otherwise.
    pub async fn ready_for(&self, key: &HubKey) -> Result<(), StartError> {
        let told = |e: Refusal| StartError::Database(e.to_string());
        let found = self.schema().await.map_err(told)?;
        if found > KNOWN {
            return Err(newer(found));
        }
        if found < KNOWN {
            return Err(StartError::Schema {
                known: KNOWN,
                found,
                todo: "run `comptoir hub migrate`",
            });
        }
        let client = self.client().await.map_err(told)?;
        client
            .execute(
                "INSERT INTO hub.fact (name, value) VALUES ('key_check', $1) ON CONFLICT DO NOTHING",
                &[&key.check()],
            )
            .await
            .map_err(db)
            .map_err(told)?;
        let row = client
            .query_one("SELECT value FROM hub.fact WHERE name = 'key_check'", &[])
            .await
            .map_err(db)
            .map_err(told)?;
        let mark: Vec<u8> = get(&row, 0).map_err(told)?;
        if mark == key.check() {
            Ok(())
        } else {
            Err(StartError::OtherKey)
        }
    }
}

fn newer(found: i32) -> StartError {
    StartError::Schema {
        known: KNOWN,
        found,
        todo: "it was written by a newer comptoir: update this one",
    }
}

/// Waits for the lock of schema changes; it ends with the transaction.
pub(super) async fn lock(tx: &Transaction<'_>) -> Result<(), Refusal> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(db)?;
    Ok(())
}

async fn number(tx: &Transaction<'_>) -> Result<i32, Refusal> {
    let row = tx
        .query_one("SELECT to_regclass('hub.migration') IS NOT NULL", &[])
        .await
        .map_err(db)?;
    if !get::<bool>(&row, 0)? {
        return Ok(0);
    }
    let row = tx
        .query_one("SELECT coalesce(max(number), 0) FROM hub.migration", &[])
        .await
        .map_err(db)?;
    get(&row, 0)
}
