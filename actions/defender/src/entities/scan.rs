//! Authenticated scans.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// A scan that a device makes regularly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanDefinition {
    /// The id of the definition.
    pub id: String,
    /// `Windows` or `Network`.
    pub scan_type: Option<String>,
    /// Its name.
    pub scan_name: Option<String>,
    /// Whether it runs.
    pub is_active: Option<bool>,
    /// Addresses or names, separated by commas.
    pub target: Option<String>,
    /// `Ip` or `Hostname`.
    pub target_type: Option<String>,
    /// The organisation.
    pub org_id: Option<String>,
    /// How many hours lie between two scans.
    pub interval_in_hours: Option<i64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// How it signs in; the service keeps that to itself.
    pub scan_authentication_params: Option<Map<String, Value>>,
    /// The device that scans.
    pub scanner_agent: Option<ScanAgent>,
    /// The last scan.
    pub latest_scan: Option<LatestScan>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How the last scan of a definition went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatestScan {
    /// How it ended.
    pub status: Option<String>,
    /// What went wrong.
    pub failure_reason: Option<String>,
    /// When it was.
    pub execution_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A device that scans others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanAgent {
    /// The id of the agent.
    pub id: Option<String>,
    /// The device.
    pub machine_id: Option<String>,
    /// The name of the device.
    pub machine_name: Option<String>,
    /// Its DNS name.
    pub computer_dns_name: Option<String>,
    /// The same, where the service spells it so.
    pub device_name: Option<String>,
    /// When it was last seen.
    pub last_seen: Option<VendorTime>,
    /// The application it signs in with.
    pub assigned_application_id: Option<String>,
    /// The version of its software.
    pub scanner_software_version: Option<String>,
    /// When it last did something.
    pub last_command_execution_timestamp: Option<VendorTime>,
    /// The version of its sensor.
    pub mde_client_version: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A scan that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRun {
    /// The definition.
    #[schemars(extend("x-vendor-name" = "ScanDefinitionIds"))]
    pub scan_definition_id: Option<String>,
    /// When it was.
    pub last_scanned: Option<VendorTime>,
    /// How it ended.
    pub scan_status: Option<String>,
    /// The device that scanned.
    pub scanner_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A scan that was made, with what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanSession {
    /// The organisation.
    pub org_id: Option<String>,
    /// The definition.
    #[schemars(extend("x-vendor-name" = "ScanDefinitionIds"))]
    pub scan_definition_id: Option<String>,
    /// The session.
    #[schemars(extend("x-vendor-name" = "SessionIds"))]
    pub session_id: Option<String>,
    /// How many targets it had.
    pub number_of_targets: Option<i64>,
    /// How many of them answered.
    pub number_of_successfully_scanned_targets: Option<i64>,
    /// How it ended.
    pub scan_status: Option<String>,
    /// When it was.
    pub last_scanned: Option<VendorTime>,
    /// Target by target.
    #[serde(default)]
    pub list_scanned_targets: Vec<ScannedTarget>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A target of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScannedTarget {
    /// Its address.
    pub ip: Option<String>,
    /// Its name.
    pub hostname: Option<String>,
    /// What it is.
    pub scanned_device_description: Option<String>,
    /// What went wrong.
    pub error_message: Option<String>,
    /// How it ended.
    pub scan_status: Option<String>,
    /// How long it took, as `hh:mm:ss`.
    pub scan_duration: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
