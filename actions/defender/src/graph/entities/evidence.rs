//! What alerts of Microsoft Graph rest on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::VendorTime;
use crate::enums::Word;
use crate::graph::enums::{EvidenceRole, RemediationStatus, Verdict};

/// One thing an alert rests on; `odata_type` says which fields are set.
///
/// The vendor knows some fifty kinds. Devices, files, processes, accounts, addresses, mail,
/// applications and registry entries are typed here; what only rarer kinds have is under `extra`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is, such as `#microsoft.graph.security.deviceEvidence`.
    #[schemars(extend("x-vendor-name" = "@odata.type"))]
    pub odata_type: Option<String>,
    /// When it was attached.
    pub created_date_time: Option<VendorTime>,
    /// What the automated investigation thinks of it.
    pub verdict: Option<Word<Verdict>>,
    /// What was done about it.
    pub remediation_status: Option<Word<RemediationStatus>>,
    /// More on that.
    pub remediation_status_details: Option<String>,
    /// Its part in the attack.
    #[serde(default)]
    pub roles: Vec<Word<EvidenceRole>>,
    /// The same in words.
    #[serde(default)]
    pub detailed_roles: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The device in Defender for Endpoint: what its actions take as `machine_id`.
    pub mde_device_id: Option<String>,
    /// The device in the directory.
    pub azure_ad_device_id: Option<String>,
    /// The DNS name of the device.
    pub device_dns_name: Option<String>,
    /// The name of the device without its domain.
    pub host_name: Option<String>,
    /// The Windows domain of the device.
    pub nt_domain: Option<String>,
    /// The DNS domain of the device.
    pub dns_domain: Option<String>,
    /// The operating system.
    pub os_platform: Option<String>,
    /// Its build.
    pub os_build: Option<i64>,
    /// Its version.
    pub version: Option<String>,
    /// How the sensor is doing.
    pub health_status: Option<String>,
    /// The risk the service sees.
    pub risk_score: Option<String>,
    /// The id of the device group.
    pub rbac_group_id: Option<i64>,
    /// The name of the device group.
    pub rbac_group_name: Option<String>,
    /// Whether the device reports to the service.
    pub onboarding_status: Option<String>,
    /// Whether the antivirus is on.
    pub defender_av_status: Option<String>,
    /// When the device was first seen.
    pub first_seen_date_time: Option<VendorTime>,
    /// The last address in its own network.
    pub last_ip_address: Option<String>,
    /// The last address towards the internet.
    pub last_external_ip_address: Option<String>,
    /// The addresses of the device.
    #[serde(default)]
    pub ip_interfaces: Vec<String>,
    /// Who was logged on.
    #[serde(default)]
    pub logged_on_users: Vec<LoggedOnUser>,
    /// The virtual machine it is.
    pub vm_metadata: Option<VmMetadata>,
    /// `detected`, `blocked` or `prevented`.
    pub detection_status: Option<String>,
    /// A file.
    pub file_details: Option<FileDetails>,
    /// A process.
    pub process_id: Option<i64>,
    /// Its command line.
    pub process_command_line: Option<String>,
    /// When it started.
    pub process_creation_date_time: Option<VendorTime>,
    /// Its file.
    pub image_file: Option<FileDetails>,
    /// Its parent.
    pub parent_process_id: Option<i64>,
    /// When the parent started.
    pub parent_process_creation_date_time: Option<VendorTime>,
    /// The file of the parent.
    pub parent_process_image_file: Option<FileDetails>,
    /// An account.
    pub user_account: Option<UserAccount>,
    /// An address.
    pub ip_address: Option<String>,
    /// The country of the address.
    pub country_letter_code: Option<String>,
    /// A link.
    pub url: Option<String>,
    /// The hive of a registry key.
    pub registry_hive: Option<String>,
    /// The key.
    pub registry_key: Option<String>,
    /// The name of a value in it.
    pub registry_value_name: Option<String>,
    /// The type of the value.
    pub registry_value_type: Option<String>,
    /// The value.
    pub registry_value: Option<String>,
    /// A mailbox.
    pub primary_address: Option<String>,
    /// The name of a mailbox, a group or an application.
    pub display_name: Option<String>,
    /// The user principal name of the mailbox.
    pub upn: Option<String>,
    /// A message, as Exchange counts them.
    pub network_message_id: Option<String>,
    /// The same message, by its header.
    pub internet_message_id: Option<String>,
    /// Who got it.
    pub recipient_email_address: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Where it came from.
    pub sender_ip: Option<String>,
    /// When it arrived.
    pub received_date_time: Option<VendorTime>,
    /// The sender of the envelope.
    pub p1_sender: Option<EmailSender>,
    /// The sender that people see.
    pub p2_sender: Option<EmailSender>,
    /// What delivery did with it.
    pub delivery_action: Option<String>,
    /// Where it lies.
    pub delivery_location: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// `Inbound`, `Outbound` or `Intra-org`.
    pub anti_spam_direction: Option<String>,
    /// How many files are attached.
    pub attachments_count: Option<i64>,
    /// How many links are in it.
    pub url_count: Option<i64>,
    /// The links.
    #[serde(default)]
    pub urls: Vec<String>,
    /// What was found in it.
    #[serde(default)]
    pub threats: Vec<String>,
    /// How it was found.
    #[serde(default)]
    pub threat_detection_methods: Vec<String>,
    /// The name by which the service tracks it.
    pub urn: Option<String>,
    /// What the messages of a cluster share.
    pub cluster_by: Option<String>,
    /// The value they share.
    pub cluster_by_value: Option<String>,
    /// How many messages are in the cluster.
    pub email_count: Option<i64>,
    /// The messages of the cluster.
    #[serde(default)]
    pub network_message_ids: Vec<String>,
    /// The query that finds them.
    pub query: Option<String>,
    /// A group.
    pub security_group_id: Option<String>,
    /// An application, or its number in Defender for Cloud Apps.
    pub app_id: Option<String>,
    /// The object of an application.
    pub object_id: Option<String>,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// A resource in a cloud.
    pub resource_id: Option<String>,
    /// Its name.
    pub resource_name: Option<String>,
    /// Its type.
    pub resource_type: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDetails {
    /// Its name.
    pub file_name: Option<String>,
    /// Its folder.
    pub file_path: Option<String>,
    /// Its size in bytes.
    pub file_size: Option<i64>,
    /// Who publishes it.
    pub file_publisher: Option<String>,
    /// Its SHA-1.
    pub sha1: Option<String>,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// Who signed it.
    pub signer: Option<String>,
    /// Who issued the certificate.
    pub issuer: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserAccount {
    /// Its name.
    pub account_name: Option<String>,
    /// Its domain.
    pub domain_name: Option<String>,
    /// Its security identifier.
    pub user_sid: Option<String>,
    /// Its id in the directory: what the actions on users take as `user_id`.
    pub azure_ad_user_id: Option<String>,
    /// Its user principal name.
    pub user_principal_name: Option<String>,
    /// Its name, for people.
    pub display_name: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An account that was logged on to a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedOnUser {
    /// Its name.
    pub account_name: Option<String>,
    /// Its domain.
    pub domain_name: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VmMetadata {
    /// Its id.
    pub vm_id: Option<String>,
    /// The cloud, such as `azure`.
    pub cloud_provider: Option<String>,
    /// The resource it is there.
    pub resource_id: Option<String>,
    /// The subscription.
    pub subscription_id: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A sender of mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailSender {
    /// The name.
    pub display_name: Option<String>,
    /// The domain.
    pub domain_name: Option<String>,
    /// The address.
    pub email_address: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
