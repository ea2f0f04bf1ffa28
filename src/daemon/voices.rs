//! Engines as the session knows them: a worker that dies is waited for and asked once more.

use super::{Endpoint, Engines, supervisor::WorkerError};
use crate::{
    audio::Pcm,
    nlu::{
        CommandModel, ModelError, Proposal,
        llm::{self, Dialect, LlmClient},
    },
    settings::{LlmProfile, Settings},
    stt::{SttError, Transcribe, TranscribeRequest, Transcript, WyomingStt},
    tts::{Synthesize, SynthesizeRequest, TtsError, WyomingTts},
    wyoming::{Uri, uri::UriError},
};
use futures_util::future::BoxFuture;
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long the supervisor may take to learn that a process has ended: a connection breaks a
/// moment before.
const GONE: Duration = Duration::from_millis(500);
/// How long a request waits for its engine to be ready: a worker that starts or starts again.
const READY: Duration = Duration::from_secs(20);

/// Asks an engine; when its process died under the question, asks the next one once.
///
/// `is_broken` tells a broken connection from an answer that is an error.
async fn ask<T, E, F>(
    endpoint: &Endpoint,
    mut question: impl FnMut(String) -> F,
    is_broken: impl Fn(&E) -> bool,
    unavailable: impl Fn(WorkerError) -> E,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let uri = endpoint.uri(READY).await.map_err(&unavailable)?;
    let first = question(uri.clone()).await;
    let Err(error) = first else { return first };
    let Endpoint::Worker(worker) = endpoint else {
        return Err(error);
    };
    if !is_broken(&error) || !worker.gone(&uri, GONE).await {
        return Err(error);
    }
    tracing::warn!(%uri, "the engine ended under a question; asking the next one");
    let uri = endpoint.uri(READY).await.map_err(unavailable)?;
    question(uri).await
}
/// The language model.
pub struct Model {
    engines: Arc<Engines>,
    token: Option<String>,
    name: Option<String>,
    dialect: Dialect,
    /// The general model, asked where the small one is not sure.
    is_second: bool,
    /// The client of the URL that was asked last: its connection is kept.
    client: Mutex<Option<Arc<LlmClient>>>,
}

impl Model {
    /// The second model of these engines, where the settings have one.
    #[must_use]
    pub fn second_of(engines: Arc<Engines>, settings: &Settings) -> Option<Self> {
        let second = settings.llm.second()?;
        engines.second.is_there().then(|| {
            let settings = Settings {
                llm: second,
                ..settings.clone()
            };
            Self {
                is_second: true,
                ..Self::of(engines, &settings)
            }
        })
    }

    fn endpoint(&self) -> &Endpoint {
        if self.is_second {
            &self.engines.second
        } else {
            &self.engines.llm
        }
    }

    /// Of these engines, spoken to as the settings say.
    #[must_use]
    pub fn of(engines: Arc<Engines>, settings: &Settings) -> Self {
        let remote = settings.llm.profile == LlmProfile::Remote;
        Self {
            token: (!engines.llm_token.is_empty()).then(|| engines.llm_token.clone()),
            name: remote.then(|| settings.llm.model().to_owned()),
            dialect: match settings.llm.profile {
                LlmProfile::Remote => Dialect::JsonSchema,
                LlmProfile::Small => Dialect::Tuned,
                LlmProfile::Standard | LlmProfile::None => Dialect::Comptoir,
            },
            engines,
            is_second: false,
            client: Mutex::new(None),
        }
    }

    fn client(&self, url: String) -> Result<Arc<LlmClient>, ModelError> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.as_ref().filter(|c| c.endpoint().url == url) {
            return Ok(client.clone());
        }
        let client = Arc::new(LlmClient::new(llm::Endpoint {
            url,
            token: self.token.clone(),
            model: self.name.clone(),
            dialect: self.dialect,
        })?);
        *kept = Some(client.clone());
        Ok(client)
    }

    /// Has the model read its instructions, so that the first turn does not wait for it.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn warm(&self, deadline: Duration) -> Result<(), ModelError> {
        ask(
            self.endpoint(),
            |url| async move { self.client(url)?.warm(deadline).await },
            is_unreachable,
            unavailable,
        )
        .await
    }
}

fn is_unreachable(error: &ModelError) -> bool {
    matches!(error, ModelError::Unreachable { .. })
}

fn unavailable(error: WorkerError) -> ModelError {
    ModelError::Unreachable {
        url: "comptoir-llm".into(),
        reason: error.to_string(),
    }
}

impl CommandModel for Model {
    fn is_tuned(&self) -> bool {
        self.dialect == Dialect::Tuned
    }

    fn propose<'a>(
        &'a self,
        turn: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Proposal, ModelError>> {
        Box::pin(async move {
            let began = Instant::now();
            let asked = ask(
                self.endpoint(),
                |url| async move {
                    let left = deadline.saturating_sub(began.elapsed());
                    self.client(url)?.propose(turn, left).await
                },
                is_unreachable,
                unavailable,
            );
            // Waiting for a worker to come back counts too: the lexical parser is quicker.
            tokio::time::timeout(deadline, asked)
                .await
                .unwrap_or(Err(ModelError::Late(deadline)))
        })
    }
}

/// Speech to text.
pub struct Ears {
    engines: Arc<Engines>,
}

impl Ears {
    /// Of these engines.
    #[must_use]
    pub fn of(engines: Arc<Engines>) -> Self {
        Self { engines }
    }
}

impl Transcribe for Ears {
    fn transcribe(
        &self,
        request: TranscribeRequest,
    ) -> BoxFuture<'_, Result<Transcript, SttError>> {
        Box::pin(async move {
            ask(
                &self.engines.stt,
                |uri| {
                    let request = request.clone();
                    async move {
                        WyomingStt::new(
                            uri.parse()
                                .map_err(|e: UriError| SttError::Absent(e.to_string()))?,
                        )
                        .transcribe(request)
                        .await
                    }
                },
                |e| matches!(e, SttError::Unreachable(_)),
                |e| SttError::Absent(e.to_string()),
            )
            .await
        })
    }
}

/// Text to speech.
pub struct Voice {
    engines: Arc<Engines>,
}

impl Voice {
    /// Of these engines.
    #[must_use]
    pub fn of(engines: Arc<Engines>) -> Self {
        Self { engines }
    }
}

fn at(uri: &str) -> Result<Uri, TtsError> {
    uri.parse()
        .map_err(|e: UriError| TtsError::Absent(e.to_string()))
}

impl Synthesize for Voice {
    fn synthesize<'a>(
        &'a self,
        request: SynthesizeRequest<'a>,
        heard: &'a mut (dyn FnMut(&Pcm) + Send),
    ) -> BoxFuture<'a, Result<Pcm, TtsError>> {
        Box::pin(async move {
            // What was spoken before the engine died must not be spoken again by the next one.
            let mut spoken = false;
            let mut listen = |pcm: &Pcm| {
                spoken = true;
                heard(pcm);
            };
            let uri = self
                .engines
                .tts
                .uri(READY)
                .await
                .map_err(|e| TtsError::Absent(e.to_string()))?;
            let first = WyomingTts::new(at(&uri)?)
                .synthesize(request, &mut listen)
                .await;
            match (first, &self.engines.tts) {
                (Err(e), Endpoint::Worker(worker))
                    if e.is_unreachable() && !spoken && worker.gone(&uri, GONE).await =>
                {
                    let uri = self
                        .engines
                        .tts
                        .uri(READY)
                        .await
                        .map_err(|e| TtsError::Absent(e.to_string()))?;
                    WyomingTts::new(at(&uri)?).synthesize(request, heard).await
                }
                (result, _) => result,
            }
        })
    }
}
