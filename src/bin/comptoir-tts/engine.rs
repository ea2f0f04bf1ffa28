//! The thread that speaks.
//!
//! A job is one piece of text. A reply sends its pieces one by one, so that replies take turns,
//! a reply whose listener has gone costs at most the piece under way, and a client that reads
//! slowly holds up nobody but itself.

use std::path::PathBuf;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::clauses::Piece;
use crate::options::VoiceSpec;
use crate::runtime::{self, RuntimeError};
use crate::voice::{Loader, Voice, VoiceError, VoiceFacts};

/// Jobs that may wait for the thread. More are held back in their own tasks.
const QUEUE: usize = 32;

/// What the engine is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The ONNX Runtime library.
    pub runtime: PathBuf,
    /// The voices, the default first.
    pub voices: Vec<VoiceSpec>,
    /// Threads that compute.
    pub threads: usize,
    /// Keep Kokoro's convolutions in int8.
    pub small_memory: bool,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// ONNX Runtime cannot be used.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A voice cannot be used.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The thread cannot be had, or died.
    #[error("the speech engine did not start: {0}")]
    Thread(String),
}

/// A piece to speak.
#[derive(Debug)]
pub struct Job {
    /// Which voice.
    pub voice: usize,
    /// Which of its speakers.
    pub speaker: Option<i64>,
    /// What to say.
    pub piece: Piece,
    /// Whether no pause is needed after it.
    pub last: bool,
    /// Where the samples go. When its receiver is dropped the job is not done.
    pub reply: oneshot::Sender<Result<Vec<f32>, VoiceError>>,
}

/// The engine is gone: it has been stopped, or it died.
#[derive(Debug, thiserror::Error)]
#[error("the speech engine has stopped")]
pub struct Stopped;

/// A handle on the thread. When all are dropped the thread ends.
#[derive(Debug, Clone)]
pub struct Engine {
    jobs: mpsc::Sender<Job>,
}

impl Engine {
    /// Starts the thread, which loads and warms the voices; tells what they are.
    ///
    /// # Errors
    /// When the runtime or a voice cannot be used.
    pub fn start(
        settings: Settings,
    ) -> Result<(Self, Vec<VoiceFacts>, JoinHandle<()>), StartError> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("speech".into())
            .spawn(move || match load(&settings) {
                Ok(mut voices) => {
                    let facts = voices.iter().map(|voice| voice.facts.clone()).collect();
                    if ready.send(Ok(facts)).is_ok() {
                        work(&mut voices, waiting);
                    }
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            })
            .map_err(|e| StartError::Thread(e.to_string()))?;
        let facts = started
            .recv()
            .map_err(|_| StartError::Thread("its thread died".into()))??;
        Ok((Self { jobs }, facts, thread))
    }

    /// Has a piece spoken; the samples come through the receiver. Waits for a place in the queue.
    ///
    /// # Errors
    /// When the engine is gone.
    pub async fn submit(&self, job: Job) -> Result<(), Stopped> {
        self.jobs.send(job).await.map_err(|_| Stopped)
    }

    /// Returns when the engine has died.
    pub async fn died(&self) {
        self.jobs.closed().await;
    }
}

fn load(settings: &Settings) -> Result<Vec<Voice>, StartError> {
    let version = runtime::load(&settings.runtime)?;
    tracing::info!(version, path = %settings.runtime.display(), "ONNX Runtime");
    let mut loader = Loader::default();
    let mut voices = Vec::new();
    for spec in &settings.voices {
        let began = std::time::Instant::now();
        let voice = loader.load(spec, settings.threads, settings.small_memory)?;
        tracing::info!(
            voice = voice.facts.name,
            language = voice.facts.language,
            family = voice.facts.family,
            rate = voice.facts.rate,
            ms = began.elapsed().as_millis() as u64,
            "voice loaded"
        );
        voices.push(voice);
    }
    Ok(voices)
}

fn work(voices: &mut [Voice], mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        if job.reply.is_closed() {
            continue;
        }
        let Some(voice) = voices.get_mut(job.voice) else {
            continue;
        };
        let began = std::time::Instant::now();
        let spoken = voice.speak(&job.piece, job.last, job.speaker);
        if let Ok(samples) = &spoken {
            tracing::debug!(
                text = job.piece.text,
                ms = began.elapsed().as_millis() as u64,
                audio_ms = samples.len() as u64 * 1000 / u64::from(voice.facts.rate),
                "spoken"
            );
        }
        let _ = job.reply.send(spoken);
    }
}
