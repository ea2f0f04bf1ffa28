//! A session over a microphone and a loudspeaker: a reading is taken or thrown away, and what
//! is said counts as heard only when it was played.

use super::{Reading, Session, turn::Turn};
use crate::{
    dialogue::{
        Event,
        effect::{Reply, ReplyId},
        step,
    },
    lang::Language,
    nlu::command::Command,
};

/// A turn that was taken: what it was, and what is to be said.
#[derive(Debug)]
pub struct Taken {
    /// What the turn was.
    pub turn: Turn,
    /// What to say, in order.
    pub replies: Vec<Reply>,
    /// Whether what is being said is to be broken off ("stop").
    pub stop_speaking: bool,
}

impl Session {
    /// Begins the session: the assistant says what it is.
    pub async fn open(&mut self) -> Taken {
        let language = self.language();
        let (turn, replies) = Box::pin(self.start(language)).await;
        self.taken(turn, replies)
    }

    /// Takes a reading of what was said: the core acts on it.
    pub async fn take(&mut self, reading: Reading) -> Taken {
        let Reading { mut turn, event } = reading;
        let replies = Box::pin(self.run(event, &mut turn)).await;
        self.taken(turn, replies)
    }

    /// Ends the session: what was open is given up.
    pub async fn close(mut self) {
        let mut turn = Turn::new(self.state.language());
        Box::pin(self.run(Event::Left, &mut turn)).await;
    }

    /// Time passed without anybody speaking.
    pub async fn tick(&mut self) -> Taken {
        let mut turn = Turn::new(self.state.language());
        let replies = Box::pin(self.run(Event::Tick, &mut turn)).await;
        self.taken(turn, replies)
    }

    /// A reply was played to its end.
    pub fn heard_out(&mut self, reply: ReplyId) {
        let more = step(&mut self.state, Event::Spoken { reply }, &self.clock.now());
        debug_assert!(
            more.is_empty(),
            "expected no effect of Spoken, found {more:?}"
        );
    }

    /// A reply was cut off: what it said is not confirmed.
    pub fn cut_off(&mut self, reply: ReplyId) {
        let more = step(
            &mut self.state,
            Event::Interrupted { reply },
            &self.clock.now(),
        );
        debug_assert!(
            more.is_empty(),
            "expected no effect of Interrupted, found {more:?}"
        );
    }

    /// What the session waits for an answer to: its intent, where a question is open.
    #[must_use]
    pub fn pending(&self) -> Option<String> {
        self.state.context(&self.clock.now()).pending
    }

    /// Whether the session has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The language spoken now.
    #[must_use]
    pub fn spoken_language(&self) -> Language {
        self.language()
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn taken(&mut self, mut turn: Turn, replies: Vec<Reply>) -> Taken {
        turn.language = self.language();
        let join = |text: fn(&Reply) -> &str| {
            let texts: Vec<&str> = replies.iter().map(text).filter(|t| !t.is_empty()).collect();
            texts.join(" ")
        };
        turn.reply = join(|r| &r.text);
        turn.speech = join(|r| &r.speech);
        turn.record(self.state.cart(), self.state.placed());
        turn.ended = self.ended;
        let stop_speaking = turn.commands.iter().any(|c| matches!(c, Command::Stop {}));
        Taken {
            turn,
            replies,
            stop_speaking,
        }
    }
}
