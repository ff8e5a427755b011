//! Users whom Identity Protection thinks at risk.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Next, Operation,
    Permissions, Request, Response, json as body_of, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::all_given;
use super::entities::risk::{RiskyUser, RiskyUserChange};
use super::{LOOK, MARK, NoContent, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// What it takes to see risky users.
const SEE: Permissions = Permissions {
    application: &["IdentityRiskyUser.Read.All"],
    delegated: &["IdentityRiskyUser.Read.All"],
};

/// What it takes to change the risk of users.
const CHANGE: Permissions = Permissions {
    application: &["IdentityRiskyUser.ReadWrite.All"],
    delegated: &["IdentityRiskyUser.ReadWrite.All"],
};

/// Reads users whom Identity Protection thinks at risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRiskyUsers {
    /// Which ones, over the vendor's field names: `riskState eq 'atRisk'`.
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

impl Collection for ListRiskyUsers {
    type Entry = RiskyUser;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-risky-users",
        title: "List risky users",
        path: "/v1.0/identityProtection/riskyUsers",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyuser-list",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(500);

    fn example() -> Self {
        Self {
            filter: Some("riskState eq 'atRisk'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<RiskyUser> {
        lists::example(include_str!("../../fixtures/made-up/list-risky-users.json"))
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

/// Reads the risk of one user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRiskyUser {
    /// The id of the user.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Operation for GetRiskyUser {
    type Output = RiskyUser;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-risky-user",
        title: "Read the risk of a user",
        path: "/v1.0/identityProtection/riskyUsers/{riskyUserId}",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyuser-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1".to_owned(),
        }
    }

    fn example_output() -> RiskyUser {
        read::example(include_str!("../../fixtures/made-up/get-risky-user.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<RiskyUser>,
    ) -> Result<Next<RiskyUser>, ActionError> {
        one_of(response).map(Next::Done)
    }
}

/// Reads how the risk of a user changed, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRiskyUserHistory {
    /// The id of the user.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// Which ones, over the vendor's field names: `riskLevel eq 'high'`.
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

impl Collection for ListRiskyUserHistory {
    type Entry = RiskyUserChange;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-risky-user-history",
        title: "List the changes of a risk",
        path: "/v1.0/identityProtection/riskyUsers/{riskyUserId}/history",
        permissions: Permissions {
            application: &[
                "IdentityRiskyUser.Read.All",
                "IdentityRiskyUser.ReadWrite.All",
            ],
            delegated: &[
                "IdentityRiskyUser.Read.All",
                "IdentityRiskyUser.ReadWrite.All",
            ],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyuser-list-history",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(500);

    fn example() -> Self {
        Self {
            user_id: "d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1".to_owned(),
            filter: None,
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<RiskyUserChange> {
        lists::example(include_str!(
            "../../fixtures/made-up/list-risky-user-history.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Says that accounts were taken over: their risk becomes high, and policies that go by risk lock
/// them out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRiskyUsersCompromised {
    /// The ids of the users; at most 60 are advised. Guard rails let one through at a time.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_ids: Vec<String>,
}

impl Operation for ConfirmRiskyUsersCompromised {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.confirm-risky-users-compromised",
        title: "Confirm users as compromised",
        path: "/v1.0/identityProtection/riskyUsers/confirmCompromised",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.dismiss-risky-users"),
        },
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_ids: vec!["d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1".to_owned()],
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([(
            "userIds",
            json!(all_given("user_ids", &self.user_ids)?),
        )])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(in_state(&ListRiskyUsers::ENDPOINT, "confirmedCompromised"))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        all_listed(response, &self.user_ids)
    }
}

/// Says that the risk of users is none, so that the service learns from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRiskyUsersSafe {
    /// The ids of the users; at most 60 are advised. Guard rails let one through at a time.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_ids: Vec<String>,
}

impl Operation for ConfirmRiskyUsersSafe {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.confirm-risky-users-safe",
        title: "Confirm users as safe",
        path: "/v1.0/identityProtection/riskyUsers/confirmSafe",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyuser-confirmsafe",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_ids: vec!["d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1".to_owned()],
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([(
            "userIds",
            json!(all_given("user_ids", &self.user_ids)?),
        )])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(in_state(&ListRiskyUsers::ENDPOINT, "confirmedSafe"))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        all_listed(response, &self.user_ids)
    }
}

/// Sets the risk of users to none, without a word about whether it was one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissRiskyUsers {
    /// The ids of the users; at most 60 are advised. Guard rails let one through at a time.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_ids: Vec<String>,
}

impl Operation for DismissRiskyUsers {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.dismiss-risky-users",
        title: "Dismiss the risk of users",
        path: "/v1.0/identityProtection/riskyUsers/dismiss",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyuser-dismiss",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_ids: vec!["d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1".to_owned()],
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([(
            "userIds",
            json!(all_given("user_ids", &self.user_ids)?),
        )])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(in_state(&ListRiskyUsers::ENDPOINT, "dismissed"))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        all_listed(response, &self.user_ids)
    }
}

/// The look at everything in one state of risk.
pub(super) fn in_state(list: &Endpoint, state: &str) -> Request {
    list.request(&[])
        .with_query("$filter", format!("riskState eq '{state}'"))
        .with_query("$top", "500")
}

/// Whether a list names all of these ids; one that goes on elsewhere cannot say that it does not.
pub(super) fn all_listed(
    response: &Response,
    ids: &[String],
) -> Result<Finding<NoContent>, ActionError> {
    let listed: Value = body_of(response)?;
    let entries = listed["value"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    let all = ids
        .iter()
        .all(|id| entries.iter().any(|entry| entry["id"] == **id));
    Ok(match (all, listed.get("@odata.nextLink")) {
        (true, _) => Finding::Happened(Next::Done(NoContent {})),
        (false, None) => Finding::Nothing,
        (false, Some(_)) => Finding::Unclear("the list is too long to tell".to_owned()),
    })
}

/// One entity, whether it comes alone, as the service sends it, or in a list, as its page shows it.
pub(super) fn one_of<T: DeserializeOwned + JsonSchema + 'static>(
    response: &Response,
) -> Result<T, ActionError> {
    let mut body: Value = body_of(response)?;
    match body.get_mut("value").and_then(Value::as_array_mut) {
        Some(entries) if entries.len() == 1 => read::typed(entries.remove(0)),
        _ => read::typed(body),
    }
}
