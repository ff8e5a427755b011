//! The normalised alert: one shape for every source, the vendor's own JSON kept under `raw`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, TenantId, Timestamp};

/// Where an alert came from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertSource {
    /// An alert of Microsoft Defender for Endpoint.
    Mde,
    /// An incident of Microsoft Defender XDR.
    Xdr,
    /// An `alerts_v2` alert of Microsoft Graph security.
    GraphAlerts,
    /// An incident of Microsoft Graph security.
    GraphIncidents,
    /// Records of the streaming API.
    Stream,
    /// An alert already in the normalised shape.
    Api,
}

impl AlertSource {
    /// Every source.
    pub const ALL: [Self; 6] = [
        Self::Mde,
        Self::Xdr,
        Self::GraphAlerts,
        Self::GraphIncidents,
        Self::Stream,
        Self::Api,
    ];

    /// The word for it in playbooks, paths and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mde => "mde",
            Self::Xdr => "xdr",
            Self::GraphAlerts => "graph_alerts",
            Self::GraphIncidents => "graph_incidents",
            Self::Stream => "stream",
            Self::Api => "api",
        }
    }
}

/// What makes an alert the same alert: tenant, source and the source's id.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct AlertKey {
    /// The tenant the alert belongs to.
    pub tenant: TenantId,
    /// The source it came from.
    pub source: AlertSource,
    /// The source's own id.
    pub id: String,
}

/// An alert as playbooks see it.
///
/// The first seven fields are always there; the others may be null. Enumerations are snake_case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The source's own id.
    pub id: String,
    /// The tenant the alert belongs to.
    pub tenant: TenantId,
    /// The source it came from.
    pub source: AlertSource,
    /// When the source raised it.
    pub created_at: Timestamp,
    /// When the source last changed it.
    pub updated_at: Timestamp,
    /// One line for people.
    pub title: String,
    /// `informational`, `low`, `medium`, `high`, `critical` or `unspecified`.
    #[schemars(extend("enum" = [
        "informational", "low", "medium", "high", "critical", "unspecified"
    ]))]
    pub severity: String,
    /// The kind of attack, in the source's words: `Malware`, `LateralMovement`.
    #[serde(default)]
    pub category: Option<String>,
    /// `unknown`, `new`, `in_progress` or `resolved`.
    #[serde(default)]
    pub status: Option<String>,
    /// `true_positive`, `informational_expected_activity` or `false_positive`.
    #[serde(default)]
    pub classification: Option<String>,
    /// The device the alert is about.
    #[serde(default)]
    pub device: Option<Device>,
    /// The user the alert is about.
    #[serde(default)]
    pub user: Option<User>,
    /// The file the alert is about.
    #[serde(default)]
    pub file: Option<FileEntity>,
    /// Everything else the alert names.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// The vendor's JSON, untouched.
    #[serde(default)]
    pub raw: Value,
}

impl Alert {
    /// The identity of the alert.
    #[must_use]
    pub fn key(&self) -> AlertKey {
        AlertKey {
            tenant: self.tenant.clone(),
            source: self.source,
            id: self.id.clone(),
        }
    }

    /// The digest of the content: the same digest again is the same revision.
    ///
    /// The vendor's JSON is what counts; an alert that came in the normalised shape has none, and
    /// counts by its own fields.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let content = if self.raw.is_null() {
            serde_json::to_vec(self)
        } else {
            serde_json::to_vec(&self.raw)
        };
        Digest::of(&content.expect("an alert holds only values that serialise"))
    }
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The source's id of the device: the machine id for Defender for Endpoint.
    #[serde(default)]
    pub id: Option<String>,
    /// The device's DNS name.
    #[serde(default)]
    pub name: Option<String>,
    /// Tags of the device, where the source gives them.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The directory's object id.
    #[serde(default)]
    pub id: Option<String>,
    /// The account name.
    #[serde(default)]
    pub name: Option<String>,
    /// The account's domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// The user principal name.
    #[serde(default)]
    pub upn: Option<String>,
    /// The security identifier.
    #[serde(default)]
    pub sid: Option<String>,
}

/// A file; with several in one alert the first one, and the hashes of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntity {
    /// The file name.
    #[serde(default)]
    pub name: Option<String>,
    /// The folder the file was seen in.
    #[serde(default)]
    pub path: Option<String>,
    /// SHA-1 in lower-case hex.
    #[serde(default)]
    pub sha1: Option<String>,
    /// SHA-256 in lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// SHA-256 of every file the alert names, without repetition.
    #[serde(default)]
    pub sha256_list: Vec<String>,
}

/// One thing an alert names; `kind` says which of the fields are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// `device`, `user`, `file`, `process`, `ip`, `url`, `mail` or `registry`.
    pub kind: String,
    /// An address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Ip>,
    /// A URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// A user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileEntity>,
    /// The command line of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// The parent of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<FileEntity>,
}

/// An IP address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ip {
    /// The address as text.
    pub address: String,
}
