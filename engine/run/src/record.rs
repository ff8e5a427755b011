//! What became of each step, for people; derived from events, never stored.

use engine_model::{ActionId, Timestamp, TriggerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It is going on.
    Running,
    /// It did what it says.
    Succeeded,
    /// It did not.
    Failed,
    /// Its condition was false.
    Skipped,
    /// It passed its deadline.
    TimedOut,
    /// The run was cancelled while it was going on.
    Cancelled,
    /// It was only simulated.
    Simulated,
    /// A person said no.
    Denied,
    /// A guard rail said no.
    Refused,
}

impl StepStatus {
    /// The word for it in playbooks and timelines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Simulated => "simulated",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// The path of the step in its playbook.
    pub path: String,
    /// What people call it: its id, or its path.
    pub label: String,
    /// Its name, where the author gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The action, where it runs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionId>,
    /// How it stands.
    pub status: StepStatus,
    /// Tries so far.
    pub attempts: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What it waits for, as the action puts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed, as playbooks see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// Something that just happened, for a live timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// When.
    pub at: Timestamp,
    /// What people call the step; empty for the run itself.
    pub step: String,
    /// What.
    #[serde(flatten)]
    pub kind: NewsKind,
}

/// What a piece of news is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum NewsKind {
    /// The run began.
    RunStarted {
        /// The trigger that fired.
        trigger: TriggerId,
    },
    /// A step began.
    StepStarted {
        /// The action, where it runs one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<ActionId>,
        /// Its name, where the author gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A remote action is going on.
    StepWaits {
        /// What for.
        note: String,
        /// Until when, before the next look.
        until: Timestamp,
    },
    /// A person answered.
    StepAnswered {
        /// Who.
        by: String,
        /// What.
        decision: crate::Decision,
        /// What the person said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// The outcome of a try is unknown; the service is asked what happened.
    StepReconciles {
        /// Why it is unknown.
        reason: String,
    },
    /// A try failed and there will be another.
    StepRetries {
        /// Why it failed.
        reason: String,
        /// When the next try begins.
        at: Timestamp,
    },
    /// A step ended.
    StepEnded {
        /// How.
        status: StepStatus,
        /// What it came to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Value>,
    },
    /// The run ended.
    RunEnded {
        /// How.
        status: crate::RunStatus,
        /// Why, where it failed or was stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}
