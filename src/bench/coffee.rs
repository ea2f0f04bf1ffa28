//! Coffee orders with labels: did the cart come out as it was said?

use super::report::Coffee;
use crate::{
    audio::mean_square,
    session::turn::{CartEntry, Turn},
    shop::product::{OptionChoice, Product},
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
        if let Some(line) = line {
            missing.extend(unasked(line, said, catalog));
        }
        if missing.is_empty() {
            self.right += 1;
        } else {
            self.wrong
                .push((file.to_owned(), turn.transcript.clone(), missing.join(", ")));
        }
    }
}

/// Choices in the line that were not said and that the product does not have by itself.
fn unasked(line: &CartEntry, said: &BTreeMap<String, String>, catalog: &[Product]) -> Vec<String> {
    let product = catalog.iter().find(|p| p.id.0 == line.product_id);
    let choices = product.into_iter().flat_map(|p| &p.options);
    let names = |c: &OptionChoice, words: &String| {
        c.name.eq_ignore_ascii_case(words)
            || c.aliases.iter().any(|a| a.eq_ignore_ascii_case(words))
    };
    choices
        .flat_map(|g| &g.choices)
        .filter(|c| line.options.contains(&c.name) && !c.default)
        .filter(|c| !said.values().any(|words| names(c, words)))
        .map(|c| format!("not {}", c.name))
        .collect()
}

/// Speech with noise a given number of dB below it: the speech's level is that of its frames
/// of 20 ms within 30 dB of the loudest. The noise begins at another place for each `number`.
#[must_use]
pub fn mixed(speech: &[f32], noise: &[f32], snr_db: f32, number: usize) -> Vec<f32> {
    let frames: Vec<f32> = speech.chunks(320).map(mean_square).collect();
    let loudest = frames.iter().copied().fold(0.0, f32::max);
    let spoken: Vec<f32> = frames
        .into_iter()
        .filter(|power| *power >= loudest / 1000.0)
        .collect();
    let power = spoken.iter().sum::<f32>() / spoken.len().max(1) as f32;
    // Some three seconds apart, and not in step with anything.
    let from = number * 48_611;
    let hum = |i: usize| {
        noise
            .get((from + i) % noise.len().max(1))
            .copied()
            .unwrap_or(0.0)
    };
    let cut: Vec<f32> = (0..speech.len()).map(hum).collect();
    let gain = (power / 10f32.powf(snr_db / 10.0) / mean_square(&cut).max(1e-12)).sqrt();
    let sum = |(s, n): (&f32, &f32)| (s + gain * n).clamp(-1.0, 1.0);
    speech.iter().zip(&cut).map(sum).collect()
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
    fn noise_is_as_far_below_the_speech_as_asked() {
        let speech: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.3).sin() * 0.3).collect();
        let noise: Vec<f32> = (0..5_000)
            .map(|i| ((i * 7919) % 997) as f32 / 997.0 - 0.5)
            .collect();
        let both = mixed(&speech, &noise, 12.0, 3);
        let left: Vec<f32> = both.iter().zip(&speech).map(|(b, s)| b - s).collect();
        let snr = 10.0 * (mean_square(&speech) / mean_square(&left)).log10();
        assert!((snr - 12.0).abs() < 0.1, "{snr}");
    }

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
