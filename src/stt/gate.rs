//! Whether a transcript was said by anybody.
//!
//! Whisper writes something for noise and silence too. Four witnesses are heard: the words
//! (known phantoms, loops), the engine (no-speech and token probabilities), the voice detector
//! (how long there was speech) and the clock (nobody says thirty words in a second). Pure.

use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Evidence;

/// What became of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody said this.
    Heard(String),
    /// Somebody may have said this: ask back rather than act.
    Doubtful(String, Reason),
    /// Nobody said this.
    Nothing(Reason),
}

/// Why a transcript is not simply heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There are no words in it.
    NoWords,
    /// The voice detector found no speech.
    NoSpeech,
    /// The engine thinks that there is no speech.
    EngineHeardNone,
    /// It is a phrase that is written for noise.
    Phantom,
    /// It repeats itself.
    Loop,
    /// It has more words than the time allows.
    TooManyWords,
    /// The engine guessed.
    Unsure,
}

/// The phrases that are written when nobody speaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phantoms {
    never: Vec<String>,
    unlikely: Vec<String>,
}

impl Phantoms {
    /// Reads the phrases from TOML: `never` (parts of a transcript that nobody says) and
    /// `unlikely` (whole transcripts that need good evidence).
    ///
    /// # Errors
    /// When it is not such TOML.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut phantoms: Self = toml::from_str(text)?;
        for phrase in phantoms.never.iter_mut().chain(&mut phantoms.unlikely) {
            *phrase = plain(phrase);
        }
        Ok(phantoms)
    }

    /// The phrases that come with Comptoir, in English and French.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Phantoms> = LazyLock::new(|| {
            Phantoms::parse(include_str!("../../assets/stt/phantoms.toml"))
                .expect("assets/stt/phantoms.toml is read by a test")
        });
        &BUILTIN
    }
}

/// From which evidence on what is believed. The numbers are Whisper's own where it has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateSettings {
    /// Speech that a voice detector must have found for any transcript, ms.
    pub min_speech_ms: u64,
    /// No-speech probability from which on a transcript is in doubt.
    pub no_speech_prob: f32,
    /// Mean log probability below which a transcript is a guess.
    pub avg_logprob: f32,
    /// Speech that a phrase written for noise must have, ms.
    pub unlikely_speech_ms: u64,
    /// No-speech probability that such a phrase may have at most.
    pub unlikely_no_speech_prob: f32,
    /// Mean log probability that such a phrase must have at least.
    pub unlikely_avg_logprob: f32,
    /// Words that can be said in a second of speech.
    pub words_a_second: f32,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            min_speech_ms: 96,
            no_speech_prob: 0.6,
            avg_logprob: -1.0,
            unlikely_speech_ms: 250,
            unlikely_no_speech_prob: 0.3,
            unlikely_avg_logprob: -0.7,
            words_a_second: 8.0,
        }
    }
}

/// Judges a transcript. `speech_ms`: how much speech the voice detector found, when there was
/// one. Annotations such as `[music]` and `(coughs)` are taken out of the text.
#[must_use]
pub fn judge(
    text: &str,
    evidence: &Evidence,
    speech_ms: Option<u64>,
    phantoms: &Phantoms,
    settings: &GateSettings,
) -> Verdict {
    let said = without_annotations(text);
    let words = plain(&said);
    if words.is_empty() {
        return Verdict::Nothing(Reason::NoWords);
    }
    if phantoms
        .never
        .iter()
        .any(|phrase| contains_words(&words, phrase))
    {
        return Verdict::Nothing(Reason::Phantom);
    }
    if speech_ms.is_some_and(|ms| ms < settings.min_speech_ms) {
        return Verdict::Nothing(Reason::NoSpeech);
    }
    let no_speech = evidence.no_speech_prob.unwrap_or(0.0);
    let logprob = evidence.avg_logprob.unwrap_or(0.0);
    let (silent, guessed) = (
        no_speech > settings.no_speech_prob,
        logprob < settings.avg_logprob,
    );
    if silent && guessed {
        return Verdict::Nothing(Reason::EngineHeardNone);
    }
    if is_loop(&words) {
        return Verdict::Nothing(Reason::Loop);
    }
    if phantoms.unlikely.contains(&words) {
        let short = speech_ms.is_some_and(|ms| ms < settings.unlikely_speech_ms);
        let weak =
            no_speech > settings.unlikely_no_speech_prob || logprob < settings.unlikely_avg_logprob;
        return match (short, weak) {
            (false, false) => Verdict::Heard(said),
            (true, true) => Verdict::Nothing(Reason::Phantom),
            _ if silent => Verdict::Nothing(Reason::Phantom),
            _ => Verdict::Doubtful(said, Reason::Phantom),
        };
    }
    let seconds = speech_ms.map(|ms| ms.max(500) as f32 / 1000.0);
    let count = words.split(' ').count() as f32;
    if seconds.is_some_and(|seconds| count > 3.0 + settings.words_a_second * seconds) {
        return Verdict::Doubtful(said, Reason::TooManyWords);
    }
    if silent {
        return Verdict::Doubtful(said, Reason::EngineHeardNone);
    }
    if guessed {
        return Verdict::Doubtful(said, Reason::Unsure);
    }
    Verdict::Heard(said)
}

/// The text without `[music]`, `(coughs)`, `*sighs*` and notes.
fn without_annotations(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing = None;
    for (at, letter) in text.char_indices() {
        if let Some(close) = closing {
            if letter == close {
                closing = None;
            }
            continue;
        }
        let close = match letter {
            '[' => ']',
            '(' => ')',
            '{' => '}',
            '*' => '*',
            '♪' | '♫' | '♩' | '♬' | '#' => {
                kept.push(' ');
                continue;
            }
            _ => {
                kept.push(letter);
                continue;
            }
        };
        // A bracket that is never closed is a stray sign, not an annotation.
        if text[at + letter.len_utf8()..].contains(close) {
            closing = Some(close);
        }
        kept.push(' ');
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lower case, without accents, words apart by one space, nothing else.
fn plain(text: &str) -> String {
    let letters: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                ' '
            }
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn contains_words(words: &str, phrase: &str) -> bool {
    !phrase.is_empty() && format!(" {words} ").contains(&format!(" {phrase} "))
}

/// Whether most of the words are one phrase said again and again. People do say "no, no, no,
/// no"; nobody says a phrase of two words four times, or anything seven times.
fn is_loop(words: &str) -> bool {
    let words: Vec<&str> = words.split(' ').collect();
    (1..=words.len() / 4).any(|length| {
        (0..length.min(words.len())).any(|start| {
            let mut pieces = words[start..].chunks_exact(length);
            let Some(first) = pieces.next() else {
                return false;
            };
            let times = 1 + pieces.take_while(|piece| *piece == first).count();
            let enough = if length == 1 { 7 } else { 4 };
            times >= enough && times * length * 10 >= words.len() * 6
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Evidence = Evidence {
        language_prob: Some(0.95),
        no_speech_prob: Some(0.03),
        avg_logprob: Some(-0.25),
        audio_ms: None,
        encode_ms: None,
        decode_ms: None,
    };

    fn with(no_speech: f32, logprob: f32) -> Evidence {
        Evidence {
            no_speech_prob: Some(no_speech),
            avg_logprob: Some(logprob),
            ..GOOD
        }
    }

    fn judged(text: &str, evidence: &Evidence, speech_ms: u64) -> Verdict {
        judge(
            text,
            evidence,
            Some(speech_ms),
            Phantoms::builtin(),
            &GateSettings::default(),
        )
    }

    fn heard(text: &str) -> Verdict {
        Verdict::Heard(text.into())
    }

    #[test]
    fn what_shoppers_say_is_heard() {
        for (text, ms) in [
            ("Two cappuccinos, please.", 1200),
            ("Yes.", 220),
            ("Oui.", 200),
            (
                "Je voudrais un café crème sans sucre, s'il vous plaît.",
                2500,
            ),
            ("No, no, no, no.", 900),
            ("42", 400),
            ("Who made the subtitles of this film?", 1800),
            ("C'est bon.", 400),
        ] {
            assert_eq!(judged(text, &GOOD, ms), heard(text), "{text}");
        }
    }

    #[test]
    fn credits_of_subtitles_are_never_heard() {
        for text in [
            "Sous-titres réalisés par la communauté d'Amara.org",
            "Sous-titrage ST' 501",
            "Thanks for watching!",
            "Merci d'avoir regardé cette vidéo !",
            "Subtitles by the Amara.org community",
            "Two coffees. Thank you for watching.",
        ] {
            assert_eq!(
                judged(text, &GOOD, 3000),
                Verdict::Nothing(Reason::Phantom),
                "{text}"
            );
        }
    }

    #[test]
    fn a_thank_you_passes_with_good_evidence_only() {
        let thanks = "Thank you.";
        assert_eq!(judged(thanks, &GOOD, 600), heard(thanks));
        assert_eq!(judged("Merci !", &GOOD, 400), heard("Merci !"));
        let doubtful = Verdict::Doubtful(thanks.into(), Reason::Phantom);
        assert_eq!(judged(thanks, &GOOD, 150), doubtful);
        assert_eq!(judged(thanks, &with(0.45, -0.4), 600), doubtful);
        assert_eq!(
            judged(thanks, &with(0.45, -0.4), 150),
            Verdict::Nothing(Reason::Phantom)
        );
        assert_eq!(
            judged("you", &with(0.7, -0.4), 600),
            Verdict::Nothing(Reason::Phantom)
        );
    }

    #[test]
    fn without_speech_nothing_is_heard() {
        assert_eq!(
            judged("Two coffees.", &GOOD, 0),
            Verdict::Nothing(Reason::NoSpeech)
        );
        assert_eq!(
            judged("Two coffees.", &with(0.8, -1.3), 900),
            Verdict::Nothing(Reason::EngineHeardNone)
        );
    }

    #[test]
    fn a_guess_is_doubtful() {
        let text = "Add the mocha.";
        let doubt = |reason| Verdict::Doubtful(text.into(), reason);
        assert_eq!(judged(text, &with(0.1, -1.2), 900), doubt(Reason::Unsure));
        assert_eq!(
            judged(text, &with(0.7, -0.4), 900),
            doubt(Reason::EngineHeardNone)
        );
    }

    #[test]
    fn loops_are_nothing() {
        for text in [
            "the coffee the coffee the coffee the coffee the coffee",
            "oui oui oui oui oui oui oui oui",
            "I'm going to go. I'm going to go. I'm going to go. I'm going to go.",
        ] {
            assert_eq!(
                judged(text, &GOOD, 9000),
                Verdict::Nothing(Reason::Loop),
                "{text}"
            );
        }
    }

    #[test]
    fn more_words_than_there_is_time_are_doubtful() {
        let text = "I would like to have a coffee and also a tea and a cake and some water";
        let doubt = Verdict::Doubtful(text.into(), Reason::TooManyWords);
        assert_eq!(judged(text, &GOOD, 400), doubt);
        assert_eq!(judged(text, &GOOD, 4000), heard(text));
    }

    #[test]
    fn annotations_are_taken_out() {
        assert_eq!(
            judged("[Music] Two coffees (coughs)", &GOOD, 900),
            heard("Two coffees")
        );
        assert_eq!(judged("♪ la la ♪", &GOOD, 900), heard("la la"));
        assert_eq!(judged("two (coffees", &GOOD, 900), heard("two coffees"));
        for text in [
            "[BLANK_AUDIO]",
            "(Musique)",
            "*soupir*",
            "♪♪♪",
            "...",
            "",
            " - ",
        ] {
            assert_eq!(
                judged(text, &GOOD, 900),
                Verdict::Nothing(Reason::NoWords),
                "{text}"
            );
        }
    }

    #[test]
    fn an_engine_that_says_nothing_of_itself_is_judged_by_the_rest() {
        let none = Evidence::default();
        let gate = |text, ms| {
            judge(
                text,
                &none,
                ms,
                Phantoms::builtin(),
                &GateSettings::default(),
            )
        };
        assert_eq!(gate("Two coffees", None), heard("Two coffees"));
        assert_eq!(
            gate("Thanks for watching", None),
            Verdict::Nothing(Reason::Phantom)
        );
        assert_eq!(
            gate("Two coffees", Some(10)),
            Verdict::Nothing(Reason::NoSpeech)
        );
    }

    #[test]
    fn the_phrases_of_other_shops_are_read_and_mistakes_told() {
        let own = Phantoms::parse("never = [\"Radio Étoile!\"]\nunlikely = []");
        let own = own.unwrap_or_else(|error| panic!("{error}"));
        let verdict = judge(
            "radio etoile",
            &GOOD,
            Some(900),
            &own,
            &GateSettings::default(),
        );
        assert_eq!(verdict, Verdict::Nothing(Reason::Phantom));
        assert!(Phantoms::parse("nevr = []").is_err());
        assert!(Phantoms::builtin().never.len() > 10);
    }
}
