//! Secure score, actions of other products, and custom detections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::VendorTime;

/// The secure score of a tenant on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecureScore {
    /// The id: tenant and day.
    pub id: String,
    /// The tenant.
    pub azure_tenant_id: Option<String>,
    /// The day.
    pub created_date_time: Option<VendorTime>,
    /// The points it has.
    pub current_score: Option<f64>,
    /// The points it could have.
    pub max_score: Option<f64>,
    /// How many users are active.
    pub active_user_count: Option<i64>,
    /// How many users have a licence.
    pub licensed_user_count: Option<i64>,
    /// What counts towards it.
    #[serde(default)]
    pub enabled_services: Vec<String>,
    /// What others have.
    #[serde(default)]
    pub average_comparative_scores: Vec<ComparedScore>,
    /// The points of each control.
    #[serde(default)]
    pub control_scores: Vec<ControlScore>,
    /// Where it comes from.
    pub vendor_information: Option<VendorInformation>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What others have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparedScore {
    /// Who the others are: `AllTenants`, `TotalSeats` or `IndustryTypes`.
    pub basis: Option<String>,
    /// Their mean.
    pub average_score: Option<f64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The points of one control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlScore {
    /// The control.
    pub control_name: Option<String>,
    /// What it protects, such as `Identity` or `Data`.
    pub control_category: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The points.
    pub score: Option<f64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Where something comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VendorInformation {
    /// The product.
    pub provider: Option<String>,
    /// Its version.
    pub provider_version: Option<String>,
    /// The part of the product.
    pub sub_provider: Option<String>,
    /// Who makes it.
    pub vendor: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A control that counts towards the secure score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlProfile {
    /// The id of the control, such as `DLPEnabled`.
    pub id: String,
    /// The tenant.
    pub azure_tenant_id: Option<String>,
    /// One line.
    pub title: Option<String>,
    /// The product it belongs to.
    pub service: Option<String>,
    /// What it protects.
    pub control_category: Option<String>,
    /// `Config`, `Review` or `Behavior`.
    pub action_type: Option<String>,
    /// Where to set it.
    pub action_url: Option<String>,
    /// The points it can give.
    pub max_score: Option<f64>,
    /// Its place by what it brings for its cost, from 1.
    pub rank: Option<i64>,
    /// `Core`, `Defense in Depth` or `Advanced`.
    pub tier: Option<String>,
    /// What it helps against.
    #[serde(default)]
    pub threats: Vec<String>,
    /// Whether it no longer counts.
    pub deprecated: Option<bool>,
    /// What it costs to set up.
    pub implementation_cost: Option<String>,
    /// What users notice.
    pub user_impact: Option<String>,
    /// What to do.
    pub remediation: Option<String>,
    /// What that does to users.
    pub remediation_impact: Option<String>,
    /// When it last changed.
    pub last_modified_date_time: Option<VendorTime>,
    /// The standards that ask for it.
    #[serde(default)]
    pub compliance_information: Vec<Map<String, Value>>,
    /// What people said about it.
    #[serde(default)]
    pub control_state_updates: Vec<ControlState>,
    /// Where it comes from.
    pub vendor_information: Option<VendorInformation>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What somebody said about a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlState {
    /// `Default`, `Ignored`, `ThirdParty` or `Reviewed`.
    pub state: Option<String>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// Who said so.
    pub updated_by: Option<String>,
    /// When.
    pub updated_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An action that another product carries out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityAction {
    /// The id of the action.
    pub id: Option<String>,
    /// What it does, such as `blockIp`.
    pub name: Option<String>,
    /// Why.
    pub action_reason: Option<String>,
    /// `notStarted`, `running`, `completed` or `failed`.
    pub status: Option<String>,
    /// The application that asked for it.
    pub app_id: Option<String>,
    /// The tenant.
    pub azure_tenant_id: Option<String>,
    /// What the asker knows it by.
    pub client_context: Option<String>,
    /// The user in whose name it was asked for.
    pub user: Option<String>,
    /// When it was asked for.
    pub created_date_time: Option<VendorTime>,
    /// When it last changed.
    pub last_action_date_time: Option<VendorTime>,
    /// When it was done.
    pub completed_date_time: Option<VendorTime>,
    /// What went wrong.
    pub error_info: Option<Map<String, Value>>,
    /// What it acts on.
    #[serde(default)]
    pub parameters: Vec<NamedValue>,
    /// What each product made of it.
    #[serde(default)]
    pub states: Vec<Map<String, Value>>,
    /// The product.
    pub vendor_information: Option<VendorInformation>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// The name.
    pub name: Option<String>,
    /// The value.
    pub value: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A custom detection: a hunting query that runs on its own and raises alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectionRule {
    /// The id of the rule.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// Whether it runs.
    pub is_enabled: Option<bool>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_date_time: Option<VendorTime>,
    /// Who changed it last.
    pub last_modified_by: Option<String>,
    /// When it last changed.
    pub last_modified_date_time: Option<VendorTime>,
    /// The detector that its alerts name.
    pub detector_id: Option<String>,
    /// What it looks for.
    pub query_condition: Option<RuleQuery>,
    /// How often it looks.
    pub schedule: Option<RuleSchedule>,
    /// What it does with what it finds: the alert it raises and the actions it takes.
    pub detection_action: Option<Map<String, Value>>,
    /// How it went last time.
    pub last_run_details: Option<Map<String, Value>>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleQuery {
    /// The query, in KQL.
    pub query_text: Option<String>,
    /// When it last changed.
    pub last_modified_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How often a rule looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSchedule {
    /// `0` for at once, or `1H`, `3H`, `12H`, `24H`.
    pub period: Option<String>,
    /// When it looks next.
    pub next_run_date_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
