//! Money: integer minor units with a currency. Never floating point.

use serde::{Deserialize, Serialize};
use std::{fmt, iter::Sum, ops::Neg, str::FromStr};

/// An ISO 4217 currency with two decimals.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euro.
    #[default]
    Eur,
    /// Pound sterling.
    Gbp,
    /// US dollar.
    Usd,
    /// Canadian dollar.
    Cad,
    /// Swiss franc.
    Chf,
}

impl Currency {
    /// Every currency that is known, in a fixed order.
    pub const ALL: [Currency; 5] = [Self::Eur, Self::Gbp, Self::Usd, Self::Cad, Self::Chf];

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Usd => "USD",
            Self::Cad => "CAD",
            Self::Chf => "CHF",
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(s: &str) -> Result<Self, MoneyError> {
        Self::ALL
            .into_iter()
            .find(|c| c.code().eq_ignore_ascii_case(s))
            .ok_or_else(|| MoneyError::Currency(s.to_owned()))
    }
}

/// An amount in minor units (cents) of a currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: 350 is 3.50.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why a text is not an amount, or two amounts cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a known currency.
    #[error("expected a currency code (EUR, GBP, USD, CAD, CHF), found `{0}`")]
    Currency(String),
    /// Not an amount.
    #[error("expected an amount such as `3.50 EUR`, found `{0}`")]
    Amount(String),
}

impl Money {
    /// An amount in minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// This amount `n` times; saturates far beyond any shop's till.
    #[must_use]
    pub fn times(self, n: u32) -> Self {
        Self {
            minor: self.minor.saturating_mul(i64::from(n)),
            ..self
        }
    }

    /// The sum with an amount of the same currency (the other's currency is not looked at:
    /// a shop has one, checked when its feed is read).
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        debug_assert_eq!(self.currency, other.currency, "a shop has one currency");
        Self {
            minor: self.minor.saturating_add(other.minor),
            ..self
        }
    }

    /// The tax contained in this tax-inclusive amount, at a rate in basis points
    /// (2000 = 20 %), rounded half up to the minor unit.
    #[must_use]
    pub fn tax_included(self, rate_bp: u32) -> Self {
        let rate = i128::from(rate_bp);
        let (num, den) = (i128::from(self.minor) * rate, 10_000 + rate);
        let minor = (2 * num + den).div_euclid(2 * den);
        Self {
            minor: i64::try_from(minor).unwrap_or(i64::MAX),
            ..self
        }
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self {
            minor: -self.minor,
            ..self
        }
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.reduce(Self::plus).unwrap_or_default()
    }
}

impl fmt::Display for Money {
    /// `3.50 EUR`, as in feeds. Speech and pages format by language elsewhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, m) = (
            if self.minor < 0 { "-" } else { "" },
            self.minor.unsigned_abs(),
        );
        write!(
            f,
            "{sign}{}.{:02} {}",
            m / 100,
            m % 100,
            self.currency.code()
        )
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `3.50 EUR`, `3,50 EUR`, `3 EUR` and `EUR 3.50`: at most two decimals.
    fn from_str(s: &str) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(s.chars().take(40).collect());
        let (a, b) = s.trim().split_once(' ').ok_or_else(bad)?;
        let (number, code) = if a.starts_with(|c: char| c.is_ascii_alphabetic()) {
            (b, a)
        } else {
            (a, b)
        };
        let currency: Currency = code.trim().parse()?;
        let number = number.trim();
        let (whole, cents) = number.split_once(['.', ',']).unwrap_or((number, ""));
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole)
            || whole.len() > 12
            || cents.len() > 2
            || (number != whole && !digits(cents))
        {
            return Err(bad());
        }
        let cents = format!("{cents:0<2}");
        let minor = whole.parse::<i64>().map_err(|_| bad())? * 100
            + cents.parse::<i64>().map_err(|_| bad())?;
        Ok(Self { minor, currency })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_are_read_as_feeds_write_them() {
        for (text, minor) in [
            ("3.50 EUR", 350),
            ("3,5 EUR", 350),
            ("12 EUR", 1200),
            ("EUR 0.05", 5),
        ] {
            assert_eq!(
                text.parse::<Money>().unwrap(),
                Money::new(minor, Currency::Eur),
                "{text}"
            );
        }
        for text in [
            "",
            "3.50",
            "3.505 EUR",
            "-3 EUR",
            "3. EUR",
            "1e3 EUR",
            "3.50 XYZ",
            "free EUR",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        assert_eq!(Money::new(-5, Currency::Gbp).to_string(), "-0.05 GBP");
    }

    #[test]
    fn the_tax_in_an_amount_is_rounded_half_up() {
        let price = Money::new(12_00, Currency::Eur);
        assert_eq!(price.tax_included(2000).minor, 2_00);
        assert_eq!(Money::new(1_05, Currency::Eur).tax_included(550).minor, 5);
        assert_eq!(price.tax_included(0).minor, 0);
    }
}
