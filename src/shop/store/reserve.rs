//! Stock that is spoken for: reserved at read-back, sold with the order, given back when it
//! is released or its time is over.

use super::{Catalog, Store, StoreError, catalog::time};
use crate::{
    dialogue::event::{ReserveRefusal, Reserved},
    lang::Language,
    shop::{
        cart::{Cart, CartLine},
        product::{Product, ProductId},
    },
};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How long reserved stock is kept for a read-back, unless the shop says otherwise.
pub const RESERVATION: SignedDuration = SignedDuration::from_mins(10);

impl Store {
    /// Checks a cart against the rows of this moment (sold at all, price, stock) and keeps its
    /// stock for the order `order` for `keep` (the shop's rule, else [`RESERVATION`]). Reserving again for the same
    /// order replaces what was kept for it.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written; the inner result says what the rows
    /// refuse.
    pub fn reserve(
        &mut self,
        order: Uuid,
        cart: &Cart,
        keep: SignedDuration,
        now: Timestamp,
    ) -> Result<Result<Reserved, ReserveRefusal>, StoreError> {
        let until = now.checked_add(keep).unwrap_or(Timestamp::MAX);
        // The write lock is taken before the stock is read, so that two terminals cannot both
        // take the last piece.
        let tx =
            rusqlite::Transaction::new_unchecked(&self.orders, TransactionBehavior::Immediate)?;
        tx.execute(
            "DELETE FROM reservation WHERE state = 'held' AND (expires_at <= ?1 OR order_id = ?2)",
            params![now.as_millisecond(), order.to_string()],
        )?;
        if let Some(refusal) = self.refusal(cart, now)? {
            return Ok(Err(refusal));
        }
        for (product, quantity) in pieces(cart) {
            tx.execute(
                "INSERT INTO reservation (order_id, product, quantity, state, at, expires_at)
                 VALUES (?1, ?2, ?3, 'held', ?4, ?5)",
                params![
                    order.to_string(),
                    product.0,
                    quantity,
                    now.as_millisecond(),
                    until.as_millisecond()
                ],
            )?;
        }
        tx.commit()?;
        Ok(Ok(Reserved { order, until }))
    }

    /// Gives the stock that is kept for an order back. Nothing kept is no error; what was
    /// sold stays sold.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn release(&mut self, order: Uuid) -> Result<(), StoreError> {
        self.orders.execute(
            "DELETE FROM reservation WHERE order_id = ?1 AND state = 'held'",
            [order.to_string()],
        )?;
        Ok(())
    }

    /// Gives all stock back whose time is over; returns how many orders it was kept for.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be written.
    pub fn expire(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let tx = self
            .orders
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = now.as_millisecond();
        let orders: i64 = tx.query_row(
            "SELECT count(DISTINCT order_id) FROM reservation
             WHERE state = 'held' AND expires_at <= ?1",
            [now],
            |row| row.get(0),
        )?;
        tx.execute(
            "DELETE FROM reservation WHERE state = 'held' AND expires_at <= ?1",
            [now],
        )?;
        tx.commit()?;
        Ok(usize::try_from(orders).unwrap_or(0))
    }

    /// What of a cart the rows of this moment refuse, if anything.
    pub(super) fn refusal(
        &self,
        cart: &Cart,
        now: Timestamp,
    ) -> Result<Option<ReserveRefusal>, StoreError> {
        for line in &cart.lines {
            if let Some(refusal) = self.line_refusal(line, now)? {
                return Ok(Some(refusal));
            }
        }
        for (product, quantity) in pieces(cart) {
            let Some(row) = self.product(&product, Language::En, now)? else {
                return Ok(Some(ReserveRefusal::Gone { product }));
            };
            if !row.can_sell(quantity) {
                let left = if row.available {
                    row.stock.unwrap_or(0)
                } else {
                    0
                };
                return Ok(Some(ReserveRefusal::Stock { product, left }));
            }
        }
        Ok(None)
    }

    /// A line is sold at its price when the product, in any language, with the line's options
    /// costs that much.
    pub(super) fn line_refusal(
        &self,
        line: &CartLine,
        now: Timestamp,
    ) -> Result<Option<ReserveRefusal>, StoreError> {
        let mut row: Option<Product> = None;
        for language in Language::ALL {
            let Some(product) = self.product(&line.product, language, now)? else {
                break;
            };
            if product.price_with(&line.options) == Some(line.unit_price) {
                return Ok(None);
            }
            // Name the product in the language in which it was put in the cart.
            if row.is_none() || product.title == line.title {
                row = Some(product);
            }
        }
        Ok(Some(match row {
            Some(product) => ReserveRefusal::Price {
                product: Box::new(product),
            },
            None => ReserveRefusal::Gone {
                product: line.product.clone(),
            },
        }))
    }

    /// How much of each product is spoken for: kept for others, or sold since the product's own
    /// figure was made.
    pub(super) fn spoken_for(
        &self,
        catalog: &Catalog,
        now: Timestamp,
        except: Option<Uuid>,
    ) -> Result<HashMap<String, u32>, StoreError> {
        let mut statement = self.orders.prepare_cached(
            "SELECT product, quantity, state = 'sold', at FROM reservation
             WHERE ((state = 'held' AND expires_at > ?1) OR (state = 'sold' AND at >= ?2))
               AND order_id IS NOT ?3",
        )?;
        let except = except.map(|id| id.to_string());
        let mut rows = statement.query(params![now.as_millisecond(), catalog.oldest, except])?;
        let mut figure = catalog
            .db
            .prepare_cached("SELECT stock_at FROM product WHERE id = ?1")?;
        let mut figures: HashMap<String, i64> = HashMap::new();
        let mut spoken_for: HashMap<String, u32> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (product, quantity): (String, u32) = (row.get(0)?, row.get(1)?);
            if row.get(2)? {
                let figure_at = match figures.get(&product) {
                    Some(at) => *at,
                    None => {
                        let own: Option<i64> = figure
                            .query_row([&product], |r| r.get(0))
                            .optional()?
                            .flatten();
                        let at = own.unwrap_or(catalog.built_at);
                        figures.insert(product.clone(), at);
                        at
                    }
                };
                if row.get::<_, i64>(3)? < figure_at {
                    continue;
                }
            }
            let sum = spoken_for.entry(product).or_default();
            *sum = sum.saturating_add(quantity);
        }
        Ok(spoken_for)
    }
}

/// Pieces of each product.
pub(super) type Pieces = BTreeMap<ProductId, u32>;

/// What is kept for an order, and until when.
pub(super) fn kept_for(
    db: &Connection,
    order: Uuid,
) -> Result<Option<(Pieces, Timestamp)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT product, quantity, expires_at FROM reservation
         WHERE order_id = ?1 AND state = 'held'",
    )?;
    let mut rows = statement.query([order.to_string()])?;
    let mut kept = BTreeMap::new();
    let mut until = None;
    while let Some(row) = rows.next()? {
        kept.insert(ProductId(row.get(0)?), row.get(1)?);
        until = Some(time(row.get(2)?)?);
    }
    Ok(until.map(|until| (kept, until)))
}

/// Pieces of each product in a cart: two lines of one coffee with other options are one.
pub(super) fn pieces(cart: &Cart) -> Pieces {
    let mut pieces = BTreeMap::new();
    for line in &cart.lines {
        let sum: &mut u32 = pieces.entry(line.product.clone()).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    pieces
}
