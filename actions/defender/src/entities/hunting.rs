//! What hunting finds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The rows a hunting query found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HuntingResult {
    /// The columns, in order.
    pub schema: Vec<HuntingColumn>,
    /// The rows; each maps the names of columns, as the query spells them, to values.
    pub rows: Vec<Map<String, Value>>,
    /// What the query cost, where the service tells.
    pub stats: Option<Map<String, Value>>,
}

/// A column of a hunting result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HuntingColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the service's words: `String`, `DateTime`, `Int64`.
    #[serde(rename = "type")]
    pub kind: String,
}
