//! Partitions by month, made ahead.

use super::{HubStore, db, get, migrate::lock, time};
use crate::hub::refusal::Refusal;
use deadpool_postgres::GenericClient;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use std::time::Duration;

/// What is partitioned.
const PARTITIONED: [&str; 4] = ["orders", "order_line", "order_event", "event"];
/// So many months ahead have their partitions.
const AHEAD: i32 = 3;
/// Answers to messages are kept so long; then only their order stays.
const MESSAGES_KEPT: Duration = Duration::from_secs(90 * 86_400);

impl HubStore {
    /// Makes partitions ahead and forgets answers that nobody asks for any more. To be called
    /// every hour or so, by every hub.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), Refusal> {
        let mut client = self.client().await?;
        if missing(&client, now).await?.is_empty() {
            let before = now - MESSAGES_KEPT;
            client
                .execute("DELETE FROM hub.message WHERE at < $1", &[&time(before)])
                .await
                .map_err(db)?;
            return Ok(());
        }
        let tx = client.transaction().await.map_err(db)?;
        lock(&tx).await?;
        make(&tx, now).await?;
        tx.commit().await.map_err(db)
    }
}

/// Makes the partitions that are missing.
pub(super) async fn make(tx: &impl GenericClient, now: Timestamp) -> Result<(), Refusal> {
    for (name, table, from, to) in missing(tx, now).await? {
        // Names and days are ours: nothing of a request is in this text.
        tx.batch_execute(&format!(
            "CREATE TABLE hub.{name} PARTITION OF hub.{table} \
             FOR VALUES FROM ('{from}T00:00:00Z') TO ('{to}T00:00:00Z')"
        ))
        .await
        .map_err(db)?;
    }
    Ok(())
}

/// The partitions that are not there: name, table, first day, and the day after the last.
async fn missing(
    client: &impl GenericClient,
    now: Timestamp,
) -> Result<Vec<(String, &'static str, Date, Date)>, Refusal> {
    let this = now.to_zoned(TimeZone::UTC).date().first_of_month();
    let mut out = Vec::new();
    for table in PARTITIONED {
        // The month before too: another hub's clock may be a little behind.
        for n in -1..=AHEAD {
            let wrong = |e: jiff::Error| Refusal::Failed(format!("a month is out of range: {e}"));
            let from = this.checked_add(n.months()).map_err(wrong)?;
            let to = from.checked_add(1.month()).map_err(wrong)?;
            let name = format!("{table}_{:04}_{:02}", from.year(), from.month());
            out.push((name, table, from, to));
        }
    }
    let names: Vec<String> = out.iter().map(|(name, ..)| format!("hub.{name}")).collect();
    let rows = client
        .query(
            "SELECT name FROM unnest($1::text[]) AS t (name) WHERE to_regclass(name) IS NOT NULL",
            &[&names],
        )
        .await
        .map_err(db)?;
    let mut there = std::collections::HashSet::new();
    for row in &rows {
        there.insert(get::<String>(row, 0)?);
    }
    out.retain(|(name, ..)| !there.contains(&format!("hub.{name}")));
    Ok(out)
}
