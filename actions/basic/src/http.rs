//! Reading from servers that have no actions of their own.

use std::collections::BTreeMap;

use actions_contract::{
    ActionError, Body, Call, Effect, HeaderText, Idempotency, Method, Request, Response, Secret,
    Target,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::builtin::{misfit, refusal};
use crate::{Builtin, Facts, Start};

/// Reads from a server over HTTP.
///
/// The host must be allowed by the configuration; the hosts of Defender and Graph are not, their
/// operations are the one way to them. Any status but 2xx fails the step, unless `accept` lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    /// The method.
    #[serde(default)]
    pub method: HttpMethod,
    /// The address: `https://cmdb.corp.example/api/hosts`. Never with a user name or password.
    #[schemars(length(min = 1), extend("x-language" = "url"))]
    pub url: String,
    /// Query parameters, encoded by the engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers; a value may be a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderValue>,
    /// Statuses besides 2xx that are an answer and no failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(range(min = 300, max = 599)))]
    pub accept: Vec<u16>,
}

/// A method that changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Reads.
    #[default]
    Get,
    /// Reads headers only.
    Head,
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A text.
    Text(String),
    /// A configured secret.
    Secret(Secret),
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON where the server says that it is JSON, text otherwise, null when empty.
    pub body: Value,
}

impl Builtin for HttpRequest {
    type Output = HttpAnswer;

    const FACTS: Facts = Facts {
        id: "http.request",
        title: "Read from a server over HTTP",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
    };

    fn example() -> Self {
        Self {
            method: HttpMethod::Get,
            url: "https://cmdb.corp.example/api/hosts".to_owned(),
            query: BTreeMap::from([("name".to_owned(), "ws1".to_owned())]),
            headers: BTreeMap::from([(
                "Authorization".to_owned(),
                HeaderValue::Secret(Secret {
                    name: "cmdb".to_owned(),
                }),
            )]),
            accept: vec![404],
        }
    }

    fn example_output() -> HttpAnswer {
        HttpAnswer {
            status: 200,
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: json!({ "name": "ws1", "owner": "finance" }),
        }
    }

    fn start(&self, _: &Call) -> Result<Start<HttpAnswer>, ActionError> {
        check_url(&self.url)?;
        let headers = self.headers.iter().map(|(name, value)| {
            let value = match value {
                HeaderValue::Text(text) => HeaderText::Text(text.clone()),
                HeaderValue::Secret(secret) => HeaderText::Secret(secret.clone()),
            };
            (name.clone(), value)
        });
        Ok(Start::Send(Request {
            target: Target::Url(self.url.clone()),
            method: match self.method {
                HttpMethod::Get => Method::Get,
                HttpMethod::Head => Method::Head,
            },
            path: String::new(),
            query: self
                .query
                .iter()
                .map(|(n, v)| (n.clone().into(), v.clone()))
                .collect(),
            headers: headers.collect(),
            body: Body::Empty,
            keep_bytes_max: None,
            operation: Self::FACTS.id.into(),
        }))
    }

    fn answered(&self, response: &Response) -> Result<HttpAnswer, ActionError> {
        if !response.is_success() && !self.accept.contains(&response.status) {
            return Err(refusal(response));
        }
        Ok(HttpAnswer {
            status: response.status,
            headers: response.headers.iter().cloned().collect(),
            body: body(response)?,
        })
    }
}

fn check_url(url: &str) -> Result<(), ActionError> {
    let refused = |why: &str| Err(misfit(format!("`url` {why}")));
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].contains(&&*scheme.to_ascii_lowercase()) => rest,
        _ => return refused("must begin with `https://` or `http://`"),
    };
    // Parsers disagree about these; the host that is checked must be the host that is asked.
    if url.contains('\\') || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return refused("holds a backslash, a space or a control character");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return refused("names no host");
    }
    if authority.contains('@') {
        return refused("carries a user name; put credentials into a header, as a secret");
    }
    Ok(())
}

fn body(response: &Response) -> Result<Value, ActionError> {
    if response.body.is_empty() {
        return Ok(Value::Null);
    }
    let kind = response
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    let kind = kind
        .and_then(|(_, value)| value.split(';').next())
        .unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    if kind == "application/json" || kind.ends_with("+json") {
        return actions_contract::json(response);
    }
    Ok(Value::String(
        String::from_utf8_lossy(&response.body).into_owned(),
    ))
}
