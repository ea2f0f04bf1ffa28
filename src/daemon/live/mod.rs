//! The live daemon: a microphone, a loudspeaker, and one conversation at a time between them.
//!
//! One loop owns the session and the floor. Frames of sound, readings, what the voice tells and
//! what people press come in through bounded queues; everything that can stall has a deadline
//! of its own behind them.

pub mod chime;
pub mod control;
mod judge;
mod memory;
mod ports;
pub mod speaker;
pub mod wake;

use crate::{
    audio::live::front::Frame,
    daemon::shopfront::Shopfront,
    dialogue::{effect::ReplyId, event::Activation},
    lang::Language,
    session::{
        Reading, Session, Sound, Taken,
        floor::{Act, Floor, ReadingId, Sign},
    },
    vad::{Edge, Endpointer, Segment, VadSettings},
};
use jiff::{SignedDuration, Timestamp};
use judge::Judge;
use memory::Memory;
pub use ports::{LiveSettings, Ports, Press, Seen, Work, Working};
use speaker::{Order, Speaker, Told, Utter};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

/// Silence after which the endpointer itself ends an utterance: the floor decides before.
const LONGEST_SILENCE_MS: u64 = 2_000;
/// From this probability on, a frame is the voice of somebody for whom the kiosk gives way.
/// Coughs and steam reach 0.5, voices 0.9.
const VOICED_AT: f32 = 0.6;
/// How often the core is told that time passes.
const TICK: Duration = Duration::from_secs(1);

/// Runs until nobody presses and no sound comes any more.
pub async fn run(front: &Shopfront, settings: LiveSettings, ports: Ports) {
    let Ports {
        mut frames,
        speaker,
        mut told,
        mut presses,
        watcher,
        wake,
        working,
    } = ports;
    let (readings, mut read) = mpsc::channel(16);
    let mut live = Live {
        front,
        floor: Floor::new(settings.floor),
        endpointer: endpointer(&settings.vad),
        memory: Memory::default(),
        session: None,
        speaker,
        watcher,
        wake,
        working,
        readings,
        reading: None,
        ready: None,
        now_ms: 0,
        speech_end: None,
        is_speaking: false,
        saying: String::new(),
        overlaps: false,
        active_at: Instant::now(),
        heard_at: Instant::now(),
        loudest: 0.0,
        settings,
    };
    live.prepare();
    let mut clock = interval(TICK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            press = presses.recv() => match press {
                Some(press) => live.pressed(press).await,
                None => return,
            },
            Some(event) = told.recv() => live.told(event).await,
            Some((id, reading)) = read.recv() => Box::pin(live.was_read(id, reading)).await,
            frame = frames.recv() => match frame {
                Some(frame) => live.frame(&frame).await,
                None => return,
            },
            _ = clock.tick() => live.tick().await,
        }
    }
}

fn endpointer(vad: &VadSettings) -> Endpointer {
    Endpointer::new(VadSettings {
        endpoint_ms: LONGEST_SILENCE_MS,
        ..*vad
    })
}

struct Live<'a> {
    front: &'a Shopfront,
    settings: LiveSettings,
    floor: Floor,
    endpointer: Endpointer,
    memory: Memory,
    /// The session under way; in open listening also the one that has not begun yet.
    session: Option<Session>,
    speaker: Speaker,
    watcher: mpsc::Sender<Seen>,
    wake: Option<mpsc::Sender<Frame>>,
    working: Working,
    readings: mpsc::Sender<(ReadingId, Reading)>,
    /// The reading under way.
    reading: Option<(ReadingId, AbortHandle)>,
    /// The reading that is there.
    ready: Option<(ReadingId, Reading)>,
    now_ms: u64,
    /// When the shopper stopped speaking, of the turn that waits for its first sound.
    speech_end: Option<Instant>,
    is_speaking: bool,
    /// What is being said, or was a moment ago.
    saying: String,
    /// Whether the utterance under way began while the kiosk spoke.
    overlaps: bool,
    /// When a shopper last did something, or was answered.
    active_at: Instant,
    /// When sound last came.
    heard_at: Instant,
    loudest: f32,
}

impl Live<'_> {
    fn show(&self, seen: Seen) {
        let _ = self.watcher.try_send(seen);
    }

    /// In open listening a session waits for the first words.
    fn prepare(&mut self) {
        if self.settings.open {
            let session = self.front.live(self.settings.language, Activation::Sound);
            self.session = Some(session);
        }
    }

    fn has_session(&self) -> bool {
        self.session.as_ref().is_some_and(Session::has_begun)
    }

    async fn pressed(&mut self, press: Press) {
        self.active_at = Instant::now();
        match press {
            Press::Talk if self.has_session() => {
                self.speaker.order(Order::Stop).await;
                self.chime(chime::LISTENING).await;
            }
            Press::Talk => self.begin(Activation::Touch).await,
            Press::Wake if self.has_session() => {}
            Press::Wake => self.begin(Activation::WakeWord).await,
            Press::End => self.end().await,
        }
    }

    async fn begin(&mut self, activation: Activation) {
        // What was said before was not said to it.
        self.listen_anew();
        let mut session = self.front.live(self.settings.language, activation);
        self.show(Seen::Began(activation));
        self.chime(chime::LISTENING).await;
        let taken = session.open().await;
        self.session = Some(session);
        self.answer(taken).await;
    }

    /// Ends the session and forgets what was said.
    async fn end(&mut self) {
        self.speaker.order(Order::Stop).await;
        if let Some(session) = self.session.take()
            && session.has_begun()
        {
            session.close().await;
            self.chime(chime::DONE).await;
            self.show(Seen::Ended);
        }
        self.listen_anew();
        self.memory.wipe();
        if self.is_speaking {
            self.show(Seen::Speaking(false));
        }
        self.is_speaking = false;
        self.saying.clear();
        self.speech_end = None;
        self.prepare();
    }

    /// Nobody has spoken yet.
    fn listen_anew(&mut self) {
        self.drop_reading();
        self.overlaps = false;
        self.floor.reset();
        self.endpointer = endpointer(&self.settings.vad);
    }

    async fn frame(&mut self, frame: &Frame) {
        self.heard_at = Instant::now();
        self.now_ms = (frame.at + frame.samples.len() as u64) / 16;
        self.loudest = self.loudest.max(frame.rms());
        let edge = self.endpointer.step(frame.at, frame.score);
        self.memory.push(frame, self.session.is_some());
        // Before a session nothing is read: only the voice detector runs, and the wake word's.
        if !self.has_session()
            && let Some(wake) = &self.wake
        {
            let _ = wake.try_send(frame.clone());
        }
        if self.session.is_none() {
            return;
        }
        if let Some(edge) = edge {
            tracing::debug!(at_ms = self.now_ms, ?edge, "voice");
            match edge {
                Edge::Began { .. } | Edge::Resumed => {
                    if matches!(edge, Edge::Began { .. }) && !self.floor.is_busy() {
                        self.overlaps = self.is_speaking;
                    }
                    self.show(Seen::Shopper(true));
                }
                Edge::Paused(_) | Edge::Ended(_) | Edge::Dropped => {
                    self.show(Seen::Shopper(false));
                }
            }
            self.step(Sign::Edge(edge)).await;
        }
        let voiced = frame.score >= VOICED_AT;
        self.step(Sign::Frame { voiced }).await;
    }

    async fn step(&mut self, sign: Sign) {
        for act in self.floor.step(self.now_ms, sign) {
            self.act(act).await;
        }
    }

    async fn act(&mut self, act: Act) {
        tracing::debug!(at_ms = self.now_ms, ?act, "floor");
        match act {
            Act::Read(id, segment) => self.read(id, segment),
            Act::Forget(_) => self.drop_reading(),
            Act::Take(id) => {
                // What is heard from here on is another utterance.
                self.endpointer.finish(self.now_ms * 16);
                if let Some((_, reading)) = self.ready.take().filter(|(ready, _)| *ready == id) {
                    self.take(reading).await;
                }
            }
            Act::Ignore(id) => {
                self.endpointer.finish(self.now_ms * 16);
                if let Some((_, reading)) = self.ready.take().filter(|(ready, _)| *ready == id)
                    && !reading.turn.transcript.is_empty()
                {
                    self.show(Seen::Ignored(reading.turn.transcript));
                }
            }
            Act::Duck => self.speaker.order(Order::Duck).await,
            Act::Unduck => self.speaker.order(Order::Unduck).await,
            Act::Pause => {
                self.show(Seen::GaveWay(true));
                self.speaker.order(Order::Hold).await;
            }
            Act::Resume => {
                self.show(Seen::GaveWay(false));
                self.speaker.order(Order::Resume).await;
            }
            Act::Stop => self.speaker.order(Order::Stop).await,
            Act::OneMoment => {
                if let Some(session) = &self.session {
                    let language = session.spoken_language();
                    let phrase = match language {
                        Language::En => "One moment, please.",
                        Language::Fr => "Un instant, s'il vous plaît.",
                    };
                    let phrase = Utter::Phrase(phrase.to_owned(), language);
                    self.say(phrase).await;
                }
            }
        }
    }

    /// Has a stretch of sound read, beside the loop.
    fn read(&mut self, id: ReadingId, segment: Segment) {
        self.drop_reading();
        let Some(session) = &self.session else { return };
        let listener = session.listener();
        let pcm = self.memory.slice(segment.start_ms, segment.end_ms);
        let ago = self.now_ms.saturating_sub(segment.start_ms);
        let began_at = Timestamp::now() - SignedDuration::from_millis(ago.cast_signed());
        let end = segment
            .end_ms
            .saturating_sub(self.settings.vad.post_roll_ms);
        let silence = Duration::from_millis(self.now_ms.saturating_sub(end));
        self.speech_end = Instant::now().checked_sub(silence);
        let speech_ms = u32::try_from(segment.speech_ms).unwrap_or(u32::MAX);
        let readings = self.readings.clone();
        let work = self.working.begin();
        let task = tokio::spawn(async move {
            let _work = work;
            let sound = Sound {
                pcm: &pcm,
                span_ms: None,
                speech_ms,
            };
            let reading = listener.read(sound, began_at).await;
            let _ = readings.send((id, reading)).await;
        });
        self.reading = Some((id, task.abort_handle()));
    }

    fn drop_reading(&mut self) {
        if let Some((_, task)) = self.reading.take() {
            task.abort();
        }
        self.ready = None;
    }

    async fn was_read(&mut self, id: ReadingId, reading: Reading) {
        // One that was forgotten may have been on its way.
        if self.reading.as_ref().is_none_or(|(now, _)| *now != id) {
            return;
        }
        let Some(session) = &self.session else { return };
        let sense = Judge {
            pending: session.pending(),
            fresh: self.settings.open && !session.has_begun(),
            over: self.overlaps.then_some(self.saying.as_str()),
        }
        .sense(&reading);
        self.show(Seen::Partial(reading.turn.transcript.clone()));
        self.reading = None;
        self.ready = Some((id, reading));
        self.step(Sign::Read(id, sense)).await;
    }

    async fn take(&mut self, reading: Reading) {
        self.active_at = Instant::now();
        let Some(session) = &mut self.session else {
            return;
        };
        let mut greeting = None;
        if !session.has_begun() {
            greeting = Some(session.open().await);
        }
        let taken = session.take(reading).await;
        if let Some(greeting) = greeting {
            self.show(Seen::Began(Activation::Sound));
            self.answer(greeting).await;
        }
        self.answer(taken).await;
    }

    /// Says what a turn has to say.
    async fn answer(&mut self, taken: Taken) {
        let Taken {
            turn,
            replies,
            stop_speaking,
        } = taken;
        if stop_speaking {
            self.speaker.order(Order::Stop).await;
        }
        for problem in &turn.problems {
            self.show(Seen::Problem(problem.clone()));
        }
        for reply in replies {
            if reply.speech.is_empty() {
                self.heard_out(reply.id);
            } else {
                if !self.is_speaking {
                    self.saying.clear();
                }
                self.saying.push(' ');
                self.saying.push_str(&reply.speech);
                self.is_speaking = true;
                self.say(Utter::Reply(reply)).await;
            }
        }
        let ended = turn.ended;
        if !turn.transcript.is_empty() || !turn.reply.is_empty() {
            self.show(Seen::Turn(Box::new(turn)));
        }
        if ended && !self.is_speaking {
            self.end().await;
        }
    }

    fn heard_out(&mut self, reply: ReplyId) {
        if let Some(session) = &mut self.session {
            session.heard_out(reply);
        }
    }

    async fn told(&mut self, event: Told) {
        match event {
            Told::Began(_) => {
                self.is_speaking = true;
                self.show(Seen::Speaking(true));
                if let Some(end) = self.speech_end.take() {
                    self.show(Seen::FirstAudio(end.elapsed()));
                }
                self.step(Sign::SpeechBegan).await;
            }
            Told::Spoken(reply) => self.heard_out(reply),
            Told::Cut(reply) => {
                if let Some(session) = &mut self.session {
                    session.cut_off(reply);
                }
            }
            Told::Failed(reply) => {
                self.show(Seen::Problem("a reply could not be spoken".into()));
                // What was not heard was not confirmed.
                if let Some(session) = &mut self.session {
                    session.cut_off(reply);
                }
            }
            Told::Silent => {
                if self.is_speaking {
                    self.show(Seen::Speaking(false));
                }
                self.is_speaking = false;
                self.active_at = Instant::now();
                self.step(Sign::SpeechEnded).await;
                if self.session.as_ref().is_some_and(Session::has_ended) {
                    self.end().await;
                }
            }
        }
    }

    async fn tick(&mut self) {
        let loudest = std::mem::take(&mut self.loudest);
        self.show(Seen::Level(loudest));
        if self.heard_at.elapsed() > self.settings.deaf_after && self.floor.is_busy() {
            // The microphone is away: nobody's sentence is waited for.
            self.endpointer = endpointer(&self.settings.vad);
            for act in self.floor.hush() {
                self.act(act).await;
            }
        }
        if !self.has_session() {
            return;
        }
        let idle = self.active_at.elapsed();
        // Talk that is not meant for it does not keep a shopper's session open for ever.
        if idle >= 3 * self.settings.idle {
            return self.end().await;
        }
        if self.is_speaking || self.floor.is_busy() {
            return;
        }
        if idle >= self.settings.idle {
            self.end().await;
        } else if let Some(session) = &mut self.session {
            let taken = session.tick().await;
            self.answer(taken).await;
        }
    }

    async fn chime(&self, notes: &[chime::Note]) {
        let sound = Arc::new(chime::sound(notes));
        self.say(Utter::Chime(sound)).await;
    }

    async fn say(&self, what: Utter) {
        let work = self.working.begin();
        self.speaker.order(Order::Say(what, work)).await;
    }
}
