//! Where alerts come from: what to ask, and how to read it as an alert of the engine.

mod api;
mod mde;

pub use api::ApiAlerts;
pub use mde::MdeAlerts;

use actions_contract::{MapError, Source};
use serde_json::Value;

/// Every source.
#[must_use]
pub fn sources() -> Vec<Box<dyn Source>> {
    vec![Box::new(ApiAlerts), Box::new(MdeAlerts)]
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
