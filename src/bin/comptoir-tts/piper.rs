//! Piper voices (<https://github.com/OHF-Voice/piper1-gpl>), spoken by piper-rs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use piper_rs::{ModelConfig, Piper};

use crate::clauses::Lengths;
use crate::phonemes;
use crate::voice::{VoiceError, session};

/// Piper needs 20 ms for a second of speech: whole sentences, and the first clause by itself
/// only when the sentence is long.
pub const LENGTHS: Lengths = Lengths {
    first: 90,
    growth: 4.0,
    longest: 240,
    shortest: 12,
};

/// A Piper voice, loaded.
pub struct PiperVoice {
    piper: Piper,
    /// espeak-ng's name of the voice that pronounces for it.
    pronounced_by: String,
    /// Hz.
    pub rate: u32,
    /// The ids of its speakers, when it has several.
    pub speakers: HashMap<String, i64>,
}

/// The file with a voice's settings: the network's name with `.json` added.
pub fn settings_of(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Reads a voice's settings.
///
/// # Errors
/// When the file is missing or not the settings of a voice that can be spoken.
pub fn settings(model: &Path) -> Result<ModelConfig, VoiceError> {
    let path = settings_of(model);
    let text = std::fs::read_to_string(&path).map_err(|e| VoiceError::file(&path, e))?;
    let config: ModelConfig = serde_json::from_str(&text).map_err(|e| {
        VoiceError::file(
            &path,
            format!("it is not the settings of a Piper voice: {e}"),
        )
    })?;
    let rate = config.audio.sample_rate;
    if !(8000..=192_000).contains(&rate) {
        let reason = format!("its sample rate is {rate} Hz, from 8000 to 192000 are spoken");
        return Err(VoiceError::file(&path, reason));
    }
    Ok(config)
}

impl PiperVoice {
    /// Loads a voice.
    ///
    /// # Errors
    /// When a file is missing or not what it should be.
    pub fn load(model: &Path, threads: usize) -> Result<Self, VoiceError> {
        let config = settings(model)?;
        let rate = config.audio.sample_rate;
        let pronounced_by = config.espeak.voice.clone();
        let session = session(threads)
            .and_then(|mut builder| builder.commit_from_file(model))
            .map_err(|e| VoiceError::file(model, e))?;
        let piper = Piper::from_session(session, config);
        let speakers = piper.voices().cloned().unwrap_or_default();
        Ok(Self {
            piper,
            pronounced_by,
            rate,
            speakers,
        })
    }

    /// Speaks a piece.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn speak(&mut self, text: &str, speaker: Option<i64>) -> Result<Vec<f32>, VoiceError> {
        // piper-rs would leave out the punctuation, and with it the melody of a question.
        let ipa = phonemes::ipa(text, &self.pronounced_by, None)
            .map_err(|e| VoiceError::Engine(e.to_string()))?;
        if ipa.is_empty() {
            return Ok(Vec::new());
        }
        tracing::debug!(text, ipa, "phonemes");
        let spoken = self.piper.create(&ipa, true, speaker, None, None, None);
        let (samples, _) = spoken.map_err(|e| VoiceError::Engine(e.to_string()))?;
        Ok(samples)
    }
}
