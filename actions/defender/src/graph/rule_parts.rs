//! What a custom detection is made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::enums::AlertSeverity;
use super::fields;
use super::words::DetectionPeriod;

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryCondition {
    /// The query; it has to give `Timestamp`, `ReportId` and the column of a device, user or
    /// mailbox.
    #[schemars(length(min = 1), extend("x-language" = "kql"))]
    pub query_text: String,
}

/// How often a rule looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The period.
    pub period: DetectionPeriod,
}

/// What a rule does with what it finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectionAction {
    /// The alert it raises.
    pub alert_template: AlertTemplate,
    /// What it does on its own, in the vendor's words: `[{"@odata.type":
    /// "#microsoft.graph.security.isolateDeviceResponseAction", …}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_actions: Vec<Map<String, Value>>,
}

/// The alert that a rule raises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertTemplate {
    /// One line.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The long text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How severe it is.
    pub severity: AlertSeverity,
    /// The stage of the attack, such as `Execution`.
    #[schemars(length(min = 1))]
    pub category: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_actions: Option<String>,
    /// Techniques of ATT&CK.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mitre_techniques: Vec<String>,
    /// What is hit, in the vendor's words: `[{"@odata.type":
    /// "#microsoft.graph.security.impactedDeviceAsset", "identifier": "deviceId"}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impacted_assets: Vec<Map<String, Value>>,
}

impl QueryCondition {
    pub(super) fn body(&self) -> Value {
        json!({ "queryText": self.query_text })
    }
}

impl DetectionAction {
    pub(super) fn body(&self) -> Value {
        let template = &self.alert_template;
        let alert = fields([
            ("title", json!(template.title)),
            ("description", json!(template.description)),
            ("severity", json!(template.severity)),
            ("category", json!(template.category)),
            ("recommendedActions", json!(template.recommended_actions)),
            ("mitreTechniques", json!(template.mitre_techniques)),
            ("impactedAssets", json!(template.impacted_assets)),
        ]);
        json!({ "alertTemplate": alert, "responseActions": self.response_actions })
    }
}
