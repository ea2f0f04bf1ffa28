//! The last seconds of sound: enough for the longest utterance in a session, two seconds before.

use crate::{
    audio::{Pcm, SPEECH_RATE, live::front::Frame},
    vad::FRAME_SAMPLES,
};
use std::collections::VecDeque;

/// In a session: the longest utterance and its padding.
const IN_SESSION: usize = 34 * SPEECH_RATE as usize;
/// Before a session: two seconds, in memory only.
const BEFORE: usize = 2 * SPEECH_RATE as usize;

/// What was heard lately, 16 kHz.
#[derive(Debug, Default)]
pub(super) struct Memory {
    samples: VecDeque<f32>,
    /// The count of the first sample in the stream.
    first: u64,
}

impl Memory {
    pub(super) fn push(&mut self, frame: &Frame, in_session: bool) {
        let end = self.first + self.samples.len() as u64;
        if frame.at != end {
            // Sound was lost, or this is the beginning: silence fills a short gap.
            let gap = frame.at.saturating_sub(end);
            if frame.at < end || gap > u64::from(SPEECH_RATE) {
                self.samples.clear();
                self.first = frame.at;
            } else {
                self.samples.extend(std::iter::repeat_n(0.0, gap as usize));
            }
        }
        self.samples.extend(frame.samples);
        let most = if in_session { IN_SESSION } else { BEFORE };
        let over = self.samples.len().saturating_sub(most);
        self.samples.drain(..over);
        self.first += over as u64;
    }

    /// The part between two times of the stream, ms; what is there of it.
    pub(super) fn slice(&self, start_ms: u64, end_ms: u64) -> Pcm {
        let at = |ms: u64| {
            let sample = (ms * u64::from(SPEECH_RATE) / 1000).saturating_sub(self.first);
            usize::try_from(sample)
                .unwrap_or(usize::MAX)
                .min(self.samples.len())
        };
        let (start, end) = (at(start_ms), at(end_ms));
        Pcm {
            samples: self.samples.range(start..end.max(start)).copied().collect(),
            rate: SPEECH_RATE,
        }
    }

    /// Forgets everything.
    pub(super) fn wipe(&mut self) {
        self.first += self.samples.len() as u64;
        self.samples = VecDeque::with_capacity(BEFORE + FRAME_SAMPLES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(n: u64) -> Frame {
        Frame {
            at: n * FRAME_SAMPLES as u64,
            samples: [n as f32; FRAME_SAMPLES],
            score: 0.0,
        }
    }

    #[test]
    fn two_seconds_before_a_session_and_no_more() {
        let mut memory = Memory::default();
        for n in 0..1000 {
            memory.push(&frame(n), false);
        }
        assert_eq!(memory.samples.len(), BEFORE);
        let last = memory.slice(15_984, 16_000);
        assert_eq!(last.samples, [999.0; FRAME_SAMPLES]);
        assert!(memory.slice(0, 10_000).samples.is_empty());
        memory.wipe();
        assert!(memory.slice(0, 16_000).samples.is_empty());
    }

    #[test]
    fn lost_sound_is_silence() {
        let mut memory = Memory::default();
        memory.push(&frame(1), true);
        memory.push(&frame(3), true);
        assert_eq!(memory.slice(16, 64).samples.len(), 3 * FRAME_SAMPLES);
        assert_eq!(memory.slice(32, 48).samples, [0.0; FRAME_SAMPLES]);
    }
}
