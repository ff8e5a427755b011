//! Exports that come as records: configuration, software, vulnerabilities.

use actions_contract::{ActionError, Confidence, Endpoint, Request};
use engine_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{
    SecureConfigurationRecord, SoftwareInventoryRecord, SoftwareVulnerabilityRecord,
};
use crate::lists::{self, Collection, Listed, Part};
use crate::{EXPORT_RATE, LOOK, SEE_SOFTWARE, SEE_VULNERABILITIES, within};

/// Reads how every device stands to every recommended configuration, as of the last daily export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSecureConfigurationAssessment {
    /// How many records one request asks for; 50,000 where it is not given, which are slow to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200000))]
    pub page_size: Option<u32>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ExportSecureConfigurationAssessment {
    type Entry = SecureConfigurationRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-secure-configuration-assessment",
        title: "Export secure configuration records",
        path: "/api/machines/SecureConfigurationsAssessmentByMachine",
        permissions: SEE_VULNERABILITIES,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-assessment-secure-config",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            page_size: Some(2000),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SecureConfigurationRecord> {
        lists::example(include_str!(
            "../fixtures/export-secure-configuration-assessment.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let size = self
            .page_size
            .map(|size| within("page_size", size, 200_000))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("pageSize", size.map(|size| size.to_string())))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads every product on every device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSoftwareInventoryAssessment {
    /// How many records one request asks for; 50,000 where it is not given, which are slow to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200000))]
    pub page_size: Option<u32>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ExportSoftwareInventoryAssessment {
    type Entry = SoftwareInventoryRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-software-inventory-assessment",
        title: "Export software records",
        path: "/api/machines/SoftwareInventoryByMachine",
        permissions: SEE_SOFTWARE,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-software-inventory"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            page_size: Some(2000),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SoftwareInventoryRecord> {
        lists::example(include_str!(
            "../fixtures/export-software-inventory-assessment.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let size = self
            .page_size
            .map(|size| within("page_size", size, 200_000))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("pageSize", size.map(|size| size.to_string())))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads every product on every device that has no number in the Common Platform Enumeration;
/// vulnerabilities of it are not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportNonCpeSoftwareInventory {
    /// How many records one request asks for; 50,000 where it is not given, which are slow to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200000))]
    pub page_size: Option<u32>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ExportNonCpeSoftwareInventory {
    type Entry = SoftwareInventoryRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-non-cpe-software-inventory",
        title: "Export records of software without a product code",
        path: "/api/machines/SoftwareInventoryNoProductCodeByMachine",
        permissions: SEE_SOFTWARE,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-non-cpe-software-inventory"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            page_size: Some(2000),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SoftwareInventoryRecord> {
        lists::example(include_str!(
            "../fixtures/export-non-cpe-software-inventory.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let size = self
            .page_size
            .map(|size| within("page_size", size, 200_000))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("pageSize", size.map(|size| size.to_string())))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads every vulnerability of every product on every device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSoftwareVulnerabilitiesAssessment {
    /// How many records one request asks for; 50,000 where it is not given, which are slow to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200000))]
    pub page_size: Option<u32>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ExportSoftwareVulnerabilitiesAssessment {
    type Entry = SoftwareVulnerabilityRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-software-vulnerabilities-assessment",
        title: "Export vulnerability records",
        path: "/api/machines/SoftwareVulnerabilitiesByMachine",
        permissions: SEE_VULNERABILITIES,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-software-vulnerabilities"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            page_size: Some(2000),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SoftwareVulnerabilityRecord> {
        lists::example(include_str!(
            "../fixtures/export-software-vulnerabilities-assessment.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let size = self
            .page_size
            .map(|size| within("page_size", size, 200_000))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("pageSize", size.map(|size| size.to_string())))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads what has changed about vulnerabilities on devices since a point in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSoftwareVulnerabilitiesDelta {
    /// Since when; at most 14 days ago.
    pub since_time: Timestamp,
    /// How many records one request asks for; 50,000 where it is not given, which are slow to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200000))]
    pub page_size: Option<u32>,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ExportSoftwareVulnerabilitiesDelta {
    type Entry = SoftwareVulnerabilityRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-software-vulnerabilities-delta",
        title: "Export changes of vulnerabilities",
        path: "/api/machines/SoftwareVulnerabilityChangesByMachine",
        permissions: SEE_VULNERABILITIES,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-software-vulnerabilities"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            since_time: Timestamp::from_ms(1_610_000_000_000),
            page_size: Some(2000),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<SoftwareVulnerabilityRecord> {
        lists::example(include_str!(
            "../fixtures/export-software-vulnerabilities-delta.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        let size = self
            .page_size
            .map(|size| within("page_size", size, 200_000))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query("sinceTime", self.since_time.to_string())
            .with_query_if("pageSize", size.map(|size| size.to_string())))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}
