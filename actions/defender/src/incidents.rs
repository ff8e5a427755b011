//! Incidents of Defender XDR: alerts of all its products that belong together.

use actions_contract::{
    ActionError, Api, Call, Confidence, Endpoint, Method, Next, Operation, Permissions, Rate,
    Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::entities::AlertComment;
use crate::enums::{Classification, Word};
use crate::given;
use crate::graph::change;
use crate::incident::Incident;
use crate::lists::{self, Collection, Listed, Part};
use crate::spelling;

/// What it takes to see incidents.
const SEE: Permissions = Permissions {
    application: &["Incident.Read.All", "Incident.ReadWrite.All"],
    delegated: &["Incident.Read", "Incident.ReadWrite"],
};

/// The limit of incidents.
const INCIDENT_RATE: Rate = Rate {
    per_minute: Some(50),
    per_hour: Some(1500),
};

/// What operations that look at incidents have in common.
const LOOK: Endpoint = Endpoint {
    api: Api::Xdr,
    ..crate::LOOK
};

/// How many incidents a chain of merges may have; a longer one goes in a circle.
const MERGES_MAX: usize = 10;

/// The reason of a verdict on an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = spelling::any)]
pub enum IncidentDetermination {
    /// An attack in several stages.
    #[serde(alias = "multiStagedAttack")]
    MultiStagedAttack,
    /// A user acted with bad intent.
    #[serde(alias = "maliciousUserActivity")]
    MaliciousUserActivity,
    /// An account was taken over.
    #[serde(
        alias = "compromisedAccount",
        alias = "compromisedUser",
        alias = "CompromisedUser"
    )]
    CompromisedAccount,
    /// Malware.
    #[serde(alias = "malware")]
    Malware,
    /// Phishing.
    #[serde(alias = "phishing")]
    Phishing,
    /// Unwanted software.
    #[serde(alias = "unwantedSoftware")]
    UnwantedSoftware,
    /// A security test.
    #[serde(alias = "securityTesting")]
    SecurityTesting,
    /// An application of the business.
    #[serde(alias = "lineOfBusinessApplication")]
    LineOfBusinessApplication,
    /// The user confirmed having done it.
    #[serde(
        alias = "confirmedActivity",
        alias = "confirmedUserActivity",
        alias = "ConfirmedUserActivity"
    )]
    ConfirmedActivity,
    /// Nothing bad.
    #[serde(alias = "notMalicious", alias = "clean", alias = "NotMalicious")]
    Clean,
    /// It cannot be told.
    #[serde(
        alias = "notEnoughDataToValidate",
        alias = "insufficientData",
        alias = "NotEnoughDataToValidate",
        alias = "InsufficientData"
    )]
    NoEnoughDataToValidate,
    /// Something else.
    #[serde(alias = "other")]
    Other,
}

/// How far an incident has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IncidentStatus {
    /// It is open.
    Active,
    /// Somebody is at it.
    InProgress,
    /// It is closed.
    Resolved,
    /// It was merged into another.
    Redirected,
}

/// The id of an incident: the number it is, or the text that alerts have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum IncidentId {
    /// The number.
    Number(u64),
    /// The same as a text.
    Text(String),
}

impl IncidentId {
    fn given(&self) -> Result<String, ActionError> {
        match self {
            Self::Number(number) => Ok(number.to_string()),
            Self::Text(text) => given("incident_id", text).map(str::to_owned),
        }
    }
}

/// Reads incidents with their alerts, newest first.
///
/// Severity cannot be filtered by: read what changed since the last time, and look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListIncidents {
    /// Which ones, over the vendor's field names: `status eq 'Active'`.
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

impl Collection for ListIncidents {
    type Entry = Incident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-incidents",
        title: "List incidents",
        path: "/api/incidents",
        permissions: SEE,
        rate: INCIDENT_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-xdr/api-list-incidents",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(100);

    fn example() -> Self {
        Self {
            filter: Some("status eq 'Active'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Incident> {
        lists::example(include_str!("../fixtures/list-incidents.response.json"))
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

/// Reads one incident with its alerts, or the one it was merged into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetIncident {
    /// The id of the incident.
    pub incident_id: IncidentId,
    /// Whether an incident that was merged into another is followed to that one.
    #[serde(default = "followed")]
    pub follow_redirects: bool,
}

const fn followed() -> bool {
    true
}

impl Operation for GetIncident {
    type Output = Incident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-incident",
        title: "Read an incident",
        path: "/api/incidents/{id}",
        permissions: SEE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-xdr/api-get-incident",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            incident_id: IncidentId::Number(924_565),
            follow_redirects: true,
        }
    }

    fn example_output() -> Incident {
        lists::example(include_str!("../fixtures/list-incidents.response.json"))
            .value
            .remove(0)
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[&self.incident_id.given()?]))
    }

    /// An incident that was merged is followed to the one it is part of now.
    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Incident>,
    ) -> Result<Next<Incident>, ActionError> {
        let mut incident: Incident = read::entity(response)?;
        if let Some(earlier) = so_far {
            incident.merged_from = [earlier.merged_from, vec![earlier.incident_id]].concat();
        }
        match incident.redirect_incident_id {
            Some(target) if self.follow_redirects && incident.merged_from.len() < MERGES_MAX => {
                Ok(Next::More {
                    request: Self::ENDPOINT.request(&[&target.to_string()]),
                    so_far: incident,
                })
            }
            Some(target) if self.follow_redirects => Err(read::unreadable(&format!(
                "incident {target} and others redirect to each other"
            ))),
            _ => Ok(Next::Done(incident)),
        }
    }
}

/// Changes status, owner, verdict or tags of an incident, or comments on it.
///
/// What is not given stays as it is. When the answer to an earlier try was lost, the comment may
/// appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateIncident {
    /// The id of the incident.
    pub incident_id: IncidentId,
    /// How far the incident has been dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub determination: Option<IncidentDetermination>,
    /// Its tags; they replace those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// A comment, added to those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What became of an incident: the service answers with what was changed, not with all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatedIncident {
    /// The id of the incident.
    pub incident_id: Option<i64>,
    /// How far it has been dealt with.
    pub status: Option<Word<IncidentStatus>>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// The verdict.
    pub classification: Option<Word<Classification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<IncidentDetermination>>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What people said about it.
    #[serde(default)]
    pub comments: Vec<AlertComment>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Operation for UpdateIncident {
    type Output = UpdatedIncident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.update-incident",
        title: "Update an incident",
        method: Method::Patch,
        path: "/api/incidents/{id}",
        permissions: Permissions {
            application: &["Incident.ReadWrite.All"],
            delegated: &["Incident.ReadWrite"],
        },
        rate: INCIDENT_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-xdr/api-update-incidents",
        api: Api::Xdr,
        ..crate::MARK
    };

    fn example() -> Self {
        Self {
            incident_id: IncidentId::Number(924_565),
            status: Some(IncidentStatus::Resolved),
            assigned_to: Some("secop2@contoso.com".to_owned()),
            classification: Some(Classification::TruePositive),
            determination: Some(IncidentDetermination::Malware),
            tags: Some(vec!["Contained".to_owned()]),
            comment: Some("pen testing".to_owned()),
        }
    }

    fn example_output() -> UpdatedIncident {
        read::example(include_str!("../fixtures/update-incident.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[&self.incident_id.given()?])
            .with_json(change([
                ("status", json!(self.status)),
                ("assignedTo", json!(self.assigned_to)),
                ("classification", json!(self.classification)),
                ("determination", json!(self.determination)),
                ("tags", json!(self.tags)),
                ("comment", json!(self.comment)),
            ])?))
    }
}
