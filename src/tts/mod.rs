//! Text to speech, as the rest of Comptoir knows it: a text goes in, audio comes as it is made.
//!
//! - [`Synthesize`]: the seam.
//! - [`WyomingTts`]: a Wyoming service behind it, our `comptoir-tts` or any other.
//! - [`cache`]: fixed phrases, kept on disk as audio.

pub mod cache;
mod client;

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::audio::Pcm;
use crate::lang::Language;
use crate::wyoming::ClientError;

pub use cache::{CacheError, CachedTts, PhraseCache};
pub use client::WyomingTts;

/// A text to speak.
#[derive(Debug, Clone, Copy)]
pub struct SynthesizeRequest<'a> {
    /// What to say. Numbers and codes are verbalised already.
    pub text: &'a str,
    /// The language of the text.
    pub language: Language,
    /// A voice of the service by its name; none: its voice for the language.
    pub voice: Option<&'a str>,
    /// Whether the text is a fixed phrase, the same for every shopper, which may be kept on disk.
    pub fixed: bool,
    /// How long the first audio may take from now.
    pub first_within: Duration,
    /// How long all of it may take from now.
    pub within: Duration,
}

impl<'a> SynthesizeRequest<'a> {
    /// A text in a language, with the service's voice for it, all within a time.
    #[must_use]
    pub fn new(text: &'a str, language: Language, within: Duration) -> Self {
        Self {
            text,
            language,
            voice: None,
            fixed: false,
            first_within: within,
            within,
        }
    }
}

/// Why a text was not spoken.
#[derive(Debug, thiserror::Error)]
pub enum TtsError {
    /// There is no service to ask; the sentence says why.
    #[error("no speech: {0}")]
    Absent(String),
    /// Nobody serves there, or the service went away under the request. Another try may succeed.
    #[error("no speech: {0}")]
    Unreachable(#[source] ClientError),
    /// The first audio did not come in time.
    #[error("no speech: {uri} gave no audio within {} ms", .after.as_millis())]
    FirstAudioLate {
        /// The service.
        uri: String,
        /// How long was waited.
        after: Duration,
    },
    /// The audio did not end in time.
    #[error("speech was cut: {uri} had not ended after {} ms", .after.as_millis())]
    Late {
        /// The service.
        uri: String,
        /// How long was waited.
        after: Duration,
    },
    /// The service says that it cannot speak this: its sentence.
    #[error("no speech: {uri} says: {text}")]
    Refused {
        /// The service.
        uri: String,
        /// What it says.
        text: String,
        /// What it says, for programs; see [`crate::wyoming::message::code`].
        code: Option<String>,
    },
    /// What came is not what the protocol says.
    #[error("no speech: {0}")]
    Protocol(#[source] ClientError),
}

impl TtsError {
    /// Whether the service is gone, so that the request is worth repeating once it is back.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// Something that speaks.
pub trait Synthesize: Send + Sync {
    /// Speaks a text. `heard` gets each piece of audio as it comes (all have one rate); the whole
    /// is returned. A text with nothing to say gives no audio. Dropping the future cancels.
    ///
    /// # Errors
    /// See [`TtsError`]. What `heard` got before is good.
    fn synthesize<'a>(
        &'a self,
        request: SynthesizeRequest<'a>,
        heard: &'a mut (dyn FnMut(&Pcm) + Send),
    ) -> BoxFuture<'a, Result<Pcm, TtsError>>;
}
