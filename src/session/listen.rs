//! What a session makes of a sound: words that it believes, or why not.

use super::{Session, Sound};
use crate::{
    lang::Language,
    stt::{
        Evidence, SttError, TranscribeRequest, Transcript,
        gate::{self, GateSettings, Phantoms, Verdict},
    },
};

/// What was heard, and how much it is to be believed.
pub(super) struct Listened {
    pub verdict: Verdict,
    pub language: Option<Language>,
    pub evidence: Evidence,
}

impl Listened {
    fn to(transcript: Transcript, sound: &Sound<'_>) -> Self {
        Self {
            verdict: gate::judge(
                &transcript.text,
                &transcript.evidence,
                Some(sound.speech_ms.into()),
                Phantoms::builtin(),
                &GateSettings::default(),
            ),
            language: transcript.language,
            evidence: transcript.evidence,
        }
    }

    /// Whether something else than the given language may have been spoken.
    fn fits_badly(&self) -> bool {
        self.evidence.language_prob.is_some_and(|p| p < 0.5)
            || self
                .evidence
                .avg_logprob
                .is_some_and(|p| p < DOUBTFUL_LOGPROB)
    }
}

/// Why nothing can be heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum Deaf {
    #[error("expected speech recognition, found that this session has none")]
    NoEars,
    #[error(transparent)]
    Stt(#[from] SttError),
}

/// Below this average log probability a transcript in the session's language is heard again
/// with the language open: the shopper may have changed it.
const DOUBTFUL_LOGPROB: f32 = -0.9;

/// A "yes" or an "ok" says too little about its language to change the session's.
const ENOUGH_TO_TELL_LANGUAGE_MS: u32 = 700;

/// The longest hint to the recogniser, in bytes: its prompt has room for some 200 tokens, and
/// each costs time.
const MOST_PROMPT: usize = 400;

impl Session {
    /// Transcribes, judges, and listens again with the language open when it does not fit.
    pub(super) async fn transcribe(&self, sound: &Sound<'_>) -> Result<Listened, Deaf> {
        let ears = self.speech.ears.as_ref().ok_or(Deaf::NoEars)?;
        let known = if self.begun {
            Some(self.state.language())
        } else {
            self.setup.language
        };
        let request = |language| TranscribeRequest {
            pcm: sound.pcm.clone(),
            language,
            prompt: self.likely(language),
            within: self.setup.stt_deadline,
        };
        let first = Listened::to(ears.transcribe(request(known)).await?, sound);
        let is_short = sound.speech_ms < ENOUGH_TO_TELL_LANGUAGE_MS;
        if known.is_none() || self.setup.languages.len() < 2 || is_short || !first.fits_badly() {
            return Ok(first);
        }
        let Ok(second) = ears.transcribe(request(None)).await else {
            return Ok(first);
        };
        let second = Listened::to(second, sound);
        let spoken_here = second
            .language
            .is_some_and(|l| self.setup.languages.contains(&l));
        let better = second.evidence.avg_logprob > first.evidence.avg_logprob;
        Ok(if spoken_here && second.language != known && better {
            second
        } else {
            first
        })
    }

    /// What this turn is likely to sound like: how people speak in a shop, then the names that
    /// were just shown and what is in the cart. The recogniser leans towards it.
    fn likely(&self, language: Option<Language>) -> Option<String> {
        let mut out = match language? {
            Language::En => include_str!("../../assets/stt/prompt.en.txt"),
            Language::Fr => include_str!("../../assets/stt/prompt.fr.txt"),
        }
        .trim()
        .to_owned();
        let shown = self.state.shown().iter().map(|p| p.title.as_str());
        let cart = self.state.cart().lines.iter().map(|l| l.title.as_str());
        for name in shown.chain(cart) {
            if out.len() + name.len() > MOST_PROMPT {
                break;
            }
            if !out.contains(name) {
                out.push(' ');
                out.push_str(name);
                out.push('.');
            }
        }
        Some(out)
    }
}
