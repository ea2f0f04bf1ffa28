//! What is done beside the requests: partitions ahead, and when terminals were last seen.

use super::Hub;
use jiff::Timestamp;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, interval, timeout};

/// How often it is noted when terminals were last seen.
const SEEN: Duration = Duration::from_secs(10);
/// How often partitions are looked after; after a failure sooner.
const PARTITIONS: Duration = Duration::from_secs(3600);
const AGAIN: Duration = Duration::from_secs(60);
/// How long either may take.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs until the hub ends.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut often = interval(SEEN);
    let mut partitions_at = Instant::now() + PARTITIONS;
    loop {
        let ending = tokio::select! {
            _ = often.tick() => false,
            () = hub.ending.cancelled() => true,
        };
        note_seen(&hub).await;
        if ending {
            return;
        }
        if Instant::now() >= partitions_at {
            let done = timeout(LONGEST, hub.store.maintain(Timestamp::now())).await;
            partitions_at = Instant::now()
                + match done {
                    Ok(Ok(())) => PARTITIONS,
                    Ok(Err(e)) => {
                        tracing::warn!("hub: partitions were not looked after: {e}");
                        AGAIN
                    }
                    Err(_) => AGAIN,
                };
        }
    }
}

async fn note_seen(hub: &Hub) {
    let seen = {
        let mut seen = hub.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *seen)
    };
    if seen.is_empty() {
        return;
    }
    // What could not be noted is noted when the terminal comes again.
    if let Ok(Err(e)) = timeout(Duration::from_secs(5), hub.store.seen(&seen)).await {
        tracing::debug!("hub: not noted when terminals were seen: {e}");
    }
}
