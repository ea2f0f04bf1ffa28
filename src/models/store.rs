//! The folder models lie in, and what is known about each file in it.
//!
//! Hashing a gigabyte takes seconds, so a file that was hashed once is remembered in
//! `.verified.json` by size and modification time; `comptoir models verify` hashes anyway.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::models::manifest::{Manifest, Model, ModelFile};
use crate::models::{ModelsError, Sha256Digest};

const STAMPS: &str = ".verified.json";
const LOCK: &str = ".lock";
const LOCK_POLL: Duration = Duration::from_millis(100);

/// A flat folder of model files.
#[derive(Debug)]
pub struct ModelStore {
    folder: PathBuf,
    stamps: Mutex<()>,
}

/// What is known about a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Not there.
    Missing,
    /// There, of another size than the manifest's, in bytes.
    WrongSize(u64),
    /// There, of the right size, never hashed (or changed since).
    Unverified,
    /// There, and hashed since it last changed.
    Verified,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
struct Stamp {
    size: u64,
    modified_ns: u64,
    sha256: Sha256Digest,
}

impl ModelStore {
    /// The user's store: `$COMPTOIR_MODELS`, else `$XDG_CACHE_HOME/comptoir/models`, else
    /// `~/.cache/comptoir/models`. The folder need not exist.
    pub fn open() -> Result<Self, ModelsError> {
        if let Some(folder) = std::env::var_os("COMPTOIR_MODELS").filter(|value| !value.is_empty())
        {
            return Ok(Self::at(folder));
        }
        let cache = dirs::cache_dir().ok_or(ModelsError::NoFolder)?;
        Ok(Self::at(cache.join("comptoir").join("models")))
    }

    /// The store that the settings name in `models.folder`; none named: [`Self::open`].
    pub fn from_settings(models: &crate::settings::Models) -> Result<Self, ModelsError> {
        if models.folder.as_os_str().is_empty() {
            Self::open()
        } else {
            Ok(Self::at(&models.folder))
        }
    }

    /// A store in a folder of one's own.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            stamps: Mutex::new(()),
        }
    }

    /// Where the files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of the manifest lies, or would.
    pub fn path_of(&self, file: &ModelFile) -> PathBuf {
        self.folder.join(&file.name)
    }

    /// What is known about a file without reading it.
    pub fn state(&self, file: &ModelFile) -> FileState {
        let path = self.path_of(file);
        match stamp_of(&path, file.sha256) {
            None => FileState::Missing,
            Some(stamp) if stamp.size != file.size => FileState::WrongSize(stamp.size),
            Some(stamp) if self.read_stamps().get(&file.name) == Some(&stamp) => {
                FileState::Verified
            }
            Some(_) => FileState::Unverified,
        }
    }

    /// Hashes a file, whatever is known about it, and remembers the outcome. `Ok(false)`: it is
    /// there and its bytes are wrong, or it is not there.
    pub fn verify(&self, file: &ModelFile, tick: &mut dyn FnMut(u64)) -> Result<bool, ModelsError> {
        let path = self.path_of(file);
        match self.state(file) {
            FileState::Missing | FileState::WrongSize(_) => return Ok(false),
            FileState::Unverified | FileState::Verified => {}
        }
        let found =
            Sha256Digest::of_file(&path, tick).map_err(ModelsError::disk("reading", &path))?;
        let right = found == file.sha256;
        self.remember(file, right);
        Ok(right)
    }

    /// The path of a model's first file, for a worker to load: there, and of the right size.
    pub fn require(&self, model: &Model) -> Result<PathBuf, ModelsError> {
        for file in &model.files {
            let path = self.path_of(file);
            match self.state(file) {
                FileState::Missing => {
                    return Err(ModelsError::Missing {
                        id: model.id.clone(),
                        path,
                    });
                }
                FileState::WrongSize(found) => {
                    return Err(ModelsError::Damaged {
                        id: model.id.clone(),
                        path,
                        found: format!("has {found} bytes, expected {}", file.size),
                    });
                }
                FileState::Unverified | FileState::Verified => {}
            }
        }
        let first = model.files.first();
        first
            .map(|file| self.path_of(file))
            .ok_or(ModelsError::NoFolder)
    }

    /// [`Self::require`] by id, in the manifest this program was built with.
    pub fn require_id(&self, id: &str) -> Result<PathBuf, ModelsError> {
        let manifest = Manifest::embedded()?;
        self.require(manifest.get(id)?)
    }

    /// Moves a checked file to its final name, so that it survives a power cut, and remembers
    /// that it was checked.
    pub(crate) fn adopt(&self, part: &Path, file: &ModelFile) -> std::io::Result<()> {
        let path = self.path_of(file);
        File::open(part)?.sync_all()?;
        fs::rename(part, &path)?;
        // The name is durable only once the folder is.
        File::open(&self.folder)?.sync_all()?;
        self.remember(file, true);
        Ok(())
    }

    /// Keeps other fetches out until the lock is dropped (or the process ends). Waits at most
    /// `patience`; `waiting` is called once if it has to wait at all.
    pub(crate) fn lock(
        &self,
        patience: Duration,
        waiting: &dyn Fn(),
    ) -> Result<StoreLock, ModelsError> {
        fs::create_dir_all(&self.folder)
            .map_err(ModelsError::disk("making the folder", &self.folder))?;
        let path = self.folder.join(LOCK);
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(ModelsError::disk("opening the lock", &path))?;
        let start = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock { _file: file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                    if !std::mem::replace(&mut told, true) {
                        waiting();
                    }
                    thread::sleep(LOCK_POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    let folder = self.folder.clone();
                    return Err(ModelsError::Locked {
                        folder,
                        waited: start.elapsed(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(ModelsError::disk("locking", &path)(error));
                }
            }
        }
    }

    fn read_stamps(&self) -> BTreeMap<String, Stamp> {
        // A stamp file that is absent, old or broken only costs another hash.
        fs::read(self.folder.join(STAMPS))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    fn remember(&self, file: &ModelFile, right: bool) {
        let _one_at_a_time = self
            .stamps
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut stamps = self.read_stamps();
        match stamp_of(&self.path_of(file), file.sha256) {
            Some(stamp) if right => stamps.insert(file.name.clone(), stamp),
            _ => stamps.remove(&file.name),
        };
        let path = self.folder.join(STAMPS);
        let draft = self.folder.join(format!("{STAMPS}.{}", std::process::id()));
        let written = serde_json::to_vec_pretty(&stamps)
            .map_err(std::io::Error::from)
            .and_then(|bytes| {
                File::create(&draft)?.write_all(&bytes)?;
                fs::rename(&draft, &path)
            });
        // A store that cannot be written to (a shared, read-only one) is hashed each time.
        if let Err(error) = written {
            tracing::debug!(%error, path = %path.display(), "could not remember a verified file");
            let _ = fs::remove_file(&draft);
        }
    }
}

/// Held while fetching.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

fn stamp_of(path: &Path, sha256: Sha256Digest) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let modified_ns = u64::try_from(modified.as_nanos()).ok()?;
    Some(Stamp {
        size: metadata.len(),
        modified_ns,
        sha256,
    })
}
