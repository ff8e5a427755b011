//! A service that answers as it was written down.

use std::collections::BTreeMap;
use std::sync::Mutex;

use actions_contract::{
    ActionError, Body, BoxFuture, Call, Egress, EgressError, ErrorKind, HeaderText, Method,
    Request, Response, Sent, Target,
};
use engine_model::{Millis, code};
use serde::Deserialize;
use serde_json::Value;

/// One request that is expected, and what comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What the plugin has to ask.
    pub request: Asked,
    /// What the service answers.
    pub response: Answered,
}

/// A request that is expected; what is left out may be anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path, with the query where there is one.
    pub path: String,
    /// The host, where it is not a connection's.
    #[serde(default)]
    pub host: Option<String>,
    /// Headers that have to be there.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or a text.
    #[serde(default)]
    pub body: Option<Value>,
}

/// A response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answered {
    /// The status; 200 where it is left out.
    pub status: Option<u16>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or a text as it is.
    pub body: Option<Value>,
    /// Whether there is no response at all, because the connection breaks.
    pub broken: bool,
}

/// A service that answers a list of requests in their order, and nothing else.
pub struct Mock {
    exchanges: Vec<Exchange>,
    asked: Mutex<Vec<Result<(), String>>>,
}

impl Mock {
    /// A service with these exchanges.
    #[must_use]
    pub const fn of(exchanges: Vec<Exchange>) -> Self {
        Self {
            exchanges,
            asked: Mutex::new(Vec::new()),
        }
    }

    /// What was asked that was not written down, or not asked that was.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let asked = self
            .asked
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        let left = self.exchanges.iter().skip(asked.len());
        let left = left.map(|exchange| format!("it did not ask for {}", exchange.request.line()));
        let wrong = asked.iter().filter_map(|answer| answer.clone().err());
        wrong.chain(left).collect()
    }

    fn answer(&self, request: &Request) -> Result<Response, EgressError> {
        let mut asked = self
            .asked
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        let exchange = self.exchanges.get(asked.len());
        let fits = match exchange {
            None => Err(format!(
                "it asks for {}, and nothing more is written down",
                line(request)
            )),
            Some(exchange) => exchange.request.fits(request),
        };
        asked.push(fits.clone());
        let broken = |message: &str| {
            let error =
                ActionError::retryable(ErrorKind::Network, code::BR0201, message.to_owned(), None);
            Err(EgressError {
                error,
                sent: Sent::Maybe,
            })
        };
        match (fits, exchange) {
            (Err(complaint), _) => broken(&complaint),
            (Ok(()), Some(exchange)) if !exchange.response.broken => {
                Ok(exchange.response.response())
            }
            (Ok(()), _) => broken("the connection breaks, as it is written down"),
        }
    }
}

impl Egress for Mock {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(std::future::ready(self.answer(&request)))
    }
}

fn path(request: &Request) -> String {
    let pairs = request.query.iter().map(|(n, v)| format!("{n}={v}"));
    let query = pairs.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{query}", request.path)
}

fn line(request: &Request) -> String {
    format!("{} {}", request.method.as_str(), path(request))
}

impl Asked {
    fn line(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }

    fn fits(&self, request: &Request) -> Result<(), String> {
        if self.method != request.method || self.path != path(request) {
            return Err(format!(
                "it asks for {}, and {} is written down",
                line(request),
                self.line()
            ));
        }
        let line = self.line();
        if let Some(host) = &self.host
            && request.target != Target::Url(format!("https://{host}"))
        {
            return Err(format!("{line}: it asks {:?}, not {host}", request.target));
        }
        for (name, wanted) in &self.headers {
            if header(request, name) != Some(wanted.as_str()) {
                return Err(format!("{line}: the header `{name}` is not `{wanted}`"));
            }
        }
        match &self.body {
            Some(wanted) if body(&request.body) != *wanted => Err(format!(
                "{line}: the body is {}, and {wanted} is written down",
                body(&request.body)
            )),
            _ => Ok(()),
        }
    }
}

/// The text of a header; the media type stands with the body.
fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    if let (true, Body::Bytes { content_type, .. }) =
        (name.eq_ignore_ascii_case("content-type"), &request.body)
    {
        return Some(content_type);
    }
    let mut headers = request.headers.iter();
    let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
    match found {
        Some((_, HeaderText::Text(text))) => Some(text),
        _ => None,
    }
}

/// A body as it would be written down.
fn body(body: &Body) -> Value {
    match body {
        Body::Empty => Value::Null,
        Body::Json(value) => value.clone(),
        Body::Bytes { bytes, .. } => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
    }
}

impl Answered {
    fn response(&self) -> Response {
        let body = match &self.body {
            None => Vec::new(),
            Some(Value::String(text)) => text.clone().into_bytes(),
            Some(value) => value.to_string().into_bytes(),
        };
        let headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        let retry_after = headers
            .iter()
            .find(|(name, _)| name == "retry-after")
            .and_then(|(_, seconds)| seconds.parse().ok())
            .map(Millis::from_secs);
        Response {
            status: self.status.unwrap_or(200),
            headers,
            body,
            retry_after,
        }
    }
}
