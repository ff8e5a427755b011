//! Baselines, meanings of extension permissions, and the health of antivirus.

use actions_contract::{ActionError, Confidence, Endpoint, Permissions, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entities::{AntivirusHealth, BaselineConfiguration, BaselineProfile, PermissionsPage};
use crate::lists::{self, Collection, Listed, Part};
use crate::{EXPORT_RATE, LOOK, SEE_BASELINES, SEE_SOFTWARE, UNSTATED_RATE};

/// Reads what each permission of browser extensions allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListBrowserExtensionPermissions {
    /// Which ones, over the vendor's field names: `id eq 'tabs'`. Known are id, name, description,
    /// cvssV3, publishedOn, severity and updatedOn.
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

impl Collection for ListBrowserExtensionPermissions {
    type Entry = PermissionsPage;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-browser-extension-permissions",
        title: "List what permissions of extensions mean",
        path: "/api/browserextensions/permissionsinfo",
        permissions: SEE_SOFTWARE,
        rate: UNSTATED_RATE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-browser-extensions-permission-info"
        ),
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("id eq 'tabs'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<PermissionsPage> {
        lists::example(include_str!(
            "../fixtures/list-browser-extension-permissions.response.json"
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

/// Reads the profiles that devices are held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListBaselineProfiles {
    /// Which ones, over the vendor's field names: `operatingSystem eq 'Windows 10'`. Known are id,
    /// name, operatingSystem, operatingSystemVersion, status, settingsNumber, passedDevices and
    /// totalDevices.
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

impl Collection for ListBaselineProfiles {
    type Entry = BaselineProfile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-baseline-profiles",
        title: "List baseline profiles",
        path: "/api/baselineProfiles",
        permissions: SEE_BASELINES,
        rate: UNSTATED_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-security-baselines-assessment-profiles"
        ),
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("operatingSystem eq 'Windows 10'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<BaselineProfile> {
        lists::example(include_str!(
            "../fixtures/list-baseline-profiles.response.json"
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

/// Reads the configurations that baselines want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListBaselineConfigurations {
    /// Which ones, over the vendor's field names: `category eq 'Microsoft Edge'`. Known are id,
    /// category, name and CCE.
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

impl Collection for ListBaselineConfigurations {
    type Entry = BaselineConfiguration;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-baseline-configurations",
        title: "List baseline configurations",
        path: "/api/baselineConfigurations",
        permissions: SEE_BASELINES,
        rate: UNSTATED_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-security-baselines-assessment-configurations"
        ),
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("category eq 'Microsoft Edge'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<BaselineConfiguration> {
        lists::example(include_str!(
            "../fixtures/list-baseline-configurations.response.json"
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

/// Reads how the antivirus of devices is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDeviceAntivirusHealth {
    /// Which ones, over the vendor's field names: `osPlatform eq 'Windows10'`. Known are machineId,
    /// computerDnsName, osKind, osPlatform, osVersion, avMode, avSignatureVersion, avEngineVersion,
    /// avPlatformVersion, quickScanResult, quickScanError, fullScanResult, fullScanError,
    /// avIsSignatureUpToDate, avIsEngineUpToDate, avIsPlatformUpToDate and rbacGroupId.
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

impl Collection for ListDeviceAntivirusHealth {
    type Entry = AntivirusHealth;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-device-antivirus-health",
        title: "List the health of antivirus",
        path: "/api/deviceavinfo",
        permissions: Permissions {
            application: &["Machine.Read.All"],
            delegated: &["Machine.Read"],
        },
        rate: EXPORT_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "device-health-export-antivirus-health-report-api"
        ),
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = lists::PAGE;

    fn example() -> Self {
        Self {
            filter: Some("osPlatform eq 'Windows10'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<AntivirusHealth> {
        lists::example(include_str!(
            "../fixtures/list-device-antivirus-health.response.json"
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
