//! What every format comes to: places, rows of values, and why something is no row.

use super::{columns::Place, named::Named};

/// One step of a feed.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A row's values, in the order of the columns.
    Row(Place, Vec<String>),
    /// Something that is no row.
    Refused(Place, NoRow),
}

/// Why something is no row.
#[derive(Debug)]
pub(super) struct NoRow {
    /// What was expected.
    pub(super) expected: String,
    /// What was found.
    pub(super) found: String,
    /// Whether it does not even have the form of one: many of these in a row are a feed that has
    /// turned to garbage.
    pub(super) formless: bool,
}

impl NoRow {
    pub(super) fn formless(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            formless: true,
        }
    }

    pub(super) fn unfit(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
            formless: false,
        }
    }
}

/// A count as systems write it: never below nothing ("-3" is oversold), no decimals.
pub(super) fn counted(text: &str) -> &str {
    match text.split_once('.') {
        _ if text.starts_with('-') => "0",
        Some((whole, rest)) if rest.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

/// An amount as a feed's price has it: `19.9` and `EUR` is `19.90 EUR`. What is no amount stays
/// as it is, to be refused with its words.
pub(super) fn priced(amount: &str, currency: &str, minor_units: bool) -> String {
    let amount = amount.trim();
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let amount = match amount.split_once('.') {
        None if minor_units && digits(amount) && amount.len() < 15 => {
            let padded = format!("{amount:0>3}");
            let (whole, cents) = padded.split_at(padded.len() - 2);
            format!("{whole}.{cents}")
        }
        Some((whole, rest)) if minor_units && rest.bytes().all(|b| b == b'0') => {
            return priced(whole, currency, true);
        }
        // Some systems write four decimals.
        Some((whole, rest)) if !minor_units && digits(rest) => {
            let rest = rest.trim_end_matches('0');
            if rest.is_empty() {
                whole.to_owned()
            } else {
                format!("{whole}.{rest}")
            }
        }
        // Minor units with a fraction are none.
        Some(_) if minor_units => format!("{amount} (minor units)"),
        _ => amount.to_owned(),
    };
    format!("{amount} {}", currency.trim())
}

/// Sets both prices from what is paid now and what was before.
pub(super) fn set_prices(named: &mut Named, now: String, before: Option<String>) {
    use crate::shop::money::Money;
    let dearer = before.filter(|before| {
        let (before, now) = (before.parse::<Money>(), now.parse::<Money>());
        matches!((before, now), (Ok(b), Ok(n)) if b.currency == n.currency && b.minor > n.minor)
    });
    match dearer {
        Some(before) => {
            named.set("price", &before, 0);
            named.set("sale_price", &now, 0);
        }
        None => {
            named.set("price", &now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_in_every_notation() {
        for (amount, minor, expected) in [
            ("19.9", false, "19.9 EUR"),
            ("1299.0000", false, "1299 EUR"),
            ("10", false, "10 EUR"),
            ("1999", true, "19.99 EUR"),
            ("5", true, "0.05 EUR"),
            ("100.0", true, "1.00 EUR"),
            ("19.99", true, "19.99 (minor units) EUR"),
            ("free", false, "free EUR"),
            ("1e3", false, "1e3 EUR"),
        ] {
            assert_eq!(priced(amount, "EUR", minor), expected);
        }
        assert_eq!(
            (counted("-3"), counted("12.0"), counted("1.5")),
            ("0", "12", "1.5")
        );
    }
}
