//! Mail that Defender for Office 365 has looked at, and what is done about it.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Idempotency, Next, Operation, Permissions,
    Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entities::mail::AnalyzedEmail;
use super::words::{EmailRemediation, RemediationSeverity};
use super::{Accepted, LOOK, MARK, fields};
use crate::lists::{self, Collection, Listed, Part};
use crate::{given, misfit};
use engine_model::Timestamp;

/// What it takes to see analysed mail.
const SEE: Permissions = Permissions {
    application: &[
        "SecurityAnalyzedMessage.Read.All",
        "SecurityAnalyzedMessage.ReadWrite.All",
    ],
    delegated: &[],
};

/// Reads messages that Defender for Office 365 has looked at, for each recipient.
///
/// In application context only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAnalyzedEmails {
    /// From when on.
    pub start_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
    /// Which ones, over the vendor's field names: `networkMessageId eq '…'`.
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

impl Collection for ListAnalyzedEmails {
    type Entry = AnalyzedEmail;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-analyzed-emails",
        title: "List analysed messages",
        path: "/v1.0/security/collaboration/analyzedEmails",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: concat!(
            "https://learn.microsoft.com/graph/api/",
            "security-collaborationroot-list-analyzedemails",
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            start_time: Timestamp::from_ms(1_726_617_600_000),
            end_time: Timestamp::from_ms(1_726_704_000_000),
            filter: Some("networkMessageId eq '73ca4154-58d8-43d0-a890-08dc18c52e6d'".to_owned()),
            limit: 50,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<AnalyzedEmail> {
        lists::example(include_str!(
            "../../fixtures/made-up/list-analyzed-emails.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[])
            .with_query("startTime", self.start_time.to_string())
            .with_query("endTime", self.end_time.to_string())
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads one message that Defender for Office 365 has looked at, for one recipient.
///
/// In application context only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAnalyzedEmail {
    /// The id of the message for this recipient.
    #[schemars(length(min = 1), extend("x-entity" = "mail"))]
    pub analyzed_email_id: String,
}

impl Operation for GetAnalyzedEmail {
    type Output = AnalyzedEmail;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-analyzed-email",
        title: "Read an analysed message",
        path: "/v1.0/security/collaboration/analyzedEmails/{analyzedEmailId}",
        permissions: SEE,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/security-analyzedemail-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            analyzed_email_id: "73ca4154-58d8-43d0-a890-08dc18c52e6d-1311265001240363512-1"
                .to_owned(),
        }
    }

    fn example_output() -> AnalyzedEmail {
        read::example(include_str!(
            "../../fixtures/made-up/get-analyzed-email.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("analyzed_email_id", &self.analyzed_email_id)?]))
    }
}

/// Yes or no. The vendor's table has a boolean here and its example a text: what is given is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Flag {
    /// As a boolean.
    Yes(bool),
    /// As a text.
    Text(FlagText),
}

/// Yes or no as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlagText {
    /// Yes.
    True,
    /// No.
    False,
}

/// A message for one recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailOf {
    /// The message, as Exchange counts them.
    #[schemars(length(min = 1), extend("x-entity" = "mail"))]
    pub network_message_id: String,
    /// Who got it.
    #[schemars(length(min = 1))]
    pub recipient_email_address: String,
}

/// Moves or deletes messages in the mailboxes of their recipients.
///
/// The service works on in its action center, and no request tells how far it is: only that it has
/// begun is known. In application context, and in the global cloud, only. Guard rails let one
/// message through at a time; its recipients may be many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemediateEmails {
    /// The name of the remediation in the action center.
    #[schemars(length(min = 1))]
    pub display_name: String,
    /// Why.
    #[schemars(length(min = 1))]
    pub description: String,
    /// How severe the reason is.
    pub severity: RemediationSeverity,
    /// What is done.
    pub action: EmailRemediation,
    /// Whether the sender's own copy goes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_senders_copy: Option<Flag>,
    /// The messages, each for one recipient.
    #[schemars(length(min = 1))]
    pub analyzed_emails: Vec<EmailOf>,
}

impl Operation for RemediateEmails {
    type Output = Accepted;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.remediate-emails",
        title: "Move or delete messages everywhere",
        path: "/v1.0/security/collaboration/analyzedEmails/remediate",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &["SecurityAnalyzedMessage.ReadWrite.All"],
            delegated: &[],
        },
        confidence: Confidence::Page,
        source: "https://learn.microsoft.com/graph/api/security-analyzedemail-remediate",
        ..MARK
    };

    fn example() -> Self {
        Self {
            display_name: "Clean up Phish email".to_owned(),
            description: "Delete email".to_owned(),
            severity: RemediationSeverity::Medium,
            action: EmailRemediation::SoftDelete,
            remediate_senders_copy: Some(Flag::Yes(false)),
            analyzed_emails: vec![EmailOf {
                network_message_id: "73ca4154-58d8-43d0-a890-08dc18c52e6d".to_owned(),
                recipient_email_address: "hannah.jarvis@contoso.com".to_owned(),
            }],
        }
    }

    fn example_output() -> Accepted {
        Accepted {
            location: Some("https://security.microsoft.com/action-center/history".to_owned()),
        }
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]).with_json(fields([
            (
                "displayName",
                json!(given("display_name", &self.display_name)?),
            ),
            (
                "description",
                json!(given("description", &self.description)?),
            ),
            ("severity", json!(self.severity)),
            ("action", json!(self.action)),
            ("remediateSendersCopy", json!(self.remediate_senders_copy)),
            ("analyzedEmails", json!(self.messages()?)),
        ])))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        _: Option<Accepted>,
    ) -> Result<Next<Accepted>, ActionError> {
        Ok(Next::Done(Accepted::of(response)))
    }
}

impl RemediateEmails {
    fn messages(&self) -> Result<Vec<Value>, ActionError> {
        let message = |email: &EmailOf| {
            let recipient = given("recipient_email_address", &email.recipient_email_address)?;
            Ok(json!({
                "networkMessageId": given("network_message_id", &email.network_message_id)?,
                "recipientEmailAddress": recipient,
            }))
        };
        if self.analyzed_emails.is_empty() {
            return Err(misfit("`analyzed_emails` is empty"));
        }
        self.analyzed_emails.iter().map(message).collect()
    }
}
