//! The live daemon in a simulated room: its real loop, engines, voice and front end, but that
//! microphone and loudspeaker are samples and the clock stands still while something is worked
//! on. So turn-taking, echo and interruptions can be tried faster than in real time, the same
//! way each time, on a machine without sound.

use super::acoustics::{Babble, Echo, EchoPath};
use crate::{
    audio::{
        AudioError, Resampler, SPEECH_RATE, decode,
        live::{
            cleaner::Cleaner,
            front::Frame,
            loudspeaker::{Loudspeaker, Outlet, PLAY_RATE},
        },
        mean_square, resample,
    },
    daemon::{
        live::{self, LiveSettings, Ports, Press, Seen, Working, speaker::Speaker},
        shopfront::Shopfront,
    },
    session::turn::Turn,
    vad::FRAME_SAMPLES,
};
use std::{collections::VecDeque, path::Path, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Samples of the loudspeaker in a frame.
const PLAYED: usize = FRAME_SAMPLES * (PLAY_RATE / SPEECH_RATE) as usize;
/// How often the voice looks at what was played, in a clock that runs fast.
const PERIOD: Duration = Duration::from_millis(1);
/// How long a piece of work may take on the machine's own clock.
const STALLED: Duration = Duration::from_secs(60);
/// How loud people speak, root mean square of full scale: -22 dBFS.
pub const SPEECH_RMS: f32 = 0.08;

/// Why a simulation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A recording cannot be read.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Rates that do not fit.
    #[error(transparent)]
    Rate(#[from] crate::audio::resample::RateError),
    /// The daemon does nothing any more.
    #[error("expected the daemon to go on, found it at work for more than a minute")]
    Stalled,
    /// Something that was waited for did not happen.
    #[error("expected {what} within {within_ms} ms, and it did not come; seen: {seen}")]
    Absent {
        /// What.
        what: String,
        /// Of the simulated clock.
        within_ms: u64,
        /// What was seen instead.
        seen: String,
    },
}

/// What a recording sounds like at the microphone: 16 kHz, as loud as people speak.
///
/// # Errors
/// When it cannot be read.
pub fn recording(path: &Path) -> Result<Vec<f32>, SimulationError> {
    let mut samples = resample(&decode(path)?, SPEECH_RATE)?.into_owned().samples;
    let gain = SPEECH_RMS / mean_square(&samples).sqrt().max(1e-6);
    for sample in &mut samples {
        *sample = (*sample * gain).clamp(-1.0, 1.0);
    }
    Ok(samples)
}

/// What was seen, for people.
fn told(seen: &[Seen]) -> String {
    let all = seen.iter().filter(|s| !matches!(s, Seen::Level(_)));
    let all: Vec<String> = all.map(|s| format!("{s:?}")).collect();
    all.join(", ")
}

/// A kiosk and the room around it.
pub struct Simulation {
    outlet: Outlet,
    slower: Resampler,
    echo: Option<EchoPath>,
    /// People around, if there are any.
    pub babble: Option<Babble>,
    cleaner: Cleaner,
    frames: mpsc::Sender<Frame>,
    presses: mpsc::Sender<Press>,
    seen: mpsc::Receiver<Seen>,
    working: Working,
    to_say: VecDeque<f32>,
    at: u64,
    is_speaking: bool,
    /// The volume of the kiosk's voice at each frame lately, with the time in ms.
    volumes: VecDeque<(u64, f32)>,
}

/// The daemon's side of a simulation.
pub struct Daemon<'a> {
    front: &'a Shopfront,
    settings: LiveSettings,
    ports: Ports,
}

impl Daemon<'_> {
    /// Runs until the simulation is dropped.
    pub async fn run(self) {
        Box::pin(live::run(self.front, self.settings, self.ports)).await;
    }
}

impl Simulation {
    /// A room with this echo, and the daemon to run beside it.
    ///
    /// # Errors
    /// When the shop has no voice, or rates do not fit.
    pub fn new(
        front: &Shopfront,
        settings: LiveSettings,
        echo: Option<Echo>,
    ) -> anyhow::Result<(Self, Daemon<'_>)> {
        let voice = front
            .voice()
            .ok_or_else(|| anyhow::anyhow!("expected a voice (tts), found none in the settings"))?;
        let working = Working::default();
        let (loudspeaker, outlet) = Loudspeaker::drawn();
        let (speaker, told, _task) = Speaker::spawn(loudspeaker, voice, STALLED, PERIOD);
        // One at a time: when one is taken, the one before has been worked through.
        let (frames, heard) = mpsc::channel(1);
        let (presses, pressed) = mpsc::channel(1);
        let (watcher, seen) = mpsc::channel(256);
        let ports = Ports {
            frames: heard,
            speaker,
            told,
            presses: pressed,
            watcher,
            wake: None,
            working: working.clone(),
        };
        let room = Self {
            outlet,
            slower: Resampler::new(PLAY_RATE, SPEECH_RATE)?,
            echo: echo.map(EchoPath::new),
            babble: None,
            cleaner: Cleaner::new(true),
            frames,
            presses,
            seen,
            working,
            to_say: VecDeque::new(),
            at: 0,
            is_speaking: false,
            volumes: VecDeque::new(),
        };
        let daemon = Daemon {
            front,
            settings,
            ports,
        };
        Ok((room, daemon))
    }

    /// The simulated time, ms.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.at * 1000 / u64::from(SPEECH_RATE)
    }

    /// Whether the kiosk is speaking.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        self.is_speaking
    }

    /// Says something into the microphone, after what is still to be said.
    pub fn say(&mut self, samples: &[f32]) {
        self.to_say.extend(samples);
    }

    /// Whether something is still to be said.
    #[must_use]
    pub fn is_shopper_speaking(&self) -> bool {
        !self.to_say.is_empty()
    }

    /// Presses a button.
    pub async fn press(&mut self, press: Press) {
        let _ = self.presses.send(press).await;
    }

    /// When the kiosk's voice first fell under this volume since a time, ms.
    #[must_use]
    pub fn quieter_since(&self, volume: f32, from_ms: u64) -> Option<u64> {
        let at = self
            .volumes
            .iter()
            .find(|(at, v)| *at >= from_ms && *v < volume);
        at.map(|(at, _)| *at)
    }

    /// 16 ms pass. Gives what was seen meanwhile.
    ///
    /// # Errors
    /// When the daemon does not go on.
    pub async fn step(&mut self) -> Result<Vec<Seen>, SimulationError> {
        let stalls = Instant::now() + STALLED;
        // A voice that is about to be heard is not outrun.
        let hurry = Instant::now() + Duration::from_millis(30);
        while !self.working.is_idle()
            || self.is_speaking
                && self.outlet.waiting() < PLAYED
                && self.outlet.volume() > 0.0
                && Instant::now() < hurry
        {
            if Instant::now() > stalls {
                return Err(SimulationError::Stalled);
            }
            tokio::time::sleep(PERIOD).await;
        }
        let fast: Vec<f32> = self.outlet.by_ref().take(PLAYED).collect();
        let mut played = Vec::with_capacity(FRAME_SAMPLES);
        self.slower.push(&fast, &mut played)?;
        let mut heard: Vec<f32> = (0..played.len())
            .map(|_| self.to_say.pop_front().unwrap_or(0.0))
            .collect();
        if let Some(echo) = &mut self.echo {
            echo.pass(&played, &mut heard);
        }
        if let Some(babble) = &mut self.babble {
            babble.pass(&mut heard);
        }
        self.volumes
            .push_back((self.now_ms(), self.outlet.volume()));
        if self.volumes.len() > 4096 {
            self.volumes.pop_front();
        }
        self.cleaner.render(&played);
        self.at += played.len() as u64;
        let mut frames = Vec::new();
        self.cleaner.capture(&heard, |frame| frames.push(frame));
        for frame in frames {
            let sent = tokio::time::timeout(STALLED, self.frames.send(frame)).await;
            sent.map_err(|_| SimulationError::Stalled)?
                .map_err(|_| SimulationError::Stalled)?;
        }
        // The voice gets its turn.
        tokio::time::sleep(PERIOD).await;
        let mut all = Vec::new();
        while let Ok(seen) = self.seen.try_recv() {
            if let Seen::Speaking(now) = seen {
                self.is_speaking = now;
            }
            all.push(seen);
        }
        Ok(all)
    }

    /// Goes on until something is seen.
    ///
    /// # Errors
    /// When it does not come within so many simulated ms.
    pub async fn until<T>(
        &mut self,
        what: &str,
        within_ms: u64,
        mut is: impl FnMut(&Seen) -> Option<T>,
    ) -> Result<T, SimulationError> {
        let end = self.now_ms() + within_ms;
        let mut others = Vec::new();
        while self.now_ms() < end {
            for seen in self.step().await? {
                if let Some(found) = is(&seen) {
                    return Ok(found);
                }
                others.push(seen);
            }
        }
        Err(SimulationError::Absent {
            what: what.to_owned(),
            within_ms,
            seen: told(&others),
        })
    }

    /// Goes on until the kiosk begins to speak.
    ///
    /// # Errors
    /// When it does not within 10 simulated seconds.
    pub async fn reply(&mut self) -> Result<(), SimulationError> {
        let speaks = |seen: &Seen| matches!(seen, Seen::Speaking(true)).then_some(());
        self.until("the reply", 10_000, speaks).await
    }

    /// Time passes; gives what was seen.
    ///
    /// # Errors
    /// When the daemon does not go on.
    pub async fn pass(&mut self, ms: u64) -> Result<Vec<Seen>, SimulationError> {
        let end = self.now_ms() + ms;
        let mut all = Vec::new();
        while self.now_ms() < end {
            all.extend(self.step().await?);
        }
        Ok(all)
    }

    /// The next turn.
    ///
    /// # Errors
    /// When there is none within 20 simulated seconds.
    pub async fn turn(&mut self) -> Result<Turn, SimulationError> {
        let turn = |seen: &Seen| match seen {
            Seen::Turn(turn) => Some((**turn).clone()),
            _ => None,
        };
        self.until("a turn", 20_000, turn).await
    }

    /// Until the kiosk has said what it has to say; gives what was seen.
    ///
    /// # Errors
    /// When it speaks for more than two simulated minutes.
    pub async fn hear_out(&mut self) -> Result<Vec<Seen>, SimulationError> {
        let end = self.now_ms() + 120_000;
        let mut all = Vec::new();
        let mut quiet = 0;
        while quiet < 40 {
            if self.now_ms() > end {
                return Err(SimulationError::Absent {
                    what: "the end of the kiosk's speech".into(),
                    within_ms: 120_000,
                    seen: told(&all),
                });
            }
            all.extend(self.step().await?);
            let speaks = self.is_speaking || self.outlet.waiting() > 0;
            quiet = if speaks { 0 } else { quiet + 1 };
        }
        Ok(all)
    }
}
