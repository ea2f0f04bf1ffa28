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

pub mod command;
pub mod fastpath;
pub mod grammar;
pub mod lexicon;
pub mod llm;
pub mod made_to_order;
pub mod normalise;
pub mod pattern;
pub mod phrase;
pub mod prompt;
pub mod rules;
pub mod slot;
pub mod words;

use crate::lang::Language;
use command::{Command, Context};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

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
    /// model, a fixed low value for the fallback.
    pub confidence: f32,
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
    deadline: Duration,
}

impl Interpreter {
    /// How long the model may take for one utterance, unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(8);

    /// With a model, or with the fast path and the fallback alone.
    #[must_use]
    pub fn new(model: Option<Arc<dyn CommandModel>>) -> Self {
        Self {
            model,
            deadline: Self::DEADLINE,
        }
    }

    /// Sets how long the model may take for one utterance.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Understands one utterance. Never fails: what the model cannot be asked, the fallback
    /// answers. Dropping the future cancels the request to the model.
    pub async fn interpret(&self, utterance: &Utterance<'_>) -> Interpretation {
        if let Some(model) = &self.model
            && let Ok(proposal) = model.propose(utterance.text, self.deadline).await
            && let Ok(commands) = serde_json::from_str(&proposal.text)
        {
            let confidence = proposal.probability.unwrap_or(0.5);
            return Interpretation {
                commands,
                tier: Tier::Llm,
                confidence,
                degraded: false,
            };
        }
        let commands = vec![Command::OutOfScope {}];
        Interpretation {
            commands,
            tier: Tier::Fallback,
            confidence: 0.2,
            degraded: true,
        }
    }
}
