//! The machine's sound devices: a loudspeaker for what `say` and `hear --play` speak, and the
//! list that `doctor` shows. Without the feature `audio` there are none.

use super::Pcm;

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Built without sound devices.
    #[error(
        "this comptoir was built without sound devices (feature `audio`); write a file with --out"
    )]
    NotBuilt,
    /// No device, or it cannot be opened.
    #[error(
        "expected a loudspeaker, found none that can be opened ({0}); connect one, or write a file with --out"
    )]
    None(String),
    /// No such device at all.
    #[error(
        "expected a {what}, found none; connect one, or see `comptoir devices` for what there is"
    )]
    Absent {
        /// Microphone or loudspeaker.
        what: &'static str,
    },
    /// It is there and cannot be opened.
    #[error("expected a {what} that can be opened, found that it cannot: {reason}")]
    Unopened {
        /// Microphone or loudspeaker.
        what: &'static str,
        /// What the system says.
        reason: String,
    },
    /// None of that name.
    #[error(
        "expected a {what} named {name:?}, found: {known}; choose one of these, or none for the default"
    )]
    Unknown {
        /// Microphone or loudspeaker.
        what: &'static str,
        /// As asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A sound without a rate.
    #[error("expected a sound with a sample rate above 0 Hz")]
    Rate,
}

/// The names of the inputs and outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Microphones.
    pub inputs: Vec<String>,
    /// Loudspeakers.
    pub outputs: Vec<String>,
}

/// Plays a sound on the default loudspeaker, to its end. Blocks.
///
/// # Errors
/// [`DeviceError`]: no loudspeaker.
#[cfg(feature = "audio")]
pub fn play(pcm: &Pcm) -> Result<(), DeviceError> {
    use std::num::{NonZeroU16, NonZeroU32};
    let rate = NonZeroU32::new(pcm.rate).ok_or(DeviceError::Rate)?;
    let mut sink = rodio::DeviceSinkBuilder::open_default_sink()
        .map_err(|e| DeviceError::None(e.to_string()))?;
    sink.log_on_drop(false);
    let player = rodio::Player::connect_new(sink.mixer());
    player.append(rodio::buffer::SamplesBuffer::new(
        NonZeroU16::MIN,
        rate,
        pcm.samples.clone(),
    ));
    player.sleep_until_end();
    Ok(())
}

/// Plays a sound on the default loudspeaker, to its end. Blocks.
///
/// # Errors
/// Always: this build has no sound devices.
#[cfg(not(feature = "audio"))]
pub fn play(_pcm: &Pcm) -> Result<(), DeviceError> {
    Err(DeviceError::NotBuilt)
}

/// The machine's sound devices.
#[must_use]
#[cfg(feature = "audio")]
pub fn list() -> Devices {
    use cpal::traits::{DeviceTrait, HostTrait};
    let host = cpal::default_host();
    let name = |d: cpal::Device| d.description().ok().map(|d| d.to_string());
    Devices {
        inputs: host
            .input_devices()
            .map(|l| l.filter_map(name).collect())
            .unwrap_or_default(),
        outputs: host
            .output_devices()
            .map(|l| l.filter_map(name).collect())
            .unwrap_or_default(),
    }
}

/// The machine's sound devices: none in this build.
#[must_use]
#[cfg(not(feature = "audio"))]
pub fn list() -> Devices {
    Devices::default()
}
