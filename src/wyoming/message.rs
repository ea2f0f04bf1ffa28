//! The Wyoming events that Comptoir uses, typed. Field names are the protocol's.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::codec::{CodecError, Event};

/// An event with a fixed type and data that serde reads and writes.
pub trait Message: Serialize + DeserializeOwned {
    /// The event's type.
    const KIND: &'static str;

    /// This message as an event. Data that is not an object becomes empty data.
    fn event(&self) -> Event {
        let data = match serde_json::to_value(self) {
            Ok(Value::Object(data)) => data,
            _ => Map::new(),
        };
        Event {
            kind: Self::KIND.into(),
            data,
            payload: Bytes::new(),
        }
    }

    /// This message out of an event.
    ///
    /// # Errors
    /// When the event has another type, or not the data that this type has.
    fn from_event(event: &Event) -> Result<Self, CodecError> {
        if event.kind != Self::KIND {
            return Err(CodecError::Unexpected {
                expected: Self::KIND,
                found: event.kind.clone(),
            });
        }
        serde_json::from_value(Value::Object(event.data.clone())).map_err(|source| {
            CodecError::Message {
                kind: event.kind.clone(),
                source,
            }
        })
    }
}

macro_rules! messages {
    ($($name:ident = $kind:literal),* $(,)?) => {
        $(impl Message for $name { const KIND: &'static str = $kind; })*
    };
}

messages! {
    AudioStart = "audio-start",
    AudioStop = "audio-stop",
    Describe = "describe",
    Ping = "ping",
    Pong = "pong",
    Failure = "error",
    Transcribe = "transcribe",
    Transcript = "transcript",
    Synthesize = "synthesize",
    SynthesizeStart = "synthesize-start",
    SynthesizeChunk = "synthesize-chunk",
    SynthesizeStop = "synthesize-stop",
    SynthesizeStopped = "synthesize-stopped",
    Detect = "detect",
    Detection = "detection",
}

/// The format of raw little-endian PCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioFormat {
    /// Frames a second, Hz.
    pub rate: u32,
    /// Bytes a sample: 2 is 16-bit.
    pub width: u8,
    /// Channels, interleaved.
    pub channels: u8,
}

impl AudioFormat {
    /// 16 kHz, 16-bit, mono: what speech recognition takes.
    pub const SPEECH: Self = Self {
        rate: 16_000,
        width: 2,
        channels: 1,
    };

    /// Bytes in a frame.
    #[must_use]
    pub fn frame_bytes(self) -> usize {
        usize::from(self.width) * usize::from(self.channels)
    }
}

/// Audio begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStart {
    /// The format of the chunks to come.
    #[serde(flatten)]
    pub format: AudioFormat,
    /// Where the audio begins, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
}

impl From<AudioFormat> for AudioStart {
    fn from(format: AudioFormat) -> Self {
        Self {
            format,
            timestamp: None,
        }
    }
}

/// A piece of audio; the samples are the event's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioChunk {
    /// The format of `audio`.
    pub format: AudioFormat,
    /// Where the piece begins, ms.
    pub timestamp: Option<u64>,
    /// Interleaved little-endian samples.
    pub audio: Bytes,
}

impl AudioChunk {
    /// The event's type.
    pub const KIND: &'static str = "audio-chunk";

    /// This chunk as an event.
    #[must_use]
    pub fn event(&self) -> Event {
        let head = AudioStart {
            format: self.format,
            timestamp: self.timestamp,
        };
        Event {
            kind: Self::KIND.into(),
            payload: self.audio.clone(),
            ..head.event()
        }
    }

    /// This chunk out of an event.
    ///
    /// # Errors
    /// When the event is not an audio chunk, or lacks the format.
    pub fn from_event(event: &Event) -> Result<Self, CodecError> {
        if event.kind != Self::KIND {
            return Err(CodecError::Unexpected {
                expected: Self::KIND,
                found: event.kind.clone(),
            });
        }
        let head: AudioStart =
            serde_json::from_value(Value::Object(event.data.clone())).map_err(|source| {
                CodecError::Message {
                    kind: event.kind.clone(),
                    source,
                }
            })?;
        Ok(Self {
            format: head.format,
            timestamp: head.timestamp,
            audio: event.payload.clone(),
        })
    }
}

/// Audio ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AudioStop {
    /// Where the audio ends, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
}

/// Asks a service what it is; it answers with [`super::info::Info`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Describe {}

/// Asks for a [`Pong`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {
    /// Copied to the answer.
    #[serde(default)]
    pub text: Option<String>,
}

/// The answer to a [`Ping`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pong {
    /// The text of the ping.
    #[serde(default)]
    pub text: Option<String>,
}

/// The event `error`: the request failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong, for people.
    pub text: String,
    /// What went wrong, for programs: one of [`code`]'s from our workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Failure {
    /// A failure with one of the codes of [`code`].
    #[must_use]
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: Some(code.into()),
        }
    }
}

/// The codes of [`Failure`] that our workers send.
pub mod code {
    /// Too many connections or requests at once; try again.
    pub const BUSY: &str = "busy";
    /// The request cannot be answered as it is: a language, format or length out of range.
    pub const BAD_REQUEST: &str = "bad-request";
    /// The engine failed.
    pub const ENGINE: &str = "engine";
    /// The worker is stopping.
    pub const STOPPING: &str = "stopping";
}

/// Asks a wake service to listen for its words in the audio that follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Detect {
    /// Names of wake words; none: whatever the service listens for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

/// A wake word was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Detection {
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where in the audio, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
}

/// Asks for a transcript of the audio that follows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcribe {
    /// The model to use; ours has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language spoken (`en`, `fr`); none: detect it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Ours reads `prompt` (a text that biases the decoder) from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
    /// Names that should bias the recognition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_names: Option<Vec<String>>,
    /// Terms that should bias the recognition, after the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_terms: Option<Vec<String>>,
}

/// The answer to [`Transcribe`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// What was said.
    pub text: String,
    /// The language of `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What else the engine knows; see [`crate::stt::Evidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
}

/// Which voice to speak with: by name, else by language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Voice {
    /// A voice of the service's info.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A language, when no name is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// A speaker of a voice with many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// Asks for speech; the answer is audio-start, audio-chunk..., audio-stop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Synthesize {
    /// What to say.
    pub text: String,
    /// With which voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    /// `text` (the default) or `ssml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_format: Option<String>,
    /// What else the engine should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
}

/// Begins a request whose text comes in pieces.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SynthesizeStart {
    /// With which voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    /// What else the engine should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
}

/// A piece of text to say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SynthesizeChunk {
    /// The piece.
    pub text: String,
}

/// Ends the text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SynthesizeStop {}

/// Ends the audio of a request whose text came in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SynthesizeStopped {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chunk_carries_its_format_beside_its_audio() {
        let chunk = AudioChunk {
            format: AudioFormat::SPEECH,
            timestamp: Some(20),
            audio: Bytes::from_static(&[1, 0, 2, 0]),
        };
        let event = chunk.event();
        assert_eq!(
            Value::Object(event.data.clone()),
            json!({"rate": 16000, "width": 2, "channels": 1, "timestamp": 20})
        );
        assert_eq!(AudioChunk::from_event(&event).unwrap(), chunk);
    }

    #[test]
    fn null_fields_are_absent_fields() {
        let event = Event {
            kind: "transcribe".into(),
            data: json!({"language": null, "context": {"prompt": "mocha"}, "vad_sensitivity": 1})
                .as_object()
                .unwrap()
                .clone(),
            payload: Bytes::new(),
        };
        let request = Transcribe::from_event(&event).unwrap();
        assert_eq!(request.language, None);
        assert_eq!(request.context.unwrap()["prompt"], "mocha");
    }

    #[test]
    fn says_what_an_event_lacks() {
        let error = Transcript::from_event(&Event::new("transcript"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("missing field `text`"), "{error}");
        let error = Transcript::from_event(&Event::new("pong"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "expected the event \"transcript\", found \"pong\"");
    }

    #[test]
    fn a_message_without_data_is_an_event_without_data() {
        assert_eq!(Describe {}.event(), Event::new("describe"));
    }
}
