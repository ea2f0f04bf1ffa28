//! Who may see an order: its own session, or its number with a second fact.
//!
//! Five wrong tries within 15 minutes lock the order and this terminal's look-ups for 15
//! minutes, also across restarts. A number that does not exist, a wrong fact and an order that
//! has no fact to compare with are answered alike, and take alike long.

use super::{
    Store, StoreError,
    catalog::time,
    order_read::{self, owner},
};
use crate::{
    dialogue::{
        effect::{OrderLookup, SecondFact},
        event::OrdersFound,
    },
    shop::{customer::Customer, order::OrderNumber},
};
use argon2::{
    Argon2,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// How long a lock lasts, and after how long a wrong try is forgotten.
pub const LOCK: SignedDuration = SignedDuration::from_mins(15);

/// How many wrong tries lock.
pub const WRONG_TRIES: u32 = 5;

/// How many orders of a customer are given at most.
const ORDERS: usize = 50;

/// The PIN hash that is checked when there is none, so that an answer takes the same time.
/// (argon2id with the parameters of [`Argon2::default`]; no PIN of digits gives it.)
const NOBODYS_PIN: &str = "$argon2id$v=19$m=19456,t=2,p=1$ttzIVAHuqf+/XYnuM/qOCA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Store {
    /// Looks orders up for a shopper.
    ///
    /// [`OrderLookup::SameCustomer`] trusts the caller that this session proved the number:
    /// the dialogue keeps those.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read, or a wrong try not be counted (then
    /// nothing is told).
    pub fn find_orders(
        &mut self,
        lookup: &OrderLookup,
        now: Timestamp,
    ) -> Result<OrdersFound, StoreError> {
        match lookup {
            OrderLookup::OwnSession { order } => Ok(known(self.order(*order)?)),
            OrderLookup::SameCustomer { number } => {
                let Some(customer) = owner(&self.orders, number)? else {
                    return Ok(known(self.order_by_number(number)?));
                };
                let list =
                    order_read::read(&self.orders, "WHERE customer = ?1", &customer, ORDERS)?;
                Ok(known(list))
            }
            OrderLookup::Number { number, second } => {
                self.find_by_number(&normalised(number), second.as_ref(), now)
            }
        }
    }

    fn find_by_number(
        &mut self,
        number: &OrderNumber,
        second: Option<&SecondFact>,
        now: Timestamp,
    ) -> Result<OrdersFound, StoreError> {
        let scopes = ["terminal".to_owned(), format!("order {}", number.0)];
        for scope in &scopes {
            if let Some(until) = locked(&self.orders, scope, now)? {
                return Ok(OrdersFound::Locked { until });
            }
        }
        let Some(second) = second else {
            let number = number.clone();
            return Ok(OrdersFound::NeedsSecondFact { number });
        };
        let customer = match owner(&self.orders, number)? {
            Some(id) => self.customer(&id)?,
            None => None,
        };
        let order = self.order_by_number(number)?;
        if proves(second, customer.as_ref()) && order.is_some() {
            self.orders
                .execute("DELETE FROM wrong_try WHERE scope = ?1", [&scopes[1]])?;
            return Ok(known(order));
        }
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut until = None;
        for scope in &scopes {
            until = count_wrong(&tx, scope, now)?.max(until);
        }
        tx.commit()?;
        Ok(until.map_or(OrdersFound::NotFound, |until| OrdersFound::Locked { until }))
    }
}

fn known(orders: impl IntoIterator<Item = crate::shop::order::Order>) -> OrdersFound {
    let list: Vec<_> = orders.into_iter().collect();
    if list.is_empty() {
        return OrdersFound::NotFound;
    }
    OrdersFound::Known { list }
}

/// An order number as it is kept: upper case letters and digits.
fn normalised(number: &OrderNumber) -> OrderNumber {
    let kept = number
        .0
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40);
    OrderNumber(kept.collect::<String>().to_ascii_uppercase())
}

/// Whether the fact is this customer's.
fn proves(fact: &SecondFact, customer: Option<&Customer>) -> bool {
    match fact {
        SecondFact::PostCode(said) if said.contains('@') => {
            let email = customer.and_then(|c| c.email.as_deref());
            email.is_some_and(|email| email.eq_ignore_ascii_case(said.trim()))
        }
        SecondFact::PostCode(said) => {
            let said = letters(said);
            let kept = customer.and_then(|c| c.post_code.as_deref()).map(letters);
            !said.is_empty() && kept == Some(said)
        }
        SecondFact::Pin(typed) => {
            let kept = customer.and_then(|c| c.pin_hash.as_deref());
            let hash = PasswordHash::new(kept.unwrap_or(NOBODYS_PIN));
            let fits = hash.is_ok_and(|hash| {
                // A PIN is short: whatever is longer is not one.
                typed.len() <= 64
                    && Argon2::default()
                        .verify_password(typed.as_bytes(), &hash)
                        .is_ok()
            });
            fits && kept.is_some()
        }
    }
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn locked(db: &Connection, scope: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let until: Option<i64> = db
        .prepare_cached("SELECT locked_until FROM wrong_try WHERE scope = ?1")?
        .query_row([scope], |row| row.get(0))
        .optional()?
        .flatten();
    let until = until.map(time).transpose()?;
    Ok(until.filter(|until| now < *until))
}

/// Counts a wrong try; the time until which it locks, if it does.
fn count_wrong(
    db: &Connection,
    scope: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let forgotten = (now - LOCK).as_millisecond();
    // Old tries go, so that probing many numbers cannot fill the disk.
    db.execute(
        "DELETE FROM wrong_try WHERE last_at < ?1 AND coalesce(locked_until, 0) <= ?2",
        params![forgotten, now.as_millisecond()],
    )?;
    let tries: u32 = db.query_row(
        "INSERT INTO wrong_try (scope, tries, last_at) VALUES (?1, 1, ?2)
         ON CONFLICT (scope) DO UPDATE SET
             tries = CASE WHEN locked_until <= ?2 THEN 1 ELSE tries + 1 END,
             last_at = ?2,
             locked_until = CASE WHEN locked_until <= ?2 THEN NULL ELSE locked_until END
         RETURNING tries",
        params![scope, now.as_millisecond()],
        |row| row.get(0),
    )?;
    if tries < WRONG_TRIES {
        return Ok(None);
    }
    let until = now + LOCK;
    db.execute(
        "UPDATE wrong_try SET locked_until = ?2 WHERE scope = ?1",
        params![scope, until.as_millisecond()],
    )?;
    Ok(Some(until))
}
