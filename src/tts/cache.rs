//! Fixed phrases as audio on disk: a greeting or a question that every shopper hears is made once.
//!
//! One WAV a phrase, named by the SHA-256 of who says what. The folder is bounded: the phrases
//! that were not heard for longest go first. Only what is marked [fixed](SynthesizeRequest::fixed)
//! is kept, for a reply may say what concerns one shopper alone.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::{Synthesize, SynthesizeRequest, TtsError};
use crate::audio::Pcm;

/// The most samples in one audio piece from the cache, so that playback can begin and stop as
/// finely as with a service.
const PIECE: usize = 4096;

/// A draft this old belongs to no process any more.
const STALE: Duration = Duration::from_secs(3600);

/// Why a phrase cannot be kept or found.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}; check the folder's permissions and free space", .path.display())]
pub struct CacheError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl CacheError {
    fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            action,
            path: path.into(),
            source,
        }
    }
}

/// A folder of spoken phrases, bounded in bytes. Processes may share it.
#[derive(Debug, Clone)]
pub struct PhraseCache {
    folder: PathBuf,
    max_bytes: u64,
}

impl PhraseCache {
    /// The cache in a folder, which is made if need be, of at most so many bytes.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>, max_bytes: u64) -> Result<Self, CacheError> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(CacheError::at("make the folder", &folder))?;
        Ok(Self { folder, max_bytes })
    }

    /// The phrase, if it is kept. What cannot be read is removed.
    #[must_use]
    pub fn get(&self, speaker: &str, text: &str) -> Option<Pcm> {
        let path = self.path_of(speaker, text);
        let file = std::fs::File::open(&path).ok()?;
        match read(&file) {
            Ok(pcm) => {
                // The time of the last change is that of the last hearing.
                let _ = file.set_modified(SystemTime::now());
                Some(pcm)
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a cached phrase is damaged");
                let _ = std::fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps a phrase, and lets those go that were not heard for longest if there are too many.
    /// A phrase that is larger than the whole cache is not kept.
    ///
    /// # Errors
    /// When it cannot be written; what was there before is there still.
    pub fn put(&self, speaker: &str, text: &str, pcm: &Pcm) -> Result<(), CacheError> {
        if pcm.samples.is_empty() || pcm.samples.len() as u64 * 2 > self.max_bytes {
            return Ok(());
        }
        let path = self.path_of(speaker, text);
        let draft = self
            .folder
            .join(format!("{}.draft", uuid::Uuid::new_v4().simple()));
        let written = write(&draft, pcm).and_then(|()| std::fs::rename(&draft, &path));
        if let Err(error) = written {
            let _ = std::fs::remove_file(&draft);
            return Err(CacheError::at("write", &path)(error));
        }
        self.shrink()
    }

    fn shrink(&self) -> Result<(), CacheError> {
        let entries =
            std::fs::read_dir(&self.folder).map_err(CacheError::at("list", &self.folder))?;
        let now = SystemTime::now();
        let mut kept = Vec::new();
        for entry in entries.flatten() {
            let (path, Ok(found)) = (entry.path(), entry.metadata()) else {
                continue;
            };
            let heard = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|e| e.to_str()) {
                Some("wav") => kept.push((heard, found.len(), path)),
                Some("draft") if now.duration_since(heard).is_ok_and(|age| age > STALE) => {
                    let _ = std::fs::remove_file(path);
                }
                _ => {}
            }
        }
        kept.sort();
        let mut bytes: u64 = kept.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in kept {
            if bytes <= self.max_bytes {
                break;
            }
            // Another process may have removed it meanwhile.
            let _ = std::fs::remove_file(path);
            bytes -= len;
        }
        Ok(())
    }

    fn path_of(&self, speaker: &str, text: &str) -> PathBuf {
        let mut hash = Sha256::new();
        // The length keeps "ab" + "c" apart from "a" + "bc".
        hash.update((speaker.len() as u64).to_le_bytes());
        hash.update(speaker);
        hash.update(text);
        let name: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(name + ".wav")
    }
}

fn write(path: &Path, pcm: &Pcm) -> io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: pcm.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(plain)?;
    for sample in &pcm.samples {
        // A saturating cast.
        writer
            .write_sample((sample * 32_768.0).round() as i16)
            .map_err(plain)?;
    }
    writer.finalize().map_err(plain)
}

fn read(file: &std::fs::File) -> io::Result<Pcm> {
    let mut reader = hound::WavReader::new(io::BufReader::new(file)).map_err(plain)?;
    let rate = reader.spec().sample_rate;
    let samples = reader
        .samples::<i16>()
        .map(|s| s.map(|s| f32::from(s) / 32_768.0));
    let samples = samples.collect::<Result<Vec<f32>, _>>().map_err(plain)?;
    Ok(Pcm { samples, rate })
}

fn plain(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

/// A voice that remembers what it said: fixed phrases come from the cache, all else from the
/// service behind it.
pub struct CachedTts {
    inner: Arc<dyn Synthesize>,
    cache: PhraseCache,
    speakers: String,
}

impl CachedTts {
    /// A cache before a service. `speakers` names its voices and models: when it changes, what
    /// was kept is not used any more.
    #[must_use]
    pub fn new(
        inner: Arc<dyn Synthesize>,
        cache: PhraseCache,
        speakers: impl Into<String>,
    ) -> Self {
        Self {
            inner,
            cache,
            speakers: speakers.into(),
        }
    }

    async fn ask(
        &self,
        request: SynthesizeRequest<'_>,
        heard: &mut (dyn FnMut(&Pcm) + Send),
    ) -> Result<Pcm, TtsError> {
        if !request.fixed {
            return self.inner.synthesize(request, heard).await;
        }
        let voice = request.voice.unwrap_or_default();
        let speaker = format!("{}\n{}\n{voice}", self.speakers, request.language);
        let text = request.text.to_owned();
        let key = (self.cache.clone(), speaker, text);
        let find = key.clone();
        let found = tokio::task::spawn_blocking(move || find.0.get(&find.1, &find.2)).await;
        if let Ok(Some(pcm)) = found {
            for samples in pcm.samples.chunks(PIECE) {
                heard(&Pcm {
                    samples: samples.to_vec(),
                    rate: pcm.rate,
                });
            }
            return Ok(pcm);
        }
        let pcm = self.inner.synthesize(request, heard).await?;
        let keep = pcm.clone();
        // Speech does not wait for the disk, and does not fail with it.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = key.0.put(&key.1, &key.2, &keep) {
                tracing::warn!(%error, "a phrase was not kept");
            }
        }));
        Ok(pcm)
    }
}

impl Synthesize for CachedTts {
    fn synthesize<'a>(
        &'a self,
        request: SynthesizeRequest<'a>,
        heard: &'a mut (dyn FnMut(&Pcm) + Send),
    ) -> BoxFuture<'a, Result<Pcm, TtsError>> {
        Box::pin(self.ask(request, heard))
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
