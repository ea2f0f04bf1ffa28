//! What staff and the back office ask, with a bearer token.

use super::{
    Hub,
    query::{self, Query, body},
    signed::{read, text},
};
use crate::{
    hub::{
        refusal::Refusal,
        rows,
        start::digest,
        store::{
            Change, Customer, Moved, OrderFilter, OrderRow, Page, ReturnRow, StoredOrder, TicketRow,
        },
    },
    shop::{
        feed::Severity,
        order::{OrderState, PaymentState},
    },
    sync::contract::RefusedRow,
};
use axum::{
    Json,
    extract::{Path, Request, State},
    http::header::AUTHORIZATION,
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The longest body.
const LONG: usize = 8 << 20;
/// Anything but products and customers.
pub(super) const SHORT: usize = 256 << 10;
/// So many rows a request.
const ROWS: usize = 5_000;
/// So many changes a request: each is an event for every terminal.
const CHANGES: usize = 500;
pub(super) type Answer<T> = Result<Json<T>, Refusal>;

/// A request of the back office's, believed.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) body: Bytes,
    pub(super) now: Timestamp,
}

impl Hub {
    pub(super) async fn staff(&self, request: Request, limit: usize) -> Result<Asked, Refusal> {
        let (parts, body) = request.into_parts();
        let expected = self.how.admin.as_ref().ok_or(Refusal::Token(
            "expected no one here: this hub has no token for its back office \
             (COMPTOIR_HUB_ADMIN_TOKEN)",
        ))?;
        let found = text(&parts.headers, AUTHORIZATION.as_str())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| digest(token.trim().as_bytes()))
            .ok_or(Refusal::Token("expected `Authorization: Bearer TOKEN`"))?;
        // Every byte is looked at, so that the time tells nothing.
        let differ = expected.iter().zip(&found).fold(0, |d, (a, b)| d | (a ^ b));
        if differ != 0 {
            return Err(Refusal::Token(
                "expected the back office's token, found another",
            ));
        }
        Ok(Asked {
            query: Query::of(&parts.uri),
            body: read(&parts.headers, body, limit).await?,
            now: Timestamp::now(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Products {
    products: Vec<Map<String, Value>>,
}

/// What became of rows.
#[derive(Serialize)]
pub(super) struct Kept {
    kept: u64,
    changed: u64,
    refused: Vec<RefusedRow>,
}

/// `PUT /v1/admin/products?language=`.
pub(super) async fn put_products(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Kept> {
    let asked = hub.staff(request, LONG).await?;
    let language = asked.query.language()?;
    let Products { products } = body(&asked.body)?;
    few(products.len(), ROWS, "products")?;
    let currency = hub.within(hub.store.currency()).await?;
    let checked = tokio::task::spawn_blocking(move || rows::check(&products, language, currency))
        .await
        .map_err(|e| Refusal::Failed(e.to_string()))?
        .map_err(|e| Refusal::Content(e.to_string()))?;
    let put = hub.store.put_products(language, &checked.kept);
    let loaded = hub.within(put).await?;
    Ok(Json(Kept {
        kept: loaded.kept,
        changed: loaded.changed,
        refused: checked.refused,
    }))
}

/// Whether something was done.
#[derive(Serialize)]
pub(super) struct Done {
    pub(super) changed: bool,
}

/// `DELETE /v1/admin/products/{id}`.
pub(super) async fn delete_product(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Done> {
    hub.staff(request, SHORT).await?;
    let changed = hub.within(hub.store.delete_product(&id)).await?;
    Ok(Json(Done { changed }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    changes: Vec<Change>,
}

/// `POST /v1/admin/changes`: stock and prices, for all languages and terminals.
pub(super) async fn changes(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Kept> {
    let asked = hub.staff(request, SHORT).await?;
    let Changes { changes } = body(&asked.body)?;
    few(changes.len(), CHANGES, "changes")?;
    let currency = hub.within(hub.store.currency()).await?;
    let mut refused = Vec::new();
    let mut good = Vec::new();
    for (line, change) in (1u64..).zip(changes) {
        match wrong(&change, currency) {
            Some(why) => refused.push(RefusedRow {
                line,
                why,
                severity: Severity::Refused,
            }),
            None => good.push((line, change)),
        }
    }
    let (lines, changes): (Vec<u64>, Vec<Change>) = good.into_iter().unzip();
    let unknown = if changes.is_empty() {
        Vec::new()
    } else {
        let done = hub.store.change_products(&changes, asked.now);
        hub.within(done).await?
    };
    let kept = (changes.len() - unknown.len()) as u64;
    for n in unknown {
        refused.push(RefusedRow {
            line: lines.get(n).copied().unwrap_or_default(),
            why: "product: expected one of the catalog, found another".into(),
            severity: Severity::Refused,
        });
    }
    refused.sort_by_key(|r| r.line);
    Ok(Json(Kept {
        kept,
        changed: kept,
        refused,
    }))
}

/// What is wrong with a change, if anything is.
fn wrong(change: &Change, currency: Option<crate::shop::money::Currency>) -> Option<String> {
    let Change::Price {
        price, sale_price, ..
    } = change
    else {
        return None;
    };
    if currency.is_some_and(|c| c != price.currency) {
        let found = price.currency.code();
        return Some(format!(
            "price: expected the shop's currency, found {found}"
        ));
    }
    if !(0..=999_999_999).contains(&price.minor) {
        return Some(format!("price: expected 0 to 9,999,999.99, found {price}"));
    }
    let sale = sale_price.as_ref()?;
    if sale.currency != price.currency || !(0..price.minor).contains(&sale.minor) {
        return Some(format!(
            "sale_price: expected less than {price}, found {sale}"
        ));
    }
    None
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Customers {
    customers: Vec<Customer>,
}

/// `PUT /v1/admin/customers`.
pub(super) async fn put_customers(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Done> {
    let asked = hub.staff(request, LONG).await?;
    let Customers { customers } = body(&asked.body)?;
    few(customers.len(), ROWS, "customers")?;
    if customers
        .iter()
        .any(|c| c.id.is_empty() || c.name.is_empty())
    {
        return Err(Refusal::Content(
            "expected an id and a name of each customer".into(),
        ));
    }
    hub.within(hub.store.put_customers(&customers)).await?;
    Ok(Json(Done { changed: true }))
}

/// `GET /v1/admin/orders?state=&terminal=&number=&cursor=&limit=`.
pub(super) async fn orders(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Answer<Page<OrderRow>> {
    let asked = hub.staff(request, SHORT).await?;
    let state = asked.query.text("state").map(state_of).transpose()?;
    let filter = OrderFilter {
        state,
        terminal: asked.query.text("terminal").map(str::to_owned),
        number: asked.query.text("number").map(str::to_owned),
    };
    let limit = asked.query.limit(100, 1000)?;
    let page = hub.store.orders(&filter, asked.query.text("cursor"), limit);
    Ok(Json(hub.within(page).await?))
}

/// An order's state by its word.
fn state_of(text: &str) -> Result<OrderState, Refusal> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| {
        let found: String = text.chars().take(40).collect();
        Refusal::Content(format!("expected an order's state, found `{found}`"))
    })
}

/// `GET /v1/admin/orders/{id}`.
pub(super) async fn order(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<StoredOrder> {
    hub.staff(request, SHORT).await?;
    let found = hub.within(hub.store.order(query::id(&id)?)).await?;
    found.map(Json).ok_or(Refusal::NotFound("an order"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    state: OrderState,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    tracking: Option<String>,
}

/// An order's number of events, and whether there is a new one.
#[derive(Serialize)]
pub(super) struct Version {
    changed: bool,
    version: i64,
}

/// `POST /v1/admin/orders/{id}/status`.
pub(super) async fn status(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Version> {
    let asked = hub.staff(request, SHORT).await?;
    let id = query::id(&id)?;
    let status: Status = body(&asked.body)?;
    for text in [&status.note, &status.carrier, &status.tracking] {
        is_note(text.as_deref())?;
    }
    let moved = Moved {
        state: status.state,
        note: status.note,
        carrier: status.carrier,
        tracking: status.tracking,
    };
    let done = hub.store.move_order(id, &moved, asked.now);
    let (changed, version) = hub.within(done).await?;
    Ok(Json(Version { changed, version }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payment {
    payment: PaymentState,
    #[serde(default)]
    note: Option<String>,
}

/// `POST /v1/admin/orders/{id}/payment`.
pub(super) async fn payment(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Version> {
    let asked = hub.staff(request, SHORT).await?;
    let id = query::id(&id)?;
    let Payment { payment, note } = body(&asked.body)?;
    is_note(note.as_deref())?;
    let done = hub.store.note_payment(id, payment, note, asked.now);
    let (changed, version) = hub.within(done).await?;
    Ok(Json(Version { changed, version }))
}

/// `GET /v1/admin/tickets?box=&cursor=&limit=`.
pub(super) async fn tickets(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Answer<Page<TicketRow>> {
    let asked = hub.staff(request, SHORT).await?;
    let limit = asked.query.limit(100, 1000)?;
    let page = hub
        .store
        .tickets(asked.query.text("box"), asked.query.text("cursor"), limit);
    Ok(Json(hub.within(page).await?))
}

/// `GET /v1/admin/returns?cursor=&limit=`.
pub(super) async fn returns(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Answer<Page<ReturnRow>> {
    let asked = hub.staff(request, SHORT).await?;
    let limit = asked.query.limit(100, 1000)?;
    let page = hub.store.returns(asked.query.text("cursor"), limit);
    Ok(Json(hub.within(page).await?))
}

fn is_note(text: Option<&str>) -> Result<(), Refusal> {
    if text.is_some_and(|text| text.chars().count() > 500) {
        return Err(Refusal::Content(
            "expected notes of at most 500 characters, found a longer one".into(),
        ));
    }
    Ok(())
}

fn few(found: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if (1..=most).contains(&found) {
        Ok(())
    } else {
        Err(Refusal::Content(format!(
            "expected 1 to {most} {what}, found {found}"
        )))
    }
}
