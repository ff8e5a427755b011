//! What belongs to a device, and devices found by what belongs to them.

use actions_contract::{ActionError, Confidence, Endpoint, Permissions, Request};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{DefenderAlert, DefenderUser, Machine};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_ALERTS, SEE_MACHINES, SEE_USERS, UNSTATED_RATE, address, given};

/// Reads the accounts that have logged on to a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineLogonUsers {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineLogonUsers {
    type Entry = DefenderUser;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-logon-users",
        title: "List the users of a device",
        path: "/api/machines/{id}/logonusers",
        permissions: SEE_USERS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machine-log-on-users",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderUser> {
        lists::example(include_str!(
            "../fixtures/list-machine-logon-users.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Reads the alerts of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineAlerts {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-alerts",
        title: "List the alerts of a device",
        path: "/api/machines/{id}/alerts",
        permissions: SEE_ALERTS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machine-related-alerts",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!(
            "../fixtures/list-machine-alerts.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Finds the devices that used an internal address around a point in time.
///
/// An older form of `defender.find-machines-by-ip`, which looks at 15 minutes to either side; this
/// one looks at 16. `timestamp` may be at most 30 days ago. Nothing found gives `not_found`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindMachinesByInternalIp {
    /// The address, of either version.
    #[schemars(extend("x-entity" = "ip"))]
    pub ip: String,
    /// The point in time.
    pub timestamp: Timestamp,
}

impl Collection for FindMachinesByInternalIp {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.find-machines-by-internal-ip",
        title: "Find devices by internal address",
        path: "/api/machines/find(timestamp={timestamp},key='{ip}')",
        permissions: Permissions {
            application: &["Machine.Read.All", "Machine.ReadWrite.All"],
            delegated: &[],
        },
        rate: UNSTATED_RATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/find-machine-info-by-ip",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            ip: "10.248.240.38".to_owned(),
            timestamp: Timestamp::from_ms(1_569_141_845_000),
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!(
            "../fixtures/find-machines-by-internal-ip.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let ip = address("ip", &self.ip)?;
        Ok(Self::ENDPOINT.request(&[&self.timestamp.to_string(), &ip]))
    }
}

/// Finds the devices that have a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindMachinesByTag {
    /// The tag.
    #[schemars(length(min = 1))]
    pub tag: String,
    /// Whether tags that only begin with `tag` count as well.
    #[serde(default)]
    pub use_starts_with_filter: bool,
}

impl Collection for FindMachinesByTag {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.find-machines-by-tag",
        title: "Find devices by tag",
        path: "/api/machines/findbytag",
        permissions: SEE_MACHINES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/find-machines-by-tag",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            tag: "testTag".to_owned(),
            use_starts_with_filter: true,
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!(
            "../fixtures/find-machines-by-tag.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let request = Self::ENDPOINT.request(&[]);
        let request = request.with_query("tag", given("tag", &self.tag)?);
        Ok(match self.use_starts_with_filter {
            true => request.with_query("useStartsWithFilter", "true"),
            false => request,
        })
    }
}
