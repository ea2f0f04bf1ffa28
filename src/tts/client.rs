//! The client of a Wyoming text-to-speech service.

use std::time::Instant;

use futures_util::future::BoxFuture;

use super::{Synthesize, SynthesizeRequest, TtsError};
use crate::audio::Pcm;
use crate::wyoming::message::{AudioChunk, AudioStart, AudioStop, Synthesize as Ask, Voice};
use crate::wyoming::pcm::Collector;
use crate::wyoming::{Client, ClientError, CodecError, Message, Uri};

/// The longest speech that is taken, in samples: 20 minutes at 48 kHz.
const MAX_SAMPLES: usize = 20 * 60 * 48_000;

/// A Wyoming text-to-speech service at an address. One connection a request.
#[derive(Debug, Clone)]
pub struct WyomingTts {
    uri: Uri,
}

impl WyomingTts {
    /// The service at this address.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self { uri }
    }

    async fn ask(
        &self,
        request: SynthesizeRequest<'_>,
        heard: &mut (dyn FnMut(&Pcm) + Send),
    ) -> Result<Pcm, TtsError> {
        let began = Instant::now();
        let trouble = |error: ClientError| self.trouble(error, &request);
        let first_within = request.first_within.min(request.within);
        let first_late = || TtsError::FirstAudioLate {
            uri: self.uri.to_string(),
            after: first_within,
        };
        let mut speech = Pcm::default();
        let mut collector = Collector::new(MAX_SAMPLES);
        let mut client: Option<Client> = None;
        loop {
            let next = async {
                let client = match &mut client {
                    Some(client) => client,
                    none => {
                        let connected = Client::connect(&self.uri, request.within).await?;
                        let client = none.insert(connected);
                        client.send(&self.question(&request)).await?;
                        client
                    }
                };
                client.receive().await
            };
            let event = if speech.samples.is_empty() {
                let left = first_within.saturating_sub(began.elapsed());
                match tokio::time::timeout(left, next).await {
                    Ok(Err(ClientError::Deadline { .. })) | Err(_) => return Err(first_late()),
                    Ok(event) => event.map_err(trouble)?,
                }
            } else {
                next.await.map_err(trouble)?
            };
            match event.kind.as_str() {
                AudioStart::KIND => {
                    let start = AudioStart::from_event(&event);
                    speech.rate = start.map_err(|e| self.protocol(e))?.format.rate;
                }
                AudioChunk::KIND => {
                    let chunk = AudioChunk::from_event(&event).map_err(|e| self.protocol(e))?;
                    collector.push(&chunk).map_err(|e| self.protocol(e))?;
                    let piece = Pcm {
                        samples: collector.take(),
                        rate: chunk.format.rate,
                    };
                    if speech.samples.len() + piece.samples.len() > MAX_SAMPLES {
                        let text = "the speech does not end: 20 minutes of it have come";
                        return Err(self.protocol(CodecError::Audio(text.into())));
                    }
                    if !piece.samples.is_empty() {
                        heard(&piece);
                        speech.rate = piece.rate;
                        speech.samples.extend_from_slice(&piece.samples);
                    }
                }
                AudioStop::KIND => return Ok(speech),
                _ => {}
            }
        }
    }

    fn question(&self, request: &SynthesizeRequest<'_>) -> crate::wyoming::Event {
        Ask {
            text: request.text.into(),
            voice: Some(Voice {
                name: request.voice.map(Into::into),
                language: Some(request.language.code().into()),
                speaker: None,
            }),
            ..Ask::default()
        }
        .event()
    }

    fn protocol(&self, source: CodecError) -> TtsError {
        TtsError::Protocol(ClientError::Protocol {
            uri: self.uri.clone(),
            source,
        })
    }

    fn trouble(&self, error: ClientError, request: &SynthesizeRequest<'_>) -> TtsError {
        match error {
            ClientError::Unreachable { .. } | ClientError::Closed { .. } => {
                TtsError::Unreachable(error)
            }
            ClientError::Deadline { uri, .. } => TtsError::Late {
                uri: uri.to_string(),
                after: request.within,
            },
            ClientError::Failed { uri, failure } => TtsError::Refused {
                uri: uri.to_string(),
                text: failure.text,
                code: failure.code,
            },
            ClientError::Protocol { .. } => TtsError::Protocol(error),
        }
    }
}

impl Synthesize for WyomingTts {
    fn synthesize<'a>(
        &'a self,
        request: SynthesizeRequest<'a>,
        heard: &'a mut (dyn FnMut(&Pcm) + Send),
    ) -> BoxFuture<'a, Result<Pcm, TtsError>> {
        Box::pin(self.ask(request, heard))
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
