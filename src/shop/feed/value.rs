//! Single values of a feed. Each error says what was expected.

use super::row::UnitPricing;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Most of a price, in minor units.
const HIGHEST_PRICE: i64 = 999_999_999;

/// A price: an amount above nothing with its currency.
pub(super) fn price(text: &str) -> Result<crate::shop::money::Money, String> {
    let form = || "an amount above 0 such as `3.50 EUR`".to_owned();
    let money: crate::shop::money::Money = text.parse().map_err(|_| form())?;
    match money.minor {
        1..=HIGHEST_PRICE => Ok(money),
        ..=0 => Err(form()),
        _ => Err("a price below 10 million".to_owned()),
    }
}

/// Whether it can be had now.
pub(super) fn availability(text: &str) -> Result<bool, String> {
    let text = text.to_ascii_lowercase();
    let name = text.rsplit_once("schema.org/").map_or(&*text, |(_, n)| n);
    match name.replace([' ', '-', '_'], "").as_str() {
        "instock" | "limitedavailability" | "instoreonly" => Ok(true),
        // Nothing can be handed over today for these.
        "outofstock" | "preorder" | "presale" | "backorder" | "onbackorder" | "soldout"
        | "discontinued" | "onlineonly" => Ok(false),
        _ => Err("`in_stock`, `out_of_stock`, `preorder` or `backorder`".to_owned()),
    }
}

/// A GTIN: 8, 12, 13 or 14 digits, the last one a check digit.
pub(super) fn gtin(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !matches!(digits.len(), 8 | 12..=14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a GTIN of 8, 12, 13 or 14 digits".to_owned());
    }
    let (body, check) = digits.split_at(digits.len() - 1);
    let right = check_digit(body);
    if check != right.to_string() {
        return Err(format!("a GTIN whose check digit is {right}"));
    }
    Ok(digits)
}

/// The check digit of the digits before it (GS1 General Specifications, 7.9.1): weights 3 and 1
/// in turn from the right, what is missing to the next ten.
#[must_use]
fn check_digit(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    (10 - sum % 10) % 10
}

/// Percent as basis points: `5.5` is 550.
pub(super) fn tax_rate(text: &str) -> Result<u32, String> {
    let form = || "a tax rate from 0 to 100 percent such as `5.5`".to_owned();
    let text = text.trim().trim_end_matches('%').trim().replace(',', ".");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return Err(form());
    }
    let whole: u32 = whole.parse().map_err(|_| form())?;
    let rest: u32 = format!("{rest:0<2}").parse().map_err(|_| form())?;
    let rate = whole * 100 + rest;
    if rate > 10_000 { Err(form()) } else { Ok(rate) }
}

/// A whole number from 0 to `most`.
pub(super) fn whole(text: &str, most: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|n| *n <= most)
        .ok_or_else(|| format!("a whole number from 0 to {most}"))
}

/// `2026-11-01T00:00+01:00/2027-01-31T23:59+01:00`; days alone are whole days, UTC.
pub(super) fn interval(text: &str) -> Result<(Timestamp, Timestamp), String> {
    let form = || {
        "two moments such as `2026-11-01T00:00+01:00/2027-01-31T23:59+01:00`, the first before \
         the second"
            .to_owned()
    };
    let (from, until) = text.split_once('/').ok_or_else(form)?;
    let from = moment(from.trim(), false).ok_or_else(form)?;
    let until = moment(until.trim(), true).ok_or_else(form)?;
    if from < until {
        Ok((from, until))
    } else {
        Err(form())
    }
}

fn moment(text: &str, end_of_day: bool) -> Option<Timestamp> {
    if text.len() == "2026-11-01".len()
        && let Ok(day) = text.parse::<Date>()
    {
        let day = if end_of_day {
            day.tomorrow().ok()?
        } else {
            day
        };
        return Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // Google's own examples have offsets without a colon and times without seconds.
    [
        "%Y-%m-%dT%H:%M%z",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M%:z",
        "%Y-%m-%d %H:%M%z",
    ]
    .into_iter()
    .find_map(|format| Timestamp::strptime(format, text).ok())
}

/// Units of measure: (names, kind, thousandths of the kind's smallest unit).
const UNITS: &[(&[&str], char, i64)] = &[
    (&["mg"], 'g', 1),
    (&["g", "gr"], 'g', 1_000),
    (&["kg"], 'g', 1_000_000),
    (&["ml"], 'l', 1_000),
    (&["cl"], 'l', 10_000),
    (&["dl"], 'l', 100_000),
    (&["l"], 'l', 1_000_000),
    (&["mm"], 'm', 1_000),
    (&["cm"], 'm', 10_000),
    (&["m"], 'm', 1_000_000),
    (&["sqm", "m2"], 's', 1_000),
    (&["cbm", "m3"], 'c', 1_000),
    (&["ct", "pc", "pcs"], 'n', 1_000),
    (&["oz"], 'o', 1_000),
    (&["lb"], 'o', 16_000),
    (&["floz"], 'f', 1_000),
];

/// `unit_pricing_measure` with `unit_pricing_base_measure`; without the latter, per 1 kg, 1 l,
/// 1 m or 1 piece.
pub(super) fn unit_pricing(measure: &str, base: &str) -> Result<UnitPricing, String> {
    let form = || "a measure such as `500 g`, and a base measure of the same kind such as `1 kg`";
    let (kind, amount) = quantity(measure).ok_or_else(form)?;
    let label = match (base, kind) {
        ("", 'g') => "1 kg",
        ("", 'l') => "1 l",
        ("", 'm') => "1 m",
        ("", 'n') => "1 ct",
        ("", _) => return Err(form().to_owned()),
        (base, _) => base,
    };
    let (base_kind, base_amount) = quantity(label).ok_or_else(form)?;
    if kind != base_kind {
        return Err(form().to_owned());
    }
    Ok(UnitPricing {
        numerator: base_amount,
        denominator: amount,
        label: label.to_owned(),
        measure: measure.to_owned(),
    })
}

/// A measure's kind, and its amount in millionths of the smallest unit.
fn quantity(text: &str) -> Option<(char, i64)> {
    let text = text.trim().to_ascii_lowercase().replace(',', ".");
    let cut = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(cut);
    let unit = unit.trim();
    let (_, kind, factor) = UNITS.iter().find(|(names, ..)| names.contains(&unit))?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 7 || rest.len() > 3 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let rest: i64 = format!("{rest:0<3}").parse().ok()?;
    let amount = (whole * 1_000 + rest).checked_mul(*factor)?;
    (amount > 0).then_some((*kind, amount))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_gtin_needs_its_check_digit() {
        assert_eq!(gtin("4006381333931").unwrap(), "4006381333931");
        assert_eq!(gtin("40 0638-1333931").unwrap(), "4006381333931");
        assert_eq!(gtin("96385074").unwrap(), "96385074");
        assert_eq!(
            gtin("4006381333930").unwrap_err(),
            "a GTIN whose check digit is 1"
        );
        assert!(gtin("12345").is_err() && gtin("400638133393a").is_err());
    }

    #[test]
    fn prices_and_rates_are_exact() {
        assert_eq!(price("3.50 EUR").unwrap().minor, 350);
        for bad in [
            "0 EUR",
            "-1 EUR",
            "free",
            "3.50",
            "10000000.00 EUR",
            "1,299.00 EUR",
            "",
        ] {
            assert!(price(bad).is_err(), "{bad}");
        }
        assert_eq!(tax_rate("5.5"), Ok(550));
        assert_eq!(tax_rate("20 %"), Ok(2000));
        assert!(tax_rate("-1").is_err() && tax_rate("101").is_err() && tax_rate("x").is_err());
    }

    #[test]
    fn promotions_begin_and_end_as_feeds_write_it() {
        let (from, until) = interval("2026-11-01T00:00+0100/2027-01-31T23:59+01:00").unwrap();
        assert_eq!(from.to_string(), "2026-10-31T23:00:00Z");
        assert_eq!(until.to_string(), "2027-01-31T22:59:00Z");
        let (_, until) = interval("2026-11-01/2026-11-30").unwrap();
        assert_eq!(until.to_string(), "2026-12-01T00:00:00Z");
        assert!(interval("2026-11-30/2026-11-01").is_err() && interval("soon").is_err());
    }

    #[test]
    fn unit_prices_compare_measures_of_one_kind() {
        let unit = unit_pricing("500 g", "1 kg").unwrap();
        assert_eq!(unit.numerator / unit.denominator, 2);
        assert_eq!(unit_pricing("75cl", "").unwrap().label, "1 l");
        assert!(unit_pricing("500 g", "1 l").is_err());
        assert!(unit_pricing("0 g", "1 kg").is_err());
    }
}
