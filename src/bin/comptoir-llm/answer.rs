//! What the engine says while it answers, and OpenAI's JSON for it.

use serde_json::{Value, json};

use crate::failure::Refusal;

/// From the engine to the request that asked.
#[derive(Debug)]
pub enum Event {
    /// The prompt fits and is being read.
    Accepted,
    /// More of the answer.
    Text(Piece),
    /// The end of the answer.
    Done(Summary),
    /// There is no answer, or no more of it.
    Failed(Refusal),
}

/// More of the answer.
#[derive(Debug, Default)]
pub struct Piece {
    /// Whole characters.
    pub text: String,
    /// The tokens since the last piece, where log probabilities were asked for.
    pub tokens: Vec<ScoredToken>,
}

/// A token with its probability.
#[derive(Debug, Clone)]
pub struct ScoredToken {
    /// Its bytes; not always whole characters.
    pub bytes: Vec<u8>,
    /// Natural logarithm of the model's probability for it (softmax over the vocabulary).
    pub logprob: f32,
    /// Under a grammar: the same among the candidates that the grammar permits.
    pub permitted_logprob: Option<f32>,
    /// The likeliest tokens of that step with theirs.
    pub alternatives: Vec<(Vec<u8>, f32)>,
}

/// How an answer ended, and what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The answer was cut at `max_tokens` or at the end of the context.
    pub was_cut: bool,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of those, taken over from an earlier request or from disk.
    pub cached_tokens: usize,
    /// Tokens of the answer.
    pub completion_tokens: usize,
    /// Time to read the prompt, ms.
    pub prompt_ms: f64,
    /// Time to generate the answer, ms.
    pub predicted_ms: f64,
}

impl Summary {
    fn finish_reason(&self) -> &'static str {
        if self.was_cut { "length" } else { "stop" }
    }

    fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        })
    }

    /// As llama-server has them: `prompt_n` counts the tokens that were really read.
    fn timings(&self) -> Value {
        let read = self.prompt_tokens - self.cached_tokens;
        let rounded = |ms: f64| (ms * 1000.0).round() / 1000.0;
        let per_second = |tokens: usize, ms: f64| {
            if ms > 0.0 {
                rounded(tokens as f64 * 1000.0 / ms)
            } else {
                0.0
            }
        };
        json!({
            "cache_n": self.cached_tokens,
            "prompt_n": read,
            "prompt_ms": rounded(self.prompt_ms),
            "prompt_per_second": per_second(read, self.prompt_ms),
            "predicted_n": self.completion_tokens,
            "predicted_ms": rounded(self.predicted_ms),
            "predicted_per_second": per_second(self.completion_tokens, self.predicted_ms),
        })
    }
}

/// Which of OpenAI's two shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/completions`.
    Completion,
}

/// What the JSON of one answer has in common, streamed or not.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Which shape.
    pub shape: Shape,
    /// `chatcmpl-...` or `cmpl-...`.
    pub id: String,
    /// Unix time in seconds.
    pub created: u64,
    /// The model's name.
    pub model: String,
    /// Log probabilities were asked for.
    pub with_logprobs: bool,
}

impl Envelope {
    /// The whole answer in one object.
    pub fn whole(&self, text: &str, tokens: &[ScoredToken], summary: &Summary) -> Value {
        let mut choice = json!({
            "index": 0,
            "finish_reason": summary.finish_reason(),
            "logprobs": self.logprobs(tokens, 0),
        });
        let object = match self.shape {
            Shape::Chat => {
                choice["message"] = json!({"role": "assistant", "content": text, "refusal": null});
                "chat.completion"
            }
            Shape::Completion => {
                choice["text"] = json!(text);
                "text_completion"
            }
        };
        let mut body = self.with_choices(object, json!([choice]));
        body["usage"] = summary.usage();
        body["timings"] = summary.timings();
        body
    }

    /// The first event of a stream: in a chat it names the role.
    pub fn opening(&self) -> Option<Value> {
        (self.shape == Shape::Chat).then(|| {
            let delta = json!({"role": "assistant", "content": ""});
            self.chunk(json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}))
        })
    }

    /// More text; `offset` is the number of characters before it.
    pub fn part(&self, piece: &Piece, offset: usize) -> Value {
        let mut choice = json!({
            "index": 0,
            "logprobs": self.logprobs(&piece.tokens, offset),
            "finish_reason": null,
        });
        match self.shape {
            Shape::Chat => choice["delta"] = json!({"content": piece.text}),
            Shape::Completion => choice["text"] = json!(piece.text),
        }
        self.chunk(choice)
    }

    /// The event that says how the answer ended.
    pub fn closing(&self, summary: &Summary) -> Value {
        let mut choice = json!({
            "index": 0,
            "logprobs": null,
            "finish_reason": summary.finish_reason(),
        });
        match self.shape {
            Shape::Chat => choice["delta"] = json!({}),
            Shape::Completion => choice["text"] = json!(""),
        }
        let mut body = self.chunk(choice);
        body["timings"] = summary.timings();
        body
    }

    /// The event with the token counts, for streams that asked for it.
    pub fn usage(&self, summary: &Summary) -> Value {
        let mut body = self.with_choices(self.chunk_object(), json!([]));
        body["usage"] = summary.usage();
        body
    }

    fn chunk_object(&self) -> &'static str {
        match self.shape {
            Shape::Chat => "chat.completion.chunk",
            Shape::Completion => "text_completion",
        }
    }

    fn chunk(&self, choice: Value) -> Value {
        self.with_choices(self.chunk_object(), json!([choice]))
    }

    fn with_choices(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    fn logprobs(&self, tokens: &[ScoredToken], offset: usize) -> Value {
        if !self.with_logprobs {
            return Value::Null;
        }
        match self.shape {
            Shape::Chat => {
                json!({"content": tokens.iter().map(chat_logprob).collect::<Vec<_>>(), "refusal": null})
            }
            Shape::Completion => completion_logprobs(tokens, offset),
        }
    }
}

fn chat_logprob(token: &ScoredToken) -> Value {
    let one = |bytes: &[u8], logprob: f32| json!({"token": String::from_utf8_lossy(bytes), "logprob": finite(logprob), "bytes": bytes});
    let mut body = one(&token.bytes, token.logprob);
    body["top_logprobs"] = token
        .alternatives
        .iter()
        .map(|(bytes, logprob)| one(bytes, *logprob))
        .collect();
    if let Some(permitted) = token.permitted_logprob {
        body["grammar_logprob"] = json!(finite(permitted));
    }
    body
}

fn completion_logprobs(tokens: &[ScoredToken], offset: usize) -> Value {
    let mut offsets = Vec::with_capacity(tokens.len());
    let mut at = offset;
    for token in tokens {
        offsets.push(at);
        // Counted by first bytes, so that a character split over tokens counts once.
        at += token
            .bytes
            .iter()
            .filter(|&&byte| byte & 0xc0 != 0x80)
            .count();
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let alternatives = |token: &ScoredToken| -> Value {
        token
            .alternatives
            .iter()
            .map(|(bytes, logprob)| (text(bytes), json!(finite(*logprob))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut body = json!({
        "tokens": tokens.iter().map(|token| text(&token.bytes)).collect::<Vec<_>>(),
        "token_logprobs": tokens.iter().map(|token| finite(token.logprob)).collect::<Vec<_>>(),
        "top_logprobs": tokens.iter().map(alternatives).collect::<Vec<_>>(),
        "text_offset": offsets,
    });
    if tokens.iter().any(|token| token.permitted_logprob.is_some()) {
        body["grammar_logprobs"] = tokens
            .iter()
            .map(|token| token.permitted_logprob.map(finite))
            .collect::<Vec<_>>()
            .into();
    }
    body
}

/// JSON has no infinity; OpenAI writes -9999 for a token that was as good as impossible.
fn finite(logprob: f32) -> f32 {
    if logprob.is_finite() {
        logprob.min(0.0)
    } else {
        -9999.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(shape: Shape) -> Envelope {
        Envelope {
            shape,
            id: "x-1".to_owned(),
            created: 1,
            model: "m".to_owned(),
            with_logprobs: true,
        }
    }

    fn scored(bytes: &[u8], logprob: f32) -> ScoredToken {
        ScoredToken {
            bytes: bytes.to_vec(),
            logprob,
            permitted_logprob: None,
            alternatives: vec![
                (bytes.to_vec(), logprob),
                (b"z".to_vec(), f32::NEG_INFINITY),
            ],
        }
    }

    const SUMMARY: Summary = Summary {
        was_cut: true,
        prompt_tokens: 10,
        cached_tokens: 8,
        completion_tokens: 2,
        prompt_ms: 4.0,
        predicted_ms: 20.0,
    };

    #[test]
    fn a_chat_answer_has_its_message_counts_and_times() {
        let body = envelope(Shape::Chat).whole("Hi", &[scored(b"Hi", -0.5)], &SUMMARY);
        assert_eq!(body["object"], "chat.completion");
        assert_eq!(body["choices"][0]["message"]["content"], "Hi");
        assert_eq!(body["choices"][0]["finish_reason"], "length");
        let logprob = &body["choices"][0]["logprobs"]["content"][0];
        assert_eq!(
            (&logprob["logprob"], &logprob["bytes"]),
            (&json!(-0.5), &json!([72, 105]))
        );
        assert_eq!(logprob["top_logprobs"][1]["logprob"], json!(-9999.0));
        assert_eq!(body["usage"]["total_tokens"], 12);
        assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 8);
        assert_eq!(body["timings"]["prompt_n"], 2);
        assert_eq!(body["timings"]["predicted_per_second"], json!(100.0));
    }

    #[test]
    fn a_completion_counts_offsets_in_characters() {
        let tokens = [
            scored(&[0xc3], -1.0),
            scored(&[0xa9], -1.0),
            scored(b"ab", -1.0),
        ];
        let body = envelope(Shape::Completion).whole("éab", &tokens, &SUMMARY);
        assert_eq!(body["object"], "text_completion");
        assert_eq!(body["choices"][0]["text"], "éab");
        assert_eq!(
            body["choices"][0]["logprobs"]["text_offset"],
            json!([0, 1, 1])
        );
        assert_eq!(
            body["choices"][0]["logprobs"]["top_logprobs"][2]["ab"],
            json!(-1.0)
        );
    }

    #[test]
    fn a_stream_opens_with_the_role_and_closes_with_the_reason() {
        let envelope = envelope(Shape::Chat);
        let opening = envelope.opening().unwrap_or_default();
        assert_eq!(opening["choices"][0]["delta"]["role"], "assistant");
        let part = envelope.part(
            &Piece {
                text: "Hi".to_owned(),
                tokens: vec![],
            },
            0,
        );
        assert_eq!(part["object"], "chat.completion.chunk");
        assert_eq!(part["choices"][0]["delta"]["content"], "Hi");
        assert_eq!(
            envelope.closing(&SUMMARY)["choices"][0]["finish_reason"],
            "length"
        );
        assert_eq!(envelope.usage(&SUMMARY)["choices"], json!([]));
    }
}
