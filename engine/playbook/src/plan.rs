//! The checked form of a playbook: what the trigger index and the interpreter work on.

use std::collections::BTreeMap;
use std::sync::Arc;

use actions_contract::{ActionInfo, ErrorKind};
use engine_model::{AlertSource, Digest, Millis, PlaybookName, StepId, TriggerId};
use serde_json::Value;

use crate::expr::{Expr, Template};
use crate::guard::Guard;

mod detection;
mod flow;
mod schedule;
mod storm;

pub use detection::{ConditionText, Detection, Form, RuleFile, Selection};
pub use flow::{
    Approve, Child, Concurrency, Each, Escalate, OnConflict, OnItemError, Parallel, Release, Until,
    Wait, WaitFor,
};
pub use schedule::{Missed, Overlap, PlaybookEnd, Rhythm, RunEnd, Schedule};
pub use storm::{
    Accumulate, Batch, Dedup, Distinct, Stage, Storm, Throttle, WindowClock, WindowShape,
};

/// A checked playbook. Everything in it is resolved; nothing in it can fail to parse later.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The identity of the playbook in its tenant.
    pub name: PlaybookName,
    /// The digest of the file's text; runs are pinned to it.
    pub digest: Digest,
    /// One line for people.
    pub title: Option<String>,
    /// Whether triggers fire.
    pub enabled: bool,
    /// Typed parameters, in the order written.
    pub inputs: Vec<Input>,
    /// What starts a run.
    pub triggers: Vec<Trigger>,
    /// Which runs of the playbook may run at the same time.
    pub concurrency: Option<Concurrency>,
    /// The deadline of a whole run.
    pub timeout: Millis,
    /// Limits on what it may do to the world.
    pub guard: Arc<Guard>,
    /// Which configured connection each action family uses.
    pub connections: BTreeMap<String, String>,
    /// Values computed once, at the start, in the order written.
    pub vars: Vec<(String, Template)>,
    /// The work.
    pub steps: Vec<Step>,
    /// Runs when the run fails.
    pub on_error: Vec<Step>,
    /// Always runs last.
    pub finally: Vec<Step>,
    /// The result of the run.
    pub outputs: Vec<(String, Template)>,
}

/// A parameter of a playbook.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether a start without it is refused.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Value>,
    /// JSON Schema of its value.
    pub schema: Value,
}

/// What starts a run.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Unique in the playbook.
    pub id: TriggerId,
    /// Maps what started the run to inputs, in the order written.
    pub with: Vec<(String, Template)>,
    /// The kind.
    pub kind: TriggerKind,
}

/// The kinds of triggers.
#[derive(Clone, Debug)]
pub enum TriggerKind {
    /// An alert that matches.
    Alert(AlertTrigger),
    /// A point in time.
    Schedule(Schedule),
    /// A person.
    Manual(Manual),
    /// The end of another playbook's run.
    Playbook(PlaybookEnd),
}

/// What a start by hand asks for.
#[derive(Clone, Debug)]
pub struct Manual {
    /// Roles of which the person needs one; empty for everybody.
    pub roles: Vec<String>,
    /// A text to confirm.
    pub confirm: Option<String>,
}

/// What kind of change of an alert a trigger asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertEvents {
    /// The alert is new.
    pub created: bool,
    /// A known alert changed.
    pub updated: bool,
}

/// An alert trigger.
#[derive(Clone, Debug)]
pub struct AlertTrigger {
    /// The sources it listens to.
    pub sources: Vec<AlertSource>,
    /// New alerts, changed ones, or both.
    pub on: AlertEvents,
    /// The short form: every field must match.
    pub fields: Vec<FieldMatch>,
    /// Detections that must match as well: that of the playbook, that of a rule file.
    pub detections: Vec<Detection>,
    /// An expression over `alert` that must be true as well.
    pub condition: Option<Expr>,
    /// What stands between a match and a run.
    pub storm: Box<Storm>,
    /// Alerts for which it must fire or stay silent, in the normalised shape, incomplete.
    pub examples: Examples,
    /// The path of `match` in the file, for diagnostics.
    pub path: String,
}

/// Alerts that say how a trigger is meant.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// It must fire for these.
    pub fires: Vec<Value>,
    /// It must stay silent for these.
    pub ignores: Vec<Value>,
}

/// One line of a match: `title|contains: [mimikatz, lsass]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMatch {
    /// The dotted path in the alert.
    pub field: String,
    /// The modifiers, in the order written.
    pub modifiers: Vec<String>,
    /// The values, of which one must match (`all`: every one).
    pub values: Vec<Value>,
    /// The path of the line in the playbook, or its place in a rule file, for diagnostics.
    pub path: String,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What other steps call it.
    pub id: Option<StepId>,
    /// The path in the file: `steps[2].steps[0]`; unique, also the name of a step without id.
    pub path: String,
    /// For people.
    pub name: Option<String>,
    /// Skipped unless true.
    pub condition: Option<Expr>,
    /// The deadline for all tries and their waits.
    pub timeout: Option<Millis>,
    /// What happens when it fails.
    pub on_error: OnError,
    /// What it does.
    pub kind: StepKind,
}

impl Step {
    /// Shows `see` every step inside, in the order written; those of a `for_each` inside are left
    /// to its own items.
    pub fn visit(&self, see: &mut impl FnMut(&Self)) {
        let mut inside = |steps: &[Self]| {
            for step in steps {
                see(step);
                step.visit(see);
            }
        };
        match &self.kind {
            StepKind::Group { steps, finally } => {
                inside(steps);
                inside(finally);
            }
            StepKind::Switch(branches) => {
                branches.iter().for_each(|branch| inside(&branch.steps));
            }
            StepKind::Parallel(parallel) => inside(&parallel.steps),
            _ => {}
        }
        if let OnError::Steps(steps) = &self.on_error {
            inside(steps);
        }
    }

    /// What the step is called in timelines and errors: its id, or its path.
    #[must_use]
    pub fn label(&self) -> &str {
        self.id.as_ref().map_or(&self.path, StepId::as_str)
    }
}

/// What happens when a step fails.
#[derive(Clone, Debug)]
pub enum OnError {
    /// The error goes up.
    Fail,
    /// The step is `failed` and the run goes on.
    Continue,
    /// These steps handle it; when they end normally the step counts as succeeded (groups) or
    /// failed but handled (actions).
    Steps(Vec<Step>),
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Runs an action.
    Action(Box<ActionStep>),
    /// Runs steps in order.
    Group {
        /// The steps.
        steps: Vec<Step>,
        /// Always run last.
        finally: Vec<Step>,
    },
    /// Runs the first branch whose condition is true.
    Switch(Vec<Branch>),
    /// Runs a step for each item of a list.
    Each(Box<Each>),
    /// Runs steps beside each other.
    Parallel(Parallel),
    /// Asks people.
    Approve(Box<Approve>),
    /// Waits.
    Wait(Wait),
    /// Runs another playbook.
    Playbook(Child),
    /// Assigns variables, in the order written.
    Set(Vec<(String, Template)>),
    /// Ends the run here.
    Stop {
        /// How the run ends.
        status: StopStatus,
        /// Why, for people.
        reason: Option<Template>,
    },
    /// Raises an error; without kind it raises the one being handled again.
    Fail(Option<Raise>),
}

/// An error that a playbook raises.
#[derive(Clone, Debug)]
pub struct Raise {
    /// The kind; the engine's own or one of the playbook's.
    pub kind: ErrorKind,
    /// What people read.
    pub message: Template,
}

/// How `stop` ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopStatus {
    /// As if the last step had succeeded.
    Succeeded,
    /// As if somebody had cancelled.
    Cancelled,
}

/// One branch of a switch.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Taken when true; the branch without condition is "else".
    pub condition: Option<Expr>,
    /// The steps of the branch.
    pub steps: Vec<Step>,
}

/// A step that runs an action.
#[derive(Clone, Debug)]
pub struct ActionStep {
    /// The facts of the action.
    pub info: Arc<ActionInfo>,
    /// The parameters; always a map.
    pub with: Template,
    /// The connection, where the step names one; else the playbook's for the family, if any.
    pub connection: Option<String>,
    /// The tenant, where the step names one; else that of the run.
    pub tenant: Option<Template>,
    /// How often and when it is tried again.
    pub retry: Retry,
    /// Repeats a read until a condition holds.
    pub until: Option<Until>,
    /// Takes a containment back later.
    pub release: Option<Release>,
}

/// How often and when a step is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all.
    pub max_attempts: u32,
    /// The wait before the second try.
    pub delay: Millis,
    /// What each further wait is multiplied by, in percent: 200 doubles it.
    pub multiplier_percent: u32,
    /// The longest wait.
    pub max_delay: Millis,
    /// The kinds of errors that are tried again.
    pub on: Vec<ErrorKind>,
}

impl Plan {
    /// Every step in the order written, nested ones after the step they stand in.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&Step> {
        fn walk<'a>(steps: &'a [Step], out: &mut Vec<&'a Step>) {
            for step in steps {
                out.push(step);
                match &step.kind {
                    StepKind::Group { steps, finally } => {
                        walk(steps, out);
                        walk(finally, out);
                    }
                    StepKind::Switch(branches) => {
                        branches.iter().for_each(|branch| walk(&branch.steps, out));
                    }
                    StepKind::Parallel(parallel) => walk(&parallel.steps, out),
                    StepKind::Each(each) => walk(std::slice::from_ref(&each.body), out),
                    _ => {}
                }
                if let OnError::Steps(steps) = &step.on_error {
                    walk(steps, out);
                }
            }
        }
        let mut out = Vec::new();
        for steps in [&self.steps, &self.on_error, &self.finally] {
            walk(steps, &mut out);
        }
        out
    }
}
