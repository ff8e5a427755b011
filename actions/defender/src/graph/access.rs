//! Users of the directory: keeping them out, and letting them in again.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Method, Next, Operation,
    Permissions, Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::identity::User;
use super::users::GetUser;
use super::{MARK, NoContent, change, fields};
use crate::entities::VendorTime;
use crate::given;
use engine_model::Timestamp;
use std::borrow::Cow;

/// What it takes to change users.
const CHANGE: Permissions = Permissions {
    application: &[
        "User.EnableDisableAccount.All",
        "User.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    delegated: &[
        "User.EnableDisableAccount.All",
        "User.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
};

/// A password that an administrator sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordProfile {
    /// The password; it stands in the journal of the run, so let it be changed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether the user has to choose another at the next sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_change_password_next_sign_in: Option<bool>,
}

/// Blocks a user or sets a password.
///
/// A password cannot be taken back, so that this counts as destruction; `graph.disable-user` blocks
/// sign-in and has an undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// Whether the user may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_enabled: Option<bool>,
    /// A new password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_profile: Option<PasswordProfile>,
}

impl Operation for UpdateUser {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-user",
        title: "Change a user",
        method: Method::Patch,
        path: "/v1.0/users/{id}",
        effect: Effect::Destroy,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            account_enabled: Some(false),
            password_profile: None,
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_json(change([
                ("accountEnabled", json!(self.account_enabled)),
                (
                    "passwordProfile",
                    json!(self.password_profile.as_ref().map(PasswordProfile::body)),
                ),
            ])?))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(look(&self.user_id))
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<NoContent>, ActionError> {
        let user: User = read::entity(response)?;
        let password = self.password_profile.is_none()
            || since(call, user.last_password_change_date_time.as_ref());
        let enabled =
            self.account_enabled.is_none() || self.account_enabled == user.account_enabled;
        Ok(found(password && enabled, NoContent {}))
    }
}

impl PasswordProfile {
    fn body(&self) -> Value {
        fields([
            ("password", json!(self.password)),
            (
                "forceChangePasswordNextSignIn",
                json!(self.force_change_password_next_sign_in),
            ),
        ])
    }
}

/// Blocks the sign-in of a user.
///
/// Sessions that are open go on until they end: `graph.revoke-sign-in-sessions` ends them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableUser {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Operation for DisableUser {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.disable-user",
        title: "Block a user",
        method: Method::Patch,
        path: "/v1.0/users/{id}",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.enable-user"),
        },
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_json(fields([("accountEnabled", json!(false))])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(look(&self.user_id))
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<NoContent>, ActionError> {
        let user: User = read::entity(response)?;
        let _ = call;
        Ok(found(user.account_enabled == Some(false), NoContent {}))
    }
}

/// Lets a user sign in again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableUser {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Operation for EnableUser {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.enable-user",
        title: "Unblock a user",
        method: Method::Patch,
        path: "/v1.0/users/{id}",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: CHANGE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_json(fields([("accountEnabled", json!(true))])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(look(&self.user_id))
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<NoContent>, ActionError> {
        let user: User = read::entity(response)?;
        let _ = call;
        Ok(found(user.account_enabled == Some(true), NoContent {}))
    }
}

/// Whether sessions were ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Whether the service has ended them.
    pub value: bool,
}

/// Ends every session of a user, so that applications ask for a new sign-in.
///
/// Takes effect after a few minutes. Does not reach guests whose home is another tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSignInSessions {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Operation for RevokeSignInSessions {
    type Output = Revoked;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.revoke-sign-in-sessions",
        title: "End the sessions of a user",
        path: "/v1.0/users/{id}/revokeSignInSessions",
        effect: Effect::Destroy,
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["User.RevokeSessions.All"],
            delegated: &["User.RevokeSessions.All"],
        },
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/user-revokesigninsessions",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> Revoked {
        read::example(include_str!(
            "../../fixtures/revoke-sign-in-sessions.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }

    /// The page says 200 with a value; older pages say that another success may come without.
    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<Revoked>,
    ) -> Result<Next<Revoked>, ActionError> {
        if response.body.is_empty() {
            return Ok(Next::Done(Revoked { value: true }));
        }
        read::entity(response).map(Next::Done)
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(look(&self.user_id))
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<Revoked>, ActionError> {
        let user: User = read::entity(response)?;
        let ended = since(call, user.sign_in_sessions_valid_from_date_time.as_ref());
        Ok(found(ended, Revoked { value: true }))
    }
}

/// How much earlier than the step something may seem to have happened, clocks being what they are.
const CLOCK_SKEW_MS: i64 = 120_000;

/// The look at a user that tells what became of a change.
pub(super) fn look(user_id: &str) -> Request {
    GetUser::ENDPOINT.request(&[user_id]).with_query(
        "$select",
        "id,accountEnabled,lastPasswordChangeDateTime,signInSessionsValidFromDateTime",
    )
}

/// Whether something happened since the step began.
pub(super) fn since(call: &Call, at: Option<&VendorTime>) -> bool {
    let at: Option<Timestamp> = at.and_then(|at| at.0.parse().ok());
    at.is_some_and(|at| at.as_ms() >= call.begun_at.as_ms().saturating_sub(CLOCK_SKEW_MS))
}

/// What a look came to.
pub(super) fn found<T>(happened: bool, output: T) -> Finding<T> {
    match happened {
        true => Finding::Happened(Next::Done(output)),
        false => Finding::Nothing,
    }
}
