//! Steps as written.

use std::borrow::Cow;
use std::fmt;

use actions_contract::ErrorKind;
use engine_model::{Millis, PlaybookName, StepId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::flow::{Approve, ForEach, Release, WaitOrNot};
use super::place::{Anything, Condition, Ordered, Spanned, TextWithExpressions};

/// One step: the common keys, and exactly one of `uses`, `playbook`, `steps`, `parallel`, `switch`,
/// `approve`, `wait`, `set`, `stop`, `fail`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What other steps call it; unique in the file.
    pub id: Option<Spanned<StepId>>,
    /// One line for people.
    pub name: Option<String>,
    /// Skips the step unless the expression is true.
    pub r#if: Option<Condition>,
    /// The deadline of the step: all tries and the waits between them.
    pub timeout: Option<Spanned<Millis>>,
    /// How the action is tried again.
    pub retry: Option<Spanned<Retry>>,
    /// What happens when the step fails: `fail`, `continue`, or steps that handle the error.
    pub on_error: Option<Handler>,
    /// The configured connection to use instead of the playbook's for this family, and the tenant.
    pub connection: Option<Spanned<StepConnection>>,
    /// Words to find it by.
    pub tags: Option<Vec<String>>,
    /// Never runs; counts as skipped.
    pub disabled: Option<bool>,
    /// Runs an action: `family.action`, with `@major` to pin its major version.
    pub uses: Option<Spanned<String>>,
    /// The parameters of the action.
    pub with: Option<Spanned<Ordered<Anything>>>,
    /// Does the step for each item of a list.
    pub for_each: Option<Spanned<ForEach>>,
    /// What one item yields, where `for_each` runs `steps`.
    pub output: Option<Anything>,
    /// Repeats a read until the expression, over `output`, is true.
    pub until: Option<Spanned<Condition>>,
    /// The wait between two reads of `until`; `30s` when absent.
    pub every: Option<Spanned<Millis>>,
    /// Takes the containment back later, whatever becomes of the run.
    pub release: Option<Spanned<Release>>,
    /// Runs another playbook, with `with` as its inputs; its `outputs` are the output.
    pub playbook: Option<Spanned<PlaybookName>>,
    /// For `playbook`: whether its end is waited for, `true` when absent. As a step of its own:
    /// waits for time to pass, for an alert, or for a call from outside.
    pub wait: Option<Spanned<WaitOrNot>>,
    /// Runs steps beside each other.
    #[schemars(length(min = 1))]
    pub parallel: Option<Spanned<Vec<Spanned<Step>>>>,
    /// For `parallel`: how many steps at the same time; all of them when absent.
    #[schemars(range(min = 1, max = 100))]
    pub concurrency: Option<Spanned<u32>>,
    /// For `parallel`: whether the first step that fails cancels the others; `false` when absent.
    pub fail_fast: Option<Spanned<bool>>,
    /// Asks people whether the run may go on.
    pub approve: Option<Spanned<Approve>>,
    /// Runs steps in the order written, as one step.
    #[schemars(length(min = 1))]
    pub steps: Option<Spanned<Vec<Spanned<Step>>>>,
    /// Always runs after the steps of this group.
    pub finally: Option<Spanned<Vec<Spanned<Step>>>>,
    /// Runs the first branch whose `if` is true; a last branch without `if` is the "else".
    #[schemars(length(min = 1))]
    pub switch: Option<Spanned<Vec<Spanned<Branch>>>>,
    /// Assigns variables, read as `vars.name` afterwards.
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
    pub set: Option<Spanned<Ordered<Anything>>>,
    /// Ends the run here; `finally` still runs.
    pub stop: Option<Spanned<Stop>>,
    /// Raises an error; `{}` raises the one that is being handled again.
    pub fail: Option<Spanned<Fail>>,
}

/// The connection of a step.
#[derive(Clone, Debug)]
pub enum StepConnection {
    /// Its name.
    Name(String),
    /// Its name and the tenant.
    InTenant(InTenant),
}

/// A connection and the tenant that the step works in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InTenant {
    /// The connection; the playbook's for this family when absent.
    pub name: Option<String>,
    /// The GUID of the tenant, often of an expression; it has to be one that the connection may
    /// reach. The alert's tenant when absent.
    pub tenant: Option<TextWithExpressions>,
}

impl<'de> Deserialize<'de> for StepConnection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrMap;

        impl<'de> Visitor<'de> for NameOrMap {
            type Value = StepConnection;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a map of `name` and `tenant`")
            }

            fn visit_str<E>(self, name: &str) -> Result<StepConnection, E> {
                Ok(StepConnection::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<StepConnection, A::Error> {
                InTenant::deserialize(MapAccessDeserializer::new(access))
                    .map(StepConnection::InTenant)
            }
        }

        deserializer.deserialize_any(NameOrMap)
    }
}

impl JsonSchema for StepConnection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StepConnection".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<InTenant>();
        json_schema!({ "anyOf": [{ "type": "string" }, map] })
    }
}

/// One branch of a `switch`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Takes the branch when true.
    pub r#if: Option<Condition>,
    /// The steps of the branch.
    #[schemars(required)]
    pub steps: Option<Vec<Spanned<Step>>>,
}

/// How an action is tried again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Tries in all; `4` when absent.
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: Option<u32>,
    /// The wait before the second try; `2s` when absent.
    pub delay: Option<Millis>,
    /// What each further wait is multiplied by; `2` when absent.
    #[schemars(range(min = 1, max = 10))]
    pub multiplier: Option<f64>,
    /// The longest wait; `60s` when absent.
    pub max_delay: Option<Millis>,
    /// The kinds of errors that are tried again.
    pub on: Option<Vec<ErrorWord>>,
}

/// The word for a kind of error that the engine itself uses.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct ErrorWord(pub ErrorKind);

impl JsonSchema for ErrorWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ErrorWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ErrorKind::words() })
    }
}

/// `fail` or `continue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnErrorWord {
    /// The error goes up.
    Fail,
    /// The step counts as failed and the run goes on.
    Continue,
}

/// What happens when a step fails.
#[derive(Clone, Debug)]
pub enum Handler {
    /// A word.
    Word(OnErrorWord),
    /// Steps that handle the error.
    Steps(Vec<Spanned<Step>>),
}

impl<'de> Deserialize<'de> for Handler {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrSteps;

        impl<'de> Visitor<'de> for WordOrSteps {
            type Value = Handler;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`fail`, `continue` or a list of steps")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Handler, E> {
                let text = serde::de::value::StrDeserializer::new(text);
                OnErrorWord::deserialize(text).map(Handler::Word)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Handler, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(access)).map(Handler::Steps)
            }
        }

        deserializer.deserialize_any(WordOrSteps)
    }
}

impl JsonSchema for Handler {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Handler".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<OnErrorWord>();
        let step = generator.subschema_for::<Step>();
        json_schema!({ "anyOf": [word, { "type": "array", "items": step, "minItems": 1 }] })
    }
}

/// Ends the run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// How the run ends; `succeeded` when absent.
    pub status: Option<StopWord>,
    /// Why, for people.
    pub reason: Option<TextWithExpressions>,
}

/// How `stop` ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StopWord {
    /// As if the last step had succeeded.
    Succeeded,
    /// As if somebody had cancelled.
    Cancelled,
}

/// Raises an error.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// The kind of the error: one of the engine's, or a word of the playbook's own.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]{0,62}$"))]
    pub kind: Option<String>,
    /// What people read.
    pub message: Option<TextWithExpressions>,
}
