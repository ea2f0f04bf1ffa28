//! What can be filtered by: colours, sizes and allergens, folded to one form whatever the
//! language and the shop's wording.

mod color;

pub use color::{color_values, color_wanted, color_words, is_color};

use super::words;
use crate::lang::Language;
use std::str::FromStr;

/// Sizes that have several names.
const SIZES: &[(&str, &[&str])] = &[
    ("xs", &["xs", "extra small", "tres petit", "tres petite"]),
    ("s", &["s", "small", "petit", "petite"]),
    ("m", &["m", "medium", "moyen", "moyenne", "med"]),
    ("l", &["l", "large", "grand", "grande"]),
    (
        "xl",
        &["xl", "extra large", "tres grand", "tres grande", "x large"],
    ),
    (
        "xxl",
        &["xxl", "2xl", "double xl", "extra extra large", "xx large"],
    ),
    ("xxxl", &["xxxl", "3xl", "triple xl"]),
    (
        "one size",
        &["one size", "taille unique", "unique", "tu", "os"],
    ),
];

/// A size in one form: "size 42", "42 EU" and "pointure 42" are "42", "medium" is "m",
/// "1 litre" is "1000ml".
#[must_use]
pub fn size_value(size: &str) -> String {
    let folded = words::fold(size);
    let kept: Vec<&str> = folded
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | ':' | '_'))
        .filter(|w| {
            ![
                "size", "taille", "pointure", "eu", "fr", "eur", "format", "a", "an", "en", "du",
                "un", "une", "in",
            ]
            .contains(w)
        })
        .filter(|w| !w.is_empty())
        .collect();
    let plain = kept.join(" ");
    if let Some((name, _)) = SIZES
        .iter()
        .find(|(_, forms)| forms.contains(&plain.as_str()))
    {
        return (*name).to_owned();
    }
    let stems = words::stems(&folded, Language::En);
    match stems.as_slice() {
        [] => plain,
        [one] if one.bytes().any(|b| b.is_ascii_digit()) => one.clone(),
        _ => plain.replace(',', "."),
    }
}

/// One of the fourteen allergens that EU law (Regulation 1169/2011, annex II) has declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allergen(&'static str);

/// (English name, folded stems of forms in any language that mean it).
const ALLERGENS: &[(&str, &[&str])] = &[
    (
        "gluten",
        &["gluten", "wheat", "ble", "barley", "orge", "rye", "seigle"],
    ),
    (
        "crustaceans",
        &[
            "crustacean",
            "crustaceans",
            "crustace",
            "crustaces",
            "shrimp",
            "prawn",
            "prawns",
            "crevette",
            "crevettes",
        ],
    ),
    ("eggs", &["egg", "eggs", "oeuf", "oeufs"]),
    ("fish", &["fish", "poisson", "poissons"]),
    (
        "peanuts",
        &[
            "peanut",
            "peanuts",
            "arachide",
            "arachides",
            "cacahuete",
            "cacahuetes",
        ],
    ),
    ("soya", &["soy", "soya", "soja"]),
    (
        "milk",
        &[
            "milk",
            "dairy",
            "lactose",
            "lait",
            "laitage",
            "lait de vache",
        ],
    ),
    (
        "nuts",
        &[
            "nut",
            "nuts",
            "tree nuts",
            "noix",
            "fruits a coque",
            "fruit a coque",
            "almond",
            "almonds",
            "amande",
            "amandes",
            "hazelnut",
            "hazelnuts",
            "noisette",
            "noisettes",
            "walnut",
            "walnuts",
            "cashew",
            "cashews",
            "pistachio",
            "pistache",
        ],
    ),
    ("celery", &["celery", "celeri"]),
    ("mustard", &["mustard", "moutarde"]),
    ("sesame", &["sesame"]),
    (
        "sulphites",
        &["sulphites", "sulphite", "sulfites", "sulfite"],
    ),
    ("lupin", &["lupin"]),
    (
        "molluscs",
        &[
            "molluscs",
            "mollusc",
            "mollusques",
            "mollusque",
            "mussels",
            "moules",
        ],
    ),
];

impl Allergen {
    /// Its English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl FromStr for Allergen {
    type Err = ();

    /// Reads any of its names in any language, accents and case aside.
    fn from_str(text: &str) -> Result<Self, ()> {
        let folded = words::fold(text);
        ALLERGENS
            .iter()
            .find(|(_, forms)| forms.contains(&folded.trim()))
            .map(|(name, _)| Self(name))
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_blue_is_shown_navy_but_not_the_other_way_round() {
        let navy = color_values("bleu marine");
        assert!(navy.contains(&color_wanted("blue")));
        assert!(navy.contains(&color_wanted("navy")));
        assert!(!color_values("blue").contains(&color_wanted("navy")));
        assert!(color_values("Bordeaux").contains(&color_wanted("rouge")));
        assert!(color_values("noir/blanc").contains(&color_wanted("white")));
        assert!(color_values("chartreuse").contains(&color_wanted("Chartreuse")));
        assert_eq!(color_wanted("verte"), "green");
    }

    #[test]
    fn sizes_have_one_form() {
        for (said, value) in [
            ("size 42", "42"),
            ("pointure 42", "42"),
            ("42 EU", "42"),
            ("Medium", "m"),
            ("taille M", "m"),
            ("2XL", "xxl"),
            ("1 litre", "1000ml"),
            ("1 L", "1000ml"),
            ("500 grammes", "500g"),
            ("9.5", "9p5"),
            ("taille unique", "one size"),
        ] {
            assert_eq!(size_value(said), value, "{said}");
        }
    }

    #[test]
    fn allergens_are_known_by_any_name() {
        assert_eq!(
            "Lactose".parse::<Allergen>().map(Allergen::name),
            Ok("milk")
        );
        assert_eq!(
            "fruits à coque".parse::<Allergen>().map(Allergen::name),
            Ok("nuts")
        );
        assert!("sugar".parse::<Allergen>().is_err());
    }
}
