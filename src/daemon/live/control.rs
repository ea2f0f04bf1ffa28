//! What other programs may do to the daemon over HTTP: begin or end a session, ask how it is.
//!
//! Loopback only. A page of another origin may not write: a request with a foreign `Origin` or
//! `Host` is refused (cross-site requests, DNS rebinding).

use super::Press;
use crate::sync::webhook::Webhook;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::{net::TcpListener, sync::mpsc};

/// Why it cannot be controlled.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another address than this machine's own.
    #[error(
        "expected a loopback address (127.0.0.1:PORT), found {0}: whoever reaches it could open the microphone"
    )]
    NotLoopback(SocketAddr),
    /// The port is taken, or not allowed.
    #[error(
        "cannot listen on {at}: {source}; choose another port with --listen, or none with --listen off"
    )]
    Busy {
        /// The address.
        at: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Serves until the listener is dropped with its task. Gives the address.
///
/// # Errors
/// [`ControlError`].
pub async fn serve(
    at: SocketAddr,
    presses: mpsc::Sender<Press>,
    webhook: Option<Webhook>,
) -> Result<(SocketAddr, tokio::task::JoinHandle<()>), ControlError> {
    if !at.ip().is_loopback() {
        return Err(ControlError::NotLoopback(at));
    }
    let busy = |source| ControlError::Busy { at, source };
    let listener = TcpListener::bind(at).await.map_err(busy)?;
    let at = listener.local_addr().map_err(busy)?;
    let routes = Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/v1/push_to_talk", post(talk))
        .route("/v1/end", post(end))
        .with_state(presses);
    let routes = match webhook {
        Some(webhook) => routes.merge(webhook.routes().layer(from_fn(only_from_here))),
        None => routes,
    };
    let task = tokio::spawn(async move {
        if let Err(e) = axum::serve(listener, routes).await {
            tracing::error!("control: {e}");
        }
    });
    Ok((at, task))
}

async fn talk(
    State(presses): State<mpsc::Sender<Press>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    press(&presses, &headers, Press::Talk)
}

async fn end(
    State(presses): State<mpsc::Sender<Press>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    press(&presses, &headers, Press::End)
}

fn press(
    presses: &mpsc::Sender<Press>,
    headers: &HeaderMap,
    what: Press,
) -> (StatusCode, Json<Value>) {
    if !is_from_here(headers) {
        let error = "expected a request from this machine, found another Host or Origin";
        return (StatusCode::FORBIDDEN, Json(json!({"error": error})));
    }
    match presses.try_send(what) {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({"status": "accepted"}))),
        Err(_) => {
            let error = "the daemon is busy; try again";
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"error": error})),
            )
        }
    }
}

/// The same for what is not a press: a page may not tell the daemon what happened in the shop.
async fn only_from_here(request: Request, next: Next) -> Response {
    if is_from_here(request.headers()) {
        return next.run(request).await;
    }
    let error = "expected a request from this machine, found another Host or Origin";
    (StatusCode::FORBIDDEN, Json(json!({"error": error}))).into_response()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let local = |name: &str| {
        let host = name
            .strip_prefix("http://")
            .or_else(|| name.strip_prefix("https://"))
            .unwrap_or(name);
        let bare = host.strip_prefix('[').map_or_else(
            || host.split(':').next().unwrap_or_default(),
            |v6| v6.split(']').next().unwrap_or_default(),
        );
        matches!(bare, "localhost" | "127.0.0.1" | "::1")
    };
    let value = |name| {
        headers
            .get(name)
            .map(|v: &axum::http::HeaderValue| v.to_str().unwrap_or_default().to_owned())
    };
    value(header::HOST).is_some_and(|h| local(&h))
        && value(header::ORIGIN).is_none_or(|o| local(&o))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn from(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_from_here(&headers)
    }

    #[test]
    fn only_this_machine_presses() {
        assert!(from("127.0.0.1:7878", None));
        assert!(from("localhost", Some("http://localhost:7878")));
        assert!(from("[::1]:7878", None));
        assert!(!from("evil.example", None));
        assert!(!from("127.0.0.1:7878", Some("https://evil.example")));
        assert!(!from("127.0.0.1.evil.example", None));
        assert!(!from("127.0.0.1:7878", Some("null")));
    }

    #[tokio::test]
    async fn the_world_is_refused() {
        let (presses, _inbox) = mpsc::channel(1);
        let refused = serve("0.0.0.0:0".parse().unwrap(), presses, None).await;
        assert!(matches!(refused, Err(ControlError::NotLoopback(_))));
    }

    #[tokio::test]
    async fn a_page_tells_nothing_of_the_shop() {
        use crate::{
            settings::Secret,
            shop::store::Store,
            sync::courier::{Shelf, World},
        };
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(Store::open(folder.path()).unwrap());
        let secret = Secret::new("a secret of the tests");
        let hook = Webhook::new(shelf, World::machine(), "till-1", secret);
        let (presses, _inbox) = mpsc::channel(1);
        let (at, task) = serve("127.0.0.1:0".parse().unwrap(), presses, Some(hook))
            .await
            .unwrap();
        let client = reqwest::Client::new();
        let url = format!("http://{at}/v1/webhooks/backend");
        let foreign = client.post(&url).header("Origin", "https://evil.example");
        assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);
        let unsigned = client.post(&url).body("{}").send().await.unwrap();
        assert_eq!(unsigned.status().as_u16(), 401);
        task.abort();
    }

    #[tokio::test]
    async fn a_press_arrives() {
        let (presses, mut inbox) = mpsc::channel(1);
        let (at, task) = serve("127.0.0.1:0".parse().unwrap(), presses, None)
            .await
            .unwrap();
        let client = reqwest::Client::new();
        let url = format!("http://{at}/v1/push_to_talk");
        let answer = client.post(&url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
        assert_eq!(inbox.recv().await, Some(Press::Talk));
        let foreign = client
            .post(&url)
            .header("Origin", "https://evil.example")
            .send()
            .await
            .unwrap();
        assert_eq!(foreign.status().as_u16(), 403);
        task.abort();
    }
}
