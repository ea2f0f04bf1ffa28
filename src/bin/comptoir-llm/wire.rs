//! Requests as they come in, before they are checked as a whole.

use serde::Deserialize;
use serde_json::Value;

use crate::failure::Refusal;
use crate::request::Message;

/// All fields of both paths that are looked at.
#[derive(Debug, Deserialize)]
pub struct Body {
    pub prompt: Option<Value>,
    pub messages: Option<Vec<WireMessage>>,
    pub max_tokens: Option<u32>,
    pub max_completion_tokens: Option<u32>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub seed: Option<i64>,
    pub stop: Option<OneOrMany>,
    #[serde(default)]
    pub stream: Option<bool>,
    pub stream_options: Option<StreamOptions>,
    pub logprobs: Option<Value>,
    pub top_logprobs: Option<u32>,
    pub grammar: Option<String>,
    pub cache_messages: Option<usize>,
    pub cache_prefix: Option<String>,
    pub n: Option<u32>,
    pub best_of: Option<u32>,
    pub echo: Option<bool>,
    pub suffix: Option<String>,
    pub response_format: Option<Value>,
    pub tools: Option<Value>,
    pub functions: Option<Value>,
    pub logit_bias: Option<Value>,
    pub presence_penalty: Option<f32>,
    pub frequency_penalty: Option<f32>,
}

/// One of `messages`.
#[derive(Debug, Deserialize)]
pub struct WireMessage {
    pub role: String,
    pub content: Option<Content>,
}

/// What was said, in one text or in parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// One part of a message.
#[derive(Debug, Deserialize)]
pub struct Part {
    #[serde(rename = "type")]
    pub kind: String,
    pub text: Option<String>,
}

/// `stop`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// `stream_options`.
#[derive(Debug, Deserialize)]
pub struct StreamOptions {
    #[serde(default)]
    pub include_usage: Option<bool>,
}

/// Reads a body of either path.
pub fn parse(body: &[u8]) -> Result<Body, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::invalid(
            None,
            format!("expected a JSON object with OpenAI's fields: {error}"),
        )
    })
}

impl WireMessage {
    /// The message, if this worker can read it.
    pub fn checked(self) -> Result<Message, Refusal> {
        let role = match self.role.as_str() {
            "system" | "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            other => {
                return Err(Refusal::invalid(
                    Some("messages"),
                    format!("expected a role of system, user or assistant, found `{other}`"),
                ));
            }
        };
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => {
                let mut whole = String::new();
                for part in parts {
                    match (part.kind.as_str(), part.text) {
                        ("text", Some(text)) => whole.push_str(&text),
                        (other, _) => {
                            return Err(Refusal::invalid(
                                Some("messages"),
                                format!(
                                    "expected content parts of type text, found `{other}`; this model reads text only"
                                ),
                            ));
                        }
                    }
                }
                whole
            }
        };
        if content.contains('\0') {
            return Err(Refusal::invalid(
                Some("messages"),
                "expected text, found a NUL character in a message",
            ));
        }
        Ok(Message { role, content })
    }
}

impl Body {
    /// Refuses what would make the answer another one than was asked for.
    pub fn refuse_unserved(&self) -> Result<(), Refusal> {
        let refuse = |param, message: &str| Err(Refusal::invalid(Some(param), message));
        if self.n.is_some_and(|n| n != 1) || self.best_of.is_some_and(|n| n != 1) {
            return refuse("n", "one answer a request is served; send several requests");
        }
        if self.echo == Some(true) {
            return refuse(
                "echo",
                "`echo` is not served; put the prompt before the answer yourself",
            );
        }
        if self
            .suffix
            .as_ref()
            .is_some_and(|suffix| !suffix.is_empty())
        {
            return refuse("suffix", "`suffix` is not served; put it into the prompt");
        }
        if let Some(format) = &self.response_format {
            let kind = format.get("type").and_then(Value::as_str);
            if !(format.is_null() || kind == Some("text")) {
                return refuse(
                    "response_format",
                    "only `response_format` of type text is served; for structured answers send `grammar` (GBNF)",
                );
            }
        }
        if is_filled(self.tools.as_ref()) || is_filled(self.functions.as_ref()) {
            return refuse(
                "tools",
                "tools are not served; describe them in the prompt and send `grammar` (GBNF) for the form of the call",
            );
        }
        if is_filled(self.logit_bias.as_ref()) {
            return refuse(
                "logit_bias",
                "`logit_bias` is not served; send `grammar` (GBNF)",
            );
        }
        let penalised = |penalty: Option<f32>| penalty.is_some_and(|penalty| penalty != 0.0);
        if penalised(self.presence_penalty) || penalised(self.frequency_penalty) {
            return refuse(
                "presence_penalty",
                "penalties are not served; leave them out or send 0",
            );
        }
        Ok(())
    }
}

fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(_) => true,
    }
}
