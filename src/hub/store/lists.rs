//! What staff read: lists, a page at a time.

use super::{HubStore, db, get, read_word, time, when};
use crate::{
    hub::refusal::Refusal,
    shop::order::{OrderState, PaymentState},
};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// A page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// To be given for the next page; `None` at the end.
    pub next: Option<String>,
}

/// Which orders.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// In this state.
    pub state: Option<OrderState>,
    /// Of this terminal.
    pub terminal: Option<String>,
    /// With this number.
    pub number: Option<String>,
}

/// An order in a list.
#[derive(Clone, Debug, Serialize)]
pub struct OrderRow {
    /// The order.
    pub id: Uuid,
    /// The number that the shopper was told.
    pub number: String,
    /// Whose it is.
    pub terminal: String,
    /// When it came.
    pub placed_at: Timestamp,
    /// Where it stands.
    pub state: OrderState,
    /// What is known of the payment.
    pub payment: PaymentState,
    /// Everything to pay, in minor units.
    pub total: i64,
    /// The currency.
    pub currency: String,
}

/// A ticket or feedback in a list.
#[derive(Clone, Debug, Serialize)]
pub struct TicketRow {
    /// Its place.
    pub number: i64,
    /// Whose it is.
    pub terminal: String,
    /// `ticket` or `feedback`.
    #[serde(rename = "box")]
    pub into: String,
    /// The number that the shopper was told.
    pub reference: String,
    /// What it is about.
    pub kind: String,
    /// The conversation, or the words.
    pub story: String,
    /// When.
    pub at: Timestamp,
}

/// A request to send something back in a list.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnRow {
    /// Its place.
    pub number: i64,
    /// Whose it is.
    pub terminal: String,
    /// The number that the shopper was told.
    pub reference: String,
    /// Of which order.
    pub order: Uuid,
    /// The titles of the lines; empty for all.
    pub items: serde_json::Value,
    /// Why.
    pub reason: Option<String>,
    /// Another size or colour instead.
    pub exchange_for: Option<String>,
    /// Where it stands.
    pub state: String,
    /// When it was asked.
    pub at: Timestamp,
}

impl HubStore {
    /// Orders, the newest first.
    ///
    /// # Errors
    /// [`Refusal::Content`] when the cursor is none of ours.
    pub async fn orders(
        &self,
        filter: &OrderFilter,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<OrderRow>, Refusal> {
        let wrong = || Refusal::Content("expected a cursor of this list, found another".into());
        let (before, id) = match cursor {
            None => (Timestamp::MAX, Uuid::max()),
            Some(text) => {
                let (at, id) = text.split_once('.').ok_or_else(wrong)?;
                let at = at
                    .parse()
                    .ok()
                    .and_then(|us| Timestamp::from_microsecond(us).ok());
                (
                    at.ok_or_else(wrong)?,
                    Uuid::try_parse(id).map_err(|_| wrong())?,
                )
            }
        };
        let state = filter.state.map(|s| super::word(&s));
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT id, number, terminal, placed_at, state, payment, total, currency \
                 FROM hub.orders WHERE (placed_at, id) < ($1, $2) \
                 AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR terminal = $4) \
                 AND ($5::text IS NULL OR number = $5) \
                 ORDER BY placed_at DESC, id DESC LIMIT $6",
                &[
                    &time(before),
                    &id,
                    &state,
                    &filter.terminal,
                    &filter.number,
                    &(i64::from(limit) + 1),
                ],
            )
            .await
            .map_err(db)?;
        let more = rows.len() > usize::from(limit);
        let items = rows
            .iter()
            .take(usize::from(limit))
            .map(|row| {
                Ok(OrderRow {
                    id: get(row, 0)?,
                    number: get(row, 1)?,
                    terminal: get(row, 2)?,
                    placed_at: when(row, 3)?,
                    state: read_word(get(row, 4)?)?,
                    payment: read_word(get(row, 5)?)?,
                    total: get(row, 6)?,
                    currency: get(row, 7)?,
                })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        let next = items
            .last()
            .filter(|_| more)
            .map(|o| format!("{}.{}", o.placed_at.as_microsecond(), o.id.simple()));
        Ok(Page { items, next })
    }

    /// Tickets and feedback, the newest first.
    ///
    /// # Errors
    /// [`Refusal::Content`] when the cursor is none of ours.
    pub async fn tickets(
        &self,
        into: Option<&str>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<TicketRow>, Refusal> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT number, terminal, box, reference, kind, story, at FROM hub.ticket \
                 WHERE number < $1 AND ($2::text IS NULL OR box = $2) \
                 ORDER BY number DESC LIMIT $3",
                &[&number_of(cursor)?, &into, &(i64::from(limit) + 1)],
            )
            .await
            .map_err(db)?;
        let items = rows.iter().map(|row| {
            Ok(TicketRow {
                number: get(row, 0)?,
                terminal: get(row, 1)?,
                into: get(row, 2)?,
                reference: get(row, 3)?,
                kind: get(row, 4)?,
                story: get(row, 5)?,
                at: when(row, 6)?,
            })
        });
        page(items, limit, |t| t.number)
    }

    /// Requests to send something back, the newest first.
    ///
    /// # Errors
    /// [`Refusal::Content`] when the cursor is none of ours.
    pub async fn returns(
        &self,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<ReturnRow>, Refusal> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT number, terminal, reference, order_id, items, reason, exchange_for, \
                     state, asked_at \
                 FROM hub.returns WHERE number < $1 ORDER BY number DESC LIMIT $2",
                &[&number_of(cursor)?, &(i64::from(limit) + 1)],
            )
            .await
            .map_err(db)?;
        let items = rows.iter().map(|row| {
            Ok(ReturnRow {
                number: get(row, 0)?,
                terminal: get(row, 1)?,
                reference: get(row, 2)?,
                order: get(row, 3)?,
                items: get(row, 4)?,
                reason: get(row, 5)?,
                exchange_for: get(row, 6)?,
                state: get(row, 7)?,
                at: when(row, 8)?,
            })
        });
        page(items, limit, |r| r.number)
    }
}

fn number_of(cursor: Option<&str>) -> Result<i64, Refusal> {
    cursor.map_or(Ok(i64::MAX), |text| {
        text.parse()
            .map_err(|_| Refusal::Content("expected a cursor of this list, found another".into()))
    })
}

fn page<T>(
    items: impl Iterator<Item = Result<T, Refusal>>,
    limit: u16,
    number: impl Fn(&T) -> i64,
) -> Result<Page<T>, Refusal> {
    let mut items = items.collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > usize::from(limit);
    items.truncate(usize::from(limit));
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| number(last).to_string());
    Ok(Page { items, next })
}
