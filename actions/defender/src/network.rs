//! Addresses and domains.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{DefenderAlert, DomainStatistics, IpStatistics, Machine};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_ALERTS, SEE_IPS, SEE_MACHINES, SEE_URLS, address, given, within};

/// Reads the alerts about an address; none for one that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListIpAlerts {
    /// The address, of either version.
    #[schemars(extend("x-entity" = "ip"))]
    pub ip: String,
}

impl Collection for ListIpAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-ip-alerts",
        title: "List the alerts of an address",
        path: "/api/ips/{ip}/alerts",
        permissions: SEE_ALERTS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-ip-related-alerts",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            ip: "10.209.67.177".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!("../fixtures/list-ip-alerts.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[&address("ip", &self.ip)?]))
    }
}

/// Reads how often an address was seen in the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetIpStatistics {
    /// The address, of either version.
    #[schemars(extend("x-entity" = "ip"))]
    pub ip: String,
    /// How many hours are looked back; 30 days where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 720))]
    pub look_back_hours: Option<u32>,
}

impl Operation for GetIpStatistics {
    type Output = IpStatistics;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-ip-statistics",
        title: "Read the statistics of an address",
        path: "/api/ips/{ip}/stats",
        permissions: SEE_IPS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-ip-statistics",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            ip: "10.209.67.177".to_owned(),
            look_back_hours: Some(48),
        }
    }

    fn example_output() -> IpStatistics {
        read::example(include_str!("../fixtures/get-ip-statistics.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .look_back_hours
            .map(|hours| within("look_back_hours", hours, 720))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[&address("ip", &self.ip)?])
            .with_query_if("lookBackHours", hours.map(|hours| hours.to_string())))
    }
}

/// Reads the alerts about a domain; none for one that nobody has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDomainAlerts {
    /// The domain.
    #[schemars(length(min = 1), extend("x-entity" = "domain"))]
    pub domain: String,
}

impl Collection for ListDomainAlerts {
    type Entry = DefenderAlert;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-domain-alerts",
        title: "List the alerts of a domain",
        path: "/api/domains/{domain}/alerts",
        permissions: SEE_ALERTS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-domain-related-alerts",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            domain: "example.com".to_owned(),
        }
    }

    fn example_output() -> Listed<DefenderAlert> {
        lists::example(include_str!("../fixtures/list-domain-alerts.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("domain", &self.domain)?]))
    }
}

/// Reads the devices that talked to a domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDomainMachines {
    /// The domain.
    #[schemars(length(min = 1), extend("x-entity" = "domain"))]
    pub domain: String,
}

impl Collection for ListDomainMachines {
    type Entry = Machine;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-domain-machines",
        title: "List the devices of a domain",
        path: "/api/domains/{domain}/machines",
        permissions: SEE_MACHINES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-domain-related-machines",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            domain: "example.com".to_owned(),
        }
    }

    fn example_output() -> Listed<Machine> {
        lists::example(include_str!(
            "../fixtures/list-domain-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("domain", &self.domain)?]))
    }
}

/// Reads how often a domain was seen in the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDomainStatistics {
    /// The domain.
    #[schemars(length(min = 1), extend("x-entity" = "domain"))]
    pub domain: String,
    /// How many hours are looked back; 30 days where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 720))]
    pub look_back_hours: Option<u32>,
}

impl Operation for GetDomainStatistics {
    type Output = DomainStatistics;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-domain-statistics",
        title: "Read the statistics of a domain",
        path: "/api/domains/{domain}/stats",
        permissions: SEE_URLS,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-domain-statistics",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            domain: "example.com".to_owned(),
            look_back_hours: Some(48),
        }
    }

    fn example_output() -> DomainStatistics {
        read::example(include_str!(
            "../fixtures/get-domain-statistics.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .look_back_hours
            .map(|hours| within("look_back_hours", hours, 720))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[given("domain", &self.domain)?])
            .with_query_if("lookBackHours", hours.map(|hours| hours.to_string())))
    }
}
