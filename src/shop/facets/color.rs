//! Colours: shades and their families, in any language.

use crate::{lang::Language, shop::words};

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
