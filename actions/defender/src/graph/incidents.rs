//! Incidents in Microsoft Graph: alerts that belong together.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Method, Next, Operation, Permissions,
    Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::alerts::COMMENT;
use super::all_given;
use super::entities::alert::{Merged, SecurityComment, SecurityIncident};
use super::enums::{AlertClassification, AlertDetermination, IncidentStatus};
use super::{LOOK, MARK, SECURITY_RATE, change, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};
use crate::spelling::AsGiven;

/// What it takes to see incidents.
const SEE: Permissions = Permissions {
    application: &[
        "SecurityIncident.Read.All",
        "SecurityIncident.ReadWrite.All",
    ],
    delegated: &[
        "SecurityIncident.Read.All",
        "SecurityIncident.ReadWrite.All",
    ],
};

/// What it takes to change incidents.
const CHANGE: Permissions = Permissions {
    application: &["SecurityIncident.ReadWrite.All"],
    delegated: &["SecurityIncident.ReadWrite.All"],
};

/// Reads incidents, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecurityIncidents {
    /// Which ones, over the vendor's field names: `status eq 'active'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-language" = "odata"))]
    pub filter: Option<String>,
    /// Whether their alerts are read as well.
    #[serde(default)]
    pub expand_alerts: bool,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListSecurityIncidents {
    type Entry = SecurityIncident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-security-incidents",
        title: "List incidents",
        path: "/v1.0/security/incidents",
        permissions: SEE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-list-incidents",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(50);

    fn example() -> Self {
        Self {
            filter: Some("status eq 'active'".to_owned()),
            expand_alerts: false,
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SecurityIncident> {
        lists::example(include_str!(
            "../../fixtures/list-security-incidents.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("$filter", self.filter.as_deref())
            .with_query_if("$expand", self.expand_alerts.then_some("alerts")))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one incident, or the one it was merged into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSecurityIncident {
    /// The id of the incident.
    #[schemars(length(min = 1))]
    pub incident_id: String,
    /// Whether its alerts are read as well.
    #[serde(default)]
    pub expand_alerts: bool,
    /// Whether an incident that was merged into another is followed to that one.
    #[serde(default = "followed")]
    pub follow_redirects: bool,
}

const fn followed() -> bool {
    true
}

/// How many incidents a chain of merges may have; a longer one goes in a circle.
const MERGES_MAX: usize = 10;

impl GetSecurityIncident {
    fn of(&self, incident_id: &str) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("incident_id", incident_id)?])
            .with_query_if("$expand", self.expand_alerts.then_some("alerts")))
    }
}

impl Operation for GetSecurityIncident {
    type Output = SecurityIncident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-security-incident",
        title: "Read an incident",
        path: "/v1.0/security/incidents/{incidentId}",
        permissions: SEE,
        rate: SECURITY_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-incident-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            incident_id: "2972395".to_owned(),
            expand_alerts: false,
            follow_redirects: true,
        }
    }

    fn example_output() -> SecurityIncident {
        read::example(include_str!(
            "../../fixtures/get-security-incident.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        self.of(&self.incident_id)
    }

    /// An incident that was merged is followed to the one it is part of now.
    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<SecurityIncident>,
    ) -> Result<Next<SecurityIncident>, ActionError> {
        let mut incident: SecurityIncident = read::entity(response)?;
        if let Some(earlier) = so_far {
            incident.merged_from = [earlier.merged_from, vec![earlier.id]].concat();
        }
        match &incident.redirect_incident_id {
            Some(target) if self.follow_redirects && incident.merged_from.len() < MERGES_MAX => {
                Ok(Next::More {
                    request: self.of(target)?,
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

/// Changes status, owner, verdict or tags of an incident.
///
/// What is not given stays as it is. A comment is left by `graph.add-security-incident-comment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSecurityIncident {
    /// The id of the incident.
    #[schemars(length(min = 1))]
    pub incident_id: String,
    /// How far the incident has been dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<AsGiven<AlertClassification>>,
    /// The reason of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub determination: Option<AsGiven<AlertDetermination>>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Its tags; they replace those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_tags: Option<Vec<String>>,
}

impl Operation for UpdateSecurityIncident {
    type Output = SecurityIncident;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-security-incident",
        title: "Update an incident",
        method: Method::Patch,
        path: "/v1.0/security/incidents/{incidentId}",
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-incident-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            incident_id: "2972395".to_owned(),
            status: None,
            classification: Some(AlertClassification::TruePositive.into()),
            determination: Some(AlertDetermination::MultiStagedAttack.into()),
            assigned_to: None,
            custom_tags: Some(vec!["Demo".to_owned()]),
        }
    }

    fn example_output() -> SecurityIncident {
        read::example(include_str!(
            "../../fixtures/update-security-incident.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("incident_id", &self.incident_id)?])
            .with_json(change([
                ("status", json!(self.status)),
                ("classification", json!(self.classification)),
                ("determination", json!(self.determination)),
                ("assignedTo", json!(self.assigned_to)),
                ("customTags", json!(self.custom_tags)),
            ])?))
    }
}

/// Comments on an incident and gives back all its comments.
///
/// When the answer to an earlier try was lost, the comment may appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSecurityIncidentComment {
    /// The id of the incident.
    #[schemars(length(min = 1))]
    pub incident_id: String,
    /// The comment.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Operation for AddSecurityIncidentComment {
    type Output = Listed<SecurityComment>;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.add-security-incident-comment",
        title: "Comment on an incident",
        path: "/v1.0/security/incidents/{incidentId}/comments",
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-incident-post-comments",
        ..MARK
    };

    fn example() -> Self {
        Self {
            incident_id: "3962396".to_owned(),
            comment: "Demo for docs".to_owned(),
        }
    }

    fn example_output() -> Listed<SecurityComment> {
        lists::example(include_str!(
            "../../fixtures/add-security-incident-comment.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("incident_id", &self.incident_id)?])
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

/// Merges incidents into one.
///
/// The others stay as `redirected` and name the one they are part of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeSecurityIncidents {
    /// The incidents, at least two.
    #[schemars(length(min = 1))]
    pub incident_ids: Vec<String>,
    /// Why, as a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_comment: Option<String>,
    /// Why they belong together, separated by commas: `sameActor`, `sameAsset`, `sameCampaign`,
    /// `timeFrame` and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_reasons: Option<String>,
}

impl Operation for MergeSecurityIncidents {
    type Output = Merged;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.merge-security-incidents",
        title: "Merge incidents",
        path: "/v1.0/security/incidents/mergeIncidents",
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-incident-mergeincidents",
        ..MARK
    };

    fn example() -> Self {
        Self {
            incident_ids: vec!["2972395".to_owned(), "2972396".to_owned()],
            incident_comment: Some("Merging related incidents from the same campaign".to_owned()),
            merge_reasons: Some("sameCampaign, sameActor".to_owned()),
        }
    }

    fn example_output() -> Merged {
        read::example(include_str!(
            "../../fixtures/merge-security-incidents.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            (
                "incidentIds",
                json!(all_given("incident_ids", &self.incident_ids)?),
            ),
            ("incidentComment", json!(self.incident_comment)),
            ("mergeReasons", json!(self.merge_reasons)),
        ])))
    }
}
