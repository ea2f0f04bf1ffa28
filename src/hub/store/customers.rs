//! Customers and their loyalty points.

use super::{HubStore, db, get};
use crate::{hub::refusal::Refusal, sync::contract::CustomerRecord};
use serde::{Deserialize, Serialize};

/// A customer, as the back office writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// The retailer's id.
    pub id: String,
    /// How they are called.
    pub name: String,
    /// The loyalty card's number.
    #[serde(default)]
    pub card: Option<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Loyalty points; `None` without a card.
    #[serde(default)]
    pub points: Option<i64>,
}

/// By what a customer is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The loyalty card's number.
    Card(String),
    /// Telephone.
    Phone(String),
    /// E-mail.
    Email(String),
}

impl HubStore {
    /// Writes customers: those that are there are replaced.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was written then.
    pub async fn put_customers(&self, customers: &[Customer]) -> Result<(), Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let statement = tx
            .prepare_cached(
                "INSERT INTO hub.customer (id, name, card, phone, email, points) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
                 name = excluded.name, card = excluded.card, phone = excluded.phone, \
                 email = excluded.email, points = excluded.points",
            )
            .await
            .map_err(db)?;
        let mut sorted: Vec<&Customer> = customers.iter().collect();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        for c in sorted {
            let (card, phone, email) = (
                c.card.as_deref().map(digits),
                c.phone.as_deref().map(digits),
                c.email.as_deref().map(address),
            );
            tx.execute(
                &statement,
                &[&c.id, &c.name, &card, &phone, &email, &c.points],
            )
            .await
            .map_err(|e| match e.code() {
                Some(code) if *code == tokio_postgres::error::SqlState::UNIQUE_VIOLATION => {
                    Refusal::Content(format!(
                        "expected a card of its own for customer {}, found another's",
                        c.id
                    ))
                }
                _ => db(e),
            })?;
        }
        tx.commit().await.map_err(db)
    }

    /// A customer; `None` when there is none, or more than one, who could be meant.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn customer(&self, by: &By) -> Result<Option<CustomerRecord>, Refusal> {
        let client = self.client().await?;
        let (sql, value) = match by {
            By::Card(card) => (
                "SELECT id, name, points FROM hub.customer WHERE card = $1 LIMIT 2",
                digits(card),
            ),
            By::Phone(phone) => (
                "SELECT id, name, points FROM hub.customer WHERE phone = $1 LIMIT 2",
                digits(phone),
            ),
            By::Email(email) => (
                "SELECT id, name, points FROM hub.customer WHERE email = $1 LIMIT 2",
                address(email),
            ),
        };
        let rows = client.query(sql, &[&value]).await.map_err(db)?;
        let [row] = rows.as_slice() else {
            return Ok(None);
        };
        Ok(Some(CustomerRecord {
            id: get(row, 0)?,
            name: get(row, 1)?,
            points: get(row, 2)?,
        }))
    }
}

/// A number as it is compared: letters and digits only, `+33` and `0033` alike.
fn digits(text: &str) -> String {
    let international = text.trim_start().starts_with('+');
    let plain: String = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if international {
        format!("00{plain}")
    } else {
        plain
    }
}

fn address(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_their_spaces() {
        assert_eq!(digits("+33 6 12 34 56 78"), digits("0033612345678"));
        assert_eq!(digits("2000-1234 AB"), "20001234ab");
        assert_eq!(address(" Ana@Shop.Example "), "ana@shop.example");
    }
}
