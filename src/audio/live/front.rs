//! The front end: what the kiosk itself says is taken out of what it hears, and noise; then
//! each 16 ms get a probability of speech.
//!
//! Echo cancellation and noise suppression are WebRTC's AEC3 and NS (the crate `sonora`). They
//! work on 10 ms at 16 kHz; the rendered stream may be any amount behind or ahead that AEC3
//! finds by itself (up to some hundred ms).

use super::{loudspeaker::PLAY_RATE, microphone::Microphone};
use crate::{
    audio::{Resampler, SPEECH_RATE, resample::RateError},
    vad::{Detector, FRAME_SAMPLES},
};
use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{EchoCanceller, HighPassFilter, NoiseSuppression},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::mpsc;

/// 10 ms at 16 kHz.
const TEN_MS: usize = 160;
/// How often the front end looks for sound.
const PERIOD: Duration = Duration::from_millis(5);
/// How many frames may wait for the session: 4 s.
const WAITING: usize = 256;

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
/// Its echo may come so late after it: 400 ms, in blocks of 10 ms.
const ECHO_TAIL: u32 = 40;
/// Before the canceller has heard so much of the kiosk's voice, it does not know the room yet:
/// 1.5 s, in blocks of 10 ms.
const LEARNING: u32 = 150;
/// Where the canceller took away more than this, what is left is echo: -7 dB of the amplitude.
const MOSTLY_ECHO: f32 = 0.45;
/// How fast the levels follow, a block of 10 ms: 80 ms.
const FOLLOW: f32 = 0.12;

/// Takes echo and noise out of one microphone's stream, and tells speech from what is left of
/// the kiosk's own voice. For one stream of sound; all of it 16 kHz.
pub struct Cleaner {
    processing: AudioProcessing,
    rendered: Vec<f32>,
    captured: Vec<f32>,
    detector: Detector,
    /// Cleaned sound that does not fill a frame yet.
    clean: Vec<f32>,
    at: u64,
    /// Blocks until the echo of what was played last has passed.
    echo_for: u32,
    learned: u32,
    /// Mean squares before and after cancelling.
    raw_level: f32,
    clean_level: f32,
}

impl Cleaner {
    /// With or without noise suppression.
    #[must_use]
    pub fn new(denoise: bool) -> Self {
        let config = Config {
            echo_canceller: Some(EchoCanceller::default()),
            high_pass_filter: Some(HighPassFilter::default()),
            noise_suppression: denoise.then(NoiseSuppression::default),
            ..Config::default()
        };
        let stream = StreamConfig::new(SPEECH_RATE, 1);
        Self {
            processing: AudioProcessing::builder()
                .config(config)
                .capture_config(stream)
                .render_config(stream)
                .build(),
            rendered: Vec::new(),
            captured: Vec::new(),
            detector: Detector::new(),
            clean: Vec::new(),
            at: 0,
            echo_for: 0,
            learned: 0,
            raw_level: 0.0,
            clean_level: 0.0,
        }
    }

    /// What the loudspeaker played.
    pub fn render(&mut self, samples: &[f32]) {
        self.rendered.extend_from_slice(samples);
        let mut spare = [0.0; TEN_MS];
        let whole = self.rendered.len() / TEN_MS * TEN_MS;
        for block in self.rendered[..whole].chunks_exact(TEN_MS) {
            if mean_square(block).sqrt() > RENDERED {
                self.echo_for = ECHO_TAIL;
                self.learned = self.learned.saturating_add(1);
            }
            if let Err(e) = self
                .processing
                .process_render_f32(&[block], &mut [&mut spare])
            {
                tracing::debug!("echo canceller: {e:?}");
            }
        }
        self.rendered.drain(..whole);
    }

    /// What the microphone heard; gives each whole frame.
    pub fn capture(&mut self, samples: &[f32], mut heard: impl FnMut(Frame)) {
        self.captured.extend_from_slice(samples);
        let mut clean = [0.0; TEN_MS];
        let captured = std::mem::take(&mut self.captured);
        let blocks = captured.chunks_exact(TEN_MS);
        self.captured.extend_from_slice(blocks.remainder());
        for block in blocks {
            if let Err(e) = self
                .processing
                .process_capture_f32(&[block], &mut [&mut clean])
            {
                tracing::debug!("echo canceller: {e:?}");
                clean.copy_from_slice(block);
            }
            // Both sides run at one pace: a block heard is a block later.
            self.echo_for = self.echo_for.saturating_sub(1);
            self.raw_level += FOLLOW * (mean_square(block) - self.raw_level);
            self.clean_level += FOLLOW * (mean_square(&clean) - self.clean_level);
            self.clean.extend_from_slice(&clean);
            while let Some(samples) = self.clean.first_chunk::<FRAME_SAMPLES>().copied() {
                self.clean.drain(..FRAME_SAMPLES);
                let score = self.detector.score(&samples);
                heard(Frame {
                    at: self.at,
                    samples,
                    score: if self.is_own_voice() { 0.0 } else { score },
                });
                self.at += FRAME_SAMPLES as u64;
            }
        }
    }

    /// Whether what is heard now is the kiosk itself: it speaks, and the canceller took most
    /// away, or does not know the room yet.
    fn is_own_voice(&self) -> bool {
        let removed = self.clean_level < MOSTLY_ECHO * MOSTLY_ECHO * self.raw_level;
        self.echo_for > 0 && (removed || self.learned < LEARNING)
    }
}

fn mean_square(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32
}

/// The front end on its own thread, with its microphone. Dropping it ends both.
pub struct Front {
    ending: Arc<AtomicBool>,
    dropped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Listens to a microphone; `played` is what the loudspeaker plays, at [`PLAY_RATE`].
    ///
    /// # Errors
    /// When there can be no thread, or the rates cannot be resampled.
    pub fn spawn(
        microphone: Microphone,
        played: Option<rtrb::Consumer<f32>>,
        denoise: bool,
    ) -> Result<(Self, mpsc::Receiver<Frame>), FrontError> {
        let (frames, inbox) = mpsc::channel(WAITING);
        let ending = Arc::new(AtomicBool::new(false));
        let dropped = Arc::new(AtomicU64::new(0));
        let mut listening = Listening {
            cleaner: Cleaner::new(denoise),
            from_speaker: Resampler::new(PLAY_RATE, SPEECH_RATE)?,
            from_microphone: None,
            microphone,
            played,
            frames,
            dropped: dropped.clone(),
        };
        let until = ending.clone();
        let thread = std::thread::Builder::new()
            .name("front".into())
            .spawn(move || {
                while !until.load(Ordering::Relaxed) {
                    match listening.turn() {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(e) => tracing::error!("front end: {e}"),
                    }
                    std::thread::sleep(PERIOD);
                }
            })?;
        Ok((
            Self {
                ending,
                dropped,
                thread: Some(thread),
            },
            inbox,
        ))
    }

    /// Frames that nobody took in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Why there is no front end.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// A rate that cannot be resampled.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// No thread.
    #[error("cannot start the front end: {0}")]
    Thread(#[from] std::io::Error),
}

struct Listening {
    microphone: Microphone,
    played: Option<rtrb::Consumer<f32>>,
    cleaner: Cleaner,
    from_speaker: Resampler,
    /// For the rate that the microphone has now.
    from_microphone: Option<(u32, Resampler)>,
    frames: mpsc::Sender<Frame>,
    dropped: Arc<AtomicU64>,
}

impl Listening {
    /// Works through what has come in. False when nobody listens any more.
    fn turn(&mut self) -> Result<bool, RateError> {
        if let Some(played) = &mut self.played {
            let mut slow = Vec::new();
            self.from_speaker.push(&taken(played), &mut slow)?;
            self.cleaner.render(&slow);
        }
        let rate = self.microphone.rate();
        let raw = taken(&mut self.microphone.samples);
        if raw.is_empty() || rate == 0 {
            return Ok(!self.frames.is_closed());
        }
        let resampler = match &mut self.from_microphone {
            Some((known, resampler)) if *known == rate => resampler,
            other => {
                let resampler = Resampler::new(rate, SPEECH_RATE)?;
                &mut other.insert((rate, resampler)).1
            }
        };
        let mut slow = Vec::new();
        resampler.push(&raw, &mut slow)?;
        let (frames, dropped) = (&self.frames, &self.dropped);
        self.cleaner.capture(&slow, |frame| {
            if let Err(mpsc::error::TrySendError::Full(_)) = frames.try_send(frame) {
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(!self.frames.is_closed())
    }
}

/// All that waits in a ring.
fn taken(ring: &mut rtrb::Consumer<f32>) -> Vec<f32> {
    let count = ring.slots();
    let Ok(chunk) = ring.read_chunk(count) else {
        return Vec::new();
    };
    let (head, tail) = chunk.as_slices();
    let all = [head, tail].concat();
    chunk.commit_all();
    all
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
