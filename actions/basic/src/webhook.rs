//! Messages to people, through the incoming hooks of chat services.

use std::collections::BTreeMap;

use actions_contract::{
    ActionError, Body, Call, Effect, Idempotency, Method, Request, Response, Secret, Target,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::builtin::{misfit, refusal};
use crate::{Builtin, Facts, Start, webhook_body};

/// Sends a message to people through an incoming hook.
///
/// Whoever knows the address of a hook can post to it; it is therefore a secret. The message is
/// built for the chat service, so that a playbook need not know its format. When the answer to an
/// earlier try was lost, the message may appear twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyWebhook {
    /// The address of the hook.
    pub url: Secret,
    /// What the hook understands.
    pub format: WebhookFormat,
    /// The headline, in plain text.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("x-language" = "markdown"))]
    pub text: String,
    /// Names and values, shown as a table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// What a hook understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Slack: blocks.
    Slack,
    /// Microsoft Teams: an Adaptive Card.
    Teams,
    /// Anything else: `title`, `text`, `facts`, `playbook`, `run` and `step` as JSON.
    Json,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notified {
    /// The status the hook answered.
    pub status: u16,
}

impl Builtin for NotifyWebhook {
    type Output = Notified;

    const FACTS: Facts = Facts {
        id: "notify.webhook",
        title: "Send a message through a hook",
        effect: Effect::Notify,
        idempotency: Idempotency::Natural,
    };

    fn example() -> Self {
        Self {
            url: Secret {
                name: "soc_hook".to_owned(),
            },
            format: WebhookFormat::Teams,
            title: "Device isolated".to_owned(),
            text: "**ws1** was isolated after *Hidden file*.".to_owned(),
            facts: BTreeMap::from([("Severity".to_owned(), "high".to_owned())]),
        }
    }

    fn example_output() -> Notified {
        Notified { status: 200 }
    }

    fn start(&self, call: &Call) -> Result<Start<Notified>, ActionError> {
        if self.title.trim().is_empty() {
            return Err(misfit("`title` is empty"));
        }
        let body = match self.format {
            WebhookFormat::Slack => webhook_body::slack(self),
            WebhookFormat::Teams => webhook_body::teams(self),
            WebhookFormat::Json => webhook_body::plain(self, call),
        };
        Ok(Start::Send(Request {
            target: Target::SecretUrl(self.url.clone()),
            method: Method::Post,
            path: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Json(body),
            keep_bytes_max: None,
            operation: Self::FACTS.id.into(),
        }))
    }

    fn answered(&self, response: &Response) -> Result<Notified, ActionError> {
        if !response.is_success() {
            return Err(refusal(response));
        }
        Ok(Notified {
            status: response.status,
        })
    }
}
