//! How a phrase sounds: what speech recognition wrote for a name it did not know sounds like it,
//! however it is spelled ("a-downs", "eight ounce").
//!
//! English by Double Metaphone (Lawrence Philips, 2000); French by the letter-to-sound rules
//! below, which keep the vowels and drop what is not spoken.

use super::Language;
use rphonetic::DoubleMetaphone;

/// What one sound that differs costs.
const SOUND: f32 = 0.15;
/// What one letter that differs costs.
const LETTER: f32 = 0.06;
/// Beyond this distance two phrases have nothing in common.
const NEAR: f32 = 0.5;

/// A phrase by its sounds and by its letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    code: String,
    alternate: String,
    letters: String,
}

impl Sound {
    /// The sound of a phrase in lower case without diacritics.
    #[must_use]
    pub fn of(phrase: &str, language: Language) -> Self {
        let letters: String = phrase.chars().filter(|c| c.is_alphanumeric()).collect();
        let (code, alternate) = match language {
            Language::En => {
                // The encoder cuts between bytes: it is given no others than English has.
                let ascii: String = letters.chars().filter(char::is_ascii).collect();
                let both = DoubleMetaphone::new(Some(32)).double_metaphone(&ascii);
                (both.primary(), both.alternate())
            }
            Language::Fr => {
                let code: Vec<String> = phrase.split_whitespace().map(french).collect();
                let code = code.concat();
                (code.clone(), code)
            }
        };
        Self {
            code,
            alternate,
            letters,
        }
    }

    /// The sounds alone: phrases that sound the same have the same.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What it costs to take one for the other, 0 for the same; `None` when they are not alike.
    #[must_use]
    pub fn cost(&self, other: &Self) -> Option<f32> {
        let (a, b) = (self.letters.len(), other.letters.len());
        if 2 * a.abs_diff(b) > a.max(b) {
            return None;
        }
        // A letter that only one of them has costs a distance of at least a half.
        let least = |a: &str, b: &str| (bits(a) ^ bits(b)).count_ones().div_ceil(2) as usize;
        let sounds = least(&self.code, &other.code).min(least(&self.alternate, &other.code));
        let sounds = sounds.min(least(&self.code, &other.alternate));
        let longest = self.code.len().max(self.alternate.len());
        let longest = longest.max(other.code.len()).max(other.alternate.len());
        let letters = least(&self.letters, &other.letters);
        if apart(sounds, longest, letters, a.max(b)) >= NEAR {
            return None;
        }
        let (sounds, longest) = [
            (&self.code, &other.code),
            (&self.alternate, &other.code),
            (&self.code, &other.alternate),
        ]
        .into_iter()
        .map(|(x, y)| (strsim::osa_distance(x, y), x.len().max(y.len())))
        .min()?;
        let letters = strsim::osa_distance(&self.letters, &other.letters);
        let distance = apart(sounds, longest, letters, a.max(b));
        (distance < NEAR).then_some(SOUND * sounds as f32 + LETTER * letters as f32)
    }
}

/// How far apart two phrases are, 0 to 1, by the sounds and the letters that differ.
fn apart(sounds: usize, longest: usize, letters: usize, most: usize) -> f32 {
    let share = |n: usize, of: usize| n as f32 / of.max(1) as f32;
    0.6 * share(sounds, longest) + 0.4 * share(letters, most)
}

/// Which letters a text has, one bit each.
fn bits(text: &str) -> u32 {
    text.bytes().fold(0, |set, b| set | 1 << (b % 32))
}

/// Groups of letters and how they sound, the first that fits: `V` stands for a following vowel,
/// `C` for a consonant or the word's end, `$` for the word's end.
const FRENCH: &[(&str, &str)] = &[
    ("eaux$", "O"),
    ("eau", "O"),
    ("aulx$", "O"),
    ("aux$", "O"),
    ("au", "O"),
    ("oeu", "E"),
    ("oin", "W%"),
    ("oi", "WA"),
    ("oy", "WAY"),
    ("ou", "U"),
    ("ain", "%"),
    ("ein", "%"),
    ("aim", "%"),
    ("ien", "Y%"),
    ("aill", "AY"),
    ("eill", "EY"),
    ("ouill", "UY"),
    ("ill", "IY"),
    ("ail$", "AY"),
    ("eil$", "EY"),
    ("ai", "E"),
    ("ei", "E"),
    ("ay", "EY"),
    ("eu", "E"),
    ("er$", "E"),
    ("ez$", "E"),
    ("et$", "E"),
    ("es$", ""),
    ("e$", ""),
    ("ent$", ""),
    ("anC", "@"),
    ("amC", "@"),
    ("enC", "@"),
    ("emC", "@"),
    ("inC", "%"),
    ("imC", "%"),
    ("ynC", "%"),
    ("unC", "%"),
    ("umC", "%"),
    ("onC", "&"),
    ("omC", "&"),
    ("gn", "N"),
    ("ch", "X"),
    ("sch", "X"),
    ("sh", "X"),
    ("ph", "F"),
    ("th", "T"),
    ("qu", "K"),
    ("ce", "SE"),
    ("ci", "SI"),
    ("cy", "SI"),
    ("cc", "K"),
    ("ck", "K"),
    ("c$", "K"),
    ("c", "K"),
    ("ge", "JE"),
    ("gi", "JI"),
    ("gu", "G"),
    ("gg", "G"),
    ("ss", "S"),
    ("tion", "SI&"),
    ("ti$", "TI"),
    ("d$", ""),
    ("t$", ""),
    ("s$", ""),
    ("x$", ""),
    ("z$", ""),
    ("p$", ""),
    ("g$", ""),
    ("ts$", ""),
    ("ds$", ""),
    ("ps$", ""),
    ("h", ""),
    ("y", "I"),
    ("w", "W"),
    ("x", "KS"),
    ("k", "K"),
    ("q", "K"),
    ("v", "V"),
];

/// One French word by its sounds.
fn french(word: &str) -> String {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut out = String::new();
    let mut at = 0;
    while at < letters.len() {
        let fits = |pattern: &str| {
            let (plain, after) = match pattern.strip_suffix(['$', 'C']) {
                Some(plain) => (plain, pattern.chars().last()),
                None => (pattern, None),
            };
            let len = plain.chars().count();
            let same = letters
                .get(at..at + len)
                .is_some_and(|l| l.iter().copied().eq(plain.chars()));
            let next = letters.get(at + len).copied();
            let then = match after {
                Some('$') => next.is_none(),
                Some(_) => next.is_none_or(|c| !vowel(c) && c != 'n' && c != 'm'),
                None => true,
            };
            // A word of one or two letters is spoken ("et", "the").
            let whole = after == Some('$') && at == 0;
            (same && then && !whole).then_some(len)
        };
        match FRENCH
            .iter()
            .find_map(|(p, sound)| Some((fits(p)?, *sound)))
        {
            Some((len, sound)) => {
                out.push_str(sound);
                at += len;
            }
            None => {
                // Between vowels an s is a z; a doubled letter is one.
                let c = letters[at].to_ascii_uppercase();
                let between = at > 0
                    && vowel(letters[at - 1])
                    && letters.get(at + 1).is_some_and(|c| vowel(*c));
                out.push(if c == 'S' && between { 'Z' } else { c });
                let doubled = letters.get(at + 1) == letters.get(at);
                at += if doubled { 2 } else { 1 };
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cost(a: &str, b: &str, language: Language) -> Option<f32> {
        Sound::of(a, language).cost(&Sound::of(b, language))
    }

    #[test]
    fn what_was_written_for_a_name_is_near_it() {
        for (heard, name) in [
            ("a downs", "eight ounce"),
            ("late roast", "light roast"),
            ("skin milk", "skim milk"),
            ("maricano", "americano"),
            ("moco", "mocha"),
        ] {
            assert!(cost(heard, name, Language::En).unwrap() < 0.7, "{heard}");
        }
        assert_eq!(cost("sweater", "mocha", Language::En), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_sound(text in ".{0,40}", other in "[a-zà-ÿ' -]{0,20}") {
            for language in Language::ALL {
                let _ = Sound::of(&text, language).cost(&Sound::of(&other, language));
            }
        }
    }

    #[test]
    fn french_words_that_sound_the_same_have_one_code() {
        for (a, b) in [
            ("laits", "lait"),
            ("the", "te"),
            ("chocolats", "chocola"),
            ("eau", "haut"),
            ("citrons", "citron"),
            ("quatre", "katre"),
            ("pains", "pin"),
        ] {
            assert_eq!(french(a), french(b), "{a} {b}");
        }
        assert_ne!(french("lait"), french("lot"));
        assert_ne!(french("pain"), french("pan"));
    }
}
