//! From a recording to the utterances in it.

use crate::{
    audio::{AudioError, Pcm, ReadLimits, read},
    vad::{Segment, VadSettings, utterances},
};
use std::{path::Path, time::Instant};

/// One utterance of a recording.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The samples, 16 kHz mono.
    pub pcm: Pcm,
    /// Begin and end in the recording, ms.
    pub span_ms: (u32, u32),
    /// Detected speech, ms.
    pub speech_ms: u32,
}

/// The utterances of a recording.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// In order; none when nobody speaks.
    pub cuts: Vec<Cut>,
    /// What is wrong with the file although it could be read.
    pub damage: Option<String>,
    /// Reading and resampling, ms.
    pub decode_ms: f64,
    /// Finding the speech, ms.
    pub vad_ms: f64,
}

/// A recording up to this long is one utterance, from its first word to its last.
pub const ONE_TURN_MS: u64 = 30_000;

/// Reads a recording and finds what is said in it. Blocks.
///
/// # Errors
/// [`AudioError`] when there is no sound to be had from the file.
pub fn cut(path: &Path, settings: &VadSettings) -> Result<Cuts, AudioError> {
    let at = Instant::now();
    let recording = read(path, &ReadLimits::default())?;
    let decode_ms = at.elapsed().as_secs_f64() * 1000.0;
    let at = Instant::now();
    let pcm = recording.pcm;
    let segments = utterances(&pcm, settings).map_err(|source| AudioError::Rate {
        path: path.to_owned(),
        source,
    })?;
    let segments = if pcm.ms() <= ONE_TURN_MS {
        whole(&segments)
    } else {
        segments
    };
    let cuts = segments
        .iter()
        .map(|s| Cut {
            pcm: pcm.slice(s.start_ms, s.end_ms),
            span_ms: (clamp(s.start_ms), clamp(s.end_ms)),
            speech_ms: clamp(s.speech_ms),
        })
        .collect();
    Ok(Cuts {
        cuts,
        damage: recording.damage.map(|d| d.to_string()),
        decode_ms,
        vad_ms: at.elapsed().as_secs_f64() * 1000.0,
    })
}

/// One segment from the first word to the last.
fn whole(segments: &[Segment]) -> Vec<Segment> {
    match segments {
        [] => Vec::new(),
        [first, .., last] => vec![Segment {
            start_ms: first.start_ms,
            end_ms: last.end_ms,
            speech_ms: segments.iter().map(|s| s.speech_ms).sum(),
        }],
        [one] => vec![*one],
    }
}

fn clamp(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_recording_is_one_turn() {
        let a = Segment {
            start_ms: 100,
            end_ms: 900,
            speech_ms: 600,
        };
        let b = Segment {
            start_ms: 2000,
            end_ms: 2500,
            speech_ms: 300,
        };
        assert_eq!(whole(&[]), vec![]);
        assert_eq!(whole(&[a]), vec![a]);
        assert_eq!(
            whole(&[a, b]),
            vec![Segment {
                start_ms: 100,
                end_ms: 2500,
                speech_ms: 900
            }]
        );
    }
}
