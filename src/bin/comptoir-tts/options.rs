//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use comptoir::wyoming::Uri;

/// Speaks text: a Wyoming text-to-speech service with Piper and Kokoro voices.
///
/// Prints `ready URI` on standard output once it can serve. Exit codes: 0 stopped as asked,
/// 1 failed while serving, 2 could not start (the message says what to do).
#[derive(Debug, Parser)]
#[command(name = "comptoir-tts", version, max_term_width = 100)]
pub struct Options {
    /// Where to serve: unix://PATH, tcp://HOST:PORT (port 0 picks a free one) or stdio://
    #[arg(long, value_name = "URI")]
    pub uri: Uri,

    /// A voice and its language; repeat for more. The first of a language is its default.
    ///
    /// LANG=PATH.onnx is a Piper voice, with PATH.onnx.json beside it.
    /// LANG=kokoro:MODEL.onnx:VOICE.bin is a Kokoro voice.
    #[arg(
        long = "voice",
        value_name = "LANG=VOICE",
        required = true,
        verbatim_doc_comment
    )]
    pub voices: Vec<VoiceSpec>,

    /// The ONNX Runtime library, 1.24 or later [default: libonnxruntime.so* beside the voices or
    /// in the model folder]
    #[arg(long, value_name = "PATH", env = "ORT_DYLIB_PATH")]
    pub ort: Option<PathBuf>,

    /// The espeak-ng-data folder, or the folder it is in [default: beside this program, as built,
    /// or the system's]
    #[arg(
        long,
        value_name = "DIR",
        env = comptoir_env::ESPEAK_DATA
    )]
    pub espeak_data: Option<PathBuf>,

    /// Threads that compute speech [default: 2, or 1 on a single core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,

    /// Keep the convolutions of Kokoro in int8: half the speed, 200 MB less memory
    #[arg(long)]
    pub small_memory: bool,

    /// Stop when the process that started this one ends
    #[arg(long)]
    pub with_parent: bool,
}

/// Names of environment variables.
pub mod comptoir_env {
    /// What espeak-rs reads to find the folder that contains `espeak-ng-data`.
    pub const ESPEAK_DATA: &str = "PIPER_ESPEAKNG_DATA_DIRECTORY";
}

impl Options {
    /// How many threads compute speech.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        self.threads.map_or(cores.min(2), usize::from)
    }
}

/// A `--voice` argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceSpec {
    /// The language it speaks, as given: `en`, `fr`, `en-GB`.
    pub language: String,
    /// The files it is made of.
    pub files: VoiceFiles,
}

/// The files of a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceFiles {
    /// A Piper voice.
    Piper {
        /// The network; its settings are in the file with `.json` added.
        model: PathBuf,
    },
    /// A Kokoro voice.
    Kokoro {
        /// The network, shared by all voices.
        model: PathBuf,
        /// The style of the speaker.
        style: PathBuf,
    },
}

impl VoiceFiles {
    /// The file that gives the voice its name.
    fn named_by(&self) -> &PathBuf {
        match self {
            Self::Piper { model } => model,
            Self::Kokoro { style, .. } => style,
        }
    }

    /// The network.
    pub fn model(&self) -> &PathBuf {
        match self {
            Self::Piper { model } | Self::Kokoro { model, .. } => model,
        }
    }
}

impl VoiceSpec {
    /// The voice's name, as its file's: `en_US-joe-medium`, `ff_siwis`.
    pub fn name(&self) -> String {
        let stem = self.files.named_by().file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }
}

/// A `--voice` argument that is not a voice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected LANG=PATH.onnx (Piper) or LANG=kokoro:MODEL.onnx:VOICE.bin (Kokoro), such as \
     en=en_US-joe-medium.onnx; {0}"
)]
pub struct NotAVoice(String);

impl FromStr for VoiceSpec {
    type Err = NotAVoice;

    fn from_str(text: &str) -> Result<Self, NotAVoice> {
        let error = |reason: String| Err(NotAVoice(reason));
        let Some((language, voice)) = text.split_once('=') else {
            return error(format!("{text:?} has no language before a ="));
        };
        let is_tag = language.len() >= 2
            && language.starts_with(|c: char| c.is_ascii_alphabetic())
            && language
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !is_tag {
            return error(format!("{language:?} is not a language, such as en or fr"));
        }
        let files = match voice.strip_prefix("kokoro:") {
            None if voice.is_empty() => return error("no file is named".into()),
            None => VoiceFiles::Piper {
                model: voice.into(),
            },
            Some(rest) => match rest.rsplit_once(':') {
                Some((model, style)) if !model.is_empty() && !style.is_empty() => {
                    VoiceFiles::Kokoro {
                        model: model.into(),
                        style: style.into(),
                    }
                }
                _ => return error(format!("{rest:?} names not both a model and a voice")),
            },
        };
        Ok(Self {
            language: language.into(),
            files,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_of_voices() {
        let piper: VoiceSpec = "en=/m/en_US-joe-medium.onnx".parse().unwrap();
        assert_eq!(piper.name(), "en_US-joe-medium");
        let kokoro: VoiceSpec = "fr-FR=kokoro:/m/k.onnx:/m/ff_siwis.bin".parse().unwrap();
        assert_eq!(kokoro.language, "fr-FR");
        assert_eq!(kokoro.name(), "ff_siwis");
        assert_eq!(kokoro.files.model(), &PathBuf::from("/m/k.onnx"));
    }

    #[test]
    fn says_what_a_voice_looks_like() {
        for text in [
            "voice.onnx",
            "=a.onnx",
            "en=",
            "fr=kokoro:model.onnx",
            "f r=a",
        ] {
            let error = text.parse::<VoiceSpec>().unwrap_err().to_string();
            assert!(error.contains("LANG=PATH.onnx"), "{error}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }
}
