//! What is done to the samples of a piece: silence trimmed, loudness set, edges softened, and
//! the pause that its punctuation asks for put after it.

use crate::clauses::Ending;

/// The peak that a voice's calibration sentence is brought to, of full scale.
const TARGET_PEAK: f32 = 0.8;

/// No sample of a piece is louder, of full scale.
const CEILING: f32 = 0.95;

/// The most that a voice is amplified.
const MOST_GAIN: f32 = 8.0;

/// Below this share of a piece's peak (-46 dB) it is silence.
const SILENCE: f32 = 0.005;

/// What is kept of the silence before speech, ms.
const LEAD_MS: u32 = 15;

/// What is kept of the silence after speech, ms.
const TAIL_MS: u32 = 40;

/// Over how long a piece is faded in and out, ms.
const FADE_MS: u32 = 5;

/// The pause after a sentence, ms, and so on.
const PAUSE_MS: [(Ending, u32); 3] = [
    (Ending::Sentence, 260),
    (Ending::Clause, 110),
    (Ending::Word, 10),
];

/// The gain that makes a voice as loud as the others, from how loud it speaks a sentence.
///
/// It is fixed for the voice: a gain of its own for each piece would let a reply swell and sink.
pub fn gain(calibration: &[f32]) -> f32 {
    let peak = peak(calibration);
    if peak <= f32::EPSILON {
        return 1.0;
    }
    (TARGET_PEAK / peak).min(MOST_GAIN)
}

/// The piece as it is played, at `rate` Hz. What is not finite becomes silence.
pub fn finish(mut samples: Vec<f32>, rate: u32, gain: f32, ending: Ending, last: bool) -> Vec<f32> {
    for sample in &mut samples {
        if !sample.is_finite() {
            *sample = 0.0;
        }
    }
    let frames = |ms: u32| (rate as usize * ms as usize) / 1000;
    let range = speech(&samples, frames(5).max(1));
    let begin = range.start.saturating_sub(frames(LEAD_MS));
    let end = (range.end + frames(TAIL_MS)).min(samples.len());
    samples.truncate(end);
    samples.drain(..begin.min(end));

    let peak = peak(&samples);
    let gain = if peak * gain > CEILING {
        CEILING / peak
    } else {
        gain
    };
    let fade = frames(FADE_MS).min(samples.len() / 2);
    let length = samples.len();
    for (n, sample) in samples.iter_mut().enumerate() {
        let edge = n.min(length - 1 - n);
        let soft = if edge < fade {
            edge as f32 / fade as f32
        } else {
            1.0
        };
        *sample *= gain * soft;
    }
    if !last {
        let pause = PAUSE_MS
            .iter()
            .find(|(e, _)| *e == ending)
            .map_or(0, |(_, ms)| *ms);
        let rest = frames(pause.saturating_sub(TAIL_MS));
        samples.resize(samples.len() + rest, 0.0);
    }
    samples
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, s| peak.max(s.abs()))
}

/// Where speech begins and ends, in windows of `window` samples.
fn speech(samples: &[f32], window: usize) -> std::ops::Range<usize> {
    let threshold = peak(samples) * SILENCE;
    let loud = |w: &[f32]| peak(w) > threshold;
    let windows = samples.chunks(window);
    let first = windows.clone().position(loud).unwrap_or(0) * window;
    let last = windows.rev().position(loud).unwrap_or(0);
    let count = samples.len().div_ceil(window);
    first..((count - last) * window).min(samples.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const RATE: u32 = 24_000;

    /// 0.3 s of silence, 0.5 s of a tone, 0.3 s of silence.
    fn spoken(amplitude: f32) -> Vec<f32> {
        let mut samples = vec![0.0; 7200];
        samples.extend(
            (0..12_000).map(|n| (n as f32 * std::f32::consts::TAU / 100.0).sin() * amplitude),
        );
        samples.extend([0.0; 7200]);
        samples
    }

    #[test]
    fn silence_around_speech_goes_and_a_pause_comes() {
        let clause = finish(spoken(0.5), RATE, 1.0, Ending::Clause, false);
        let seconds = clause.len() as f32 / RATE as f32;
        assert!((0.60..0.64).contains(&seconds), "{seconds}");
        let sentence = finish(spoken(0.5), RATE, 1.0, Ending::Sentence, false);
        assert_eq!(sentence.len() - clause.len(), 3600, "150 ms more");
        let last = finish(spoken(0.5), RATE, 1.0, Ending::Sentence, true);
        assert!(last.len() < clause.len());
    }

    #[test]
    fn never_clips_and_begins_and_ends_at_zero() {
        for amplitude in [0.01, 0.5, 3.0] {
            let piece = finish(
                spoken(amplitude),
                RATE,
                gain(&spoken(0.1)),
                Ending::Word,
                true,
            );
            assert!(peak(&piece) <= CEILING + 1e-6, "{amplitude}");
            assert_eq!((piece[0], *piece.last().unwrap()), (0.0, 0.0));
            let step = piece
                .windows(2)
                .map(|w| (w[1] - w[0]).abs())
                .fold(0.0, f32::max);
            // 0.063 is the steepest step of the tone itself.
            assert!(step < 0.07 * peak(&piece), "a click of {step}");
        }
    }

    #[test]
    fn a_quiet_voice_is_raised_to_the_others() {
        assert_eq!(gain(&spoken(0.4)).round(), 2.0);
        assert_eq!(gain(&spoken(0.0001)), MOST_GAIN);
        assert_eq!(gain(&[0.0; 10]), 1.0);
    }

    #[test]
    fn nothing_stays_nothing() {
        assert_eq!(
            finish(Vec::new(), RATE, 1.0, Ending::Sentence, true),
            Vec::<f32>::new()
        );
        let broken = finish(vec![f32::NAN; 100], RATE, 1.0, Ending::Sentence, true);
        assert!(broken.iter().all(|s| *s == 0.0));
    }
}
