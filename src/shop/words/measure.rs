//! Measures: a number and its unit as one word in a base unit.

/// Units and their base: (forms, base unit, thousandths of a base unit).
const UNITS: &[(&[&str], &str, u64)] = &[
    (
        &["l", "litre", "litres", "liter", "liters"],
        "ml",
        1_000_000,
    ),
    (&["dl", "decilitre", "decilitres"], "ml", 100_000),
    (
        &["cl", "centilitre", "centilitres", "centiliter"],
        "ml",
        10_000,
    ),
    (
        &["ml", "millilitre", "millilitres", "milliliter"],
        "ml",
        1_000,
    ),
    (
        &[
            "kg",
            "kilo",
            "kilos",
            "kilogram",
            "kilograms",
            "kilogramme",
            "kilogrammes",
        ],
        "g",
        1_000_000,
    ),
    (
        &["g", "gr", "gram", "grams", "gramme", "grammes"],
        "g",
        1_000,
    ),
    (
        &[
            "mg",
            "milligram",
            "milligrams",
            "milligramme",
            "milligrammes",
        ],
        "g",
        1,
    ),
    (
        &["m", "metre", "metres", "meter", "meters"],
        "mm",
        1_000_000,
    ),
    (
        &[
            "cm",
            "centimetre",
            "centimetres",
            "centimeter",
            "centimeters",
        ],
        "mm",
        10_000,
    ),
    (&["mm", "millimetre", "millimetres"], "mm", 1_000),
    (&["oz", "ounce", "ounces", "once", "onces"], "oz", 1_000),
    (&["w", "watt", "watts"], "w", 1_000),
    (&["inch", "inches", "pouce", "pouces"], "inch", 1_000),
];

/// Number words that people say before a unit.
const COUNTS: &[(&[&str], u64)] = &[
    (&["half", "demi"], 500),
    (&["a", "an", "one", "un", "une"], 1_000),
    (&["two", "deux"], 2_000),
    (&["three", "trois"], 3_000),
    (&["four", "quatre"], 4_000),
    (&["five", "cinq"], 5_000),
    (&["six"], 6_000),
    (&["ten", "dix"], 10_000),
];

/// Joins a number and its unit to one token in the base unit: "1.5", "litre" is "1500ml".
pub(super) fn measured(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let unit = UNITS
            .iter()
            .find(|(forms, ..)| forms.contains(&word.as_str()));
        let amount = joined.last().and_then(|last| thousandths(last));
        if let (Some((_, base, factor)), Some(amount)) = (unit, amount)
            && let Some(scaled) = amount.checked_mul(*factor)
        {
            // Thousandths of a number times thousandths of a base unit.
            let (whole, rest) = (scaled / 1_000_000, scaled % 1_000_000);
            joined.pop();
            joined.push(match rest {
                0 => format!("{whole}{base}"),
                _ => format!("{whole}p{:03}{base}", rest / 1_000),
            });
        } else {
            joined.push(word.replace('.', "p"));
        }
    }
    joined
}

/// A number in thousandths: "1.5" is 1500. Number words count only before a unit.
fn thousandths(word: &str) -> Option<u64> {
    if let Some((_, n)) = COUNTS.iter().find(|(forms, _)| forms.contains(&word)) {
        return Some(*n);
    }
    // Decimals were written with a `p` when they were pushed.
    let (whole, rest) = word.split_once('p').unwrap_or((word, ""));
    if whole.len() > 9 || rest.len() > 3 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let rest: u64 = format!("{rest:0<3}").parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(rest)
}
