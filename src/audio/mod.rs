//! Sound as the rest of Comptoir knows it: mono samples and their rate.
//!
//! - [`file`], [`write`](mod@write): recordings (wav, flac, mp3, ogg) in, WAV out.
//! - [`resample`]: from one rate to another, in one go or as a stream.
//! - [`level`]: how loud, how clipped.

pub mod devices;
pub mod error;
pub mod file;
pub mod level;
#[cfg(feature = "audio")]
pub mod live;
pub mod resample;
mod wav_header;
pub mod write;

use std::time::Duration;

pub use error::AudioError;
pub use file::{Damage, ReadLimits, Recording, decode, read};
pub use level::{Level, mean_square};
pub use resample::{Resampler, resample};
pub use write::write_wav;

/// The rate that speech recognition and voice detection work at, Hz.
pub const SPEECH_RATE: u32 = 16_000;

/// Mono sound.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pcm {
    /// Samples from -1 to 1.
    pub samples: Vec<f32>,
    /// Samples a second, Hz.
    pub rate: u32,
}

impl Pcm {
    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }

    /// How long it lasts, ms.
    #[must_use]
    pub fn ms(&self) -> u64 {
        self.samples.len() as u64 * 1000 / u64::from(self.rate.max(1))
    }

    /// The part between two times in ms, cut at the ends of the recording.
    #[must_use]
    pub fn slice(&self, start_ms: u64, end_ms: u64) -> Pcm {
        let at = |ms: u64| {
            let sample = ms.saturating_mul(u64::from(self.rate)) / 1000;
            usize::try_from(sample)
                .unwrap_or(usize::MAX)
                .min(self.samples.len())
        };
        let (start, end) = (at(start_ms), at(end_ms));
        Pcm {
            samples: self.samples[start..end.max(start)].to_vec(),
            rate: self.rate,
        }
    }

    /// Adds another sound of the same rate at the end.
    pub fn append(&mut self, other: &Pcm) {
        debug_assert_eq!(self.rate, other.rate, "sounds of one rate");
        self.samples.extend_from_slice(&other.samples);
    }

    /// How loud it is.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of(&self.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_where_the_recording_ends() {
        let pcm = Pcm {
            samples: vec![0.0; 1600],
            rate: 16_000,
        };
        assert_eq!(pcm.ms(), 100);
        assert_eq!(pcm.slice(25, 75).ms(), 50);
        assert_eq!(pcm.slice(75, 9000).ms(), 25);
        assert_eq!(pcm.slice(75, 25).ms(), 0);
        assert_eq!(pcm.slice(u64::MAX, u64::MAX).ms(), 0);
    }
}
