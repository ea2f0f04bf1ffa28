//! The HTTP side: who may ask, what is asked, how the answer is sent.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::answer::{Envelope, Event, Shape, Summary};
use crate::engine::Job;
use crate::failure::Refusal;
use crate::request::Generation;

/// Largest request body taken.
const MOST_BODY_BYTES: usize = 1 << 20;
/// Of a larger one, so much is read and dropped, so that the client gets to read the answer.
const MOST_DRAINED_BYTES: usize = 64 << 20;
/// A body must be here by then.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What the handlers share.
#[derive(Debug)]
pub struct Service {
    /// The model's name in answers.
    pub model: String,
    /// Tokens of context.
    pub n_ctx: u32,
    /// Unix time in seconds at which the worker started.
    pub started: u64,
    /// SHA-256 of the bearer token; `None`: no token is asked for.
    pub token: Option<[u8; 32]>,
    /// To the engine.
    pub queue: SyncSender<Job>,
}

/// Tokens are compared by their hashes, so that the time taken tells nothing about them.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Seconds since 1970.
pub fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// All routes.
pub fn routes(service: Arc<Service>) -> Router {
    let api = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(one_model))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat_completions))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&service),
            authorise,
        ));
    Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .merge(api)
        .fallback(|| async {
            not_found("expected /health, /v1/models, /v1/completions or /v1/chat/completions")
        })
        .method_not_allowed_fallback(|| async {
            Refusal {
                status: 405,
                ..Refusal::invalid(None, "this path takes another method")
            }
        })
        .with_state(service)
}

fn not_found(message: &str) -> Refusal {
    Refusal {
        status: 404,
        ..Refusal::invalid(None, message)
    }
}

async fn authorise(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    match service.token {
        Some(expected) if bearer(request.headers()).map(token_hash) != Some(expected) => {
            Err(Refusal::unauthorized())
        }
        _ => Ok(next.run(request).await),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Service {
    fn model_object(&self) -> Value {
        json!({
            "id": self.model,
            "object": "model",
            "created": self.started,
            "owned_by": "comptoir",
            "max_model_len": self.n_ctx,
        })
    }
}

async fn models(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(json!({"object": "list", "data": [service.model_object()]}))
}

async fn one_model(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    if name != service.model {
        return Err(not_found(&format!(
            "the one model here is `{}`",
            service.model
        )));
    }
    Ok(Json(service.model_object()))
}

async fn completions(State(service): State<Arc<Service>>, body: Body) -> Result<Response, Refusal> {
    let asked = Generation::from_completion_body(&whole_body(body).await?)?;
    service.answer(asked, Shape::Completion).await
}

async fn chat_completions(
    State(service): State<Arc<Service>>,
    body: Body,
) -> Result<Response, Refusal> {
    let asked = Generation::from_chat_body(&whole_body(body).await?)?;
    service.answer(asked, Shape::Chat).await
}

/// The body, if it is here in time and not too large.
async fn whole_body(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut parts = body.into_data_stream();
    let reading = async {
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        while let Some(part) = parts.next().await {
            let part = part.map_err(|error| Refusal::invalid(None, error.to_string()))?;
            length += part.len();
            if length > MOST_DRAINED_BYTES {
                break;
            }
            if length <= MOST_BODY_BYTES {
                bytes.extend_from_slice(&part);
            }
        }
        if length > MOST_BODY_BYTES {
            let message = format!("expected a body of at most {MOST_BODY_BYTES} bytes, found more");
            return Err(Refusal {
                status: 413,
                ..Refusal::invalid(None, message)
            });
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_DEADLINE, reading)
        .await
        .unwrap_or_else(|_| {
            let message = format!("expected the body within {} s", BODY_DEADLINE.as_secs());
            Err(Refusal {
                status: 408,
                ..Refusal::invalid(None, message)
            })
        })
}

impl Service {
    /// Hands the request to the engine and sends what comes back. When the client goes away,
    /// the receiver is dropped with the response, and the engine stops.
    async fn answer(&self, asked: Generation, shape: Shape) -> Result<Response, Refusal> {
        let delivery = asked.delivery;
        let kind = match shape {
            Shape::Chat => "chatcmpl",
            Shape::Completion => "cmpl",
        };
        let envelope = Envelope {
            shape,
            id: format!("{kind}-{}", uuid::Uuid::new_v4().simple()),
            created: unix_time(),
            model: self.model.clone(),
            with_logprobs: asked.alternatives.is_some(),
        };
        // One event a token and three more: the engine never has to wait for the client.
        let (events, mut answers) = mpsc::channel(self.n_ctx as usize + 3);
        self.queue
            .try_send(Job { asked, events })
            .map_err(|error| match error {
                TrySendError::Full(_) => Refusal::busy(
                    "the queue is full; try again in a second or start another worker",
                ),
                TrySendError::Disconnected(_) => Refusal::busy("the worker is stopping"),
            })?;
        match answers.recv().await {
            Some(Event::Accepted) => {}
            Some(Event::Failed(refusal)) => return Err(refusal),
            _ => return Err(Refusal::engine("the worker is stopping")),
        }
        if delivery.stream {
            Ok(streamed(envelope, delivery.include_usage, answers))
        } else {
            collected(&envelope, answers).await
        }
    }
}

async fn collected(
    envelope: &Envelope,
    mut answers: mpsc::Receiver<Event>,
) -> Result<Response, Refusal> {
    let (mut text, mut tokens) = (String::new(), Vec::new());
    while let Some(event) = answers.recv().await {
        match event {
            Event::Accepted => {}
            Event::Text(piece) => {
                text.push_str(&piece.text);
                tokens.extend(piece.tokens);
            }
            Event::Done(summary) => {
                return Ok(Json(envelope.whole(&text, &tokens, &summary)).into_response());
            }
            Event::Failed(refusal) => return Err(refusal),
        }
    }
    Err(Refusal::engine(
        "the worker stopped in the middle of the answer",
    ))
}

fn streamed(envelope: Envelope, include_usage: bool, answers: mpsc::Receiver<Event>) -> Response {
    let opening: Vec<String> = envelope.opening().iter().map(Value::to_string).collect();
    let following = stream::unfold(
        Some((envelope, answers, 0_usize)),
        move |state| async move {
            let (envelope, mut answers, offset) = state?;
            let event = answers.recv().await;
            Some(match event {
                Some(Event::Accepted) => (Vec::new(), Some((envelope, answers, offset))),
                Some(Event::Text(piece)) => {
                    let message = envelope.part(&piece, offset).to_string();
                    let offset = offset + piece.text.chars().count();
                    (vec![message], Some((envelope, answers, offset)))
                }
                Some(Event::Done(summary)) => (closing(&envelope, include_usage, &summary), None),
                Some(Event::Failed(refusal)) => (interrupted(&refusal), None),
                None => (
                    interrupted(&Refusal::engine("the worker is stopping")),
                    None,
                ),
            })
        },
    );
    let messages = stream::iter([opening])
        .chain(following)
        .flat_map(stream::iter)
        .map(|data| Ok::<_, Infallible>(sse::Event::default().data(data)));
    let mut response = Sse::new(messages).into_response();
    *response.status_mut() = StatusCode::OK;
    response
}

const DONE: &str = "[DONE]";

fn closing(envelope: &Envelope, include_usage: bool, summary: &Summary) -> Vec<String> {
    let mut messages = vec![envelope.closing(summary).to_string()];
    if include_usage {
        messages.push(envelope.usage(summary).to_string());
    }
    messages.push(DONE.to_owned());
    messages
}

fn interrupted(refusal: &Refusal) -> Vec<String> {
    vec![refusal.body().to_string(), DONE.to_owned()]
}
