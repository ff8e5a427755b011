//! What Identity Protection saw, and applications it thinks at risk.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Next, Operation,
    Permissions, Request, Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::all_given;
use super::entities::risk::{RiskDetection, RiskyServicePrincipal};
use super::risky_users::{all_listed, in_state, one_of};
use super::{LOOK, MARK, NoContent, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};
use std::borrow::Cow;

/// What it takes to see what was risky.
const SEE: Permissions = Permissions {
    application: &["IdentityRiskEvent.Read.All"],
    delegated: &["IdentityRiskEvent.Read.All"],
};

/// What it takes to change the risk of service principals.
const CHANGE: Permissions = Permissions {
    application: &["IdentityRiskyServicePrincipal.ReadWrite.All"],
    delegated: &["IdentityRiskyServicePrincipal.ReadWrite.All"],
};

/// Reads what Identity Protection saw, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRiskDetections {
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

impl Collection for ListRiskDetections {
    type Entry = RiskDetection;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-risk-detections",
        title: "List risk detections",
        path: "/v1.0/identityProtection/riskDetections",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskdetection-list",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(500);

    fn example() -> Self {
        Self {
            filter: Some("riskLevel eq 'high'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<RiskDetection> {
        lists::example(include_str!(
            "../../fixtures/get-risk-detection.response.json"
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

/// Reads one thing that Identity Protection saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRiskDetection {
    /// The id of the detection.
    #[schemars(length(min = 1))]
    pub risk_detection_id: String,
}

impl Operation for GetRiskDetection {
    type Output = RiskDetection;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-risk-detection",
        title: "Read a risk detection",
        path: "/v1.0/identityProtection/riskDetections/{riskDetectionId}",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskdetection-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            risk_detection_id: "6a5874ca-abcd-9d82-5ad39bd71600".to_owned(),
        }
    }

    fn example_output() -> RiskDetection {
        lists::example(include_str!(
            "../../fixtures/get-risk-detection.response.json"
        ))
        .value
        .remove(0)
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("risk_detection_id", &self.risk_detection_id)?]))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<RiskDetection>,
    ) -> Result<Next<RiskDetection>, ActionError> {
        one_of(response).map(Next::Done)
    }
}

/// Reads applications that Identity Protection thinks at risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRiskyServicePrincipals {
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

impl Collection for ListRiskyServicePrincipals {
    type Entry = RiskyServicePrincipal;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-risky-service-principals",
        title: "List risky service principals",
        path: "/v1.0/identityProtection/riskyServicePrincipals",
        permissions: Permissions {
            application: &[
                "IdentityRiskyServicePrincipal.Read.All",
                "IdentityRiskyServicePrincipal.ReadWrite.All",
            ],
            delegated: &[
                "IdentityRiskyServicePrincipal.Read.All",
                "IdentityRiskyServicePrincipal.ReadWrite.All",
            ],
        },
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "identityprotectionroot-list-riskyserviceprincipals",
        ),
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

    fn example_output() -> Listed<RiskyServicePrincipal> {
        lists::example(include_str!(
            "../../fixtures/made-up/list-risky-service-principals.json"
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

/// Says that applications were taken over: their risk becomes high, and policies that go by risk
/// lock them out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRiskyServicePrincipalsCompromised {
    /// The object ids of the service principals. Guard rails let one through at a time.
    #[schemars(length(min = 1), extend("x-entity" = "service_principal"))]
    pub service_principal_ids: Vec<String>,
}

impl Operation for ConfirmRiskyServicePrincipalsCompromised {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.confirm-risky-service-principals-compromised",
        title: "Confirm service principals as compromised",
        path: "/v1.0/identityProtection/riskyServicePrincipals/confirmCompromised",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.dismiss-risky-service-principals"),
        },
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyserviceprincipal-confirmcompromised",
        ..MARK
    };

    fn example() -> Self {
        Self {
            service_principal_ids: vec!["9089a539-a539-9089-39a5-899039a58990".to_owned()],
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([(
            "servicePrincipalIds",
            json!(all_given(
                "service_principal_ids",
                &self.service_principal_ids
            )?),
        )])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(in_state(
            &ListRiskyServicePrincipals::ENDPOINT,
            "confirmedCompromised",
        ))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        all_listed(response, &self.service_principal_ids)
    }
}

/// Sets the risk of applications to none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissRiskyServicePrincipals {
    /// The object ids of the service principals. Guard rails let one through at a time.
    #[schemars(length(min = 1), extend("x-entity" = "service_principal"))]
    pub service_principal_ids: Vec<String>,
}

impl Operation for DismissRiskyServicePrincipals {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.dismiss-risky-service-principals",
        title: "Dismiss the risk of service principals",
        path: "/v1.0/identityProtection/riskyServicePrincipals/dismiss",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/riskyserviceprincipal-dismiss",
        ..MARK
    };

    fn example() -> Self {
        Self {
            service_principal_ids: vec!["9089a539-a539-9089-39a5-899039a58990".to_owned()],
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([(
            "servicePrincipalIds",
            json!(all_given(
                "service_principal_ids",
                &self.service_principal_ids
            )?),
        )])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(in_state(&ListRiskyServicePrincipals::ENDPOINT, "dismissed"))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        all_listed(response, &self.service_principal_ids)
    }
}
