//! Text to the phonemes that Kokoro was trained on.
//!
//! espeak-ng gives IPA. Kokoro's own front end, misaki (<https://github.com/hexgrad/misaki>,
//! Apache-2.0, `misaki/espeak.py`), rewrites espeak's IPA for the network: diphthongs and
//! affricates become one sign each, and a few sounds of English are merged. The same is done
//! here, phoneme by phoneme.

use espeak_rs::{ESpeakError, text_to_phonemes};

/// Stands between the phonemes of a word in what espeak gives; no IPA sign.
const SEPARATOR: char = '_';

/// How a Kokoro voice pronounces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accent {
    /// American English.
    American,
    /// British English.
    British,
    /// French of France.
    French,
}

impl Accent {
    /// The accent for a language tag. English is as the voice's name says (`af_`, `am_`:
    /// American, `bf_`, `bm_`: British), else as the tag says.
    pub fn of(language: &str, voice: &str) -> Option<Self> {
        let tag = language.to_lowercase().replace('_', "-");
        match tag.split('-').next()? {
            "fr" => Some(Self::French),
            "en" if voice.starts_with(['b']) => Some(Self::British),
            "en" if voice.starts_with(['a']) => Some(Self::American),
            "en" if tag == "en-gb" => Some(Self::British),
            "en" => Some(Self::American),
            _ => None,
        }
    }

    /// The file of the voice with this accent in espeak-ng's data.
    fn espeak_voice(self) -> &'static str {
        match self {
            Self::American => "en-us",
            Self::British => "en",
            Self::French => "fr",
        }
    }
}

/// The phonemes of a text, as Kokoro wants them.
///
/// # Errors
/// When espeak-ng fails.
pub fn for_kokoro(text: &str, accent: Accent) -> Result<String, ESpeakError> {
    let ipa = ipa(text, accent.espeak_voice(), Some(SEPARATOR))?;
    Ok(rewrite(&ipa, accent))
}

/// The IPA of a text with its punctuation, which gives speech its melody and which espeak drops:
/// each stretch between two marks is given to espeak, and the marks are put between again.
///
/// # Errors
/// When espeak-ng fails.
pub fn ipa(text: &str, voice: &str, separator: Option<char>) -> Result<String, ESpeakError> {
    let mut ipa = String::new();
    for (words, mark) in stretches(text) {
        let phonemes = text_to_phonemes(words, voice, separator)?.join(" ");
        let phonemes = phonemes
            .trim()
            .trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if phonemes.is_empty() {
            continue;
        }
        if !ipa.is_empty() {
            ipa.push(' ');
        }
        ipa.push_str(phonemes);
        ipa.extend(mark);
    }
    Ok(ipa)
}

/// The stretches of a text between marks, each with the mark that ends it. A mark within a
/// word or number ("3,50", "12:30") is none, and a full stop only at the very end, for before it
/// may be that of an abbreviation.
fn stretches(text: &str) -> Vec<(&str, Option<char>)> {
    let mut stretches = Vec::new();
    let mut begin = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let rest = text[end..].trim_start_matches(['"', '\'', ')', ']']);
        let closes = match c {
            ',' | ';' | ':' | '!' | '?' | '—' | '…' => {
                rest.is_empty() || rest.starts_with(char::is_whitespace)
            }
            '.' => rest.trim().is_empty(),
            _ => false,
        };
        if closes && begin <= at {
            stretches.push((&text[begin..at], Some(c)));
            begin = end;
        }
    }
    stretches.push((&text[begin..], None));
    stretches.retain(|(words, _)| words.contains(char::is_alphanumeric));
    stretches
}

/// Rewrites espeak's separated phonemes.
fn rewrite(ipa: &str, accent: Accent) -> String {
    let mut out = String::with_capacity(ipa.len());
    let mut phoneme = String::new();
    let flush = |phoneme: &mut String, out: &mut String| {
        if !phoneme.is_empty() {
            out.push_str(&one(phoneme, accent));
            phoneme.clear();
        }
    };
    for c in ipa.chars() {
        match c {
            SEPARATOR => flush(&mut phoneme, &mut out),
            ' ' | '\n' | ',' | '.' | ';' | ':' | '!' | '?' | '…' | '—' => {
                flush(&mut phoneme, &mut out);
                let c = if c == '\n' { ' ' } else { c };
                if !(c == ' ' && (out.is_empty() || out.ends_with(' '))) {
                    out.push(c);
                }
            }
            // Hyphens mark liaisons and the like; the network does not know them.
            '-' => {}
            c => phoneme.push(c),
        }
    }
    flush(&mut phoneme, &mut out);
    out.truncate(out.trim_end().len());
    out
}

/// One phoneme of espeak, with its stress, for the network.
fn one(phoneme: &str, accent: Accent) -> String {
    let sound = phoneme.trim_start_matches(['ˈ', 'ˌ']);
    let stress = &phoneme[..phoneme.len() - sound.len()];
    let mut sound = sound.to_owned();
    let table = match accent {
        Accent::American => [COMMON, ENGLISH, AMERICAN],
        Accent::British => [BRITISH, COMMON, ENGLISH],
        Accent::French => [COMMON, &[], &[]],
    };
    for (from, to) in table.into_iter().flatten() {
        if sound.contains(from) {
            sound = sound.replace(from, to);
        }
    }
    format!("{stress}{sound}")
}

/// misaki's `EspeakG2P`: what is one sign in every language.
const COMMON: &[(&str, &str)] = &[
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("dz", "ʣ"),
    ("dʒ", "ʤ"),
    ("eɪ", "A"),
    ("oʊ", "O"),
    ("əʊ", "Q"),
    ("ts", "ʦ"),
    ("tʃ", "ʧ"),
    ("ɔɪ", "Y"),
];

/// misaki's `EspeakFallback`, both accents.
const ENGLISH: &[(&str, &str)] = &[
    ("n\u{329}", "ᵊn"),
    ("l\u{329}", "ᵊl"),
    ("m\u{329}", "ᵊm"),
    ("\u{329}", ""),
    ("əl", "ᵊl"),
    ("ʲ", ""),
    ("ɚ", "əɹ"),
    ("e", "A"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɐ", "ə"),
    ("ɬ", "l"),
    ("\u{303}", ""),
];

/// misaki's `EspeakFallback`, American.
const AMERICAN: &[(&str, &str)] = &[
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɪə", "iə"),
    ("ː", ""),
    ("o", "ɔ"),
    ("ɾ", "T"),
    ("ʔ", "t"),
];

/// misaki's `EspeakFallback`, British.
const BRITISH: &[(&str, &str)] = &[
    ("eə", "ɛː"),
    ("iə", "ɪə"),
    ("o", "ɔ"),
    ("ɾ", "T"),
    ("ʔ", "t"),
];

/// The network's tokens, from `config.json` of hexgrad/Kokoro-82M
/// (<https://huggingface.co/hexgrad/Kokoro-82M>, Apache-2.0).
#[rustfmt::skip]
const VOCABULARY: &[(char, i64)] = &[
    (';', 1), (':', 2), (',', 3), ('.', 4), ('!', 5), ('?', 6), ('—', 9), ('…', 10), ('"', 11),
    ('(', 12), (')', 13), ('“', 14), ('”', 15), (' ', 16), ('\u{303}', 17), ('ʣ', 18), ('ʥ', 19),
    ('ʦ', 20), ('ʨ', 21), ('ᵝ', 22), ('ꭧ', 23), ('A', 24), ('I', 25), ('O', 31), ('Q', 33),
    ('S', 35), ('T', 36), ('W', 39), ('Y', 41), ('ᵊ', 42), ('a', 43), ('b', 44), ('c', 45),
    ('d', 46), ('e', 47), ('f', 48), ('h', 50), ('i', 51), ('j', 52), ('k', 53), ('l', 54),
    ('m', 55), ('n', 56), ('o', 57), ('p', 58), ('q', 59), ('r', 60), ('s', 61), ('t', 62),
    ('u', 63), ('v', 64), ('w', 65), ('x', 66), ('y', 67), ('z', 68), ('ɑ', 69), ('ɐ', 70),
    ('ɒ', 71), ('æ', 72), ('β', 75), ('ɔ', 76), ('ɕ', 77), ('ç', 78), ('ɖ', 80), ('ð', 81),
    ('ʤ', 82), ('ə', 83), ('ɚ', 85), ('ɛ', 86), ('ɜ', 87), ('ɟ', 90), ('ɡ', 92), ('ɥ', 99),
    ('ɨ', 101), ('ɪ', 102), ('ʝ', 103), ('ɯ', 110), ('ɰ', 111), ('ŋ', 112), ('ɳ', 113),
    ('ɲ', 114), ('ɴ', 115), ('ø', 116), ('ɸ', 118), ('θ', 119), ('œ', 120), ('ɹ', 123),
    ('ɾ', 125), ('ɻ', 126), ('ʁ', 128), ('ɽ', 129), ('ʂ', 130), ('ʃ', 131), ('ʈ', 132),
    ('ʧ', 133), ('ʊ', 135), ('ʋ', 136), ('ʌ', 138), ('ɣ', 139), ('ɤ', 140), ('χ', 142),
    ('ʎ', 143), ('ʒ', 147), ('ʔ', 148), ('ˈ', 156), ('ˌ', 157), ('ː', 158), ('ʰ', 162),
    ('ʲ', 164), ('↓', 169), ('→', 171), ('↗', 172), ('↘', 173), ('ᵻ', 177),
];

/// The tokens of phonemes. What the network does not know is left out.
pub fn tokens(phonemes: &str) -> Vec<i64> {
    let token = |c| {
        VOCABULARY
            .iter()
            .find(|(known, _)| *known == c)
            .map(|(_, id)| *id)
    };
    phonemes.chars().filter_map(token).collect()
}

/// The token of the space between words.
pub const SPACE: i64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diphthongs_and_affricates_become_one_sign() {
        let cases = [
            ("h_ə_l_ˈoʊ w_ˈɜː_l_d.", Accent::American, "həlˈO wˈɜɹld."),
            ("dʒ_ˈeɪ_k_z ʃ_ˈɑː_p,", Accent::American, "ʤˈAkz ʃˈɑp,"),
            ("s_ˌɪ_t_i", Accent::American, "sˌɪti"),
            ("ð_ˈeə ɡ_ˈəʊ", Accent::British, "ðˈɛː ɡˈQ"),
            ("ʒ_ə_- v_u_z_- ɛ_m", Accent::French, "ʒə vuz ɛm"),
            ("k_a_t_ʁ_ə_v_ɛ̃_d_ˈi_s", Accent::French, "katʁəvɛ̃dˈis"),
        ];
        for (ipa, accent, expected) in cases {
            assert_eq!(rewrite(ipa, accent), expected, "{ipa}");
        }
    }

    #[test]
    fn marks_end_stretches_but_not_within_numbers() {
        let stretches = stretches("Oui, à 12:30, p. ex. pour 3,50 € : « bien ? » Dr. No.");
        assert_eq!(
            stretches,
            [
                ("Oui", Some(',')),
                (" à 12:30", Some(',')),
                (" p. ex. pour 3,50 € ", Some(':')),
                (" « bien ", Some('?')),
                (" » Dr. No", Some('.')),
            ]
        );
    }

    #[test]
    fn two_phonemes_side_by_side_are_not_a_diphthong() {
        assert_eq!(rewrite("t_s a_ɪ", Accent::French), "ts aɪ");
    }

    #[test]
    fn every_sign_of_a_sentence_is_known() {
        let phonemes = "həlˈO wˈɜɹld, katʁəvɛ̃dˈis!";
        assert_eq!(tokens(phonemes).len(), phonemes.chars().count());
        assert_eq!(tokens(" "), [SPACE]);
        assert!(tokens("🙂").is_empty());
    }

    #[test]
    fn the_accent_follows_language_and_voice() {
        assert_eq!(Accent::of("fr", "ff_siwis"), Some(Accent::French));
        assert_eq!(Accent::of("fr_FR", "af_heart"), Some(Accent::French));
        assert_eq!(Accent::of("en", "bf_emma"), Some(Accent::British));
        assert_eq!(Accent::of("en-GB", "zf_xiaoxiao"), Some(Accent::British));
        assert_eq!(Accent::of("en", "af_heart"), Some(Accent::American));
        assert_eq!(Accent::of("ja", "jf_alpha"), None);
    }
}
