//! The ledger of effects: what was done to whom, by which run, and whether it still holds.

use actions_contract::{BoxFuture, EffectKind};
use engine_model::{ActionId, Digest, Millis, PlaybookName, RunId, TenantId, Timestamp};
use engine_playbook::guard::Limit;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AuditEntry, Halt};
use crate::EngineError;

/// Where an effect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// It was checked and counted, and is being asked for.
    Begun,
    /// The service took it and is at it.
    Pending,
    /// It is done.
    Done,
    /// It is not known whether the service took it.
    InDoubt,
    /// It did not happen.
    Failed,
    /// It was taken back.
    Released,
}

impl EffectState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Begun,
        Self::Pending,
        Self::Done,
        Self::InDoubt,
        Self::Failed,
        Self::Released,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::InDoubt => "in_doubt",
            Self::Failed => "failed",
            Self::Released => "released",
        }
    }
}

/// An effect as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectRow {
    /// The same for every try of the step that asks for it.
    pub idem: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The connection; the broker's default when absent.
    pub connection: Option<String>,
    /// The action.
    pub action: ActionId,
    /// What it does to the world.
    pub effect: EffectKind,
    /// The action that takes it back, where there is one.
    pub undo: Option<String>,
    /// The kind of target.
    pub entity: String,
    /// The one id of the target.
    pub target: String,
    /// What people call it.
    pub label: String,
    /// The run that holds it.
    pub run: RunId,
    /// The playbook of the run.
    pub playbook: PlaybookName,
    /// The step.
    pub step: String,
    /// Whether it was only simulated.
    pub dry: bool,
    /// Where it stands.
    pub state: EffectState,
    /// When it was first asked for.
    pub begun_at: Timestamp,
    /// When it came to where it stands.
    pub changed_at: Timestamp,
    /// When it will be taken back by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Timestamp>,
    /// Where that stands: `owed`, `running`, `done`, `not_wanted` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Why it failed, or could not be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A release that is owed once an effect holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// How long after the effect.
    pub after: Millis,
    /// Only where this holds then, over `target`, `run`, `vars`, `inputs`, `alert` and `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The names of the condition that are not read afresh.
    #[serde(default)]
    pub names: Value,
}

/// A place in the ledger that is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The effect, as it would stand there.
    pub row: EffectRow,
    /// The digest of the parameters that make an effect another one.
    pub shape: Digest,
    /// For how long the same effect is answered with the earlier result.
    pub dedup: Millis,
    /// The limits that hold.
    pub limits: Vec<Limit>,
    /// How many targets the run may have.
    pub max_targets: Option<u32>,
    /// Whether the stop switch and the limits hold it back; a release is never held back.
    pub guarded: bool,
    /// The release that is owed once it holds.
    pub owed: Option<Owed>,
    /// Who agreed, by the rule that asked.
    pub approved: Vec<(String, Vec<String>)>,
}

/// Whether there is a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Reserved {
    /// There is, and it is counted.
    Granted,
    /// The same effect holds already; this was its result.
    Same {
        /// The output of the action then.
        output: Value,
        /// The run that did it.
        run: RunId,
    },
    /// Another run is working on the target.
    Busy {
        /// Which.
        run: RunId,
        /// What it does.
        action: ActionId,
    },
    /// The same was asked of the target by a run that is over, or by another step of this run, and
    /// it is not known what became of it.
    Left(Left),
    /// A limit is reached.
    Limit(Limit),
    /// The run has as many targets as it may.
    MaxTargets(u32),
    /// The stop switch is on.
    Halted(Halt),
}

/// An effect about which nobody may ask any more what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its key.
    pub idem: String,
    /// The run that asked for it.
    pub run: RunId,
    /// When it was first asked for.
    pub begun_at: Timestamp,
    /// When the last was heard of it.
    pub changed_at: Timestamp,
}

/// What an effect came to.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The effect.
    pub idem: String,
    /// When.
    pub at: Timestamp,
    /// Where it stands now.
    pub state: EffectState,
    /// The output of the action, when it is done.
    pub output: Option<Value>,
    /// Why not, or what is waited for.
    pub note: Option<String>,
}

/// A target that was named by something else than its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The id.
    pub target: String,
    /// What people call it.
    pub label: String,
}

/// What a driver keeps about effects; each call is one transaction, audit log included.
pub trait Ledger: Send + Sync {
    /// Takes a place for an effect, or says why there is none: checked and counted at once, so
    /// that two runs never both take the last place.
    fn reserve(&self, wish: Wish) -> BoxFuture<'_, Result<Reserved, EngineError>>;

    /// Notes what an effect came to.
    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Writes an entry of the audit log.
    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), EngineError>>;

    /// The target against which an earlier try of the same step was checked.
    fn target_of<'a>(&'a self, idem: &'a str) -> BoxFuture<'a, Result<Option<Known>, EngineError>>;

    /// The target of this id or name that something is in effect on.
    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Option<Known>, EngineError>>;
}

/// Which effects to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectFilter {
    /// Those that are over as well.
    #[serde(default)]
    pub all: bool,
    /// Those whose release failed.
    #[serde(default)]
    pub failed: bool,
    /// Those that were only simulated.
    #[serde(default)]
    pub dry: bool,
    /// How many at the most.
    #[serde(default)]
    pub limit: usize,
}
