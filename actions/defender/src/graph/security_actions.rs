//! Actions that other products carry out.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Idempotency, Operation, Permissions, Request,
    read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::posture::SecurityAction;
use super::{LOOK, MARK, NoContent, SECURITY_RATE, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// What it takes to see security actions.
const SEE: Permissions = Permissions {
    application: &["SecurityActions.Read.All", "SecurityActions.ReadWrite.All"],
    delegated: &[],
};

/// What it takes to ask for security actions.
const CHANGE: Permissions = Permissions {
    application: &["SecurityActions.ReadWrite.All"],
    delegated: &[],
};

/// Reads the actions that other products were asked for.
///
/// In application context only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecurityActions {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListSecurityActions {
    type Entry = SecurityAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-security-actions",
        title: "List security actions",
        path: "/beta/security/securityActions",
        permissions: SEE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securityactions-list",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SecurityAction> {
        lists::example(include_str!(
            "../../fixtures/list-security-actions.response.json"
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

/// Reads one action that another product was asked for.
///
/// In application context only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSecurityAction {
    /// The id of the action.
    #[schemars(length(min = 1), extend("x-entity" = "security_action"))]
    pub action_id: String,
}

impl Operation for GetSecurityAction {
    type Output = SecurityAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-security-action",
        title: "Read a security action",
        path: "/beta/security/securityActions/{id}",
        permissions: SEE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securityaction-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            action_id: "1234567890".to_owned(),
        }
    }

    fn example_output() -> SecurityAction {
        read::example(include_str!(
            "../../fixtures/get-security-action.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("action_id", &self.action_id)?]))
    }
}

/// What an action acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionParameter {
    /// The kind of thing, such as `IP`, `URL` or `fileHash`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The thing.
    #[schemars(length(min = 1), extend("x-entity" = "subject"))]
    pub value: String,
}

/// The product that is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The product, such as `Windows Defender ATP`.
    #[schemars(length(min = 1))]
    pub provider: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_version: Option<String>,
    /// The part of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_provider: Option<String>,
    /// Who makes it.
    #[schemars(length(min = 1))]
    pub vendor: String,
}

/// Asks another product for an action, such as to block an address.
///
/// In application context only. There is no request that takes it back, so that it counts as
/// destruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSecurityAction {
    /// What is done, such as `BlockIp`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Why.
    #[schemars(length(min = 1))]
    pub action_reason: String,
    /// What it acts on.
    #[schemars(length(min = 1))]
    pub parameters: Vec<ActionParameter>,
    /// The product.
    pub vendor_information: Provider,
}

impl Operation for CreateSecurityAction {
    type Output = SecurityAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.create-security-action",
        title: "Ask for a security action",
        path: "/beta/security/securityActions",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: CHANGE,
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securityactions-post",
        ..MARK
    };

    fn example() -> Self {
        Self {
            name: "BlockIp".to_owned(),
            action_reason: "Test".to_owned(),
            parameters: vec![ActionParameter {
                name: "IP".to_owned(),
                value: "1.2.3.4".to_owned(),
            }],
            vendor_information: Provider {
                provider: "Windows Defender ATP".to_owned(),
                provider_version: None,
                sub_provider: None,
                vendor: "Microsoft".to_owned(),
            },
        }
    }

    fn example_output() -> SecurityAction {
        read::example(include_str!(
            "../../fixtures/create-security-action.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            ("name", json!(given("name", &self.name)?)),
            (
                "actionReason",
                json!(given("action_reason", &self.action_reason)?),
            ),
            ("parameters", json!(self.parameters)),
            ("vendorInformation", json!(self.vendor_information.body())),
        ])))
    }
}

impl Provider {
    fn body(&self) -> Value {
        fields([
            ("provider", json!(self.provider)),
            ("providerVersion", json!(self.provider_version)),
            ("subProvider", json!(self.sub_provider)),
            ("vendor", json!(self.vendor)),
        ])
    }
}

/// Takes back an action that no product has begun with.
///
/// In application context only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSecurityAction {
    /// The id of the action.
    #[schemars(length(min = 1), extend("x-entity" = "security_action"))]
    pub action_id: String,
}

impl Operation for CancelSecurityAction {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.cancel-security-action",
        title: "Cancel a security action",
        path: "/beta/security/securityActions/{id}/cancelSecurityAction",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["SecurityActions.ReadWrite.All"],
            delegated: &[],
        },
        rate: SECURITY_RATE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/securityaction-cancelsecurityaction",
        ..MARK
    };

    fn example() -> Self {
        Self {
            action_id: "1234567890".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("action_id", &self.action_id)?]))
    }
}
