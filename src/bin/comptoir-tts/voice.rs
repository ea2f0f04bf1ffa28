//! A voice of either family, and what goes wrong with one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::clauses::{Ending, Lengths, Piece};
use crate::kokoro::{self, KokoroModel, KokoroVoice};
use crate::level;
use crate::options::{VoiceFiles, VoiceSpec};
use crate::phonemes::Accent;
use crate::piper::{self, PiperVoice};

/// What went wrong with a voice.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A file of the voice is missing or not what it should be.
    #[error("cannot use the voice file {}: {reason}; run `comptoir models fetch`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Kokoro is not wired for a language.
    #[error("the Kokoro voice {voice} is to speak {language:?}, en and fr are supported")]
    Language {
        /// The voice.
        voice: String,
        /// The language asked for.
        language: String,
    },
    /// An engine failed to speak.
    #[error("the speech engine failed: {0}")]
    Engine(String),
}

impl VoiceError {
    /// A file that cannot be used, and why.
    pub fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}

/// Settings of every network's session: as many threads as told, which sleep when there is
/// nothing to do (by default they spin, and take the processor from the language model).
pub fn session(threads: usize) -> ort::Result<SessionBuilder> {
    Ok(Session::builder()?
        .with_intra_threads(threads)?
        .with_intra_op_spinning(false)?
        // Dequantised weights are constants, not half of a quantised operator: widened once.
        .with_quant_qdq(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?)
}

/// What clients may know of a voice.
#[derive(Debug, Clone)]
pub struct VoiceFacts {
    /// Its name: `en_US-joe-medium`, `ff_siwis`.
    pub name: String,
    /// The language it speaks.
    pub language: String,
    /// `Piper` or `Kokoro`.
    pub family: &'static str,
    /// Samples a second, Hz.
    pub rate: u32,
    /// How long its pieces should be.
    pub lengths: Lengths,
    /// The ids of its speakers, when it has several.
    pub speakers: HashMap<String, i64>,
}

// One a language: the difference in size is nothing.
#[allow(clippy::large_enum_variant)]
enum Family {
    Piper(PiperVoice),
    Kokoro(KokoroVoice),
}

/// A voice, loaded and warm.
pub struct Voice {
    family: Family,
    /// What clients may know of it.
    pub facts: VoiceFacts,
    gain: f32,
}

impl Voice {
    /// Speaks a piece; the samples are ready to be played at the voice's rate.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn speak(
        &mut self,
        piece: &Piece,
        last: bool,
        speaker: Option<i64>,
    ) -> Result<Vec<f32>, VoiceError> {
        let samples = self.raw(&with_ending(piece), speaker)?;
        Ok(level::finish(
            samples,
            self.facts.rate,
            self.gain,
            piece.ending,
            last,
        ))
    }

    fn raw(&mut self, text: &str, speaker: Option<i64>) -> Result<Vec<f32>, VoiceError> {
        match &mut self.family {
            Family::Piper(voice) => voice.speak(text, speaker),
            Family::Kokoro(voice) => voice.speak(text),
        }
    }

    /// Speaks a sentence that nobody hears: sets the gain, and spares the first listener what
    /// the first run costs.
    fn warm(&mut self) -> Result<(), VoiceError> {
        let english = self.facts.language.starts_with("en");
        let sentence = if english {
            "Good morning, what can I do for you?"
        } else {
            "Bonjour, que puis-je faire pour vous ?"
        };
        let samples = self.raw(sentence, None)?;
        if samples.is_empty() {
            return Err(VoiceError::Engine(format!(
                "{} gave no audio for a greeting",
                self.facts.name
            )));
        }
        self.gain = level::gain(&samples);
        Ok(())
    }
}

/// The text of a piece with the mark that gives it its melody: espeak ends what has no mark as
/// if it were a sentence.
fn with_ending(piece: &Piece) -> String {
    let mut text = piece.text.replace('\n', " ");
    if text.ends_with(char::is_alphanumeric) {
        text.push(match piece.ending {
            Ending::Sentence => '.',
            Ending::Clause | Ending::Word => ',',
        });
    }
    text
}

/// The voices, some of which share a network.
#[derive(Default)]
pub struct Loader {
    kokoro: HashMap<PathBuf, Rc<RefCell<KokoroModel>>>,
}

impl Loader {
    /// Loads a voice and warms it.
    ///
    /// # Errors
    /// When a file is missing or not what it should be, or an engine fails.
    pub fn load(
        &mut self,
        spec: &VoiceSpec,
        threads: usize,
        small_memory: bool,
    ) -> Result<Voice, VoiceError> {
        let facts = VoiceFacts {
            name: spec.name(),
            language: spec.language.clone(),
            family: "Piper",
            rate: kokoro::RATE,
            lengths: piper::LENGTHS,
            speakers: HashMap::new(),
        };
        let (family, facts) = match &spec.files {
            VoiceFiles::Piper { model } => {
                let voice = PiperVoice::load(model, threads)?;
                let facts = VoiceFacts {
                    rate: voice.rate,
                    speakers: voice.speakers.clone(),
                    ..facts
                };
                (Family::Piper(voice), facts)
            }
            VoiceFiles::Kokoro { model, style } => {
                let accent = accent(spec)?;
                let styles = kokoro::styles(style)?;
                let shared = match self.kokoro.get(model) {
                    Some(shared) => Rc::clone(shared),
                    None => {
                        let loaded = KokoroModel::load(model, threads, small_memory)?;
                        let shared = Rc::new(RefCell::new(loaded));
                        self.kokoro.insert(model.clone(), Rc::clone(&shared));
                        shared
                    }
                };
                let facts = VoiceFacts {
                    family: "Kokoro",
                    lengths: kokoro::LENGTHS,
                    ..facts
                };
                (
                    Family::Kokoro(KokoroVoice::new(shared, styles, accent)),
                    facts,
                )
            }
        };
        let mut voice = Voice {
            family,
            facts,
            gain: 1.0,
        };
        voice.warm()?;
        Ok(voice)
    }
}

/// How a Kokoro voice pronounces.
fn accent(spec: &VoiceSpec) -> Result<Accent, VoiceError> {
    Accent::of(&spec.language, &spec.name()).ok_or_else(|| VoiceError::Language {
        voice: spec.name(),
        language: spec.language.clone(),
    })
}

/// Checks what can be checked of a voice's files before anything slow begins.
///
/// # Errors
/// A sentence for the first that is missing or not what it should be.
pub fn check_files(spec: &VoiceSpec) -> Result<(), VoiceError> {
    let path = spec.files.model();
    match std::fs::metadata(path) {
        Err(e) => return Err(VoiceError::file(path, e)),
        Ok(found) if !found.is_file() => return Err(VoiceError::file(path, "it is not a file")),
        Ok(found) if found.len() == 0 => return Err(VoiceError::file(path, "it is empty")),
        Ok(_) => {}
    }
    match &spec.files {
        VoiceFiles::Piper { model } => piper::settings(model).map(drop),
        VoiceFiles::Kokoro { style, .. } => {
            accent(spec)?;
            kokoro::styles(style).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_ends_with_the_mark_of_its_melody() {
        let piece = |text: &str, ending| {
            with_ending(&Piece {
                text: text.into(),
                ending,
            })
        };
        assert_eq!(piece("Which one?", Ending::Sentence), "Which one?");
        assert_eq!(piece("no mark", Ending::Sentence), "no mark.");
        assert_eq!(piece("cut here", Ending::Word), "cut here,");
        assert_eq!(piece("a\nb,", Ending::Clause), "a b,");
    }
}
