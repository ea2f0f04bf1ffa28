//! Understanding: a transcript becomes commands of the closed set.
//!
//! Three tiers, tried in this order by [`Interpreter`]:
//!
//! 1. [`fastpath`]: closed patterns over the whole utterance. A purchase is confirmed here
//!    and only here.
//! 2. the language model ([`llm`]), held to the command set by a [`grammar`], then
//!    [`check`]ed: what it copied must have been said.
//! 3. [`fallback`]: cue words, when the model is absent, broken or late. Degraded, and said so.
//!
//! Before all three, [`normalise`] writes numbers, prices, order numbers, times and dates as
//! digits, so that no tier has to know how people say them.

pub mod calibration;
pub mod check;
pub mod command;
pub mod eval;
pub mod fallback;
pub mod fastpath;
pub mod grammar;
pub mod lexicon;
pub mod llm;
pub mod made_to_order;
pub mod menu;
pub mod normalise;
pub mod pattern;
pub mod phrase;
mod precedence;
pub mod prompt;
pub mod rules;
pub mod slot;
pub mod training;
pub mod wire;
pub mod words;

use crate::lang::Language;
use command::{Command, Context};
use futures_util::future::BoxFuture;
use menu::Menus;
use precedence::{SECOND_NEEDS, is_closed, patterns_stand, settle};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Which part of the interpreter understood an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Closed patterns: certain, and the only tier whose yes confirms a purchase.
    Fastpath,
    /// The language model.
    Llm,
    /// Cue words, because the model could not be asked.
    Fallback,
}

impl Tier {
    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::Fastpath => "fastpath",
            Tier::Llm => "llm",
            Tier::Fallback => "fallback",
        }
    }
}

/// What an utterance was understood as.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpretation {
    /// The commands, in the order spoken. Empty only when nothing was said.
    pub commands: Vec<Command>,
    /// Who understood them.
    pub tier: Tier,
    /// How sure, 0 to 1: 1 for the fast path, the model's probability of its answer for the
    /// model ([calibrated](calibration) for the tuned one), a fixed low value for the fallback.
    pub confidence: f32,
    /// How sure of the (first) intent alone, whatever the slots, 0 to 1.
    pub intent_confidence: f32,
    /// What else it may have meant, the likeliest first: commands of other intents about the
    /// same thing. Known for the tuned model alone.
    pub alternatives: Vec<Command>,
    /// What the first model made of it, where a second was asked too.
    pub before_second: Option<Vec<Command>>,
    /// The model should have been asked and could not be (absent, broken, late).
    pub degraded: bool,
}

impl Interpretation {
    /// Whether this is a yes that may confirm a purchase: the fast path heard a plain yes and
    /// nothing else. A model's `affirm` never is.
    #[must_use]
    pub fn confirms(&self) -> bool {
        self.tier == Tier::Fastpath && matches!(self.commands[..], [Command::Affirm {}])
    }
}

/// What the model answered to one utterance, before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The JSON list of commands, as generated.
    pub text: String,
    /// The probability of that text, 0 to 1; `None` when the server does not tell.
    pub probability: Option<f32>,
    /// The probability of its first intent, 0 to 1; `None` when the server does not tell.
    pub intent_probability: Option<f32>,
    /// Other intents that the answer might have begun with, the likeliest first.
    pub alternatives: Vec<&'static str>,
}

/// Why the model could not be asked, or what it answered could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No answer in time.
    #[error("expected the language model to answer within {0:?}: it did not")]
    Late(Duration),
    /// The server is away or broke the connection.
    #[error("expected the language model at {url}: {reason}; start comptoir-llm or set llm.url")]
    Unreachable {
        /// Where it was asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server refused.
    #[error("expected the language model at {url} to answer, found HTTP status {status}: {body}")]
    Refused {
        /// Where it was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// An answer that is not what was asked for.
    #[error("expected a JSON list of commands from the language model, found {0}")]
    Unreadable(String),
}

/// The language model, as narrow as the interpreter needs it. Dropping the future cancels
/// the request.
pub trait CommandModel: Send + Sync {
    /// Whether the model was tuned for this command set: its reading stands where a general
    /// model's is mended, and goes before the closed patterns' reading of free words.
    fn is_tuned(&self) -> bool {
        false
    }

    /// Asks for the commands of one turn (context and utterance, as [`prompt::turn`] writes
    /// them). Answers, or fails, within `deadline`.
    ///
    /// # Errors
    /// [`ModelError`]: late, away, refused, unreadable.
    fn propose<'a>(
        &'a self,
        turn: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Proposal, ModelError>>;
}

/// What is to be understood.
#[derive(Clone, Copy, Debug)]
pub struct Utterance<'a> {
    /// The transcript.
    pub text: &'a str,
    /// The language it is in.
    pub language: Language,
    /// What the conversation was about.
    pub context: &'a Context,
}

/// Sequences the tiers.
#[derive(Clone)]
pub struct Interpreter {
    model: Option<Arc<dyn CommandModel>>,
    second: Option<Arc<dyn CommandModel>>,
    second_below: f32,
    deadline: Duration,
    menus: Option<Board>,
}

/// Where the menus of this moment are read: a catalog may be swapped while a session waits.
pub type Board = Arc<dyn Fn() -> Arc<Menus> + Send + Sync>;

impl Interpreter {
    /// How long the model may take for one utterance, unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(8);

    /// With a model, or with the fast path and the fallback alone.
    #[must_use]
    pub fn new(model: Option<Arc<dyn CommandModel>>) -> Self {
        Self {
            model,
            second: None,
            second_below: 0.0,
            deadline: Self::DEADLINE,
            menus: None,
        }
    }

    /// Sets how long the model may take for one utterance.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// A second model, asked too where the first is less sure than `below` (0 to 1).
    #[must_use]
    pub fn with_second(mut self, second: Option<Arc<dyn CommandModel>>, below: f32) -> Self {
        self.second = second;
        self.second_below = below;
        self
    }

    /// What this shop makes to order.
    #[must_use]
    pub fn with_menus(mut self, menus: Board) -> Self {
        self.menus = Some(menus);
        self
    }

    /// What this shop makes to order now, by language.
    #[must_use]
    pub fn menus(&self) -> Option<Arc<Menus>> {
        self.menus.as_ref().map(|menus| menus())
    }

    /// Understands one utterance. Never fails: what the model cannot be asked, the fallback
    /// answers. Dropping the future cancels the request to the model.
    pub async fn interpret(&self, utterance: &Utterance<'_>) -> Interpretation {
        let Utterance {
            text,
            language,
            context,
        } = *utterance;
        let words = normalise::normalise(text, language, context);
        let certain = |commands| Interpretation {
            commands,
            tier: Tier::Fastpath,
            confidence: 1.0,
            intent_confidence: 1.0,
            alternatives: Vec::new(),
            before_second: None,
            degraded: false,
        };
        if words.list.is_empty() {
            return certain(Vec::new());
        }
        if is_markup(text) {
            return certain(vec![Command::OutOfScope {}]);
        }
        let tuned = self.model.as_ref().is_some_and(|m| m.is_tuned());
        let closed = fastpath::understand(&words, language, context);
        if let Some(commands) = closed.as_ref().filter(|c| !tuned || is_closed(c)) {
            return certain(commands.clone());
        }
        let ordered = self.menus().and_then(|menu| {
            let reading = menu.of(language)?.order(text)?;
            let command = menu.of(language)?.command(&reading);
            Some((reading, command))
        });
        if let Some((reading, command)) = &ordered
            && reading.is_sure()
        {
            return certain(vec![command.clone()]);
        }
        if let Some(model) = &self.model {
            let turn = prompt::turn(&words.to_string(), context);
            let began = Instant::now();
            match model.propose(&turn, self.deadline).await {
                Ok(proposal) => {
                    if let Some(mut heard) = read(&proposal, tuned, &words, language, context) {
                        if let Some(closed) = closed
                            && tuned
                            && patterns_stand(&closed, &heard, &words, language)
                        {
                            heard.commands = closed;
                        }
                        if let Some((reading, command)) = &ordered
                            && let Some(order) = as_ordered(&heard.commands, reading, command)
                        {
                            heard.commands = vec![order];
                            return heard;
                        }
                        if tuned
                            && heard.confidence < NOTHING_BELOW
                            && heard.commands.iter().any(Command::writes)
                            && context.pending.is_none()
                        {
                            heard.alternatives = std::mem::take(&mut heard.commands);
                            heard.commands = vec![Command::OutOfScope {}];
                        }
                        let left = self.deadline.saturating_sub(began.elapsed());
                        if let Some(second) = &self.second
                            && heard.confidence < self.second_below
                            && left >= SECOND_NEEDS
                            && let Ok(proposal) = second.propose(&turn, left).await
                            && let Some(other) =
                                read(&proposal, second.is_tuned(), &words, language, context)
                        {
                            return settle(heard, other, self.second_below);
                        }
                        return heard;
                    }
                    tracing::warn!(answer = %proposal.text, "the model's answer cannot be read");
                }
                Err(error) => tracing::warn!(%error, "understanding without the model"),
            }
        }
        let commands = fallback::understand(&words, language, context);
        Interpretation {
            commands,
            tier: Tier::Fallback,
            confidence: fallback::CONFIDENCE,
            intent_confidence: fallback::CONFIDENCE,
            alternatives: Vec::new(),
            before_second: None,
            degraded: self.model.is_some(),
        }
    }
}

/// The order of the menu that an utterance is, where what the model made of it leaves room for
/// that and hardly anything in it is strange: an addition to the cart, whose quantity stands, or,
/// where it was begun as an order, something that the model did not know for one.
fn as_ordered(model: &[Command], reading: &menu::Reading, command: &Command) -> Option<Command> {
    if !reading.is_likely() {
        return None;
    }
    let mut order = command.clone();
    match model {
        [Command::AddToCart { quantity: many, .. }] => {
            if let Command::AddToCart { quantity, .. } = &mut order {
                *quantity = quantity.or(*many);
            }
            Some(order)
        }
        [Command::SearchProduct { .. } | Command::OutOfScope {}] => {
            reading.carried.then_some(order)
        }
        _ => None,
    }
}

/// Below this confidence a tuned model's reading that would write is side talk: of such answers
/// to held-back sentences one in thirty-seven was right.
const NOTHING_BELOW: f32 = 0.15;

/// What a model's answer comes to, held against what was said. `None` when it is no list of
/// commands.
fn read(
    proposal: &Proposal,
    tuned: bool,
    words: &words::Words,
    language: Language,
    context: &Context,
) -> Option<Interpretation> {
    let check = if tuned {
        check::check_tuned
    } else {
        check::check
    };
    let commands = check(&proposal.text, words, language, context)?;
    let probability = proposal.probability.unwrap_or(UNTOLD);
    let alternatives = match &commands[..] {
        [command] => proposal
            .alternatives
            .iter()
            .filter_map(|intent| about_the_same(command, intent))
            .collect(),
        _ => Vec::new(),
    };
    Some(Interpretation {
        commands,
        tier: Tier::Llm,
        confidence: if tuned {
            calibration::calibrated(probability)
        } else {
            probability
        },
        intent_confidence: proposal.intent_probability.unwrap_or(probability),
        alternatives,
        before_second: None,
        degraded: false,
    })
}

/// A command of another intent about what this one is about.
fn about_the_same(command: &Command, intent: &str) -> Option<Command> {
    let spec = phrase::spec(intent)?;
    let slots = serde_json::to_value(command).ok()?;
    let thing = ["item", "query"].iter().find_map(|s| slots.get(*s));
    let mut other = phrase::Slots::new();
    other.insert("intent".into(), intent.into());
    let place = ["item", "query"].into_iter().find(|name| {
        let same = |s: &command::SlotSpec| s.name == *name;
        spec.slots.iter().any(same)
    });
    if let (Some(thing), Some(place)) = (thing, place) {
        other.insert(place.into(), thing.clone());
    }
    for slot in ["ordinal", "order_number"] {
        if let Some(value) = slots.get(slot)
            && phrase::has_slot(intent, slot)
        {
            other.insert(slot.into(), value.clone());
        }
    }
    let other = serde_json::from_value(serde_json::Value::Object(other)).ok()?;
    (other != *command).then_some(other)
}

/// Whether a text is markup rather than speech: prompt tokens, JSON, a recogniser's "[Music]".
fn is_markup(text: &str) -> bool {
    text.contains(['{', '}', '<', '>', '|', '[', ']'])
}

/// The confidence in an answer of a server that does not tell probabilities.
const UNTOLD: f32 = 0.5;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Mutex;

    /// A model that says what it is told to, and remembers what it was asked.
    struct Scripted {
        answer: Result<&'static str, ()>,
        asked: Mutex<Vec<String>>,
    }

    impl CommandModel for Scripted {
        fn propose<'a>(
            &'a self,
            turn: &'a str,
            deadline: Duration,
        ) -> BoxFuture<'a, Result<Proposal, ModelError>> {
            self.asked.lock().unwrap().push(turn.to_owned());
            let answer = self.answer.map_err(|()| ModelError::Late(deadline));
            Box::pin(async move {
                answer.map(|text| Proposal {
                    text: text.into(),
                    probability: Some(0.7),
                    intent_probability: None,
                    alternatives: Vec::new(),
                })
            })
        }
    }

    async fn hear(answer: Result<&'static str, ()>, text: &str) -> (Interpretation, Vec<String>) {
        let model = Arc::new(Scripted {
            answer,
            asked: Mutex::default(),
        });
        let interpreter = Interpreter::new(Some(model.clone()));
        let context = Context {
            asked: Some("Buy?".into()),
            ..Context::default()
        };
        let utterance = Utterance {
            text,
            language: Language::En,
            context: &context,
        };
        let heard = interpreter.interpret(&utterance).await;
        let asked = model.asked.lock().unwrap().clone();
        (heard, asked)
    }

    #[tokio::test]
    async fn what_is_certain_does_not_reach_the_model() {
        let (heard, asked) = hear(Err(()), "yes please").await;
        assert!(heard.confirms() && asked.is_empty() && !heard.degraded);
    }

    #[tokio::test]
    async fn a_yes_of_the_model_confirms_nothing() {
        let (heard, asked) = hear(
            Ok(r#"[{"intent":"affirm"}]"#),
            "i suppose one might as well",
        )
        .await;
        assert_eq!(heard.commands, [Command::Affirm {}]);
        assert_eq!((heard.tier, heard.confidence), (Tier::Llm, 0.7));
        assert!(!heard.confirms());
        assert_eq!(asked, ["[asked: Buy?]\ni suppose one might as well"]);
    }

    #[tokio::test]
    async fn the_second_model_is_asked_where_the_first_is_not_sure() {
        let model = |answer| {
            Arc::new(Scripted {
                answer: Ok(answer),
                asked: Mutex::default(),
            })
        };
        let (first, agrees, differs) = (
            model(r#"[{"intent":"return_item","item":"shoes"}]"#),
            model(r#"[{"intent":"return_item"}]"#),
            model(r#"[{"intent":"exchange_item","item":"shoes"}]"#),
        );
        let context = Context::default();
        let utterance = Utterance {
            text: "well those shoes, they are going back to where they came from",
            language: Language::En,
            context: &context,
        };
        let hear = |second: &Arc<Scripted>, below| {
            let interpreter =
                Interpreter::new(Some(first.clone())).with_second(Some(second.clone()), below);
            async move { interpreter.interpret(&utterance).await }
        };
        // The first is sure enough (0.7): nobody else is asked.
        assert_eq!(hear(&agrees, 0.5).await.before_second, None);
        assert!(agrees.asked.lock().unwrap().is_empty());
        let heard = hear(&agrees, 0.9).await;
        assert_eq!(
            (heard.commands[0].intent(), heard.confidence),
            ("return_item", 0.9)
        );
        assert_eq!(agrees.asked.lock().unwrap().len(), 1);
        // They differ, and neither is surer: the first reading, as doubtful as before.
        let heard = hear(&differs, 0.9).await;
        assert_eq!(
            (heard.commands[0].intent(), heard.confidence),
            ("return_item", 0.7)
        );
        assert!(heard.before_second.is_some());
    }

    #[tokio::test]
    async fn without_the_model_the_fallback_answers_and_says_so() {
        for answer in [Err(()), Ok("no json")] {
            let (heard, _) = hear(answer, "erm could one perhaps track the parcel somehow").await;
            assert_eq!(
                heard.commands,
                [Command::TrackOrder {
                    order_number: None,
                    item: None
                }]
            );
            assert!(heard.degraded && heard.tier == Tier::Fallback);
        }
    }

    #[tokio::test]
    async fn silence_is_no_command() {
        let (heard, asked) = hear(Err(()), " ... ").await;
        assert!(heard.commands.is_empty() && asked.is_empty());
    }
}
