//! Applications of the directory, and what they were allowed to do.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Idempotency, Method, Operation, Permissions,
    Request,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MARK, NoContent, change, fields};
use crate::given;
use std::borrow::Cow;

/// What it takes to change service principals.
const PRINCIPALS: Permissions = Permissions {
    application: &[
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.ReadWrite.All",
    ],
    delegated: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
};

/// Blocks or unblocks an application in this tenant.
///
/// `graph.enable-service-principal` takes it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateServicePrincipal {
    /// The object id of the service principal.
    #[schemars(length(min = 1), extend("x-entity" = "service_principal"))]
    pub service_principal_id: String,
    /// Whether the application may get tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_enabled: Option<bool>,
}

impl Operation for UpdateServicePrincipal {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-service-principal",
        title: "Change a service principal",
        method: Method::Patch,
        path: "/v1.0/servicePrincipals/{id}",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.enable-service-principal"),
        },
        idempotency: Idempotency::Natural,
        permissions: PRINCIPALS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/serviceprincipal-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            service_principal_id: "00063ffc-54e9-405d-b8f3-56124728e051".to_owned(),
            account_enabled: Some(false),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("service_principal_id", &self.service_principal_id)?])
            .with_json(change([("accountEnabled", json!(self.account_enabled))])?))
    }
}

/// Unblocks an application in this tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableServicePrincipal {
    /// The object id of the service principal.
    #[schemars(length(min = 1), extend("x-entity" = "service_principal"))]
    pub service_principal_id: String,
}

impl Operation for EnableServicePrincipal {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.enable-service-principal",
        title: "Unblock a service principal",
        method: Method::Patch,
        path: "/v1.0/servicePrincipals/{id}",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: PRINCIPALS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/serviceprincipal-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            service_principal_id: "00063ffc-54e9-405d-b8f3-56124728e051".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("service_principal_id", &self.service_principal_id)?])
            .with_json(fields([("accountEnabled", json!(true))])))
    }
}

/// Takes back what users or an administrator allowed an application to do in their name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteOauth2PermissionGrant {
    /// The id of the grant.
    #[schemars(length(min = 1), extend("x-entity" = "permission_grant"))]
    pub grant_id: String,
}

impl Operation for DeleteOauth2PermissionGrant {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.delete-oauth2-permission-grant",
        title: "Take back a consent",
        method: Method::Delete,
        path: "/v1.0/oauth2PermissionGrants/{id}",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &[
                "DelegatedPermissionGrant.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
            delegated: &[
                "DelegatedPermissionGrant.ReadWrite.All",
                "Directory.ReadWrite.All",
            ],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete",
        ..MARK
    };

    fn example() -> Self {
        Self {
            grant_id: "l5eW7x0ga0-WDOntXzHateQDNpSH5-lPk9HjD3Sarjk".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("grant_id", &self.grant_id)?]))
    }
}
