//! What was handed in to Microsoft to be looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::entities::VendorTime;

/// A message, a link or a file that was handed in; `content_type` says which fields are set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreatSubmission {
    /// What it is, such as `#microsoft.graph.security.urlThreatSubmission`.
    #[schemars(extend("x-vendor-name" = "@odata.type"))]
    pub odata_type: Option<String>,
    /// The id of the submission.
    pub id: String,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// What the one who handed it in thinks it is.
    pub category: Option<String>,
    /// `email`, `url` or `file`.
    pub content_type: Option<String>,
    /// The client it was handed in with.
    pub client_source: Option<String>,
    /// `notStarted`, `running`, `succeeded`, `failed` or `skipped`.
    pub status: Option<String>,
    /// `user` or `administrator`.
    pub source: Option<String>,
    /// When it was handed in.
    pub created_date_time: Option<VendorTime>,
    /// Who handed it in.
    pub created_by: Option<Submitter>,
    /// What came out.
    pub result: Option<SubmissionResult>,
    /// What an administrator made of it.
    pub admin_review: Option<Map<String, Value>>,
    /// What was put on the list of the tenant.
    pub tenant_allow_or_block_list_action: Option<Map<String, Value>>,
    /// Who got the message.
    pub recipient_email_address: Option<String>,
    /// Its subject.
    pub email_subject: Option<String>,
    /// The message, by its header.
    pub internet_message_id: Option<String>,
    /// Who sent it.
    pub sender: Option<String>,
    /// From which address.
    #[schemars(extend("x-vendor-name" = "senderIP"))]
    pub sender_ip: Option<String>,
    /// When it arrived.
    pub received_date_time: Option<VendorTime>,
    /// What it was taken for at delivery.
    pub original_category: Option<String>,
    /// The exercise it belonged to.
    pub attack_simulation_info: Option<Map<String, Value>>,
    /// The link.
    pub web_url: Option<String>,
    /// The name of the file.
    pub file_name: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// Who handed something in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Submitter {
    /// The user.
    pub user: Option<SubmittingUser>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A user who handed something in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmittingUser {
    /// The id of the user.
    pub id: Option<String>,
    /// The id of the user, in answers on submissions.
    pub identity: Option<String>,
    /// The name, for people.
    pub display_name: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What came out of a submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmissionResult {
    /// What it is.
    pub category: Option<String>,
    /// Why, such as `underInvestigation` or `allowedByTenant`.
    pub detail: Option<String>,
    /// Files that were found, with name and hash.
    #[serde(default)]
    pub detected_files: Vec<Map<String, Value>>,
    /// Links that were found.
    #[serde(default)]
    pub detected_urls: Vec<String>,
    /// Settings of the mailbox that mattered.
    pub user_mailbox_setting: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A request to assess a threat; `content_type` says which fields are set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreatAssessment {
    /// What it is, such as `#microsoft.graph.mailAssessmentRequest`.
    #[schemars(extend("x-vendor-name" = "@odata.type"))]
    pub odata_type: Option<String>,
    /// The id of the request.
    pub id: String,
    /// `mail`, `url` or `file`.
    pub content_type: Option<String>,
    /// `spam`, `phishing` or `malware`.
    pub category: Option<String>,
    /// `block` or `unblock`: what should have happened.
    pub expected_assessment: Option<String>,
    /// `pending` or `completed`.
    pub status: Option<String>,
    /// `user` or `administrator`.
    pub request_source: Option<String>,
    /// When it was asked.
    pub created_date_time: Option<VendorTime>,
    /// Who asked.
    pub created_by: Option<Submitter>,
    /// Who got the message.
    pub recipient_email: Option<String>,
    /// Why it went where it went.
    pub destination_routing_reason: Option<String>,
    /// The message in the mailbox.
    pub message_uri: Option<String>,
    /// The content, in Base64.
    pub content_data: Option<String>,
    /// The name of the file.
    pub file_name: Option<String>,
    /// The link.
    pub url: Option<String>,
    /// What came out, where asked for.
    #[serde(default)]
    pub results: Vec<AssessmentResult>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What came out of an assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessmentResult {
    /// The id of the result.
    pub id: Option<String>,
    /// When.
    pub created_date_time: Option<VendorTime>,
    /// `checkPolicy` or `rescan`.
    pub result_type: Option<String>,
    /// What came out.
    pub message: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
