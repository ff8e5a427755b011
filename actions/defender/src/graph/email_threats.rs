//! Messages that are handed in to Microsoft to be looked at.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Idempotency, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::submission::ThreatSubmission;
use super::words::ThreatCategory;
use super::{LOOK, MARK, NoContent, fields};
use crate::lists::{self, Collection, Listed, Part};
use crate::{given, misfit};
use engine_model::Timestamp;

/// What it takes to see submissions.
const SEE: Permissions = Permissions {
    application: &[
        "ThreatSubmission.Read.All",
        "ThreatSubmission.ReadWrite.All",
    ],
    delegated: &[
        "ThreatSubmission.Read.All",
        "ThreatSubmission.ReadWrite.All",
    ],
};

/// What it takes to hand something in.
const HAND_IN: Permissions = Permissions {
    application: &["ThreatSubmission.ReadWrite.All"],
    delegated: &["ThreatSubmission.ReadWrite.All"],
};

/// How a message is handed in; both spellings of the vendor's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EmailForm {
    /// By its link in a mailbox.
    #[serde(rename = "#microsoft.graph.security.emailUrlThreatSubmission")]
    Url,
    /// By its content.
    #[serde(rename = "#microsoft.graph.security.emailContentThreatSubmission")]
    Content,
    /// By its link, as the example of the page spells it.
    #[serde(rename = "#microsoft.graph.emailUrlThreatSubmission")]
    UrlAsShown,
    /// By its content, in that spelling.
    #[serde(rename = "#microsoft.graph.emailContentThreatSubmission")]
    ContentAsShown,
}

/// What is put on the list of what the tenant allows or blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEntry {
    /// Whether it is allowed or blocked.
    pub action: ListAction,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_date_time: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the tenant does with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ListAction {
    /// It lets it through.
    Allow,
    /// It stops it.
    Block,
}

/// Hands in a message that was taken for something it is not.
///
/// The message is named by its link in a mailbox, or given as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitEmailThreat {
    /// How it is handed in; where nothing is said, that follows from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odata_type: Option<EmailForm>,
    /// What it is thought to be.
    pub category: ThreatCategory,
    /// Who got it.
    #[schemars(length(min = 1))]
    pub recipient_email_address: String,
    /// Its link in a mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_url: Option<String>,
    /// The message, in Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_content: Option<String>,
    /// What to put on the list of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_allow_or_block_list_action: Option<ListEntry>,
}

impl Operation for SubmitEmailThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.submit-email-threat",
        title: "Hand in a message",
        path: "/beta/security/threatSubmission/emailThreats",
        idempotency: Idempotency::None,
        permissions: HAND_IN,
        beta: true,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "security-emailthreatsubmission-post-emailthreats",
        ),
        ..MARK
    };

    fn example() -> Self {
        Self {
            odata_type: None,
            category: ThreatCategory::Spam,
            recipient_email_address: "tifc@contoso.onmicrosoft.com".to_owned(),
            message_url: Some(EXAMPLE_MESSAGE.to_owned()),
            file_content: None,
            tenant_allow_or_block_list_action: None,
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!(
            "../../fixtures/submit-email-threat.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            ("@odata.type", json!(self.form()?)),
            ("category", json!(self.category)),
            (
                "recipientEmailAddress",
                json!(given(
                    "recipient_email_address",
                    &self.recipient_email_address
                )?),
            ),
            ("messageUrl", json!(self.message_url)),
            ("fileContent", json!(self.file_content)),
            (
                "tenantAllowOrBlockListAction",
                json!(
                    self.tenant_allow_or_block_list_action
                        .as_ref()
                        .map(ListEntry::body)
                ),
            ),
        ])))
    }
}

impl SubmitEmailThreat {
    fn form(&self) -> Result<EmailForm, ActionError> {
        match (self.odata_type, &self.message_url, &self.file_content) {
            (Some(form), Some(_), None) | (Some(form), None, Some(_)) => Ok(form),
            (None, Some(_), None) => Ok(EmailForm::Url),
            (None, None, Some(_)) => Ok(EmailForm::Content),
            _ => Err(misfit("give either `message_url` or `file_content`")),
        }
    }
}

impl ListEntry {
    fn body(&self) -> Value {
        fields([
            ("action", json!(self.action)),
            ("expirationDateTime", json!(self.expiration_date_time)),
            ("note", json!(self.note)),
        ])
    }
}

/// Reads the messages that were handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEmailThreats {
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListEmailThreats {
    type Entry = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-email-threats",
        title: "List messages that were handed in",
        path: "/beta/security/threatSubmission/emailThreats",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-emailthreatsubmission-list",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<ThreatSubmission> {
        lists::example(include_str!(
            "../../fixtures/list-email-threats.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one message that was handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetEmailThreat {
    /// The id of the submission.
    #[schemars(length(min = 1))]
    pub submission_id: String,
}

impl Operation for GetEmailThreat {
    type Output = ThreatSubmission;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-email-threat",
        title: "Read a message that was handed in",
        path: "/beta/security/threatSubmission/emailThreats/{id}",
        permissions: SEE,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-emailthreatsubmission-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            submission_id: "49c5ef5b-1f65-444a-e6b9-08d772ea2059".to_owned(),
        }
    }

    fn example_output() -> ThreatSubmission {
        read::example(include_str!(
            "../../fixtures/get-email-threat.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("submission_id", &self.submission_id)?]))
    }
}

/// Tells a user what became of a message that the user reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewEmailThreat {
    /// The id of the submission.
    #[schemars(length(min = 1))]
    pub submission_id: String,
    /// What it is thought to be.
    pub category: ThreatCategory,
    /// A word to the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Operation for ReviewEmailThreat {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.review-email-threat",
        title: "Answer to a reported message",
        path: "/beta/security/threatSubmission/emailThreats/{id}/review",
        idempotency: Idempotency::None,
        permissions: HAND_IN,
        beta: true,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-emailthreatsubmission-review",
        ..MARK
    };

    fn example() -> Self {
        Self {
            submission_id: "49c5ef5b-1f65-444a-e6b9-08d772ea2059".to_owned(),
            category: ThreatCategory::Phishing,
            note: Some("It is phishing, thank you.".to_owned()),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("submission_id", &self.submission_id)?])
            .with_json(fields([
                ("category", json!(self.category)),
                ("note", json!(self.note)),
            ])))
    }
}

const EXAMPLE_MESSAGE: &str = concat!(
    "https://graph.microsoft.com/beta/users/c52ce8db-3e4b-4181-93c4-7d6b6bffaf60",
    "/messages/AAMkADU3MWUxOTU0LWNlOTEt=",
);
