//! Custom detections.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Method, Next, Operation,
    Permissions, Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::posture::DetectionRule;
use super::enums::AlertSeverity;
use super::rule_parts::{AlertTemplate, DetectionAction, QueryCondition, Schedule};
use super::words::DetectionPeriod;
use super::{LOOK, MARK, NoContent, SECURITY_RATE, change, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// What it takes to see custom detections.
const SEE: Permissions = Permissions {
    application: &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
    delegated: &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
};

/// What it takes to change custom detections.
const CHANGE: Permissions = Permissions {
    application: &["CustomDetection.ReadWrite.All"],
    delegated: &["CustomDetection.ReadWrite.All"],
};

/// Reads the custom detections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDetectionRules {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListDetectionRules {
    type Entry = DetectionRule;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-detection-rules",
        title: "List custom detections",
        path: "/beta/security/rules/detectionRules",
        permissions: SEE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-rulesroot-list-detectionrules",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<DetectionRule> {
        lists::example(include_str!(
            "../../fixtures/made-up/list-detection-rules.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one custom detection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDetectionRule {
    /// The id of the rule.
    #[schemars(length(min = 1), extend("x-entity" = "detection_rule"))]
    pub rule_id: String,
}

impl Operation for GetDetectionRule {
    type Output = DetectionRule;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-detection-rule",
        title: "Read a custom detection",
        path: "/beta/security/rules/detectionRules/{id}",
        permissions: SEE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-detectionrule-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            rule_id: "7506".to_owned(),
        }
    }

    fn example_output() -> DetectionRule {
        read::example(include_str!(
            "../../fixtures/made-up/get-detection-rule.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("rule_id", &self.rule_id)?]))
    }
}

/// Makes a custom detection: a hunting query that runs on its own and raises alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDetectionRule {
    /// Its name.
    #[schemars(length(min = 1))]
    pub display_name: String,
    /// Whether it runs.
    pub is_enabled: bool,
    /// What it looks for.
    pub query_condition: QueryCondition,
    /// How often it looks.
    pub schedule: Schedule,
    /// What it does with what it finds.
    pub detection_action: DetectionAction,
}

impl Operation for CreateDetectionRule {
    type Output = DetectionRule;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.create-detection-rule",
        title: "Make a custom detection",
        path: "/beta/security/rules/detectionRules",
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-rulesroot-post-detectionrules",
        ..MARK
    };

    fn example() -> Self {
        Self {
            display_name: "Encoded PowerShell".to_owned(),
            is_enabled: true,
            query_condition: QueryCondition {
                query_text: EXAMPLE_QUERY.to_owned(),
            },
            schedule: Schedule {
                period: DetectionPeriod::TwelveHourly,
            },
            detection_action: DetectionAction {
                alert_template: AlertTemplate {
                    title: "Encoded PowerShell".to_owned(),
                    description: Some("PowerShell ran with an encoded command.".to_owned()),
                    severity: AlertSeverity::Medium,
                    category: "Execution".to_owned(),
                    recommended_actions: None,
                    mitre_techniques: vec!["T1059.001".to_owned()],
                    impacted_assets: Vec::new(),
                },
                response_actions: Vec::new(),
            },
        }
    }

    fn example_output() -> DetectionRule {
        read::example(include_str!(
            "../../fixtures/made-up/get-detection-rule.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            (
                "displayName",
                json!(given("display_name", &self.display_name)?),
            ),
            ("isEnabled", json!(self.is_enabled)),
            ("queryCondition", json!(self.query_condition.body())),
            ("schedule", json!(self.schedule)),
            ("detectionAction", json!(self.detection_action.body())),
        ])))
    }
}

/// Changes a custom detection.
///
/// What is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDetectionRule {
    /// The id of the rule.
    #[schemars(length(min = 1))]
    pub rule_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// What it looks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_condition: Option<QueryCondition>,
    /// How often it looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What it does with what it finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_action: Option<DetectionAction>,
}

impl Operation for UpdateDetectionRule {
    type Output = DetectionRule;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-detection-rule",
        title: "Change a custom detection",
        method: Method::Patch,
        path: "/beta/security/rules/detectionRules/{id}",
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-detectionrule-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            rule_id: "7506".to_owned(),
            display_name: None,
            is_enabled: Some(false),
            query_condition: None,
            schedule: None,
            detection_action: None,
        }
    }

    fn example_output() -> DetectionRule {
        read::example(include_str!(
            "../../fixtures/made-up/get-detection-rule.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("rule_id", &self.rule_id)?])
            .with_json(change([
                ("displayName", json!(self.display_name)),
                ("isEnabled", json!(self.is_enabled)),
                (
                    "queryCondition",
                    json!(self.query_condition.as_ref().map(QueryCondition::body)),
                ),
                ("schedule", json!(self.schedule)),
                (
                    "detectionAction",
                    json!(self.detection_action.as_ref().map(DetectionAction::body)),
                ),
            ])?))
    }
}

/// Deletes a custom detection; the alerts it has raised stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteDetectionRule {
    /// The id of the rule.
    #[schemars(length(min = 1), extend("x-entity" = "detection_rule"))]
    pub rule_id: String,
}

impl Operation for DeleteDetectionRule {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.delete-detection-rule",
        title: "Delete a custom detection",
        method: Method::Delete,
        path: "/beta/security/rules/detectionRules/{id}",
        effect: Effect::Destroy,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-detectionrule-delete",
        ..MARK
    };

    fn example() -> Self {
        Self {
            rule_id: "7507".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("rule_id", &self.rule_id)?]))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(ListDetectionRules::ENDPOINT.request(&[]))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        let rules: Listed<DetectionRule> = lists::whole(response)?;
        let is_there = rules.value.iter().any(|rule| rule.id == self.rule_id);
        Ok(match (is_there, rules.truncated) {
            (true, _) => Finding::Nothing,
            (false, false) => Finding::Happened(Next::Done(NoContent {})),
            (false, true) => Finding::Unclear("the list is too long to tell".to_owned()),
        })
    }
}

const EXAMPLE_QUERY: &str = "DeviceProcessEvents\n\
    | where ProcessCommandLine has \"-enc\"\n\
    | project Timestamp, ReportId, DeviceId";
