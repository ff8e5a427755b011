//! Steps that repeat, that wait, and that ask, as written.

use std::borrow::Cow;
use std::fmt;

use engine_model::Millis;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::Input;
use super::place::{Anything, Condition, Ordered, Spanned, TextWithExpressions};

/// Does a step for each item of a list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The list.
    #[schemars(required)]
    pub r#in: Option<Anything>,
    /// What the step calls its item.
    #[schemars(required, regex(pattern = "^[a-z][a-z0-9_]*$"))]
    pub r#as: Option<Spanned<String>>,
    /// How many items at the same time; `1` when absent.
    #[schemars(range(min = 1, max = 100))]
    pub concurrency: Option<u32>,
    /// A longer list is an error; `100` when absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_items: Option<u32>,
    /// What happens when an item fails: `fail` after the others are finished, `fail_fast`
    /// cancels them, `continue`; `fail` when absent.
    pub on_item_error: Option<ItemErrorWord>,
    /// What names an item: in the timeline, and in the idempotency key of what is done for it.
    /// Its position when absent.
    pub key: Option<TextWithExpressions>,
}

/// What happens when an item fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemErrorWord {
    /// The others are finished, then the step fails.
    Fail,
    /// The others are cancelled, and the step fails.
    FailFast,
    /// The others go on, and the step succeeds.
    Continue,
}

/// Takes a containment back later.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// How long after it.
    #[schemars(required)]
    pub after: Option<Millis>,
    /// Only where this is true by then.
    pub r#if: Option<Condition>,
}

/// Asks people.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// What is asked.
    #[schemars(required)]
    pub message: Option<TextWithExpressions>,
    /// Who may answer.
    #[schemars(required)]
    pub approvers: Option<Spanned<Approvers>>,
    /// How many different people have to agree; `1` when absent.
    #[schemars(range(min = 1, max = 20))]
    pub quorum: Option<u32>,
    /// Whether whoever started the run does not count; `true` when absent.
    pub not_self: Option<bool>,
    /// How long there is time; `24h` when absent.
    pub timeout: Option<Millis>,
    /// What no answer means: `deny`, or `fail`, an error; `deny` when absent.
    pub on_timeout: Option<TimeoutWord>,
    /// What a "no" does: `stop` ends the run `denied`, `continue` goes on; `stop` when absent.
    pub on_denied: Option<DeniedWord>,
    /// Who may answer as well, after a while.
    pub escalate: Option<Vec<Escalate>>,
    /// What people fill in, typed as `inputs` are.
    pub form: Option<Ordered<Input>>,
    /// Where people are told, by the names of the configuration.
    pub notify: Option<Vec<String>>,
}

/// People by roles or names.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// Everybody who has one of these roles.
    pub roles: Option<Vec<String>>,
    /// These people.
    pub users: Option<Vec<TextWithExpressions>>,
}

/// Others who may answer after a while.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// How long after the question.
    #[schemars(required)]
    pub after: Option<Millis>,
    /// Who they are.
    #[schemars(required)]
    pub to: Option<Approvers>,
}

/// What no answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutWord {
    /// No.
    Deny,
    /// An error.
    Fail,
}

/// What a "no" does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeniedWord {
    /// It ends the run.
    Stop,
    /// The run goes on.
    Continue,
}

/// Waits: exactly one of `for`, `until`, `for_alert`, `for_webhook`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// A span of time such as `10m`.
    pub r#for: Option<TextWithExpressions>,
    /// An RFC 3339 time.
    pub until: Option<TextWithExpressions>,
    /// A revision of an alert.
    pub for_alert: Option<Spanned<ForAlert>>,
    /// A call from outside.
    pub for_webhook: Option<Spanned<ForWebhook>>,
    /// How long at the most; `24h` when absent.
    pub timeout: Option<Millis>,
    /// What happens when the time is over: `fail` or `continue`; `fail` when absent.
    pub on_timeout: Option<WaitTimeoutWord>,
}

/// A revision of an alert.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForAlert {
    /// The id of the alert.
    #[schemars(required)]
    pub id: Option<TextWithExpressions>,
    /// What has to be true of it, as `alert`; any new revision counts when absent.
    pub r#where: Option<Condition>,
}

/// A call from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForWebhook {
    /// What has to be true of it, as `webhook`.
    pub r#where: Option<Condition>,
}

/// What happens when the time for waiting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitTimeoutWord {
    /// An error.
    Fail,
    /// The run goes on.
    Continue,
}

/// A step that waits, or whether a `playbook` is waited for.
#[derive(Clone, Debug)]
pub enum WaitOrNot {
    /// Whether.
    Whether(bool),
    /// A step that waits.
    Step(Box<Wait>),
}

impl<'de> Deserialize<'de> for WaitOrNot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = WaitOrNot;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map, `true` or `false`")
            }

            fn visit_bool<E>(self, value: bool) -> Result<WaitOrNot, E> {
                Ok(WaitOrNot::Whether(value))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<WaitOrNot, A::Error> {
                Wait::deserialize(MapAccessDeserializer::new(access))
                    .map(|wait| WaitOrNot::Step(Box::new(wait)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for WaitOrNot {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WaitOrNot".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let wait = generator.subschema_for::<Wait>();
        json_schema!({ "anyOf": [wait, { "type": "boolean" }] })
    }
}

/// Which runs of a playbook may run at the same time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// Runs with the same key count together.
    #[schemars(required)]
    pub key: Option<TextWithExpressions>,
    /// How many; `1` when absent.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
    /// What happens to one more: it waits in a queue, it ends (`skip`), or the others are
    /// cancelled; `queue` when absent.
    pub on_conflict: Option<ConflictWord>,
    /// How many may wait for their turn; `100` when absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_queue: Option<u32>,
}

/// What happens to one run more than may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictWord {
    /// It waits for its turn.
    Queue,
    /// It ends at once.
    Skip,
    /// The others are cancelled.
    CancelRunning,
}
