//! Recommendations, what becomes of them, and scores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::VendorTime;

/// An advice to make devices safer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recommendation {
    /// The id of the recommendation, as `va-_-microsoft-_-edge`.
    pub id: String,
    /// The product it is about.
    pub product_name: Option<String>,
    /// What to do.
    pub recommendation_name: Option<String>,
    /// How many vulnerabilities that removes.
    pub weaknesses: Option<i64>,
    /// The vendor of the product.
    pub vendor: Option<String>,
    /// The version to update to.
    pub recommended_version: Option<String>,
    /// The vendor to change to.
    pub recommended_vendor: Option<String>,
    /// The program to change to.
    pub recommended_program: Option<String>,
    /// Its field, such as `Application` or `OS`.
    pub recommendation_category: Option<String>,
    /// A part of that field.
    pub sub_category: Option<String>,
    /// How severe the state is, from 0 to 10.
    pub severity_score: Option<f64>,
    /// Whether there is a public exploit.
    pub public_exploit: Option<bool>,
    /// Whether an alert about it is open.
    pub active_alert: Option<bool>,
    /// Ids of reports about threats that use it.
    #[serde(default)]
    pub associated_threats: Vec<String>,
    /// How it is done: `Update`, `Upgrade`, `Uninstall`, `ConfigurationChange`.
    pub remediation_type: Option<String>,
    /// `Active` or `Exception`.
    pub status: Option<String>,
    /// What it adds to the configuration score.
    pub config_score_impact: Option<f64>,
    /// What it takes off the exposure score.
    pub exposure_impact: Option<f64>,
    /// How many devices have the product.
    pub total_machine_count: Option<i64>,
    /// How many of them are exposed.
    pub exposed_machines_count: Option<i64>,
    /// How many of those matter most.
    pub exposed_critical_devices: Option<i64>,
    /// How many devices can be changed without anybody noticing.
    pub non_productivity_impacted_assets: Option<i64>,
    /// The component it is about.
    pub related_component: Option<String>,
    /// Whether a vulnerability of it has no update.
    pub has_unpatchable_cve: Option<bool>,
    /// Marks of the service.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A request to follow a recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemediationTask {
    /// The id of the activity.
    pub id: String,
    /// One line.
    pub title: Option<String>,
    /// When it was asked for.
    pub created_on: Option<VendorTime>,
    /// Who asked for it.
    pub requester_id: Option<String>,
    /// The address of who asked.
    pub requester_email: Option<String>,
    /// `Active` or `Completed`.
    pub status: Option<String>,
    /// When that last changed.
    pub status_last_modified_on: Option<VendorTime>,
    /// What is to be done.
    pub description: Option<String>,
    /// The component it is about.
    pub related_component: Option<String>,
    /// On how many devices.
    pub target_devices: Option<i64>,
    /// Their device groups.
    #[serde(default)]
    pub rbac_group_names: Vec<String>,
    /// On how many it is done.
    pub fixed_devices: Option<i64>,
    /// What the asker added.
    pub requester_notes: Option<String>,
    /// Until when.
    pub due_on: Option<VendorTime>,
    /// `Software` or `SecurityConfiguration`.
    pub category: Option<String>,
    /// Whether it is asked only where nobody would notice.
    pub productivity_impact_remediation_type: Option<String>,
    /// `High`, `Medium` or `Low`.
    pub priority: Option<String>,
    /// `Automatic` or `Manual`.
    pub completion_method: Option<String>,
    /// Who completed it.
    pub completer_id: Option<String>,
    /// The address of who completed it.
    pub completer_email: Option<String>,
    /// The configuration it is about.
    pub scid: Option<String>,
    /// `Update`, `Upgrade`, `Uninstall` or `ConfigurationChange`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The product.
    pub product_id: Option<String>,
    /// Its vendor.
    pub vendor_id: Option<String>,
    /// Its name.
    pub name_id: Option<String>,
    /// The version to update to.
    pub recommended_version: Option<String>,
    /// The vendor to change to.
    pub recommended_vendor: Option<String>,
    /// The program to change to.
    pub recommended_program: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A score at a point in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// When it was asked for.
    pub time: Option<VendorTime>,
    /// The score.
    pub score: Option<f64>,
    /// The device group.
    pub rbac_group_name: Option<String>,
    /// The id of the device group.
    pub rbac_group_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
