//! Speech to text by a Wyoming service: our own worker, or any other.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::{Evidence, SttError, Transcribe, TranscribeRequest, Transcript};
use crate::audio::{SPEECH_RATE, resample};
use crate::wyoming::message::{self, AudioFormat, AudioStart, AudioStop, Message};
use crate::wyoming::{Client, Uri, pcm};

/// A speech recogniser behind a Wyoming URI. Each request is a connection of its own, so a
/// request that is dropped is cancelled, and a service that was restarted is found again.
#[derive(Debug, Clone)]
pub struct WyomingStt {
    uri: Uri,
}

impl WyomingStt {
    /// A recogniser that listens there.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self { uri }
    }

    /// Where it listens.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    async fn ask(&self, request: TranscribeRequest) -> Result<Transcript, SttError> {
        let sound = resample(&request.pcm, SPEECH_RATE)?;
        let context = request
            .prompt
            .filter(|prompt| !prompt.trim().is_empty())
            .map(|prompt| Map::from_iter([("prompt".to_owned(), Value::String(prompt))]));
        let ask = message::Transcribe {
            language: request.language.map(|language| language.code().to_owned()),
            context,
            ..Default::default()
        };
        let mut client = Client::connect(&self.uri, request.within).await?;
        client.send(&ask.event()).await?;
        client
            .send(&AudioStart::from(AudioFormat::SPEECH).event())
            .await?;
        for chunk in pcm::chunks(&sound.samples, SPEECH_RATE) {
            client.send(&chunk.event()).await?;
        }
        client
            .send(
                &AudioStop {
                    timestamp: Some(sound.ms()),
                }
                .event(),
            )
            .await?;
        let answer: message::Transcript = client.expect().await?;

        // Another engine's context may hold anything; what is not evidence is no evidence.
        let evidence: Evidence = answer
            .context
            .and_then(|context| serde_json::from_value(Value::Object(context)).ok())
            .unwrap_or_default();
        Ok(Transcript {
            text: answer.text.trim().to_owned(),
            language: answer
                .language
                .and_then(|code| code.parse().ok())
                .or(request.language),
            evidence,
        })
    }
}

impl Transcribe for WyomingStt {
    fn transcribe(
        &self,
        request: TranscribeRequest,
    ) -> BoxFuture<'_, Result<Transcript, SttError>> {
        self.ask(request).boxed()
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
