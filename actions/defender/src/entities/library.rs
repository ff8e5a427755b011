//! Files for live response.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// A file that live response may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LibraryFile {
    /// Its name, by which it is known.
    pub file_name: String,
    /// SHA-256 of the content.
    pub sha256: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it was uploaded first.
    pub creation_time: Option<VendorTime>,
    /// When it last changed.
    pub last_updated_time: Option<VendorTime>,
    /// Who uploaded it.
    pub created_by: Option<String>,
    /// Whether the script takes arguments.
    pub has_parameters: Option<bool>,
    /// Which ones.
    pub parameters_description: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
