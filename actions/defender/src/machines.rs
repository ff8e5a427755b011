//! Devices.

use std::net::IpAddr;

use actions_contract::{
    ActionError, Api, Call, Confidence, Effect, Endpoint, Idempotency, Method, Next, Operation,
    Request, Response,
};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::Machine;
use crate::lists::{self, Listed, Wanted};
use crate::{SEE_MACHINES, USUAL_RATE, given, misfit, read};

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
        api: Api::Mde,
        method: Method::Get,
        path: "/api/machines/{id}",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        permissions: SEE_MACHINES,
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machine-by-id",
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

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<Machine>,
    ) -> Result<Next<Machine>, ActionError> {
        read::entity(response).map(Next::Done)
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
}

impl ListMachines {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            filter: self.filter.as_deref(),
            expand: None,
            limit: self.limit,
        }
    }
}

impl Operation for ListMachines {
    type Output = Listed<Machine>;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machines",
        title: "List devices",
        api: Api::Mde,
        method: Method::Get,
        path: "/api/machines",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        permissions: SEE_MACHINES,
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machines",
    };

    fn example() -> Self {
        Self {
            filter: Some("healthStatus eq 'Active'".to_owned()),
            limit: 50,
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!("../fixtures/list-machines.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        lists::first_page(&Self::ENDPOINT, &self.wanted())
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<Listed<Machine>>,
    ) -> Result<Next<Listed<Machine>>, ActionError> {
        lists::decode(&Self::ENDPOINT, &self.wanted(), response, so_far)
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
        api: Api::Mde,
        method: Method::Get,
        path: "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})",
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        permissions: SEE_MACHINES,
        rate: USUAL_RATE,
        settles: false,
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/defender-endpoint/api/find-machines-by-ip",
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

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<Listed<Machine>>,
    ) -> Result<Next<Listed<Machine>>, ActionError> {
        lists::decode_whole(response).map(Next::Done)
    }
}
