//! Whose turn it is: when the shopper has finished, and when the kiosk gives way.
//!
//! A pure state machine. Edges of the voice detector, readings of what was said so far and the
//! passing of time go in; what to do comes out. All times are ms of the microphone's stream.
//!
//! What was said is read at the first short silence ([`Act::Read`]), and the reading is thrown
//! away when the speech goes on. Where the words sound finished the turn is taken after
//! [`FloorSettings::end_ms`] of silence, else after [`FloorSettings::unfinished_ms`]. While the
//! kiosk speaks, a voice makes it quieter at once and silent after
//! [`FloorSettings::give_way_ms`]; if nothing was meant for it, it goes on.

use crate::vad::{Edge, FRAME_MS, Segment};

/// Speech that was there when its beginning is told, ms.
const ONSET_MS: u64 = 48;

/// When a turn is taken. All in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorSettings {
    /// Silence after words that sound finished.
    pub end_ms: u64,
    /// Silence after words that do not ("I want ...", a number in the middle).
    pub unfinished_ms: u64,
    /// Voiced speech of the shopper after which the kiosk stops speaking. Four fifths of speech
    /// are voiced; a cough or a knock has less than this.
    pub give_way_ms: u64,
    /// What the voice detector adds after the last voiced frame of a stretch.
    pub post_roll_ms: u64,
    /// The longest wait for a reading; then the shopper is told that it takes a moment.
    pub patience_ms: u64,
}

impl Default for FloorSettings {
    fn default() -> Self {
        Self {
            end_ms: 450,
            unfinished_ms: 1300,
            give_way_ms: 240,
            post_roll_ms: 250,
            patience_ms: 1200,
        }
    }
}

/// In one speech, the kiosk holds its voice so often for nothing; after that it only gets quieter.
/// A wish is answered all the same, when it has been said.
const HOLDS: u32 = 1;
/// And gets quieter so often.
const DUCKS: u32 = 2;

/// Names a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadingId(pub u64);

/// What a reading of the speech so far came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// Whether the words sound finished.
    pub finished: bool,
    /// Whether they were meant for the kiosk.
    pub for_us: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The voice detector saw an edge.
    Edge(Edge),
    /// A reading is there.
    Read(ReadingId, Sense),
    /// The kiosk began to speak.
    SpeechBegan,
    /// The kiosk has spoken to the end.
    SpeechEnded,
    /// 16 ms passed, in which somebody was heard speaking or not.
    Frame {
        /// Whether it was speech.
        voiced: bool,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Read what was said in this stretch, in case it is all.
    Read(ReadingId, Segment),
    /// The reading is not wanted any more.
    Forget(ReadingId),
    /// The shopper has finished: answer this reading.
    Take(ReadingId),
    /// What was said was not meant for the kiosk: no answer.
    Ignore(ReadingId),
    /// Speak quietly.
    Duck,
    /// Speak at full voice again.
    Unduck,
    /// Stop speaking, for now.
    Pause,
    /// Go on from the sentence that was cut off.
    Resume,
    /// Stop speaking for good.
    Stop,
    /// The reading takes long: say so.
    OneMoment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    id: ReadingId,
    sense: Option<Sense>,
    /// When the speech that it is of ended.
    speech_end: u64,
}

/// How the kiosk's own voice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Silent,
    Speaking,
    Ducked,
    Paused,
}

/// The state of the floor.
#[derive(Clone, Debug)]
pub struct Floor {
    settings: FloorSettings,
    next: u64,
    /// Where the utterance under way began, and the speech in earlier pieces of it.
    utterance: Option<(u64, u64)>,
    /// How much voiced speech there was since the shopper began without a pause, ms; none while
    /// nobody speaks.
    spoken: Option<u64>,
    reading: Option<Reading>,
    /// Whether the shopper was told that this utterance takes a moment: once, or the kiosk's own
    /// voice would put off what it waits for.
    told: bool,
    voice: Voice,
    /// How often the kiosk gave way in this speech to what was not meant for it: another voice, or
    /// its own, where the echo canceller has lost it. It insists more each time.
    fruitless: u32,
}

impl Floor {
    /// Nobody speaks.
    #[must_use]
    pub fn new(settings: FloorSettings) -> Self {
        Self {
            settings,
            next: 0,
            utterance: None,
            spoken: None,
            reading: None,
            told: false,
            voice: Voice::Silent,
            fruitless: 0,
        }
    }

    /// As new, but that no reading is named as one before.
    pub fn reset(&mut self) {
        *self = Self {
            next: self.next,
            ..Self::new(self.settings)
        };
    }

    /// The sound has stopped coming: whoever spoke is not heard any more.
    pub fn hush(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        self.forget(&mut acts);
        self.utterance = None;
        self.spoken = None;
        self.go_on(&mut acts);
        acts
    }

    /// Whether an utterance is under way or being read.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.utterance.is_some() || self.reading.is_some()
    }

    /// Whether the shopper is heard speaking right now.
    #[must_use]
    pub fn is_shopper_speaking(&self) -> bool {
        self.spoken.is_some()
    }

    /// Takes a sign at a time; gives what to do, in order.
    pub fn step(&mut self, at: u64, sign: Sign) -> Vec<Act> {
        let mut acts = Vec::new();
        match sign {
            Sign::Edge(edge) => self.edge(at, edge, &mut acts),
            Sign::Read(id, sense) => {
                if let Some(reading) = self.reading.as_mut().filter(|r| r.id == id) {
                    reading.sense = Some(sense);
                }
            }
            // The next reply of the same answer: what was decided stands.
            Sign::SpeechBegan if self.voice != Voice::Silent => {}
            Sign::SpeechBegan => {
                self.fruitless = 0;
                self.voice = if self.spoken.is_some() {
                    acts.push(Act::Duck);
                    Voice::Ducked
                } else {
                    Voice::Speaking
                };
            }
            Sign::SpeechEnded => self.voice = Voice::Silent,
            Sign::Frame { voiced } => {
                if let Some(spoken) = self.spoken.as_mut().filter(|_| voiced) {
                    *spoken += FRAME_MS;
                }
            }
        }
        self.settle(at, &mut acts);
        acts
    }

    fn edge(&mut self, at: u64, edge: Edge, acts: &mut Vec<Act>) {
        match edge {
            Edge::Began { start_ms } => {
                // What is being read stays until there is more to read: this may be a click.
                if self.utterance.is_none() {
                    self.utterance = Some((start_ms, 0));
                    self.told = false;
                }
                self.begins(acts);
            }
            Edge::Resumed => {
                self.forget(acts);
                self.begins(acts);
            }
            Edge::Paused(segment) => {
                self.spoken = None;
                self.read(at, segment, acts);
            }
            Edge::Ended(segment) => {
                let is_cut = self.spoken.take().is_some();
                if is_cut || self.reading.is_none() {
                    self.read(at, segment, acts);
                }
                if is_cut {
                    // The longest length: what comes now is another utterance.
                    self.utterance = None;
                } else if let Some((_, before)) = &mut self.utterance {
                    // Not read yet: what comes now is heard together with it.
                    *before += segment.speech_ms;
                }
            }
            Edge::Dropped => {
                self.spoken = None;
                if self.reading.is_none() {
                    self.utterance = None;
                    self.go_on(acts);
                }
            }
        }
    }

    fn begins(&mut self, acts: &mut Vec<Act>) {
        self.spoken = Some(ONSET_MS);
        if self.voice == Voice::Speaking && self.fruitless < DUCKS {
            self.voice = Voice::Ducked;
            acts.push(Act::Duck);
        }
    }

    fn read(&mut self, at: u64, segment: Segment, acts: &mut Vec<Act>) {
        let (start_ms, before) = *self.utterance.get_or_insert((segment.start_ms, 0));
        self.forget(acts);
        self.next += 1;
        let id = ReadingId(self.next);
        self.reading = Some(Reading {
            id,
            sense: None,
            speech_end: at.min(segment.end_ms.saturating_sub(self.settings.post_roll_ms)),
        });
        let whole = Segment {
            start_ms,
            end_ms: segment.end_ms,
            speech_ms: before + segment.speech_ms,
        };
        acts.push(Act::Read(id, whole));
    }

    fn forget(&mut self, acts: &mut Vec<Act>) {
        if let Some(reading) = self.reading.take() {
            acts.push(Act::Forget(reading.id));
        }
    }

    /// The kiosk's voice comes back, if it was held.
    fn go_on(&mut self, acts: &mut Vec<Act>) {
        match self.voice {
            Voice::Ducked => acts.push(Act::Unduck),
            Voice::Paused => acts.push(Act::Resume),
            Voice::Silent | Voice::Speaking => return,
        }
        self.voice = Voice::Speaking;
    }

    /// What time and readings decide.
    fn settle(&mut self, at: u64, acts: &mut Vec<Act>) {
        if let Some(spoken) = self.spoken {
            let gives_way = self.voice == Voice::Ducked && self.fruitless < HOLDS;
            if gives_way && spoken >= self.settings.give_way_ms {
                self.voice = Voice::Paused;
                acts.push(Act::Pause);
            }
            return;
        }
        let Some(reading) = &self.reading else {
            return;
        };
        let silence = at.saturating_sub(reading.speech_end);
        let Some(sense) = reading.sense else {
            if silence >= self.settings.patience_ms && !self.told && self.voice == Voice::Silent {
                self.told = true;
                acts.push(Act::OneMoment);
            }
            return;
        };
        let wait = if sense.finished {
            self.settings.end_ms
        } else {
            self.settings.unfinished_ms
        };
        if silence < wait {
            return;
        }
        let id = reading.id;
        self.reading = None;
        self.utterance = None;
        if sense.for_us {
            if self.voice != Voice::Silent {
                self.voice = Voice::Silent;
                acts.push(Act::Stop);
            }
            acts.push(Act::Take(id));
        } else {
            acts.push(Act::Ignore(id));
            self.fruitless += 1;
            self.go_on(acts);
        }
    }
}

#[cfg(test)]
#[path = "floor_tests.rs"]
mod tests;
