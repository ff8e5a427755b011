//! Passwords.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Next, Operation,
    Permissions, Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{found, look, since};
use super::entities::identity::User;
use super::long_running::{self, LongRunning};
use super::{MARK, fields};
use crate::given;

/// Gives a user a new password and follows it to the end.
///
/// In user context only. A password that the service makes up is not kept: nobody can sign in with
/// the old one, and the user gets in by resetting it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetUserPassword {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The sign-in method; that of passwords is `28c10230-6103-485e-b985-444c60001490`.
    #[schemars(length(min = 1))]
    pub method_id: String,
    /// The password; it stands in the journal of the run, so better leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_password: Option<String>,
}

impl Operation for ResetUserPassword {
    type Output = LongRunning;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.reset-user-password",
        title: "Reset the password of a user",
        path: "/v1.0/users/{id}/authentication/methods/{methodId}/resetPassword",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &[],
            delegated: &["UserAuthenticationMethod.ReadWrite.All"],
        },
        settles: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/authenticationmethod-resetpassword",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            method_id: "28c10230-6103-485e-b985-444c60001490".to_owned(),
            new_password: None,
        }
    }

    fn example_output() -> LongRunning {
        LongRunning {
            id: Some("a3c9b8e2-1f7d-4f0e-9b41-3a5f1c2d7e60".to_owned()),
            status: "succeeded".to_owned(),
            status_detail: None,
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[
                given("user_id", &self.user_id)?,
                given("method_id", &self.method_id)?,
            ])
            .with_json(fields([("newPassword", json!(self.new_password))])))
    }

    fn decode(
        &self,
        call: &Call,
        response: &Response,
        _: Option<LongRunning>,
    ) -> Result<Next<LongRunning>, ActionError> {
        long_running::begun(call, response)
    }

    fn resume(&self, _: &Call, state: &Value) -> Result<Request, ActionError> {
        long_running::look(&Self::ENDPOINT, state)
    }

    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<LongRunning>, ActionError> {
        long_running::settle(call, state, response)
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(look(&self.user_id))
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<LongRunning>, ActionError> {
        let user: User = read::entity(response)?;
        let output = LongRunning::succeeded();
        Ok(found(
            since(call, user.last_password_change_date_time.as_ref()),
            output,
        ))
    }
}
