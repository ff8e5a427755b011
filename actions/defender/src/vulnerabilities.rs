//! Vulnerabilities.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{MachineReference, MachineVulnerability, Vulnerability};
use crate::lists::{self, Collection, Listed, Part};
use crate::{LOOK, SEE_VULNERABILITIES, UNSTATED_RATE, given};

/// Reads the vulnerabilities of the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListVulnerabilities {
    /// Which ones, over the vendor's field names: `severity eq 'Critical'`. Known are id, name,
    /// description, cvssV3, publishedOn, severity and updatedOn.
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

impl Collection for ListVulnerabilities {
    type Entry = Vulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-vulnerabilities",
        title: "List vulnerabilities",
        path: "/api/vulnerabilities",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-all-vulnerabilities",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("severity eq 'Critical'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Vulnerability> {
        lists::example(include_str!(
            "../fixtures/list-vulnerabilities.response.json"
        ))
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

/// Reads which vulnerability of which product is on which device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListVulnerabilitiesByMachineAndSoftware {
    /// Which ones, over the vendor's field names: `severity eq 'Low'`. Known are id, cveId,
    /// machineId, fixingKbId, productName, productVersion, severity and productVendor.
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

impl Collection for ListVulnerabilitiesByMachineAndSoftware {
    type Entry = MachineVulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-vulnerabilities-by-machine-and-software",
        title: "List vulnerabilities by device and software",
        path: "/api/vulnerabilities/machinesVulnerabilities",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-all-vulnerabilities-by-machines"
        ),
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("severity eq 'Low'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<MachineVulnerability> {
        lists::example(include_str!(
            "../fixtures/list-vulnerabilities-by-machine-and-software.response.json"
        ))
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

/// Reads one vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetVulnerability {
    /// The vulnerability, such as `CVE-2019-0608`.
    #[schemars(length(min = 1))]
    pub cve_id: String,
}

impl Operation for GetVulnerability {
    type Output = Vulnerability;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-vulnerability",
        title: "Read a vulnerability",
        path: "/api/vulnerabilities/{cveId}",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-vulnerability-by-id",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            cve_id: "CVE-2019-0608".to_owned(),
        }
    }

    fn example_output() -> Vulnerability {
        read::example(include_str!("../fixtures/get-vulnerability.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("cve_id", &self.cve_id)?]))
    }
}

/// Reads the devices that have a vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListVulnerabilityMachines {
    /// The vulnerability, such as `CVE-2019-0608`.
    #[schemars(length(min = 1))]
    pub cve_id: String,
}

impl Collection for ListVulnerabilityMachines {
    type Entry = MachineReference;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-vulnerability-machines",
        title: "List the devices with a vulnerability",
        path: "/api/vulnerabilities/{cveId}/machineReferences",
        permissions: SEE_VULNERABILITIES,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-machines-by-vulnerability",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            cve_id: "CVE-2019-0608".to_owned(),
        }
    }

    fn example_output() -> Listed<MachineReference> {
        lists::example(include_str!(
            "../fixtures/list-vulnerability-machines.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("cve_id", &self.cve_id)?]))
    }
}
