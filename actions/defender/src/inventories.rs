//! Exports that come as records: extensions, certificates, baselines, hardware.

use actions_contract::{ActionError, Confidence, Endpoint, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{
    BaselineComplianceRecord, BrowserExtensionRecord, CertificateRecord, HardwareFirmwareRecord,
};
use crate::lists::{self, Collection, Listed, Part};
use crate::{EXPORT_RATE, LOOK, SEE_BASELINES, SEE_SOFTWARE, within};

/// Reads every extension of a browser on every device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportBrowserExtensionsInventory {
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

impl Collection for ExportBrowserExtensionsInventory {
    type Entry = BrowserExtensionRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-browser-extensions-inventory",
        title: "Export browser extension records",
        path: "/api/Machines/BrowserExtensionsInventoryByMachine",
        permissions: SEE_SOFTWARE,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-browser-extensions"
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

    fn example_output() -> Listed<BrowserExtensionRecord> {
        lists::example(include_str!(
            "../fixtures/export-browser-extensions-inventory.response.json"
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

/// Reads every certificate on every device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportCertificateInventoryAssessment {
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

impl Collection for ExportCertificateInventoryAssessment {
    type Entry = CertificateRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-certificate-inventory-assessment",
        title: "Export certificate records",
        path: "/api/machines/certificateAssessmentByMachine",
        permissions: SEE_SOFTWARE,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-certificate-inventory-assessment"
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

    fn example_output() -> Listed<CertificateRecord> {
        lists::example(include_str!(
            "../fixtures/export-certificate-inventory-assessment.response.json"
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

/// Reads how every device stands to every configuration of the baselines in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSecurityBaselineAssessment {
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

impl Collection for ExportSecurityBaselineAssessment {
    type Entry = BaselineComplianceRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-security-baseline-assessment",
        title: "Export baseline records",
        path: "/api/machines/baselineComplianceAssessmentByMachine",
        permissions: SEE_BASELINES,
        rate: EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-security-baseline-assessment"
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

    fn example_output() -> Listed<BaselineComplianceRecord> {
        lists::example(include_str!(
            "../fixtures/export-security-baseline-assessment.response.json"
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

/// Reads the parts of every device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportHardwareFirmwareAssessment {
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

impl Collection for ExportHardwareFirmwareAssessment {
    type Entry = HardwareFirmwareRecord;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-hardware-firmware-assessment",
        title: "Export hardware and firmware records",
        path: "/api/machines/HardwareFirmwareInventoryByMachine",
        permissions: SEE_SOFTWARE,
        rate: EXPORT_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-firmware-hardware-assessment"
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

    fn example_output() -> Listed<HardwareFirmwareRecord> {
        lists::example(include_str!(
            "../fixtures/export-hardware-firmware-assessment.response.json"
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
