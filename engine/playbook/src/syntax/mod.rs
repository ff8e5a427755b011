//! The file as written: one struct per map of the language, its documentation the editor's.
//!
//! Every key is optional here, whatever the language says: the check of its shape has reported
//! what is missing or wrong by then, and everything that is left is still looked at.

mod flow;
mod place;
mod read;
mod step;
mod storm;
mod trigger;

use engine_model::{Millis, PlaybookName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::guard::Guard;

pub use flow::{
    Approve, Approvers, Concurrency, ConflictWord, DeniedWord, Escalate, ForAlert, ForEach,
    ForWebhook, ItemErrorWord, Release, TimeoutWord, Wait, WaitOrNot, WaitTimeoutWord,
};
pub use place::{Anything, Condition, OneOrMany, Ordered, Spanned, TextWithExpressions};
pub(crate) use read::read;
pub use step::{
    Branch, ErrorWord, Fail, Handler, InTenant, OnErrorWord, Retry, Step, StepConnection, Stop,
    StopWord,
};
pub use storm::{Accumulate, AtLeast, Batch, ClockWord, Dedup, Distinct, Throttle, WindowWord};
pub use trigger::{
    AlertTrigger, EndWord, Event, Examples, Manual, MissedWord, OverlapWord, PlaybookEnd, Schedule,
    Source, Trigger,
};

/// A playbook: what starts it, what it does, and how it ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The language version; `1`.
    #[schemars(required, extend("const" = 1))]
    pub version: Option<u32>,
    /// The identity of the playbook in its tenant.
    #[schemars(required)]
    pub name: Option<PlaybookName>,
    /// One line for people.
    pub title: Option<String>,
    /// What the playbook is for.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Option<Vec<String>>,
    /// Whether triggers fire; `true` when absent.
    pub enabled: Option<bool>,
    /// Typed parameters.
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
    pub inputs: Option<Ordered<Input>>,
    /// What starts a run.
    pub triggers: Option<Vec<Spanned<Trigger>>>,
    /// Which runs of this playbook may run at the same time.
    pub concurrency: Option<Spanned<Concurrency>>,
    /// The deadline of the whole run, waiting included; `7d` when absent.
    pub timeout: Option<Millis>,
    /// Limits on what the playbook may do to the world.
    pub guard: Option<Spanned<Guard>>,
    /// Which configured connection each action family uses.
    pub connections: Option<Ordered<String>>,
    /// Values computed once, at the start.
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
    pub vars: Option<Ordered<Anything>>,
    /// Defaults for steps.
    pub defaults: Option<Defaults>,
    /// The work, done in the order written.
    #[schemars(required, length(min = 1))]
    pub steps: Option<Vec<Spanned<Step>>>,
    /// Runs when the run fails; the run stays failed.
    pub on_error: Option<Vec<Spanned<Step>>>,
    /// Always runs last.
    pub finally: Option<Vec<Spanned<Step>>>,
    /// The result of the run.
    #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
    pub outputs: Option<Ordered<Anything>>,
}

/// Defaults for the steps of a playbook.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The deadline of a step that runs an action.
    pub timeout: Option<Millis>,
    /// How steps that run an action are tried again.
    pub retry: Option<Retry>,
    /// What happens when a step that runs an action fails.
    pub on_error: Option<OnErrorWord>,
}

/// A typed parameter, in the words of JSON Schema.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-later" = ["entity"]))]
pub struct Input {
    /// The type of the value.
    #[schemars(required)]
    pub r#type: Option<InputType>,
    /// Whether a start without it is refused; `false` when absent.
    pub required: Option<bool>,
    /// The value when none is given.
    pub default: Option<Anything>,
    /// What it is for.
    pub description: Option<String>,
    /// The values allowed.
    pub r#enum: Option<Vec<Anything>>,
    /// The smallest number.
    pub minimum: Option<f64>,
    /// The largest number.
    pub maximum: Option<f64>,
    /// The shortest text, in characters.
    #[serde(rename = "minLength")]
    pub min_length: Option<u32>,
    /// The longest text, in characters.
    #[serde(rename = "maxLength")]
    pub max_length: Option<u32>,
    /// A regular expression the text must match.
    pub pattern: Option<String>,
    /// The members of an array.
    pub items: Option<Box<Input>>,
    /// The fields of an object.
    pub properties: Option<Ordered<Input>>,
    /// A JSON Schema format, such as `email`.
    pub format: Option<String>,
}

/// The types of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("x-later" = ["entity"]))]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// A map.
    Object,
    /// A duration such as `5m`.
    Duration,
    /// An RFC 3339 time.
    Time,
}
