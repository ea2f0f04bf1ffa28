//! Names as shoppers say them against names as rows hold them. No catalog here: only what was
//! shown, what is in the cart, and the choices of a question.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words that carry no name: articles, pronouns, politeness.
const EMPTY_WORDS: &[&str] = &[
    "a", "an", "the", "of", "with", "some", "my", "please", "and", "one", "ones", "in", "for",
    "to", "i", "d", "l", "le", "la", "les", "un", "une", "des", "du", "de", "avec", "au", "aux",
    "en", "et", "mon", "ma", "mes", "pour", "svp", "plait", "vous", "s", "il", "je", "that",
    "this", "ll", "ve", "would", "like", "take", "have", "want", "prends", "voudrais", "prendre",
    "sera", "ca", "ce", "celui", "celle", "ci", "it", "make", "size", "taille", "color", "colour",
    "couleur", "uh", "um", "euh", "alors", "bah", "ben",
];

/// Words that point at the thing in focus.
const POINTERS: &[&str] = &[
    "it",
    "this",
    "that",
    "them",
    "these",
    "those",
    "this one",
    "that one",
    "this product",
    "ca",
    "cela",
    "celui ci",
    "celui la",
    "celle ci",
    "celle la",
    "ceci",
    "le",
    "la",
    "les",
    "ce produit",
    "l",
    "lui",
    "the same",
    "le meme",
    "la meme",
    "one",
    "un",
    "une",
    "en",
];

/// Lower case, without marks, words apart by single spaces.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'œ' | 'Œ' => out.push_str("oe"),
            'æ' | 'Æ' => out.push_str("ae"),
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            // "9.5" stays one word; "d'avoine" becomes two.
            '.' | ',' if out.ends_with(|p: char| p.is_ascii_digit()) => out.push('.'),
            _ => {
                if out.ends_with('.') {
                    out.pop();
                }
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
        }
    }
    out.trim_end_matches(['.', ' ']).to_owned()
}

/// Every word, folded.
#[must_use]
pub fn all_words(text: &str) -> Vec<String> {
    fold(text)
        .split(' ')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words that carry a name.
#[must_use]
pub fn name_words(text: &str) -> Vec<String> {
    let tea = says_tea(text);
    all_words(text)
        .into_iter()
        .filter(|w| !EMPTY_WORDS.contains(&w.as_str()) || (tea && w == "the"))
        .collect()
}

/// Whether it has the French word for tea, which without its mark is the English article.
fn says_tea(text: &str) -> bool {
    let lower = text.nfc().collect::<String>().to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|w| w == "thé")
}

/// A title without what follows its first comma: the pack ("Oat milk, 1 litre"), which people
/// leave out of a name. A comma between digits belongs to a number.
#[must_use]
pub fn head(title: &str) -> &str {
    title.split_once(", ").map_or(title, |(head, _)| head)
}

/// Whether it only points ("it", "celui-ci") and names nothing.
#[must_use]
pub fn points(text: &str) -> bool {
    let folded = fold(text);
    folded.is_empty() || POINTERS.contains(&folded.as_str()) || name_words(text).is_empty()
}

/// The same word, but for a plural ending or a slip of spelling.
#[must_use]
pub fn same_word(a: &str, b: &str) -> bool {
    fn stem(w: &str) -> &str {
        if w.len() > 3 {
            w.strip_suffix("es")
                .filter(|s| s.len() > 3)
                .or_else(|| w.strip_suffix(['s', 'x', 'e']))
                .unwrap_or(w)
        } else {
            w
        }
    }
    if a == b || stem(a) == stem(b) {
        return true;
    }
    let digits = |w: &str| w.contains(|c: char| c.is_ascii_digit());
    if digits(a) || digits(b) {
        return false;
    }
    a.len() >= 5 && b.len() >= 5 && strsim::jaro_winkler(a, b) >= 0.93
}

/// The share of the said words that the name has, 0 to 1. 0 when nothing was said.
#[must_use]
pub fn likeness(said: &str, name: &str) -> f32 {
    let said = name_words(said);
    if said.is_empty() {
        return 0.0;
    }
    let name = all_words(name);
    let hits = said
        .iter()
        .filter(|s| name.iter().any(|n| same_word(s, n)))
        .count();
    hits as f32 / said.len() as f32
}

/// Whether every said word is in the name.
#[must_use]
pub fn names(said: &str, name: &str) -> bool {
    likeness(said, name) >= 1.0
}

/// Whether both are made of the same words.
#[must_use]
pub fn same_name(said: &str, name: &str) -> bool {
    names(said, name) && names(name, said)
}

/// Whether a title is just what was said. What stands after a comma in a title tells packs and
/// variants apart ("Oat milk, 1 litre") and need not be said.
#[must_use]
pub fn same_title(said: &str, title: &str) -> bool {
    same_name(said, title) || same_name(said, head(title))
}

/// The name that fits best, if exactly one does so better than all others. Words that all
/// names share do not count: among shirts, "the blue shirt" is about blue.
#[must_use]
pub fn best<'a>(said: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
    let said = name_words(said);
    let named: Vec<Vec<String>> = names.map(all_words).collect();
    let telling: Vec<&String> = said
        .iter()
        .filter(|s| named.len() == 1 || !named.iter().all(|n| n.iter().any(|w| same_word(s, w))))
        .collect();
    let score = |n: &Vec<String>| {
        telling
            .iter()
            .filter(|s| n.iter().any(|w| same_word(s, w)))
            .count()
    };
    let (mut top, mut at, mut ties) = (0, None, 0);
    for (i, n) in named.iter().enumerate() {
        match score(n) {
            0 => {}
            s if s > top => (top, at, ties) = (s, Some(i), 0),
            s if s == top => ties += 1,
            _ => {}
        }
    }
    if ties == 0 {
        return at;
    }
    // "The oat milk" among "oat milk" and "oat milk vanilla": the whole name was said.
    let exact: Vec<usize> = (0..named.len())
        .filter(|i| {
            let n: Vec<&String> = named[*i]
                .iter()
                .filter(|w| !EMPTY_WORDS.contains(&w.as_str()))
                .collect();
            n.len() == said.len() && score(&named[*i]) == top
        })
        .collect();
    match exact[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// Which of these sizes or colours was said: "L" is a size here, and no article.
#[must_use]
pub fn value(said: &str, values: &[String]) -> Option<usize> {
    let folded = fold(said);
    if let Some(i) = values.iter().position(|v| fold(v) == folded) {
        return Some(i);
    }
    if let Some(i) = best(said, values.iter().map(String::as_str)) {
        return Some(i);
    }
    let heard = all_words(said);
    let within: Vec<usize> = (0..values.len())
        .filter(|i| heard.contains(&fold(&values[*i])))
        .collect();
    match within[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// A whole number that was said in digits or, up to twelve, in words.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    const EN: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    const FR: [&str; 13] = [
        "zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix",
        "onze", "douze",
    ];
    all_words(text).iter().find_map(|w| {
        w.parse().ok().or_else(|| {
            let at = |list: [&str; 13]| list.iter().position(|n| n == w);
            at(EN)
                .or_else(|| at(FR))
                .and_then(|n| u32::try_from(n).ok())
        })
    })
}

/// A code said or typed: letters and digits without spaces, upper case ("75 011" is "75011").
/// Only what holds a digit counts; words between are left out.
#[must_use]
pub fn code(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // Number words count only where no digits were written: "69 thousand four, 69004".
    let written = text.contains(|c: char| c.is_ascii_digit());
    let mut out = String::new();
    for w in &words {
        let w: String = w.chars().filter(|c| c.is_alphanumeric()).collect();
        let digit = w.contains(|c: char| c.is_ascii_digit());
        // Single letters are spelled codes; "is", "le" are not.
        let spelled = w.chars().count() == 1 && w.chars().all(|c| c.is_ascii_uppercase());
        match number(&w) {
            Some(n) if n < 10 && !written => out.push_str(&n.to_string()),
            _ if digit || spelled => out.push_str(&w.to_uppercase()),
            _ => {}
        }
    }
    out.contains(|c: char| c.is_ascii_digit()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_marks_plurals_and_articles() {
        assert_eq!(fold("Crème brûlée, l’œuf 9,5"), "creme brulee l oeuf 9.5");
        assert!(names("lait d'avoine", "Lait d’avoine bio 1 L"));
        assert!(names("the oat milks", "Oat milk barista"));
        assert!(!names("soy milk", "Oat milk barista"));
        assert!(same_name("oat milk", "Oat Milk"));
        assert!(points("celui-ci") && points("it") && points("") && !points("milk"));
    }

    #[test]
    fn the_pack_in_a_title_need_not_be_said() {
        assert!(same_title("oat milk", "Oat milk, 1 litre"));
        assert!(!same_title("oat milk", "Barista oat milk, 1 litre"));
        assert!(!same_title("oat", "Oat milk, 1 litre"));
    }

    #[test]
    fn tea_is_no_article_in_french() {
        assert!(!points("thé") && !points("du thé") && points("the"));
        assert!(names("thé", "Tasse de thé") && !names("thé", "Café glacé"));
    }

    #[test]
    fn the_pack_is_no_part_of_a_name() {
        assert_eq!(head("Oat milk, 1 litre"), "Oat milk");
        assert_eq!(head("Cola lyonnais, 1,5 litre"), "Cola lyonnais");
        assert_eq!(head("Latte"), "Latte");
    }

    #[test]
    fn the_telling_words_decide() {
        let shirts = ["Blue cotton shirt", "Red cotton shirt", "Blue linen shirt"];
        assert_eq!(best("the red shirt", shirts.into_iter()), Some(1));
        assert_eq!(best("the blue shirt", shirts.into_iter()), None);
        assert_eq!(best("the blue linen one", shirts.into_iter()), Some(2));
        let milks = ["Oat milk", "Oat milk vanilla"];
        assert_eq!(best("oat milk", milks.into_iter()), None);
        assert_eq!(best("vanilla", milks.into_iter()), Some(1));
    }

    #[test]
    fn a_size_is_no_article() {
        let sizes = ["M", "L", "XL"].map(String::from);
        assert_eq!(value("l", &sizes), Some(1));
        assert_eq!(value("taille L", &sizes), Some(1));
        assert_eq!(value("in XL please", &sizes), Some(2));
        assert_eq!(value("S", &sizes), None);
    }

    #[test]
    fn codes_are_put_together() {
        assert_eq!(code("75 011").as_deref(), Some("75011"));
        assert_eq!(code("c'est le 75011.").as_deref(), Some("75011"));
        assert_eq!(code("seven five zero one one").as_deref(), Some("75011"));
        assert_eq!(code("SW1A 1AA").as_deref(), Some("SW1A1AA"));
        assert_eq!(code("A 7 K 2").as_deref(), Some("A7K2"));
        assert_eq!(code("no idea"), None);
    }
}
