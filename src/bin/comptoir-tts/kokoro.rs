//! Kokoro voices (<https://huggingface.co/hexgrad/Kokoro-82M>, Apache-2.0).

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use ort::session::Session;
use ort::value::Tensor;

use crate::clauses::Lengths;
use crate::graph::{self, Changes, Silence};
use crate::phonemes::{self, Accent};
use crate::voice::{VoiceError, session};

/// Samples a second, Hz.
pub const RATE: u32 = 24_000;

/// Kokoro needs 0.2 s or more for a second of speech: it begins with a clause, and each piece
/// is ready before the one before has been heard.
pub const LENGTHS: Lengths = Lengths {
    first: 28,
    growth: 1.5,
    longest: 140,
    // "Sure," and "Oui," by themselves: half a second of speech, in which the rest is made.
    shortest: 4,
};

/// The most tokens in one go; the network takes 510.
const WINDOW: usize = 400;

/// Floats in a style.
const STYLE: usize = 256;

/// What is left of the silence around a piece: 0.1 s before it, 0.2 to 0.3 s after it.
const SILENCE: Silence = Silence { lead: 8.0, cut: 6 };

/// The network, shared by all Kokoro voices.
pub struct KokoroModel {
    session: Session,
    /// The name of its input for tokens, which differs between exports.
    tokens_input: String,
}

impl KokoroModel {
    /// Loads the network.
    ///
    /// # Errors
    /// When the file is missing or is no Kokoro network.
    pub fn load(path: &Path, threads: usize, small_memory: bool) -> Result<Self, VoiceError> {
        let refuse = |reason: String| VoiceError::file(path, reason);
        let model = std::fs::read(path).map_err(|e| VoiceError::file(path, e))?;
        let changes = Changes {
            float_convolutions: !small_memory,
            silence: Some(SILENCE),
        };
        let changed = graph::change(&model, changes).map_err(|e| refuse(e.to_string()))?;
        drop(model);
        let session = session(threads)
            .and_then(|mut builder| builder.commit_from_memory(&changed))
            .map_err(|e| VoiceError::file(path, e))?;
        let inputs: Vec<&str> = session.inputs().iter().map(|input| input.name()).collect();
        let tokens_input = match inputs[..] {
            [tokens @ ("tokens" | "input_ids"), "style", "speed"] => tokens.to_owned(),
            _ => {
                return Err(refuse(format!(
                    "a Kokoro network has the inputs tokens, style and speed, it has {inputs:?}"
                )));
            }
        };
        Ok(Self {
            session,
            tokens_input,
        })
    }

    fn run(&mut self, tokens: &[i64], style: &[f32]) -> Result<Vec<f32>, ort::Error> {
        // The token 0 stands before and after the text.
        let mut padded = Vec::with_capacity(tokens.len() + 2);
        padded.push(0);
        padded.extend_from_slice(tokens);
        padded.push(0);
        let outputs = self.session.run(ort::inputs![
            self.tokens_input.as_str() => Tensor::from_array(([1, padded.len()], padded))?,
            "style" => Tensor::from_array(([1, STYLE], style.to_vec()))?,
            "speed" => Tensor::from_array(([1], vec![1.0f32]))?,
        ])?;
        let (_, samples) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(samples.to_vec())
    }
}

/// Reads the styles of a speaker.
///
/// # Errors
/// When the file is missing or no style.
pub fn styles(path: &Path) -> Result<Vec<f32>, VoiceError> {
    let bytes = std::fs::read(path).map_err(|e| VoiceError::file(path, e))?;
    let row = STYLE * size_of::<f32>();
    if bytes.is_empty() || bytes.len() % row != 0 {
        let reason = format!(
            "a Kokoro voice is rows of {row} bytes (510 of them), it has {} bytes",
            bytes.len()
        );
        return Err(VoiceError::file(path, reason));
    }
    let floats = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let styles: Vec<f32> = floats.collect();
    if !styles.iter().all(|f| f.is_finite()) {
        let reason = "it is not a Kokoro voice: not all of it are numbers";
        return Err(VoiceError::file(path, reason));
    }
    Ok(styles)
}

/// A Kokoro voice, loaded.
pub struct KokoroVoice {
    model: Rc<RefCell<KokoroModel>>,
    /// A style of [`STYLE`] floats for each number of tokens, from 1 on.
    styles: Vec<f32>,
    accent: Accent,
}

impl KokoroVoice {
    /// A speaker of a network.
    #[must_use]
    pub fn new(model: Rc<RefCell<KokoroModel>>, styles: Vec<f32>, accent: Accent) -> Self {
        Self {
            model,
            styles,
            accent,
        }
    }

    /// Speaks a piece.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn speak(&mut self, text: &str) -> Result<Vec<f32>, VoiceError> {
        let engine = |e: &dyn std::fmt::Display| VoiceError::Engine(e.to_string());
        let phonemes = phonemes::for_kokoro(text, self.accent).map_err(|e| engine(&e))?;
        let tokens = phonemes::tokens(&phonemes);
        tracing::debug!(text, phonemes, tokens = tokens.len(), "phonemes");
        let mut samples = Vec::new();
        for window in windows(&tokens, WINDOW) {
            let rows = self.styles.len() / STYLE;
            let row = window.len().clamp(1, rows) - 1;
            let style = &self.styles[row * STYLE..][..STYLE];
            let spoken = self.model.borrow_mut().run(window, style);
            samples.extend(spoken.map_err(|e| engine(&e))?);
        }
        Ok(samples)
    }
}

/// Cuts tokens in windows, between words where there are any.
fn windows(mut tokens: &[i64], most: usize) -> Vec<&[i64]> {
    let mut windows = Vec::new();
    while tokens.len() > most {
        let space = tokens[..most].iter().rposition(|t| *t == phonemes::SPACE);
        let at = space.filter(|&at| at > 0).unwrap_or(most);
        let (window, rest) = tokens.split_at(at);
        windows.push(window);
        tokens = rest;
    }
    if !tokens.is_empty() {
        windows.push(tokens);
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tokens_are_cut_between_words() {
        assert_eq!(windows(&[1, 2, 16, 3, 4], 4), [&[1, 2][..], &[16, 3, 4]]);
        assert_eq!(windows(&[1, 2, 3, 4, 5], 2), [&[1, 2][..], &[3, 4], &[5]]);
        assert!(windows(&[], 2).is_empty());
    }
}
