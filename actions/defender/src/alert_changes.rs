//! Alerts made, and changed many at a time.

use actions_contract::{
    ActionError, Call, Endpoint, Idempotency, Next, Operation, Rate, Request, Response, read,
};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entities::{DefenderAlert, Done};
use crate::enums::{
    Classification, CreatedCategory, CreatedSeverity, Determination, NewAlertStatus,
};
use crate::{CHANGE_ALERTS, MARK, given, listed, misfit, odata};

/// Changes status, owner or verdict of up to 500 alerts at once, or comments on them.
///
/// What is not given stays as it is. The service answers nothing: read an alert to see it. When the
/// answer to an earlier try was lost, the comment may appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchUpdateAlerts {
    /// The ids of the alerts, 1 to 500.
    #[schemars(length(min = 1, max = 500))]
    pub alert_ids: Vec<String>,
    /// How far the alerts have been dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NewAlertStatus>,
    /// Who deals with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub determination: Option<Determination>,
    /// A comment, added to those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What is said to an update that changes nothing.
const NOTHING_TO_CHANGE: &str = "nothing to change: give status, assigned_to, classification, \
                                 determination or comment";

impl Operation for BatchUpdateAlerts {
    type Output = Done;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.batch-update-alerts",
        title: "Update several alerts",
        path: "/api/alerts/batchUpdate",
        permissions: CHANGE_ALERTS,
        rate: Rate {
            per_minute: Some(10),
            per_hour: Some(500),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/batch-update-alerts",
        ..MARK
    };

    fn example() -> Self {
        Self {
            alert_ids: vec![
                "da637399794050273582_760707377".to_owned(),
                "da637399989469816469_51697947354".to_owned(),
            ],
            status: Some(NewAlertStatus::Resolved),
            assigned_to: Some("secop2@contoso.com".to_owned()),
            classification: Some(Classification::FalsePositive),
            determination: Some(Determination::Malware),
            comment: Some("Resolve my alert and assign to secop2".to_owned()),
        }
    }

    fn example_output() -> Done {
        Done::new()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let changes = odata::body([
            ("status", json!(self.status)),
            ("assignedTo", json!(self.assigned_to)),
            ("classification", json!(self.classification)),
            (
                "determination",
                json!(self.determination.map(Determination::in_batches)),
            ),
            ("comment", json!(self.comment)),
        ]);
        if changes.is_empty() {
            return Err(misfit(NOTHING_TO_CHANGE));
        }
        let mut body = odata::body([(
            "alertIds",
            json!(listed("alert_ids", &self.alert_ids, 500)?),
        )]);
        body.extend(changes);
        Ok(Self::ENDPOINT.request(&[]).with_json(body.into()))
    }

    fn decode(&self, _: &Call, _: &Response, _: Option<Done>) -> Result<Next<Done>, ActionError> {
        Ok(Next::Done(Done::new()))
    }
}

/// Makes an alert of an event that hunting found.
///
/// An open alert with the same device and title takes the event in. Starts an automated
/// investigation of the device. An event that does not exist gives `not_found`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAlertByReference {
    /// When the event was: `Timestamp` of the row that hunting gave, to the millisecond.
    pub event_time: Timestamp,
    /// `ReportId` of that row.
    #[schemars(length(min = 1))]
    pub report_id: String,
    /// `DeviceId` of that row.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// How severe it is.
    pub severity: CreatedSeverity,
    /// One line.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The long text.
    #[schemars(length(min = 1))]
    pub description: String,
    /// What to do about it.
    #[schemars(length(min = 1))]
    pub recommended_action: String,
    /// The kind of attack.
    pub category: CreatedCategory,
}

impl Operation for CreateAlertByReference {
    type Output = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.create-alert-by-reference",
        title: "Create an alert",
        path: "/api/alerts/CreateAlertByReference",
        idempotency: Idempotency::None,
        permissions: CHANGE_ALERTS,
        rate: Rate {
            per_minute: Some(15),
            per_hour: None,
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/create-alert-by-reference",
        ..MARK
    };

    fn example() -> Self {
        Self {
            event_time: Timestamp::from_ms(1_533_301_985_000),
            report_id: "20776".to_owned(),
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            severity: CreatedSeverity::Low,
            title: "example".to_owned(),
            description: "example alert".to_owned(),
            recommended_action: "nothing".to_owned(),
            category: CreatedCategory::Exploit,
        }
    }

    fn example_output() -> DefenderAlert {
        read::example(include_str!(
            "../fixtures/create-alert-by-reference.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({
            "eventTime": self.event_time,
            "reportId": given("report_id", &self.report_id)?,
            "machineId": given("machine_id", &self.machine_id)?,
            "severity": self.severity,
            "title": given("title", &self.title)?,
            "description": given("description", &self.description)?,
            "recommendedAction": given("recommended_action", &self.recommended_action)?,
            "category": self.category,
        });
        Ok(Self::ENDPOINT.request(&[]).with_json(body))
    }
}
