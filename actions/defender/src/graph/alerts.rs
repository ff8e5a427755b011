//! Alerts in Microsoft Graph: what every product raised.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Method, Next, Operation, Permissions,
    Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::all_given;
use super::entities::alert::{Merged, SecurityAlert, SecurityComment};
use super::enums::{AlertClassification, AlertDetermination, NewAlertState};
use super::{LOOK, MARK, SECURITY_RATE, change, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};
use crate::spelling::AsGiven;

/// The type that comments on alerts and incidents carry.
pub(super) const COMMENT: &str = "microsoft.graph.security.alertComment";

/// What it takes to see alerts.
const SEE: Permissions = Permissions {
    application: &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"],
    delegated: &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"],
};

/// What it takes to change alerts.
const CHANGE: Permissions = Permissions {
    application: &["SecurityAlert.ReadWrite.All"],
    delegated: &["SecurityAlert.ReadWrite.All"],
};

/// Reads alerts of every product, newest first, with their evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecurityAlerts {
    /// Which ones, over the vendor's field names: `severity eq 'high' and status eq 'new'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-language" = "odata"))]
    pub filter: Option<String>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListSecurityAlerts {
    type Entry = SecurityAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-security-alerts",
        title: "List alerts",
        path: "/v1.0/security/alerts_v2",
        permissions: SEE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-list-alerts_v2",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(1000);

    fn example() -> Self {
        Self {
            filter: Some("severity eq 'high' and status eq 'new'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SecurityAlert> {
        lists::example(include_str!(
            "../../fixtures/list-security-alerts.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one alert with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSecurityAlert {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Operation for GetSecurityAlert {
    type Output = SecurityAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-security-alert",
        title: "Read an alert",
        path: "/v1.0/security/alerts_v2/{alertId}",
        permissions: SEE,
        rate: SECURITY_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-alert-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637551227677560813_-961444813".to_owned(),
        }
    }

    fn example_output() -> SecurityAlert {
        read::example(include_str!(
            "../../fixtures/get-security-alert.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Changes status, owner or verdict of an alert.
///
/// What is not given stays as it is. A comment is left by `graph.add-security-alert-comment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSecurityAlert {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
    /// How far the alert has been dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NewAlertState>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<AsGiven<AlertClassification>>,
    /// The reason of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub determination: Option<AsGiven<AlertDetermination>>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
}

impl Operation for UpdateSecurityAlert {
    type Output = SecurityAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-security-alert",
        title: "Update an alert",
        method: Method::Patch,
        path: "/v1.0/security/alerts_v2/{alertId}",
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-alert-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637551227677560813_-961444813".to_owned(),
            status: Some(NewAlertState::InProgress),
            classification: Some(AlertClassification::TruePositive.into()),
            determination: Some(AlertDetermination::Malware.into()),
            assigned_to: Some("secAdmin@contoso.onmicrosoft.com".to_owned()),
        }
    }

    fn example_output() -> SecurityAlert {
        read::example(include_str!(
            "../../fixtures/update-security-alert.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("alert_id", &self.alert_id)?])
            .with_json(change([
                ("status", json!(self.status)),
                ("classification", json!(self.classification)),
                ("determination", json!(self.determination)),
                ("assignedTo", json!(self.assigned_to)),
            ])?))
    }
}

/// Comments on an alert and gives back all its comments.
///
/// When the answer to an earlier try was lost, the comment may appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSecurityAlertComment {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
    /// The comment.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Operation for AddSecurityAlertComment {
    type Output = Listed<SecurityComment>;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.add-security-alert-comment",
        title: "Comment on an alert",
        path: "/v1.0/security/alerts_v2/{alertId}/comments",
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-alert-post-comments",
        ..MARK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637551227677560813_-961444813".to_owned(),
            comment: "Demo for docs".to_owned(),
        }
    }

    fn example_output() -> Listed<SecurityComment> {
        lists::example(include_str!(
            "../../fixtures/add-security-alert-comment.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("alert_id", &self.alert_id)?])
            .with_json(fields([
                ("@odata.type", json!(COMMENT)),
                ("comment", json!(given("comment", &self.comment)?)),
            ])))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<Listed<SecurityComment>>,
    ) -> Result<Next<Listed<SecurityComment>>, ActionError> {
        lists::whole(response).map(Next::Done)
    }
}

/// Moves alerts to another incident, or to a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveSecurityAlerts {
    /// The alerts.
    #[schemars(length(min = 1))]
    pub alert_ids: Vec<String>,
    /// The incident they go to; a new one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// Why, as a comment on the alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_comment: Option<String>,
    /// Why they belong together, separated by commas: `sameActor`, `sameAsset`, `sameCampaign`,
    /// `timeFrame` and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_correlation_reasons: Option<String>,
}

impl Operation for MoveSecurityAlerts {
    type Output = Merged;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.move-security-alerts",
        title: "Move alerts to an incident",
        path: "/v1.0/security/alerts_v2/moveAlerts",
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-alert-movealerts",
        ..MARK
    };

    fn example() -> Self {
        Self {
            alert_ids: vec![
                "da637551227677560813_-961444813".to_owned(),
                "da637551227677560813_-961444814".to_owned(),
            ],
            incident_id: Some("2972395".to_owned()),
            alert_comment: Some("Moving alerts for investigation consolidation".to_owned()),
            new_correlation_reasons: Some("sameAsset, temporalProximity".to_owned()),
        }
    }

    fn example_output() -> Merged {
        read::example(include_str!(
            "../../fixtures/move-security-alerts.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            ("alertIds", json!(all_given("alert_ids", &self.alert_ids)?)),
            ("incidentId", json!(self.incident_id)),
            ("alertComment", json!(self.alert_comment)),
            ("newCorrelationReasons", json!(self.new_correlation_reasons)),
        ])))
    }
}
