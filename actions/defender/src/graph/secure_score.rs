//! The secure score, and the controls it rests on.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Method, Next, Operation, Permissions,
    Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::posture::{ControlProfile, SecureScore};
use super::{LOOK, MARK, change, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// What it takes to see the secure score.
const SEE: Permissions = Permissions {
    application: &["SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"],
    delegated: &["SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"],
};

/// Reads the secure score of each day, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecureScores {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListSecureScores {
    type Entry = SecureScore;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-secure-scores",
        title: "List secure scores",
        path: "/v1.0/security/secureScores",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-list-securescores",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 30,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SecureScore> {
        lists::example(include_str!(
            "../../fixtures/list-secure-scores.response.json"
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

/// Reads the secure score of one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSecureScore {
    /// The id of the score: tenant and day.
    #[schemars(length(min = 1))]
    pub score_id: String,
}

impl Operation for GetSecureScore {
    type Output = SecureScore;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-secure-score",
        title: "Read a secure score",
        path: "/v1.0/security/secureScores/{id}",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securescore-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            score_id: "00000001-0001-0001-0001-000000000001c_2019-03-19".to_owned(),
        }
    }

    fn example_output() -> SecureScore {
        read::example(include_str!(
            "../../fixtures/get-secure-score.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("score_id", &self.score_id)?]))
    }
}

/// Reads the controls that count towards the secure score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecureScoreControlProfiles {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListSecureScoreControlProfiles {
    type Entry = ControlProfile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-secure-score-control-profiles",
        title: "List controls of the secure score",
        path: "/v1.0/security/secureScoreControlProfiles",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-list-securescorecontrolprofiles",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ControlProfile> {
        lists::example(include_str!(
            "../../fixtures/list-secure-score-control-profiles.response.json"
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

/// Reads one control that counts towards the secure score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSecureScoreControlProfile {
    /// The id of the control.
    #[schemars(length(min = 1))]
    pub profile_id: String,
}

impl Operation for GetSecureScoreControlProfile {
    type Output = ControlProfile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-secure-score-control-profile",
        title: "Read a control of the secure score",
        path: "/v1.0/security/secureScoreControlProfiles/{id}",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securescorecontrolprofile-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            profile_id: "DLPEnabled".to_owned(),
        }
    }

    fn example_output() -> ControlProfile {
        read::example(include_str!(
            "../../fixtures/get-secure-score-control-profile.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("profile_id", &self.profile_id)?]))
    }
}

/// The product that is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// The product: `SecureScore`.
    #[schemars(length(min = 1))]
    pub provider: String,
    /// Its version.
    #[serde(default)]
    pub provider_version: Option<String>,
    /// The part of the product.
    #[serde(default)]
    pub sub_provider: Option<String>,
    /// Who makes it.
    #[schemars(length(min = 1))]
    pub vendor: String,
}

/// What to say about a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateUpdate {
    /// `Default`, `Ignored`, `ThirdParty` or `Reviewed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Says what the tenant does about a control.
///
/// The vendor's table wants `control_state_updates`, its example the other parameters: give either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSecureScoreControlProfile {
    /// The id of the control.
    #[schemars(length(min = 1))]
    pub profile_id: String,
    /// What to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_state_updates: Option<Vec<StateUpdate>>,
    /// `Default`, `Ignored`, `ThirdParty` or `Reviewed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Where the control comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_information: Option<Vendor>,
}

impl Operation for UpdateSecureScoreControlProfile {
    type Output = ControlProfile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-secure-score-control-profile",
        title: "Update a control of the secure score",
        method: Method::Patch,
        path: "/v1.0/security/secureScoreControlProfiles/{id}",
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["SecurityEvents.ReadWrite.All"],
            delegated: &["SecurityEvents.ReadWrite.All"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securescorecontrolprofile-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            profile_id: "NonOwnerAccess".to_owned(),
            control_state_updates: Some(vec![StateUpdate {
                state: Some("Reviewed".to_owned()),
                assigned_to: None,
                comment: Some("control is reviewed".to_owned()),
            }]),
            state: None,
            assigned_to: None,
            comment: None,
            vendor_information: None,
        }
    }

    fn example_output() -> ControlProfile {
        read::example(include_str!(
            "../../fixtures/update-secure-score-control-profile.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("profile_id", &self.profile_id)?])
            .with_json(change([
                ("controlStateUpdates", json!(self.updates())),
                ("state", json!(self.state)),
                ("assignedTo", json!(self.assigned_to)),
                ("comment", json!(self.comment)),
                (
                    "vendorInformation",
                    json!(self.vendor_information.as_ref().map(Vendor::body)),
                ),
            ])?))
    }

    /// The service answers with nothing, or with the control.
    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<ControlProfile>,
    ) -> Result<Next<ControlProfile>, ActionError> {
        if response.body.is_empty() {
            return read::typed(json!({ "id": self.profile_id })).map(Next::Done);
        }
        read::entity(response).map(Next::Done)
    }
}

impl UpdateSecureScoreControlProfile {
    fn updates(&self) -> Option<Vec<Value>> {
        let updates = self.control_state_updates.as_deref()?;
        let update = |update: &StateUpdate| {
            fields([
                ("state", json!(update.state)),
                ("assignedTo", json!(update.assigned_to)),
                ("comment", json!(update.comment)),
            ])
        };
        Some(updates.iter().map(update).collect())
    }
}

impl Vendor {
    pub(super) fn body(&self) -> Value {
        json!({
            "provider": self.provider,
            "providerVersion": self.provider_version,
            "subProvider": self.sub_provider,
            "vendor": self.vendor,
        })
    }
}
