//! The client of the language model: OpenAI's chat completions over HTTP.
//!
//! Our own worker is asked with a GBNF `grammar`: a general model for JSON, with
//! `cache_messages` (how many leading messages are the fixed prefix); the tuned model for the
//! wire form, by a plain completion without any prefix. Any other server is asked with
//! `response_format: json_schema`.
//! Dropping the future closes the connection, which cancels the work.

use super::{CommandModel, ModelError, Proposal, grammar, prompt, wire};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

/// Which extensions the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `comptoir-llm` with a general model: GBNF grammar, cached prefix, JSON.
    Comptoir,
    /// `comptoir-llm` with the tuned model: GBNF grammar, no prefix, [`wire`] form.
    Tuned,
    /// vLLM, llama-server, Ollama and the like: JSON Schema.
    JsonSchema,
}

/// Where the model is, and how it is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL, with or without `/v1` (`http://127.0.0.1:41234`).
    pub url: String,
    /// Bearer token.
    pub token: Option<String>,
    /// The model's name on a server that has several.
    pub model: Option<String>,
    /// Extensions.
    pub dialect: Dialect,
}

impl fmt::Debug for Endpoint {
    /// The token stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("model", &self.model)
            .field("dialect", &self.dialect)
            .finish()
    }
}

/// Longest answer, in tokens: four commands with a few slots, in JSON or in wire form.
const MOST_TOKENS: u32 = 220;
const MOST_WIRE_TOKENS: u32 = 96;

/// Other first tokens that the tuned model's worker is asked for.
const ALTERNATIVES: u32 = 6;
/// The share of the first token from which another intent is worth asking about.
const LEAST_ALTERNATIVE: f64 = 0.05;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);

/// A language model behind HTTP.
pub struct LlmClient {
    endpoint: Endpoint,
    http: reqwest::Client,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    /// Of a chat.
    message: Option<Content>,
    /// Of a completion.
    text: Option<String>,
    logprobs: Option<LogProbs>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct LogProbs {
    /// Of a chat.
    content: Option<Vec<TokenLogProb>>,
    /// Of a completion.
    token_logprobs: Option<Vec<f64>>,
    /// Of a completion: alternatives of each token.
    top_logprobs: Option<Vec<BTreeMap<String, f64>>>,
}

impl LogProbs {
    /// The intents that the answer might have begun with, the likeliest first.
    fn intents(&self) -> Vec<&'static str> {
        let first = self.top_logprobs.iter().flatten().next();
        let mut list: Vec<(&String, f64)> = first
            .into_iter()
            .flatten()
            .map(|(token, logprob)| (token, logprob.exp()))
            .filter(|(_, p)| *p >= LEAST_ALTERNATIVE)
            .collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1));
        list.into_iter()
            .filter_map(|(token, _)| wire::intent_of_token(token))
            .collect()
    }

    /// The probability of the first token, which is an intent's name or its beginning.
    fn first(&self) -> Option<f32> {
        let first = self.token_logprobs.as_ref()?.first()?;
        Some(first.exp().clamp(0.0, 1.0) as f32)
    }

    /// The probability of the whole text, 0 to 1.
    fn probability(self) -> Option<f32> {
        let list: Vec<f64> = match (self.content, self.token_logprobs) {
            (Some(content), _) => content.iter().map(|t| t.logprob).collect(),
            (None, list) => list?,
        };
        (!list.is_empty()).then(|| list.iter().sum::<f64>().exp().clamp(0.0, 1.0) as f32)
    }
}

#[derive(Deserialize)]
struct TokenLogProb {
    logprob: f64,
}

impl LlmClient {
    /// A client of the model at `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    /// The TLS roots of the machine cannot be read.
    pub fn new(endpoint: Endpoint) -> Result<Self, ModelError> {
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT);
        if is_loopback(&endpoint.url) {
            // A proxy of the environment does not know this machine's loopback.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|e| ModelError::Unreachable {
            url: endpoint.url.clone(),
            reason: e.to_string(),
        })?;
        Ok(Self { endpoint, http })
    }

    /// Where it asks.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Has the server read (and keep) the fixed prefix, so that the first turn does not wait
    /// for it.
    ///
    /// # Errors
    /// As [`CommandModel::propose`].
    pub async fn warm(&self, deadline: Duration) -> Result<(), ModelError> {
        self.ask("hello", 1, deadline).await.map(|_| ())
    }

    fn body(&self, turn: &str, most_tokens: u32) -> Value {
        if self.endpoint.dialect == Dialect::Tuned {
            return json!({
                "prompt": prompt::tuned(turn),
                "grammar": wire::gbnf(),
                "temperature": 0,
                "max_tokens": most_tokens.min(MOST_WIRE_TOKENS),
                "logprobs": ALTERNATIVES,
            });
        }
        let mut messages = prompt::prefix().to_vec();
        let fixed = messages.len();
        messages.push(prompt::Message {
            role: "user".into(),
            content: turn.to_owned(),
        });
        let mut body = json!({
            "model": self.endpoint.model.as_deref().unwrap_or("default"),
            "messages": messages,
            "temperature": 0,
            "max_tokens": most_tokens,
            "logprobs": true,
        });
        match self.endpoint.dialect {
            Dialect::Comptoir => {
                body["grammar"] = grammar::gbnf().into();
                body["cache_messages"] = fixed.into();
            }
            Dialect::JsonSchema | Dialect::Tuned => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": { "name": "commands", "schema": grammar::json_schema() },
                });
            }
        }
        body
    }

    async fn ask(
        &self,
        turn: &str,
        most_tokens: u32,
        deadline: Duration,
    ) -> Result<Answer, ModelError> {
        let unreachable = |e: reqwest::Error| ModelError::Unreachable {
            url: self.endpoint.url.clone(),
            reason: innermost(&e),
        };
        let exchange = async {
            let mut request = self
                .http
                .post(url(&self.endpoint))
                .json(&self.body(turn, most_tokens));
            if let Some(token) = &self.endpoint.token {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.map_err(unreachable)?;
            let status = response.status();
            let text = response.text().await.map_err(unreachable)?;
            if !status.is_success() {
                return Err(ModelError::Refused {
                    url: self.endpoint.url.clone(),
                    status: status.as_u16(),
                    body: beginning(&text),
                });
            }
            serde_json::from_str(&text).map_err(|_| ModelError::Unreadable(beginning(&text)))
        };
        tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|_| ModelError::Late(deadline))?
    }
}

impl CommandModel for LlmClient {
    fn is_tuned(&self) -> bool {
        self.endpoint.dialect == Dialect::Tuned
    }

    fn propose<'a>(
        &'a self,
        turn: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Proposal, ModelError>> {
        Box::pin(async move {
            let answer = self.ask(turn, MOST_TOKENS, deadline).await?;
            let choice = answer.choices.into_iter().next();
            let choice = choice.ok_or_else(|| ModelError::Unreadable("no choice".into()))?;
            let alternatives = choice.logprobs.as_ref().map(LogProbs::intents);
            let intent_probability = choice.logprobs.as_ref().and_then(LogProbs::first);
            let probability = choice.logprobs.and_then(LogProbs::probability);
            let text = match self.endpoint.dialect {
                Dialect::Tuned => {
                    let text = choice.text.unwrap_or_default();
                    let list = wire::to_json(text.trim());
                    list.map_err(|e| ModelError::Unreadable(e.to_string()))?
                        .to_string()
                }
                _ => choice.message.and_then(|m| m.content).unwrap_or_default(),
            };
            Ok(Proposal {
                text,
                probability,
                intent_probability,
                alternatives: alternatives.unwrap_or_default(),
            })
        })
    }
}

/// The completions of a base URL that may or may not end in `/v1`.
fn url(endpoint: &Endpoint) -> String {
    let base = endpoint.url.trim_end_matches('/');
    let v1 = if base.ends_with("/v1") { "" } else { "/v1" };
    let path = match endpoint.dialect {
        Dialect::Tuned => "completions",
        Dialect::Comptoir | Dialect::JsonSchema => "chat/completions",
    };
    format!("{base}{v1}/{path}")
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
        .is_some_and(|h| {
            h == "localhost"
                || h.trim_matches(['[', ']'])
                    .parse::<IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        })
}

/// The cause that says most: the last of the chain.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
