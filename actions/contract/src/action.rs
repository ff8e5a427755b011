//! One try of an action.

use std::future::Future;
use std::pin::Pin;

use engine_model::{ActionId, Digest, Millis, PlaybookName, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ActionError, ActionInfo, Ask, EffectKind, Egress};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a try is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Do it.
    Execute,
    /// Say what would be done; change nothing.
    Simulate,
    /// The outcome of an earlier try is unknown: find out, change nothing.
    Reconcile,
}

/// How a remote action is followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// The wait before the first look.
    pub first: Millis,
    /// The longest wait between two looks.
    pub max: Millis,
}

impl Default for Follow {
    fn default() -> Self {
        Self {
            first: Millis::from_secs(2),
            max: Millis::from_secs(60),
        }
    }
}

/// Everything one try of an action is told. Holds no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The run.
    pub run: RunId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The path of the step.
    pub step: String,
    /// The tenant the step works in: that of the run, unless the step names another.
    pub tenant: TenantId,
    /// The connection to use; the broker's default when absent.
    pub connection: Option<String>,
    /// The action.
    pub action: ActionId,
    /// What the action declares to do to the world.
    pub effect: EffectKind,
    /// What the try is for.
    pub mode: Mode,
    /// The same for every try of one step: the idempotency key, and the mark left in comments.
    pub idem: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// The parameters.
    pub args: Value,
    /// What the action handed back when it said `Pending`.
    pub resume: Option<Value>,
    /// When the step's first try began.
    pub begun_at: Timestamp,
    /// When this try began.
    pub now: Timestamp,
    /// The time this try may take.
    pub time_left: Millis,
    /// How remote actions are followed.
    pub follow: Follow,
}

/// What one try of an action came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// It succeeded.
    Done {
        /// The output, valid under the action's output schema.
        output: Value,
    },
    /// Something outside has to happen first; call again with `state` as `resume`.
    Pending {
        /// Kept by the engine, handed back unchanged.
        state: Value,
        /// How long to wait.
        resume_after: Millis,
        /// One line for the timeline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Answer to `Reconcile`: the service has no trace of the earlier try.
    Nothing,
    /// Answer to `Reconcile`: it cannot be told.
    Unclear {
        /// Why not.
        message: String,
    },
    /// It failed, and the service did not do it.
    Failed {
        /// Why.
        error: ActionError,
    },
    /// The request may have reached the service and there is no answer.
    Unknown {
        /// What was seen.
        error: ActionError,
    },
    /// A policy asks for people to agree first; nothing was sent.
    Held {
        /// The rule that asks.
        rule: String,
        /// The digest of what they agree to; another one has to be asked for anew.
        digest: Digest,
        /// What they are asked.
        approval: Box<Ask>,
        /// What is about to be done, with the target as it was found: what they decide on.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        shown: Value,
    },
    /// A guard rail or the stop switch said no; nothing was sent, and no other try follows.
    Refused {
        /// Why.
        error: ActionError,
    },
}

/// Something a playbook may call; built in or a plugin.
pub trait Action: Send + Sync {
    /// The facts of the action.
    fn info(&self) -> &ActionInfo;

    /// Performs one try.
    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome>;
}
