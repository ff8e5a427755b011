//! What is installed on a device, and what is wrong with it.

use actions_contract::{ActionError, Confidence, Endpoint, Permissions, Rate, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{MissingKb, Recommendation, Software, Vulnerability};
use crate::lists::{self, Collection, Listed};
use crate::{LOOK, SEE_RECOMMENDATIONS, SEE_SOFTWARE, SEE_VULNERABILITIES, UNSTATED_RATE, given};

/// Reads what is installed on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineSoftware {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineSoftware {
    type Entry = Software;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-software",
        title: "List the software of a device",
        path: "/api/machines/{machineId}/software",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-installed-software",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<Software> {
        lists::example(include_str!(
            "../fixtures/list-machine-software.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Reads the vulnerabilities found on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineVulnerabilities {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineVulnerabilities {
    type Entry = Vulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-vulnerabilities",
        title: "List the vulnerabilities of a device",
        path: "/api/machines/{machineId}/vulnerabilities",
        permissions: SEE_VULNERABILITIES,
        rate: Rate {
            per_minute: Some(50),
            per_hour: Some(1500),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-discovered-vulnerabilities",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<Vulnerability> {
        lists::example(include_str!(
            "../fixtures/list-machine-vulnerabilities.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Reads what would make a device safer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineRecommendations {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineRecommendations {
    type Entry = Recommendation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-recommendations",
        title: "List the recommendations for a device",
        path: "/api/machines/{machineId}/recommendations",
        permissions: SEE_RECOMMENDATIONS,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-security-recommendations",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<Recommendation> {
        lists::example(include_str!(
            "../fixtures/list-machine-recommendations.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}

/// Reads the security updates that a device lacks.
///
/// The vendor documents a permission for applications only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMachineMissingKbs {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
}

impl Collection for ListMachineMissingKbs {
    type Entry = MissingKb;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-machine-missing-kbs",
        title: "List the missing updates of a device",
        path: "/api/machines/{machineId}/getmissingkbs",
        permissions: Permissions {
            application: &["Software.Read.All"],
            delegated: &[],
        },
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-missing-kbs-machine",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        }
    }

    fn example_output() -> Listed<MissingKb> {
        lists::example(include_str!(
            "../fixtures/list-machine-missing-kbs.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("machine_id", &self.machine_id)?]))
    }
}
