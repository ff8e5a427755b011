//! Inventories: browser extensions, certificates, baselines, hardware.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// An extension of a browser on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrowserExtensionRecord {
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// When it was installed.
    pub installation_time: Option<VendorTime>,
    /// The browser.
    pub browser_name: Option<String>,
    /// The id of the extension.
    pub extension_id: Option<String>,
    /// Its name.
    pub extension_name: Option<String>,
    /// What it says of itself.
    pub extension_description: Option<String>,
    /// Its version.
    pub extension_version: Option<String>,
    /// How risky its permissions are.
    pub extension_risk: Option<String>,
    /// Who made it.
    pub extension_vendor: Option<String>,
    /// Whether it is switched on.
    pub is_activated: Option<bool>,
    /// What it may do.
    #[serde(default)]
    pub permissions: Vec<BrowserExtensionPermission>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A permission of an extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrowserExtensionPermission {
    /// Its name in the browser.
    pub id: Option<String>,
    /// Whether the extension needs it.
    pub is_required: Option<bool>,
    /// How risky it is.
    pub risk: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What permissions of extensions mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionsPage {
    /// The permissions.
    #[serde(default)]
    pub value: Vec<PermissionMeaning>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What one permission of extensions means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionMeaning {
    /// Its name in the browser.
    pub key: Option<String>,
    /// Its name for people.
    pub permission_name: Option<String>,
    /// What it allows.
    pub description: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A certificate on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// Its thumbprint.
    pub thumbprint: Option<String>,
    /// Where it is.
    pub path: Option<String>,
    /// Its number.
    pub serial_number: Option<String>,
    /// What it was issued to: `CA` or `End Entity`.
    pub subject_type: Option<String>,
    /// From when it holds.
    pub issue_date: Option<VendorTime>,
    /// Until when it holds.
    pub expiration_date: Option<VendorTime>,
    /// How it is signed.
    pub signature_algorithm: Option<String>,
    /// The length of its key in bits.
    pub key_size: Option<i64>,
    /// What the key may do.
    #[serde(default)]
    pub key_usage: Vec<String>,
    /// What the key may do, in more words.
    #[serde(default)]
    pub extended_key_usage: Vec<String>,
    /// Whom it was issued to.
    pub issued_to: Option<CertificateParty>,
    /// Who issued it.
    pub issued_by: Option<CertificateParty>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Somebody named in a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateParty {
    /// The name.
    pub common_name: Option<String>,
    /// The organisation.
    pub organization_name: Option<String>,
    /// The unit.
    pub organization_unit: Option<String>,
    /// The country.
    pub country_name: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The place.
    pub locality: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How one device stands to one configuration of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineComplianceRecord {
    /// The id of the record.
    pub id: Option<String>,
    /// The configuration.
    pub configuration_id: Option<String>,
    /// The profile.
    pub profile_id: Option<String>,
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The version of that.
    pub os_version: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// Whether it applies to the device.
    pub is_applicable: Option<bool>,
    /// Whether the device complies.
    pub is_compliant: Option<bool>,
    /// Whether it is exempt.
    pub is_exempt: Option<bool>,
    /// When the device was looked at.
    pub data_collection_time_offset: Option<VendorTime>,
    /// What the baseline wants.
    #[serde(default)]
    pub recommended_value: Vec<String>,
    /// What the device has.
    #[serde(default)]
    pub current_value: Vec<String>,
    /// Where on the device that stands.
    #[serde(default)]
    pub source: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A profile that devices are held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineProfile {
    /// The id of the profile.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The benchmark, such as `CIS`.
    pub benchmark: Option<String>,
    /// The version of the benchmark.
    pub version: Option<String>,
    /// The operating system it is for.
    pub operating_system: Option<String>,
    /// The version of that.
    pub operating_system_version: Option<String>,
    /// Whether it is in use.
    pub status: Option<bool>,
    /// How strict it is.
    pub compliance_level: Option<String>,
    /// How many settings it has.
    pub settings_number: Option<i64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub last_updated_by: Option<String>,
    /// When it was made.
    pub created_on_time_offset: Option<VendorTime>,
    /// When it last changed.
    pub last_update_time_offset: Option<VendorTime>,
    /// How many devices comply.
    pub passed_devices: Option<i64>,
    /// How many devices it is for.
    pub total_devices: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// One configuration of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineConfiguration {
    /// Its number in the benchmark.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is, in HTML.
    pub description: Option<String>,
    /// Its field.
    pub category: Option<String>,
    /// How strict the profiles are that want it.
    #[serde(default)]
    pub compliance_levels: Vec<String>,
    /// Its number in the Common Configuration Enumeration.
    pub cce: Option<String>,
    /// Why, in HTML.
    pub rationale: Option<String>,
    /// How, in HTML.
    pub remediation: Option<String>,
    /// The benchmark.
    pub benchmark_name: Option<String>,
    /// What it wants.
    #[serde(default)]
    pub recommended_value: Vec<String>,
    /// Where on a device that stands.
    #[serde(default)]
    pub source: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A part of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardwareFirmwareRecord {
    /// The device.
    pub device_id: Option<String>,
    /// The DNS name of the device.
    pub device_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// `Hardware`, `Processor` or `Bios`.
    pub component_type: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub component_name: Option<String>,
    /// The family it belongs to.
    pub component_family: Option<String>,
    /// When it was first seen.
    pub component_first_seen: Option<VendorTime>,
    /// Its version.
    pub component_version: Option<String>,
    /// More, as JSON in a text.
    pub additional_fields: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
