//! Where alerts come from: what to ask, and how to read it as an alert of the engine.

mod api;
mod graph;
mod mde;
mod xdr;

pub use api::ApiAlerts;
pub use graph::{GraphAlerts, GraphIncidents};
pub use mde::MdeAlerts;
pub use xdr::XdrIncidents;

use actions_contract::{
    ActionError, MapError, Request, Response, Source, SourcePage, json, read, service_error,
};
use serde_json::Value;

use crate::lists;

/// Every source.
#[must_use]
pub fn sources() -> Vec<Box<dyn Source>> {
    vec![
        Box::new(ApiAlerts),
        Box::new(MdeAlerts),
        Box::new(XdrIncidents),
        Box::new(GraphAlerts),
        Box::new(GraphIncidents),
    ]
}

/// Reads a page of a list of which `first` is the first request. Some services link the next page,
/// of the others it is asked for as long as pages are full.
fn paged(
    first: Request,
    size: usize,
    asked: &Request,
    response: &Response,
) -> Result<SourcePage, ActionError> {
    if !response.is_success() {
        return Err(service_error(response));
    }
    let mut body: Value = json(response)?;
    let Some(Value::Array(alerts)) = body.get_mut("value").map(Value::take) else {
        return Err(read::unreadable("expected a list at `value`"));
    };
    let next = match body.get("@odata.nextLink").and_then(Value::as_str) {
        _ if alerts.is_empty() => None,
        Some(link) => Some(lists::linked(first, link)?),
        None if alerts.len() < size => None,
        None => Some(skipping(asked, alerts.len())),
    };
    Ok(SourcePage { alerts, next })
}

/// The same request, further on by the alerts that it gave.
fn skipping(asked: &Request, got: usize) -> Request {
    let mut next = asked.clone();
    let skipped = next.query.iter().position(|(name, _)| name == "$skip");
    let before = skipped.map_or(0, |at| next.query.remove(at).1.parse().unwrap_or(0_usize));
    next.with_query("$skip", (before + got).to_string())
}

/// The members of a list; none where there is no list.
fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    let list = value.get(field).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn object(raw: &Value) -> Result<(), MapError> {
    if raw.is_object() {
        return Ok(());
    }
    let found = described(raw);
    Err(wrong("", format!("expected an object, found {found}")))
}

fn wrong(path: &str, message: impl Into<String>) -> MapError {
    MapError {
        path: path.to_owned(),
        message: message.into(),
    }
}

/// What a JSON value is, for people.
fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
