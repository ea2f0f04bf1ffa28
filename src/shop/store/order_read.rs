//! Reading orders and customers.

use super::{
    Store, StoreError,
    catalog::{json, language_from, parse, time},
};
use crate::shop::{
    customer::Customer,
    money::Money,
    order::{Order, OrderEvent, OrderLine, OrderNumber},
    product::ProductId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

impl Store {
    /// An order by its id. Who may see it is not asked here: see [`Store::find_orders`].
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn order(&self, id: Uuid) -> Result<Option<Order>, StoreError> {
        Ok(read(&self.orders, "WHERE id = ?1", &id.to_string(), 1)?.pop())
    }

    /// An order by its number. Who may see it is not asked here: see [`Store::find_orders`].
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn order_by_number(&self, number: &OrderNumber) -> Result<Option<Order>, StoreError> {
        Ok(read(&self.orders, "WHERE number = ?1", &number.0, 1)?.pop())
    }

    /// All orders, newest first, at most `limit`: for the shop's own pages and tests.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn orders(&self, limit: usize) -> Result<Vec<Order>, StoreError> {
        read(&self.orders, "WHERE ?1 = ''", "", limit)
    }

    /// The customer whose order this is, where it is known.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn customer_of(&self, number: &OrderNumber) -> Result<Option<Customer>, StoreError> {
        match owner(&self.orders, number)? {
            Some(id) => self.customer(&id),
            None => Ok(None),
        }
    }

    /// A customer by id.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn customer(&self, id: &str) -> Result<Option<Customer>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT id, name, language, email, phone, post_code, pin_hash, points
             FROM customer WHERE id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(Customer {
            id: row.get(0)?,
            name: row.get(1)?,
            language: language_from(&row.get::<_, String>(2)?)?,
            email: row.get(3)?,
            phone: row.get(4)?,
            post_code: row.get(5)?,
            pin_hash: row.get(6)?,
            points: row.get(7)?,
        }))
    }
}

/// Orders that meet a condition on `?1`, newest first.
pub(super) fn read(
    db: &Connection,
    condition: &str,
    value: &str,
    limit: usize,
) -> Result<Vec<Order>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, number, customer, language, state, fulfilment, currency, discount,
             delivery_fee, payment, method, created_at, promised, carrier, tracking,
             acknowledged_at, payment_link, payment_link_until
         FROM orders {condition} ORDER BY created_at DESC, number LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![value, limit])?;
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        orders.push(order_from(db, row)?);
    }
    Ok(orders)
}

fn order_from(db: &Connection, row: &Row<'_>) -> Result<Order, StoreError> {
    let id: String = row.get("id")?;
    let currency = parse("a currency", &row.get::<_, String>("currency")?)?;
    let money = |minor: i64| Money::new(minor, currency);
    let mut lines = Vec::new();
    let mut statement = db.prepare_cached(
        "SELECT product, title, quantity, options, unit_price, tax_rate_bp, held_for_age
         FROM order_line WHERE order_id = ?1 ORDER BY position",
    )?;
    let mut found = statement.query([&id])?;
    while let Some(line) = found.next()? {
        lines.push(OrderLine {
            product: ProductId(line.get(0)?),
            title: line.get(1)?,
            quantity: line.get(2)?,
            options: json("options", &line.get::<_, String>(3)?)?,
            unit_price: money(line.get(4)?),
            tax_rate_bp: line.get(5)?,
            held_for_age: line.get(6)?,
        });
    }
    let carrier: Option<String> = row.get("carrier")?;
    let tracking: Option<String> = row.get("tracking")?;
    Ok(Order {
        id: parse("a UUID", &id)?,
        number: OrderNumber(row.get("number")?),
        customer: row.get("customer")?,
        state: word("an order state", row.get("state")?)?,
        lines,
        discount: money(row.get("discount")?),
        delivery_fee: money(row.get("delivery_fee")?),
        fulfilment: word("a fulfilment", row.get("fulfilment")?)?,
        payment: word("a payment state", row.get("payment")?)?,
        method: row
            .get::<_, Option<String>>("method")?
            .map(|method| word("a way to pay", method))
            .transpose()?,
        language: language_from(&row.get::<_, String>("language")?)?,
        created_at: time(row.get("created_at")?)?,
        promised: row
            .get::<_, Option<String>>("promised")?
            .map(|day| parse("a day", &day))
            .transpose()?,
        carrier: carrier.map(|name| (name, tracking.unwrap_or_default())),
        events: events(db, &id)?,
        acknowledged_at: row
            .get::<_, Option<i64>>("acknowledged_at")?
            .map(time)
            .transpose()?,
        payment_link: row
            .get::<_, Option<String>>("payment_link")?
            .map(|url| Ok::<_, StoreError>((url, time(row.get("payment_link_until")?)?)))
            .transpose()?,
    })
}

fn events(db: &Connection, order: &str) -> Result<Vec<OrderEvent>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT at, state, note FROM order_event WHERE order_id = ?1 ORDER BY key",
    )?;
    let mut rows = statement.query([order])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(OrderEvent {
            at: time(row.get(0)?)?,
            state: word("an order state", row.get(1)?)?,
            note: row.get(2)?,
        });
    }
    Ok(events)
}

/// The id of the customer whose order this is, if it is known.
pub(super) fn owner(db: &Connection, number: &OrderNumber) -> Result<Option<String>, StoreError> {
    Ok(db
        .prepare_cached("SELECT customer FROM orders WHERE number = ?1")?
        .query_row([&number.0], |row| row.get::<_, Option<String>>(0))
        .optional()?
        .flatten())
}

/// A closed word (`ready_for_pickup`) as its type.
pub(super) fn word<T: DeserializeOwned>(what: &'static str, text: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.clone()))
        .map_err(|_| StoreError::Content { what, found: text })
}

/// A type as its closed word.
pub(super) fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        // Unit variants serialise to strings; nothing else is given.
        _ => String::new(),
    }
}
