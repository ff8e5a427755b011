//! Test files as written: `*.test.yaml`.

use std::collections::BTreeMap;

use actions_contract::EffectKind;
use engine_model::{Millis, Timestamp};
use engine_run::{Decision, RunStatus};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Tests of one playbook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// The version of the form; `1`.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// The playbook, its path relative to this file.
    pub playbook: String,
    /// What holds for every test; a test's own maps are merged into these, its lists replace them.
    #[serde(default)]
    pub defaults: Situation,
    /// The tests.
    #[schemars(length(min = 1))]
    pub tests: Vec<Test>,
}

/// What the world is like and what happens in it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// When the test begins; `2026-01-01T00:00:00Z` when absent.
    pub now: Option<Timestamp>,
    /// The alert that comes in, in the normalised shape; fields may be left out.
    pub alert: Option<Map<String, Value>>,
    /// A start by hand, with these inputs.
    pub inputs: Option<Map<String, Value>>,
    /// Who starts it by hand; `tester` when absent.
    pub by: Option<String>,
    /// The roles of whoever starts it by hand; every role when absent.
    pub roles: Option<Vec<String>>,
    /// A start by the schedule, at this planned instant.
    pub at: Option<Timestamp>,
    /// A start by the end of a run of another playbook.
    pub ended: Option<Ended>,
    /// What actions answer: in this order, the last answer again and again.
    #[serde(default)]
    pub mocks: BTreeMap<String, OneOrMore<Answer>>,
    /// How runs of other playbooks end; without one, or with `null` where the defaults have one,
    /// the playbook in the same folder runs.
    #[serde(default)]
    pub playbooks: BTreeMap<String, Option<OneOrMore<Child>>>,
    /// What guard rails find behind the id of a target, beside what actions answered.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetSeen>,
    /// The policy of the tenant, in the form of `policy.yaml`.
    pub policy: Option<Map<String, Value>>,
    /// What people answer, by the step that asks.
    #[serde(default)]
    pub approvals: BTreeMap<String, OneOrMore<Approval>>,
    /// What happens later.
    #[serde(default)]
    pub events: Vec<Later>,
}

/// One test.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Test {
    /// What it shows, as a sentence.
    pub name: String,
    /// What the world is like.
    #[serde(flatten)]
    pub situation: Situation,
    /// What has to come of it; maps are compared by the keys that are given.
    pub expect: Expect,
}

/// One value, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// A list.
    Many(Vec<T>),
    /// One.
    One(T),
}

impl<T> OneOrMore<T> {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        match self {
            Self::Many(many) => many.iter(),
            Self::One(one) => std::slice::from_ref(one).iter(),
        }
    }
}

/// What one call of an action comes to; without `output` and `error` it is the documented example.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Only for calls for which this is true, over `with`, `step` and `attempt`. Answers with a
    /// `when` that holds come before those without one.
    pub when: Option<String>,
    /// What it gives; fields that are left out are filled up.
    pub output: Option<Value>,
    /// Why it fails.
    pub error: Option<Failure>,
    /// How long it takes.
    pub delay: Option<Millis>,
    /// No answer comes; this is what a look at the service finds out afterwards.
    pub lost: Option<Lost>,
}

/// Why a call fails.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The kind, as `error.kind` has it.
    pub kind: String,
    /// What people read.
    pub message: Option<String>,
    /// The stable code, as `error.code` has it.
    pub code: Option<String>,
    /// Whether another try may help; by its kind when absent.
    pub retryable: Option<bool>,
    /// How long the service asks to wait.
    pub retry_after: Option<Millis>,
}

/// What became of a call that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// It had arrived and was done.
    Done,
    /// It never arrived.
    Nothing,
    /// It cannot be told.
    Unclear,
}

/// How the run of another playbook ends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// How; `succeeded` when absent.
    pub status: Option<RunWord>,
    /// Its outputs.
    pub outputs: Option<Map<String, Value>>,
    /// Why it failed, in words.
    pub message: Option<String>,
    /// How long it takes; a minute when absent.
    pub after: Option<Millis>,
}

/// What guard rails find behind an id.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TargetSeen {
    /// Nothing that could be used.
    Word(TargetWord),
    /// An object.
    Facts(TargetFacts),
}

/// Why nothing can be done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetWord {
    /// There is no such object.
    Missing,
    /// There are several.
    Ambiguous,
    /// The directory does not answer.
    Unreachable,
}

/// What is known about a target.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetFacts {
    /// Its id, where it is found by something else.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The groups it belongs to.
    pub groups: Vec<String>,
    /// Its operating system.
    pub os: Option<String>,
}

/// What a person answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Yes or no.
    pub decision: DecisionWord,
    /// Who; `approver` when absent, `approver-2` for the second answer, and so on.
    pub by: Option<String>,
    /// The roles of that person; those that are asked when absent.
    pub roles: Option<Vec<String>>,
    /// How long after the question; a minute when absent.
    pub after: Option<Millis>,
    /// What that person says about it.
    pub comment: Option<String>,
    /// What that person fills in.
    pub form: Option<Value>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecisionWord {
    /// Yes.
    Approve,
    /// No.
    Deny,
}

impl DecisionWord {
    pub(super) const fn decision(self) -> Decision {
        match self {
            Self::Approve => Decision::Approve,
            Self::Deny => Decision::Deny,
        }
    }
}

/// Something that happens later: exactly one of `alert`, `cancel`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// How long after the beginning.
    pub at: Millis,
    /// An alert comes in; one of a known id is that alert, changed in these fields.
    pub alert: Option<Map<String, Value>>,
    /// This person cancels the run.
    pub cancel: Option<String>,
}

/// The end of a run of another playbook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// The other playbook.
    pub playbook: String,
    /// How the run ended; `failed` when absent.
    pub status: Option<RunWord>,
    /// Its outputs.
    pub outputs: Option<Map<String, Value>>,
    /// Why it failed, as `error` in a playbook.
    pub error: Option<Map<String, Value>>,
}

/// What has to come of a test. `{exactly: …}` asks for the very same value, `{contains: text}` for
/// a text with that in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Expect {
    /// Whether a trigger starts a run.
    pub triggered: Option<bool>,
    /// Why no run could be started, in words.
    pub not_started: Option<Value>,
    /// How many runs of the playbook there are.
    pub runs: Option<u32>,
    /// How the first run ends.
    pub status: Option<RunWord>,
    /// The step whose `stop` ended the run.
    pub stopped_by: Option<String>,
    /// The reason that a `stop` gave.
    pub reason: Option<Value>,
    /// Why the run failed.
    pub error: Option<Map<String, Value>>,
    /// Steps: how each ended, or `{status, attempts, output, error, items}`.
    pub steps: Option<BTreeMap<String, StepExpect>>,
    /// Calls of actions.
    pub calls: Option<Vec<CallExpect>>,
    /// How many calls of each effect were done.
    pub effects: Option<BTreeMap<EffectKind, u32>>,
    /// What the run gives.
    pub outputs: Option<Value>,
    /// The variables at its end.
    pub vars: Option<Value>,
    /// How many calls of an action were under way at the same time, at the most.
    pub max_in_flight: Option<BTreeMap<String, u32>>,
    /// What guard rails refused: how often, or `{step, action, code, message}` of each.
    pub refused: Option<Value>,
    /// What people were asked, by step.
    pub asked: Option<BTreeMap<String, Value>>,
    /// How many containments are still to be taken back by themselves, after the run.
    pub owed: Option<u32>,
}

/// What has to become of a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StepExpect {
    /// How it ends.
    Status(StepWord),
    /// More of it.
    More(StepMore),
}

/// What has to become of a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepMore {
    /// How it ends.
    pub status: Option<StepWord>,
    /// How often it is tried.
    pub attempts: Option<u32>,
    /// What it gives.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Map<String, Value>>,
    /// Of a `for_each`: how many items ended how, or each item.
    pub items: Option<Value>,
}

/// Calls that have to be there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallExpect {
    /// The action.
    pub uses: String,
    /// How many; at least one when absent.
    pub times: Option<u32>,
    /// Only those with these parameters.
    pub with: Option<Value>,
    /// Only those whose parameters have these texts in them.
    pub with_contains: Option<BTreeMap<String, String>>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of `RunStatus`")]
pub enum RunWord {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Denied,
    Refused,
}

impl RunWord {
    pub(super) const fn status(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::TimedOut => RunStatus::TimedOut,
            Self::Cancelled => RunStatus::Cancelled,
            Self::Denied => RunStatus::Denied,
            Self::Refused => RunStatus::Refused,
        }
    }
}

/// How a step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of `StepStatus`")]
pub enum StepWord {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
    Cancelled,
    Denied,
    Refused,
}

/// The JSON Schema of test files, for editors and for the check of what is written.
#[must_use]
pub fn test_schema() -> Value {
    let mut schema: Value = schemars::schema_for!(TestFile).into();
    schema["title"] = "Tests of a Quell playbook".into();
    // A test is a situation with a name, and serde cannot refuse unknown keys across the two.
    schema["$defs"]["Test"]["additionalProperties"] = false.into();
    schema["$defs"]["Test"]
        .as_object_mut()
        .and_then(|test| test.remove("unevaluatedProperties"));
    schema
}
