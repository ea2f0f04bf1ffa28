//! Whether what was heard was meant for the kiosk, and whether it is all.

use crate::{
    dialogue::{
        Event,
        event::{Source, Unheard, Utterance},
    },
    nlu::command::Command,
    session::{Reading, floor::Sense},
    stt::echo::words,
    vad::finished::sounds_finished,
};
use std::collections::HashSet;

/// While the kiosk speaks, a model's reading counts from this confidence on.
const SURE_OVER_SPEECH: f32 = 0.5;
/// While the kiosk speaks, shorter speech is a noise, ms.
const SPEECH_OVER_SPEECH_MS: u32 = 200;
/// Of the words heard while the kiosk speaks, so many that it says itself are its echo.
const ECHO: f32 = 0.7;

/// What a reading is judged by.
pub(super) struct Judge<'a> {
    /// The intent that an open question waits for.
    pub pending: Option<String>,
    /// No session yet: open listening.
    pub fresh: bool,
    /// What the kiosk was saying when the shopper began, if it was.
    pub over: Option<&'a str>,
}

impl Judge<'_> {
    pub(super) fn sense(&self, reading: &Reading) -> Sense {
        let turn = &reading.turn;
        let number = self
            .pending
            .as_deref()
            .is_some_and(|intent| NUMBERED.contains(&intent));
        Sense {
            finished: sounds_finished(&turn.transcript, turn.language, number),
            for_us: self.is_for_us(
                &reading.event,
                turn.confidence.is_none_or(|c| c >= SURE_OVER_SPEECH),
            ),
        }
    }

    /// `sure`: of all that was understood, its slots included.
    fn is_for_us(&self, event: &Event, sure: bool) -> bool {
        match event {
            Event::Unheard(Unheard::Nothing) => false,
            Event::Unheard(Unheard::Unclear) => self.over.is_none() && !self.fresh,
            Event::Unheard(Unheard::EngineDown) => !self.fresh,
            Event::Understood(utterance) => {
                let side_talk = utterance
                    .commands
                    .iter()
                    .all(|c| matches!(c, Command::OutOfScope {}));
                match self.over {
                    // Side talk is answered only where a question waits.
                    None => !side_talk || self.pending.is_some() && !self.fresh,
                    Some(saying) => !side_talk && sure && is_barge_in(utterance, saying),
                }
            }
            _ => true,
        }
    }
}

/// Intents whose question is for a number that is said in pieces.
const NUMBERED: &[&str] = &["track_order", "cancel_order", "return_item", "reorder"];

/// Whether something said over the kiosk's voice is a shopper's wish, not the voice itself.
fn is_barge_in(utterance: &Utterance, saying: &str) -> bool {
    let long = utterance
        .heard
        .speech_ms
        .is_none_or(|ms| ms >= SPEECH_OVER_SPEECH_MS);
    let sure = utterance.source == Source::Fastpath
        || utterance.confidence.is_none_or(|c| c >= SURE_OVER_SPEECH);
    long && sure && !is_echo(&utterance.text, saying)
}

fn is_echo(text: &str, saying: &str) -> bool {
    let said: HashSet<String> = words(saying).into_iter().collect();
    let heard = words(text);
    let own = heard.iter().filter(|w| said.contains(*w)).count();
    // A single word proves nothing: "no" answers a question that ends in "yes or no".
    heard.len() > 1 && own as f32 >= ECHO * heard.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dialogue::event::Heard, lang::Language, session::turn::Turn};

    fn reading(text: &str, commands: Vec<Command>, source: Source, confidence: f32) -> Reading {
        let mut turn = Turn::new(Language::En);
        turn.transcript = text.to_owned();
        Reading {
            turn,
            event: Event::Understood(Utterance {
                text: text.to_owned(),
                language: Language::En,
                commands,
                source,
                heard: Heard {
                    speech_ms: Some(800),
                    ..Heard::default()
                },
                confidence: Some(confidence),
                alternatives: Vec::new(),
                degraded: false,
            }),
        }
    }

    fn for_us(judge: &Judge<'_>, text: &str, command: Command, confidence: f32) -> bool {
        judge
            .sense(&reading(text, vec![command], Source::Llm, confidence))
            .for_us
    }

    #[test]
    fn side_talk_is_answered_only_where_a_question_waits() {
        let judge = |pending: Option<&str>| Judge {
            pending: pending.map(str::to_owned),
            fresh: false,
            over: None,
        };
        let chat = "did you see the match";
        assert!(!for_us(&judge(None), chat, Command::OutOfScope {}, 0.9));
        assert!(for_us(
            &judge(Some("add_to_cart")),
            chat,
            Command::OutOfScope {},
            0.9
        ));
        assert!(for_us(
            &judge(None),
            "what is in my basket",
            Command::ViewCart {},
            0.4
        ));
    }

    #[test]
    fn over_its_own_voice_it_gives_way_to_wishes_alone() {
        let judge = Judge {
            pending: Some("add_to_cart".into()),
            fresh: false,
            over: Some("I found 3: 1. Green tea, two euros. 2. Mint tea, three euros."),
        };
        let view = || Command::ViewCart {};
        assert!(for_us(&judge, "what is in my basket", view(), 0.9));
        assert!(!for_us(&judge, "what is in my basket", view(), 0.3));
        assert!(!for_us(&judge, "green tea two euros", view(), 0.9));
        assert!(!for_us(
            &judge,
            "did you see that",
            Command::OutOfScope {},
            0.9
        ));
        let stop = reading("stop", vec![Command::Stop {}], Source::Fastpath, 1.0);
        assert!(judge.sense(&stop).for_us);
    }
}
