//! How widespread things are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// How widespread a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileStatistics {
    /// SHA-1 of the file.
    pub sha1: Option<String>,
    /// How often it was seen in the organisation. A text where the vendor writes one.
    pub organization_prevalence: Option<i64>,
    /// When it was first seen in the organisation.
    pub org_first_seen: Option<VendorTime>,
    /// When it was last seen in the organisation.
    pub org_last_seen: Option<VendorTime>,
    /// How often it was seen in the world.
    pub globally_prevalence: Option<i64>,
    /// The same, where the service spells it so.
    pub global_prevalence: Option<i64>,
    /// When it was first seen in the world.
    pub global_first_observed: Option<VendorTime>,
    /// When it was last seen in the world.
    pub global_last_observed: Option<VendorTime>,
    /// The names it goes by most.
    #[serde(default)]
    pub top_file_names: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How often an address was seen in the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpStatistics {
    /// The address.
    pub ip_address: Option<String>,
    /// On how many devices.
    pub organization_prevalence: Option<i64>,
    /// When it was first seen.
    pub org_first_seen: Option<VendorTime>,
    /// When it was last seen.
    pub org_last_seen: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How often a domain was seen in the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainStatistics {
    /// The domain.
    pub host: Option<String>,
    /// On how many devices; 0 for one that nobody has seen.
    pub organization_prevalence: Option<i64>,
    /// When it was first seen.
    pub org_first_seen: Option<VendorTime>,
    /// When it was last seen.
    pub org_last_seen: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
