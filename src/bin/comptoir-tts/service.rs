//! The Wyoming service: what clients ask, and what they get.

use std::sync::Arc;
use std::time::Duration;

use comptoir::wyoming::info::{Artifact, Attribution, Info, TtsProgram, TtsVoice};
use comptoir::wyoming::message::{
    Describe, Failure, Ping, Pong, Synthesize, SynthesizeStart, Voice, code,
};
use comptoir::wyoming::server::Connection;
use comptoir::wyoming::{CodecError, Event, Message};
use tokio_util::sync::CancellationToken;

use crate::clauses;
use crate::engine::Engine;
use crate::speech::{Gone, Speech};
use crate::voice::VoiceFacts;

/// The most characters in one request: about seven minutes of speech.
const MAX_CHARACTERS: usize = 5_000;

/// A connection on which nothing is asked for this long is closed.
const IDLE: Duration = Duration::from_secs(600);

/// The service. One for all connections.
pub struct Service {
    engine: Engine,
    voices: Vec<VoiceFacts>,
}

/// How a request ends that is not answered.
enum Trouble {
    /// The client gets to know.
    Failed(Failure),
    /// There is no client any more, or what it says is not the protocol.
    Gone,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Gone> for Trouble {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Client => Self::Gone,
            Gone::Engine(text) => Self::Failed(Failure::new(code::ENGINE, text)),
        }
    }
}

impl From<CodecError> for Trouble {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Io(_) | CodecError::Truncated(_) => Self::Gone,
            error => Self::Failed(Failure::new(code::BAD_REQUEST, error.to_string())),
        }
    }
}

impl Service {
    /// A service with these voices, the default first.
    pub fn new(engine: Engine, voices: Vec<VoiceFacts>) -> Self {
        Self { engine, voices }
    }

    /// Serves one connection until it closes or the service stops.
    pub async fn serve(self: Arc<Self>, mut connection: Connection, stop: CancellationToken) {
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = tokio::time::timeout(IDLE, connection.reader.next()) => next,
            };
            let event = match next {
                Ok(Ok(Some(event))) => event,
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    // The stream cannot be read on after an error.
                    if let Trouble::Failed(failure) = error.into() {
                        let _ = connection.writer.write(&failure.event()).await;
                    }
                    return;
                }
            };
            match self.answer(&event, &mut connection).await {
                Ok(()) => {}
                Err(Trouble::Failed(failure)) => {
                    tracing::warn!(text = failure.text, code = failure.code, "refused");
                    if connection.writer.write(&failure.event()).await.is_err() {
                        return;
                    }
                }
                Err(Trouble::Gone) => {
                    tracing::debug!("the client has gone");
                    return;
                }
            }
        }
    }

    async fn answer(&self, event: &Event, connection: &mut Connection) -> Result<(), Trouble> {
        match event.kind.as_str() {
            Describe::KIND => Ok(connection.writer.write(&self.info().event()).await?),
            Ping::KIND => {
                let text = Ping::from_event(event)?.text;
                Ok(connection.writer.write(&Pong { text }.event()).await?)
            }
            Synthesize::KIND => {
                let request = Synthesize::from_event(event)?;
                let plain = request.text_format.as_deref().unwrap_or("text");
                if plain != "text" {
                    let text = format!("expected text_format text, found {plain:?}");
                    return Err(Failure::new(code::BAD_REQUEST, text).into());
                }
                let mut speech = self.speech(request.voice.as_ref())?;
                check_length(0, &request.text)?;
                speech.begin(connection).await?;
                if let Some(text) = clauses::speakable(&request.text) {
                    speech.say(connection, &text, true).await?;
                }
                Ok(speech.end(connection).await?)
            }
            SynthesizeStart::KIND => {
                let request = SynthesizeStart::from_event(event)?;
                let speech = self.speech(request.voice.as_ref())?;
                self.stream(speech, connection).await
            }
            // Events of other services, and those of a request that has failed.
            _ => Ok(()),
        }
    }

    /// Speaks text that comes in pieces, sentence by sentence.
    async fn stream(
        &self,
        mut speech: Speech<'_>,
        connection: &mut Connection,
    ) -> Result<(), Trouble> {
        use comptoir::wyoming::message::{SynthesizeChunk, SynthesizeStop, SynthesizeStopped};
        speech.begin(connection).await?;
        let mut text = String::new();
        let mut characters = 0;
        loop {
            let next = tokio::time::timeout(IDLE, connection.reader.next()).await;
            let Ok(Some(event)) = next.map_err(|_| Trouble::Gone)? else {
                return Err(Trouble::Gone);
            };
            match event.kind.as_str() {
                SynthesizeChunk::KIND => {
                    let chunk = SynthesizeChunk::from_event(&event)?.text;
                    characters = check_length(characters, &chunk)?;
                    text.push_str(&chunk);
                    if let Some(sentences) = clauses::take_complete(&mut text)
                        && let Some(sentences) = clauses::speakable(&sentences)
                    {
                        speech.say(connection, &sentences, false).await?;
                    }
                }
                SynthesizeStop::KIND => {
                    if let Some(rest) = clauses::speakable(&text) {
                        speech.say(connection, &rest, true).await?;
                    }
                    speech.end(connection).await?;
                    let stopped = SynthesizeStopped {}.event();
                    return Ok(connection.writer.write(&stopped).await?);
                }
                // `synthesize` comes with the whole text for services that cannot stream.
                _ => {}
            }
        }
    }

    fn speech(&self, voice: Option<&Voice>) -> Result<Speech<'_>, Failure> {
        let (index, speaker) = choose(&self.voices, voice)?;
        Ok(Speech::new(
            &self.engine,
            index,
            &self.voices[index],
            speaker,
        ))
    }

    fn info(&self) -> Info {
        let attribution = |name: &str, url: &str| Attribution {
            name: name.into(),
            url: url.into(),
        };
        let voices = self.voices.iter().map(|voice| TtsVoice {
            artifact: Artifact {
                name: voice.name.clone(),
                attribution: match voice.family {
                    "Kokoro" => attribution("hexgrad", "https://huggingface.co/hexgrad/Kokoro-82M"),
                    _ => attribution("rhasspy", "https://github.com/rhasspy/piper"),
                },
                installed: true,
                description: Some(format!("{} ({})", voice.name, voice.family)),
                version: None,
            },
            languages: vec![voice.language.clone()],
        });
        Info {
            tts: vec![TtsProgram {
                artifact: Artifact {
                    name: "comptoir".into(),
                    attribution: attribution("Comptoir", env!("CARGO_PKG_REPOSITORY")),
                    installed: true,
                    description: Some("Piper and Kokoro voices on this machine".into()),
                    version: Some(env!("CARGO_PKG_VERSION").into()),
                },
                voices: voices.collect(),
                supports_synthesize_streaming: true,
            }],
            ..Info::default()
        }
    }
}

/// The length of a request with more text, if it is not too long.
fn check_length(before: usize, more: &str) -> Result<usize, Failure> {
    let characters = before + more.chars().count();
    if characters > MAX_CHARACTERS {
        let text = format!(
            "the text has {characters} characters, at most {MAX_CHARACTERS} are spoken; send it \
             in parts"
        );
        return Err(Failure::new(code::BAD_REQUEST, text));
    }
    Ok(characters)
}

/// The voice to speak with, and its speaker: by name, else by language, else the default.
fn choose(voices: &[VoiceFacts], wanted: Option<&Voice>) -> Result<(usize, Option<i64>), Failure> {
    let given = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let (name, language, speaker) = wanted.map_or((None, None, None), |wanted| {
        (
            given(wanted.name.as_ref()),
            given(wanted.language.as_ref()),
            given(wanted.speaker.as_ref()),
        )
    });
    let tag = |language: &str| language.to_lowercase().replace('_', "-");
    let base = |language: &str| {
        tag(language)
            .split('-')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let found = match (&name, &language) {
        (Some(name), _) => voices.iter().position(|voice| voice.name == *name),
        (None, Some(language)) => voices
            .iter()
            .position(|voice| tag(&voice.language) == tag(language))
            .or_else(|| {
                voices
                    .iter()
                    .position(|voice| base(&voice.language) == base(language))
            }),
        (None, None) => Some(0),
    };
    let Some((index, voice)) = found.and_then(|index| Some((index, voices.get(index)?))) else {
        let wanted = match (name, language) {
            (Some(name), _) => format!("is named {name:?}"),
            (_, language) => format!("speaks {:?}", language.unwrap_or_default()),
        };
        let known: Vec<_> = voices
            .iter()
            .map(|voice| format!("{} ({})", voice.name, voice.language))
            .collect();
        let text = format!("no voice {wanted}; there are {}", known.join(", "));
        return Err(Failure::new(code::BAD_REQUEST, text));
    };
    let speaker = match speaker {
        None => None,
        Some(speaker) => match voice.speakers.get(&speaker) {
            Some(id) => Some(*id),
            None => {
                let text = format!("the voice {} has no speaker {speaker:?}", voice.name);
                return Err(Failure::new(code::BAD_REQUEST, text));
            }
        },
    };
    Ok((index, speaker))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn voices() -> Vec<VoiceFacts> {
        [("joe", "en-US"), ("emma", "en_GB"), ("siwis", "fr")]
            .map(|(name, language)| VoiceFacts {
                name: name.into(),
                language: language.into(),
                family: "Piper",
                rate: 22_050,
                lengths: crate::piper::LENGTHS,
                speakers: HashMap::from([("calm".into(), 3)]),
            })
            .to_vec()
    }

    fn chosen(name: &str, language: &str, speaker: &str) -> Result<(usize, Option<i64>), String> {
        let voice = Voice {
            name: Some(name.into()),
            language: Some(language.into()),
            speaker: Some(speaker.into()),
        };
        choose(&voices(), Some(&voice)).map_err(|failure| failure.text)
    }

    #[test]
    fn a_voice_is_chosen_by_name_then_language() {
        assert_eq!(choose(&voices(), None).unwrap(), (0, None));
        assert_eq!(chosen("siwis", "en", ""), Ok((2, None)));
        assert_eq!(chosen("", "fr_FR", ""), Ok((2, None)));
        assert_eq!(chosen("", "en-gb", ""), Ok((1, None)));
        assert_eq!(chosen("", "en", "calm"), Ok((0, Some(3))));
    }

    #[test]
    fn an_unknown_voice_is_told_with_those_that_are_there() {
        assert_eq!(
            chosen("", "de", "").unwrap_err(),
            "no voice speaks \"de\"; there are joe (en-US), emma (en_GB), siwis (fr)"
        );
        assert!(
            chosen("ann", "", "")
                .unwrap_err()
                .starts_with("no voice is named \"ann\"")
        );
        assert!(
            chosen("joe", "", "loud")
                .unwrap_err()
                .contains("no speaker \"loud\"")
        );
    }

    #[test]
    fn a_text_may_be_so_long_and_no_longer() {
        assert_eq!(check_length(10, "été"), Ok(13));
        let error = check_length(0, &"a".repeat(100_000)).unwrap_err().text;
        assert!(error.contains("100000 characters, at most 5000"), "{error}");
    }
}
