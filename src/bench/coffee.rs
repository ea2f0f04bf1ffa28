//! Coffee orders with labels: did the cart come out as it was said?

use super::report::Coffee;
use crate::{
    session::turn::{CartEntry, Turn},
    shop::product::Product,
};
use std::collections::BTreeMap;

/// Slots by name: `coffeeDrink` and options (`size`, `milkAmount` ...), as said; by file.
pub type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// The label of the drink; every other label is an option.
const DRINK: &str = "coffeeDrink";

impl Coffee {
    /// Adds one order: what was said, and the turn in which it was heard.
    pub fn add(
        &mut self,
        file: &str,
        said: &BTreeMap<String, String>,
        turn: &Turn,
        catalog: &[Product],
    ) {
        self.orders += 1;
        let mut missing = Vec::new();
        let line = match turn.cart.as_slice() {
            [line] => Some(line),
            [] => None,
            lines => {
                missing.push(format!("{} lines in the cart", lines.len()));
                None
            }
        };
        let drink = said.get(DRINK).map_or("", String::as_str);
        if line.is_some_and(|l| l.title.eq_ignore_ascii_case(drink)) {
            self.drink_right += 1;
        } else {
            missing.push(drink.to_owned());
        }
        for (slot, words) in said.iter().filter(|(slot, _)| *slot != DRINK) {
            self.slots += 1;
            if line.is_some_and(|l| has_option(l, words, catalog)) {
                self.slots_right += 1;
            } else {
                missing.push(format!("{slot} {words}"));
            }
        }
        if missing.is_empty() {
            self.right += 1;
        } else {
            self.wrong
                .push((file.to_owned(), turn.transcript.clone(), missing.join(", ")));
        }
    }
}

/// Whether the line has the choice that these words name in its product's option groups.
fn has_option(line: &CartEntry, words: &str, catalog: &[Product]) -> bool {
    let Some(product) = catalog.iter().find(|p| p.id.0 == line.product_id) else {
        return false;
    };
    product
        .options
        .iter()
        .flat_map(|g| &g.choices)
        .filter(|c| {
            c.name.eq_ignore_ascii_case(words)
                || c.aliases.iter().any(|a| a.eq_ignore_ascii_case(words))
        })
        .any(|c| line.options.contains(&c.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lang::Language;

    #[test]
    fn an_empty_cart_is_wrong() {
        let said: BTreeMap<String, String> =
            serde_json::from_str(r#"{"coffeeDrink":"mocha","size":"eight ounce"}"#).unwrap();
        let mut coffee = Coffee::default();
        coffee.add("a.flac", &said, &Turn::new(Language::En), &[]);
        assert_eq!(
            (
                coffee.orders,
                coffee.right,
                coffee.slots,
                coffee.slots_right
            ),
            (1, 0, 1, 0)
        );
        assert_eq!(coffee.wrong[0].2, "mocha, size eight ounce");
    }
}
