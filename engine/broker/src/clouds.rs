//! Clouds, their token services, API hosts and token audiences, as a table.

use actions_contract::Api;
use schemars::JsonSchema;
use serde::Deserialize;

/// A Microsoft cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// The worldwide cloud.
    #[default]
    Public,
    /// US government, moderate: worldwide sign-in and Graph, own Defender hosts.
    Gcc,
    /// US government, high.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
}

/// What the vendor documents about an API in one cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiFacts {
    /// Where requests go.
    pub(crate) base_url: &'static str,
    /// What is asked of the token service. The audience of Defender in the government clouds is
    /// not documented, so there the configuration has to say it.
    pub(crate) scope: Option<&'static str>,
    /// What the `aud` claim of its tokens may be, beside the resource that the scope names.
    pub(crate) audiences: &'static [&'static str],
}

impl Cloud {
    /// The word for it in the configuration.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Gcc => "gcc",
            Self::GccHigh => "gcc_high",
            Self::Dod => "dod",
            Self::China => "china",
        }
    }

    /// The token service.
    pub(crate) const fn authority(self) -> &'static str {
        match self {
            Self::Public | Self::Gcc => "https://login.microsoftonline.com",
            Self::GccHigh | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// For whom a token has to be that stands for an application.
    pub(crate) const fn exchange_audience(self) -> &'static str {
        match self {
            Self::Public | Self::Gcc => "api://AzureADTokenExchange",
            Self::GccHigh | Self::Dod => "api://AzureADTokenExchangeUSGov",
            Self::China => "api://AzureADTokenExchangeChina",
        }
    }

    /// Where its key vaults are, which is also whom their tokens are for.
    pub(crate) const fn vault_domain(self) -> &'static str {
        match self {
            Self::Public | Self::Gcc => "vault.azure.net",
            Self::GccHigh | Self::Dod => "vault.usgovcloudapi.net",
            Self::China => "vault.azure.cn",
        }
    }

    /// The facts of an API in this cloud; none where it is not offered.
    pub(crate) fn api(self, api: Api) -> Option<ApiFacts> {
        APIS.iter()
            .find(|(clouds, known, _)| *known == api && clouds.contains(&self))
            .map(|(_, _, facts)| *facts)
    }
}

/// Defender for Endpoint and XDR share a host; the audience of the token tells them apart.
const APIS: &[(&[Cloud], Api, ApiFacts)] = &[
    (
        &[Cloud::Public],
        Api::Mde,
        ApiFacts {
            base_url: "https://api.security.microsoft.com",
            scope: Some("https://api.securitycenter.microsoft.com/.default"),
            audiences: &[
                // The older name, still in the vendor's samples.
                "https://securitycenter.onmicrosoft.com/windowsatpservice",
                "fc780465-2017-40d4-a0c5-307022471b92",
            ],
        },
    ),
    (
        &[Cloud::Public],
        Api::Xdr,
        ApiFacts {
            base_url: "https://api.security.microsoft.com",
            scope: Some("https://api.security.microsoft.com/.default"),
            audiences: &["8ee8fdad-f234-4243-8f3b-15c294843740"],
        },
    ),
    (
        &[Cloud::Gcc],
        Api::Mde,
        unscoped("https://api-gcc.securitycenter.microsoft.us"),
    ),
    (
        &[Cloud::Gcc],
        Api::Xdr,
        unscoped("https://api-gcc.security.microsoft.us"),
    ),
    (
        &[Cloud::GccHigh, Cloud::Dod],
        Api::Mde,
        unscoped("https://api-gov.securitycenter.microsoft.us"),
    ),
    (
        &[Cloud::GccHigh, Cloud::Dod],
        Api::Xdr,
        unscoped("https://api-gov.security.microsoft.us"),
    ),
    (
        &[Cloud::Public, Cloud::Gcc],
        Api::Graph,
        graph(
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/.default",
        ),
    ),
    (
        &[Cloud::GccHigh],
        Api::Graph,
        graph(
            "https://graph.microsoft.us",
            "https://graph.microsoft.us/.default",
        ),
    ),
    (
        &[Cloud::Dod],
        Api::Graph,
        graph(
            "https://dod-graph.microsoft.us",
            "https://dod-graph.microsoft.us/.default",
        ),
    ),
    (
        &[Cloud::China],
        Api::Graph,
        graph(
            "https://microsoftgraph.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn/.default",
        ),
    ),
];

const fn graph(base_url: &'static str, scope: &'static str) -> ApiFacts {
    let audiences = &["00000003-0000-0000-c000-000000000000"];
    ApiFacts {
        base_url,
        scope: Some(scope),
        audiences,
    }
}

const fn unscoped(base_url: &'static str) -> ApiFacts {
    ApiFacts {
        base_url,
        scope: None,
        audiences: &[],
    }
}

/// Domains that only the broker itself may call, since a bearer token or a client secret means
/// something there; a leading dot stands for every host below.
pub(crate) const DOORS: &[&str] = &[
    ".chinacloudapi.cn",
    ".login.microsoftonline.com",
    ".microsoftonline.cn",
    ".security.microsoft.com",
    ".security.microsoft.us",
    ".securitycenter.microsoft.com",
    ".securitycenter.microsoft.us",
    ".securitycenter.windows.com",
    ".vault.azure.cn",
    ".vault.azure.net",
    ".vault.usgovcloudapi.net",
    "dod-graph.microsoft.us",
    "graph.microsoft.com",
    "graph.microsoft.us",
    "graph.windows.net",
    "login.microsoft.com",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.windows.net",
    "sts.windows.net",
];
