//! Devices.

use std::net::IpAddr;

use actions_contract::{ActionError, Call, Endpoint, Operation, Request, read};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::Machine;
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_MACHINES, given, misfit};

/// Reads one device.
///
/// The answer is at most a day old in `last_seen`, fresh in everything else. An id the service does
/// not know gives `not_found`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetMachine {
    /// The id of the device, or its DNS name.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Operation for GetMachine {
    type Output = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-machine",
        title: "Read a device",
        path: "/api/machines/{id}",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machine-by-id",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Machine {
        read::example(include_str!("../fixtures/get-machine.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Reads devices.
///
/// The service answers `not_found` when no device has reported lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachines {
    /// Which ones, over the vendor's field names: `healthStatus eq 'Active'`.
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

impl Collection for ListMachines {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machines",
        title: "List devices",
        path: "/api/machines",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machines",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("healthStatus eq 'Active'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!("../fixtures/list-machines.response.json"))
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

/// Finds the devices that used an address around a point in time.
///
/// Found are devices seen with the address within 15 minutes of `timestamp`, which may be at most
/// 30 days ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindMachinesByIp {
    /// The address, of either version.
    #[schemars(extend("x-entity" = "ip"))]
    pub ip: String,
    /// The point in time.
    pub timestamp: Timestamp,
}

impl Operation for FindMachinesByIp {
    type Output = Listed<Machine>;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.find-machines-by-ip",
        title: "Find devices by address",
        path: "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})",
        permissions: SEE_MACHINES,
        source: "https://learn.microsoft.com/defender-endpoint/api/find-machines-by-ip",
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
            "../fixtures/find-machines-by-ip.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let ip: IpAddr = self
            .ip
            .trim()
            .parse()
            .map_err(|_| misfit(format!("`ip` is not an address: `{}`", self.ip)))?;
        Ok(Self::ENDPOINT.request(&[&ip.to_string(), &self.timestamp.to_string()]))
    }
}
