//! Syncs by the clock, for the daemon.

use super::{Status, Wanted, status, sync};
use crate::settings::{Catalog, CatalogSource};
use jiff::{SignedDuration, Timestamp};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The wait after a first failure; it doubles each time, up to the source's own period.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(2);

/// The longest sleep: a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Syncs each source of a data folder when it is due, until it is told to stop. `now` is the
/// clock, `random` spreads the syncs of many terminals: each period is up to a tenth longer or
/// shorter. What goes wrong is logged and tried again; the catalog stays as it is then.
///
/// Run it beside the daemon: `tokio::spawn(schedule(folder, settings.catalog.clone(),
/// Timestamp::now, fastrand::u64(..), stop))`.
pub async fn schedule(
    folder: PathBuf,
    settings: Catalog,
    now: impl Fn() -> Timestamp + Send,
    random: u64,
    stop: CancellationToken,
) {
    if settings.sources.iter().all(|s| s.period().is_none()) {
        return;
    }
    let settings = Arc::new(settings);
    let mut random = fastrand::Rng::with_seed(random);
    // One jitter a source and period.
    let mut jitter: Vec<f64> = settings.sources.iter().map(|_| random.f64()).collect();
    loop {
        let known = {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || status(&folder)).await
        };
        let known = known.unwrap_or_default();
        let at = now();
        let waits: Vec<Option<SignedDuration>> = settings
            .sources
            .iter()
            .zip(&jitter)
            .map(|(source, jitter)| wait(source, &known, at, *jitter))
            .collect();
        let due: Vec<String> = settings
            .sources
            .iter()
            .zip(&waits)
            .filter(|(_, wait)| wait.is_some_and(|wait| !wait.is_positive()))
            .map(|(source, _)| source.name.clone())
            .collect();
        if due.is_empty() {
            let least = waits.into_iter().flatten().min().unwrap_or_default();
            let sleep = Duration::try_from(least).unwrap_or_default();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(sleep.clamp(Duration::from_millis(50), LONGEST_SLEEP)) => {}
            }
            continue;
        }
        for (source, jitter) in settings.sources.iter().zip(&mut jitter) {
            if due.contains(&source.name) {
                *jitter = random.f64();
            }
        }
        let (folder, settings, seed) = (folder.clone(), settings.clone(), random.u64(..));
        let work = tokio::task::spawn_blocking(move || {
            let wanted = Wanted {
                sources: due,
                ..Wanted::default()
            };
            match sync(&folder, &settings, &wanted, (at, seed), &mut |_| {}) {
                Ok(report) => {
                    let (products, updated) = (report.products, report.updated);
                    tracing::info!(products, updated, "catalog synced");
                    for source in report.sources {
                        if let Some(error) = source.error {
                            tracing::warn!(source = source.name, error, "not fetched");
                        }
                    }
                    true
                }
                Err(failed) => {
                    tracing::warn!(%failed, "catalog not synced");
                    false
                }
            }
        });
        tokio::select! {
            // A download that is under way goes on with the next start.
            () = stop.cancelled() => return,
            done = work => {
                // What could not even be noted (another sync runs) is not asked for at once.
                if !done.unwrap_or(false) {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(Duration::from_secs(5)) => {}
                    }
                }
            }
        }
    }
}

/// How long until a source is due; `None` for one on demand.
fn wait(
    source: &CatalogSource,
    known: &Status,
    now: Timestamp,
    jitter: f64,
) -> Option<SignedDuration> {
    let period = source.period()?;
    let known = known.sources.get(&source.name);
    let Some(tried_at) = known.and_then(|known| known.tried_at) else {
        return Some(SignedDuration::ZERO);
    };
    let failures = known.map_or(0, |known| known.failures);
    let pause = match failures {
        0 => period,
        n => AFTER_FAILURE
            .checked_mul(1 << n.min(12).saturating_sub(1))
            .map_or(period, |pause| pause.min(period)),
    };
    let spread = 0.9 + 0.2 * jitter;
    let pause = SignedDuration::try_from_secs_f64(pause.as_secs_f64() * spread).unwrap_or(pause);
    let since = now.duration_since(tried_at);
    // A clock that was set back does not silence a source for longer than its period.
    Some(pause.checked_sub(since).unwrap_or_default().min(pause))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sync::catalog::SourceStatus;

    fn source() -> CatalogSource {
        toml::from_str("name = \"a\"\nfrom = \"a.tsv\"\nevery = \"1h\"").unwrap()
    }

    fn known(tried: &str, failures: u32) -> Status {
        let source = SourceStatus {
            tried_at: Some(tried.parse().unwrap()),
            failures,
            ..SourceStatus::default()
        };
        Status {
            sources: [("a".to_owned(), source)].into(),
            ..Status::default()
        }
    }

    #[test]
    fn a_source_is_due_after_its_period_and_sooner_after_a_failure() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let minutes =
            |known: &Status, jitter| wait(&source(), known, now, jitter).unwrap().as_mins();
        assert_eq!(minutes(&Status::default(), 0.5), 0, "never asked for");
        assert_eq!(minutes(&known("2026-11-20T11:30:00Z", 0), 0.5), 30);
        assert_eq!(minutes(&known("2026-11-20T11:30:00Z", 0), 0.0), 24);
        assert_eq!(minutes(&known("2026-11-20T11:30:00Z", 0), 1.0), 36);
        assert_eq!(minutes(&known("2026-11-20T12:00:00Z", 1), 0.5), 2);
        assert_eq!(minutes(&known("2026-11-20T12:00:00Z", 3), 0.5), 8);
        assert_eq!(minutes(&known("2026-11-20T12:00:00Z", 30), 0.5), 60);
        assert_eq!(
            minutes(&known("2026-11-22T12:00:00Z", 0), 0.5),
            60,
            "the clock was set back"
        );
        let on_demand = CatalogSource {
            every: String::new(),
            ..source()
        };
        assert_eq!(wait(&on_demand, &Status::default(), now, 0.5), None);
    }
}
