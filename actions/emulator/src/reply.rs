//! Answers, and refusals in the form each API gives them.

use actions_contract::Api;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::wire;

/// An answer before it becomes HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(header::HeaderName, String)>,
    pub(crate) body: Option<Value>,
    /// The application permissions of which the token had none.
    pub(crate) role_missing: Option<String>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
            role_missing: None,
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    /// An answer that says nothing.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            role_missing: None,
        }
    }

    pub(crate) fn with_header(mut self, name: header::HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.body {
            Some(body) => (status, axum::Json(body)).into_response(),
            None => status.into_response(),
        };
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Why a request is not served.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400 `InvalidRequestBody`.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequestBody", message)
    }

    /// 400 `MissingRequiredParameter`.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(
            400,
            "MissingRequiredParameter",
            format!("Required parameter {name} is missing"),
        )
    }

    /// 404 `ResourceNotFound`.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            404,
            "ResourceNotFound",
            format!("{kind} {id} was not found"),
        )
    }

    /// 400 `ODataError`.
    pub(crate) fn odata(message: impl Into<String>) -> Self {
        Self::new(400, "ODataError", message)
    }

    /// The refusal in the words of `api`; `correlation` is what one quotes to support.
    pub(crate) fn reply(self, api: Option<Api>, correlation: &str, now_ms: i64) -> Reply {
        let error = match api {
            Some(Api::Graph) => json!({
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": wire::vendor_time(now_ms),
                    "request-id": correlation,
                    "client-request-id": correlation,
                },
            }),
            _ => json!({ "code": self.code, "message": self.message, "target": correlation }),
        };
        Reply::new(self.status, json!({ "error": error }))
    }
}
