//! Alerts of Defender for Endpoint.

use actions_contract::{
    ActionError, Api, Call, Confidence, Effect, Endpoint, Idempotency, Method, Next, Operation,
    Permissions, Request, Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::DefenderAlert;
use crate::enums::{Classification, Determination, NewAlertStatus};
use crate::lists::{self, Listed, Wanted};
use crate::{SEE_ALERTS, USUAL_RATE, given, misfit, read};

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
        api: Api::Mde,
        method: Method::Get,
        path: "/api/alerts/{id}",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        permissions: SEE_ALERTS,
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alert-info-by-id",
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

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<DefenderAlert>,
    ) -> Result<Next<DefenderAlert>, ActionError> {
        read::entity(response).map(Next::Done)
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
}

impl ListAlerts {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            filter: self.filter.as_deref(),
            expand: self.expand_evidence.then_some("evidence"),
            limit: self.limit,
        }
    }
}

impl Operation for ListAlerts {
    type Output = Listed<DefenderAlert>;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-alerts",
        title: "List alerts",
        api: Api::Mde,
        method: Method::Get,
        path: "/api/alerts",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        permissions: SEE_ALERTS,
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-alerts",
    };

    fn example() -> Self {
        Self {
            filter: Some("severity eq 'High'".to_owned()),
            expand_evidence: true,
            limit: 20,
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!(
            "../fixtures/list-alerts.expand-evidence.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        lists::first_page(&Self::ENDPOINT, &self.wanted())
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Listed<DefenderAlert>>,
    ) -> Result<Next<Listed<DefenderAlert>>, ActionError> {
        lists::decode(&Self::ENDPOINT, &self.wanted(), response, so_far)
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
        api: Api::Mde,
        method: Method::Patch,
        path: "/api/alerts/{id}",
        effect: Effect::Annotate,
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["Alert.ReadWrite.All"],
            delegated: &["Alert.ReadWrite"],
        },
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-endpoint/api/update-alert",
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

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<DefenderAlert>,
    ) -> Result<Next<DefenderAlert>, ActionError> {
        read::entity(response).map(Next::Done)
    }
}
