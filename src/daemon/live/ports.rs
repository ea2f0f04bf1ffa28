//! What goes into the loop and comes out of it.

use super::speaker::{Speaker, Told};
use crate::{
    audio::live::front::Frame,
    dialogue::event::Activation,
    lang::Language,
    session::{floor::FloorSettings, turn::Turn},
    vad::VadSettings,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// How the daemon listens.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// Whether whoever speaks is heard, without touch, key or wake word.
    pub open: bool,
    /// The language to begin in; none: what the first words are in.
    pub language: Option<Language>,
    /// When a turn is taken.
    pub floor: FloorSettings,
    /// When speech begins and ends.
    pub vad: VadSettings,
    /// Silence after which a session ends.
    pub idle: Duration,
    /// A microphone from which nothing comes for so long is away.
    pub deaf_after: Duration,
}

/// What a person does to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Touch, key or `push_to_talk`: begin a session; in one, stop speaking and listen.
    Talk,
    /// The wake word was heard: begin a session.
    Wake,
    /// End the session.
    End,
}

/// What can be watched.
#[derive(Debug)]
pub enum Seen {
    /// A session began.
    Began(Activation),
    /// The shopper is heard, or not any more.
    Shopper(bool),
    /// The kiosk's first sound of a reply is played, or its last one was.
    Speaking(bool),
    /// Words that are being read, to be thrown away if more comes.
    Partial(String),
    /// Words that were not meant for the kiosk.
    Ignored(String),
    /// The kiosk gave way to a voice, or went on.
    GaveWay(bool),
    /// A turn was taken.
    Turn(Box<Turn>),
    /// The first sound of the answer came so long after the end of speech, endpointing included.
    FirstAudio(Duration),
    /// The session is over, and what was said is forgotten.
    Ended,
    /// Something is wrong with an engine or a device.
    Problem(String),
    /// How loud it is, 0 to 1, a few times a second.
    Level(f32),
}

/// The ends of the loop.
pub struct Ports {
    /// Sound, 16 ms at a time.
    pub frames: mpsc::Receiver<Frame>,
    /// The voice.
    pub speaker: Speaker,
    /// What the voice tells.
    pub told: mpsc::Receiver<Told>,
    /// What people press.
    pub presses: mpsc::Receiver<Press>,
    /// Who watches. A watcher that is late misses something.
    pub watcher: mpsc::Sender<Seen>,
    /// Who listens for the wake word before a session, if anybody does.
    pub wake: Option<mpsc::Sender<Frame>>,
    /// Counts what is being worked on.
    pub working: Working,
}

/// How much is being worked on beside the loop: readings, sentences being made. A simulated
/// clock stands still meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Working(Arc<AtomicUsize>);

/// A piece of work, until it is dropped.
#[derive(Debug)]
pub struct Work(Arc<AtomicUsize>);

impl Working {
    /// A piece of work begins.
    #[must_use]
    pub fn begin(&self) -> Work {
        self.0.fetch_add(1, Ordering::AcqRel);
        Work(self.0.clone())
    }

    /// Whether nothing is being worked on.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

impl Clone for Work {
    /// Another piece of it.
    fn clone(&self) -> Self {
        Working(self.0.clone()).begin()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
