//! Stems: number and gender folded, nothing more.

use crate::lang::Language;

/// The stem of a folded word: number and gender folded, nothing more. Both sides are stemmed
/// alike, so it need not be a word.
#[must_use]
pub fn stem(word: &str, language: Language) -> String {
    let irregular = match language {
        Language::En => IRREGULAR_EN,
        Language::Fr => IRREGULAR_FR,
    };
    if let Some((_, stem)) = irregular.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() < 4 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    match language {
        Language::En => stem_en(word),
        Language::Fr => stem_fr(word),
    }
}

/// Forms that no rule gives, and spellings that differ between countries.
const IRREGULAR_EN: &[(&str, &str)] = &[
    ("men", "man"),
    ("women", "woman"),
    ("mens", "man"),
    ("womens", "woman"),
    ("children", "child"),
    ("kids", "child"),
    ("knives", "knife"),
    ("loaves", "loaf"),
    ("scarves", "scarf"),
    ("shelves", "shelf"),
    ("leaves", "leaf"),
    ("teeth", "tooth"),
    ("color", "colour"),
    ("gray", "grey"),
    ("yoghurt", "yogurt"),
    ("yoghurts", "yogurt"),
    ("wholewheat", "wholemeal"),
    ("cookies", "cookie"),
    ("movies", "movie"),
    ("slippers", "slipper"),
];

fn stem_en(word: &str) -> String {
    let cut = |n: usize| word[..word.len() - n].to_owned();
    if word.ends_with("ies") && word.len() > 4 {
        return cut(3) + "y";
    }
    let es = ["sses", "ches", "shes", "xes", "zes"];
    // "Potatoes", but "shoes".
    if es.iter().any(|end| word.ends_with(end)) || (word.ends_with("oes") && word.len() > 5) {
        return cut(2);
    }
    if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return cut(1);
    }
    word.to_owned()
}

/// Singulars that end like plurals, and feminines that no rule gives.
const IRREGULAR_FR: &[(&str, &str)] = &[
    ("gris", "gris"),
    ("grise", "gris"),
    ("grises", "gris"),
    ("bois", "bois"),
    ("pois", "pois"),
    ("tapis", "tapis"),
    ("gras", "gras"),
    ("anis", "anis"),
    ("noix", "noix"),
    ("frais", "frais"),
    ("fraiche", "frais"),
    ("fraiches", "frais"),
    ("fraise", "fraise"),
    ("fraises", "fraise"),
    ("douce", "doux"),
    ("douces", "doux"),
    ("doux", "doux"),
    ("seche", "sec"),
    ("seches", "sec"),
    ("fine", "fin"),
    ("fines", "fin"),
    ("yeux", "oeil"),
    ("deux", "deux"),
];

fn stem_fr(word: &str) -> String {
    let mut stem = word.to_owned();
    if let Some(root) = stem.strip_suffix("eaux") {
        return format!("{root}eau");
    }
    if let Some(root) = stem.strip_suffix("aux").filter(|r| r.len() > 2) {
        return format!("{root}al");
    }
    if stem.ends_with("ux") || (stem.ends_with('s') && !stem.ends_with("ss")) {
        stem.pop();
    }
    if stem.ends_with("ee") {
        stem.pop();
    }
    // Gender: -elle/-el, -enne/-en, -anche/-anc, -ive/-if, -euse/-eu(x), -e.
    for (feminine, masculine) in [
        ("elle", "el"),
        ("enne", "en"),
        ("anche", "anc"),
        ("ive", "if"),
        ("euse", "eu"),
        ("e", ""),
    ] {
        if let Some(root) = stem.strip_suffix(feminine) {
            // "mère" is not "mer", nor "rose" "ros".
            if root.len() + masculine.len() >= 4 {
                return format!("{root}{masculine}");
            }
            break;
        }
    }
    stem
}
