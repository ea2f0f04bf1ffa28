//! Sound as it happens: a microphone, a loudspeaker, and the front end between them.
//!
//! Each device belongs to one thread, which opens it again when it goes away. What crosses to
//! and from the device's callback are ring buffers and atomics: no lock, no allocation.
//!
//! - [`microphone`]: sound in, at the device's rate.
//! - [`loudspeaker`]: sound out; it can be quieter, hold, and forget what is not played yet.
//! - `pairing`: what was played, at the pace of what is heard.
//! - [`cleaner`]: echo and noise out, 16 kHz frames with their probability of speech.
//! - [`front`]: the thread on which that happens.

pub mod cleaner;
pub mod front;
pub mod loudspeaker;
pub mod microphone;
mod pairing;

use super::devices::DeviceError;
use cpal::traits::{DeviceTrait, HostTrait};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

/// How often a device that went away is looked for.
const AGAIN: Duration = Duration::from_secs(1);
/// How often a device's thread looks whether all is well.
const LOOK: Duration = Duration::from_millis(100);
/// How long the stream before may take to end.
const HOME: Duration = Duration::from_secs(2);
/// A device that says nothing for so long is taken for gone.
const STALLED: Duration = Duration::from_secs(3);

/// How a device stands, for whoever watches.
#[derive(Debug, Default)]
pub struct Health {
    present: AtomicBool,
    losses: AtomicU32,
    /// Samples that found no room (in) or were not there in time (out).
    xruns: AtomicU64,
    /// Callbacks so far.
    calls: AtomicU64,
    broken: AtomicBool,
    ending: AtomicBool,
}

impl Health {
    /// Whether the device is open.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }

    /// How often it went away.
    #[must_use]
    pub fn losses(&self) -> u32 {
        self.losses.load(Ordering::Relaxed)
    }

    /// How often samples were lost because somebody was late.
    #[must_use]
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn lost(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    fn breaks(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// Which side of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    In,
    Out,
}

/// The device of a name (or a part of it), or the default one. `host` is kept between tries: a
/// new connection to a sound server each second would use all that the server has.
fn device(
    side: Side,
    name: Option<&str>,
    host: &mut Option<cpal::Host>,
) -> Result<cpal::Device, DeviceError> {
    let host = host.get_or_insert_with(cpal::default_host);
    // Its server has ended: another may be there.
    if host.devices().is_err() {
        *host = cpal::default_host();
    }
    let what = match side {
        Side::In => "microphone",
        Side::Out => "loudspeaker",
    };
    let Some(name) = name else {
        let device = match side {
            Side::In => host.default_input_device(),
            Side::Out => host.default_output_device(),
        };
        return device.ok_or(DeviceError::Absent { what });
    };
    let unlisted = |e: cpal::Error| DeviceError::Unopened {
        what,
        reason: e.to_string(),
    };
    let all: Vec<cpal::Device> = match side {
        Side::In => host.input_devices().map_err(unlisted)?.collect(),
        Side::Out => host.output_devices().map_err(unlisted)?.collect(),
    };
    let described = |d: &cpal::Device| d.description().map(|d| d.to_string()).unwrap_or_default();
    let wanted = name.to_lowercase();
    let names: Vec<String> = all.iter().map(described).collect();
    let exact = names.iter().position(|n| n == name);
    let part = || {
        names
            .iter()
            .position(|n| n.to_lowercase().contains(&wanted))
    };
    match exact.or_else(part).and_then(|at| all.into_iter().nth(at)) {
        Some(device) => Ok(device),
        None => Err(DeviceError::Unknown {
            what,
            name: name.to_owned(),
            known: names.join(", "),
        }),
    }
}

/// The thread that keeps a device open; dropping it closes the device.
#[derive(Debug)]
struct Keeper {
    health: Arc<Health>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.health.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Keeps a device open on its own thread until `health` says to end. `open` gives what keeps the
/// stream alive; it is called again when the stream breaks or stalls.
fn keep_open<S>(
    name: &'static str,
    health: Arc<Health>,
    mut open: impl FnMut() -> Result<S, DeviceError> + Send + 'static,
) -> Result<Keeper, DeviceError> {
    let (told, first) = mpsc::sync_channel(1);
    let kept = health.clone();
    let thread = std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let mut told = Some(told);
            while !health.is_ending() {
                health.broken.store(false, Ordering::Relaxed);
                let stream = match open() {
                    Ok(stream) => stream,
                    Err(e) => {
                        if let Some(told) = told.take() {
                            // Whoever opened it learns why, and decides: nothing is kept open.
                            let _ = told.send(Err(e));
                            return;
                        }
                        tracing::debug!("{name}: {e}");
                        wait(&health, AGAIN);
                        continue;
                    }
                };
                health.present.store(true, Ordering::Relaxed);
                if let Some(told) = told.take() {
                    let _ = told.send(Ok(()));
                } else {
                    tracing::info!("{name}: there again");
                }
                watch(&health);
                drop(stream);
                if !health.is_ending() {
                    health.present.store(false, Ordering::Relaxed);
                    health.losses.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!("{name}: went away; looking for it every second");
                    wait(&health, AGAIN);
                }
            }
        })
        .map_err(|e| DeviceError::None(e.to_string()))?;
    match first.recv() {
        Ok(Err(e)) => Err(e),
        Ok(Ok(())) | Err(_) => Ok(Keeper {
            health: kept,
            thread: Some(thread),
        }),
    }
}

/// Returns when the stream is broken, says nothing any more, or is to end.
fn watch(health: &Health) {
    let mut calls = health.calls.load(Ordering::Relaxed);
    let mut quiet = Duration::ZERO;
    while !health.is_ending() && !health.broken.load(Ordering::Relaxed) && quiet < STALLED {
        std::thread::sleep(LOOK);
        let now = health.calls.load(Ordering::Relaxed);
        quiet = if now == calls {
            quiet + LOOK
        } else {
            Duration::ZERO
        };
        calls = now;
    }
}

fn wait(health: &Health, time: Duration) {
    let mut left = time;
    while !health.is_ending() && !left.is_zero() {
        std::thread::sleep(LOOK.min(left));
        left = left.saturating_sub(LOOK);
    }
}
