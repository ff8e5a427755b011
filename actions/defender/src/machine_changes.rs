//! Tags and values of devices.

use actions_contract::{ActionError, Call, Endpoint, Method, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::entities::Machine;
use crate::enums::{DeviceValue, TagAction};
use crate::lists::{self, Collection, Listed};
use crate::{CHANGE_MACHINES, MARK, given, listed, misfit, odata};

/// Adds a tag to a device, or takes one off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOrRemoveMachineTag {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// The tag.
    #[schemars(length(min = 1))]
    pub value: String,
    /// Whether it is added or taken off.
    pub action: TagAction,
}

impl Operation for AddOrRemoveMachineTag {
    type Output = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.add-or-remove-machine-tag",
        title: "Tag a device",
        path: "/api/machines/{id}/tags",
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/add-or-remove-machine-tags",
        ..MARK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            value: "test Tag 2".to_owned(),
            action: TagAction::Add,
        }
    }

    fn example_output() -> Machine {
        read::example(include_str!(
            "../fixtures/add-or-remove-machine-tag.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({ "Value": given("value", &self.value)?, "Action": self.action });
        let machine_id = given("machine_id", &self.machine_id)?;
        Ok(Self::ENDPOINT.request(&[machine_id]).with_json(body))
    }
}

/// Adds a tag to up to 500 devices at once, or takes it off.
///
/// Gives the devices as they are then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOrRemoveTagForMultipleMachines {
    /// The tag.
    #[schemars(length(min = 1))]
    pub value: String,
    /// Whether it is added or taken off.
    pub action: TagAction,
    /// The ids of the devices, 1 to 500.
    #[schemars(length(min = 1, max = 500))]
    pub machine_ids: Vec<String>,
}

impl Collection for AddOrRemoveTagForMultipleMachines {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.add-or-remove-tag-for-multiple-machines",
        title: "Tag several devices",
        path: "/api/machines/AddOrRemoveTagForMultipleMachines",
        permissions: CHANGE_MACHINES,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "add-or-remove-multiple-machine-tags"
        ),
        ..MARK
    };

    fn example() -> Self {
        Self {
            value: "Tag".to_owned(),
            action: TagAction::Add,
            machine_ids: vec![
                "34e83ca3feea4dae2353006ba389262c033a025e".to_owned(),
                "2a398439b4975924e87a65943972bc702469b329".to_owned(),
            ],
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!(
            "../fixtures/add-or-remove-tag-for-multiple-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let body = json!({
            "Value": given("value", &self.value)?,
            "Action": self.action,
            "MachineIds": listed("machine_ids", &self.machine_ids, 500)?,
        });
        Ok(Self::ENDPOINT.request(&[]).with_json(body))
    }
}

/// Says what a device is worth to its owner; the exposure score weighs it so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDeviceValue {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// What it is worth.
    pub device_value: DeviceValue,
}

impl Operation for SetDeviceValue {
    type Output = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.set-device-value",
        title: "Set the value of a device",
        path: "/api/machines/{machineId}/setDeviceValue",
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/set-device-value",
        ..MARK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            device_value: DeviceValue::High,
        }
    }

    fn example_output() -> Machine {
        read::example(include_str!("../fixtures/set-device-value.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({ "DeviceValue": self.device_value });
        let machine_id = given("machine_id", &self.machine_id)?;
        Ok(Self::ENDPOINT.request(&[machine_id]).with_json(body))
    }
}

/// Sets all tags of a device, or its value.
///
/// `machine_tags` takes the place of the tags that are there: give the whole set, or use
/// `defender.add-or-remove-machine-tag`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMachine {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// The tags it shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_tags: Option<Vec<String>>,
    /// What it is worth to its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_value: Option<DeviceValue>,
}

impl Operation for UpdateMachine {
    type Output = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.update-machine",
        title: "Update a device",
        method: Method::Patch,
        path: "/api/machines/{machineId}",
        permissions: CHANGE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/update-machine-method",
        ..MARK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            machine_tags: Some(vec![
                "Demo Device".to_owned(),
                "Generic User Machine".to_owned(),
            ]),
            device_value: Some(DeviceValue::Normal),
        }
    }

    fn example_output() -> Machine {
        read::example(include_str!("../fixtures/update-machine.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = odata::body([
            ("machineTags", json!(self.machine_tags)),
            ("deviceValue", json!(self.device_value)),
        ]);
        if body.is_empty() {
            return Err(misfit(
                "nothing to change: give machine_tags or device_value",
            ));
        }
        let machine_id = given("machine_id", &self.machine_id)?;
        Ok(Self::ENDPOINT.request(&[machine_id]).with_json(body.into()))
    }
}
