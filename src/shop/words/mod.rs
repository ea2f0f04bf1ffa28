//! From text to the words that are indexed and searched: folded, cut, measured, stemmed.
//!
//! The same function makes the words of a product and of a query, so that "1 L", "1 litre"
//! and "un litre" meet, and so do "robes" and "robe", "l'avoine" and "avoine".

mod measure;
mod stem;

pub use stem::stem;

use crate::lang::Language;
use measure::measured;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Text in lower case without diacritics: "Œufs brouillés" is "oeufs brouilles".
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'œ' | 'Œ' => folded.push_str("oe"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            '’' | 'ʼ' | '`' => folded.push('\''),
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// The stems of the words of a text, in order: stop words dropped (unless there is nothing
/// else), measures in one token in a base unit ("1000ml"), elisions and plurals folded.
#[must_use]
pub fn stems(text: &str, language: Language) -> Vec<String> {
    let words = measured(cut(&fold(text), language));
    let content: Vec<&String> = words
        .iter()
        .filter(|w| !is_stop_word(w, language))
        .collect();
    if content.is_empty() {
        return words.iter().map(|w| stem(w, language)).collect();
    }
    content.into_iter().map(|w| stem(w, language)).collect()
}

/// Whether a word says nothing about what is looked for.
#[must_use]
pub fn is_stop_word(word: &str, language: Language) -> bool {
    let list = match language {
        Language::En => STOP_EN,
        Language::Fr => STOP_FR,
    };
    list.split_ascii_whitespace().any(|stop| stop == word)
}

// Articles, prepositions, and the verbs with which people ask for things. Numbers, negations
// ("without", "sans") and single letters (sizes) are not among them.
const STOP_EN: &str = "a an the some any of for with in on at to from and or is are do does you \
    have has got i im we me my your our it its this that these those want wanted need like \
    looking look find show please can could would get buy there size";
const STOP_FR: &str = "un une le la les du de des au aux a en dans sur pour par avec et ou \
    est sont ce cet cette ces se je tu il elle on nous vous me te mon ma mes ton ta tes \
    son sa ses votre vos notre nos que qui quel quelle avez ai as y ne veux voudrais \
    cherche chercher aimerais trouver montrez moi svp plait faut aimerais taille pointure";

/// What stands before an apostrophe in French and is no word of its own.
const ELIDED_FR: &[&str] = &["l", "d", "j", "m", "t", "s", "c", "n", "qu"];
/// What stands after an apostrophe in English and is no word of its own.
const CLIPPED_EN: &[&str] = &["s", "d", "ll", "m", "re", "ve", "t"];

/// Cuts folded text at everything that is no letter or digit; decimals stay whole.
fn cut(folded: &str, language: Language) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut clipped = false;
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        let digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let decimal = matches!(c, '.' | ',')
            && digits
            && !word.contains('.')
            && chars.peek().is_some_and(char::is_ascii_digit);
        if decimal {
            word.push('.');
        } else if c.is_alphanumeric() {
            // "500g" is a number and its unit.
            if digits && c.is_alphabetic() {
                words.push(std::mem::take(&mut word));
            }
            word.push(c);
        } else if !word.is_empty() {
            let apostrophe = c == '\'';
            let drop = match language {
                Language::En => clipped && CLIPPED_EN.contains(&word.as_str()),
                Language::Fr => apostrophe && ELIDED_FR.contains(&word.as_str()),
            };
            if drop {
                word.clear();
            } else {
                words.push(std::mem::take(&mut word));
            }
            clipped = apostrophe;
        } else {
            clipped = false;
        }
    }
    if !(language == Language::En && clipped && CLIPPED_EN.contains(&word.as_str())) {
        words.push(word);
    }
    words.retain(|w| !w.is_empty());
    thousands(words, language)
}

/// "1,000" and, in French, "1 000" are a thousand.
fn thousands(words: Vec<String>, language: Language) -> Vec<String> {
    let short = |w: &str| (1..=3).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_digit());
    let three = |w: &str| w.len() == 3 && short(w);
    // "Indice 50, 150 ml" is no number: only round thousands are joined over a space.
    let round = |w: &str| matches!(w, "000" | "500");
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match (word.split_once('.'), joined.last_mut()) {
            (Some((whole, rest)), _) if three(rest) && short(whole) && whole != "0" => {
                joined.push(format!("{whole}{rest}"));
            }
            (None, Some(last)) if language == Language::Fr && round(&word) && short(last) => {
                last.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// The stem of the word that says what a thing is: in English the last before "with", "in",
/// "for" ... ("oat milk", "chips with sea salt"), in French the first ("lait d'avoine").
#[must_use]
pub fn head(name: &str, language: Language) -> Option<String> {
    let is_measure = |stem: &String| stem.bytes().any(|b| b.is_ascii_digit());
    if language == Language::Fr {
        return stems(name, language).into_iter().find(|s| !is_measure(s));
    }
    let folded = fold(name);
    let mut head: Vec<&str> = Vec::new();
    for word in folded.split_whitespace() {
        let ends = [
            "with", "in", "for", "of", "from", "and", "without", "on", "to", "under", "size",
        ];
        // "A litre of milk": what stands before is no more than a measure.
        if ends.contains(&word)
            && stems(&head.join(" "), language)
                .iter()
                .any(|s| !is_measure(s))
        {
            break;
        }
        head.push(word);
    }
    stems(&head.join(" "), language)
        .into_iter()
        .rfind(|stem| !is_measure(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn en(text: &str) -> String {
        stems(text, Language::En).join(" ")
    }

    fn fr(text: &str) -> String {
        stems(text, Language::Fr).join(" ")
    }

    #[test]
    fn what_people_say_and_what_labels_write_meet() {
        for (said, written) in [
            ("a litre of oat milk", "Oat milk 1 L"),
            ("half litre", "500ml"),
            ("1,5 litres", "1.5 l"),
            ("500 grams of strawberries", "Strawberry, 500 g"),
            ("women's running shoes", "Womens running shoe"),
            ("the red dresses", "Red dress"),
        ] {
            let (mut a, mut b) = (stems(said, Language::En), stems(written, Language::En));
            a.sort();
            b.sort();
            assert_eq!(a, b, "{said}");
        }
        assert_eq!(fr("du lait d'avoine"), fr("Lait avoine"));
        assert_eq!(fr("des robes bleues"), fr("Robe bleu"));
        assert_eq!(fr("cinq cents grammes"), "cinq cent gramm");
        assert_eq!(fr("un litre d’huile"), "1000ml huil");
        assert_eq!(fr("deux gâteaux salées"), "deux gateau sale");
    }

    #[test]
    fn diacritics_and_ligatures_fold() {
        assert_eq!(
            fold("Œufs BROUILLÉS à la crème"),
            "oeufs brouilles a la creme"
        );
        assert_eq!(en("Crème brûlée"), "creme brulee");
    }

    #[test]
    fn the_head_of_a_name_says_what_it_is() {
        for (name, head_word) in [
            ("Oat milk", "milk"),
            ("a litre of oat milk", "milk"),
            ("chips with sea salt", "chip"),
            ("running shoes size 42", "shoe"),
            ("42", ""),
        ] {
            let found = head(name, Language::En).unwrap_or_default();
            assert_eq!(found, head_word, "{name}");
        }
        assert_eq!(
            head("un litre de lait d'avoine", Language::Fr).as_deref(),
            Some("lait")
        );
    }

    #[test]
    fn nothing_but_stop_words_is_kept_as_it_is() {
        assert_eq!(en("the"), "the");
        assert_eq!(fr("thé"), "the");
        assert_eq!(en(""), "");
        assert_eq!(en("🍞 !!! ~~ \"*\""), "");
    }

    #[test]
    fn single_letters_are_sizes_unless_an_apostrophe_says_otherwise() {
        assert_eq!(en("Men's shirt, size S"), "man shirt s");
        assert_eq!(en("I'd like the shirt in M, that's it"), "shirt m");
        assert_eq!(fr("Chemise d'homme, taille M"), "chemis homm m");
        assert_eq!(fr("j'aimerais qu'elle s'ouvre"), "ouvr");
    }

    #[test]
    fn a_number_that_is_no_measure_stays_a_number() {
        assert_eq!(en("size 42"), "42");
        assert_eq!(
            en("99999999999999999999 litres"),
            "99999999999999999999 litre"
        );
        assert_eq!(en("usb 3.2 cable"), "usb 3p2 cable");
        assert_eq!(en("a 1,000 piece puzzle"), "1000 piece puzzle");
        assert_eq!(fr("1 000 pièces"), "1000 piec");
    }
}
