//! Why a request is refused, and how that is told (RFC 9457).

use crate::sync::{contract::Problem, signature::Unbelieved};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Why a request is refused. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The signature.
    #[error("{0}")]
    Signature(#[from] Unbelieved),
    /// Who asks.
    #[error("expected the name of a terminal that is known and not revoked, found {0}")]
    Terminal(String),
    /// The back office's token.
    #[error("{0}")]
    Token(&'static str),
    /// A key that came with something else before.
    #[error(
        "expected the message that came first under this key or id, found another; a new message needs a new one"
    )]
    Idempotency,
    /// A message that is not the next about its subject.
    #[error("expected message {expected} about this subject, found {found}")]
    Sequence {
        /// The next one's number.
        expected: i64,
        /// This one's.
        found: i64,
    },
    /// Something that is not as the contract has it.
    #[error("{0}")]
    Content(String),
    /// Amounts that do not agree.
    #[error("{0}")]
    Sum(String),
    /// A state that does not follow from the present one.
    #[error("{0}")]
    State(String),
    /// What is asked about is not there.
    #[error("expected {0} that is known here, found none")]
    NotFound(&'static str),
    /// There is no such route.
    #[error("expected {0}")]
    Route(&'static str),
    /// A method that the route does not have.
    #[error("expected a method that this route has, found {0}")]
    Method(String),
    /// What was asked about is over.
    #[error("{0}")]
    Gone(&'static str),
    /// A body that is too long.
    #[error("expected a body of at most {0} bytes, found more")]
    TooLarge(usize),
    /// Not now: send it again.
    #[error("{0}; send it again")]
    Busy(String),
    /// A fault of ours.
    #[error("the hub failed: {0}")]
    Failed(String),
}

impl Refusal {
    /// The word of the problem's `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Signature(_) => "signature",
            Self::Terminal(_) => "terminal",
            Self::Token(_) => "token",
            Self::Idempotency => "idempotency",
            Self::Sequence { .. } => "sequence",
            Self::Content(_) => "content",
            Self::Sum(_) => "sum",
            Self::State(_) => "state",
            Self::NotFound(_) | Self::Route(_) | Self::Method(_) | Self::Gone(_) => "not_found",
            Self::TooLarge(_) => "too_large",
            Self::Busy(_) => "busy",
            Self::Failed(_) => "failed",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Signature(_) | Self::Terminal(_) | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Idempotency | Self::Sequence { .. } | Self::State(_) => StatusCode::CONFLICT,
            Self::Content(_) => StatusCode::BAD_REQUEST,
            Self::Sum(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound(_) | Self::Route(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone(_) => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        // What failed inside is for our log, not for who asks.
        let detail = match &self {
            Self::Failed(why) => {
                tracing::error!("hub: {why}");
                "the hub failed; its log says why".to_owned()
            }
            Self::Busy(why) => {
                tracing::info!("hub: busy: {why}");
                self.to_string()
            }
            other => other.to_string(),
        };
        let problem = Problem {
            kind: self.kind().to_owned(),
            detail,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(self, Self::Busy(_)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if matches!(self, Self::Token(_)) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
