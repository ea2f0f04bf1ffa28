//! What the kiosk itself says is taken out of what it hears; then each 16 ms get a probability
//! of speech.
//!
//! Echo cancellation is WebRTC's AEC3 (the crate `sonora-aec3`), 4 ms at a time. It has two
//! results, and both are used: the linear filter's, from which the echo is subtracted and
//! nothing else, is what the recogniser hears; the suppressor's, which also mutes what may be
//! left of the echo and with it bits of whoever speaks meanwhile, and from which noise is taken
//! too, is what the voice detector hears. (Fourteen wishes spoken over the kiosk's voice, word
//! errors of Whisper base: 14 % from the suppressor, 6 % from the linear filter, and 6 % from the microphone as it is,
//! because the kiosk is soon quiet; but that would hear the kiosk too.)

use super::pairing::Pairing;
use crate::{
    audio::{SPEECH_RATE, mean_square},
    vad::{Detector, FRAME_SAMPLES, Foreground},
};
use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{HighPassFilter, NoiseSuppression},
};
use sonora_aec3::{
    block::Block, block_processor::BlockProcessor, common::BLOCK_SIZE, config::EchoCanceller3Config,
};
use std::collections::VecDeque;

/// 10 ms at 16 kHz: what the filters around the canceller take.
const TEN_MS: usize = 160;
/// Blocks of the canceller in a frame.
const BLOCKS_OF_FRAME: usize = FRAME_SAMPLES / BLOCK_SIZE;
/// AEC3 counts in 16 bit samples.
const SCALE: f32 = 32_768.0;
/// A sample above this is cut off by the device.
const SATURATED: f32 = 0.99;

/// 16 ms of what was heard, without echo.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its first sample, counted from the beginning of the stream, 16 kHz.
    pub at: u64,
    /// The samples, -1 to 1.
    pub samples: [f32; FRAME_SAMPLES],
    /// The probability of speech, 0 to 1.
    pub score: f32,
}

impl Frame {
    /// Its root mean square, 0 to 1.
    #[must_use]
    pub fn rms(&self) -> f32 {
        mean_square(&self.samples).sqrt()
    }
}

/// The kiosk counts as speaking above this level of what is played, -50 dBFS.
const RENDERED: f32 = 0.003;
/// Its echo may come so late after it: 400 ms, in blocks.
const ECHO_TAIL: u32 = 100;
/// Before the canceller has heard so much of the kiosk's voice, it does not know the room yet:
/// 1.5 s, in blocks.
const LEARNING: u32 = 375;
/// Where the canceller took away more than this, what is left is echo: -26 dB of the amplitude.
/// Of echo alone it takes 36 dB and more, once it knows the room; of a voice over it, in its
/// first tenths of a second, up to 28.
const MOSTLY_ECHO: f32 = 0.05;
/// How often the canceller is asked how it does, in blocks of the kiosk's voice: 2 s.
const ASK_EACH: u32 = 500;
/// How fast the levels follow, a block: 40 ms.
const FOLLOW: f32 = 0.1;
/// Where noise suppression took more than this, what is left is not what is heard: 10 dB.
const MOSTLY_NOISE: f32 = 0.1;
/// How fast the level without noise follows, a frame: 80 ms.
const FOLLOW_FRAMES: f32 = 0.2;

/// Takes echo and noise out of one microphone's stream, and tells speech from what is left of
/// the kiosk's own voice. For one stream of sound; all of it 16 kHz.
pub struct Cleaner {
    before: AudioProcessing,
    canceller: BlockProcessor,
    after: AudioProcessing,
    detector: Detector,
    foreground: Foreground,
    played: Pairing,
    raw: Vec<f32>,
    captured: Vec<f32>,
    /// Of the linear filter: what will be heard.
    linear: VecDeque<f32>,
    /// Of the suppressor, not yet without noise.
    suppressed: Vec<f32>,
    /// Of both: what the voice detector listens to.
    clean: Vec<f32>,
    at: u64,
    /// Blocks until the echo of what was played last has passed.
    echo_for: u32,
    learned: u32,
    /// Blocks of the kiosk's voice until the canceller is asked how it does.
    asked_in: u32,
    /// Mean squares of the last blocks after cancelling.
    powers: [f32; BLOCKS_OF_FRAME],
    /// Mean squares before and after taking out noise, slowly.
    noisy_level: f32,
    still_level: f32,
    /// Mean squares before and after cancelling, slowly.
    raw_level: f32,
    clean_level: f32,
}

impl Cleaner {
    /// With or without noise suppression before the voice detector.
    #[must_use]
    pub fn new(denoise: bool) -> Self {
        let mut config = EchoCanceller3Config::default();
        config.filter.export_linear_aec_output = true;
        config.validate();
        Self {
            before: processing(Config {
                high_pass_filter: Some(HighPassFilter::default()),
                ..Config::default()
            }),
            canceller: BlockProcessor::new(&config, SPEECH_RATE as usize, 1, 1),
            after: processing(Config {
                noise_suppression: denoise.then(NoiseSuppression::default),
                ..Config::default()
            }),
            detector: Detector::new(),
            foreground: Foreground::default(),
            played: Pairing::default(),
            raw: Vec::new(),
            captured: Vec::new(),
            linear: VecDeque::new(),
            suppressed: Vec::new(),
            clean: Vec::new(),
            at: 0,
            echo_for: 0,
            learned: 0,
            asked_in: ASK_EACH,
            powers: [0.0; BLOCKS_OF_FRAME],
            noisy_level: 0.0,
            still_level: 0.0,
            raw_level: 0.0,
            clean_level: 0.0,
        }
    }

    /// What the loudspeaker played.
    pub fn render(&mut self, samples: &[f32]) {
        self.played.push(samples);
    }

    /// What the microphone heard; gives each whole frame.
    pub fn capture(&mut self, samples: &[f32], mut heard: impl FnMut(Frame)) {
        self.raw.extend_from_slice(samples);
        filtered(&mut self.before, &mut self.raw, &mut self.captured);
        let captured = std::mem::take(&mut self.captured);
        let (blocks, rest) = captured.as_chunks::<BLOCK_SIZE>();
        self.captured.extend_from_slice(rest);
        for block in blocks {
            self.cancel(block);
        }
        filtered(&mut self.after, &mut self.suppressed, &mut self.clean);
        while let Some(clean) = self.clean.first_chunk::<FRAME_SAMPLES>().copied() {
            self.clean.drain(..FRAME_SAMPLES);
            let score = self.detector.score(&clean);
            let mut frame = Frame {
                at: self.at,
                samples: [0.0; FRAME_SAMPLES],
                score: 0.0,
            };
            for (slot, sample) in frame
                .samples
                .iter_mut()
                .zip(self.linear.drain(..FRAME_SAMPLES))
            {
                *slot = sample;
            }
            let power = self.power();
            self.noisy_level += FOLLOW_FRAMES * (power - self.noisy_level);
            self.still_level += FOLLOW_FRAMES * (mean_square(&clean) - self.still_level);
            // The rest of an echo under steam or a grinder sounds like a voice.
            let noise = self.still_level < MOSTLY_NOISE * self.noisy_level;
            let near = self.foreground.is_near(power, self.echo_for == 0);
            if near && !noise && !self.is_own_voice() {
                frame.score = score;
            }
            heard(frame);
            self.at += FRAME_SAMPLES as u64;
        }
    }

    fn cancel(&mut self, heard: &[f32; BLOCK_SIZE]) {
        let played = self.played.next_block();
        self.echo_for = self.echo_for.saturating_sub(1);
        if mean_square(&played).sqrt() > RENDERED {
            self.echo_for = ECHO_TAIL;
            self.learned = self.learned.saturating_add(1);
            self.asked_in -= 1;
            if self.asked_in == 0 {
                self.asked_in = ASK_EACH;
                let metrics = self.canceller.get_metrics();
                tracing::debug!(
                    delay_ms = metrics.delay_ms,
                    taken_db = metrics.echo_return_loss_enhancement,
                    waiting = self.played.waiting(),
                    "echo canceller"
                );
            }
        }
        let (mut block, mut linear) = (Block::new(1, 1), Block::new(1, 1));
        write(&mut block, &played);
        self.canceller.buffer_render(&block);
        write(&mut block, heard);
        let saturated = heard.iter().any(|s| s.abs() > SATURATED);
        self.canceller
            .process_capture(false, saturated, Some(&mut linear), &mut block);
        let scaled = |s: &f32| if s.is_finite() { s / SCALE } else { 0.0 };
        let clean: Vec<f32> = block.view(0, 0).iter().map(scaled).collect();
        let power = mean_square(&clean);
        self.powers.rotate_left(1);
        self.powers[BLOCKS_OF_FRAME - 1] = power;
        self.raw_level += FOLLOW * (mean_square(heard) - self.raw_level);
        self.clean_level += FOLLOW * (power - self.clean_level);
        self.linear.extend(linear.view(0, 0).iter().map(scaled));
        self.suppressed.extend(clean);
    }

    /// The mean square of the last 16 ms without echo, before noise was taken out: that would
    /// hide how loud it always is.
    fn power(&self) -> f32 {
        self.powers.iter().sum::<f32>() / self.powers.len() as f32
    }

    /// Whether what is heard now is the kiosk itself: it speaks, and the canceller took most
    /// away, or does not know the room yet.
    fn is_own_voice(&self) -> bool {
        let removed = self.clean_level < MOSTLY_ECHO * MOSTLY_ECHO * self.raw_level;
        self.echo_for > 0 && (removed || self.learned < LEARNING)
    }
}

fn processing(config: Config) -> AudioProcessing {
    let stream = StreamConfig::new(SPEECH_RATE, 1);
    AudioProcessing::builder()
        .config(config)
        .capture_config(stream)
        .render_config(stream)
        .build()
}

/// Moves the whole tens of milliseconds of `from`, filtered, to the end of `to`.
fn filtered(filter: &mut AudioProcessing, from: &mut Vec<f32>, to: &mut Vec<f32>) {
    let mut out = [0.0; TEN_MS];
    let whole = from.len() / TEN_MS * TEN_MS;
    for block in from[..whole].chunks_exact(TEN_MS) {
        if let Err(e) = filter.process_capture_f32(&[block], &mut [&mut out]) {
            tracing::debug!("front end: {e:?}");
            out.copy_from_slice(block);
        }
        to.extend_from_slice(&out);
    }
    from.drain(..whole);
}

fn write(block: &mut Block, samples: &[f32; BLOCK_SIZE]) {
    for (slot, sample) in block.view_mut(0, 0).iter_mut().zip(samples) {
        *slot = sample.clamp(-1.0, 1.0) * SCALE;
    }
}

#[cfg(test)]
#[path = "cleaner_tests.rs"]
mod tests;
