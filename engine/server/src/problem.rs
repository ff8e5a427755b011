//! Problem documents (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine_driver::EngineError;
use engine_model::{Code, Millis, code};
use serde::Serialize;

/// A refusal that people and programs can act on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    /// `urn:quell:SV0102`.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip)]
    retry_after: Option<Millis>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        let title = code.page().lines().next().unwrap_or_default();
        Self {
            kind: format!("urn:quell:{code}"),
            title: title.trim_start_matches("# ").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            path: None,
            retry_after: None,
        }
    }

    /// The problem, at a field of the body.
    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn busy() -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            code::SV0105,
            "the engine takes no more for the moment",
        );
        problem.retry_after = Some(Millis::from_secs(1));
        problem
    }
}

/// The status of an error of the engine.
pub(crate) fn status_of(code: Code) -> StatusCode {
    match code {
        code::SV0104 => StatusCode::NOT_FOUND,
        code::SV0105 => StatusCode::TOO_MANY_REQUESTS,
        code::SV0107 | code::SV0201 => StatusCode::CONFLICT,
        code::SV0202 | code::SV0204 => StatusCode::FORBIDDEN,
        code::RN0106 | code::TR0102 | code::SV0203 => StatusCode::UNPROCESSABLE_ENTITY,
        code::ST0101 | code::ST0102 | code::ST0103 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let status = status_of(error.code);
        let retry_after = error.retry_after;
        Self {
            retry_after,
            ..Self::new(status, error.code, error.message)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(wait) = retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_ms().div_ceil(1000)),
            );
        }
        response
    }
}
