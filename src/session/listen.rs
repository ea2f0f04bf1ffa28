//! What a session makes of a sound: words that it believes, or why not.

use super::{Session, Sound, ms, turn::Turn};
use crate::{
    dialogue::{
        Event,
        event::{Heard, Source, Unheard, Utterance},
    },
    lang::Language,
    nlu::{self, Interpreter, Tier, command::Context},
    stt::{
        Evidence, SttError, Transcribe, TranscribeRequest, Transcript,
        gate::{self, GateSettings, Phantoms, Verdict},
    },
};
use jiff::Timestamp;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What was heard, and how much it is to be believed.
struct Listened {
    verdict: Verdict,
    language: Option<Language>,
    evidence: Evidence,
}

impl Listened {
    fn to(transcript: Transcript, sound: &Sound<'_>) -> Self {
        Self {
            verdict: gate::judge(
                &transcript.text,
                &transcript.evidence,
                Some(sound.speech_ms.into()),
                Phantoms::builtin(),
                &GateSettings::default(),
            ),
            language: transcript.language,
            evidence: transcript.evidence,
        }
    }

    /// Whether something else than the given language may have been spoken.
    fn fits_badly(&self) -> bool {
        self.evidence.language_prob.is_some_and(|p| p < 0.5)
            || self
                .evidence
                .avg_logprob
                .is_some_and(|p| p < DOUBTFUL_LOGPROB)
    }
}

/// Why nothing can be heard.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    #[error("expected speech recognition, found that this session has none")]
    NoEars,
    #[error(transparent)]
    Stt(#[from] SttError),
}

/// Below this average log probability a transcript in the session's language is heard again
/// with the language open: the shopper may have changed it.
const DOUBTFUL_LOGPROB: f32 = -0.9;

/// A "yes" or an "ok" says too little about its language to change the session's.
const ENOUGH_TO_TELL_LANGUAGE_MS: u32 = 700;

/// The longest hint to the recogniser, in bytes: its prompt has room for some 200 tokens, and
/// each costs time.
const MOST_PROMPT: usize = 400;

/// The longest hint of menu words, in bytes.
const MOST_HINT: usize = 480;

/// The ears and the understanding of a session at one moment, apart from its state: what they
/// make of a sound changes nothing, and may be thrown away.
#[derive(Clone)]
pub struct Listener {
    ears: Option<Arc<dyn Transcribe>>,
    interpreter: Interpreter,
    /// The session's language; none before its first words told it.
    known: Option<Language>,
    /// The language when nothing else tells.
    language: Language,
    languages: Vec<Language>,
    /// What this turn is likely to sound like.
    prompt: Option<String>,
    context: Context,
    within: Duration,
}

/// What a sound came to: a turn in the making, and the event for the core.
#[derive(Debug)]
pub struct Reading {
    /// What was heard and understood, with its times.
    pub turn: Turn,
    /// What the core is to be told.
    pub event: Event,
}

impl Listener {
    /// Hears and understands a sound that began at a time.
    pub async fn read(&self, sound: Sound<'_>, began_at: Timestamp) -> Reading {
        let mut turn = Turn::new(self.known.unwrap_or(self.language));
        let event = match self.hear(&sound, &mut turn).await {
            Err(event) => event,
            Ok(evidence) => {
                let heard = Heard {
                    speech_ms: Some(sound.speech_ms),
                    no_speech_prob: evidence.no_speech_prob,
                    began_at: Some(began_at),
                };
                self.understand(&mut turn, heard).await
            }
        };
        Reading { turn, event }
    }

    /// Transcribes into the turn. `Err`: what the core is told when there are no words to
    /// understand.
    pub(super) async fn hear(&self, sound: &Sound<'_>, turn: &mut Turn) -> Result<Evidence, Event> {
        let at = Instant::now();
        turn.span_ms = sound.span_ms;
        let mut heard = self.transcribe(sound).await;
        if let Ok(first) = &mut heard {
            let left = self.within.saturating_sub(at.elapsed());
            self.by_the_menu(sound, first, left).await;
        }
        turn.timings_ms.stt = Some(ms(at.elapsed()));
        let listened = heard.map_err(|e| {
            turn.problems.push(e.to_string());
            Event::Unheard(Unheard::EngineDown)
        })?;
        match listened.verdict {
            Verdict::Nothing(_) => Err(Event::Unheard(Unheard::Nothing)),
            Verdict::Doubtful(text, _) => {
                turn.transcript = text;
                Err(Event::Unheard(Unheard::Unclear))
            }
            Verdict::Heard(text) => {
                if let Some(language) = listened.language.filter(|l| self.languages.contains(l)) {
                    turn.language = language;
                }
                turn.transcript = text;
                Ok(listened.evidence)
            }
        }
    }

    /// Listens again with the menu in mind, where an order of it was heard that is not quite on
    /// it; what is nearer to the menu is taken. Takes no longer than what is `left` of the
    /// recogniser's time.
    async fn by_the_menu(&self, sound: &Sound<'_>, first: &mut Listened, left: Duration) {
        let (Some(ears), Verdict::Heard(text)) = (&self.ears, &first.verdict) else {
            return;
        };
        let language = first.language.or(self.known).unwrap_or(self.language);
        let menus = self.interpreter.menus();
        let Some(menu) = menus.as_ref().and_then(|menus| menus.of(language)) else {
            return;
        };
        let Some(reading) = menu.order(text).filter(|r| !r.is_exact()) else {
            return;
        };
        let request = TranscribeRequest {
            pcm: sound.pcm.clone(),
            language: Some(language),
            prompt: Some(menu.hint(&reading, MOST_HINT)),
            within: left,
        };
        let Ok(Ok(again)) = tokio::time::timeout(left, ears.transcribe(request)).await else {
            return;
        };
        let again = Listened::to(again, sound);
        if let Verdict::Heard(text) = &again.verdict
            && let Some(nearer) = menu.order(text)
            && nearer.doubt < reading.doubt
        {
            *first = again;
        }
    }

    /// Understands the turn's transcript.
    pub(super) async fn understand(&self, turn: &mut Turn, heard: Heard) -> Event {
        let at = Instant::now();
        let understood = self
            .interpreter
            .interpret(&nlu::Utterance {
                text: &turn.transcript,
                language: turn.language,
                context: &self.context,
            })
            .await;
        turn.timings_ms.nlu = Some(ms(at.elapsed()));
        if understood.degraded {
            turn.problems
                .push("the language model did not answer: understood by cue words".into());
        }
        turn.commands.clone_from(&understood.commands);
        turn.tier = Some(understood.tier);
        turn.confidence = Some(understood.confidence);
        Event::Understood(Utterance {
            text: turn.transcript.clone(),
            language: turn.language,
            commands: understood.commands,
            source: match understood.tier {
                Tier::Fastpath => Source::Fastpath,
                Tier::Llm => Source::Llm,
                Tier::Fallback => Source::Fallback,
            },
            heard,
            confidence: Some(understood.intent_confidence),
            alternatives: understood.alternatives,
            degraded: understood.degraded,
        })
    }

    /// Transcribes, judges, and listens again with the language open when it does not fit.
    async fn transcribe(&self, sound: &Sound<'_>) -> Result<Listened, Deaf> {
        let ears = self.ears.as_ref().ok_or(Deaf::NoEars)?;
        let request = |language| TranscribeRequest {
            pcm: sound.pcm.clone(),
            language,
            prompt: self.prompt.clone().filter(|_| language.is_some()),
            within: self.within,
        };
        let first = Listened::to(ears.transcribe(request(self.known)).await?, sound);
        let is_short = sound.speech_ms < ENOUGH_TO_TELL_LANGUAGE_MS;
        if self.known.is_none() || self.languages.len() < 2 || is_short || !first.fits_badly() {
            return Ok(first);
        }
        let Ok(second) = ears.transcribe(request(None)).await else {
            return Ok(first);
        };
        let second = Listened::to(second, sound);
        let spoken_here = second.language.is_some_and(|l| self.languages.contains(&l));
        let better = second.evidence.avg_logprob > first.evidence.avg_logprob;
        Ok(if spoken_here && second.language != self.known && better {
            second
        } else {
            first
        })
    }
}

impl Session {
    /// The session's ears and understanding as they are now.
    #[must_use]
    pub fn listener(&self) -> Listener {
        let known = if self.begun {
            Some(self.state.language())
        } else {
            self.setup.language
        };
        Listener {
            ears: self.speech.ears.clone(),
            interpreter: self.interpreter.clone(),
            known,
            language: self.language(),
            languages: self.setup.languages.clone(),
            prompt: self.likely(known),
            context: self.state.context(&self.clock.now()),
            within: self.setup.stt_deadline,
        }
    }

    /// What this turn is likely to sound like: how people speak in a shop, then the names that
    /// were just shown and what is in the cart. The recogniser leans towards it.
    fn likely(&self, language: Option<Language>) -> Option<String> {
        let mut out = match language? {
            Language::En => include_str!("../../assets/stt/prompt.en.txt"),
            Language::Fr => include_str!("../../assets/stt/prompt.fr.txt"),
        }
        .trim()
        .to_owned();
        let shown = self.state.shown().iter().map(|p| p.title.as_str());
        let cart = self.state.cart().lines.iter().map(|l| l.title.as_str());
        for name in shown.chain(cart) {
            if out.len() + name.len() > MOST_PROMPT {
                break;
            }
            if !out.contains(name) {
                out.push(' ');
                out.push_str(name);
                out.push('.');
            }
        }
        Some(out)
    }
}
