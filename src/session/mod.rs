//! The one loop: events into the dialogue core, its effects out into the world.
//!
//! A session hears an utterance ([`Session::hear`]) or reads one ([`Session::read`]), runs the
//! core until it asks for nothing more, speaks, and says what the turn was.

pub mod clock;
pub mod desk;
pub mod floor;
mod listen;
mod live;
pub mod recording;
pub mod turn;

use crate::{
    audio::Pcm,
    dialogue::{
        Effect, Event, State,
        effect::Reply,
        event::{Activation, Heard, Surface, Unheard},
        policy::Policy,
        step,
    },
    lang::Language,
    nlu::Interpreter,
    shop::info::ShopInfo,
    stt::Transcribe,
    tts::{Synthesize, SynthesizeRequest},
};
use clock::Clock;
use desk::DeskThread;
pub use listen::{Listener, Reading};
pub use live::Taken;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use turn::Turn;

/// The ears and the voice of a session, where it has them.
#[derive(Clone, Default)]
pub struct Speech {
    /// Speech to text.
    pub ears: Option<Arc<dyn Transcribe>>,
    /// Text to speech.
    pub voice: Option<Arc<dyn Synthesize>>,
}

/// How a session is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The language spoken; `None`: detected on the first utterance.
    pub language: Option<Language>,
    /// The language when nothing else tells.
    pub default_language: Language,
    /// The languages that may be spoken.
    pub languages: Vec<Language>,
    /// How the session begins.
    pub activation: Activation,
    /// What can be seen here.
    pub surface: Surface,
    /// How long the recogniser may take for an utterance.
    pub stt_deadline: Duration,
    /// How long the first audio of a reply may take.
    pub tts_deadline: Duration,
}

/// An utterance cut from a recording or a microphone.
#[derive(Clone, Debug)]
pub struct Sound<'a> {
    /// The samples, 16 kHz mono.
    pub pcm: &'a Pcm,
    /// Where it was in the recording, ms.
    pub span_ms: Option<(u32, u32)>,
    /// Detected speech in it, ms.
    pub speech_ms: u32,
}

/// A turn and what was said in it aloud.
#[derive(Debug)]
pub struct Answer {
    /// What the turn was.
    pub turn: Turn,
    /// The reply's audio, if it was spoken.
    pub speech: Option<Pcm>,
}

/// How long a person lets pass before they answer, on a clock that recordings move.
const PAUSE: Duration = Duration::from_millis(400);

/// One shopper's conversation.
pub struct Session {
    state: State,
    clock: Clock,
    desk: Arc<DeskThread>,
    interpreter: Interpreter,
    speech: Speech,
    setup: Setup,
    begun: bool,
    ended: bool,
}

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(
        shop: (ShopInfo, Policy),
        desk: Arc<DeskThread>,
        interpreter: Interpreter,
        speech: Speech,
        setup: Setup,
        clock: Clock,
    ) -> Self {
        Self {
            state: State::new(shop.0, shop.1),
            clock,
            desk,
            interpreter,
            speech,
            setup,
            begun: false,
            ended: false,
        }
    }

    /// What the core knows.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Begins the session, in its language or the default one: the assistant says what it is.
    pub async fn begin(&mut self) -> Answer {
        let language = self.setup.language.unwrap_or(self.setup.default_language);
        self.begin_in(language).await
    }

    async fn begin_in(&mut self, language: Language) -> Answer {
        let (turn, replies) = self.start(language).await;
        self.answer(turn, replies).await
    }

    /// Starts the core in a language; what it says to that is not spoken yet.
    async fn start(&mut self, language: Language) -> (Turn, Vec<Reply>) {
        self.begun = true;
        let mut turn = Turn::new(language);
        let started = Event::Started {
            activation: self.setup.activation,
            language,
            surface: self.setup.surface,
        };
        let replies = self.run(started, &mut turn).await;
        (turn, replies)
    }

    /// Hears one utterance and answers it.
    pub async fn hear(&mut self, sound: Sound<'_>) -> Answer {
        self.clock.advance(PAUSE);
        let began_at = self.clock.now().timestamp();
        self.clock.advance(sound.pcm.duration());
        let at = Instant::now();
        let mut turn = Turn::new(self.language());
        let heard = self.listener().hear(&sound, &mut turn).await;
        self.clock.advance(at.elapsed());

        let event = match heard {
            Err(event) => event,
            Ok(evidence) => {
                if !self.begun {
                    // The first words told the language to begin in.
                    let greeting = self.begin_in(turn.language).await;
                    turn.greeting = Some(greeting.turn.reply);
                }
                let heard = Heard {
                    speech_ms: Some(sound.speech_ms),
                    no_speech_prob: evidence.no_speech_prob,
                    began_at: Some(began_at),
                };
                self.understand(&mut turn, heard).await
            }
        };
        if !self.begun {
            let greeting = self.begin().await;
            turn.greeting = Some(greeting.turn.reply);
        }
        let replies = self.run(event, &mut turn).await;
        self.answer(turn, replies).await
    }

    /// A recording in which nobody speaks.
    pub async fn hear_nothing(&mut self) -> Answer {
        if !self.begun {
            self.begin().await;
        }
        self.clock.advance(PAUSE);
        let mut turn = Turn::new(self.language());
        let replies = self.run(Event::Unheard(Unheard::Nothing), &mut turn).await;
        self.answer(turn, replies).await
    }

    /// Reads one utterance and answers it.
    pub async fn read(&mut self, text: &str) -> Answer {
        if !self.begun {
            self.begin().await;
        }
        self.clock.advance(PAUSE);
        let mut turn = Turn::new(self.language());
        turn.transcript = text.trim().to_owned();
        let event = if turn.transcript.is_empty() {
            Event::Unheard(Unheard::Nothing)
        } else {
            self.understand(&mut turn, Heard::default()).await
        };
        let replies = self.run(event, &mut turn).await;
        self.answer(turn, replies).await
    }

    /// Lets time pass without anybody speaking.
    pub async fn wait(&mut self, pause: Duration) -> Answer {
        self.clock.advance(pause);
        let mut turn = Turn::new(self.language());
        let replies = self.run(Event::Tick, &mut turn).await;
        self.answer(turn, replies).await
    }

    fn language(&self) -> Language {
        if self.begun {
            self.state.language()
        } else {
            self.setup.language.unwrap_or(self.setup.default_language)
        }
    }

    async fn understand(&mut self, turn: &mut Turn, heard: Heard) -> Event {
        let at = Instant::now();
        let event = self.listener().understand(turn, heard).await;
        self.clock.advance(at.elapsed());
        event
    }

    /// Runs the core on an event, and on the world's answers, until it asks for nothing more.
    async fn run(&mut self, event: Event, turn: &mut Turn) -> Vec<Reply> {
        let at = Instant::now();
        let mut in_shop = Duration::ZERO;
        let mut asked_shop = false;
        let mut replies = Vec::new();
        let mut events = VecDeque::from([event]);
        // The core asks in turns; a bound keeps a fault of ours from becoming a loop.
        for _ in 0..256 {
            let Some(event) = events.pop_front() else {
                break;
            };
            let now = self.clock.now();
            for effect in step(&mut self.state, event, &now) {
                match effect {
                    Effect::Say(reply) => replies.push(reply),
                    Effect::EndSession => self.ended = true,
                    // Playback follows the reply's own language and is not running meanwhile.
                    Effect::SetLanguage(_) | Effect::StopSpeaking | Effect::AdjustSpeech { .. } => {
                    }
                    effect => {
                        let asked = Instant::now();
                        events.extend(self.desk.ask(effect, now.timestamp()).await);
                        in_shop += asked.elapsed();
                        asked_shop = true;
                    }
                }
            }
        }
        turn.timings_ms.dialogue = Some(ms(at.elapsed()));
        turn.timings_ms.shop = asked_shop.then(|| ms(in_shop));
        self.clock.advance(at.elapsed());
        replies
    }

    /// Speaks the replies and tells the core that they were heard.
    async fn answer(&mut self, mut turn: Turn, replies: Vec<Reply>) -> Answer {
        turn.language = self.language();
        let join = |text: fn(&Reply) -> &str| {
            replies
                .iter()
                .map(text)
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        turn.reply = join(|r| &r.text);
        turn.speech = join(|r| &r.speech);
        let mut speech: Option<Pcm> = None;
        for reply in &replies {
            match self.say(reply, &mut turn).await {
                Ok(Some(pcm)) => {
                    self.clock.advance(pcm.duration());
                    match &mut speech {
                        None => speech = Some(pcm),
                        Some(all) => all.append(&pcm),
                    }
                }
                Ok(None) => {}
                Err(e) => turn.problems.push(e),
            }
            let now = self.clock.now();
            // What follows from having been heard (the clock of a yes) asks for nothing.
            let more = step(&mut self.state, Event::Spoken { reply: reply.id }, &now);
            debug_assert!(
                more.is_empty(),
                "expected no effect of Spoken, found {more:?}"
            );
        }
        let t = &mut turn.timings_ms;
        t.first_audio = t.tts_first.map(|tts| {
            tts + [t.stt, t.nlu, t.dialogue]
                .into_iter()
                .flatten()
                .sum::<f64>()
        });
        turn.record(self.state.cart(), self.state.placed());
        turn.ended = self.ended;
        Answer { turn, speech }
    }

    async fn say(&self, reply: &Reply, turn: &mut Turn) -> Result<Option<Pcm>, String> {
        let Some(voice) = &self.speech.voice else {
            return Ok(None);
        };
        if reply.speech.is_empty() {
            return Ok(None);
        }
        let at = Instant::now();
        let mut request =
            SynthesizeRequest::new(&reply.speech, reply.language, self.setup.tts_deadline * 4);
        request.first_within = self.setup.tts_deadline;
        request.fixed = reply.fixed;
        let mut first = None;
        let result = voice
            .synthesize(request, &mut |_chunk| {
                first.get_or_insert_with(|| at.elapsed());
            })
            .await;
        if turn.timings_ms.tts_first.is_none() {
            turn.timings_ms.tts_first = first.map(ms);
        }
        let total = turn.timings_ms.tts.unwrap_or_default() + ms(at.elapsed());
        turn.timings_ms.tts = Some(total);
        result.map(Some).map_err(|e| e.to_string())
    }
}

fn ms(d: Duration) -> f64 {
    (d.as_secs_f64() * 10_000.0).round() / 10.0
}
