//! Mail: what Defender analysed, and what lies in mailboxes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::VendorTime;

/// A message that Defender for Office 365 has looked at, for one recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzedEmail {
    /// The id of the message for this recipient.
    pub id: String,
    /// The message, as Exchange counts them.
    pub network_message_id: Option<String>,
    /// The message, by its header.
    pub internet_message_id: Option<String>,
    /// When it was looked at.
    pub logged_date_time: Option<VendorTime>,
    /// Who got it.
    pub recipient_email_address: Option<String>,
    /// The recipient: what the address resolves to.
    pub recipient_detail: Option<Map<String, Value>>,
    /// The sender: address, domain, where it was sent from.
    pub sender_detail: Option<Map<String, Value>>,
    /// Where bounces go.
    pub return_path: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// How large it is.
    pub size_in_bytes: Option<i64>,
    /// `inbound`, `outbound` or `intraOrg`.
    pub directionality: Option<String>,
    /// What happened at delivery.
    pub original_delivery: Option<EmailDelivery>,
    /// What happened last.
    pub latest_delivery: Option<EmailDelivery>,
    /// What was found in it, such as `phish` or `malware`.
    #[serde(default)]
    pub threat_types: Vec<String>,
    /// What was found, and how.
    #[serde(default)]
    pub threat_detection_details: Vec<Map<String, Value>>,
    /// How it was found.
    #[serde(default)]
    pub detection_methods: Vec<String>,
    /// How sure it is that it is phishing.
    pub phish_confidence_level: Option<String>,
    /// The spam level.
    pub spam_confidence_level: Option<String>,
    /// How often such mail is complained about.
    pub bulk_complaint_level: Option<String>,
    /// SPF, DKIM and DMARC.
    pub authentication_details: Option<Map<String, Value>>,
    /// The policy that applied.
    pub policy: Option<String>,
    /// What the policy did.
    pub policy_action: Option<String>,
    /// The kind of the policy.
    pub policy_type: Option<String>,
    /// What overruled the verdict.
    pub primary_override_source: Option<String>,
    /// All that overruled it.
    #[serde(default)]
    pub override_sources: Vec<String>,
    /// What else is known, such as priority accounts.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// The client it was sent with.
    pub client_type: Option<String>,
    /// The list it was sent to.
    pub distribution_list: Option<String>,
    /// The cluster of messages like it.
    pub email_cluster_id: Option<String>,
    /// Where it was forwarded.
    pub forwarding_detail: Option<String>,
    /// The connector it came through.
    pub inbound_connector_formatted_name: Option<String>,
    /// Rules that applied.
    #[serde(default)]
    pub exchange_transport_rules: Vec<Map<String, Value>>,
    /// Rules against leaks that applied.
    #[serde(default)]
    pub dlp_rules: Vec<Map<String, Value>>,
    /// Alerts about it.
    #[serde(default)]
    pub alert_ids: Vec<String>,
    /// Its files, with name, type, size and SHA-256.
    #[serde(default)]
    pub attachments: Vec<Map<String, Value>>,
    /// Its links.
    #[serde(default)]
    pub urls: Vec<Map<String, Value>>,
    /// What happened to it after delivery.
    #[serde(default)]
    pub timeline_events: Vec<Map<String, Value>>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailDelivery {
    /// What was done with it, such as `delivered`, `junked` or `blocked`.
    pub action: Option<String>,
    /// Where it lies, such as `inbox`, `junkFolder` or `quarantine`.
    pub location: Option<String>,
    /// What was found in it at that time.
    pub latest_threats: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The id of the message in this folder; moving it gives it another.
    pub id: String,
    /// Its subject.
    pub subject: Option<String>,
    /// Who it says it is from.
    pub from: Option<Recipient>,
    /// The account that sent it.
    pub sender: Option<Recipient>,
    /// Who it was sent to.
    #[serde(default)]
    pub to_recipients: Vec<Recipient>,
    /// Who got a copy.
    #[serde(default)]
    pub cc_recipients: Vec<Recipient>,
    /// Who got a blind copy.
    #[serde(default)]
    pub bcc_recipients: Vec<Recipient>,
    /// Where answers go.
    #[serde(default)]
    pub reply_to: Vec<Recipient>,
    /// When it arrived.
    pub received_date_time: Option<VendorTime>,
    /// When it was sent.
    pub sent_date_time: Option<VendorTime>,
    /// When it came into the mailbox.
    pub created_date_time: Option<VendorTime>,
    /// When it last changed.
    pub last_modified_date_time: Option<VendorTime>,
    /// The message, by its header; the same in every mailbox.
    pub internet_message_id: Option<String>,
    /// The conversation it belongs to.
    pub conversation_id: Option<String>,
    /// The folder it lies in.
    pub parent_folder_id: Option<String>,
    /// Its text.
    pub body: Option<ItemBody>,
    /// The first 255 characters of its text.
    pub body_preview: Option<String>,
    /// Whether files are attached.
    pub has_attachments: Option<bool>,
    /// `low`, `normal` or `high`.
    pub importance: Option<String>,
    /// `focused` or `other`.
    pub inference_classification: Option<String>,
    /// Whether it was read.
    pub is_read: Option<bool>,
    /// Whether it was never sent.
    pub is_draft: Option<bool>,
    /// Whether the sender wants to know of its delivery.
    pub is_delivery_receipt_requested: Option<bool>,
    /// Whether the sender wants to know that it was read.
    pub is_read_receipt_requested: Option<bool>,
    /// Its categories.
    #[serde(default)]
    pub categories: Vec<String>,
    /// How it is flagged.
    pub flag: Option<Map<String, Value>>,
    /// The message in the browser.
    pub web_link: Option<String>,
    /// Its version.
    pub change_key: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An address with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The address.
    pub email_address: Option<EmailAddress>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An address with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailAddress {
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub address: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemBody {
    /// `text` or `html`.
    pub content_type: Option<String>,
    /// The text.
    pub content: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A rule of an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxRule {
    /// The id of the rule.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// Its place among the rules, from 1.
    pub sequence: Option<i64>,
    /// Whether it applies.
    pub is_enabled: Option<bool>,
    /// Whether it is broken.
    pub has_error: Option<bool>,
    /// Whether clients may not change it.
    pub is_read_only: Option<bool>,
    /// When it applies.
    pub conditions: Option<Map<String, Value>>,
    /// What it does; `forwardTo`, `redirectTo` and `delete` are what attackers use.
    pub actions: Option<Map<String, Value>>,
    /// When it does not apply after all.
    pub exceptions: Option<Map<String, Value>>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
