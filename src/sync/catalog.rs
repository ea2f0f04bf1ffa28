//! The catalog from the retailer's feeds: fetched where they changed, built beside the live
//! catalog, swapped in whole.
//!
//! Copies of the feeds lie in `feeds/` of the data folder: `NAME.feed` is what the catalog was
//! built from, `NAME.part` a download that broke, `status.json` what is known of each source. A
//! source that cannot be fetched stays as it was; a sync that fails leaves the catalog as it was.

mod download;
mod error;
mod fetch;
mod report;
mod schedule;
mod status;

pub use download::Pace;
pub use error::{FetchError, SyncError, SyncFailed, age_of};
pub use report::{Progress, SourceReport, SyncReport, Wanted};
pub use schedule::schedule;
pub use status::{SourceStatus, Status};

use crate::{
    models::http::shown,
    settings::{Catalog, CatalogSource},
    shop::{
        feed::{self, FeedFile, FeedReport, Format, ImportError},
        load::told_currency,
        money::Currency,
        store::{CatalogBuilder, Store},
    },
};
use download::Validators;
use fetch::{Fetched, Place};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What is known of the sources of a data folder.
#[must_use]
pub fn status(folder: &Path) -> Status {
    Status::read(&folder.join(FEEDS))
}

/// The folder of the copies in the data folder.
const FEEDS: &str = "feeds";

/// So many issues of a feed are kept in the status.
const ISSUES: usize = 20;

/// Brings the catalog of a data folder up to date. Blocks: it belongs on a thread of its own.
///
/// # Errors
/// [`SyncFailed`]; the catalog is as it was then, and the failure says how old it is.
pub fn sync(
    folder: &Path,
    settings: &Catalog,
    wanted: &Wanted,
    (now, random): (Timestamp, u64),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<SyncReport, SyncFailed> {
    Sync::begin(folder, settings, wanted, now)
        .and_then(|sync| sync.run(&mut fastrand::Rng::with_seed(random), progress))
        .map_err(|why| {
            let built_at = Store::open(folder).and_then(|store| store.built_at());
            let built_at = built_at.ok().flatten();
            SyncFailed {
                why: Box::new(why),
                stays: built_at.map(|at| (at, now.duration_since(at))),
            }
        })
}

/// A sync that runs.
struct Sync<'a> {
    folder: &'a Path,
    feeds: PathBuf,
    settings: &'a Catalog,
    wanted: &'a Wanted,
    now: Timestamp,
    status: Status,
    /// What the live catalog is.
    live: Option<Timestamp>,
    currency: Option<Currency>,
    formats: Vec<Format>,
    _lock: File,
}

/// Which copy of a source is built from.
struct Copy {
    newer: Option<(Validators, u64, String)>,
    error: Option<String>,
    /// Whether it was asked for.
    tried: bool,
}

impl<'a> Sync<'a> {
    fn begin(
        folder: &'a Path,
        settings: &'a Catalog,
        wanted: &'a Wanted,
        now: Timestamp,
    ) -> Result<Self, SyncError> {
        if settings.sources.is_empty() {
            return Err(SyncError::NoSources);
        }
        let names: Vec<&str> = settings.sources.iter().map(|s| s.name.as_str()).collect();
        if let Some(found) = wanted.sources.iter().find(|w| !names.contains(&w.as_str())) {
            return Err(SyncError::NoSuchSource {
                found: found.clone(),
                known: names.join(", "),
            });
        }
        let formats = settings.sources.iter().map(|source| {
            source.format.parse().map_err(|why| SyncError::Format {
                name: source.name.clone(),
                why: Box::new(why),
            })
        });
        let formats = formats.collect::<Result<_, _>>()?;
        let feeds = folder.join(FEEDS);
        let file = |path: &Path, source| SyncError::File {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(&feeds).map_err(|e| file(&feeds, e))?;
        let lock_path = feeds.join("sync.lock");
        let lock = File::create(&lock_path).map_err(|e| file(&lock_path, e))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| SyncError::Running(folder.to_owned()))?;
        let store = Store::open(folder)?;
        Ok(Self {
            folder,
            settings,
            wanted,
            now,
            status: Status::read(&feeds),
            live: store.built_at()?,
            currency: told_currency(&store)?,
            formats,
            feeds,
            _lock: lock,
        })
    }

    fn run(
        mut self,
        random: &mut fastrand::Rng,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<SyncReport, SyncError> {
        let mut copies = self.fetch(random, progress)?;
        let as_set = self.as_set();
        let is_current = self.live.is_some()
            && self.live == self.status.built_at
            && self.status.settings == as_set;
        if is_current && copies.iter().all(|copy| copy.newer.is_none()) {
            self.note(&copies, &[]);
            return Ok(self.report(false, 0, copies, Vec::new()));
        }
        let built = loop {
            match self.build(&copies, progress) {
                Ok(built) => break built,
                Err((failed, why)) => {
                    // A feed that turned to garbage is as one that did not come, where a copy of
                    // it is there.
                    let copy = failed.and_then(|i| copies.get_mut(i).zip(self.place(i)));
                    match copy {
                        Some((copy, place)) if copy.newer.is_some() && place.kept().exists() => {
                            let _ = fs::remove_file(place.newer());
                            copy.newer = None;
                            copy.error = Some(why.to_string());
                            if is_current && copies.iter().all(|copy| copy.newer.is_none()) {
                                self.note(&copies, &[]);
                                return Err(why);
                            }
                        }
                        _ => {
                            self.fail(&mut copies, failed, &why);
                            return Err(why);
                        }
                    }
                }
            }
        };
        for (i, copy) in copies.iter().enumerate() {
            if let Some(place) = self.place(i).filter(|_| copy.newer.is_some()) {
                let (from, to) = (place.newer(), place.kept());
                fs::rename(&from, &to).map_err(|source| SyncError::File { path: to, source })?;
            }
        }
        self.status.built_at = Some(built.at);
        self.status.products = built.products;
        self.status.settings = as_set;
        self.live = Some(built.at);
        self.note(&copies, &built.feeds);
        Ok(self.report(true, built.removed, copies, built.feeds))
    }

    /// What the settings make of the same feeds: another value builds anew.
    fn as_set(&self) -> String {
        let sources = self.settings.sources.iter().zip(&self.formats);
        let all: Vec<String> = sources
            .map(|(s, format)| format!("{} {} {:?} {format:?}", s.name, s.language, s.currency))
            .collect();
        digest(all.join("\n").as_bytes())
    }

    fn place(&self, i: usize) -> Option<Place<'_>> {
        Some(Place {
            source: self.settings.sources.get(i)?,
            folder: &self.feeds,
            mapping: self.formats.get(i)?.mapping(),
            pace: self.wanted.pace,
        })
    }

    /// Fetches the sources that are wanted, and those of which there is no copy.
    fn fetch(
        &mut self,
        random: &mut fastrand::Rng,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<Copy>, SyncError> {
        let mut copies: Vec<Copy> = Vec::new();
        for (i, source) in self.settings.sources.iter().enumerate() {
            let Some(place) = self.place(i) else { continue };
            let address = address(source);
            let known = self.status.sources.get(&source.name);
            let known = known.filter(|known| known.address == address && place.kept().exists());
            let is_wanted =
                self.wanted.sources.is_empty() || self.wanted.sources.contains(&source.name);
            if !is_wanted && known.is_some() {
                copies.push(Copy {
                    newer: None,
                    error: None,
                    tried: false,
                });
                continue;
            }
            let validators = known.map(|known| Validators {
                etag: known.etag.clone(),
                last_modified: known.last_modified.clone(),
            });
            let same = known.map(|known| known.sha256.clone());
            let is_known = known.is_some();
            let mut copy = Copy {
                newer: None,
                error: None,
                tried: true,
            };
            match place.fetch(validators.as_ref(), random, progress) {
                Ok(Fetched::Unchanged) => {}
                // The same bytes again, with another validator or none.
                Ok(Fetched::New { sha256, .. }) if same.as_deref() == Some(&*sha256) => {
                    let _ = fs::remove_file(place.newer());
                }
                Ok(Fetched::New {
                    validators,
                    bytes,
                    sha256,
                }) => copy.newer = Some((validators, bytes, sha256)),
                Err(why) if is_known => copy.error = Some(why.to_string()),
                Err(why) => {
                    let why = SyncError::Fetch {
                        name: source.name.clone(),
                        why: Box::new(why),
                    };
                    copies.push(copy);
                    let failed = copies.len() - 1;
                    self.fail(&mut copies, Some(failed), &why);
                    return Err(why);
                }
            }
            copies.push(copy);
        }
        Ok(copies)
    }

    /// Builds the catalog from these copies. The error names the source that is to blame.
    fn build(
        &self,
        copies: &[Copy],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Built, (Option<usize>, SyncError)> {
        let here = |why: SyncError| (None, why);
        let fetched_at = |i: usize, copy: &Copy| {
            let source = self.settings.sources.get(i);
            let known = source.and_then(|s| self.status.sources.get(&s.name));
            match copy.newer {
                Some(_) => self.now,
                None => known.and_then(|k| k.fetched_at).unwrap_or(self.now),
            }
        };
        let newest = copies
            .iter()
            .enumerate()
            .map(|(i, c)| fetched_at(i, c))
            .max();
        // Two catalogs never have one time: it tells them apart.
        let after = |at: Timestamp| at.checked_add(jiff::SignedDuration::from_millis(1));
        let at = match (newest.unwrap_or(self.now), self.live) {
            (at, Some(live)) if at <= live => after(live).unwrap_or(live),
            (at, _) => at,
        };
        let mut builder = CatalogBuilder::begin(self.folder).map_err(|e| here(e.into()))?;
        builder.origin("feed");
        let mut currency = self.currency;
        let mut feeds = Vec::new();
        for (i, (source, copy)) in self.settings.sources.iter().zip(copies).enumerate() {
            let Some(place) = self.place(i) else { continue };
            let figures = fetched_at(i, copy);
            builder.figures_at((figures != at).then_some(figures));
            let path = match copy.newer {
                Some(_) => place.newer(),
                None => place.kept(),
            };
            let feed = FeedFile {
                path,
                language: source.language,
                format: self.formats.get(i).cloned().unwrap_or_default(),
                currency: source.currency,
            };
            let bounds = (currency, place.limit());
            let name = format!("{} ({})", source.name, shown(&source.from));
            let read = feed::read_file(&mut builder, &name, &feed, bounds, &mut |rows| {
                progress(Progress::Reading {
                    source: &source.name,
                    rows,
                });
            });
            let (report, seen) = read.map_err(|e| match e {
                ImportError::Store(e) => here(e.into()),
                e => (Some(i), e.into()),
            })?;
            currency = seen.or(currency);
            feeds.push(report);
        }
        let removals = builder.removals().map_err(|e| here(e.into()))?;
        let most = u64::from(self.settings.max_removals_percent);
        if !self.wanted.allow_removals && removals.gone * 100 > removals.before * most {
            return Err(here(SyncError::Removals {
                removals,
                percent: self.settings.max_removals_percent,
            }));
        }
        progress(Progress::Finishing);
        let products = builder.products().map_err(|e| here(e.into()))?;
        feed::finish(builder, &feeds, at).map_err(|e| here(e.into()))?;
        Ok(Built {
            at,
            products,
            removed: removals.gone,
            feeds,
        })
    }

    /// Notes a failure of the sync as that of the source that is to blame, or of all that were
    /// tried.
    fn fail(&mut self, copies: &mut [Copy], failed: Option<usize>, why: &SyncError) {
        for (i, copy) in copies.iter_mut().enumerate() {
            if let Some(place) = self.place(i) {
                let _ = fs::remove_file(place.newer());
            }
            copy.newer = None;
            if failed.is_none_or(|failed| failed == i) && copy.tried {
                copy.error = Some(why.to_string());
            }
        }
        self.note(copies, &[]);
    }

    /// Keeps what is known now.
    fn note(&mut self, copies: &[Copy], feeds: &[FeedReport]) {
        for (i, (source, copy)) in self.settings.sources.iter().zip(copies).enumerate() {
            let known = self.status.sources.entry(source.name.clone()).or_default();
            known.from = shown(&source.from);
            if copy.tried {
                known.tried_at = Some(self.now);
                known.error.clone_from(&copy.error);
                match copy.error {
                    None => {
                        known.good_at = Some(self.now);
                        known.failures = 0;
                    }
                    Some(_) => known.failures = known.failures.saturating_add(1),
                }
            }
            if let Some((validators, bytes, sha256)) = &copy.newer {
                known.fetched_at = Some(self.now);
                known.etag.clone_from(&validators.etag);
                known.last_modified.clone_from(&validators.last_modified);
                known.bytes = *bytes;
                known.sha256.clone_from(sha256);
                known.address = address(source);
            }
            if let Some(feed) = feeds.get(i) {
                (known.kept, known.refused) = (feed.kept, feed.refused);
                known.warnings = feed.warnings;
                let issues = feed.issues.iter().take(ISSUES);
                known.issues = issues.map(ToString::to_string).collect();
            }
        }
        let names: Vec<&String> = self.settings.sources.iter().map(|s| &s.name).collect();
        self.status.sources.retain(|name, _| {
            let stays = names.contains(&name);
            if !stays {
                // The copy of a source that is no longer set.
                let _ = fs::remove_file(self.feeds.join(format!("{name}.feed")));
            }
            stays
        });
        if let Err(error) = self.status.write(&self.feeds) {
            tracing::warn!(%error, "could not keep the status of the catalog's sources");
        }
    }

    fn report(
        &self,
        updated: bool,
        removed: u64,
        copies: Vec<Copy>,
        feeds: Vec<FeedReport>,
    ) -> SyncReport {
        let mut feeds = feeds.into_iter();
        let sources = self.settings.sources.iter().zip(copies);
        SyncReport {
            updated,
            built_at: self.live,
            products: self.status.products,
            removed,
            sources: sources
                .map(|(source, copy)| SourceReport {
                    name: source.name.clone(),
                    fetched: copy.newer.is_some(),
                    error: copy.error,
                    feed: feeds.next(),
                })
                .collect(),
        }
    }
}

/// A catalog that was built.
struct Built {
    at: Timestamp,
    products: u64,
    removed: u64,
    feeds: Vec<FeedReport>,
}

/// What a source's copy is of, without saying where that is.
fn address(source: &CatalogSource) -> String {
    digest(source.from.as_bytes())
}

/// SHA-256 in hex.
fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
