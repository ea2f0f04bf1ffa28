//! Requests to the shop's backend: signed, with a deadline, and no more read of an answer than
//! an answer can be.

use super::{
    contract::{
        CustomerRecord, IDEMPOTENCY_KEY, Problem, SEQUENCE, SIGNATURE, ShopEvent, TERMINAL,
        TIMESTAMP,
    },
    signature::sign,
};
use crate::settings::{Backend, Secret};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt, time::Duration};
use uuid::Uuid;

/// The most bytes of an answer that are read.
const LONGEST_ANSWER: usize = 1 << 20;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody answered, or not to the end, or not in time: whether the backend has it is open.
    #[error("no answer from the backend: {0}")]
    Unreachable(String),
    /// It is to be sent again later.
    #[error("the backend answered {status}: {detail}")]
    Later {
        /// The status.
        status: u16,
        /// What the backend says.
        detail: String,
        /// Not before so long.
        after: Option<SignedDuration>,
    },
    /// The backend refuses it for good.
    #[error("the backend refused it with {status}: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// What the backend says.
        detail: String,
    },
    /// The answer is not what the contract says.
    #[error("expected an answer as docs/backend.md says, found {0}")]
    Answer(String),
}

/// A message to be posted.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// Where, below the backend's address: `/v1/orders`.
    pub path: &'a str,
    /// The same message again has the same.
    pub key: Uuid,
    /// Its place among the messages about one subject.
    pub sequence: u64,
    /// JSON, or nothing.
    pub body: &'a str,
}

/// An event of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// As the contract says.
    Event(ShopEvent),
    /// Of a kind that is not known here: a backend may be newer than its terminals.
    Unknown {
        /// Its place among all events; 0 where it has none.
        number: u64,
        /// What is not known.
        why: String,
    },
}

/// [`super::contract::EventPage`], each event by itself: one that cannot be read does not hide
/// the others.
#[derive(Deserialize)]
struct Page {
    events: Vec<Value>,
}

fn told(event: Value) -> Told {
    let number = event.get("number").and_then(Value::as_u64).unwrap_or(0);
    serde_json::from_value(event).map_or_else(
        |e| Told::Unknown {
            number,
            why: e.to_string(),
        },
        Told::Event,
    )
}

/// The shop's backend, as a terminal calls it.
#[derive(Clone)]
pub struct BackendClient {
    http: reqwest::Client,
    base: Url,
    terminal: String,
    secret: Secret,
    deadline: Duration,
}

impl fmt::Debug for BackendClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendClient")
            .field("base", &self.base.as_str())
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings.
    #[error("{0}")]
    Settings(String),
    /// The TLS library.
    #[error("expected an HTTP client, found: {0}")]
    Http(#[from] reqwest::Error),
}

impl BackendClient {
    /// A client by the settings.
    ///
    /// # Errors
    /// The secret cannot be read, or the address is none.
    pub fn new(settings: &Backend) -> Result<Self, ClientError> {
        let base = Url::parse(settings.url.trim_end_matches('/')).map_err(|e| {
            ClientError::Settings(format!(
                "expected backend.url to be an address, found `{}`: {e}",
                settings.url
            ))
        })?;
        Ok(Self {
            http: reqwest::Client::builder()
                // What is signed is the path: another one would not be believed.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(5))
                .pool_idle_timeout(Duration::from_secs(60))
                .user_agent(concat!("comptoir/", env!("CARGO_PKG_VERSION")))
                .build()?,
            base,
            terminal: settings.terminal.clone(),
            secret: settings.read_secret().map_err(ClientError::Settings)?,
            deadline: Duration::from_millis(settings.deadline_ms),
        })
    }

    /// Names the backend and this terminal: how far its events were read is kept under this.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.base, self.terminal)
    }

    /// Posts a message and gives the answer's body.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn post(&self, post: &Post<'_>, now: Timestamp) -> Result<Vec<u8>, Failure> {
        let request = self
            .signed(Method::POST, post.path, &[], post.body, now)?
            .header(IDEMPOTENCY_KEY, post.key.to_string())
            .header(SEQUENCE, post.sequence)
            .header(header::CONTENT_TYPE, "application/json")
            .body(post.body.to_owned());
        within(self.deadline, answer(request, now)).await
    }

    /// The events after `number`, waited for.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn events(
        &self,
        number: u64,
        wait_s: u32,
        now: Timestamp,
    ) -> Result<Vec<Told>, Failure> {
        let query = [("after", number.to_string()), ("wait", wait_s.to_string())];
        let deadline = self.deadline + Duration::from_secs(wait_s.into());
        let page: Page = self.get("/v1/events", &query, deadline, now).await?;
        Ok(page.events.into_iter().map(told).collect())
    }

    /// A customer, by `card`, `phone` or `email`; `None` where the backend does not know them.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn customer(
        &self,
        by: &str,
        value: &str,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<Option<CustomerRecord>, Failure> {
        let query = [(by, value.to_owned())];
        match self.get("/v1/customers", &query, deadline, now).await {
            Ok(customer) => Ok(Some(customer)),
            Err(Failure::Refused { status: 404, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether the backend answers and believes this terminal.
    ///
    /// # Errors
    /// [`Failure`] says why not.
    pub async fn ping(&self, now: Timestamp) -> Result<(), Failure> {
        let far = [("after", i64::MAX.to_string()), ("wait", "0".to_owned())];
        self.get::<Page>("/v1/events", &far, self.deadline, now)
            .await
            .map(drop)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        deadline: Duration,
        now: Timestamp,
    ) -> Result<T, Failure> {
        let request = self.signed(Method::GET, path, query, "", now)?;
        let body = within(deadline, answer(request, now)).await?;
        read(&body)
    }

    /// A request with its signature over the target as it is sent.
    fn signed(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: &str,
        now: Timestamp,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let mut url = Url::parse(&format!(
            "{}{path}",
            self.base.as_str().trim_end_matches('/')
        ))
        .map_err(|e| Failure::Unreachable(e.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let at = now.as_second();
        let signature = sign(
            self.secret.bytes(),
            at,
            method.as_str(),
            &target,
            body.as_bytes(),
        );
        Ok(self
            .http
            .request(method, url)
            .header(TERMINAL, &self.terminal)
            .header(TIMESTAMP, at)
            .header(SIGNATURE, signature))
    }
}

/// An answer as what the contract says it is.
///
/// # Errors
/// [`Failure::Answer`].
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|e| {
        let start: String = String::from_utf8_lossy(body).chars().take(80).collect();
        Failure::Answer(format!("`{start}`: {e}"))
    })
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(deadline, work)
        .await
        .unwrap_or_else(|_| {
            let ms = deadline.as_millis();
            Err(Failure::Unreachable(format!("nothing within {ms} ms")))
        })
}

async fn answer(request: reqwest::RequestBuilder, now: Timestamp) -> Result<Vec<u8>, Failure> {
    let unreachable = |e: reqwest::Error| {
        // The innermost says it: "connection refused".
        let mut cause: &dyn std::error::Error = &e;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Failure::Unreachable(cause.to_string())
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Failure::Answer(format!("more than {LONGEST_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let status = response.status();
    if status.is_success() {
        return Ok(body);
    }
    let problem = serde_json::from_slice::<Problem>(&body).ok();
    // Of conflicts only that of places ends by itself.
    let for_good = status == StatusCode::CONFLICT
        && problem
            .as_ref()
            .is_some_and(|p| matches!(p.kind.as_str(), "idempotency" | "state"));
    let detail = problem.map_or_else(
        || String::from_utf8_lossy(&body).chars().take(200).collect(),
        |problem| format!("{}: {}", problem.kind, problem.detail),
    );
    Err(if is_for_later(status) && !for_good {
        Failure::Later {
            status: status.as_u16(),
            detail,
            after: retry_after(&response, now),
        }
    } else {
        Failure::Refused {
            status: status.as_u16(),
            detail,
        }
    })
}

/// Whether the same message may be taken later. A wrong secret or clock (401, 403) is the
/// terminal's fault, not the message's; a redirect is somebody's who is not the backend.
fn is_for_later(status: StatusCode) -> bool {
    !status.is_client_error() || matches!(status.as_u16(), 401 | 403 | 408 | 409 | 425 | 429)
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<SignedDuration> {
    let text = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    let after = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => rfc2822::parse(text).ok()?.timestamp().duration_since(now),
    };
    (after > SignedDuration::ZERO).then_some(after)
}
