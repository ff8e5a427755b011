//! The one way out: requests as values, sent by the broker.

use std::borrow::Cow;

use engine_model::{Millis, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ActionError, Api, BoxFuture, Call, ErrorKind, Method, Secret};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An API of the connection that the call uses; the broker knows the host and adds the token.
    Api(Api),
    /// An absolute URL without credentials; `path` and `query` of the request are appended.
    Url(String),
    /// A link that a service gave to something it keeps, and that is its own key: it is read as it
    /// is, without a token, and nothing is sent along.
    Link(String),
    /// A URL that is itself a secret, such as a chat hook; `path` and `query` are ignored.
    SecretUrl(Secret),
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText {
    /// Plain text.
    Text(String),
    /// A configured secret, put in by the broker.
    Secret(Secret),
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// Bytes with their media type.
    Bytes {
        /// The media type, such as `text/plain`.
        content_type: Cow<'static, str>,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// A request as a value; the broker adds host, token, timeouts and tracing.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Where it goes.
    pub target: Target,
    /// The method.
    pub method: Method,
    /// The path, percent-encoded, beginning with `/`.
    pub path: String,
    /// Query pairs, not yet encoded.
    pub query: Vec<(Cow<'static, str>, String)>,
    /// Headers beyond those the broker sets.
    pub headers: Vec<(String, HeaderText)>,
    /// The body.
    pub body: Body,
    /// Where set, the body of a successful answer is kept in the store of the engine, as long as it
    /// has no more bytes than this, and the response holds a [`KeptFile`] as JSON instead.
    pub keep_bytes_max: Option<u64>,
    /// The operation it belongs to: the key of its limit class, and a field of its trace.
    pub operation: Cow<'static, str>,
}

impl Request {
    /// The request with one more query pair.
    #[must_use]
    pub fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// The request with one more query pair, where there is a value.
    #[must_use]
    pub fn with_query_if(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with_query(name, value),
            None => self,
        }
    }

    /// The request with a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Whether the path holds `.` or `..`, encoded or not: readers of URLs climb by it, so that the
    /// request would be another one than its operation is documented to send.
    #[must_use]
    pub fn climbs(&self) -> bool {
        self.path.split(['/', '\\']).any(|segment| {
            let plain = segment.replace("%2E", ".").replace("%2e", ".");
            plain == "." || plain == ".."
        })
    }
}

/// A file in the store of the engine, named by what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptFile {
    /// SHA-256 of the content, in lower-case hex; the name in the store.
    pub sha256: String,
    /// How long it is.
    pub size_bytes: u64,
    /// The media type the service named.
    pub media_type: Option<String>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers, names in lower case, without `set-cookie`.
    pub headers: Vec<(String, String)>,
    /// The body, within the broker's size limit.
    pub body: Vec<u8>,
    /// How long the service asked to wait, from a header or the body; set on 429 and 503.
    pub retry_after: Option<Millis>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Whether a request can have reached the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It certainly did not.
    No,
    /// It may have.
    Maybe,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct EgressError {
    /// What playbooks and people see.
    pub error: ActionError,
    /// Whether the request can have reached the service.
    pub sent: Sent,
}

impl EgressError {
    /// The error of a request that never left.
    #[must_use]
    pub const fn unsent(error: ActionError) -> Self {
        Self {
            error,
            sent: Sent::No,
        }
    }

    /// Whether it is an error of this kind.
    #[must_use]
    pub fn is(&self, kind: &ErrorKind) -> bool {
        self.error.kind == *kind
    }
}

/// The one way out of the engine; implemented by the broker, and by mocks in tests.
pub trait Egress: Send + Sync {
    /// The tenants that a connection may reach now; the default one where none is named.
    ///
    /// # Errors
    ///
    /// When there is no such connection.
    fn tenants(&self, connection: Option<&str>) -> Result<Vec<TenantId>, EgressError> {
        let _ = connection;
        Ok(Vec::new())
    }

    /// Sends `request` on behalf of `call`: the connection, tenant, effect, mode and time left of
    /// the call decide what is allowed and which token is used.
    ///
    /// Any HTTP status is a response.
    ///
    /// # Errors
    ///
    /// When there is no response; `sent` tells whether the request can have reached the service.
    fn send<'a>(
        &'a self,
        call: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_climbs_is_told_from_one_that_only_has_dots() {
        for (path, climbs) in [
            ("/api/machines/%2E%2E/isolate", true),
            ("/api/machines/.%2e/isolate", true),
            ("/api/machines/%2e", true),
            ("/api/..\\x", true),
            ("/api/machines/pc.corp.example", false),
            ("/api/machines/...", false),
            ("/api/machines/%252E%252E", false),
        ] {
            let request = Request {
                target: Target::Api(Api::Mde),
                method: Method::Get,
                path: path.to_owned(),
                query: Vec::new(),
                headers: Vec::new(),
                body: Body::Empty,
                keep_bytes_max: None,
                operation: "defender.get-machine".into(),
            };
            assert_eq!(request.climbs(), climbs, "{path}");
        }
    }
}
