//! The hub's HTTP side. Every request has a deadline, a longest body, and a place among those
//! that are worked on at once; who finds none is told to come again.

mod accept;
mod bells;
mod pay;
mod query;
mod signed;
mod staff;
mod staff_terminals;
mod terminal;
mod upkeep;
mod webhooks;

use super::{keys::HubKey, refusal::Refusal, start::StartError, store::HubStore};
use accept::Limited;
use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use bells::Bells;
use jiff::Timestamp;
use serde_json::json;
use signed::Salted;
use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a request waits for its place among those that are worked on.
const QUEUE: Duration = Duration::from_secs(1);

/// How a hub serves.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The key of its terminals' secrets.
    pub key: HubKey,
    /// The digest of the back office's token; `None` shuts its routes.
    pub admin: Option<[u8; 32]>,
    /// How it is reached.
    pub public_url: String,
    /// Requests that are worked on at once.
    pub at_once: u16,
    /// Connections at once.
    pub clients: u32,
    /// How long a request may take.
    pub deadline: Duration,
    /// How long those that are begun may take when the hub ends.
    pub drain: Duration,
    /// Whether orders are accepted as they come.
    pub auto_accept: bool,
    /// How long a payment link can be used.
    pub payment: Duration,
}

/// A hub that serves.
pub struct Hub {
    store: HubStore,
    how: Serving,
    places: Semaphore,
    bells: Bells,
    salts: Salted,
    seen: Mutex<HashMap<String, Timestamp>>,
    ending: CancellationToken,
}

impl Hub {
    /// A hub over a database.
    #[must_use]
    pub fn new(store: HubStore, how: Serving) -> Arc<Self> {
        Arc::new(Self {
            places: Semaphore::new(usize::from(how.at_once)),
            store,
            how,
            bells: Bells::default(),
            salts: Salted::default(),
            seen: Mutex::default(),
            ending: CancellationToken::new(),
        })
    }

    /// Serves until told to end; then requests that are begun are ended first, waiting ones are
    /// answered at once.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address cannot be served.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        told_to_end: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let address = listener.local_addr().map(|a| a.to_string());
        let hub = Arc::clone(&self);
        let upkeep = tokio::spawn(upkeep::run(Arc::clone(&self)));
        let listening = tokio::spawn(bells::run(Arc::clone(&self)));
        let posting = tokio::spawn(webhooks::run(Arc::clone(&self)));
        let limited = Limited::new(listener, self.how.clients);
        let serving = axum::serve(limited, routes(Arc::clone(&self)))
            .with_graceful_shutdown(async move {
                told_to_end.await;
                hub.ending.cancel();
            })
            .into_future();
        let ended = tokio::select! {
            ended = serving => ended,
            () = async {
                self.ending.cancelled().await;
                tokio::time::sleep(self.how.drain).await;
            } => {
                tracing::warn!("hub: some requests did not end in time; they will be sent again");
                Ok(())
            }
        };
        self.ending.cancel();
        for task in [upkeep, listening, posting] {
            if timeout(Duration::from_secs(2), task).await.is_err() {
                tracing::debug!("hub: a task did not end in time");
            }
        }
        self.store.close();
        ended.map_err(|source| StartError::Listen {
            address: address.unwrap_or_default(),
            source,
        })
    }

    /// Does work in its place among others, before the deadline.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let _place = match timeout(QUEUE, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            _ => {
                return Err(Refusal::Busy(format!(
                    "expected fewer than {} requests at once, found more",
                    self.how.at_once
                )));
            }
        };
        timeout(self.how.deadline, work).await.unwrap_or_else(|_| {
            Err(Refusal::Busy(format!(
                "expected to be done within {} ms, was not",
                self.how.deadline.as_millis()
            )))
        })
    }

    fn saw(&self, terminal: &str, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(terminal.to_owned(), now);
    }
}

fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/v1/orders", post(terminal::order))
        .route("/v1/orders/{id}/cancel", post(terminal::cancel))
        .route("/v1/orders/{id}/payment-link", post(terminal::payment_link))
        .route("/v1/returns", post(terminal::wish_to_return))
        .route("/v1/tickets", post(terminal::ticket))
        .route("/v1/feedback", post(terminal::feedback))
        .route("/v1/customers", get(terminal::customer))
        .route("/v1/catalog", get(terminal::catalog))
        .route("/v1/events", get(terminal::events))
        .route("/v1/admin/products", put(staff::put_products))
        .route("/v1/admin/products/{id}", delete(staff::delete_product))
        .route("/v1/admin/changes", post(staff::changes))
        .route("/v1/admin/customers", put(staff::put_customers))
        .route("/v1/admin/orders", get(staff::orders))
        .route("/v1/admin/orders/{id}", get(staff::order))
        .route("/v1/admin/orders/{id}/status", post(staff::status))
        .route("/v1/admin/orders/{id}/payment", post(staff::payment))
        .route("/v1/admin/tickets", get(staff::tickets))
        .route("/v1/admin/returns", get(staff::returns))
        .route(
            "/v1/admin/terminals",
            get(staff_terminals::terminals).post(staff_terminals::add_terminal),
        )
        .route(
            "/v1/admin/terminals/{name}/revoke",
            post(staff_terminals::revoke),
        )
        .route(
            "/v1/admin/terminals/{name}/rotate",
            post(staff_terminals::rotate),
        )
        .route("/pay/{token}", get(pay::page).post(pay::pay))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .fallback(async || Refusal::Route("one of the routes of docs/backend.md"))
        .method_not_allowed_fallback(async |request: Request| {
            Refusal::Method(request.method().to_string())
        })
        .with_state(hub)
}

/// `GET /healthz`: the process is there.
async fn healthy() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// `GET /readyz`: the database answers, and nobody told the hub to end.
async fn ready(State(hub): State<Arc<Hub>>) -> Result<Response, Refusal> {
    if hub.ending.is_cancelled() {
        return Err(Refusal::Busy("the hub is ending".into()));
    }
    timeout(Duration::from_secs(2), hub.store.ping())
        .await
        .unwrap_or_else(|_| Err(Refusal::Busy("the database does not answer".into())))?;
    Ok(Json(json!({"status": "ok"})).into_response())
}

/// Listens at an address.
///
/// # Errors
/// [`StartError::Listen`].
pub async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let told = |source| StartError::Listen {
        address: address.to_owned(),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(told)?;
    let bound = listener.local_addr().map_err(told)?;
    Ok((listener, bound))
}
