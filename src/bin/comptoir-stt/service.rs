//! What clients ask.

use std::time::Duration;

use comptoir::audio::{Pcm, resample};
use comptoir::wyoming::info::{Artifact, AsrModel, AsrProgram, Attribution, Info};
use comptoir::wyoming::message::{
    AudioChunk, AudioStart, AudioStop, Describe, Failure, Message, Ping, Pong, Transcribe,
    Transcript, code,
};
use comptoir::wyoming::pcm::Collector;
use comptoir::wyoming::server::Connection;
use comptoir::wyoming::{CodecError, Event};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Job, JobError};
use crate::hearing::{HearError, Heard};

/// The longest sound in one request.
const LONGEST: Duration = Duration::from_secs(600);

/// How long a client may say nothing before it is sent away.
const PATIENCE: Duration = Duration::from_secs(600);

/// The service, shared by all connections.
pub struct Service {
    engine: Engine,
    info: Info,
}

/// A request whose sound is still coming.
#[derive(Default)]
struct Request {
    asked: Transcribe,
    sound: Option<Collector>,
}

impl Service {
    /// A service with this engine.
    pub fn new(engine: Engine, model: &str, languages: &[String]) -> Self {
        let artifact = |name: &str, description: &str, who: &str, url: &str| Artifact {
            name: name.into(),
            attribution: Attribution {
                name: who.into(),
                url: url.into(),
            },
            installed: true,
            description: Some(description.into()),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        };
        let model = AsrModel {
            artifact: artifact(
                model,
                "Whisper, ggml",
                "OpenAI",
                "https://github.com/openai/whisper",
            ),
            languages: languages.to_vec(),
        };
        let program = AsrProgram {
            artifact: artifact(
                "comptoir-stt",
                "Comptoir speech to text",
                "whisper.cpp",
                "https://github.com/ggml-org/whisper.cpp",
            ),
            models: vec![model],
            supports_transcript_streaming: false,
            requires_external_vad: true,
        };
        Self {
            engine,
            info: Info {
                asr: vec![program],
                ..Info::default()
            },
        }
    }

    /// Serves a client until it goes, the worker stops, or what it sends makes no sense.
    pub async fn serve(&self, mut client: Connection, stop: CancellationToken) {
        let mut request = Request::default();
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = tokio::time::timeout(PATIENCE, client.reader.next()) => event,
            };
            let event = match event {
                Ok(Ok(Some(event))) => event,
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a client was sent away");
                    refuse(&mut client, code::BAD_REQUEST, &error).await;
                    return;
                }
            };
            let went_on = match self.take(&event, &mut request) {
                Ok(Step::Wait) => true,
                Ok(Step::Answer(answer)) => client.writer.write(&answer).await.is_ok(),
                Ok(Step::Hear(job, audio_ms)) => self.hear(job, audio_ms, &mut client, &stop).await,
                Err(error) => {
                    refuse(&mut client, code::BAD_REQUEST, &error).await;
                    false
                }
            };
            if !went_on {
                return;
            }
        }
    }

    fn take(&self, event: &Event, request: &mut Request) -> Result<Step, CodecError> {
        Ok(match event.kind.as_str() {
            Describe::KIND => Step::Answer(self.info.event()),
            Ping::KIND => Step::Answer(
                Pong {
                    text: Ping::from_event(event)?.text,
                }
                .event(),
            ),
            Transcribe::KIND => {
                *request = Request {
                    asked: Transcribe::from_event(event)?,
                    sound: None,
                };
                Step::Wait
            }
            AudioStart::KIND => {
                let rate = AudioStart::from_event(event)?.format.rate;
                request.sound = Some(collector(rate));
                Step::Wait
            }
            AudioChunk::KIND => {
                let chunk = AudioChunk::from_event(event)?;
                let sound = request
                    .sound
                    .get_or_insert_with(|| collector(chunk.format.rate));
                sound.push(&chunk)?;
                Step::Wait
            }
            AudioStop::KIND => {
                let Request { asked, sound } = std::mem::take(request);
                let (samples, rate) = sound.unwrap_or_default().finish();
                let rate = rate.unwrap_or(comptoir::audio::SPEECH_RATE);
                if !resample::RATES.contains(&rate) {
                    let error = resample::RateError::OutOfRange(rate);
                    return Err(CodecError::Audio(error.to_string()));
                }
                let pcm = Pcm { samples, rate };
                let audio_ms = pcm.ms();
                let prompt = prompt(&asked);
                let language = asked
                    .language
                    .filter(|code| !code.is_empty() && code != "auto");
                Step::Hear(
                    Job {
                        pcm,
                        language,
                        prompt,
                    },
                    audio_ms,
                )
            }
            // The protocol asks to drop what one does not know.
            other => {
                tracing::debug!(event = other, "dropped");
                Step::Wait
            }
        })
    }

    /// Hears a job and answers; whether the connection may go on.
    async fn hear(
        &self,
        job: Job,
        audio_ms: u64,
        client: &mut Connection,
        stop: &CancellationToken,
    ) -> bool {
        let mut pending = match self.engine.hear(job) {
            Ok(pending) => pending,
            Err(error) => {
                refuse(client, code::BUSY, &error).await;
                return false;
            }
        };
        let answer = tokio::select! {
            answer = pending.answer() => answer,
            () = client.reader.closed() => {
                tracing::debug!("cancelled: the client has gone");
                return false;
            }
            () = stop.cancelled() => {
                refuse(client, code::STOPPING, &"the worker is stopping").await;
                return false;
            }
        };
        match answer {
            Ok(heard) => client
                .writer
                .write(&transcript(heard, audio_ms))
                .await
                .is_ok(),
            Err(error) => {
                let code = match &error {
                    JobError::Hear(HearError::Language { .. }) | JobError::Rate(_) => {
                        code::BAD_REQUEST
                    }
                    _ => code::ENGINE,
                };
                tracing::warn!(%error, "nothing heard");
                refuse(client, code, &error).await;
                true
            }
        }
    }
}

enum Step {
    Wait,
    Answer(Event),
    Hear(Job, u64),
}

fn collector(rate: u32) -> Collector {
    Collector::new(LONGEST.as_secs() as usize * rate as usize)
}

/// What biases the words: our own `context.prompt`, else the protocol's names and terms.
fn prompt(asked: &Transcribe) -> Option<String> {
    let own = asked
        .context
        .as_ref()
        .and_then(|context| context.get("prompt")?.as_str());
    let own = own
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned);
    own.or_else(|| {
        let names = asked.transcript_names.iter().chain(&asked.transcript_terms);
        let listed = names
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        (!listed.is_empty()).then_some(listed)
    })
}

fn transcript(heard: Heard, audio_ms: u64) -> Event {
    let context = json!({
        "language": heard.language,
        "language_prob": heard.language_prob,
        "no_speech_prob": heard.no_speech_prob,
        "avg_logprob": heard.avg_logprob,
        "audio_ms": audio_ms,
        "encode_ms": heard.encode_ms,
        "decode_ms": heard.decode_ms,
    });
    let context = match context {
        Value::Object(context) => context,
        _ => Map::new(),
    };
    let answer = Transcript {
        text: heard.text,
        language: Some(heard.language),
        context: Some(context),
    };
    answer.event()
}

async fn refuse(client: &mut Connection, code: &str, why: &impl std::fmt::Display) {
    let failure = Failure::new(code, why.to_string());
    // A client that does not listen any more needs no answer.
    let _ = tokio::time::timeout(
        Duration::from_secs(1),
        client.writer.write(&failure.event()),
    )
    .await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(data: Value) -> Transcribe {
        serde_json::from_value(data).unwrap()
    }

    #[test]
    fn our_prompt_comes_before_names_and_terms() {
        let both = json!({"context": {"prompt": "mocha"}, "transcript_names": ["Anna"]});
        assert_eq!(prompt(&asked(both)).unwrap(), "mocha");
        let names = json!({"transcript_names": ["Anna"], "transcript_terms": ["latte", "mocha"]});
        assert_eq!(prompt(&asked(names)).unwrap(), "Anna, latte, mocha");
        assert_eq!(prompt(&asked(json!({"context": {"prompt": " "}}))), None);
    }
}
