//! What a run wants done; performed only after the event that led to it is durable.

use actions_contract::{EffectKind, Mode};
use engine_model::{ActionId, Digest, Millis, PlaybookName, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Question;

/// Names a command of a run; allotted by the interpreter, never reused in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cid(pub u64);

/// What a run wants done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Perform one try of an action, then report [`Event::Attempted`](crate::Event::Attempted).
    Attempt(Box<Attempt>),
    /// Report [`Event::Fired`](crate::Event::Fired) at this instant.
    Timer {
        /// Which timer.
        cid: Cid,
        /// When.
        wake_at: Timestamp,
    },
    /// Report [`Event::Signalled`](crate::Event::Signalled) for every signal of this name, those
    /// that came in before included, until it is forgotten.
    Await(Box<Await>),
    /// Start another run, and report its end where that is waited for.
    Child(Box<StartChild>),
    /// Cancel the other run that this command started; its end is still waited for.
    StopChild {
        /// Which.
        cid: Cid,
    },
    /// Wait for a turn among the runs of this playbook, and report it.
    Enter(Box<Enter>),
    /// This timer or signal is no longer waited for.
    Forget {
        /// Which.
        cid: Cid,
    },
    /// The run is over.
    Finish(Box<Finish>),
}

/// A signal that is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Await {
    /// What waits.
    pub cid: Cid,
    /// The name of the signal; unique among those that the run waits for.
    pub name: String,
    /// What it is about.
    pub wants: Wants,
}

/// What a signal that is waited for is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wants {
    /// Answers of people, each an [`Answer`](crate::Answer).
    Answers {
        /// What they are asked.
        question: Box<Question>,
    },
    /// Revisions of an alert of the run's tenant, each as expressions see it.
    Alert {
        /// Its id.
        id: String,
        /// Whether the revision counts that is there already.
        now: bool,
    },
    /// Calls from outside.
    Webhook,
}

/// One try of an action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// Which try.
    pub cid: Cid,
    /// The path of the step.
    pub step: String,
    /// What people call the step: its id, or its path.
    pub label: String,
    /// `run / step`, and `@ tenant` where the step names one: the same for every try of the step.
    pub idem: String,
    /// 1 for the first try of the step.
    pub attempt: u32,
    /// What the try is for.
    pub mode: Mode,
    /// The action.
    pub action: ActionId,
    /// What the action declares to do to the world.
    pub effect: EffectKind,
    /// The connection; the broker's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The tenant that the step names; that of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The parameters.
    pub args: Value,
    /// What the action handed back when it said `Pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Value>,
    /// When the step's first try began.
    pub begun_at: Timestamp,
    /// The time the try may take.
    pub timeout: Millis,
    /// When what it contains is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// What people agreed to since a policy asked for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Approved>,
}

/// When a containment is taken back, whatever becomes of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Release {
    /// How long after it.
    pub after: Millis,
    /// The expression that has to be true by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// Another run to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartChild {
    /// What waits for its end.
    pub cid: Cid,
    /// Its id.
    pub run: RunId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// What it is given.
    pub inputs: Map<String, Value>,
    /// How many runs stand above it.
    pub depth: u8,
    /// Whether its end is waited for.
    pub wait: bool,
    /// Whether it is only simulated, as this one is.
    pub dry_run: bool,
    /// Everybody who had a hand in the start of this run, and so in that of the other one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// What people call the step.
    pub step: String,
}

/// A turn among the runs of a playbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enter {
    /// What waits for it.
    pub cid: Cid,
    /// Runs with the same key count together.
    pub key: String,
    /// How many may run.
    pub limit: u32,
    /// What happens to one more.
    pub on_conflict: Conflict,
    /// How many may wait.
    pub max_queue: u32,
}

/// What happens to a run while as many as may run are going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// It waits.
    Queue,
    /// It ends.
    Skip,
    /// The others are cancelled.
    CancelRunning,
}

/// What people agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// The rule that asked for it.
    pub rule: String,
    /// The digest of what they agreed to.
    pub digest: Digest,
    /// Who, in the order in which they answered.
    pub by: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// How.
    pub status: RunStatus,
    /// The playbook's outputs, when it succeeded.
    pub outputs: Map<String, Value>,
    /// The error, as playbooks see it, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// The reason that a `stop` gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It is going on.
    Running,
    /// It reached its end, or a `stop` that counts as success.
    Succeeded,
    /// A step failed and nothing handled it.
    Failed,
    /// It passed its deadline.
    TimedOut,
    /// Somebody, or a `stop`, cancelled it.
    Cancelled,
    /// A person said no.
    Denied,
    /// A guard rail said no and nothing handled it.
    Refused,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Denied,
        Self::Refused,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}
