//! Automated investigations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;
use crate::enums::{InvestigationState, Word};

/// An automated investigation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Investigation {
    /// The id of the investigation.
    pub id: String,
    /// When it began.
    pub start_time: Option<VendorTime>,
    /// When it ended.
    pub end_time: Option<VendorTime>,
    /// Who cancelled it.
    pub cancelled_by: Option<String>,
    /// How far it is.
    pub state: Option<Word<InvestigationState>>,
    /// More about that.
    pub status_details: Option<String>,
    /// The device.
    pub machine_id: Option<String>,
    /// The DNS name of the device.
    pub computer_dns_name: Option<String>,
    /// The alert that began it.
    pub triggering_alert_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
