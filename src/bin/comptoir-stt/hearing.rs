//! One utterance through Whisper: encode once, ask for the language, write the words.
//!
//! whisper.cpp's own `whisper_full` cannot say what language it heard without encoding twice,
//! nor how sure it is of a language that it was told. Its parts can: after one encode, the
//! logits that follow the start token hold the probabilities of all languages and of no speech;
//! then tokens are taken greedily, without timestamps and without a second try at another
//! temperature (Whisper paper, section 2.3; `decoding.py` of openai/whisper).

use std::ffi::c_void;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use comptoir::audio::SPEECH_RATE;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError,
    WhisperState, WhisperTokenId, get_lang_id, whisper_rs_sys as sys,
};

use crate::model::ModelError;

/// Whisper positions in a second of sound.
const POSITIONS_A_SECOND: usize = 50;

/// Positions encoded beyond the end of the sound.
const POSITIONS_BEYOND: usize = 64;

/// Samples that Whisper hears at a time: 30 s.
pub const WINDOW_SAMPLES: usize = 30 * SPEECH_RATE as usize;

/// Sound that is too short to be a word, in samples: 100 ms.
const SHORTEST_SAMPLES: usize = SPEECH_RATE as usize / 10;

/// Threads of the decoder. One token is too little work to share: a second thread gains nothing
/// on a quiet machine and waits for its turn, at every layer, on a busy one (1.4 s a token).
const DECODER_THREADS: usize = 1;

/// The longest prompt, in characters; beyond it biases nothing.
const PROMPT_CHARS: usize = 600;

/// Signs that begin annotations rather than words; `decoding.py`'s list for what is not speech.
const NOT_SPEECH: &str = "\"#()*+/:;<=>@[\\]^_`{|}~「」『』♩♪♫♬♭♮♯";

/// What was heard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// The words.
    pub text: String,
    /// Whisper's code of the language.
    pub language: String,
    /// Its probability among the languages to choose from, 0 to 1.
    pub language_prob: f32,
    /// The probability of no speech, 0 to 1.
    pub no_speech_prob: f32,
    /// The mean natural logarithm of the tokens' probabilities.
    pub avg_logprob: f32,
    /// Time spent on the encoder, ms.
    pub encode_ms: u64,
    /// Time spent on the decoder, ms.
    pub decode_ms: u64,
}

/// Why nothing was heard.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// The client has gone.
    #[error("the request was cancelled")]
    Cancelled,
    /// whisper.cpp failed.
    #[error("whisper.cpp failed: {0}")]
    Whisper(#[from] WhisperError),
    /// A language that is not among those to choose from.
    #[error("expected a language among {among}, found {found:?}")]
    Language {
        /// The languages to choose from.
        among: String,
        /// The language asked for.
        found: String,
    },
}

/// A loaded model.
pub struct Whisper {
    context: WhisperContext,
    state: WhisperState,
    languages: Vec<(String, WhisperTokenId)>,
    /// By token: never written.
    suppressed: Vec<bool>,
    threads: usize,
    min_audio_ctx: usize,
}

impl Whisper {
    /// Loads a model that [`crate::model::check`] has passed.
    pub fn load(
        path: &Path,
        languages: &[String],
        threads: usize,
        min_audio_ctx: usize,
    ) -> Result<Self, ModelError> {
        let refused = |error: WhisperError| ModelError::Refused {
            path: path.into(),
            what: error.to_string(),
        };
        let context = WhisperContext::new_with_params(path, WhisperContextParameters::default())
            .map_err(refused)?;
        let mut known = Vec::new();
        for code in languages {
            let id = get_lang_id(code)
                .filter(|_| code.len() <= 3)
                .ok_or_else(|| ModelError::UnknownLanguage(code.clone()))?;
            if !context.is_multilingual() && code != "en" {
                return Err(ModelError::EnglishOnly {
                    path: path.into(),
                    language: code.clone(),
                });
            }
            known.push((code.clone(), context.token_lang(id)));
        }
        let state = context.create_state().map_err(refused)?;
        let suppressed = suppressed(&context);
        Ok(Self {
            context,
            state,
            languages: known,
            suppressed,
            threads,
            min_audio_ctx,
        })
    }

    /// The languages to choose from.
    pub fn languages(&self) -> Vec<String> {
        self.languages
            .iter()
            .map(|(code, _)| code.clone())
            .collect()
    }

    /// Hears up to [`WINDOW_SAMPLES`] of 16 kHz sound; what is longer is cut. `cancelled` is
    /// looked at before and after the encoder, which cannot be interrupted, and at each token.
    pub fn hear(
        &mut self,
        samples: &[f32],
        language: Option<&str>,
        prompt: Option<&str>,
        cancelled: &AtomicBool,
    ) -> Result<Heard, HearError> {
        let given = language.map(|code| self.language(code)).transpose()?;
        if samples.len() < SHORTEST_SAMPLES {
            let language = self.languages[given.unwrap_or(0)].0.clone();
            return Ok(Heard {
                language,
                no_speech_prob: 1.0,
                ..Heard::default()
            });
        }
        go_on(cancelled)?;
        let began = Instant::now();
        self.encode(&samples[..samples.len().min(WINDOW_SAMPLES)])?;
        let encode_ms = began.elapsed().as_millis() as u64;
        go_on(cancelled)?;

        let began = Instant::now();
        let seconds = samples.len().div_ceil(SPEECH_RATE as usize);
        let mut heard = self.write(given, prompt, seconds, cancelled)?;
        if prompt.is_some_and(|prompt| comptoir::stt::is_echo(&heard.text, prompt, seconds)) {
            heard = self.write(given, None, seconds, cancelled)?;
        }
        heard.encode_ms = encode_ms;
        heard.decode_ms = began.elapsed().as_millis() as u64;
        Ok(heard)
    }

    fn language(&self, code: &str) -> Result<usize, HearError> {
        // en-GB and fr_CA are en and fr to Whisper.
        let base = code.split(['-', '_']).next().unwrap_or_default();
        let known = |(known, _): &(String, _)| known.eq_ignore_ascii_case(base);
        self.languages
            .iter()
            .position(known)
            .ok_or_else(|| HearError::Language {
                among: self.languages().join(", "),
                found: code.into(),
            })
    }

    fn encode(&mut self, samples: &[f32]) -> Result<(), WhisperError> {
        let wanted = samples.len() * POSITIONS_A_SECOND / SPEECH_RATE as usize + POSITIONS_BEYOND;
        let most = self.context.n_audio_ctx().max(1);
        let audio_ctx = (wanted.max(self.min_audio_ctx) as i32).min(most);
        // The only way to set the length of the encoder's context is through `full`, which is
        // stopped before it encodes. It computes the spectrogram on the way.
        let mut setup = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        setup.set_n_threads(self.threads as i32);
        setup.set_language(Some("en"));
        setup.set_audio_ctx(audio_ctx);
        // SAFETY: the callback has the type that whisper.cpp asks for and uses no user data.
        unsafe { setup.set_start_encoder_callback(Some(stop_before_encoder)) };
        self.state.full(setup, samples)?;
        self.state.encode(0, self.threads)
    }

    fn write(
        &mut self,
        given: Option<usize>,
        prompt: Option<&str>,
        seconds: usize,
        cancelled: &AtomicBool,
    ) -> Result<Heard, HearError> {
        let start = self.context.token_sot();
        self.state.decode(&[start], 0, DECODER_THREADS)?;
        let logits = self.state.get_logits()?;
        let no_speech_prob = log_softmax(logits, self.context.token_nosp()).exp();
        let probabilities = softmax_of(logits, self.languages.iter().map(|(_, token)| *token));
        let likeliest = probabilities
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(index, _)| index);
        let language = given.unwrap_or(likeliest);

        let past = self.before(language, prompt)?;
        let mut place = past.len();
        // Only the logits of a lone token can be read, so the last one goes alone.
        let (last, before) = past.split_last().unwrap_or((&start, &[]));
        let reused = usize::from(before.first() == Some(&start));
        if before.len() > reused {
            self.state
                .decode(&before[reused..], reused, DECODER_THREADS)?;
        }
        self.state.decode(&[*last], place - 1, DECODER_THREADS)?;

        let end = self.context.token_eot();
        let room = (self.context.n_text_ctx().max(0) as usize).saturating_sub(place + 1);
        let most = (16 + 10 * seconds).min(room);
        let (mut tokens, mut sum) = (Vec::new(), 0.0);
        let mut bytes = Vec::new();
        loop {
            go_on(cancelled)?;
            let logits = self.state.get_logits()?;
            let token = best(logits, &self.suppressed);
            sum += log_softmax(logits, token);
            if token == end {
                break;
            }
            tokens.push(token);
            bytes.extend_from_slice(self.context.token_to_bytes(token)?);
            if tokens.len() >= most || repeats(&tokens) {
                break;
            }
            self.state.decode(&[token], place, DECODER_THREADS)?;
            place += 1;
        }
        Ok(Heard {
            text: String::from_utf8_lossy(&bytes).trim().to_owned(),
            language: self.languages[language].0.clone(),
            language_prob: probabilities[language],
            no_speech_prob,
            avg_logprob: sum / (tokens.len() + 1) as f32,
            encode_ms: 0,
            decode_ms: 0,
        })
    }

    /// The tokens before the first word.
    fn before(
        &self,
        language: usize,
        prompt: Option<&str>,
    ) -> Result<Vec<WhisperTokenId>, WhisperError> {
        let mut tokens = Vec::new();
        if let Some(prompt) = prompt.map(str::trim).filter(|prompt| !prompt.is_empty()) {
            // A NUL would end the text for whisper.cpp.
            let text: String = prompt
                .chars()
                .filter(|c| *c != '\0')
                .take(PROMPT_CHARS)
                .collect();
            // Never more tokens than bytes: whisper-rs would take the negative answer of
            // whisper.cpp to a buffer that is too small for a length.
            let said = self
                .context
                .tokenize(&format!(" {text}"), text.len() + 16)?;
            let most = (self.context.n_text_ctx().max(2) / 2 - 1) as usize;
            tokens.push(self.context.token_prev());
            tokens.extend(&said[said.len().saturating_sub(most)..]);
        }
        tokens.push(self.context.token_sot());
        if self.context.is_multilingual() {
            tokens.extend([self.languages[language].1, self.context.token_transcribe()]);
        }
        tokens.push(self.context.token_not());
        Ok(tokens)
    }
}

unsafe extern "C" fn stop_before_encoder(
    _: *mut sys::whisper_context,
    _: *mut sys::whisper_state,
    _: *mut c_void,
) -> bool {
    false
}

fn go_on(cancelled: &AtomicBool) -> Result<(), HearError> {
    if cancelled.load(Ordering::Relaxed) {
        Err(HearError::Cancelled)
    } else {
        Ok(())
    }
}

/// Special tokens other than the end, timestamps, and signs that are not speech.
fn suppressed(context: &WhisperContext) -> Vec<bool> {
    let end = context.token_eot();
    (0..context.n_vocab())
        .map(|token| {
            let sign = || {
                let bytes = context.token_to_bytes(token).unwrap_or_default();
                let text = String::from_utf8_lossy(bytes);
                text.trim()
                    .starts_with(|letter| NOT_SPEECH.contains(letter))
            };
            token > end || (token < end && sign())
        })
        .collect()
}

fn best(logits: &[f32], suppressed: &[bool]) -> WhisperTokenId {
    let allowed = logits
        .iter()
        .zip(suppressed)
        .enumerate()
        .filter(|(_, (_, no))| !**no);
    allowed
        .max_by(|a, b| a.1.0.total_cmp(b.1.0))
        .map_or(0, |(token, _)| token as WhisperTokenId)
}

fn log_softmax(logits: &[f32], token: WhisperTokenId) -> f32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - top).exp()).sum();
    let logit = usize::try_from(token)
        .ok()
        .and_then(|token| logits.get(token));
    logit.map_or(f32::NEG_INFINITY, |logit| logit - top - sum.ln())
}

fn softmax_of(logits: &[f32], tokens: impl Iterator<Item = WhisperTokenId>) -> Vec<f32> {
    let chosen: Vec<f32> = tokens
        .map(|token| {
            logits
                .get(token as usize)
                .copied()
                .unwrap_or(f32::NEG_INFINITY)
        })
        .collect();
    let top = chosen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = chosen.iter().map(|logit| (logit - top).exp()).sum();
    chosen
        .iter()
        .map(|logit| (logit - top).exp() / sum)
        .collect()
}

/// Whether the last tokens are one phrase four times over: the decoder has lost its way.
fn repeats(tokens: &[WhisperTokenId]) -> bool {
    (2..=12).any(|length| {
        let mut pieces = tokens.rchunks_exact(length);
        let Some(last) = pieces.next() else {
            return false;
        };
        pieces.take(4).filter(|piece| *piece == last).count() == 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up() {
        let logits = [1.0, 3.0, -2.0, 0.5];
        let sum: f32 = (0..4).map(|token| log_softmax(&logits, token).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5);
        let two = softmax_of(&logits, [0, 3].into_iter());
        assert!((two.iter().sum::<f32>() - 1.0).abs() < 1e-6 && two[0] > two[1]);
        assert_eq!(log_softmax(&logits, 99), f32::NEG_INFINITY);
    }

    #[test]
    fn the_best_token_is_one_that_may_be_written() {
        assert_eq!(best(&[1.0, 9.0, 2.0], &[false, true, false]), 2);
    }

    #[test]
    fn a_phrase_five_times_over_is_a_loop() {
        assert!(repeats(&[9, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]));
        assert!(!repeats(&[1, 2, 1, 2, 1, 2]));
        assert!(!repeats(&[]));
    }
}
