//! Software.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{MachineReference, MissingKb, Software, SoftwareVersion, Vulnerability};
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_SOFTWARE, SEE_VULNERABILITIES, UNSTATED_RATE, given};

/// Reads the software of the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSoftware {
    /// Which ones, over the vendor's field names: `vendor eq 'microsoft'`. Known are id, name and
    /// vendor.
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

impl Collection for ListSoftware {
    type Entry = Software;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-software",
        title: "List software",
        path: "/api/Software",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-software",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("vendor eq 'microsoft'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Software> {
        lists::example(include_str!("../fixtures/list-software.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSoftware {
    /// Vendor and product, as `microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub software_id: String,
}

impl Operation for GetSoftware {
    type Output = Software;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-software",
        title: "Read a product",
        path: "/api/Software/{id}",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-software-by-id",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            software_id: "microsoft-_-edge".to_owned(),
        }
    }

    fn example_output() -> Software {
        read::example(include_str!("../fixtures/get-software.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("software_id", &self.software_id)?]))
    }
}

/// Reads how widespread each version of a product is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSoftwareVersionDistribution {
    /// Vendor and product, as `microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub software_id: String,
}

impl Collection for ListSoftwareVersionDistribution {
    type Entry = SoftwareVersion;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-software-version-distribution",
        title: "List the versions of a product",
        path: "/api/Software/{id}/distributions",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-software-ver-distribution",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            software_id: "microsoft-_-edge".to_owned(),
        }
    }

    fn example_output() -> Listed<SoftwareVersion> {
        lists::example(include_str!(
            "../fixtures/list-software-version-distribution.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("software_id", &self.software_id)?]))
    }
}

/// Reads the devices that have a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSoftwareMachines {
    /// Vendor and product, as `microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub software_id: String,
}

impl Collection for ListSoftwareMachines {
    type Entry = MachineReference;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-software-machines",
        title: "List the devices with a product",
        path: "/api/Software/{id}/machineReferences",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machines-by-software",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            software_id: "microsoft-_-edge".to_owned(),
        }
    }

    fn example_output() -> Listed<MachineReference> {
        lists::example(include_str!(
            "../fixtures/list-software-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("software_id", &self.software_id)?]))
    }
}

/// Reads the vulnerabilities of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSoftwareVulnerabilities {
    /// Vendor and product, as `microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub software_id: String,
}

impl Collection for ListSoftwareVulnerabilities {
    type Entry = Vulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-software-vulnerabilities",
        title: "List the vulnerabilities of a product",
        path: "/api/Software/{id}/vulnerabilities",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-vuln-by-software",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            software_id: "microsoft-_-edge".to_owned(),
        }
    }

    fn example_output() -> Listed<Vulnerability> {
        lists::example(include_str!(
            "../fixtures/list-software-vulnerabilities.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("software_id", &self.software_id)?]))
    }
}

/// Reads the security updates of a product that devices lack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSoftwareMissingKbs {
    /// Vendor and product, as `microsoft-_-edge`.
    #[schemars(length(min = 1))]
    pub software_id: String,
}

impl Collection for ListSoftwareMissingKbs {
    type Entry = MissingKb;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-software-missing-kbs",
        title: "List the missing updates of a product",
        path: "/api/Software/{id}/getmissingkbs",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-missing-kbs-software",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            software_id: "microsoft-_-edge".to_owned(),
        }
    }

    fn example_output() -> Listed<MissingKb> {
        lists::example(include_str!(
            "../fixtures/list-software-missing-kbs.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("software_id", &self.software_id)?]))
    }
}
