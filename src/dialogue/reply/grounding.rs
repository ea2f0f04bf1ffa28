//! Whether a text says only what the turn knows.
//!
//! Where a language model rewords a reply, its text is checked here before it is shown or
//! spoken: every number, amount, date, product name and other proper name in it must be among
//! the facts of the turn. One that is not, and the reply is said as the messages have it.

use super::{Arg, Message, Mode, verbalise::number::cardinal};
use crate::{dialogue::words, lang::Language};
use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

/// The facts of one turn, as texts may name them.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Numbers, without signs and leading zeros: amounts as "12.50", whole ones as "3".
    numbers: BTreeSet<String>,
    /// Folded words that a text may use.
    words: BTreeSet<String>,
    /// Folded names of products of this turn.
    names: BTreeSet<String>,
    /// Folded names of products that the session knows and that are not of this turn.
    others: BTreeSet<String>,
    language: Option<Language>,
}

/// Something in a text that the turn does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ungrounded {
    /// A number, amount, date or time.
    #[error("expected only numbers of this turn, found `{0}`")]
    Number(String),
    /// A product that is not of this turn.
    #[error("expected only products of this turn, found `{0}`")]
    Product(String),
    /// A proper name that no fact holds.
    #[error("expected only names of this turn, found `{0}`")]
    Name(String),
}

impl Facts {
    /// The facts of these messages, in a language.
    #[must_use]
    pub fn of<'a>(language: Language, messages: impl IntoIterator<Item = &'a Message>) -> Self {
        let mut facts = Self {
            language: Some(language),
            ..Self::default()
        };
        for message in messages {
            for mode in [Mode::Text, Mode::Speech] {
                facts.allow_words(&message.render(language, mode));
            }
            for fact in message.facts() {
                facts.take(language, fact);
            }
        }
        facts
    }

    /// Names of products that are known and are not facts of this turn: naming one of them is
    /// a mistake even where each of its words is harmless.
    #[must_use]
    pub fn not_about<'a>(mut self, titles: impl IntoIterator<Item = &'a str>) -> Self {
        for title in titles {
            let name = words::fold(title);
            if !name.is_empty() && !self.names.contains(&name) {
                self.others.insert(name);
            }
        }
        self
    }

    fn take(&mut self, language: Language, fact: &Arg) {
        match fact {
            Arg::Count(n) | Arg::Position(n) => {
                self.numbers.insert(n.to_string());
            }
            Arg::Money(m) => {
                let minor = m.minor.unsigned_abs();
                let (major, cents) = (minor / 100, minor % 100);
                self.numbers.insert(format!("{major}.{cents:02}"));
                // Said as "twelve euros fifty", an amount is two numbers.
                self.numbers.insert(major.to_string());
                self.numbers.insert(cents.to_string());
            }
            Arg::Words(w) => {
                self.names.insert(words::fold(w));
            }
            Arg::Day(..) | Arg::Time(_) | Arg::OrderNumber(_) => {
                // Their numbers are in the rendered texts, digit by digit.
                for mode in [Mode::Text, Mode::Speech] {
                    let text = fact.plain(language, mode);
                    self.allow_words(&text);
                    for (_, n) in numbers(language, &text) {
                        self.numbers.insert(n);
                    }
                }
            }
            Arg::Case(_) | Arg::All(_) | Arg::Any(_) | Arg::Part(_) => {}
        }
        if let Arg::Words(w) = fact {
            for (_, n) in numbers(language, w) {
                self.numbers.insert(n);
            }
        }
    }

    fn allow_words(&mut self, text: &str) {
        self.words.extend(words::all_words(text));
    }

    /// Checks a text.
    ///
    /// # Errors
    /// The first thing in it that is not among the facts.
    pub fn check(&self, text: &str) -> Result<(), Ungrounded> {
        let language = self.language.unwrap_or(Language::En);
        for (as_written, n) in numbers(language, text) {
            if !self.numbers.contains(&n) {
                return Err(Ungrounded::Number(as_written));
            }
        }
        let folded = format!(" {} ", words::fold(text));
        for other in &self.others {
            let within_a_fact = self.names.iter().any(|n| {
                format!(" {n} ").contains(&format!(" {other} "))
                    && folded.contains(&format!(" {n} "))
            });
            if folded.contains(&format!(" {other} ")) && !within_a_fact {
                return Err(Ungrounded::Product(other.clone()));
            }
        }
        for name in proper_names(language, text) {
            let known = words::all_words(&name).iter().all(|w| {
                self.words.contains(w) || self.names.iter().any(|n| n.split(' ').any(|x| x == w))
            });
            if !known {
                return Err(Ungrounded::Name(name));
            }
        }
        Ok(())
    }
}

/// Days and months are facts in lower case too, as French writes them.
const CALENDAR: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "tomorrow",
    "yesterday",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "janvier",
    "fevrier",
    "avril",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
    "demain",
    "hier",
];

/// Words with a capital inside a sentence, and days and months anywhere.
fn proper_names(language: Language, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut begins = true;
    for word in text.split_whitespace() {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let folded = words::fold(core);
        let capital = core.chars().next().is_some_and(char::is_uppercase);
        let i = language == Language::En && (core == "I" || core.starts_with("I'"));
        if CALENDAR.contains(&folded.as_str()) || (capital && !begins && !i) {
            out.push(core.to_owned());
        }
        if !core.is_empty() {
            begins = word.ends_with(['.', '!', '?', ':', '…', '»']);
        }
    }
    out
}

/// The numbers in a text, in digits or words: as written, and in one form.
fn numbers(language: Language, text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '\u{202f}') {
        let mut digits = String::new();
        let mut flush = |digits: &mut String| {
            let bare = digits.trim_matches(['.', ',']).to_owned();
            digits.clear();
            if bare.is_empty() {
                return;
            }
            // "12,50" is "12.50"; "007" is "7"; "1,234.05" is "1234.05".
            let grouped = bare.contains(',') && bare.contains('.');
            let form = if grouped {
                bare.replace(',', "")
            } else {
                bare.replace(',', ".")
            };
            let form = match form.trim_start_matches('0') {
                "" => "0".to_owned(),
                f if f.starts_with('.') => format!("0{f}"),
                f => f.to_owned(),
            };
            out.push((bare, form));
        };
        for c in word.chars() {
            if c.is_ascii_digit() || (matches!(c, '.' | ',') && !digits.is_empty()) {
                digits.push(c);
            } else {
                flush(&mut digits);
            }
        }
        flush(&mut digits);
    }
    out.extend(number_words(language, text));
    out
}

/// Numbers in words: the longest run of words that says one, from two on ("one" and "un" are
/// articles as well).
fn number_words(language: Language, text: &str) -> Vec<(String, String)> {
    let words = words::all_words(text);
    let mut out = Vec::new();
    let mut i = 0;
    while i < words.len() {
        // Below ten thousand the longest is eight words.
        let found = (1..=8).rev().find_map(|n| {
            let run = words.get(i..i + n)?.join(" ");
            Some((n, said_number(language, &run)?, run))
        });
        match found {
            Some((n, value, run)) => {
                if value > 1 {
                    out.push((run, value.to_string()));
                }
                i += n;
            }
            None => i += 1,
        }
    }
    out
}

fn said_number(language: Language, run: &str) -> Option<u64> {
    type Table = HashMap<String, u64>;
    fn table(language: Language) -> Table {
        (0..10_000)
            .map(|n| (words::fold(&cardinal(language, n)), n))
            .collect()
    }
    static EN: LazyLock<Table> = LazyLock::new(|| table(Language::En));
    static FR: LazyLock<Table> = LazyLock::new(|| table(Language::Fr));
    match language {
        Language::En => EN.get(run).copied(),
        Language::Fr => FR.get(run).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::money::{Currency, Money};
    use jiff::civil::date;

    fn facts(language: Language) -> Facts {
        let added = Message::new("result-one")
            .words("title", "Oat milk 1 L")
            .money("price", Money::new(12_50, Currency::Eur))
            .case("measured", "no")
            .money("unit", Money::new(0, Currency::Eur))
            .words("measure", "");
        let stock = Message::new("stock-some")
            .words("title", "Oat milk 1 L")
            .count("left", 24u32);
        let day = Message::new("order-promised")
            .with("day", Arg::Day(date(2026, 11, 27), date(2026, 11, 20)));
        Facts::of(language, [&added, &stock, &day]).not_about(["Soy milk", "Oat milk vanilla"])
    }

    #[test]
    fn what_the_turn_knows_may_be_said_in_other_words() {
        let en = facts(Language::En);
        for text in [
            "Sure! The Oat milk 1 L is €12.50, and there are 24 of them.",
            "That would be twelve euros fifty, we have twenty-four left.",
            "It comes on Friday, the 27 November. I hope one is enough.",
        ] {
            assert_eq!(en.check(text), Ok(()), "{text}");
        }
        let fr = facts(Language::Fr);
        for text in [
            "Bien sûr ! Oat milk 1 L coûte 12,50 €, il en reste vingt-quatre.",
            "Elle arrive vendredi 27 novembre, pour douze euros cinquante.",
        ] {
            assert_eq!(fr.check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_invented_number_price_day_or_product_is_found() {
        let en = facts(Language::En);
        for (text, found) in [
            ("It is €11.50.", Ungrounded::Number("11.50".into())),
            (
                "We have twenty-five left.",
                Ungrounded::Number("twenty five".into()),
            ),
            ("It comes on Thursday.", Ungrounded::Name("Thursday".into())),
            (
                "Our Soy milk is nice too.",
                Ungrounded::Product("soy milk".into()),
            ),
            ("It is made by Alpro.", Ungrounded::Name("Alpro".into())),
        ] {
            assert_eq!(en.check(text), Err(found), "{text}");
        }
        let fr = facts(Language::Fr);
        for (text, found) in [
            ("Il coûte 12,05 €.", Ungrounded::Number("12,05".into())),
            (
                "Il en reste quatre-vingt-dix.",
                Ungrounded::Number("quatre vingt dix".into()),
            ),
            ("Elle arrive jeudi.", Ungrounded::Name("jeudi".into())),
        ] {
            assert_eq!(fr.check(text), Err(found), "{text}");
        }
    }

    #[test]
    fn every_message_as_rendered_is_grounded_in_its_own_facts() {
        let line = Message::new("added")
            .words("line", "2 × Rice 500 g")
            .money("amount", Money::new(97_99, Currency::Eur))
            .count("lines", 2u32)
            .money("total", Money::new(27_105, Currency::Eur));
        for language in Language::ALL {
            let facts = Facts::of(language, [&line]);
            for mode in [Mode::Text, Mode::Speech] {
                let text = line.render(language, mode);
                assert_eq!(facts.check(&text), Ok(()), "{text}");
            }
        }
    }
}
