//! What a client is told when a request is refused, in OpenAI's error shape.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What was expected, what was found, what to do.
    pub message: String,
    /// The field of the request that is meant.
    pub param: Option<&'static str>,
    /// OpenAI's machine-readable code.
    pub code: Option<&'static str>,
}

impl Refusal {
    /// 400: the request cannot be served as it is.
    pub fn invalid(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            param,
            code: None,
        }
    }

    /// 401: no token, or another one.
    pub fn unauthorized() -> Self {
        Self {
            status: 401,
            message: format!(
                "expected `Authorization: Bearer` with the token in {}",
                crate::options::TOKEN_VARIABLE
            ),
            param: None,
            code: Some("invalid_api_key"),
        }
    }

    /// 500: the engine failed; the next request starts from a clean context.
    pub fn engine(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// 503: come back in a second.
    pub fn busy(message: impl Into<String>) -> Self {
        Self {
            status: 503,
            message: message.into(),
            param: None,
            code: Some("queue_full"),
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let kind = match self.status {
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        json!({"error": {
            "message": self.message,
            "type": kind,
            "param": self.param,
            "code": self.code,
        }})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body())).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
