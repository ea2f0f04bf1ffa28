//! The composition root: names the concrete engines, starts them, wires them, ends them.
//!
//! Each engine is one of three, and nothing else in the program can tell which:
//! a remote service named in the settings; a worker that `comptoir engines` already runs for
//! the same data folder; or a worker of our own, ended with us.

pub mod backend;
pub mod counter;
pub mod launch;
#[cfg(feature = "audio")]
pub mod live;
pub mod lock;
mod menu;
pub mod run_folder;
pub mod shopfront;
pub mod supervisor;
pub mod voices;

use crate::{
    models::ModelStore,
    settings::{LlmProfile, Settings},
    tts::{CachedTts, PhraseCache, Synthesize},
};
use launch::{LaunchError, Weights};
use run_folder::RunFolder;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use supervisor::{Standing, Worker, WorkerError};
use uuid::Uuid;
use voices::Voice;

/// Where an engine is.
#[derive(Debug)]
pub enum Endpoint {
    /// A service that somebody else runs.
    Remote(String),
    /// A worker of our own.
    Worker(Worker),
    /// It cannot be had; the sentence says why.
    Absent(String),
}

impl Endpoint {
    /// Where it serves, waiting for a worker to be ready.
    ///
    /// # Errors
    /// When it cannot be had, or is not ready in time.
    pub async fn uri(&self, within: Duration) -> Result<String, WorkerError> {
        match self {
            Self::Remote(uri) => Ok(uri.clone()),
            Self::Worker(worker) => worker.uri(within).await,
            Self::Absent(reason) => Err(WorkerError::Failed {
                name: "engine",
                reason: reason.clone(),
            }),
        }
    }

    /// Whether it was asked for and can be had.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !matches!(self, Self::Absent(_))
    }

    /// The process of a worker of our own that is ready.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Worker(w) => match w.standing() {
                Standing::Ready { pid, .. } => Some(pid),
                _ => None,
            },
            _ => None,
        }
    }

    /// How often a worker of our own was started again.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        match self {
            Self::Worker(w) => w.restarts(),
            _ => 0,
        }
    }

    async fn stop(&self) {
        if let Self::Worker(worker) = self {
            worker.stop().await;
        }
    }
}

/// Which engines a verb needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Speech to text.
    pub stt: bool,
    /// The language model.
    pub llm: bool,
    /// Text to speech.
    pub tts: bool,
}

impl Needs {
    /// All three.
    pub const ALL: Self = Self {
        stt: true,
        llm: true,
        tts: true,
    };
}

/// The engines of one run.
#[derive(Debug)]
pub struct Engines {
    /// Speech to text.
    pub stt: Endpoint,
    /// The language model.
    pub llm: Endpoint,
    /// Its bearer token.
    pub llm_token: String,
    /// The general model that is asked where the small one is not sure.
    pub second: Endpoint,
    /// Text to speech.
    pub tts: Endpoint,
    run: RunFolder,
}

impl Engines {
    /// Starts what is needed. Workers load in parallel; nobody waits here.
    ///
    /// A missing language model is no error: the lexical parser stands in, and says so. A
    /// missing ear or voice is, for a verb that needs it.
    ///
    /// # Errors
    /// [`LaunchError`]: a model or a program is missing.
    pub async fn start(
        settings: &Settings,
        needs: Needs,
        shared: bool,
    ) -> Result<Self, LaunchError> {
        let run = RunFolder::of(&settings.data_folder(), shared)
            .map_err(|source| LaunchError::RunFolder { source })?;
        let attach = if shared {
            None
        } else {
            Attach::find(settings).await
        };
        let weights = Weights::of(settings)?;
        let not_needed = || Endpoint::Absent("it was not asked for".to_owned());

        let stt = if !needs.stt {
            not_needed()
        } else if !settings.stt.uri.is_empty() {
            Endpoint::Remote(settings.stt.uri.clone())
        } else if let Some(a) = &attach {
            Endpoint::Remote(a.stt.clone())
        } else {
            Endpoint::Worker(Worker::spawn(launch::stt(
                settings,
                &weights,
                &run.socket("stt"),
            )?))
        };
        let tts = if !needs.tts {
            not_needed()
        } else if !settings.tts.uri.is_empty() {
            Endpoint::Remote(settings.tts.uri.clone())
        } else if let Some(a) = &attach {
            Endpoint::Remote(a.tts.clone())
        } else {
            Endpoint::Worker(Worker::spawn(launch::tts(
                settings,
                &weights,
                &run.socket("tts"),
            )?))
        };
        let mut llm_token = settings.llm.token.clone();
        let llm = if !needs.llm {
            not_needed()
        } else if settings.llm.profile == LlmProfile::None {
            Endpoint::Absent("llm.profile is \"none\"".to_owned())
        } else if !settings.llm.url.is_empty() {
            Endpoint::Remote(settings.llm.url.clone())
        } else if let Some(a) = &attach {
            llm_token.clone_from(&a.llm_token);
            Endpoint::Remote(a.llm.clone())
        } else {
            llm_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            let cache = prefix_cache(&weights);
            match launch::llm(&settings.llm, &weights, &cache, &llm_token) {
                Ok(launch) => Endpoint::Worker(Worker::spawn(launch)),
                Err(e) => {
                    tracing::warn!("no language model: {e}");
                    Endpoint::Absent(e.to_string())
                }
            }
        };
        let second = match settings.llm.second() {
            Some(second) if needs.llm => {
                if llm_token.is_empty() {
                    llm_token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
                }
                let cache = prefix_cache(&weights);
                Endpoint::Worker(Worker::spawn(launch::llm(
                    &second, &weights, &cache, &llm_token,
                )?))
            }
            _ => not_needed(),
        };
        Ok(Self {
            stt,
            llm,
            llm_token,
            second,
            tts,
            run,
        })
    }

    /// Tells other programs of this user where the engines are, for as long as this value lives.
    ///
    /// # Errors
    /// When one does not become ready, or the file cannot be written.
    pub async fn announce(&self, within: Duration) -> Result<(), AnnounceError> {
        let attach = Attach {
            stt: self.stt.uri(within).await?,
            tts: self.tts.uri(within).await?,
            llm: self.llm.uri(within).await?,
            llm_token: self.llm_token.clone(),
        };
        let text = serde_json::to_string(&attach).map_err(std::io::Error::other)?;
        self.run.write_private("engines.json", &text)?;
        Ok(())
    }

    /// Ends the workers of our own, all at once.
    pub async fn stop(&self) {
        tokio::join!(
            self.stt.stop(),
            self.llm.stop(),
            self.second.stop(),
            self.tts.stop()
        );
    }
}

/// Why the engines cannot be announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// An engine is not ready.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The file cannot be written.
    #[error("expected to write where the engines are: {0}")]
    Write(#[from] std::io::Error),
}

/// Where `comptoir engines` says that its workers are.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Attach {
    stt: String,
    tts: String,
    llm: String,
    llm_token: String,
}

impl Attach {
    /// Workers that are announced for this data folder and answer.
    async fn find(settings: &Settings) -> Option<Self> {
        let path = RunFolder::shared_path(&settings.data_folder()).join("engines.json");
        let text = std::fs::read_to_string(path).ok()?;
        let attach: Self = serde_json::from_str(&text).ok()?;
        let uri = attach.stt.parse().ok()?;
        crate::wyoming::client::ping(&uri, Duration::from_millis(500))
            .await
            .ok()?;
        tracing::debug!("using the workers of `comptoir engines`");
        Some(attach)
    }
}

/// Where the language model's read prefixes are kept: beside the models, not in the shop's
/// data, so that every data folder profits.
fn prefix_cache(weights: &Weights) -> PathBuf {
    beside_models(weights.folder(), "prefixes")
}

/// A folder for what can be made again, beside that of the models.
fn beside_models(models: &Path, name: &str) -> PathBuf {
    models.parent().unwrap_or(models).join(name)
}

/// Our own voice, or a service's, that remembers fixed phrases; as it is where no folder can be
/// had.
fn voice(engines: &Arc<Engines>, settings: &Settings) -> Arc<dyn Synthesize> {
    let voice: Arc<dyn Synthesize> = Arc::new(Voice::of(engines.clone()));
    let kept = ModelStore::from_settings(&settings.models)
        .map_err(|e| e.to_string())
        .and_then(|store| {
            let folder = beside_models(store.folder(), "phrases");
            PhraseCache::open(folder, PHRASES).map_err(|e| e.to_string())
        });
    match kept {
        Ok(cache) => {
            let voices: Vec<String> = settings
                .tts
                .voices
                .iter()
                .map(|(language, voice)| format!("{language}={voice}"))
                .collect();
            let speakers = format!("{}\n{}", settings.tts.uri, voices.join("\n"));
            Arc::new(CachedTts::new(voice, cache, speakers))
        }
        Err(error) => {
            tracing::warn!(%error, "fixed phrases are spoken anew each time");
            voice
        }
    }
}

/// Most bytes of spoken phrases that are kept: a few hundred.
const PHRASES: u64 = 32 << 20;
