//! Carries requests to token services, and keeps what libraries would drop of the answers.

use std::sync::{Mutex, PoisonError};

use actions_contract::BoxFuture;
use engine_model::Millis;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};

use crate::retry_after;

const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What was seen of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Millis>,
    /// How far the clock of the other side is ahead of ours.
    pub(crate) ahead_ms: Option<i64>,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("the token service could not be reached")]
    Connect,
    #[error("the token service did not answer in time")]
    Timeout,
    #[error("the answer of the token service is too large")]
    TooLarge,
    #[error("the request for a token could not be built")]
    Build,
}

/// Carries requests over one of our clients.
pub(crate) struct Carrier {
    client: reqwest::Client,
    now_ms: i64,
    seen: Mutex<Seen>,
}

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Unreachable;
    type Future = BoxFuture<'c, Result<HttpResponse, Unreachable>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}

impl Carrier {
    pub(crate) fn new(client: reqwest::Client, now_ms: i64) -> Self {
        Self {
            client,
            now_ms,
            seen: Mutex::default(),
        }
    }

    /// What was seen of the last answer.
    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let request = reqwest::Request::try_from(request).map_err(|_| Unreachable::Build)?;
        let mut answer = self.client.execute(request).await.map_err(unreachable)?;
        let status = answer.status();
        let text = |name: HeaderName| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let retry_after = text(RETRY_AFTER).and_then(|text| retry_after::parse(&text, self.now_ms));
        let date = text(DATE).and_then(|text| chrono::DateTime::parse_from_rfc2822(&text).ok());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen {
            status: Some(status.as_u16()),
            retry_after,
            ahead_ms: date.map(|date| date.timestamp_millis() - self.now_ms),
        };
        let mut response = http::Response::builder().status(status);
        if let Some(kind) = answer.headers().get(CONTENT_TYPE) {
            response = response.header(CONTENT_TYPE, kind);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Unreachable::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|_| Unreachable::Build)
    }
}

fn unreachable(error: reqwest::Error) -> Unreachable {
    if error.is_timeout() {
        Unreachable::Timeout
    } else {
        Unreachable::Connect
    }
}
