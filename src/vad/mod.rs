//! Where in a recording somebody speaks, and when they have finished.
//!
//! - [`detector`]: 16 ms of sound to a probability of speech (earshot).
//! - [`Foreground`]: who is near, of all who speak; pure.
//! - [`endpoint`]: probabilities to utterances, as a stream; pure.
//! - [`utterances`]: both, for a recording that is there already.

pub mod detector;
pub mod endpoint;
pub mod finished;
mod foreground;

pub use detector::{Detector, FRAME_MS, FRAME_SAMPLES};
pub use endpoint::{Edge, Endpointer};
pub use foreground::Foreground;

use crate::audio::{Pcm, SPEECH_RATE, resample::RateError};

/// When speech begins and ends. All times in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VadSettings {
    /// Probability from which a frame begins speech, 0 to 1.
    pub begin_at: f32,
    /// Probability down to which a frame continues speech, 0 to 1; below `begin_at`.
    pub stay_at: f32,
    /// Voiced frames in a row, as time, that begin speech.
    pub onset_ms: u64,
    /// Silence after which the shopper has finished.
    pub endpoint_ms: u64,
    /// Silence after which it pays to transcribe what there is, in case the shopper has
    /// finished; shorter than `endpoint_ms`.
    pub pause_ms: u64,
    /// Utterances with less speech are noise.
    pub min_speech_ms: u64,
    /// Kept before the first voiced frame: soft consonants are not voiced.
    pub pre_roll_ms: u64,
    /// Kept after the last voiced frame.
    pub post_roll_ms: u64,
    /// The longest utterance, padding included; longer speech is cut, in a gap if there is one.
    /// Whisper hears 30 s at a time.
    pub max_utterance_ms: u64,
}

impl Default for VadSettings {
    fn default() -> Self {
        Self {
            begin_at: 0.5,
            stay_at: 0.35,
            onset_ms: 48,
            endpoint_ms: 500,
            pause_ms: 200,
            min_speech_ms: 96,
            pre_roll_ms: 300,
            post_roll_ms: 250,
            max_utterance_ms: 30_000,
        }
    }
}

/// A piece of a recording in which somebody speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins, with padding, ms.
    pub start_ms: u64,
    /// Where it ends, with padding, ms.
    pub end_ms: u64,
    /// How much of it is speech, ms.
    pub speech_ms: u64,
}

/// Finds the utterances of a recording. Silence and noise have none.
///
/// # Errors
/// When the recording has a rate that cannot be resampled to 16 kHz.
pub fn utterances(pcm: &Pcm, settings: &VadSettings) -> Result<Vec<Segment>, RateError> {
    let pcm = crate::audio::resample(pcm, SPEECH_RATE)?;
    let mut detector = Detector::new();
    let mut endpointer = Endpointer::new(*settings);
    let mut found = Vec::new();
    let mut at = 0;
    for frame in pcm.samples.chunks(FRAME_SAMPLES) {
        let edge = endpointer.step(at, detector.score(frame));
        at += frame.len() as u64;
        if let Some(Edge::Ended(segment)) = edge {
            found.push(segment);
        }
    }
    found.extend(endpointer.finish(at));
    let end = pcm.ms();
    found
        .iter_mut()
        .for_each(|segment| segment.end_ms = segment.end_ms.min(end));
    Ok(found)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
