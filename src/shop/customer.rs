//! People whose identity can be proven.

use crate::lang::Language;
use serde::{Deserialize, Serialize};

/// A customer, as the shop's backend knows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The shop's id.
    pub id: String,
    /// First name and name.
    pub name: String,
    /// What they are written to in.
    pub language: Language,
    /// E-mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Post code: the second fact that is asked beside an order number.
    #[serde(rename = "postcode", alias = "post_code")]
    pub post_code: Option<String>,
    /// The PIN, as an argon2 PHC string.
    pub pin_hash: Option<String>,
    /// Loyalty points; `None` without a card.
    pub points: Option<i64>,
}

impl std::fmt::Debug for Customer {
    /// The id alone: customers end up in logs otherwise.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
