//! The shop's events, told: `POST /v1/webhooks/backend`. The signature over the raw body is
//! checked before a byte of it is read as JSON.

use super::{
    contract::{Problem, SIGNATURE, ShopEvent, TERMINAL, TIMESTAMP},
    courier::{Shelf, World},
    signature,
};
use crate::settings::Secret;
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// The largest body, bytes.
const LARGEST: usize = 64 << 10;
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// So many are taken at once; others are told to come again.
const AT_ONCE: usize = 8;

/// What a webhook needs.
#[derive(Clone)]
pub struct Webhook {
    shelf: Shelf,
    world: World,
    terminal: String,
    secret: Secret,
    room: Arc<Semaphore>,
}

impl Webhook {
    /// Takes events into this store, from whoever has the secret.
    #[must_use]
    pub fn new(shelf: Shelf, world: World, terminal: &str, secret: Secret) -> Self {
        Self {
            shelf,
            world,
            terminal: terminal.to_owned(),
            secret,
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The route.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/v1/webhooks/backend", post(told))
            .with_state(self)
    }
}

async fn told(State(hook): State<Webhook>, request: Request) -> Response {
    let Ok(_room) = hook.room.clone().try_acquire_owned() else {
        return problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many at once; send it again",
        );
    };
    let (parts, body) = request.into_parts();
    let body = match timeout(BODY_WITHIN, raw(body)).await {
        Ok(Some(body)) => body,
        Ok(None) => {
            let detail = format!("expected a body of at most {LARGEST} bytes, to its end");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &detail);
        }
        Err(_) => {
            return problem(
                StatusCode::REQUEST_TIMEOUT,
                "busy",
                "expected the whole body within 5 s",
            );
        }
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/v1/webhooks/backend", |target| target.as_str());
    let now = (hook.world.now)();
    let signed = (
        text(&parts.headers, SIGNATURE),
        text(&parts.headers, TIMESTAMP),
    );
    if let Err(e) = signature::check(
        hook.secret.bytes(),
        signed,
        now.as_second(),
        ("POST", target),
        &body,
    ) {
        return problem(StatusCode::UNAUTHORIZED, "signature", &e.to_string());
    }
    if text(&parts.headers, TERMINAL).is_some_and(|name| name != hook.terminal) {
        let detail = format!("expected an event for {}", hook.terminal);
        return problem(StatusCode::FORBIDDEN, "terminal", &detail);
    }
    let event: ShopEvent = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(e) => {
            let detail = format!("expected an event as docs/backend.md says: {e}");
            return problem(StatusCode::BAD_REQUEST, "content", &detail);
        }
    };
    let random = (hook.world.random)();
    match hook
        .shelf
        .with(move |store| store.take_event(&event, random, now))
        .await
    {
        Ok(applied) => {
            let applied = format!("{applied:?}").to_lowercase();
            Json(json!({ "event": applied })).into_response()
        }
        Err(e) => {
            tracing::error!("an event of the backend could not be taken: {e}");
            problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "it could not be written; send it again",
            )
        }
    }
}

/// The whole body; `None` where it is too large or breaks off.
async fn raw(body: Body) -> Option<Vec<u8>> {
    to_bytes(body, LARGEST).await.ok().map(|b| b.to_vec())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn problem(status: StatusCode, kind: &str, detail: &str) -> Response {
    let problem = Problem {
        kind: kind.to_owned(),
        detail: detail.to_owned(),
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body,
    )
        .into_response()
}
