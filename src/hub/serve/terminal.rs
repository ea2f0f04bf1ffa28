//! What terminals ask: `docs/backend.md` says what each route takes and gives.

use super::{
    Hub,
    query::{self, body},
};
use crate::{
    hub::{
        check,
        refusal::Refusal,
        store::{By, Link},
    },
    sync::contract::{
        CancelMessage, CatalogPage, CustomerRecord, EventPage, OrderMessage, PaymentLink, Receipt,
        ReturnMessage, TicketMessage,
    },
};
use axum::{
    Json,
    extract::{Path, Request, State},
};
use jiff::SignedDuration;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// The longest order, and the longest story of a ticket.
const LONG: usize = 256 << 10;
/// Anything else.
const SHORT: usize = 16 << 10;
/// The longest wait for an event.
const LONGEST_WAIT: u64 = 30;
/// So many products a page, unless told; and at most.
const PAGE: (u16, u16) = (500, 1000);

type Answer<T> = Result<Json<T>, Refusal>;

/// `POST /v1/orders`.
pub(super) async fn order(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Receipt> {
    let signed = hub.signed(request, LONG).await?;
    let order: OrderMessage = body(&signed.body)?;
    check::order(&order)?;
    let message = signed.message(format!("order:{}", order.order.id))?;
    let hash = signed.body_hash();
    let taken = hub
        .store
        .take_order(&message, &order, hash, hub.how.auto_accept);
    Ok(Json(hub.within(taken).await?.answer()))
}

/// `POST /v1/orders/{id}/cancel`.
pub(super) async fn cancel(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Receipt> {
    let signed = hub.signed(request, SHORT).await?;
    let id = query::id(&id)?;
    let cancel: CancelMessage = body(&signed.body)?;
    let message = signed.message(format!("order:{id}"))?;
    let taken = hub.store.take_cancel(&message, id, cancel.at);
    Ok(Json(hub.within(taken).await?.answer()))
}

/// `POST /v1/orders/{id}/payment-link`.
pub(super) async fn payment_link(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<PaymentLink> {
    let signed = hub.signed(request, SHORT).await?;
    let id = query::id(&id)?;
    let message = signed.message(format!("order:{id}"))?;
    let lasts = SignedDuration::try_from(hub.how.payment).unwrap_or(SignedDuration::from_hours(1));
    let link = Link {
        id: Uuid::new_v4(),
        expires_at: signed.now + lasts,
    };
    let taken = hub.store.take_payment_link(&message, id, link);
    let link = hub.within(taken).await?.answer();
    Ok(Json(PaymentLink {
        url: format!(
            "{}/pay/{}",
            hub.how.public_url,
            hub.how.key.payment_token(link.id)
        ),
        expires_at: link.expires_at,
    }))
}

/// `POST /v1/returns`.
pub(super) async fn wish_to_return(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Answer<Receipt> {
    let signed = hub.signed(request, SHORT).await?;
    let wish: ReturnMessage = body(&signed.body)?;
    is_reference(&wish.reference)?;
    let message = signed.message(format!("return:{}", wish.reference))?;
    let taken = hub.store.take_return(&message, &wish);
    Ok(Json(hub.within(taken).await?.answer()))
}

/// `POST /v1/tickets`.
pub(super) async fn ticket(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Receipt> {
    take_ticket(&hub, request, "ticket").await
}

/// `POST /v1/feedback`.
pub(super) async fn feedback(State(hub): State<Arc<Hub>>, request: Request) -> Answer<Receipt> {
    take_ticket(&hub, request, "feedback").await
}

async fn take_ticket(hub: &Hub, request: Request, into: &'static str) -> Answer<Receipt> {
    let signed = hub.signed(request, LONG).await?;
    let ticket: TicketMessage = body(&signed.body)?;
    is_reference(&ticket.reference)?;
    let message = signed.message(format!("{into}:{}", ticket.reference))?;
    let taken = hub.store.take_ticket(&message, into, &ticket);
    Ok(Json(hub.within(taken).await?.answer()))
}

fn is_reference(text: &str) -> Result<(), Refusal> {
    if (1..=64).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(Refusal::Content(
            "expected a reference of 1 to 64 characters, found another".into(),
        ))
    }
}

/// `GET /v1/customers?card=|phone=|email=`.
pub(super) async fn customer(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Answer<CustomerRecord> {
    let signed = hub.signed(request, SHORT).await?;
    let asked = |name| signed.query.text(name).map(str::to_owned);
    let by = match (asked("card"), asked("phone"), asked("email")) {
        (Some(card), None, None) => By::Card(card),
        (None, Some(phone), None) => By::Phone(phone),
        (None, None, Some(email)) => By::Email(email),
        _ => {
            return Err(Refusal::Content(
                "expected one of `card`, `phone` and `email`".into(),
            ));
        }
    };
    let found = hub.within(hub.store.customer(&by)).await?;
    found.map(Json).ok_or(Refusal::NotFound("a customer"))
}

/// `GET /v1/catalog?language=&cursor=&limit=`.
pub(super) async fn catalog(State(hub): State<Arc<Hub>>, request: Request) -> Answer<CatalogPage> {
    let signed = hub.signed(request, SHORT).await?;
    let language = signed.query.language()?;
    let limit = signed.query.limit(PAGE.0, PAGE.1)?;
    let cursor = signed.query.text("cursor");
    let page = hub.store.catalog_page(language, cursor, limit);
    Ok(Json(hub.within(page).await?))
}

/// `GET /v1/events?after=&wait=`. Who waits holds neither a place nor a connection to the
/// database.
pub(super) async fn events(State(hub): State<Arc<Hub>>, request: Request) -> Answer<EventPage> {
    let signed = hub.signed(request, SHORT).await?;
    let after = signed
        .query
        .value::<u64>("after", "a whole number")?
        .unwrap_or(0);
    let wait = signed
        .query
        .value::<u64>("wait", "a number of seconds")?
        .unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let mut bell = hub.bells.of(&signed.terminal);
    loop {
        // From here on a ring is noticed, also one that comes while we look.
        bell.borrow_and_update();
        let events = hub
            .within(hub.store.events(&signed.terminal, after))
            .await?;
        if !events.is_empty() || Instant::now() >= until || hub.ending.is_cancelled() {
            return Ok(Json(EventPage { events }));
        }
        tokio::select! {
            _ = bell.changed() => {}
            () = sleep_until(until) => {}
            () = hub.ending.cancelled() => {}
        }
    }
}
