//! Exports that come as files: configuration, software, vulnerabilities, extensions.

use actions_contract::{ActionError, Call, Confidence, Endpoint, Operation, Request, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::ExportFiles;
use crate::{FILE_EXPORT_RATE, LOOK, SEE_SOFTWARE, SEE_VULNERABILITIES, within};

/// Gets links to files that hold how every device stands to every recommended configuration.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSecureConfigurationAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportSecureConfigurationAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-secure-configuration-assessment-files",
        title: "Export secure configuration files",
        path: "/api/machines/SecureConfigurationsAssessmentExport",
        permissions: SEE_VULNERABILITIES,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/defender-endpoint/api/get-assessment-secure-config",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            sas_valid_hours: Some(2),
        }
    }

    fn example_output() -> ExportFiles {
        read::example(include_str!(
            "../fixtures/export-secure-configuration-assessment-files.response.json"
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

/// Gets links to files that hold every product on every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSoftwareInventoryAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportSoftwareInventoryAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-software-inventory-assessment-files",
        title: "Export software files",
        path: "/api/machines/SoftwareInventoryExport",
        permissions: SEE_SOFTWARE,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-software-inventory"
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
            "../fixtures/export-software-inventory-assessment-files.response.json"
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

/// Gets links to files that hold every product on every device that has no number in the Common
/// Platform Enumeration.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportNonCpeSoftwareInventoryFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportNonCpeSoftwareInventoryFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-non-cpe-software-inventory-files",
        title: "Export files of software without a product code",
        path: "/api/machines/SoftwareInventoryNonCpeExport",
        permissions: SEE_SOFTWARE,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-non-cpe-software-inventory"
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
            "../fixtures/export-non-cpe-software-inventory-files.response.json"
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

/// Gets links to files that hold every vulnerability of every product on every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSoftwareVulnerabilitiesAssessmentFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportSoftwareVulnerabilitiesAssessmentFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-software-vulnerabilities-assessment-files",
        title: "Export vulnerability files",
        path: "/api/machines/SoftwareVulnerabilitiesExport",
        permissions: SEE_VULNERABILITIES,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-software-vulnerabilities"
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
            "../fixtures/export-software-vulnerabilities-assessment-files.response.json"
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

/// Gets links to files that hold every extension of a browser on every device.
///
/// Each link is a key to its file. `defender.download-export-file` fetches one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportBrowserExtensionsInventoryFiles {
    /// How many hours the links hold; 1 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 24))]
    pub sas_valid_hours: Option<u32>,
}

impl Operation for ExportBrowserExtensionsInventoryFiles {
    type Output = ExportFiles;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.export-browser-extensions-inventory-files",
        title: "Export browser extension files",
        path: "/api/machines/BrowserExtensionsExport",
        permissions: SEE_SOFTWARE,
        rate: FILE_EXPORT_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-browser-extensions"
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
            "../fixtures/export-browser-extensions-inventory-files.response.json"
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
