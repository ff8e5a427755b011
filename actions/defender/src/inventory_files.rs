//! Exports that come as files: certificates, baselines, hardware, health.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::ExportFiles;
use crate::{
    EXPORT_RATE, FILE_EXPORT_RATE, LOOK, SEE_BASELINES, SEE_SOFTWARE, SEE_VULNERABILITIES, within,
};

/// Gets links to files that hold every certificate on every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportCertificateInventoryAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportCertificateInventoryAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-certificate-inventory-assessment-files",
        title: "Export certificate files",
        path: "/api/machines/certificateAssessmentExport",
        permissions: SEE_SOFTWARE,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-certificate-inventory-assessment"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-certificate-inventory-assessment-files.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .sas_valid_hours
            .map(|hours| within("sas_valid_hours", hours, 24))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("sasValidHours", hours.map(|hours| hours.to_string())))
    }
}

/// Gets links to files that hold how every device stands to every configuration of the baselines in
/// use.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSecurityBaselineAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportSecurityBaselineAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-security-baseline-assessment-files",
        title: "Export baseline files",
        path: "/api/machines/BaselineComplianceAssessmentExport",
        permissions: SEE_BASELINES,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-security-baseline-assessment"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-security-baseline-assessment-files.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .sas_valid_hours
            .map(|hours| within("sas_valid_hours", hours, 24))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("sasValidHours", hours.map(|hours| hours.to_string())))
    }
}

/// Gets links to files that hold what was gathered about every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportInformationGatheringFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 6))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportInformationGatheringFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-information-gathering-files",
        title: "Export information gathering files",
        path: "/api/Machines/InfoGatheringExport",
        permissions: SEE_VULNERABILITIES,
        rate: FILE_EXPORT_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-information-gathering"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-information-gathering-files.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .sas_valid_hours
            .map(|hours| within("sas_valid_hours", hours, 6))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("sasValidHours", hours.map(|hours| hours.to_string())))
    }
}

/// Gets links to files that hold the parts of every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportHardwareFirmwareAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportHardwareFirmwareAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-hardware-firmware-assessment-files",
        title: "Export hardware and firmware files",
        path: "/api/machines/HardwareFirmwareInventoryExport",
        permissions: SEE_SOFTWARE,
        rate: FILE_EXPORT_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "export-firmware-hardware-assessment"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-hardware-firmware-assessment-files.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .sas_valid_hours
            .map(|hours| within("sas_valid_hours", hours, 24))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("sasValidHours", hours.map(|hours| hours.to_string())))
    }
}

/// Gets links to files that hold how the antivirus of every device is doing. A preview of the
/// vendor, documented at the path of `defender.export-information-gathering-files`.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportDeviceAntivirusHealthFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportDeviceAntivirusHealthFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-device-antivirus-health-files",
        title: "Export antivirus health files",
        path: "/api/machines/InfoGatheringExport",
        permissions: SEE_VULNERABILITIES,
        rate: EXPORT_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "device-health-export-antivirus-health-report-api"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-device-antivirus-health-files.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let hours = self
            .sas_valid_hours
            .map(|hours| within("sas_valid_hours", hours, 24))
            .transpose()?;
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query_if("sasValidHours", hours.map(|hours| hours.to_string())))
    }
}
