//! Settings: `comptoir.toml`, above it the environment (`COMPTOIR_*`), above that the flags.
//!
//! Every key has a default; unknown keys are refused with their place in the file. The keys are
//! described in `comptoir.example.toml`, which a test reads. The environment's name of a key is
//! its path in upper case: `stt.uri` is `COMPTOIR_STT_URI`.

mod backend;
mod catalog;
mod hub;

pub use backend::{Backend, Secret};
pub use catalog::{Catalog, CatalogSource, HeaderValue};
pub use hub::Hub;

use crate::lang::Language;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The language a session begins in when nothing else tells.
    pub language: Language,
    /// The languages that may be spoken here; detection chooses among them.
    pub languages: Vec<Language>,
    /// The folder that holds the shop's state. Empty: the user's data folder.
    pub data: PathBuf,
    /// Speech to text.
    pub stt: Stt,
    /// The language model.
    pub llm: Llm,
    /// Text to speech.
    pub tts: Tts,
    /// When an utterance ends.
    pub vad: Vad,
    /// The live daemon.
    pub live: Live,
    /// The wake word.
    pub wake: Wake,
    /// Model files.
    pub models: Models,
    /// The shop's backend.
    pub backend: Backend,
    /// Where the catalog comes from.
    pub catalog: Catalog,
    /// The reference backend (`comptoir hub`).
    pub hub: Hub,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: Language::En,
            languages: Language::ALL.to_vec(),
            data: PathBuf::new(),
            stt: Stt::default(),
            llm: Llm::default(),
            tts: Tts::default(),
            vad: Vad::default(),
            live: Live::default(),
            wake: Wake::default(),
            models: Models::default(),
            backend: Backend::default(),
            catalog: Catalog::default(),
            hub: Hub::default(),
        }
    }
}

/// Speech to text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stt {
    /// A Wyoming ASR service (`tcp://gpu-box:10300`). Empty: our own worker is started.
    pub uri: String,
    /// The model's id in the manifest, or a path.
    pub model: String,
    /// Threads of the worker.
    pub threads: u16,
    /// How long one utterance may take, ms.
    pub deadline_ms: u64,
}

impl Default for Stt {
    fn default() -> Self {
        Self {
            uri: String::new(),
            model: "whisper-base".into(),
            threads: 2,
            deadline_ms: 15_000,
        }
    }
}

/// Which model understands, and how it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LlmProfile {
    /// The small model tuned for the command set, on this machine.
    #[default]
    Small,
    /// A general instruct model on this machine.
    Standard,
    /// Any OpenAI-compatible server, at `llm.url`.
    Remote,
    /// No model: the fast path and the lexical parser only.
    None,
}

/// The language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Llm {
    /// Which model, and how it is asked.
    pub profile: LlmProfile,
    /// An OpenAI-compatible server (`http://gpu-box:8000/v1`). Empty: our own worker is started.
    pub url: String,
    /// Its bearer token. Better in the environment: `COMPTOIR_LLM_TOKEN`.
    pub token: String,
    /// The model's id in the manifest, a path, or the name that a remote server knows. Empty: the
    /// profile's own.
    pub model: String,
    /// A LoRA adapter in GGUF. Empty: the small profile's own model has ours, others none.
    pub adapter: String,
    /// A general model that is asked too where the small one is not sure: an id or a path. Empty:
    /// none.
    pub second: String,
    /// Below this confidence of the small model, 0 to 1, the second is asked.
    pub second_below: f32,
    /// Threads that generate.
    pub threads: u16,
    /// Threads that read the prompt.
    pub batch_threads: u16,
    /// Layers on the GPU, in a build that has one.
    pub gpu_layers: u32,
    /// How long one utterance may take, ms; then the lexical parser answers.
    pub deadline_ms: u64,
}

impl Default for Llm {
    fn default() -> Self {
        Self {
            profile: LlmProfile::default(),
            url: String::new(),
            token: String::new(),
            model: String::new(),
            second: String::new(),
            second_below: 0.5,
            adapter: String::new(),
            threads: 1,
            batch_threads: 2,
            gpu_layers: 0,
            deadline_ms: 12_000,
        }
    }
}

impl Llm {
    /// The model that these settings come to: an id, a path, or a remote server's name for it.
    #[must_use]
    pub fn model(&self) -> &str {
        match self.profile {
            _ if !self.model.is_empty() => &self.model,
            LlmProfile::Small => "gemma-3-270m",
            LlmProfile::Standard => "qwen2.5-coder-1.5b-instruct",
            LlmProfile::Remote | LlmProfile::None => "default",
        }
    }

    /// The settings of the second model, where there is one.
    #[must_use]
    pub fn second(&self) -> Option<Self> {
        (self.profile == LlmProfile::Small && !self.second.is_empty()).then(|| Self {
            profile: LlmProfile::Standard,
            url: String::new(),
            model: self.second.clone(),
            adapter: String::new(),
            second: String::new(),
            ..self.clone()
        })
    }

    /// Whether the model runs with the adapter that is part of this program.
    #[must_use]
    pub fn takes_our_adapter(&self) -> bool {
        self.profile == LlmProfile::Small && self.model.is_empty() && self.adapter.is_empty()
    }
}

/// Text to speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tts {
    /// A Wyoming TTS service. Empty: our own worker is started.
    pub uri: String,
    /// The voice of each language: a model's id in the manifest, or
    /// `PATH.onnx` (Piper), or `kokoro:MODEL.onnx:VOICE.bin`.
    pub voices: BTreeMap<Language, String>,
    /// Threads of the worker.
    pub threads: u16,
    /// How long until the first audio of a reply may take, ms.
    pub deadline_ms: u64,
}

impl Default for Tts {
    fn default() -> Self {
        Self {
            uri: String::new(),
            voices: [
                (Language::En, "piper-en-joe".to_owned()),
                (Language::Fr, "kokoro-ff-siwis".to_owned()),
            ]
            .into(),
            threads: 2,
            deadline_ms: 15_000,
        }
    }
}

/// When an utterance ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vad {
    /// Silence that ends an utterance, ms (200 to 2000).
    pub silence_ms: u32,
    /// Speech below this is no utterance, ms.
    pub min_speech_ms: u32,
    /// An utterance is cut here, ms (1000 to 30000).
    pub max_utterance_ms: u32,
}

impl Default for Vad {
    fn default() -> Self {
        Self {
            silence_ms: 500,
            min_speech_ms: 120,
            max_utterance_ms: 30_000,
        }
    }
}

/// The live daemon (`comptoir run`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Live {
    /// The microphone, by its name or a part of it. Empty: the system's.
    pub input: String,
    /// The loudspeaker, by its name or a part of it. Empty: the system's.
    pub output: String,
    /// Whether whoever speaks is heard, without touch, key or wake word.
    pub open: bool,
    /// Whether noise is suppressed.
    pub denoise: bool,
    /// Silence after which a session ends, s (10 to 600).
    pub idle_s: u32,
    /// Where `POST /v1/push_to_talk` is served: a loopback address, or `off`.
    pub listen: String,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            input: String::new(),
            output: String::new(),
            open: false,
            denoise: true,
            idle_s: 60,
            listen: "127.0.0.1:7878".into(),
        }
    }
}

/// The wake word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wake {
    /// A Wyoming wake service. Empty: none.
    pub uri: String,
    /// Which of its words. Empty: any.
    pub word: String,
}

/// Which licences a model may have here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Licences {
    /// For trying out: every model loads, and its licence is printed.
    #[default]
    Any,
    /// For a shop: only models whose licence allows commercial use, or that are accepted by name.
    Commercial,
}

/// Model files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// Where they are. Empty: `~/.cache/comptoir/models`.
    pub folder: PathBuf,
    /// Which licences may load.
    pub licences: Licences,
    /// Licences accepted by name although they are not commercial.
    pub accept: Vec<String>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("expected settings in {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key or value is wrong.
    #[error(
        "{place}: {message}; comptoir.example.toml (or `comptoir settings --example`) lists every key"
    )]
    Wrong {
        /// The file, or the environment variable.
        place: String,
        /// What was expected and found.
        message: String,
    },
}

impl Settings {
    /// The documented example, which sets every key to its default.
    pub const EXAMPLE: &str = include_str!("../comptoir.example.toml");

    /// Reads settings.
    ///
    /// `file` is the one named by the user (it must exist); without it `comptoir.toml` in the
    /// working folder and then in the user's configuration folder are looked for. `vars` are the
    /// environment's variables; those that begin with `COMPTOIR_` and name a key are used.
    ///
    /// # Errors
    /// [`SettingsError`] names the file or variable, and what is wrong.
    pub fn load(
        file: Option<&Path>,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let found = file.map(Path::to_owned).or_else(|| {
            [
                Some(PathBuf::from("comptoir.toml")),
                dirs::config_dir().map(|d| d.join("comptoir/comptoir.toml")),
            ]
            .into_iter()
            .flatten()
            .find(|p| p.is_file())
        });
        let mut table = match &found {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
                    path: path.clone(),
                    source,
                })?;
                // Read as settings first: its errors name the line.
                let read = toml::from_str::<Self>(&text).map_err(|e| SettingsError::Wrong {
                    place: path.display().to_string(),
                    message: e.to_string().trim().replace('\n', " "),
                })?;
                if !read.backend.secret.is_empty() {
                    return Err(SettingsError::Wrong {
                        place: path.display().to_string(),
                        message: "expected the backend's secret in backend.secret_file or in \
                                  COMPTOIR_BACKEND_SECRET, found it among the settings"
                            .to_owned(),
                    });
                }
                toml::from_str(&text).map_err(|e| SettingsError::Wrong {
                    place: path.display().to_string(),
                    message: e.to_string(),
                })?
            }
        };
        let keys = Self::keys();
        for (name, value) in vars {
            if let Some((path, default)) = keys.get(&name) {
                set(
                    &mut table,
                    path,
                    read_value(&value, default).map_err(|message| SettingsError::Wrong {
                        place: name.clone(),
                        message,
                    })?,
                );
            }
        }
        let settings: Self =
            table
                .try_into()
                .map_err(|e: toml::de::Error| SettingsError::Wrong {
                    place: "the environment's COMPTOIR_ variables".into(),
                    message: e.to_string().trim().replace('\n', " "),
                })?;
        settings.check()?;
        Ok(settings)
    }

    /// Every key that the environment may set: the variable's name, the path, the default.
    fn keys() -> BTreeMap<String, (Vec<String>, toml::Value)> {
        fn walk(
            table: &toml::Table,
            path: &[String],
            out: &mut BTreeMap<String, (Vec<String>, toml::Value)>,
        ) {
            for (key, value) in table {
                let path: Vec<String> = path.iter().cloned().chain([key.clone()]).collect();
                match value {
                    toml::Value::Table(t) => walk(t, &path, out),
                    leaf => {
                        let name = format!("COMPTOIR_{}", path.join("_").to_uppercase());
                        out.insert(name, (path, leaf.clone()));
                    }
                }
            }
        }
        let mut out = BTreeMap::new();
        if let Ok(table) = toml::Table::try_from(Self::default()) {
            walk(&table, &[], &mut out);
        }
        out
    }

    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |message: String| {
            Err(SettingsError::Wrong {
                place: "settings".into(),
                message,
            })
        };
        if self.languages.is_empty() {
            return wrong("expected at least one language in `languages`, found none".into());
        }
        if !self.languages.contains(&self.language) {
            return wrong(format!(
                "expected `language` to be one of `languages`, found {}",
                self.language
            ));
        }
        if !(200..=2000).contains(&self.vad.silence_ms) {
            return wrong(format!(
                "expected vad.silence_ms from 200 to 2000, found {}",
                self.vad.silence_ms
            ));
        }
        if !(10..=600).contains(&self.live.idle_s) {
            return wrong(format!(
                "expected live.idle_s from 10 to 600, found {}",
                self.live.idle_s
            ));
        }
        if !(1000..=30_000).contains(&self.vad.max_utterance_ms) {
            return wrong(format!(
                "expected vad.max_utterance_ms from 1000 to 30000, found {}",
                self.vad.max_utterance_ms
            ));
        }
        if self.llm.profile == LlmProfile::Remote && self.llm.url.is_empty() {
            return wrong("llm.profile is \"remote\": expected llm.url, found none".into());
        }
        self.backend.check().or_else(wrong)?;
        if let Err(message) = self.catalog.check() {
            return wrong(message);
        }
        if let Some(message) = self.hub.wrong() {
            return wrong(message);
        }
        let llm = &self.llm;
        if llm.profile == LlmProfile::Small && llm.adapter.is_empty() != llm.model.is_empty() {
            return wrong(
                "llm.profile is \"small\": expected llm.model and llm.adapter both or neither, found one; \
                 an adapter fits one model, and a model without it does not know the wire form"
                    .into(),
            );
        }
        Ok(())
    }

    /// The folder of the shop's state.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        if self.data.as_os_str().is_empty() {
            dirs::data_dir()
                .unwrap_or_else(std::env::temp_dir)
                .join("comptoir")
        } else {
            self.data.clone()
        }
    }
}

fn set(table: &mut toml::Table, path: &[String], value: toml::Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let entry = table
                .entry(first.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = entry {
                set(inner, rest, value);
            }
        }
    }
}

/// Reads a variable's text as the type of the key's default.
fn read_value(text: &str, default: &toml::Value) -> Result<toml::Value, String> {
    match default {
        toml::Value::Integer(_) => text
            .parse()
            .map(toml::Value::Integer)
            .map_err(|_| format!("expected a whole number, found `{text}`")),
        toml::Value::Float(_) => text
            .parse()
            .map(toml::Value::Float)
            .map_err(|_| format!("expected a number, found `{text}`")),
        toml::Value::Boolean(_) => text
            .parse()
            .map(toml::Value::Boolean)
            .map_err(|_| format!("expected true or false, found `{text}`")),
        toml::Value::Array(_) => Ok(toml::Value::Array(
            text.split(',')
                .filter(|s| !s.is_empty())
                .map(|s| s.trim().to_owned().into())
                .collect(),
        )),
        _ => Ok(text.to_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load(text: &str, vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("comptoir.toml");
        std::fs::write(&file, text).unwrap();
        Settings::load(
            Some(&file),
            vars.iter().map(|(k, v)| ((*k).into(), (*v).into())),
        )
    }

    #[test]
    fn the_example_sets_every_key_to_its_default() {
        let example: Settings = toml::from_str(Settings::EXAMPLE).unwrap();
        assert_eq!(example, Settings::default());
        let table: toml::Table = toml::from_str(Settings::EXAMPLE).unwrap();
        for (path, _) in Settings::keys().values() {
            let mut at = &toml::Value::Table(table.clone());
            for key in path {
                at = at
                    .get(key)
                    .unwrap_or_else(|| panic!("{} is not in the example", path.join(".")));
            }
        }
    }

    #[test]
    fn the_environment_stands_above_the_file() {
        let s = load(
            "language = \"fr\"\n[stt]\nuri = \"tcp://a:1\"\n",
            &[
                ("COMPTOIR_STT_URI", "tcp://b:2"),
                ("COMPTOIR_LLM_DEADLINE_MS", "900"),
                ("COMPTOIR_TTS_VOICES_EN", "x.onnx"),
                ("HOME", "/"),
            ],
        )
        .unwrap();
        assert_eq!(
            (s.language, s.stt.uri.as_str()),
            (Language::Fr, "tcp://b:2")
        );
        assert_eq!(s.llm.deadline_ms, 900);
        assert_eq!(s.tts.voices[&Language::En], "x.onnx");
    }

    #[test]
    fn a_key_that_does_not_exist_is_named_with_its_line() {
        let e = load("[stt]\nurl = \"tcp://a:1\"\n", &[])
            .unwrap_err()
            .to_string();
        assert!(
            e.contains("line 2") && e.contains("url") && e.contains("uri"),
            "{e}"
        );
        let e = load("[backend]\nsecret = \"open sesame\"\n", &[])
            .unwrap_err()
            .to_string();
        assert!(
            e.contains("secret_file") && !e.contains("sesame"),
            "secrets are in no settings file: {e}"
        );
        let from_environment = load("", &[("COMPTOIR_BACKEND_SECRET", "open sesame")]).unwrap();
        assert!(!from_environment.backend.secret.is_empty());
        let e = load("", &[("COMPTOIR_STT_THREADS", "many")])
            .unwrap_err()
            .to_string();
        assert!(
            e.contains("COMPTOIR_STT_THREADS") && e.contains("whole number"),
            "{e}"
        );
        let e = load("[vad]\nsilence_ms = 5\n", &[])
            .unwrap_err()
            .to_string();
        assert!(e.contains("200 to 2000"), "{e}");
    }
}
