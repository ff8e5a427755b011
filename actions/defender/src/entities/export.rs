//! Records of exports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// Files that hold an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportFiles {
    /// Links to the files, gzip of JSON lines. Each is a key to its file until it ends: fetch
    /// without a token, and do not pass on.
    #[serde(default)]
    pub export_files: Vec<String>,
    /// When the export was made.
    pub generated_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How one device stands to one recommended configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecureConfigurationRecord {
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The version of that.
    pub os_version: Option<String>,
    /// When it was last seen on the device.
    pub timestamp: Option<VendorTime>,
    /// The configuration.
    pub configuration_id: Option<String>,
    /// Its field, such as `Network` or `Security controls`.
    pub configuration_category: Option<String>,
    /// A part of that field.
    pub configuration_subcategory: Option<String>,
    /// What it does to the score, from 1 to 10.
    pub configuration_impact: Option<f64>,
    /// Its name.
    pub configuration_name: Option<String>,
    /// Whether the device complies.
    pub is_compliant: Option<bool>,
    /// Whether it applies to the device.
    pub is_applicable: Option<bool>,
    /// Whether people would notice it.
    pub is_expected_user_impact: Option<bool>,
    /// The recommendation it belongs to.
    pub recommendation_reference: Option<String>,
    /// The id of the device group.
    pub rbac_group_id: Option<i64>,
    /// The name of the device group.
    pub rbac_group_name: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A product on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftwareInventoryRecord {
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The vendor.
    pub software_vendor: Option<String>,
    /// The product.
    pub software_name: Option<String>,
    /// The version.
    pub software_version: Option<String>,
    /// How many vulnerabilities it has.
    pub number_of_weaknesses: Option<i64>,
    /// Where it is on the disk.
    #[serde(default)]
    pub disk_paths: Vec<String>,
    /// Where it is in the registry.
    #[serde(default)]
    pub registry_paths: Vec<String>,
    /// When it was first seen, in the words of the service.
    pub software_first_seen_timestamp: Option<String>,
    /// When it was last seen, in the words of the service.
    pub software_last_seen_timestamp: Option<String>,
    /// Whether its vendor has given it up.
    pub end_of_support_status: Option<String>,
    /// When that is.
    pub end_of_support_date: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A vulnerability of a product on a device, or its change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftwareVulnerabilityRecord {
    /// The id of the record.
    pub id: Option<String>,
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The version of that.
    pub os_version: Option<String>,
    /// Its architecture.
    pub os_architecture: Option<String>,
    /// The vendor.
    pub software_vendor: Option<String>,
    /// The product.
    pub software_name: Option<String>,
    /// The version.
    pub software_version: Option<String>,
    /// The vulnerability; null where the product has none.
    pub cve_id: Option<String>,
    /// How severe it is.
    pub vulnerability_severity_level: Option<String>,
    /// Its score in CVSS 3.
    pub cvss_score: Option<f64>,
    /// The update that removes it.
    pub recommended_security_update: Option<String>,
    /// The number of the update.
    pub recommended_security_update_id: Option<String>,
    /// Where the update can be had.
    pub recommended_security_update_url: Option<String>,
    /// Where the product is on the disk.
    #[serde(default)]
    pub disk_paths: Vec<String>,
    /// Where it is in the registry.
    #[serde(default)]
    pub registry_paths: Vec<String>,
    /// When it was first seen, in the words of the service.
    pub first_seen_timestamp: Option<String>,
    /// When it was last seen, in the words of the service.
    pub last_seen_timestamp: Option<String>,
    /// `NoExploit`, `ExploitIsPublic`, `ExploitIsVerified` or `ExploitIsInKit`.
    pub exploitability_level: Option<String>,
    /// The recommendation it belongs to.
    pub recommendation_reference: Option<String>,
    /// Whether there is an update.
    pub security_update_available: Option<bool>,
    /// `New`, `Fixed` or `Updated`; in changes only.
    pub status: Option<String>,
    /// When it changed; in changes only.
    pub event_timestamp: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
