//! What a Wyoming service says about itself.

use serde::{Deserialize, Serialize};

use super::message::Message;

/// The answer to [`super::message::Describe`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// Speech to text.
    pub asr: Vec<AsrProgram>,
    /// Text to speech.
    pub tts: Vec<TtsProgram>,
}

impl Message for Info {
    const KIND: &'static str = "info";
}

/// Who made a thing, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attribution {
    /// Who.
    pub name: String,
    /// Where.
    pub url: String,
}

/// What programs, models and voices have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name or id.
    pub name: String,
    /// Who made it.
    pub attribution: Attribution,
    /// Whether it can be used now.
    pub installed: bool,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
}

/// A speech to text service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AsrProgram {
    /// What it is.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// Its models.
    #[serde(default)]
    pub models: Vec<AsrModel>,
    /// Whether it sends pieces of a transcript as it goes.
    #[serde(default)]
    pub supports_transcript_streaming: bool,
    /// Whether the client must say when the utterance ends.
    #[serde(default = "yes")]
    pub requires_external_vad: bool,
}

fn yes() -> bool {
    true
}

/// A speech to text model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AsrModel {
    /// What it is.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// The languages it hears (`en`, `fr`).
    #[serde(default)]
    pub languages: Vec<String>,
}

/// A text to speech service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TtsProgram {
    /// What it is.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// Its voices.
    #[serde(default)]
    pub voices: Vec<TtsVoice>,
    /// Whether it takes text in pieces.
    #[serde(default)]
    pub supports_synthesize_streaming: bool,
}

/// A voice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TtsVoice {
    /// What it is.
    #[serde(flatten)]
    pub artifact: Artifact,
    /// The languages it speaks (`en`, `fr`).
    #[serde(default)]
    pub languages: Vec<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_an_info_with_fields_we_do_not_know() {
        let event = crate::wyoming::Event {
            kind: "info".into(),
            data: json!({"asr": [{"name": "faster-whisper", "attribution": {"name": "a", "url": "b"},
                "installed": true, "description": "d", "version": "3", "prefers_auto_gain_enabled": true,
                "models": [{"name": "base", "attribution": {"name": "a", "url": "b"}, "installed": true,
                    "description": null, "version": null, "languages": ["en", "fr"]}]}],
                "wake": [], "satellite": {"area": "till"}})
            .as_object()
            .unwrap()
            .clone(),
            ..Default::default()
        };
        let info = Info::from_event(&event).unwrap();
        assert_eq!(info.asr[0].artifact.name, "faster-whisper");
        assert!(info.asr[0].requires_external_vad);
        assert_eq!(info.asr[0].models[0].languages, ["en", "fr"]);
        assert_eq!(info.tts, []);
    }

    #[test]
    fn writes_every_field_the_protocol_wants() {
        let program = TtsProgram {
            voices: vec![TtsVoice {
                languages: vec!["fr".into()],
                ..Default::default()
            }],
            ..Default::default()
        };
        let event = Info {
            tts: vec![program],
            ..Default::default()
        }
        .event();
        let voice = &event.data["tts"][0]["voices"][0];
        for field in [
            "name",
            "attribution",
            "installed",
            "description",
            "version",
            "languages",
        ] {
            assert!(voice.get(field).is_some(), "no {field}");
        }
    }
}
