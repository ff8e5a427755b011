//! The engine as everybody above the drivers sees it.

use actions_contract::BoxFuture;
use engine_model::{
    Alert, AlertKey, Code, Digest, Millis, PlaybookName, RunId, TenantId, Timestamp, TriggerId,
    code,
};
use engine_run::{Event, News, RunStatus, RunView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::guard::{AuditRow, EffectFilter, EffectRow, Halt};
use crate::why::Why;
use crate::{Asked, AskedFilter, Failure, Figures, Reply, Tally, TriggerRecords, Untold};

/// Why the engine did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct EngineError {
    /// The code.
    pub code: Code,
    /// One line for people.
    pub message: String,
    /// Ask again after this long; set when the engine takes no more for the moment.
    pub retry_after: Option<Millis>,
}

impl EngineError {
    /// An error that asking again does not mend.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }
}

/// What became of an alert that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Receipt {
    /// It is new and durable; these runs began.
    Created {
        /// The runs that began.
        runs: Vec<RunId>,
    },
    /// It is known and changed; it is durable, and these runs began.
    Updated {
        /// Counts from 1, the first revision.
        revision: u32,
        /// The runs that began.
        runs: Vec<RunId>,
    },
    /// The same content was there before; nothing began now, these runs began then.
    Same {
        /// The revision it is.
        revision: u32,
        /// The runs of the first answer.
        runs: Vec<RunId>,
    },
}

/// A start by hand.
#[derive(Clone, Debug)]
pub struct ManualStart {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The tenant; `default` where none is meant.
    pub tenant: TenantId,
    /// The inputs given.
    pub inputs: Map<String, Value>,
    /// An alert to work on.
    pub alert: Option<Alert>,
    /// Who starts it.
    pub by: String,
    /// The roles of that person; none where the caller may start everything.
    pub roles: Option<Vec<String>>,
    /// The same key again starts nothing.
    pub key: String,
    /// Whether steps that change something are only simulated.
    pub dry_run: bool,
}

/// Something that a run may wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The name under which it is waited for.
    pub name: String,
    /// Who or what sends it.
    pub by: String,
    /// What it says.
    pub value: Value,
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only of this playbook.
    pub playbook: Option<PlaybookName>,
    /// Only in this status.
    pub status: Option<RunStatus>,
    /// Only those that ended otherwise than people wanted: failed, timed out or refused.
    pub failed: bool,
    /// Only runs that began before the one with this position, for the next page.
    pub before: Option<u64>,
    /// How many at the most.
    pub limit: usize,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Hand this in as `before` for the next page; none when this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A row in the list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// The digest of the playbook's text.
    pub digest: Digest,
    /// The trigger that fired.
    pub trigger: TriggerId,
    /// What made it fire: `alert mde/da637…`, `planned 2026-…`, `manual …`.
    pub cause: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Everything about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDocument {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// How it stands, step by step.
    pub view: RunView,
    /// What happened, in order; outputs stand in the steps.
    #[serde(default)]
    pub timeline: Vec<News>,
    /// The journal.
    pub events: Vec<Event>,
}

/// A row in the list of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSummary {
    /// The identity.
    pub key: AlertKey,
    /// The newest revision, from 1.
    pub revision: u32,
    /// When the newest revision came in.
    pub received_at: Timestamp,
    /// One line for people.
    pub title: String,
    /// The severity.
    pub severity: String,
    /// The runs that began because of it.
    pub runs: Vec<RunId>,
}

/// Everything about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertDocument {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: AlertSummary,
    /// The newest revision.
    pub alert: Alert,
}

/// Something that just happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunNews {
    /// The run.
    pub run: RunId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// What.
    #[serde(flatten)]
    pub news: News,
}

/// A running engine, whatever it runs on.
///
/// Every answer that says that something was taken is given only after it is durable.
pub trait Engine: Send + Sync {
    /// Takes an alert: stores it and starts what matches.
    fn intake(&self, alert: Alert) -> BoxFuture<'_, Result<Receipt, EngineError>>;

    /// Starts a run by hand.
    fn start(&self, start: ManualStart) -> BoxFuture<'_, Result<RunId, EngineError>>;

    /// Cancels a run; false when it is over already.
    fn cancel<'a>(
        &'a self,
        run: &'a RunId,
        by: &'a str,
    ) -> BoxFuture<'a, Result<bool, EngineError>>;

    /// Hands a signal to a run: an answer, an alert, the end of another run. One that nothing in
    /// the run waits for yet is kept until then. False when the run is over already.
    fn signal<'a>(
        &'a self,
        run: &'a RunId,
        signal: Signal,
    ) -> BoxFuture<'a, Result<bool, EngineError>>;

    /// Starts a run that goes on where this one ended without success: what succeeded is not done
    /// again. The same run again names the same new one.
    fn retry<'a>(
        &'a self,
        run: &'a RunId,
        by: &'a str,
    ) -> BoxFuture<'a, Result<RunId, EngineError>>;

    /// Everything about a run.
    fn run<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<RunDocument, EngineError>>;

    /// Runs, newest first.
    fn runs<'a>(
        &'a self,
        filter: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<RunSummary>, EngineError>>;

    /// Everything about an alert: its id, in whatever tenant and source it is found.
    fn alert<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<AlertDocument, EngineError>>;

    /// What every trigger makes of the newest revision of an alert.
    fn why<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Why, EngineError>>;

    /// Alerts, newest first.
    fn alerts(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page<AlertSummary>, EngineError>>;

    /// Up to where a source was read, by the name of its poller.
    fn watermark<'a>(
        &'a self,
        poller: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, EngineError>>;

    /// Remembers up to where a source was read.
    fn set_watermark<'a>(
        &'a self,
        poller: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), EngineError>>;

    /// What triggers leave behind.
    fn records(&self) -> &dyn TriggerRecords;

    /// Turns the stop switch on: when this comes back, nothing that contains or destroys is under
    /// way, and nothing of it starts.
    fn halt<'a>(
        &'a self,
        by: &'a str,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Halt, EngineError>> {
        let _ = (by, reason);
        Box::pin(async { Err(no_guards()) })
    }

    /// Turns the stop switch off; whether it was on.
    fn resume<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<bool, EngineError>> {
        let _ = by;
        Box::pin(async { Err(no_guards()) })
    }

    /// Whether the stop switch is on, and who turned it.
    fn halted(&self) -> Option<Halt> {
        None
    }

    /// Effects of the ledger, newest first.
    fn effects<'a>(
        &'a self,
        filter: &'a EffectFilter,
    ) -> BoxFuture<'a, Result<Vec<EffectRow>, EngineError>> {
        let _ = filter;
        Box::pin(async { Err(no_guards()) })
    }

    /// Entries of the audit log after the one of this number, oldest first.
    fn audit(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, EngineError>> {
        let _ = (after, limit);
        Box::pin(async { Err(no_guards()) })
    }

    /// Questions to people that are open.
    fn approvals<'a>(
        &'a self,
        filter: &'a AskedFilter,
    ) -> BoxFuture<'a, Result<Page<Asked>, EngineError>> {
        let _ = filter;
        Box::pin(async { Err(no_people()) })
    }

    /// The open question of a run that has this digest.
    fn asked<'a>(
        &'a self,
        run: &'a RunId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Asked, EngineError>> {
        let _ = (run, digest);
        Box::pin(async { Err(no_people()) })
    }

    /// Answers a question, or says why the answer does not count. This is the only way.
    fn answer<'a>(
        &'a self,
        run: &'a RunId,
        digest: &'a Digest,
        reply: Reply,
    ) -> BoxFuture<'a, Result<Tally, EngineError>> {
        let _ = (run, digest, reply);
        Box::pin(async { Err(no_people()) })
    }

    /// Questions of which people have to be told now.
    fn untold(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Untold>, EngineError>> {
        let _ = limit;
        Box::pin(async { Err(no_people()) })
    }

    /// People were told, or could not be and are told again after a while.
    fn told(
        &self,
        id: (i64, u64),
        again_in: Option<Millis>,
    ) -> BoxFuture<'_, Result<(), EngineError>> {
        let _ = (id, again_in);
        Box::pin(async { Err(no_people()) })
    }

    /// Runs that failed, newest first, each with its reason.
    fn failures<'a>(
        &'a self,
        filter: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<Failure>, EngineError>> {
        let _ = filter;
        Box::pin(async { Err(no_people()) })
    }

    /// How the engine stands; an error when it cannot work.
    fn figures(&self) -> BoxFuture<'_, Result<Figures, EngineError>> {
        Box::pin(async { Ok(Figures::default()) })
    }

    /// What happens from now on; a slow reader misses the oldest.
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<RunNews>;
}

fn no_people() -> EngineError {
    EngineError::new(code::SV0104, "this engine asks nobody")
}

fn no_guards() -> EngineError {
    EngineError::new(code::SV0104, "this engine has no guard rails")
}
