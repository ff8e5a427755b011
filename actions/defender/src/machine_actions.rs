//! Actions on devices.

use actions_contract::{ActionError, Call, Effect, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

use crate::entities::MachineAction;
use crate::enums::IsolationType;
use crate::follow::Submission;
use crate::lists::{self, Collection, Listed, Part};
use crate::{ISOLATE, LOOK, SEE_MACHINES, SUBMISSION, given};

/// Cuts a device off from the network.
///
/// Followed until the device has done it. Refused with `conflict` while another isolation of the
/// device is under way. A device behind a full VPN tunnel may lose its way to the service as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IsolateMachine {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
    /// How much of the network the device loses.
    pub isolation_type: IsolationType,
}

impl Submission for IsolateMachine {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.isolate-machine",
        title: "Isolate a device",
        path: "/api/machines/{id}/isolate",
        effect: Effect::Contain {
            undo: Cow::Borrowed("defender.unisolate-machine"),
        },
        permissions: ISOLATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/isolate-machine",
        ..SUBMISSION
    };

    const KIND: &'static str = "Isolate";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment, "IsolationType": self.isolation_type })
    }

    fn example() -> Self {
        Self {
            machine_id: "7b1f4967d9728e5aa3c06a9e617a22a4a5a17378".to_owned(),
            comment: "Isolate machine due to alert 1234".to_owned(),
            isolation_type: IsolationType::Full,
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/isolate-machine.response.json"))
    }
}

/// Gives an isolated device its network back.
///
/// Followed until the device has done it. Refused with `conflict` while another release of the
/// device is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnisolateMachine {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
}

impl Submission for UnisolateMachine {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.unisolate-machine",
        title: "Release a device from isolation",
        path: "/api/machines/{id}/unisolate",
        effect: Effect::Release,
        permissions: ISOLATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/unisolate-machine",
        ..SUBMISSION
    };

    const KIND: &'static str = "Unisolate";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment })
    }

    fn example() -> Self {
        Self {
            machine_id: "7b1f4967d9728e5aa3c06a9e617a22a4a5a17378".to_owned(),
            comment: "Unisolate machine since it was clean and validated".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/unisolate-machine.response.json"))
    }
}

/// Reads one machine action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetMachineAction {
    /// The id of the action: `id` in the output of the action that made it.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
}

impl Operation for GetMachineAction {
    type Output = MachineAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-machine-action",
        title: "Read a machine action",
        path: "/api/machineactions/{id}",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machineaction-object",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "5382f7ea-7557-4ab7-9782-d50480024a4e".to_owned(),
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/get-machine-action.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_action_id", &self.machine_action_id)?]))
    }
}

/// Reads machine actions.
///
/// Live response sessions that were started in the portal are not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineActions {
    /// Which ones, over the vendor's field names: `status eq 'Pending'`.
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

impl Collection for ListMachineActions {
    type Entry = MachineAction;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-actions",
        title: "List machine actions",
        path: "/api/machineactions",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machineactions-collection",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("type eq 'Isolate'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<MachineAction> {
        lists::example(include_str!(
            "../fixtures/list-machine-actions.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let request = Self::ENDPOINT.request(&[]);
        Ok(request.with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}
