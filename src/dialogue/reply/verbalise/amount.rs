//! Amounts of money, as shown and as said.

use super::number::cardinal;
use crate::{
    lang::Language,
    shop::money::{Currency, Money},
};

/// As shown: "€12.50", "12,50 €".
#[must_use]
pub fn money_text(language: Language, amount: Money) -> String {
    let (sign, minor) = (
        if amount.minor < 0 { "-" } else { "" },
        amount.minor.unsigned_abs(),
    );
    let (major, cents) = (minor / 100, minor % 100);
    match language {
        Language::En => {
            let symbol = match amount.currency {
                Currency::Eur => "€",
                Currency::Gbp => "£",
                Currency::Usd => "$",
                Currency::Cad => "CA$",
                Currency::Chf => "CHF ",
            };
            format!("{sign}{symbol}{}.{cents:02}", grouped(major, ','))
        }
        Language::Fr => {
            let symbol = match amount.currency {
                Currency::Eur => "€",
                Currency::Gbp => "£",
                Currency::Usd => "$",
                Currency::Cad => "$ CA",
                Currency::Chf => "CHF",
            };
            // A narrow no-break space groups digits, so that an amount never breaks inside.
            format!("{sign}{},{cents:02} {symbol}", grouped(major, '\u{202f}'))
        }
    }
}

fn grouped(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(d);
    }
    out
}

/// As said: "twelve euros fifty", "douze euros cinquante". Less than ten cents are named, so
/// that "twelve euros and five cents" is not heard as "twelve fifty-five"; in French so are more
/// than sixty, whose words run into the euros ("euros quatre-vingt-dix").
#[must_use]
pub fn money_speech(language: Language, amount: Money) -> String {
    let minor = amount.minor.unsigned_abs();
    let (major, cents) = (minor / 100, minor % 100);
    let unit = currency_name(language, amount.currency, major);
    let sub = cents_name(language, amount.currency, cents);
    // "un million d'euros", but "un million cent euros".
    let of =
        match language {
            Language::Fr if major >= 1_000_000 && major % 1_000_000 == 0 => {
                if unit.starts_with('e') { "d'" } else { "de " }
            }
            _ => "",
        };
    let spoken = match (major, cents) {
        (0, 1..) => format!("{} {sub}", cardinal(language, cents)),
        (_, 0) => format!("{} {of}{unit}", feminine(language, amount.currency, major)),
        _ if cents < 10 || language == Language::Fr && cents > 60 => {
            let and = match language {
                Language::En => "and",
                Language::Fr => "et",
            };
            format!(
                "{} {of}{unit} {and} {} {sub}",
                feminine(language, amount.currency, major),
                cardinal(language, cents)
            )
        }
        _ => format!(
            "{} {of}{unit} {}",
            feminine(language, amount.currency, major),
            cardinal(language, cents)
        ),
    };
    match (amount.minor < 0, language) {
        (false, _) => spoken,
        (true, Language::En) => format!("minus {spoken}"),
        (true, Language::Fr) => format!("moins {spoken}"),
    }
}

/// "une livre", "vingt et une livres": pounds are feminine in French.
fn feminine(language: Language, currency: Currency, n: u64) -> String {
    let words = cardinal(language, n);
    match (language, currency) {
        (Language::Fr, Currency::Gbp)
            if words == "un" || words.ends_with(" un") || words.ends_with("-un") =>
        {
            format!("{words}e")
        }
        _ => words,
    }
}

fn currency_name(language: Language, currency: Currency, n: u64) -> &'static str {
    // French has the singular for zero too: "zéro euro".
    let one = match language {
        Language::En => n == 1,
        Language::Fr => n < 2,
    };
    match (language, currency, one) {
        (_, Currency::Eur, true) => "euro",
        (_, Currency::Eur, false) => "euros",
        (_, Currency::Usd | Currency::Cad, true) => "dollar",
        (_, Currency::Usd | Currency::Cad, false) => "dollars",
        (Language::En, Currency::Gbp, true) => "pound",
        (Language::En, Currency::Gbp, false) => "pounds",
        (Language::Fr, Currency::Gbp, true) => "livre",
        (Language::Fr, Currency::Gbp, false) => "livres",
        (Language::En, Currency::Chf, true) => "Swiss franc",
        (Language::En, Currency::Chf, false) => "Swiss francs",
        (Language::Fr, Currency::Chf, true) => "franc suisse",
        (Language::Fr, Currency::Chf, false) => "francs suisses",
    }
}

fn cents_name(language: Language, currency: Currency, n: u64) -> &'static str {
    let one = n == 1;
    match (language, currency) {
        (_, Currency::Gbp) => {
            if one {
                "penny"
            } else {
                "pence"
            }
        }
        (Language::Fr, Currency::Eur | Currency::Chf) => {
            if one {
                "centime"
            } else {
                "centimes"
            }
        }
        _ => {
            if one {
                "cent"
            } else {
                "cents"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::Eur)
    }

    #[test]
    fn prices_are_said_as_people_say_them() {
        for (minor, en, fr) in [
            (12_50, "twelve euros fifty", "douze euros cinquante"),
            (1_00, "one euro", "un euro"),
            (0, "zero euros", "zéro euro"),
            (1, "one cent", "un centime"),
            (99, "ninety-nine cents", "quatre-vingt-dix-neuf centimes"),
            (
                2_05,
                "two euros and five cents",
                "deux euros et cinq centimes",
            ),
            (
                3_01,
                "three euros and one cent",
                "trois euros et un centime",
            ),
            (90_00, "ninety euros", "quatre-vingt-dix euros"),
            (80_00, "eighty euros", "quatre-vingts euros"),
            (20_000, "two hundred euros", "deux cents euros"),
            (
                124_990,
                "one thousand two hundred and forty-nine euros ninety",
                "mille deux cent quarante-neuf euros et quatre-vingt-dix centimes",
            ),
            (100_000_000, "one million euros", "un million d'euros"),
            (-5_00, "minus five euros", "moins cinq euros"),
        ] {
            assert_eq!(money_speech(Language::En, eur(minor)), en);
            assert_eq!(money_speech(Language::Fr, eur(minor)), fr);
        }
        assert_eq!(
            money_speech(Language::Fr, Money::new(21_30, Currency::Gbp)),
            "vingt et une livres trente"
        );
        assert_eq!(
            money_speech(Language::En, Money::new(1, Currency::Gbp)),
            "one penny"
        );
    }

    #[test]
    fn prices_are_written_as_each_language_writes_them() {
        assert_eq!(money_text(Language::En, eur(12_50)), "€12.50");
        assert_eq!(money_text(Language::Fr, eur(12_50)), "12,50 €");
        assert_eq!(money_text(Language::En, eur(123_405)), "€1,234.05");
        assert_eq!(money_text(Language::Fr, eur(123_405)), "1\u{202f}234,05 €");
        assert_eq!(money_text(Language::Fr, eur(-50)), "-0,50 €");
    }
}
