//! Machine actions: cancelled, and links to what they brought.

use actions_contract::{ActionError, Call, Endpoint, Operation, Permissions, Rate, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entities::{Link, MachineAction};
use crate::{LOOK, MARK, given};

/// Cancels a machine action that has not ended.
///
/// Needs the permission of that action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelMachineAction {
    /// The id of the action: `id` in the output of the action that made it.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
    /// Why.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Operation for CancelMachineAction {
    type Output = MachineAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.cancel-machine-action",
        title: "Cancel a machine action",
        path: "/api/machineactions/{id}/cancel",
        permissions: Permissions {
            application: &[
                "Machine.CollectForensics",
                "Machine.Isolate",
                "Machine.RestrictExecution",
                "Machine.Scan",
                "Machine.Offboard",
                "Machine.StopAndQuarantine",
                "Machine.LiveResponse",
            ],
            delegated: &[
                "Machine.CollectForensics",
                "Machine.Isolate",
                "Machine.RestrictExecution",
                "Machine.Scan",
                "Machine.Offboard",
                "Machine.StopAndQuarantine",
                "Machine.LiveResponse",
            ],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/cancel-machine-action",
        ..MARK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "5382f7ea-7557-4ab7-9782-d50480024a4e".to_owned(),
            comment: "Machine action was canceled by automation".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!(
            "../fixtures/cancel-machine-action.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({ "Comment": given("comment", &self.comment)? });
        let action = given("machine_action_id", &self.machine_action_id)?;
        Ok(Self::ENDPOINT.request(&[action]).with_json(body))
    }
}

/// Gets the link to the package that a finished collection made.
///
/// The link is a key to the package and ends soon: use `defender.download-investigation-package`
/// where the package itself is wanted. `not_found` while the collection goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetInvestigationPackageUri {
    /// The id of the action: `id` in the output of the action that made it.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
}

impl Operation for GetInvestigationPackageUri {
    type Output = Link;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-investigation-package-uri",
        title: "Get the link to an investigation package",
        path: "/api/machineactions/{id}/getPackageUri",
        permissions: Permissions {
            application: &["Machine.Read.All", "Machine.ReadWrite.All"],
            delegated: &["Machine.CollectForensics"],
        },
        rate: Rate {
            per_minute: Some(2),
            per_hour: Some(120),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-package-sas-uri",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "7327b54fd718525cbca07dacde913b5ac3c85673".to_owned(),
        }
    }

    fn example_output() -> Link {
        read::example(include_str!(
            "../fixtures/get-investigation-package-uri.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_action_id", &self.machine_action_id)?]))
    }
}

/// Gets the link to the result of one command of a live response session.
///
/// The link is a key to the result and ends after 30 minutes; it can be asked for again. `PutFile`
/// has no result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetLiveResponseResult {
    /// The id of the action: `id` in the output of the action that made it.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
    /// The place of the command among those of the session, from 0.
    pub command_index: u32,
}

impl Operation for GetLiveResponseResult {
    type Output = Link;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-live-response-result",
        title: "Get the link to a live response result",
        path: "/api/machineactions/{id}/GetLiveResponseResultDownloadLink(index={command_index})",
        permissions: Permissions {
            application: &["Machine.Read.All", "Machine.ReadWrite.All"],
            delegated: &["Machine.LiveResponse"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-live-response-result",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "988cc94e-7a8f-4b28-ab65-54970c5d5018".to_owned(),
            command_index: 0,
        }
    }

    fn example_output() -> Link {
        read::example(include_str!(
            "../fixtures/get-live-response-result.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let action = given("machine_action_id", &self.machine_action_id)?;
        let index = self.command_index.to_string();
        Ok(Self::ENDPOINT.request(&[action, &index]))
    }
}
