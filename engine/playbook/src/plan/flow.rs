//! Steps that repeat, that wait, that ask, and that run beside each other.

use engine_model::{Millis, PlaybookName};
use serde_json::Value;

use super::Step;
use crate::expr::{Expr, Template};

/// Runs its body once for each item of a list.
#[derive(Clone, Debug)]
pub struct Each {
    /// The list.
    pub list: Template,
    /// What the body calls its item.
    pub name: String,
    /// How many items at the same time.
    pub concurrency: u32,
    /// A longer list is an error.
    pub max_items: u32,
    /// What happens when an item fails.
    pub on_item_error: OnItemError,
    /// What names an item in idempotency keys; its position when absent.
    pub key: Option<Template>,
    /// What one item yields, where the body is a group.
    pub output: Option<Template>,
    /// What is done for each item; it has neither id nor path of its own.
    pub body: Step,
}

/// What happens when an item fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnItemError {
    /// The others are finished, then the step fails.
    Fail,
    /// The others are cancelled and the step fails.
    FailFast,
    /// The others go on, and the step succeeds.
    Continue,
}

/// Runs steps beside each other.
#[derive(Clone, Debug)]
pub struct Parallel {
    /// The steps.
    pub steps: Vec<Step>,
    /// How many at the same time.
    pub concurrency: u32,
    /// Whether the first one that fails cancels the others.
    pub fail_fast: bool,
}

/// Asks people.
#[derive(Clone, Debug)]
pub struct Approve {
    /// What is asked.
    pub message: Template,
    /// Everybody who has one of these roles may answer.
    pub roles: Vec<String>,
    /// These people may answer.
    pub users: Vec<Template>,
    /// How many different people have to agree.
    pub quorum: u32,
    /// Whether whoever started the run does not count.
    pub not_self: bool,
    /// How long there is time.
    pub timeout: Millis,
    /// Whether no answer fails the step, instead of counting as a "no".
    pub fail_on_timeout: bool,
    /// Whether the run goes on after a "no".
    pub go_on_when_denied: bool,
    /// Who may answer as well, after a while.
    pub escalate: Vec<Escalate>,
    /// JSON Schema of what people fill in.
    pub form: Option<Value>,
    /// Where people are told, by the names of the configuration.
    pub notify: Vec<String>,
}

/// Others who may answer after a while.
#[derive(Clone, Debug)]
pub struct Escalate {
    /// How long after the question.
    pub after: Millis,
    /// Everybody who has one of these roles.
    pub roles: Vec<String>,
    /// These people.
    pub users: Vec<Template>,
}

/// Waits.
#[derive(Clone, Debug)]
pub struct Wait {
    /// What for.
    pub what: WaitFor,
    /// How long at the most.
    pub timeout: Millis,
    /// Whether the run goes on when the time is over.
    pub go_on_after: bool,
}

/// What a step waits for.
#[derive(Clone, Debug)]
pub enum WaitFor {
    /// A span of time, as text.
    Span(Template),
    /// An instant.
    Instant(Template),
    /// A revision of an alert.
    Alert {
        /// Its id.
        id: Template,
        /// What has to be true of it; any new revision counts when absent.
        condition: Option<Expr>,
    },
    /// A call from outside.
    Webhook {
        /// What has to be true of it.
        condition: Option<Expr>,
    },
}

/// Runs another playbook.
#[derive(Clone, Debug)]
pub struct Child {
    /// Which.
    pub playbook: PlaybookName,
    /// Its inputs.
    pub with: Template,
    /// Whether its end is waited for.
    pub wait: bool,
}

/// Repeats a read until a condition holds.
#[derive(Clone, Debug)]
pub struct Until {
    /// The condition, over `output`.
    pub condition: Expr,
    /// The wait between two reads.
    pub every: Millis,
}

/// Takes a containment back later.
#[derive(Clone, Debug)]
pub struct Release {
    /// How long after it.
    pub after: Millis,
    /// Only where this is true by then.
    pub condition: Option<Expr>,
}

/// Runs of a playbook at the same time.
#[derive(Clone, Debug)]
pub struct Concurrency {
    /// Runs with the same key count together.
    pub key: Template,
    /// How many.
    pub limit: u32,
    /// What happens to one more.
    pub on_conflict: OnConflict,
    /// How many may wait for their turn.
    pub max_queue: u32,
}

/// What happens to a run while as many as may run are going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// It waits for its turn.
    Queue,
    /// It ends at once.
    Skip,
    /// The others are cancelled.
    CancelRunning,
}
