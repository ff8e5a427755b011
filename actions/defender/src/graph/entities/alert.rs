//! Alerts and incidents of Microsoft Graph.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::evidence::Evidence;
use crate::entities::VendorTime;
use crate::enums::Word;
use crate::graph::enums::{
    AlertClassification, AlertDetermination, AlertSeverity, AlertState, IncidentStatus,
    InvestigationState,
};

/// An alert of Microsoft Graph, whichever product raised it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityAlert {
    /// The id of the alert.
    pub id: String,
    /// Its id in the product that raised it.
    pub provider_alert_id: Option<String>,
    /// The incident it belongs to.
    pub incident_id: Option<String>,
    /// One line.
    pub title: Option<String>,
    /// The long text.
    pub description: Option<String>,
    /// What the vendor advises to do.
    pub recommended_actions: Option<String>,
    /// How severe it is.
    pub severity: Option<Word<AlertSeverity>>,
    /// How far it has been dealt with.
    pub status: Option<Word<AlertState>>,
    /// The verdict.
    pub classification: Option<Word<AlertClassification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<AlertDetermination>>,
    /// The stage of the attack, such as `DefenseEvasion`.
    pub category: Option<String>,
    /// All stages it belongs to.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// The product that raised it, such as `microsoftDefenderForEndpoint` or
    /// `azureAdIdentityProtection`.
    pub service_source: Option<String>,
    /// The sensor that saw it, such as `antivirus` or `customDetection`.
    pub detection_source: Option<String>,
    /// The detector.
    pub detector_id: Option<String>,
    /// The name of the product, for people.
    pub product_name: Option<String>,
    /// The policy that raised it.
    pub alert_policy_id: Option<String>,
    /// The state of the automated investigation.
    pub investigation_state: Option<Word<InvestigationState>>,
    /// When it was raised.
    pub created_date_time: Option<VendorTime>,
    /// When it last changed; what polls go by.
    pub last_update_date_time: Option<VendorTime>,
    /// When it was resolved.
    pub resolved_date_time: Option<VendorTime>,
    /// The earliest event behind it.
    pub first_activity_date_time: Option<VendorTime>,
    /// The latest event behind it.
    pub last_activity_date_time: Option<VendorTime>,
    /// The adversary.
    pub actor_display_name: Option<String>,
    /// The threat.
    pub threat_display_name: Option<String>,
    /// The family of the malware.
    pub threat_family_name: Option<String>,
    /// Techniques of ATT&CK.
    #[serde(default)]
    pub mitre_techniques: Vec<String>,
    /// The alert in the portal.
    pub alert_web_url: Option<String>,
    /// The incident in the portal.
    pub incident_web_url: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// What people said about it.
    #[serde(default)]
    pub comments: Vec<SecurityComment>,
    /// What the alert rests on.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Tags that Microsoft set.
    #[serde(default)]
    pub system_tags: Vec<String>,
    /// What a custom detection added.
    pub custom_details: Option<Map<String, Value>>,
    /// Whatever else the product tells.
    pub additional_data: Option<Map<String, Value>>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What somebody said about an alert or an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityComment {
    /// The text.
    pub comment: Option<String>,
    /// Who.
    pub created_by_display_name: Option<String>,
    /// Who; incidents say it so.
    pub created_by: Option<String>,
    /// When.
    pub created_date_time: Option<VendorTime>,
    /// When; incidents say it so.
    pub created_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An incident of Microsoft Graph: alerts that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityIncident {
    /// The id of the incident.
    pub id: String,
    /// One line.
    pub display_name: Option<String>,
    /// The long text.
    pub description: Option<String>,
    /// An overview in a few sentences.
    pub summary: Option<String>,
    /// How severe it is.
    pub severity: Option<Word<AlertSeverity>>,
    /// How far it has been dealt with; `redirected` when it was merged into another.
    pub status: Option<Word<IncidentStatus>>,
    /// The verdict.
    pub classification: Option<Word<AlertClassification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<AlertDetermination>>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// The incident it was merged into.
    pub redirect_incident_id: Option<String>,
    /// When it began.
    pub created_date_time: Option<VendorTime>,
    /// When it last changed; what polls go by.
    pub last_update_date_time: Option<VendorTime>,
    /// Who changed it last.
    pub last_modified_by: Option<String>,
    /// How urgent it is, 0 to 100.
    pub priority_score: Option<i64>,
    /// Why it was closed.
    pub resolving_comment: Option<String>,
    /// The incident in the portal.
    pub incident_web_url: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// Tags that people set.
    #[serde(default)]
    pub custom_tags: Vec<String>,
    /// Tags that Microsoft set.
    #[serde(default)]
    pub system_tags: Vec<String>,
    /// What people said about it.
    #[serde(default)]
    pub comments: Vec<SecurityComment>,
    /// The incidents that were asked for and merged into this one, the first one first.
    #[serde(default)]
    pub merged_from: Vec<String>,
    /// Its alerts; empty unless they are asked for.
    #[serde(default)]
    pub alerts: Vec<SecurityAlert>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Where alerts or incidents went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// The incident they are in now.
    pub target_incident_id: String,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
