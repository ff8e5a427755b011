//! Alerts of Defender for Endpoint.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Method, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::DefenderAlert;
use crate::enums::{Classification, Determination, NewAlertStatus};
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, MARK, SEE_ALERTS, given, misfit};

/// Reads one alert with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAlert {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
}

impl Operation for GetAlert {
    type Output = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-alert",
        title: "Read an alert",
        path: "/api/alerts/{id}",
        permissions: SEE_ALERTS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-info-by-id",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
        }
    }

    fn example_output() -> DefenderAlert {
        read::example(include_str!("../fixtures/get-alert.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("alert_id", &self.alert_id)?]))
    }
}

/// Reads alerts.
///
/// How far back it reaches depends on how long the tenant keeps its alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAlerts {
    /// Which ones, over the vendor's field names: `severity eq 'High' and status eq 'New'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-language" = "odata"))]
    pub filter: Option<String>,
    /// Whether evidence is read as well.
    #[serde(default)]
    pub expand_evidence: bool,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-alerts",
        title: "List alerts",
        path: "/api/alerts",
        permissions: SEE_ALERTS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alerts",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("severity eq 'High'".to_owned()),
            expand_evidence: true,
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!(
            "../fixtures/list-alerts.expand-evidence.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let request = Self::ENDPOINT.request(&[]);
        let evidence = self.expand_evidence.then_some("evidence");
        Ok(request
            .with_query_if("$filter", self.filter.as_deref())
            .with_query_if("$expand", evidence))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Changes status, owner or verdict of an alert, or comments on it.
///
/// What is not given stays as it is. When the answer to an earlier try was lost, the comment may
/// appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateAlert {
    /// The id of the alert.
    #[schemars(length(min = 1))]
    pub alert_id: String,
    /// How far the alert has been dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NewAlertStatus>,
    /// Who deals with it.
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

impl Operation for UpdateAlert {
    type Output = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.update-alert",
        title: "Update an alert",
        method: Method::Patch,
        path: "/api/alerts/{id}",
        permissions: Permissions {
            application: &["Alert.ReadWrite.All"],
            delegated: &["Alert.ReadWrite"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/update-alert",
        ..MARK
    };

    fn example() -> Self {
        Self {
            alert_id: "da637472900382838869_1364969609".to_owned(),
            status: Some(NewAlertStatus::Resolved),
            assigned_to: Some("secop2@contoso.com".to_owned()),
            classification: Some(Classification::FalsePositive),
            determination: Some(Determination::Malware),
            comment: Some("Resolve my alert and assign to secop2".to_owned()),
        }
    }

    fn example_output() -> DefenderAlert {
        read::example(include_str!("../fixtures/update-alert.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let mut body = Map::new();
        for (name, value) in [
            ("status", json!(self.status)),
            ("assignedTo", json!(self.assigned_to)),
            ("classification", json!(self.classification)),
            ("determination", json!(self.determination)),
            ("comment", json!(self.comment)),
        ] {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        }
        if body.is_empty() {
            let message = "nothing to change: give status, assigned_to, classification, \
                           determination or comment";
            return Err(misfit(message));
        }
        Ok(Self::ENDPOINT
            .request(&[given("alert_id", &self.alert_id)?])
            .with_json(Value::Object(body)))
    }
}
