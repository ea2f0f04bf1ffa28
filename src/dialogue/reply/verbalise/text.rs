//! Words from rows (titles, descriptions, policies), made ready to be said: units, prices,
//! times, percentages and sizes in words.

use super::{amount::money_speech, date::time_speech};
use crate::{
    lang::Language,
    shop::money::{Currency, Money},
};
use jiff::civil::Time;

/// The same words, with what a voice would stumble over written out.
#[must_use]
pub fn speakable(language: Language, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut i = 0;
    while i < words.len() {
        let (taken, said) = next(language, &words[i..], out.last().map(String::as_str));
        out.push(said);
        i += taken;
    }
    out.join(" ")
}

/// How many words are taken, and how they are said.
fn next(language: Language, words: &[&str], before: Option<&str>) -> (usize, String) {
    let (open, core, close) = bare(words[0]);
    let following = words.get(1).map(|w| bare(w));
    let wrap = |said: &str, close: &str| format!("{open}{said}{close}");

    // "€12.50"
    if let Some((currency, number)) = leading_symbol(core)
        && let Some(minor) = minor_units(number)
    {
        return (
            1,
            wrap(&money_speech(language, Money::new(minor, currency)), close),
        );
    }
    // "12,50€", "500g", "20%", "18h30", "1.5L"
    let digits = number_prefix(core);
    if digits > 0 && digits < core.len() {
        let (number, unit) = core.split_at(digits);
        if let Some(said) = measured(language, number, unit) {
            return (1, wrap(&said, close));
        }
    }
    if digits > 0 && digits == core.len() && close.is_empty() {
        if let Some(("", unit, after)) = following {
            // "18 h 30"
            if unit == "h"
                && language == Language::Fr
                && after.is_empty()
                && let Some((_, minutes, end)) = words.get(2).map(|w| bare(w))
                && minutes.len() == 2
                && let Some(time) = clock(core, minutes)
            {
                return (3, wrap(&time_speech(language, time), end));
            }
            // "6:30 pm", "9 am"
            if let Some(time) = twelve_hour(core, unit) {
                return (2, wrap(&time_speech(language, time), after));
            }
            // "500 g", "12,50 €"
            if let Some(said) = measured(language, core, unit) {
                return (2, wrap(&said, after));
            }
            // "6 x 33 cl"
            if matches!(unit, "x" | "×") && after.is_empty() {
                let by = match language {
                    Language::En => "by",
                    Language::Fr => "fois",
                };
                return (2, wrap(&format!("{core} {by}"), after));
            }
        }
        if let Some((hour, minutes)) = core.split_once(':')
            && let Some(time) = clock(hour, minutes)
        {
            return (1, wrap(&time_speech(language, time), close));
        }
    }
    if let Some(said) = symbol(language, core, before) {
        return (1, wrap(&said, close));
    }
    (1, words[0].to_owned())
}

/// A word without the punctuation around it: what opens, the word, what closes.
fn bare(word: &str) -> (&str, &str, &str) {
    let start = word.len() - word.trim_start_matches(['(', '"', '«', '“']).len();
    let inner = &word[start..];
    let core = inner.trim_end_matches([',', ';', ':', '!', '?', ')', '"', '»', '”', '.', '…']);
    (&word[..start], core, &inner[core.len()..])
}

fn number_prefix(word: &str) -> usize {
    let end = word
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | ':'))
        .unwrap_or(word.len());
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        end
    } else {
        0
    }
}

fn leading_symbol(word: &str) -> Option<(Currency, &str)> {
    [
        ('€', Currency::Eur),
        ('£', Currency::Gbp),
        ('$', Currency::Usd),
    ]
    .into_iter()
    .find_map(|(symbol, currency)| Some((currency, word.strip_prefix(symbol)?)))
}

fn minor_units(number: &str) -> Option<i64> {
    let (major, cents) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let cents = match cents.len() {
        1 => cents.parse::<i64>().ok()? * 10,
        2 => cents.parse().ok()?,
        _ => return None,
    };
    Some(major.parse::<i64>().ok()?.checked_mul(100)? + cents)
}

fn clock(hour: &str, minutes: &str) -> Option<Time> {
    Time::new(hour.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

fn twelve_hour(number: &str, half: &str) -> Option<Time> {
    let add = match half {
        "am" => 0,
        "pm" => 12,
        _ => return None,
    };
    let (hour, minutes) = number.split_once(':').unwrap_or((number, "00"));
    let hour: i8 = hour.parse().ok().filter(|h| (1..=12).contains(h))?;
    Time::new(hour % 12 + add, minutes.parse().ok()?, 0, 0).ok()
}

/// A number with its unit in words.
fn measured(language: Language, number: &str, unit: &str) -> Option<String> {
    let currency = match unit {
        "€" | "EUR" => Some(Currency::Eur),
        "£" | "GBP" => Some(Currency::Gbp),
        "$" | "USD" => Some(Currency::Usd),
        _ => None,
    };
    if let Some(currency) = currency {
        return Some(money_speech(
            language,
            Money::new(minor_units(number)?, currency),
        ));
    }
    if language == Language::Fr
        && let Some(minutes) = unit.strip_prefix('h')
    {
        let minutes = if minutes.is_empty() { "00" } else { minutes };
        return Some(time_speech(language, clock(number, minutes)?));
    }
    let one = match language {
        Language::En => number == "1",
        // "1,5 litre": the plural begins at two.
        Language::Fr => {
            matches!(number.bytes().next(), Some(b'0' | b'1'))
                && number
                    .split(['.', ','])
                    .next()
                    .is_some_and(|whole| whole.len() == 1)
        }
    };
    let name = unit_name(language, unit)?;
    let spaced = match name {
        (singular, _) if one => singular,
        (_, plural) => plural,
    };
    let number = match language {
        Language::En => number.replace(',', "."),
        Language::Fr => number.replace('.', ","),
    };
    Some(format!("{number} {spaced}"))
}

/// Singular and plural.
fn unit_name(language: Language, unit: &str) -> Option<(&'static str, &'static str)> {
    let (en, fr) = match unit {
        "g" => (("gram", "grams"), ("gramme", "grammes")),
        "kg" => (("kilo", "kilos"), ("kilo", "kilos")),
        "mg" => (("milligram", "milligrams"), ("milligramme", "milligrammes")),
        "l" | "L" => (("litre", "litres"), ("litre", "litres")),
        "ml" | "mL" => (("millilitre", "millilitres"), ("millilitre", "millilitres")),
        "cl" | "cL" => (("centilitre", "centilitres"), ("centilitre", "centilitres")),
        "m" => (("metre", "metres"), ("mètre", "mètres")),
        "cm" => (("centimetre", "centimetres"), ("centimètre", "centimètres")),
        "mm" => (("millimetre", "millimetres"), ("millimètre", "millimètres")),
        "km" => (("kilometre", "kilometres"), ("kilomètre", "kilomètres")),
        "W" => (("watt", "watts"), ("watt", "watts")),
        "kW" => (("kilowatt", "kilowatts"), ("kilowatt", "kilowatts")),
        "V" => (("volt", "volts"), ("volt", "volts")),
        "mAh" => (
            ("milliamp hour", "milliamp hours"),
            ("milliampère-heure", "milliampères-heure"),
        ),
        "GB" | "Go" => (("gigabyte", "gigabytes"), ("giga-octet", "giga-octets")),
        "TB" | "To" => (("terabyte", "terabytes"), ("téra-octet", "téra-octets")),
        "MB" | "Mo" => (("megabyte", "megabytes"), ("méga-octet", "méga-octets")),
        "Hz" => (("hertz", "hertz"), ("hertz", "hertz")),
        "h" => (("hour", "hours"), ("heure", "heures")),
        "min" => (("minute", "minutes"), ("minute", "minutes")),
        "°C" => (("degree", "degrees"), ("degré", "degrés")),
        "%" => (("percent", "percent"), ("pour cent", "pour cent")),
        _ => return None,
    };
    Some(match language {
        Language::En => en,
        Language::Fr => fr,
    })
}

/// Signs and sizes that stand alone.
fn symbol(language: Language, word: &str, before: Option<&str>) -> Option<String> {
    let (en, fr) = match word {
        "&" => ("and", "et"),
        "+" => ("plus", "plus"),
        "n°" | "N°" => ("number", "numéro"),
        "XS" => ("extra small", "X S"),
        "XL" => ("extra large", "X L"),
        "XXL" => ("double extra large", "X X L"),
        "x" | "×" if before.is_some_and(|b| b.ends_with(|c: char| c.is_ascii_digit())) => {
            ("by", "fois")
        }
        "–" | "—" => (",", ","),
        _ => return None,
    };
    Some(
        match language {
            Language::En => en,
            Language::Fr => fr,
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_said_in_words() {
        for (text, en, fr) in [
            ("Rice 500 g", "Rice 500 grams", "Rice 500 grammes"),
            (
                "Rice, 500g, white",
                "Rice, 500 grams, white",
                "Rice, 500 grammes, white",
            ),
            ("Water 1,5 L", "Water 1.5 litres", "Water 1,5 litre"),
            (
                "Cola 6 x 33 cl",
                "Cola 6 by 33 centilitres",
                "Cola 6 fois 33 centilitres",
            ),
            (
                "20 % off (50%).",
                "20 percent off (50 percent).",
                "20 pour cent off (50 pour cent).",
            ),
            ("Shirt XL", "Shirt extra large", "Shirt X L"),
            ("Salt & pepper", "Salt and pepper", "Salt et pepper"),
            ("1 kg", "1 kilo", "1 kilo"),
            ("Levi's 501", "Levi's 501", "Levi's 501"),
        ] {
            assert_eq!(speakable(Language::En, text), en);
            assert_eq!(speakable(Language::Fr, text), fr);
        }
    }

    #[test]
    fn prices_and_times_in_texts_are_said_in_words() {
        assert_eq!(
            speakable(Language::Fr, "Ouvert de 9 h à 18 h 30, livraison 4,90 €."),
            "Ouvert de neuf heures à dix-huit heures trente, livraison quatre euros et quatre-vingt-dix centimes."
        );
        assert_eq!(
            speakable(Language::En, "Open from 9 am to 6:30 pm; delivery €4.90."),
            "Open from nine AM to six thirty PM; delivery four euros ninety."
        );
        assert_eq!(
            speakable(Language::Fr, "dès 18h30"),
            "dès dix-huit heures trente"
        );
        assert_eq!(speakable(Language::En, "10:15"), "ten fifteen AM");
    }
}
