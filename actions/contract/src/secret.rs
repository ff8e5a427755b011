//! A secret as actions see it: its name.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A handle to a configured secret; the broker puts the value in when the request leaves.
///
/// A parameter of this type is marked `x-secret` in its schema, which is what makes
/// `${{ secrets.x }}` legal there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The name under `secrets:` in the configuration.
    #[serde(rename = "$secret")]
    pub name: String,
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "x-secret": true,
            "properties": { "$secret": { "type": "string" } },
            "required": ["$secret"],
            "additionalProperties": false
        })
    }
}
