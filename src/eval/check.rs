//! Whether a turn is what its scenario expects. Pure.

use super::scenario::{Expected, ExpectedLine};
use crate::session::turn::{CartEntry, Turn};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// What is not as expected, a sentence each. Empty: the turn passes.
#[must_use]
pub fn misses(expected: &Expected, turn: &Turn) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(commands) = &expected.commands {
        let wanted: Vec<Value> = commands
            .iter()
            .filter_map(|t| serde_json::to_value(t).ok())
            .collect();
        let found: Vec<Value> = turn
            .commands
            .iter()
            .filter_map(|c| serde_json::to_value(c).ok())
            .collect();
        let same = wanted.len() == found.len()
            && wanted
                .iter()
                .zip(&found)
                .all(|(w, f)| command_matches(w, f));
        if !same {
            out.push(format!(
                "expected commands {}, found {}",
                Value::Array(wanted),
                Value::Array(found)
            ));
        }
    }
    let said = [fold(&turn.reply), fold(&turn.speech)];
    let is_said = |fact: &str| said.iter().any(|s| s.contains(&fold(fact)));
    for fact in &expected.reply {
        if !fact.split('|').any(is_said) {
            out.push(format!(
                "expected `{fact}` in the reply, found `{}`",
                turn.reply
            ));
        }
    }
    for fact in &expected.absent {
        if is_said(fact) {
            out.push(format!(
                "expected no `{fact}` in the reply, found `{}`",
                turn.reply
            ));
        }
    }
    if let Some(lines) = &expected.cart {
        let same = lines.len() == turn.cart.len()
            && lines
                .iter()
                .zip(&turn.cart)
                .all(|(e, f)| line_matches(e, f));
        if !same {
            out.push(format!(
                "expected the cart {}, found {}",
                to_json(lines),
                to_json(&turn.cart)
            ));
        }
    }
    if let Some(orders) = &expected.orders {
        let same = orders.len() == turn.orders.len()
            && orders.iter().zip(&turn.orders).all(|(e, f)| {
                e.state.is_none_or(|s| s == f.state)
                    && e.total_minor.is_none_or(|t| t == f.total_minor)
            });
        if !same {
            out.push(format!(
                "expected the orders {}, found {}",
                to_json(orders),
                to_json(&turn.orders)
            ));
        }
    }
    if let (Some(within), Some(took)) = (expected.within_ms, turn.timings_ms.first_audio)
        && took > f64::from(within)
    {
        out.push(format!(
            "expected the first audio within {within} ms, found {took:.0} ms"
        ));
    }
    out
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Every slot that is named is as given; a text slot is compared folded.
fn command_matches(wanted: &Value, found: &Value) -> bool {
    let (Value::Object(wanted), Value::Object(found)) = (wanted, found) else {
        return false;
    };
    wanted
        .iter()
        .all(|(slot, value)| found.get(slot).is_some_and(|f| value_matches(value, f)))
}

fn value_matches(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::String(w), Value::String(f)) => fold(w) == fold(f),
        (Value::Number(w), Value::Number(f)) => w.as_f64() == f.as_f64(),
        (Value::Array(w), Value::Array(f)) => {
            w.len() == f.len() && w.iter().zip(f).all(|(w, f)| value_matches(w, f))
        }
        (w, f) => w == f,
    }
}

fn line_matches(expected: &ExpectedLine, found: &CartEntry) -> bool {
    expected
        .id
        .as_ref()
        .is_none_or(|id| *id == found.product_id)
        && expected
            .title
            .as_ref()
            .is_none_or(|t| fold(&found.title).contains(&fold(t)))
        && expected.quantity.is_none_or(|q| q == found.quantity)
        && expected.total_minor.is_none_or(|t| t == found.total_minor)
        && expected
            .options
            .iter()
            .all(|o| found.options.iter().any(|f| fold(f).contains(&fold(o))))
}

/// Lower case, no accents, one kind of space and apostrophe.
fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .map(|c| match c {
            '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
            '’' => '\'',
            c => c,
        })
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        lang::Language, nlu::command::Command, session::turn::OrderEntry, shop::order::OrderState,
    };

    fn turn() -> Turn {
        let mut turn = Turn::new(Language::Fr);
        turn.commands = vec![
            serde_json::from_str::<Command>(
                r#"{"intent":"add_to_cart","item":"crème brûlée","quantity":2}"#,
            )
            .unwrap(),
        ];
        turn.reply = "J’ajoute deux crèmes brûlées, 7,00\u{a0}€.".into();
        turn.cart = vec![CartEntry {
            product_id: "G1".into(),
            title: "Crème brûlée".into(),
            quantity: 2,
            options: vec!["sans sucre".into()],
            unit_price_minor: 350,
            total_minor: 700,
            currency: "EUR".into(),
        }];
        turn.orders = vec![OrderEntry {
            number: "A7K2P9".into(),
            state: OrderState::Received,
            total_minor: 700,
            currency: "EUR".into(),
            lines: vec![("Crème brûlée".into(), 2)],
        }];
        turn.timings_ms.first_audio = Some(900.0);
        turn
    }

    fn expected(text: &str) -> Expected {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_turn_as_expected_passes() {
        let e = expected(
            r#"
            commands = [{ intent = "add_to_cart", item = "creme brulee" }]
            reply = ["j'ajoute", "7,00 €", "deux|2"]
            absent = ["pardon"]
            cart = [{ title = "crème", quantity = 2, options = ["sucre"], total_minor = 700 }]
            orders = [{ state = "received" }]
            within_ms = 1000
            "#,
        );
        assert_eq!(misses(&e, &turn()), Vec::<String>::new());
    }

    #[test]
    fn each_expectation_can_fail() {
        for text in [
            r#"commands = []"#,
            r#"commands = [{ intent = "add_to_cart", quantity = 3 }]"#,
            r#"commands = [{ intent = "add_to_cart", color = "red" }]"#,
            r#"reply = ["8,00 €"]"#,
            r#"absent = ["7,00 €"]"#,
            r#"cart = []"#,
            r#"cart = [{ title = "tarte" }]"#,
            r#"cart = [{ options = ["avec sucre"] }]"#,
            r#"orders = [{ state = "cancelled" }]"#,
            r#"within_ms = 500"#,
        ] {
            assert_eq!(misses(&expected(text), &turn()).len(), 1, "{text}");
        }
    }
}
