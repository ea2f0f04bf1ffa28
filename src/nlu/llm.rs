//! The client of the language model: OpenAI's chat completions over HTTP.
//!
//! Our own worker is asked with a GBNF `grammar` and `cache_messages` (how many leading
//! messages are the fixed prefix); any other server with `response_format: json_schema`.
//! Dropping the future closes the connection, which cancels the work.

use super::{CommandModel, ModelError, Proposal, grammar, prompt};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt, net::IpAddr, time::Duration};

/// Which extensions the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `comptoir-llm`: GBNF grammar, cached prefix.
    Comptoir,
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

/// Longest answer, in tokens: four commands with a few slots.
const MOST_TOKENS: u32 = 220;

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
    message: Content,
    logprobs: Option<LogProbs>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct LogProbs {
    content: Option<Vec<TokenLogProb>>,
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
            Dialect::JsonSchema => {
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
                .post(chat_url(&self.endpoint.url))
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
    fn propose<'a>(
        &'a self,
        turn: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Proposal, ModelError>> {
        Box::pin(async move {
            let answer = self.ask(turn, MOST_TOKENS, deadline).await?;
            let choice = answer.choices.into_iter().next();
            let choice = choice.ok_or_else(|| ModelError::Unreadable("no choice".into()))?;
            let text = choice.message.content.unwrap_or_default();
            let tokens = choice.logprobs.and_then(|l| l.content);
            let probability = tokens.filter(|t| !t.is_empty()).map(|tokens| {
                let sum: f64 = tokens.iter().map(|t| t.logprob).sum();
                sum.exp().clamp(0.0, 1.0) as f32
            });
            Ok(Proposal { text, probability })
        })
    }
}

/// The chat completions of a base URL that may or may not end in `/v1`.
fn chat_url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    let v1 = if base.ends_with("/v1") { "" } else { "/v1" };
    format!("{base}{v1}/chat/completions")
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
