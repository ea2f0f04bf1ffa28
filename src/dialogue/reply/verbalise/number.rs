//! Numbers in words.

use crate::lang::Language;

/// A whole number in words: "ninety-seven", "quatre-vingt-dix-sept".
///
/// English is written with "and" ("two hundred and one"), French by the rules of standard
/// French of France ("soixante et onze", "deux cents", "deux cent un").
#[must_use]
pub fn cardinal(language: Language, n: u64) -> String {
    match language {
        Language::En => english(n),
        Language::Fr => french(n),
    }
}

const EN_SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const EN_TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

fn english(n: u64) -> String {
    match n {
        0..=19 => EN_SMALL[n as usize].to_owned(),
        20..=99 => {
            let tens = EN_TENS[(n / 10) as usize];
            match n % 10 {
                0 => tens.to_owned(),
                unit => format!("{tens}-{}", EN_SMALL[unit as usize]),
            }
        }
        100..=999 => {
            let head = format!("{} hundred", english(n / 100));
            match n % 100 {
                0 => head,
                rest => format!("{head} and {}", english(rest)),
            }
        }
        1_000..=999_999 => english_big(n, 1_000, "thousand"),
        1_000_000..=999_999_999 => english_big(n, 1_000_000, "million"),
        _ => english_big(n, 1_000_000_000, "billion"),
    }
}

fn english_big(n: u64, scale: u64, name: &str) -> String {
    let head = format!("{} {name}", english(n / scale));
    match n % scale {
        0 => head,
        rest @ 1..=99 => format!("{head} and {}", english(rest)),
        rest => format!("{head} {}", english(rest)),
    }
}

const FR_SMALL: [&str; 17] = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
    "douze", "treize", "quatorze", "quinze", "seize",
];
const FR_TENS: [&str; 10] = [
    "",
    "dix",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
    "soixante",
    "quatre-vingt",
    "quatre-vingt",
];

fn french(n: u64) -> String {
    match n {
        0..=16 => FR_SMALL[n as usize].to_owned(),
        17..=19 => format!("dix-{}", FR_SMALL[(n - 10) as usize]),
        20..=99 => french_tens(n),
        100..=999 => {
            let (hundreds, rest) = (n / 100, n % 100);
            let head = if hundreds == 1 {
                "cent".to_owned()
            } else {
                // "cent" takes an s when it is multiplied and nothing follows.
                let s = if rest == 0 { "s" } else { "" };
                format!("{} cent{s}", french(hundreds))
            };
            if rest == 0 {
                head
            } else {
                format!("{head} {}", french(rest))
            }
        }
        1_000..=999_999 => {
            let (thousands, rest) = (n / 1_000, n % 1_000);
            let head = if thousands == 1 {
                "mille".to_owned()
            } else {
                // Before "mille", "cents" and "quatre-vingts" lose their s.
                let multiplier = french(thousands);
                let bare = ["cents", "vingts"]
                    .iter()
                    .any(|plural| multiplier.ends_with(plural));
                format!(
                    "{} mille",
                    if bare {
                        &multiplier[..multiplier.len() - 1]
                    } else {
                        &multiplier
                    }
                )
            };
            if rest == 0 {
                head
            } else {
                format!("{head} {}", french(rest))
            }
        }
        1_000_000..=999_999_999 => french_big(n, 1_000_000, "million"),
        _ => french_big(n, 1_000_000_000, "milliard"),
    }
}

fn french_tens(n: u64) -> String {
    let (tens, unit) = ((n / 10) as usize, n % 10);
    // 70 and 90 count on from 60 and 80: soixante-dix, quatre-vingt-dix.
    let unit = if tens == 7 || tens == 9 {
        unit + 10
    } else {
        unit
    };
    let head = FR_TENS[tens];
    match (tens, unit) {
        (8, 0) => "quatre-vingts".to_owned(),
        (_, 0) => head.to_owned(),
        (2..=6, 1) => format!("{head} et un"),
        (7, 11) => format!("{head} et onze"),
        _ => format!("{head}-{}", french(unit)),
    }
}

fn french_big(n: u64, scale: u64, name: &str) -> String {
    let count = n / scale;
    let s = if count > 1 { "s" } else { "" };
    let head = format!("{} {name}{s}", french(count));
    match n % scale {
        0 => head,
        rest => format!("{head} {}", french(rest)),
    }
}

/// A position in words: "first", "premier".
#[must_use]
pub fn ordinal(language: Language, n: u64) -> String {
    match language {
        Language::En => english_ordinal(n),
        Language::Fr => french_ordinal(n),
    }
}

fn english_ordinal(n: u64) -> String {
    let words = english(n);
    let cut = words.rfind([' ', '-']).map_or(0, |i| i + 1);
    let (head, last) = words.split_at(cut);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    format!("{head}{last}")
}

fn french_ordinal(n: u64) -> String {
    if n == 1 {
        return "premier".to_owned();
    }
    let words = french(n);
    if let Some(stem) = words.strip_suffix("cinq") {
        format!("{stem}cinquième")
    } else if let Some(stem) = words.strip_suffix("neuf") {
        format!("{stem}neuvième")
    } else if let Some(stem) = words.strip_suffix("vingts") {
        format!("{stem}vingtième")
    } else if let Some(stem) = words.strip_suffix("cents") {
        format!("{stem}centième")
    } else if let Some(stem) = words.strip_suffix('e') {
        format!("{stem}ième")
    } else {
        format!("{words}ième")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_counts_by_its_own_rules() {
        for (n, words) in [
            (0, "zéro"),
            (1, "un"),
            (16, "seize"),
            (17, "dix-sept"),
            (20, "vingt"),
            (21, "vingt et un"),
            (22, "vingt-deux"),
            (61, "soixante et un"),
            (70, "soixante-dix"),
            (71, "soixante et onze"),
            (72, "soixante-douze"),
            (77, "soixante-dix-sept"),
            (80, "quatre-vingts"),
            (81, "quatre-vingt-un"),
            (90, "quatre-vingt-dix"),
            (91, "quatre-vingt-onze"),
            (97, "quatre-vingt-dix-sept"),
            (99, "quatre-vingt-dix-neuf"),
            (100, "cent"),
            (101, "cent un"),
            (180, "cent quatre-vingts"),
            (200, "deux cents"),
            (201, "deux cent un"),
            (999, "neuf cent quatre-vingt-dix-neuf"),
            (1_000, "mille"),
            (1_001, "mille un"),
            (2_000, "deux mille"),
            (2_026, "deux mille vingt-six"),
            (80_000, "quatre-vingt mille"),
            (200_000, "deux cent mille"),
            (1_000_000, "un million"),
            (2_000_080, "deux millions quatre-vingts"),
        ] {
            assert_eq!(cardinal(Language::Fr, n), words, "{n}");
        }
    }

    #[test]
    fn english_says_and_before_the_last_two_digits() {
        for (n, words) in [
            (0, "zero"),
            (13, "thirteen"),
            (20, "twenty"),
            (42, "forty-two"),
            (97, "ninety-seven"),
            (100, "one hundred"),
            (101, "one hundred and one"),
            (215, "two hundred and fifteen"),
            (1_000, "one thousand"),
            (1_005, "one thousand and five"),
            (1_234, "one thousand two hundred and thirty-four"),
            (1_000_001, "one million and one"),
        ] {
            assert_eq!(cardinal(Language::En, n), words, "{n}");
        }
    }

    #[test]
    fn positions_have_their_own_forms() {
        for (n, en, fr) in [
            (1, "first", "premier"),
            (2, "second", "deuxième"),
            (3, "third", "troisième"),
            (4, "fourth", "quatrième"),
            (5, "fifth", "cinquième"),
            (8, "eighth", "huitième"),
            (9, "ninth", "neuvième"),
            (12, "twelfth", "douzième"),
            (20, "twentieth", "vingtième"),
            (21, "twenty-first", "vingt et unième"),
            (30, "thirtieth", "trentième"),
            (80, "eightieth", "quatre-vingtième"),
            (100, "one hundredth", "centième"),
        ] {
            assert_eq!(ordinal(Language::En, n), en);
            assert_eq!(ordinal(Language::Fr, n), fr);
        }
    }
}
