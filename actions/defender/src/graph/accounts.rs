//! Sign-ins, and identities with their accounts in every directory.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Idempotency, Operation, Permissions, Request,
    read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::identity::{AccountActionResult, IdentityAccount, SignIn};
use super::words::{AccountAction, AccountProvider};
use super::{LOOK, MARK, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// Reads sign-ins, newest first.
///
/// The service allows five requests in ten seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSignIns {
    /// Which ones, over the vendor's field names: `userId eq '…' and createdDateTime ge
    /// 2026-01-01T00:00:00Z`.
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

impl Collection for ListSignIns {
    type Entry = SignIn;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-sign-ins",
        title: "List sign-ins",
        path: "/v1.0/auditLogs/signIns",
        permissions: Permissions {
            application: &["AuditLog.Read.All"],
            delegated: &["AuditLog.Read.All"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/signin-list",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(1000);

    fn example() -> Self {
        Self {
            filter: Some("userId eq '87d349ed-44d7-43e1-9a83-5f2406dee5bd'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SignIn> {
        lists::example(include_str!("../../fixtures/list-sign-ins.response.json"))
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

/// Reads identities with their accounts in every directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListIdentityAccounts {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListIdentityAccounts {
    type Entry = IdentityAccount;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-identity-accounts",
        title: "List identities",
        path: "/v1.0/security/identities/identityAccounts",
        permissions: Permissions {
            application: &["SecurityIdentitiesAccount.Read.All"],
            delegated: &["SecurityIdentitiesAccount.Read.All"],
        },
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "security-identitycontainer-list-identityaccounts",
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<IdentityAccount> {
        lists::example(include_str!(
            "../../fixtures/made-up/list-identity-accounts.json"
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

/// Reads one identity with its accounts in every directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetIdentityAccount {
    /// The id of the identity.
    #[schemars(length(min = 1), extend("x-entity" = "identity_account"))]
    pub identity_account_id: String,
}

impl Operation for GetIdentityAccount {
    type Output = IdentityAccount;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-identity-account",
        title: "Read an identity",
        path: "/v1.0/security/identities/identityAccounts/{identityAccountsId}",
        permissions: Permissions {
            application: &["SecurityIdentitiesAccount.Read.All"],
            delegated: &["SecurityIdentitiesAccount.Read.All"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-identityaccounts-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            identity_account_id: "0104216-0539-4838-88b1-55baafdc296b".to_owned(),
        }
    }

    fn example_output() -> IdentityAccount {
        read::example(include_str!(
            "../../fixtures/made-up/get-identity-account.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("identity_account_id", &self.identity_account_id)?]))
    }
}

/// An action on an account that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountActionBegun {
    /// What was begun.
    pub value: AccountActionResult,
}

/// Blocks, unblocks or signs out an account, wherever it lives.
///
/// Blocking works in Active Directory and Okta, a forced reset of the password in Active Directory,
/// ending sessions in Okta. Not all of it can be taken back, so that it counts as destruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvokeIdentityAccountAction {
    /// The id of the identity.
    #[schemars(length(min = 1), extend("x-entity" = "identity_account"))]
    pub identity_account_id: String,
    /// The account of the identity, by its id there.
    #[schemars(length(min = 1))]
    pub account_id: String,
    /// What is done.
    pub action: AccountAction,
    /// Where the account lives.
    pub identity_provider: AccountProvider,
}

impl Operation for InvokeIdentityAccountAction {
    type Output = AccountActionBegun;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.invoke-identity-account-action",
        title: "Act on an account",
        path: "/v1.0/security/identities/identityAccounts/{identityAccountsId}/invokeAction",
        effect: Effect::Destroy,
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["SecurityIdentitiesActions.ReadWrite.All"],
            delegated: &["SecurityIdentitiesActions.ReadWrite.All"],
        },
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-identityaccounts-invokeaction",
        ..MARK
    };

    fn example() -> Self {
        Self {
            identity_account_id: "0104216-0539-4838-88b1-55baafdc296b".to_owned(),
            account_id: "256db173-930a-4991-9061-0d51a9a93ba5".to_owned(),
            action: AccountAction::Disable,
            identity_provider: AccountProvider::ActiveDirectory,
        }
    }

    fn example_output() -> AccountActionBegun {
        read::example(include_str!(
            "../../fixtures/invoke-identity-account-action.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("identity_account_id", &self.identity_account_id)?])
            .with_json(fields([
                ("accountId", json!(given("account_id", &self.account_id)?)),
                ("action", json!(self.action)),
                ("identityProvider", json!(self.identity_provider)),
            ])))
    }
}
