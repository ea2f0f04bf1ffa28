//! The cart: lines of one session. Pure; prices are copied from rows when a line is made and
//! checked again at read-back.

use super::{money::Money, product::ProductId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One line of the cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The product.
    pub product: ProductId,
    /// Its name in the session's language.
    pub title: String,
    /// How many, 1 or more.
    pub quantity: u32,
    /// Choices of a made-to-order product, by name, in the order of its groups.
    pub options: Vec<String>,
    /// For one, tax and options included, as the row said.
    pub unit_price: Money,
    /// Tax rate in basis points.
    pub tax_rate_bp: u32,
    /// The least age of a buyer, in years.
    pub min_age: Option<u8>,
}

impl CartLine {
    /// The line's total, tax included.
    #[must_use]
    pub fn total(&self) -> Money {
        self.unit_price.times(self.quantity)
    }
}

/// The cart of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// In the order in which they were added.
    pub lines: Vec<CartLine>,
}

impl Cart {
    /// The sum of the lines, tax included.
    #[must_use]
    pub fn total(&self) -> Money {
        self.lines.iter().map(CartLine::total).sum()
    }

    /// Pieces in all.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        self.lines
            .iter()
            .map(|l| l.quantity)
            .fold(0, u32::saturating_add)
    }

    /// The fingerprint of what is read back at checkout: products, quantities, options,
    /// prices, and `terms` (delivery, method). A yes is valid for this hash only.
    #[must_use]
    pub fn hash(&self, terms: &str) -> [u8; 32] {
        let mut sha = Sha256::new();
        for l in &self.lines {
            for part in [l.product.0.as_str(), &l.quantity.to_string()] {
                sha.update((part.len() as u64).to_le_bytes());
                sha.update(part);
            }
            sha.update((l.options.len() as u64).to_le_bytes());
            for option in &l.options {
                sha.update((option.len() as u64).to_le_bytes());
                sha.update(option);
            }
            sha.update(l.unit_price.minor.to_le_bytes());
            sha.update(l.unit_price.currency.code());
        }
        sha.update(terms);
        sha.finalize().into()
    }
}
