//! Sound in: the device's samples, mixed to one channel, at the device's rate.

use super::{HOME, Health, Keeper, Side, device, keep_open};
use crate::audio::devices::DeviceError;
use cpal::{
    FromSample, Sample, SampleFormat, SizedSample,
    traits::{DeviceTrait, StreamTrait},
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

/// What waits for the front end at most: 2 s at 96 kHz.
const ROOM: usize = 192_000;

/// An open microphone. Dropping it closes the device.
pub struct Microphone {
    /// What was heard, mono, at [`Microphone::rate`].
    pub samples: rtrb::Consumer<f32>,
    rate: Arc<AtomicU32>,
    health: Arc<Health>,
    _keeper: Keeper,
}

/// The end of the ring in the callback; it comes back when the stream goes.
struct Inlet {
    ring: Option<rtrb::Producer<f32>>,
    home: mpsc::Sender<rtrb::Producer<f32>>,
}

impl Drop for Inlet {
    fn drop(&mut self) {
        if let Some(ring) = self.ring.take() {
            let _ = self.home.send(ring);
        }
    }
}

impl Microphone {
    /// Opens the microphone of this name, or the default one.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened. Once open, it is opened again by itself.
    pub fn open(name: Option<&str>) -> Result<Self, DeviceError> {
        let (producer, samples) = rtrb::RingBuffer::new(ROOM);
        let (home, back) = mpsc::channel();
        let _ = home.send(producer);
        let rate = Arc::new(AtomicU32::new(0));
        let health = Arc::new(Health::default());
        let (name, at_rate, in_health) = (name.map(str::to_owned), rate.clone(), health.clone());
        let mut host = None;
        let keeper = keep_open("microphone", health.clone(), move || {
            let device = device(Side::In, name.as_deref(), &mut host)?;
            let refused = |e: cpal::Error| DeviceError::Unopened {
                what: "microphone",
                reason: e.to_string(),
            };
            let config = device.default_input_config().map_err(refused)?;
            at_rate.store(config.sample_rate(), Ordering::Relaxed);
            let inlet = Inlet {
                ring: Some(back.recv_timeout(HOME).map_err(|_| DeviceError::Unopened {
                    what: "microphone",
                    reason: "the stream before has not ended".into(),
                })?),
                home: home.clone(),
            };
            let health = in_health.clone();
            let stream = match config.sample_format() {
                SampleFormat::F32 => stream::<f32>(&device, &config, inlet, health),
                SampleFormat::I16 => stream::<i16>(&device, &config, inlet, health),
                SampleFormat::I32 => stream::<i32>(&device, &config, inlet, health),
                SampleFormat::U8 => stream::<u8>(&device, &config, inlet, health),
                SampleFormat::U16 => stream::<u16>(&device, &config, inlet, health),
                other => {
                    return Err(DeviceError::Unopened {
                        what: "microphone",
                        reason: format!("its samples are {other}, which is not read here"),
                    });
                }
            }
            .map_err(refused)?;
            stream.play().map_err(refused)?;
            Ok(stream)
        })?;
        Ok(Self {
            samples,
            rate,
            health,
            _keeper: keeper,
        })
    }

    /// Samples a second, Hz; another one when another device takes its place.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate.load(Ordering::Relaxed)
    }

    /// How the device stands.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.health.clone()
    }
}

fn stream<T>(
    device: &cpal::Device,
    config: &cpal::SupportedStreamConfig,
    mut inlet: Inlet,
    health: Arc<Health>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels().max(1));
    let broken = health.clone();
    let mut wanted = config.config();
    wanted.buffer_size = period(config);
    device.build_input_stream::<T, _, _>(
        wanted,
        move |data, _| {
            health.called();
            let Some(ring) = &mut inlet.ring else { return };
            let mut full = false;
            for frame in data.chunks(channels) {
                let sum: f32 = frame.iter().map(|s| f32::from_sample(*s)).sum();
                full |= ring.push(sum / channels as f32).is_err();
            }
            if full {
                health.lost();
            }
        },
        move |error| {
            // A late buffer is no loss of the device.
            if matches!(error.kind(), cpal::ErrorKind::Xrun) {
                broken.lost();
            } else {
                tracing::warn!("microphone: {error}");
                broken.breaks();
            }
        },
        None,
    )
}

/// 20 ms at a time, as far as the device can: a sound server's own choice may be two seconds.
fn period(config: &cpal::SupportedStreamConfig) -> cpal::BufferSize {
    let wanted = config.sample_rate() / 50;
    match config.buffer_size() {
        cpal::SupportedBufferSize::Range { min, max } => {
            cpal::BufferSize::Fixed(wanted.clamp(*min, (*max).max(*min)))
        }
        cpal::SupportedBufferSize::Unknown => cpal::BufferSize::Fixed(wanted),
    }
}
