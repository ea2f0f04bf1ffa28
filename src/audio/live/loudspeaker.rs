//! Sound out: what is queued is played in order; it can be made quieter, held, and forgotten.
//!
//! What was really played goes to the echo canceller, sample by sample.

use super::{HOME, Health, Keeper, Side, device, keep_open};
use crate::audio::devices::DeviceError;
use rodio::{ChannelCount, DeviceSinkBuilder, SampleRate, Source};
use std::{
    num::{NonZeroU16, NonZeroU32},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

/// The rate of what is queued, Hz. The device gets its own.
pub const PLAY_RATE: u32 = 48_000;

/// What waits to be played at most: 1 s.
const ROOM: usize = PLAY_RATE as usize;
/// What the echo canceller may be behind at most: 2 s.
const BEHIND: usize = 2 * PLAY_RATE as usize;
/// How long the volume takes to change, in samples: 20 ms.
const FADE: f32 = PLAY_RATE as f32 * 0.02;

/// An open loudspeaker. Dropping it closes the device.
pub struct Loudspeaker {
    queue: rtrb::Producer<f32>,
    knobs: Arc<Knobs>,
    health: Arc<Health>,
    _keeper: Option<Keeper>,
}

#[derive(Debug)]
struct Knobs {
    /// Volume wanted, bits of an `f32` from 0 to 1.
    volume: AtomicU32,
    held: AtomicBool,
    forget: AtomicBool,
    played: AtomicU64,
}

impl Loudspeaker {
    /// Opens the loudspeaker of this name, or the default one. The second value gets what is
    /// played, mono at [`PLAY_RATE`], silence included.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened. Once open, it is opened again by itself.
    pub fn open(name: Option<&str>) -> Result<(Self, rtrb::Consumer<f32>), DeviceError> {
        let (queue, waiting) = rtrb::RingBuffer::new(ROOM);
        let (echo, heard) = rtrb::RingBuffer::new(BEHIND);
        let knobs = Arc::new(Knobs::default());
        let health = Arc::new(Health::default());
        let (home, back) = mpsc::channel();
        let _ = home.send((waiting, echo));
        let (name, in_knobs, in_health) = (name.map(str::to_owned), knobs.clone(), health.clone());
        let mut host = None;
        let keeper = keep_open("loudspeaker", health.clone(), move || {
            let device = device(Side::Out, name.as_deref(), &mut host)?;
            let refused = |e: rodio::DeviceSinkError| DeviceError::Unopened {
                what: "loudspeaker",
                reason: e.to_string(),
            };
            let broken = in_health.clone();
            let mut sink = DeviceSinkBuilder::from_device(device)
                .map_err(refused)?
                .with_error_callback(move |error: cpal::Error| {
                    if matches!(error.kind(), cpal::ErrorKind::Xrun) {
                        broken.lost();
                    } else {
                        tracing::warn!("loudspeaker: {error}");
                        broken.breaks();
                    }
                })
                .open_stream()
                .map_err(refused)?;
            sink.log_on_drop(false);
            sink.mixer().add(Outlet {
                rings: Some(back.recv_timeout(HOME).map_err(|_| DeviceError::Unopened {
                    what: "loudspeaker",
                    reason: "the stream before has not ended".into(),
                })?),
                home: home.clone(),
                knobs: in_knobs.clone(),
                health: in_health.clone(),
                volume: 1.0,
                count: 0,
            });
            Ok(sink)
        })?;
        let speaker = Self {
            queue,
            knobs,
            health,
            _keeper: Some(keeper),
        };
        Ok((speaker, heard))
    }

    /// A loudspeaker without a device: what it plays, mono at [`PLAY_RATE`], is drawn from the
    /// second value, at whatever pace.
    #[must_use]
    pub fn drawn() -> (Self, Outlet) {
        let (queue, waiting) = rtrb::RingBuffer::new(ROOM);
        let (echo, _) = rtrb::RingBuffer::new(1);
        let (knobs, health) = (Arc::new(Knobs::default()), Arc::new(Health::default()));
        health.present.store(true, Ordering::Relaxed);
        let outlet = Outlet {
            rings: Some((waiting, echo)),
            home: mpsc::channel().0,
            knobs: knobs.clone(),
            health: health.clone(),
            volume: 1.0,
            count: 0,
        };
        let speaker = Self {
            queue,
            knobs,
            health,
            _keeper: None,
        };
        (speaker, outlet)
    }

    /// Queues samples at [`PLAY_RATE`]; gives how many found room.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        let count = samples.len().min(self.queue.slots());
        for sample in &samples[..count] {
            let _ = self.queue.push(*sample);
        }
        count
    }

    /// How many samples were played, of those that were queued, ever. Forgotten ones count.
    #[must_use]
    pub fn played(&self) -> u64 {
        self.knobs.played.load(Ordering::Acquire)
    }

    /// Sets the volume, 0 to 1; it changes within 20 ms.
    pub fn set_volume(&self, volume: f32) {
        let volume = volume.clamp(0.0, 1.0);
        self.knobs.volume.store(volume.to_bits(), Ordering::Relaxed);
    }

    /// Holds what is queued, or lets it go on.
    pub fn hold(&self, held: bool) {
        self.knobs.held.store(held, Ordering::Relaxed);
    }

    /// Forgets what is queued and not played; done when [`Self::is_forgetting`] is false.
    pub fn forget(&self) {
        self.knobs.forget.store(true, Ordering::Release);
    }

    /// Whether the device has not forgotten yet. Nothing should be queued meanwhile.
    #[must_use]
    pub fn is_forgetting(&self) -> bool {
        self.knobs.forget.load(Ordering::Acquire)
    }

    /// How the device stands.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.health.clone()
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            volume: AtomicU32::new(1f32.to_bits()),
            held: AtomicBool::new(false),
            forget: AtomicBool::new(false),
            played: AtomicU64::new(0),
        }
    }
}

type Rings = (rtrb::Consumer<f32>, rtrb::Producer<f32>);

/// What is played, sample by sample, silence included: the end of the rings in the callback.
/// They come back when the stream goes.
pub struct Outlet {
    rings: Option<Rings>,
    home: mpsc::Sender<Rings>,
    knobs: Arc<Knobs>,
    health: Arc<Health>,
    volume: f32,
    count: u32,
}

impl Outlet {
    /// How many samples wait to be played.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rings.as_ref().map_or(0, |(queue, _)| queue.slots())
    }

    /// The volume now, 0 to 1; 0 where it is held.
    #[must_use]
    pub fn volume(&self) -> f32 {
        if self.knobs.held.load(Ordering::Relaxed) {
            0.0
        } else {
            self.volume
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if let Some(rings) = self.rings.take() {
            let _ = self.home.send(rings);
        }
    }
}

impl Iterator for Outlet {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        self.count = self.count.wrapping_add(1);
        if self.count.is_multiple_of(256) {
            self.health.called();
        }
        let knobs = &self.knobs;
        let (queue, echo) = self.rings.as_mut()?;
        if knobs.forget.load(Ordering::Acquire) {
            let count = queue.slots();
            if let Ok(chunk) = queue.read_chunk(count) {
                chunk.commit_all();
            }
            knobs.played.fetch_add(count as u64, Ordering::Release);
            knobs.forget.store(false, Ordering::Release);
        }
        let wanted = f32::from_bits(knobs.volume.load(Ordering::Relaxed));
        let change = wanted - self.volume;
        self.volume += change.clamp(-1.0 / FADE, 1.0 / FADE);
        let mut sample = 0.0;
        if !knobs.held.load(Ordering::Relaxed)
            && let Ok(next) = queue.pop()
        {
            knobs.played.fetch_add(1, Ordering::Release);
            sample = next * self.volume;
        }
        // A canceller that is not listening misses it.
        let _ = echo.push(sample);
        Some(sample)
    }
}

impl Source for Outlet {
    fn current_span_len(&self) -> Option<usize> {
        None
    }

    fn channels(&self) -> ChannelCount {
        NonZeroU16::MIN
    }

    fn sample_rate(&self) -> SampleRate {
        NonZeroU32::new(PLAY_RATE).unwrap_or(NonZeroU32::MIN)
    }

    fn total_duration(&self) -> Option<Duration> {
        None
    }
}
