//! Speech to text: the trait, its Wyoming client, and the gate that keeps what nobody said out.

pub mod echo;
pub mod gate;
mod wyoming_stt;

pub use echo::is_echo;
pub use wyoming_stt::WyomingStt;

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::audio::{Pcm, resample::RateError};
use crate::lang::Language;
use crate::wyoming::ClientError;

/// An utterance to be transcribed.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscribeRequest {
    /// The sound, at any rate.
    pub pcm: Pcm,
    /// The language spoken; none: detect it among the engine's languages.
    ///
    /// An engine told the wrong language translates rather than fails; see
    /// [`Evidence::language_prob`].
    pub language: Option<Language>,
    /// Words that are likely now (names just shown, the category in play), as a short text in
    /// the language spoken. Engines that cannot be biased ignore it.
    pub prompt: Option<String>,
    /// How long the answer may take.
    pub within: Duration,
}

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words as the engine wrote them, not yet judged by the [`gate`].
    pub text: String,
    /// The language of `text`, when it is one of ours.
    pub language: Option<Language>,
    /// How sure the engine is.
    pub evidence: Evidence,
}

/// How sure the engine is. Engines that are not ours leave all of it out.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// The probability, 0 to 1, of the language used, among the engine's languages. Below a
    /// half for a language that was given, something else is being spoken.
    pub language_prob: Option<f32>,
    /// The probability, 0 to 1, that there is no speech.
    pub no_speech_prob: Option<f32>,
    /// The mean natural logarithm of the tokens' probabilities; 0 is certain, -1 is poor.
    pub avg_logprob: Option<f32>,
    /// How long the sound is, ms.
    pub audio_ms: Option<u64>,
    /// Time spent on encoding the sound, ms.
    pub encode_ms: Option<u64>,
    /// Time spent on writing the words, ms.
    pub decode_ms: Option<u64>,
}

/// Why there is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum SttError {
    /// There is no engine to ask; the sentence says why.
    #[error("speech recognition is not available: {0}")]
    Absent(String),
    /// The engine is not there, or went away.
    #[error("speech recognition is not available: {0}")]
    Unreachable(ClientError),
    /// The engine did not answer in time.
    #[error("speech recognition is too slow: {0}")]
    Deadline(ClientError),
    /// The engine answered that it could not do it.
    #[error("speech recognition failed: {0}")]
    Failed(ClientError),
    /// The engine is not what we took it for.
    #[error("speech recognition answered with something else: {0}")]
    Protocol(ClientError),
    /// The sound has a rate that cannot be resampled.
    #[error(transparent)]
    Rate(#[from] RateError),
}

impl From<ClientError> for SttError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { .. } | ClientError::Closed { .. } => {
                SttError::Unreachable(error)
            }
            ClientError::Deadline { .. } => SttError::Deadline(error),
            ClientError::Failed { .. } => SttError::Failed(error),
            ClientError::Protocol { .. } => SttError::Protocol(error),
        }
    }
}

impl SttError {
    /// Whether a second try may help: the engine was restarted, or had too much to do.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            SttError::Unreachable(_) | SttError::Deadline(_) => true,
            SttError::Failed(ClientError::Failed { failure, .. }) => failure
                .code
                .as_deref()
                .is_some_and(|code| code == crate::wyoming::message::code::BUSY),
            _ => false,
        }
    }
}

/// An engine that writes down what is said.
pub trait Transcribe: Send + Sync {
    /// Transcribes an utterance. Dropping the future cancels the work.
    fn transcribe(&self, request: TranscribeRequest)
    -> BoxFuture<'_, Result<Transcript, SttError>>;
}
