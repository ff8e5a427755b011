//! The schemas of actions as files.

use std::collections::BTreeMap;

use actions_contract::ActionInfo;
use serde_json::{Value, json};

/// One JSON Schema (2020-12) per action by file name, with its parameters under
/// `#/$defs/parameters` and its output under `#/$defs/output`.
#[must_use]
pub fn action_schemas(infos: &[ActionInfo]) -> BTreeMap<String, Value> {
    infos
        .iter()
        .map(|info| (format!("{}.json", info.id), schema(info)))
        .collect()
}

fn schema(info: &ActionInfo) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("{}@{}", info.id, info.major),
        "description": info.title,
        "$defs": { "parameters": info.parameters, "output": info.output },
    })
}
