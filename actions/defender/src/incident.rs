//! What operations on incidents of Defender XDR give back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::{AlertComment, VendorTime};
use crate::enums::{AlertSeverity, Classification, InvestigationState, Word};
use crate::incidents::{IncidentDetermination, IncidentStatus};

/// An incident of Defender XDR: alerts that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// The id of the incident.
    pub incident_id: i64,
    /// The incident it was merged into.
    pub redirect_incident_id: Option<i64>,
    /// One line.
    pub incident_name: Option<String>,
    /// When it began.
    pub created_time: Option<VendorTime>,
    /// When it last changed; what polls go by.
    pub last_update_time: Option<VendorTime>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// How severe it is.
    pub severity: Option<Word<AlertSeverity>>,
    /// How far it has been dealt with; `Redirected` when it was merged into another.
    pub status: Option<Word<IncidentStatus>>,
    /// The verdict.
    pub classification: Option<Word<Classification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<IncidentDetermination>>,
    /// What detected it.
    pub detection_source: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What people said about it.
    #[serde(default)]
    pub comments: Vec<AlertComment>,
    /// The incidents that were asked for and merged into this one, the first one first.
    #[serde(default)]
    pub merged_from: Vec<i64>,
    /// Its alerts.
    #[serde(default)]
    pub alerts: Vec<IncidentAlert>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentAlert {
    /// The id of the alert.
    pub alert_id: String,
    /// Its id in the product that raised it.
    pub provider_alert_id: Option<String>,
    /// The incident.
    pub incident_id: Option<i64>,
    /// The product that raised it, such as `MicrosoftDefenderATP` or `OfficeATP`.
    pub service_source: Option<String>,
    /// When it was raised.
    pub creation_time: Option<VendorTime>,
    /// When it last changed.
    pub last_updated_time: Option<VendorTime>,
    /// When it was resolved.
    pub resolved_time: Option<VendorTime>,
    /// The earliest event behind it.
    pub first_activity: Option<VendorTime>,
    /// The latest event behind it.
    pub last_activity: Option<VendorTime>,
    /// One line.
    pub title: Option<String>,
    /// The long text.
    pub description: Option<String>,
    /// The stage of the attack.
    pub category: Option<String>,
    /// How far it has been dealt with: `New`, `Active`, `InProgress` or `Resolved`.
    pub status: Option<String>,
    /// How severe it is.
    pub severity: Option<Word<AlertSeverity>>,
    /// Its automated investigation.
    pub investigation_id: Option<i64>,
    /// The state of that investigation.
    pub investigation_state: Option<Word<InvestigationState>>,
    /// The verdict.
    pub classification: Option<Word<Classification>>,
    /// The reason of the verdict.
    pub determination: Option<Word<IncidentDetermination>>,
    /// What detected it.
    pub detection_source: Option<String>,
    /// The detector.
    pub detector_id: Option<String>,
    /// Who deals with it.
    pub assigned_to: Option<String>,
    /// The adversary.
    pub actor_name: Option<String>,
    /// The family of the malware.
    pub threat_family_name: Option<String>,
    /// Techniques of ATT&CK.
    #[serde(default)]
    pub mitre_techniques: Vec<String>,
    /// The devices it is about.
    #[serde(default)]
    pub devices: Vec<IncidentDevice>,
    /// What it rests on.
    #[serde(default)]
    pub entities: Vec<IncidentEntity>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A device of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentDevice {
    /// The device in Defender for Endpoint: what its actions take as `machine_id`.
    #[schemars(extend("x-vendor-name" = "DeviceId"))]
    pub mdatp_device_id: Option<String>,
    /// The device in the directory.
    pub aad_device_id: Option<String>,
    /// Its DNS name.
    pub device_dns_name: Option<String>,
    /// Its operating system.
    pub os_platform: Option<String>,
    /// The version of that.
    pub version: Option<String>,
    /// Its processor.
    pub os_processor: Option<String>,
    /// The build of the operating system.
    pub os_build: Option<i64>,
    /// How its sensor is doing.
    pub health_status: Option<String>,
    /// The risk the service sees.
    pub risk_score: Option<String>,
    /// The name of its device group.
    pub rbac_group_name: Option<String>,
    /// The id of its device group.
    pub rbac_group_id: Option<i64>,
    /// When it was first seen.
    pub first_seen: Option<VendorTime>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// One thing an alert of an incident rests on; `entity_type` says which fields are set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentEntity {
    /// `User`, `Ip`, `Url`, `File`, `Process`, `MailBox`, `MailMessage`, `MailCluster`, `Registry`
    /// or `SecurityGroup`.
    pub entity_type: Option<String>,
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
    /// An address.
    pub ip_address: Option<String>,
    /// A link.
    pub url: Option<String>,
    /// An account.
    pub account_name: Option<String>,
    /// Its domain.
    pub domain_name: Option<String>,
    /// Its security identifier.
    pub user_sid: Option<String>,
    /// Its id in the directory: what the actions on users take as `user_id`.
    pub aad_user_id: Option<String>,
    /// Its user principal name.
    pub user_principal_name: Option<String>,
    /// The name of a mailbox.
    pub mailbox_display_name: Option<String>,
    /// The address of the mailbox.
    pub mailbox_address: Option<String>,
    /// What the messages of a cluster share.
    pub cluster_by: Option<String>,
    /// Who sent a message.
    pub sender: Option<String>,
    /// Who got it.
    pub recipient: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// What delivery did with it.
    pub delivery_action: Option<String>,
    /// A group.
    pub security_group_id: Option<String>,
    /// The name of the group.
    pub security_group_name: Option<String>,
    /// The hive of a registry key.
    pub registry_hive: Option<String>,
    /// The key.
    pub registry_key: Option<String>,
    /// The type of a value in it.
    pub registry_value_type: Option<String>,
    /// The value.
    pub registry_value: Option<String>,
    /// The device it is on.
    pub device_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
