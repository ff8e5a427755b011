//! What operations give back, as playbooks see it.
//!
//! Every documented field is there, null where the service did not send it; `extra` holds what is
//! not documented.

mod export;
mod health;
mod hunting;
mod indicator;
mod inventory;
mod investigation;
mod library;
mod recommendation;
mod related;
mod scan;
mod statistics;
mod weakness;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::enums::{
    AlertSeverity, AlertStatus, Classification, Determination, DeviceValue, EvidenceType,
    HealthStatus, InvestigationState, Level, MachineActionStatus, MachineActionType,
    OnboardingStatus, Word,
};

pub use export::*;
pub use health::*;
pub use hunting::*;
pub use indicator::*;
pub use inventory::*;
pub use investigation::*;
pub use library::*;
pub use recommendation::*;
pub use related::*;
pub use scan::*;
pub use statistics::*;
pub use weakness::*;

/// An instant as the service wrote it, with all its digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date-time"))]
pub struct VendorTime(pub String);

/// What is known after a request to which the service answers nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// True: the service has accepted the request.
    pub done: bool,
}

impl Done {
    pub(crate) const fn new() -> Self {
        Self { done: true }
    }
}

/// A link that the service gives out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The link as the service writes it, which may be in quotes. It is a key to what it leads to.
    pub value: String,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The id of the device.
    pub id: String,
    /// Its DNS name.
    pub computer_dns_name: Option<String>,
    /// When it was first seen.
    pub first_seen: Option<VendorTime>,
    /// When it last sent a full report; about daily.
    pub last_seen: Option<VendorTime>,
    /// The operating system, such as `Windows11` or `Linux`.
    pub os_platform: Option<String>,
    /// Whether it reports to the service.
    #[schemars(extend("x-vendor-name" = "onboardingstatus"))]
    pub onboarding_status: Option<Word<OnboardingStatus>>,
    /// The processor; `os_architecture` has taken its place.
    pub os_processor: Option<String>,
    /// `32-bit` or `64-bit`.
    pub os_architecture: Option<String>,
    /// The version of the operating system.
    pub version: Option<String>,
    /// The build of the operating system.
    pub os_build: Option<i64>,
    /// The last address in its own network.
    pub last_ip_address: Option<String>,
    /// The last address towards the internet.
    pub last_external_ip_address: Option<String>,
    /// How its sensor is doing.
    pub health_status: Option<Word<HealthStatus>>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// The risk the service sees.
    pub risk_score: Option<Word<Level>>,
    /// How exposed it is.
    pub exposure_level: Option<Word<Level>>,
    /// What it is worth to its owner.
    pub device_value: Option<Word<DeviceValue>>,
    /// Its id in the directory.
    pub aad_device_id: Option<String>,
    /// Whether it has joined the directory.
    pub is_aad_joined: Option<bool>,
    /// Its tags.
    #[serde(default)]
    pub machine_tags: Vec<String>,
    /// Its network interfaces.
    #[serde(default)]
    pub ip_addresses: Vec<NetworkInterface>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A network interface of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkInterface {
    /// Its address.
    pub ip_address: Option<String>,
    /// Its hardware address.
    pub mac_address: Option<String>,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether it is up.
    pub operational_status: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An action on a device, from its submission to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineAction {
    /// The id of the action.
    pub id: String,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: Option<Word<MachineActionType>>,
    /// `Full` or `Selective` for isolation, `Quick` or `Full` for scans.
    pub scope: Option<String>,
    /// Who asked for it.
    pub requestor: Option<String>,
    /// The asker's own id for it.
    pub external_id: Option<String>,
    /// Whether a person or an application asked.
    pub request_source: Option<String>,
    /// The commands of a live response session.
    #[serde(default)]
    pub commands: Vec<LiveResponseCommand>,
    /// Who cancelled it.
    pub cancellation_requestor: Option<String>,
    /// Why it was asked for.
    pub requestor_comment: Option<String>,
    /// Why it was cancelled.
    pub cancellation_comment: Option<String>,
    /// How far it is.
    pub status: Word<MachineActionStatus>,
    /// The device.
    pub machine_id: Option<String>,
    /// The DNS name of the device.
    pub computer_dns_name: Option<String>,
    /// When it was asked for.
    pub creation_date_time_utc: Option<VendorTime>,
    /// When it was cancelled.
    pub cancellation_date_time_utc: Option<VendorTime>,
    /// When its status last changed.
    #[schemars(extend("x-vendor-name" = "lastUpdateTimeUtc"))]
    pub last_update_date_time_utc: Option<VendorTime>,
    /// A title.
    pub title: Option<String>,
    /// The file it is about.
    pub related_file_info: Option<RelatedFile>,
    /// What went wrong on the device; 0 when nothing did.
    pub error_h_result: Option<i64>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The file a machine action is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedFile {
    /// Its hash.
    pub file_identifier: Option<String>,
    /// `Sha1`, `Sha256` or `Md5`.
    pub file_identifier_type: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A command of a live response session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveResponseCommand {
    /// Its place among the commands, from 0.
    pub index: Option<i64>,
    /// When it began.
    pub start_time: Option<VendorTime>,
    /// When it ended.
    pub end_time: Option<VendorTime>,
    /// `Created`, `Completed` or `Failed`.
    pub command_status: Option<String>,
    /// What went wrong.
    #[serde(default)]
    pub errors: Vec<String>,
    /// The command itself: `type` and `params`.
    pub command: Option<Value>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An alert of Defender for Endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefenderAlert {
    /// The id of the alert.
    pub id: String,
    /// One line.
    pub title: Option<String>,
    /// The long text.
    pub description: Option<String>,
    /// When it was raised.
    pub alert_creation_time: Option<VendorTime>,
    /// The latest event behind it.
    pub last_event_time: Option<VendorTime>,
    /// The earliest event behind it.
    pub first_event_time: Option<VendorTime>,
    /// When it last changed.
    pub last_update_time: Option<VendorTime>,
    /// When it was resolved.
    pub resolved_time: Option<VendorTime>,
    /// The incident it belongs to.
    pub incident_id: Option<i64>,
    /// Its automated investigation.
    pub investigation_id: Option<i64>,
    /// The state of that investigation.
    pub investigation_state: Option<Word<InvestigationState>>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// The name of the device group.
    pub rbac_group_name: Option<String>,
    /// Techniques of ATT&CK.
    #[serde(default)]
    pub mitre_techniques: Vec<String>,
    /// The user it is about.
    pub related_user: Option<RelatedUser>,
    /// How severe it is.
    pub severity: Option<Word<AlertSeverity>>,
    /// How far it has been dealt with.
    pub status: Option<Word<AlertStatus>>,
    /// The verdict.
    pub classification: Option<Word<Classification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<Determination>>,
    /// The kind of attack.
    pub category: Option<String>,
    /// What detected it.
    pub detection_source: Option<String>,
    /// The detector.
    pub detector_id: Option<String>,
    /// The family of the malware.
    pub threat_family_name: Option<String>,
    /// The name of the threat.
    pub threat_name: Option<String>,
    /// The device.
    pub machine_id: Option<String>,
    /// The DNS name of the device.
    pub computer_dns_name: Option<String>,
    /// The tenant.
    pub aad_tenant_id: Option<String>,
    /// What people said about it.
    #[serde(default)]
    pub comments: Vec<AlertComment>,
    /// What the alert rests on; in lists only with `expand_evidence`.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The user an alert is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedUser {
    /// The account.
    pub user_name: Option<String>,
    /// Its domain.
    pub domain_name: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What somebody said about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertComment {
    /// The text.
    pub comment: Option<String>,
    /// Who.
    pub created_by: Option<String>,
    /// When.
    pub created_time: Option<VendorTime>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// One thing an alert rests on; `entity_type` says which fields are set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is.
    pub entity_type: Option<Word<EvidenceType>>,
    /// When it was attached.
    pub evidence_creation_time: Option<VendorTime>,
    /// SHA-1 of the file.
    pub sha1: Option<String>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// The name of the file.
    pub file_name: Option<String>,
    /// The folder of the file.
    pub file_path: Option<String>,
    /// The process.
    pub process_id: Option<i64>,
    /// Its command line.
    pub process_command_line: Option<String>,
    /// When it started.
    pub process_creation_time: Option<VendorTime>,
    /// The parent of the process.
    pub parent_process_id: Option<i64>,
    /// When the parent started.
    pub parent_process_creation_time: Option<VendorTime>,
    /// The name of the parent's file.
    pub parent_process_file_name: Option<String>,
    /// The folder of the parent's file.
    pub parent_process_file_path: Option<String>,
    /// An address.
    pub ip_address: Option<String>,
    /// A URL.
    pub url: Option<String>,
    /// A registry key.
    pub registry_key: Option<String>,
    /// The hive of the key.
    pub registry_hive: Option<String>,
    /// The type of the value.
    pub registry_value_type: Option<String>,
    /// The value.
    pub registry_value: Option<String>,
    /// An account.
    pub account_name: Option<String>,
    /// Its domain.
    pub domain_name: Option<String>,
    /// Its security identifier.
    pub user_sid: Option<String>,
    /// Its id in the directory.
    pub aad_user_id: Option<String>,
    /// Its user principal name.
    pub user_principal_name: Option<String>,
    /// `Detected`, `Blocked` or `Prevented`.
    pub detection_status: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
