//! The health of antivirus.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// How the antivirus of a device is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AntivirusHealth {
    /// The id of the record.
    pub id: String,
    /// The device.
    pub machine_id: Option<String>,
    /// The DNS name of the device.
    pub computer_dns_name: Option<String>,
    /// `windows`, `mac` or `linux`.
    pub os_kind: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The version of that.
    pub os_version: Option<String>,
    /// `0` active, `1` passive, `2` disabled, `3` other, `4` EDR in block mode, `5` unknown.
    pub av_mode: Option<String>,
    /// The version of what it knows.
    pub av_signature_version: Option<String>,
    /// The version of the engine.
    pub av_engine_version: Option<String>,
    /// The version of the platform.
    pub av_platform_version: Option<String>,
    /// When the device was last seen.
    pub last_seen_time: Option<VendorTime>,
    /// How the last quick scan ended.
    pub quick_scan_result: Option<String>,
    /// What went wrong with it.
    pub quick_scan_error: Option<String>,
    /// When that was.
    pub quick_scan_time: Option<VendorTime>,
    /// How the last full scan ended.
    pub full_scan_result: Option<String>,
    /// What went wrong with it.
    pub full_scan_error: Option<String>,
    /// When that was.
    pub full_scan_time: Option<VendorTime>,
    /// When this was written down.
    pub data_refresh_timestamp: Option<VendorTime>,
    /// When the engine was updated.
    pub av_engine_update_time: Option<VendorTime>,
    /// When what it knows was updated.
    pub av_signature_update_time: Option<VendorTime>,
    /// When the platform was updated.
    pub av_platform_update_time: Option<VendorTime>,
    /// `True`, `False` or `Unknown`.
    pub av_is_signature_up_to_date: Option<String>,
    /// `True`, `False` or `Unknown`.
    pub av_is_engine_up_to_date: Option<String>,
    /// `True`, `False` or `Unknown`.
    pub av_is_platform_up_to_date: Option<String>,
    /// When what it knows was published.
    pub av_signature_publish_time: Option<VendorTime>,
    /// When the first was last refreshed.
    pub av_signature_data_refresh_time: Option<VendorTime>,
    /// When the engine was published.
    pub av_engine_publish_time: Option<VendorTime>,
    /// When the platform was published.
    pub av_platform_publish_time: Option<VendorTime>,
    /// Which ring what it knows comes by.
    pub av_signature_ring: Option<String>,
    /// Which ring the engine comes by.
    pub av_engine_ring: Option<String>,
    /// Which ring the platform comes by.
    pub av_platform_ring: Option<String>,
    /// The name of the device group.
    pub rbac_group_name: Option<String>,
    /// The id of the device group.
    pub rbac_group_id: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
