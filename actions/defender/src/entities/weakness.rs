//! Vulnerabilities and the software that has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// A known vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vulnerability {
    /// Its number, such as `CVE-2019-0608`.
    pub id: String,
    /// The same.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// `Low`, `Medium`, `High` or `Critical`.
    pub severity: Option<String>,
    /// Its score in CVSS 3, from 0 to 10.
    pub cvss_v3: Option<f64>,
    /// The vector behind the score.
    pub cvss_vector: Option<String>,
    /// How many devices have it.
    pub exposed_machines: Option<i64>,
    /// When it was published.
    pub published_on: Option<VendorTime>,
    /// When its entry last changed.
    pub updated_on: Option<VendorTime>,
    /// Whether an exploit is public.
    pub public_exploit: Option<bool>,
    /// Whether the exploit is known to work.
    pub exploit_verified: Option<bool>,
    /// Whether an exploit kit has it.
    pub exploit_in_kit: Option<bool>,
    /// What the exploits give.
    #[serde(default)]
    pub exploit_types: Vec<String>,
    /// Where they are.
    #[serde(default)]
    pub exploit_uris: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A vulnerability of a product on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineVulnerability {
    /// The id of the find.
    pub id: String,
    /// The vulnerability.
    pub cve_id: Option<String>,
    /// The device.
    pub machine_id: Option<String>,
    /// The update that removes it.
    pub fixing_kb_id: Option<String>,
    /// The product.
    pub product_name: Option<String>,
    /// Its vendor.
    pub product_vendor: Option<String>,
    /// Its version on the device.
    pub product_version: Option<String>,
    /// `Low`, `Medium`, `High` or `Critical`.
    pub severity: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An update that is not installed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingKb {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The build it brings.
    pub osbuild: Option<i64>,
    /// The products it is for.
    #[serde(default)]
    pub products_names: Vec<String>,
    /// Where it can be had.
    pub url: Option<String>,
    /// How many devices lack it.
    pub machine_missed_on: Option<i64>,
    /// How many vulnerabilities it removes.
    pub cve_addressed: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A product installed on devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Vendor and product, as `microsoft-_-edge`.
    pub id: String,
    /// The product.
    pub name: Option<String>,
    /// Its vendor.
    pub vendor: Option<String>,
    /// How many vulnerabilities it has.
    pub weaknesses: Option<i64>,
    /// Whether one of them has a public exploit.
    pub public_exploit: Option<bool>,
    /// Whether an alert about it is open.
    pub active_alert: Option<bool>,
    /// How many devices are exposed by it.
    pub exposed_machines: Option<i64>,
    /// How many devices have it.
    pub installed_machines: Option<i64>,
    /// How much it adds to the exposure score.
    pub impact_score: Option<f64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How widespread one version of a product is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftwareVersion {
    /// The version.
    pub version: Option<String>,
    /// On how many devices it is.
    pub installations: Option<i64>,
    /// How many vulnerabilities it has.
    pub vulnerabilities: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A device, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineReference {
    /// The id of the device.
    pub id: String,
    /// Its DNS name.
    pub computer_dns_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
