//! The bodies of `/v1/completions` and `/v1/chat/completions`, checked.
//!
//! Field names and defaults are OpenAI's (<https://platform.openai.com/docs/api-reference>)
//! but for `temperature`, which is 0 here. A field that is not served and would change the
//! answer is refused with what to send instead; one that would not is ignored.

use serde_json::Value;

use crate::failure::Refusal;
use crate::wire::{Body, OneOrMany, WireMessage, parse};

/// Alternatives a token that OpenAI allows to be asked for.
const MOST_ALTERNATIVES: u32 = 20;
/// Stop strings in one request.
const MOST_STOPS: usize = 16;
/// OpenAI's default for `max_tokens` in `/v1/completions`.
const DEFAULT_COMPLETION_TOKENS: u32 = 16;

/// What is to be generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// What is read first.
    pub prompt: Prompt,
    /// Most tokens of the answer; `None`: to the end of the context. 0 only reads the prompt.
    pub max_tokens: Option<u32>,
    /// 0: always the likeliest token.
    pub temperature: f32,
    /// Of the likeliest tokens, only those that make up this share are sampled from.
    pub top_p: f32,
    /// Seed of the sampling; `None`: another one each time.
    pub seed: Option<u32>,
    /// The answer ends before the first of these.
    pub stop: Vec<String>,
    /// Log probabilities are wanted, with as many alternatives a token.
    pub alternatives: Option<usize>,
    /// The answer is a sentence of this GBNF grammar.
    pub grammar: Option<String>,
    /// How the answer is sent.
    pub delivery: Delivery,
}

/// How the answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// As server-sent events, while it is made.
    pub stream: bool,
    /// With a last event that has the token counts.
    pub include_usage: bool,
}

/// What the model reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    /// Text as it is, special tokens included.
    Text {
        /// The whole prompt.
        text: String,
        /// Its leading part (in bytes) whose state is kept.
        fixed_bytes: usize,
    },
    /// A conversation, put into the model's chat template.
    Chat {
        /// The messages, oldest first, at least one.
        messages: Vec<Message>,
        /// The number of leading messages whose state is kept.
        fixed: usize,
    },
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// What was said.
    pub content: String,
}

impl Generation {
    /// From the body of `/v1/completions`.
    pub fn from_completion_body(body: &[u8]) -> Result<Self, Refusal> {
        let body = parse(body)?;
        let text = completion_prompt(body.prompt.as_ref())?;
        let fixed_bytes = match &body.cache_prefix {
            Some(prefix) if !text.starts_with(prefix.as_str()) => {
                return Err(Refusal::invalid(
                    Some("cache_prefix"),
                    "expected `cache_prefix` to be the beginning of `prompt`, found another text",
                ));
            }
            Some(prefix) => prefix.len(),
            None => 0,
        };
        let alternatives = match &body.logprobs {
            None | Some(Value::Null | Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(0),
            Some(number) => Some(alternatives(
                "logprobs",
                number.as_u64().and_then(|n| u32::try_from(n).ok()),
            )?),
        };
        let max_tokens = body.max_tokens.unwrap_or(DEFAULT_COMPLETION_TOKENS);
        body.checked(
            Prompt::Text { text, fixed_bytes },
            Some(max_tokens),
            alternatives,
        )
    }

    /// From the body of `/v1/chat/completions`.
    pub fn from_chat_body(body: &[u8]) -> Result<Self, Refusal> {
        let mut body = parse(body)?;
        let messages: Vec<Message> = body
            .messages
            .take()
            .ok_or_else(|| Refusal::invalid(Some("messages"), "expected `messages`, found none"))?
            .into_iter()
            .map(WireMessage::checked)
            .collect::<Result<_, _>>()?;
        if messages.is_empty() {
            return Err(Refusal::invalid(
                Some("messages"),
                "expected at least one message, found an empty list",
            ));
        }
        let fixed = body.cache_messages.unwrap_or(0);
        if fixed > messages.len() {
            return Err(Refusal::invalid(
                Some("cache_messages"),
                format!(
                    "expected `cache_messages` of at most {}, the number of messages; found {fixed}",
                    messages.len()
                ),
            ));
        }
        let wanted = match &body.logprobs {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(other) => {
                return Err(Refusal::invalid(
                    Some("logprobs"),
                    format!("expected `logprobs` to be true or false, found {other}"),
                ));
            }
        };
        let alternatives = match (wanted, body.top_logprobs) {
            (true, None) => Some(0),
            (true, Some(number)) => Some(alternatives("top_logprobs", Some(number))?),
            (false, None | Some(0)) => None,
            (false, Some(_)) => {
                return Err(Refusal::invalid(
                    Some("top_logprobs"),
                    "`top_logprobs` needs `logprobs`: true",
                ));
            }
        };
        let max_tokens = body.max_completion_tokens.or(body.max_tokens);
        body.checked(Prompt::Chat { messages, fixed }, max_tokens, alternatives)
    }
}

fn alternatives(param: &'static str, number: Option<u32>) -> Result<usize, Refusal> {
    match number {
        Some(number) if number <= MOST_ALTERNATIVES => Ok(number as usize),
        _ => Err(Refusal::invalid(
            Some(param),
            format!("expected `{param}` from 0 to {MOST_ALTERNATIVES}"),
        )),
    }
}

fn completion_prompt(prompt: Option<&Value>) -> Result<String, Refusal> {
    let refused = |found: &str| {
        Refusal::invalid(
            Some("prompt"),
            format!("expected `prompt` to be one text, found {found}; send one request a prompt"),
        )
    };
    match prompt {
        None | Some(Value::Null) => Err(refused("none")),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(items)) => match items.as_slice() {
            [Value::String(text)] => Ok(text.clone()),
            [Value::String(_), ..] => Err(refused("several")),
            _ => Err(refused("token numbers")),
        },
        Some(_) => Err(refused("something else")),
    }
}

impl Body {
    fn checked(
        self,
        prompt: Prompt,
        max_tokens: Option<u32>,
        alternatives: Option<usize>,
    ) -> Result<Generation, Refusal> {
        self.refuse_unserved()?;
        let stream = self.stream.unwrap_or(false);
        let temperature = self.temperature.unwrap_or(0.0);
        if !(0.0..=2.0).contains(&temperature) {
            return Err(Refusal::invalid(
                Some("temperature"),
                format!("expected `temperature` from 0 to 2, found {temperature}"),
            ));
        }
        let top_p = self.top_p.unwrap_or(1.0);
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(Refusal::invalid(
                Some("top_p"),
                format!("expected `top_p` above 0 and at most 1, found {top_p}"),
            ));
        }
        let stop = match self.stop {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop],
            Some(OneOrMany::Many(stops)) => stops,
        };
        if stop.len() > MOST_STOPS || stop.iter().any(String::is_empty) {
            return Err(Refusal::invalid(
                Some("stop"),
                format!("expected at most {MOST_STOPS} stop strings, none of them empty"),
            ));
        }
        Ok(Generation {
            prompt,
            max_tokens,
            temperature,
            top_p,
            // Any 64-bit seed is one of 2^32 here; the cut is what OpenAI's "best effort" allows.
            seed: self.seed.map(|seed| seed as u32),
            stop,
            alternatives,
            grammar: self.grammar,
            delivery: Delivery {
                stream,
                include_usage: stream
                    && self
                        .stream_options
                        .and_then(|o| o.include_usage)
                        .unwrap_or(false),
            },
        })
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
