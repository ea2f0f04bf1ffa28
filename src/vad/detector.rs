//! The probability that somebody speaks.
//!
//! The network of `earshot` alone takes loud steady noise (a fan, a coffee machine, running
//! water) for speech. Speech has a vowel every few hundred milliseconds, and a vowel repeats
//! itself 60 to 500 times a second, which noise never does. So a frame counts only when a
//! periodic one was heard lately.

use crate::audio::SPEECH_RATE;

/// Samples in a frame, at 16 kHz: 16 ms.
pub const FRAME_SAMPLES: usize = 256;

/// How long a frame is, ms.
pub const FRAME_MS: u64 = FRAME_SAMPLES as u64 * 1000 / SPEECH_RATE as u64;

/// The periods looked for, in samples: voices from 500 down to 50 Hz.
const PERIODS: std::ops::Range<usize> = 32..320;

/// The stretch compared with itself one period later, in samples.
const COMPARED: usize = 320;

/// What is remembered for the comparison: 2.5 frames.
const MEMORY: usize = COMPARED + PERIODS.end;

/// From this correlation on a frame is periodic. White, pink and brown noise reach 0.27 at
/// most; of real recorded speech, near and far, a quarter to three quarters of the frames are
/// above 0.4.
const PERIODIC: f32 = 0.4;

/// From this correlation on it is a machine's tone: no voice repeats itself so exactly.
const TONE: f32 = 0.995;

/// A voice has so much of its power in its lowest harmonics; the beep of a till has not, nor an
/// "s".
const LOW: f32 = 0.05;
/// What has not goes on with speech, and does not begin it.
const HIGH_AT_MOST: f32 = 0.4;
/// What counts as low: up to 400 Hz, where a filter of first order has lost half.
const LOW_PASS: f32 = 1.0 - 0.855;

/// How long after a periodic frame others count, in frames: 400 ms.
const PERIODIC_FOR: usize = 25;

/// Removes the slope of the spectrum, without which brown noise looks periodic.
const PRE_EMPHASIS: f32 = 0.97;

/// A voice detector for one stream of 16 kHz sound. It remembers a few frames, so each stream
/// needs its own.
pub struct Detector {
    network: Box<earshot::Detector>,
    frame: [f32; FRAME_SAMPLES],
    /// The last samples, without the slope.
    memory: [f32; MEMORY],
    last_sample: f32,
    /// Frames since a periodic one.
    unperiodic: usize,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// A detector that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            network: Box::default(),
            frame: [0.0; FRAME_SAMPLES],
            memory: [0.0; MEMORY],
            last_sample: 0.0,
            unperiodic: PERIODIC_FOR,
        }
    }

    /// The probability, 0 to 1, that this frame holds speech. A short frame (the last one of a
    /// recording) is filled up with silence; of a long one only the beginning is heard. Samples
    /// out of range are clipped.
    pub fn score(&mut self, frame: &[f32]) -> f32 {
        self.frame.fill(0.0);
        for (slot, &sample) in self.frame.iter_mut().zip(frame) {
            // NaN would stay in the detector's memory for ever.
            *slot = if sample.is_finite() {
                sample.clamp(-1.0, 1.0)
            } else {
                0.0
            };
        }
        self.memory.copy_within(FRAME_SAMPLES.., 0);
        for (slot, &sample) in self.memory[MEMORY - FRAME_SAMPLES..]
            .iter_mut()
            .zip(&self.frame)
        {
            *slot = sample - PRE_EMPHASIS * self.last_sample;
            self.last_sample = sample;
        }
        let score = self.network.predict_f32(&self.frame);
        self.unperiodic = self.unperiodic.saturating_add(1);
        // The comparison is the dear part: it is made only where it can matter.
        if score > 0.1 {
            match correlation(&self.memory) {
                tone if tone >= TONE => self.unperiodic = PERIODIC_FOR,
                voice if voice >= PERIODIC => self.unperiodic = 0,
                _ => {}
            }
        }
        if self.unperiodic >= PERIODIC_FOR || !score.is_finite() {
            0.0
        } else if score > HIGH_AT_MOST && low_share(&self.frame) < LOW {
            HIGH_AT_MOST
        } else {
            score.clamp(0.0, 1.0)
        }
    }

    /// Forgets what it heard, as for a new stream.
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

/// How much of a frame's power is low: twice through a filter of first order.
fn low_share(frame: &[f32; FRAME_SAMPLES]) -> f32 {
    let (mut once, mut twice, mut low, mut all) = (0.0, 0.0, 0.0, f32::EPSILON);
    for sample in frame {
        once += LOW_PASS * (sample - once);
        twice += LOW_PASS * (once - twice);
        low += twice * twice;
        all += sample * sample;
    }
    low / all
}

/// How much the sound repeats itself at any period of a voice: the largest normalised
/// cross-correlation, -1 to 1.
fn correlation(memory: &[f32; MEMORY]) -> f32 {
    let energy = |part: &[f32]| part.iter().map(|s| s * s).sum::<f32>();
    let (head, tail) = memory.split_at(COMPARED);
    let reference = energy(head);
    if reference < f32::EPSILON || energy(tail) < f32::EPSILON {
        return 0.0;
    }
    let mut best = 0.0;
    for period in PERIODS {
        let later = &memory[period..period + COMPARED];
        let product: f32 = head.iter().zip(later).map(|(a, b)| a * b).sum();
        if product > 0.0 {
            best = f32::max(best, product / (reference * energy(later)).sqrt());
        }
    }
    best
}
