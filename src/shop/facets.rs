//! What can be filtered by: colours, sizes and allergens, folded to one form whatever the
//! language and the shop's wording.

use super::words;
use crate::lang::Language;
use std::str::FromStr;

/// Shades: (name, family, folded forms in any language). A shade is its family's too: who
/// asks for blue is shown navy, who asks for navy is not shown sky blue.
const SHADES: &[(&str, &str, &[&str])] = &[
    (
        "black",
        "black",
        &["black", "noir", "noire", "noirs", "noires"],
    ),
    (
        "white",
        "white",
        &["white", "blanc", "blanche", "blancs", "blanches"],
    ),
    (
        "ivory",
        "white",
        &["ivory", "ivoire", "ecru", "off-white", "cream", "creme"],
    ),
    ("grey", "grey", &["grey", "gray", "gris", "grise", "grises"]),
    ("charcoal", "grey", &["charcoal", "anthracite"]),
    (
        "silver",
        "grey",
        &["silver", "argent", "argente", "argentee"],
    ),
    ("red", "red", &["red", "rouge", "rouges"]),
    (
        "burgundy",
        "red",
        &["burgundy", "bordeaux", "wine", "maroon", "grenat"],
    ),
    (
        "terracotta",
        "orange",
        &["terracotta", "rust", "rouille", "brique"],
    ),
    ("orange", "orange", &["orange", "oranges"]),
    ("coral", "pink", &["coral", "corail"]),
    ("pink", "pink", &["pink", "rose", "roses"]),
    ("fuchsia", "pink", &["fuchsia", "magenta"]),
    (
        "purple",
        "purple",
        &["purple", "violet", "violette", "violettes"],
    ),
    (
        "lilac",
        "purple",
        &["lilac", "lilas", "lavender", "lavande", "mauve"],
    ),
    ("plum", "purple", &["plum", "prune", "aubergine"]),
    (
        "navy",
        "blue",
        &["navy", "navy blue", "marine", "bleu marine", "bleue marine"],
    ),
    (
        "sky blue",
        "blue",
        &[
            "sky blue",
            "light blue",
            "bleu ciel",
            "bleu clair",
            "pale blue",
        ],
    ),
    (
        "turquoise",
        "blue",
        &[
            "turquoise",
            "teal",
            "petrole",
            "bleu petrole",
            "canard",
            "bleu canard",
        ],
    ),
    ("denim", "blue", &["denim", "indigo"]),
    (
        "blue",
        "blue",
        &["blue", "bleu", "bleue", "bleus", "bleues"],
    ),
    ("khaki", "green", &["khaki", "kaki", "olive"]),
    ("sage", "green", &["sage", "sauge", "mint", "menthe"]),
    (
        "dark green",
        "green",
        &[
            "dark green",
            "bottle green",
            "forest green",
            "vert sapin",
            "vert bouteille",
            "vert fonce",
            "sapin",
        ],
    ),
    (
        "green",
        "green",
        &["green", "vert", "verte", "verts", "vertes"],
    ),
    (
        "mustard",
        "yellow",
        &["mustard", "moutarde", "ochre", "ocre"],
    ),
    ("yellow", "yellow", &["yellow", "jaune", "jaunes"]),
    ("gold", "yellow", &["gold", "golden", "or", "dore", "doree"]),
    (
        "brown",
        "brown",
        &["brown", "marron", "brun", "brune", "chocolate", "chocolat"],
    ),
    (
        "camel",
        "brown",
        &["camel", "tan", "cognac", "caramel", "fauve"],
    ),
    (
        "beige",
        "beige",
        &["beige", "sand", "sable", "nude", "taupe"],
    ),
    (
        "multicolour",
        "multicolour",
        &[
            "multicolour",
            "multicolor",
            "multicolore",
            "rainbow",
            "arc-en-ciel",
        ],
    ),
];

/// The names of the families in the languages, for indexing beside a shade.
const FAMILIES: &[(&str, &str, &str)] = &[
    ("black", "black", "noir"),
    ("white", "white", "blanc"),
    ("grey", "grey", "gris"),
    ("red", "red", "rouge"),
    ("orange", "orange", "orange"),
    ("pink", "pink", "rose"),
    ("purple", "purple", "violet"),
    ("blue", "blue", "bleu"),
    ("green", "green", "vert"),
    ("yellow", "yellow", "jaune"),
    ("brown", "brown", "marron"),
    ("beige", "beige", "beige"),
    ("multicolour", "multicolour", "multicolore"),
];

/// The shade and family that a colour's words name, if they are known: "bleu marine" is
/// ("navy", "blue").
fn shade(color: &str) -> Option<(&'static str, &'static str)> {
    let folded = words::fold(color);
    let folded = folded.trim();
    let whole = SHADES.iter().find(|(_, _, forms)| forms.contains(&folded));
    // "dark navy", "bleu nuit": the surest word in it, shades before families.
    whole
        .or_else(|| {
            let has = |form: &&str| folded.split(' ').any(|w| w == *form);
            let mut shades = SHADES.iter().filter(|(_, _, forms)| forms.iter().any(has));
            let first = shades.next()?;
            Some(
                shades
                    .find(|(name, family, _)| name != family)
                    .unwrap_or(first),
            )
        })
        .map(|(name, family, _)| (*name, *family))
}

/// The values under which a product of this colour is found: shade, family, and its own
/// words. Several colours are separated by `/`.
#[must_use]
pub fn color_values(color: &str) -> Vec<String> {
    let mut values = Vec::new();
    for part in color.split(['/', '|']) {
        if let Some((name, family)) = shade(part) {
            values.extend([name.to_owned(), family.to_owned()]);
        }
        values.push(words::fold(part).trim().to_owned());
    }
    values.retain(|v| !v.is_empty());
    values.sort();
    values.dedup();
    values
}

/// The value that a shopper's colour is looked up by.
#[must_use]
pub fn color_wanted(color: &str) -> String {
    shade(color).map_or_else(
        || words::fold(color).trim().to_owned(),
        |(n, _)| n.to_owned(),
    )
}

/// Words to index beside a product's colour: its family's name in the language.
#[must_use]
pub fn color_words(color: &str, language: Language) -> Vec<&'static str> {
    color
        .split(['/', '|'])
        .filter_map(shade)
        .filter_map(|(_, family)| FAMILIES.iter().find(|(f, ..)| *f == family))
        .map(|(_, en, fr)| match language {
            Language::En => *en,
            Language::Fr => *fr,
        })
        .collect()
}

/// Whether a word is a colour.
#[must_use]
pub fn is_color(word: &str) -> bool {
    let folded = words::fold(word);
    SHADES
        .iter()
        .any(|(_, _, forms)| forms.contains(&folded.as_str()))
}

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
