//! What is to be posted to terminals that can be called.

use super::{HubStore, db, get};
use crate::hub::refusal::Refusal;

/// A terminal with events that its webhook has not taken.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its name.
    pub terminal: String,
    /// Its salt.
    pub salt: Vec<u8>,
    /// Where it is called.
    pub url: String,
    /// The last event that it took.
    pub posted: i64,
}

impl HubStore {
    /// The terminals with a webhook that are behind.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn webhooks_due(&self) -> Result<Vec<Due>, Refusal> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT t.name, t.salt, t.webhook_url, m.posted FROM hub.terminal t \
                 JOIN hub.mailbox m ON m.terminal = t.name \
                 WHERE t.webhook_url IS NOT NULL AND t.revoked_at IS NULL \
                 AND m.posted < m.events ORDER BY t.name",
                &[],
            )
            .await
            .map_err(db)?;
        rows.iter()
            .map(|row| {
                Ok(Due {
                    terminal: get(row, 0)?,
                    salt: get(row, 1)?,
                    url: get(row, 2)?,
                    posted: get(row, 3)?,
                })
            })
            .collect()
    }

    /// Notes the last event that a webhook took.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn posted(&self, terminal: &str, number: u64) -> Result<(), Refusal> {
        let client = self.client().await?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        client
            .execute(
                "UPDATE hub.mailbox SET posted = greatest(posted, $2) WHERE terminal = $1",
                &[&terminal, &number],
            )
            .await
            .map_err(db)?;
        Ok(())
    }
}
