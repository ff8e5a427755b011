//! Mailboxes: messages and the rules of inboxes.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Method, Next, Operation,
    Permissions, Request, Response, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::mail::{InboxRule, Message};
use super::{LOOK, MARK, NoContent, fields};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// Reads messages of a mailbox, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMessages {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// Which ones, over the vendor's field names: `subject eq 'Invoice'`.
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

impl Collection for ListMessages {
    type Entry = Message;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-messages",
        title: "List messages of a mailbox",
        path: "/v1.0/users/{id}/messages",
        permissions: Permissions {
            application: &["Mail.Read", "Mail.ReadBasic.All", "Mail.ReadWrite"],
            delegated: &["Mail.Read", "Mail.ReadBasic", "Mail.ReadWrite"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-list-messages",
        ..LOOK
    };

    const PAGE_MAX: Option<u32> = Some(1000);

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            filter: Some("from/emailAddress/address eq 'billing@contoso-pay.example'".to_owned()),
            limit: 20,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<Message> {
        lists::example(include_str!("../../fixtures/made-up/list-messages.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_query_if("$filter", self.filter.as_deref()))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Moves a message to another folder of its mailbox.
///
/// The message has another id there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveMessage {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The id of the message in its folder.
    #[schemars(length(min = 1))]
    pub message_id: String,
    /// The folder: its id, or a name such as `junkemail` or `deleteditems`.
    #[schemars(length(min = 1))]
    pub destination_id: String,
}

impl Operation for MoveMessage {
    type Output = Message;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.move-message",
        title: "Move a message",
        path: "/v1.0/users/{id}/messages/{messageId}/move",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &["Mail.ReadWrite"],
            delegated: &["Mail.ReadWrite"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/message-move",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            message_id: "AAMkADhAAATs28OBAA=".to_owned(),
            destination_id: "deleteditems".to_owned(),
        }
    }

    fn example_output() -> Message {
        read::example(include_str!("../../fixtures/move-message.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[
                given("user_id", &self.user_id)?,
                given("message_id", &self.message_id)?,
            ])
            .with_json(fields([(
                "destinationId",
                json!(given("destination_id", &self.destination_id)?),
            )])))
    }
}

/// Deletes a message of a mailbox.
///
/// It can be recovered until its time is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMessage {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The id of the message in its folder.
    #[schemars(length(min = 1))]
    pub message_id: String,
}

impl Operation for DeleteMessage {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.delete-message",
        title: "Delete a message",
        method: Method::Delete,
        path: "/v1.0/users/{id}/messages/{messageId}",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &["Mail.ReadWrite"],
            delegated: &["Mail.ReadWrite"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/message-delete",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            message_id: "AAMkADhAAATs28OAAA=".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[
            given("user_id", &self.user_id)?,
            given("message_id", &self.message_id)?,
        ]))
    }
}

/// Deletes a message of a mailbox for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermanentlyDeleteMessage {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The id of the message in its folder.
    #[schemars(length(min = 1))]
    pub message_id: String,
}

impl Operation for PermanentlyDeleteMessage {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.permanently-delete-message",
        title: "Delete a message for good",
        path: "/v1.0/users/{id}/messages/{messageId}/permanentDelete",
        effect: Effect::Destroy,
        idempotency: Idempotency::None,
        permissions: Permissions {
            application: &["Mail.ReadWrite"],
            delegated: &["Mail.ReadWrite"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/message-permanentdelete",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            message_id: "AAMkADhAAATs28OCAA=".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[
            given("user_id", &self.user_id)?,
            given("message_id", &self.message_id)?,
        ]))
    }
}

/// Reads the rules of an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInboxRules {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Collection for ListInboxRules {
    type Entry = InboxRule;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-inbox-rules",
        title: "List the rules of an inbox",
        path: "/v1.0/users/{id}/mailFolders/inbox/messageRules",
        permissions: Permissions {
            application: &["MailboxSettings.Read"],
            delegated: &["MailboxSettings.Read"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/mailfolder-list-messagerules",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> Listed<InboxRule> {
        lists::example(include_str!(
            "../../fixtures/list-inbox-rules.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }
}

/// Deletes a rule of an inbox, such as one that forwards mail to somebody outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteInboxRule {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The id of the rule.
    #[schemars(length(min = 1))]
    pub rule_id: String,
}

impl Operation for DeleteInboxRule {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.delete-inbox-rule",
        title: "Delete a rule of an inbox",
        method: Method::Delete,
        path: "/v1.0/users/{id}/mailFolders/inbox/messageRules/{ruleId}",
        effect: Effect::Destroy,
        idempotency: Idempotency::Natural,
        permissions: Permissions {
            application: &["MailboxSettings.ReadWrite"],
            delegated: &["MailboxSettings.ReadWrite"],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/messagerule-delete",
        ..MARK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            rule_id: "AQAAAJ5dZqA=".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[
            given("user_id", &self.user_id)?,
            given("rule_id", &self.rule_id)?,
        ]))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(ListInboxRules::ENDPOINT.request(&[&self.user_id]))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        let rules: Listed<InboxRule> = lists::whole(response)?;
        Ok(
            match rules.value.iter().any(|rule| rule.id == self.rule_id) {
                true => Finding::Nothing,
                false => Finding::Happened(Next::Done(NoContent {})),
            },
        )
    }
}
