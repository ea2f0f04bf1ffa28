//! The front end on its own thread: from the microphone's ring, through the [`Cleaner`], to
//! whoever listens.

pub use super::cleaner::Frame;
use super::{cleaner::Cleaner, loudspeaker::PLAY_RATE, microphone::Microphone};
use crate::audio::{Resampler, SPEECH_RATE, resample::RateError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::mpsc;

/// How often the front end looks for sound.
const PERIOD: Duration = Duration::from_millis(5);
/// How many frames may wait for the session: 4 s.
const WAITING: usize = 256;

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
