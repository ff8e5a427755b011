//! What happens to a run; the journal is a list of these.

use std::sync::Arc;

use actions_contract::Outcome;
use engine_model::{Digest, Millis, PlaybookName, RunId, TenantId, Timestamp, TriggerId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Cid, Decision};

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The run begins.
    Started(Box<Started>),
    /// A try of an action came to something.
    Attempted {
        /// Which try.
        cid: Cid,
        /// When.
        at: Timestamp,
        /// What it came to.
        outcome: Outcome,
    },
    /// The engine stopped while a try was under way; what became of it is not known.
    Interrupted {
        /// Which try.
        cid: Cid,
        /// When that was found.
        at: Timestamp,
    },
    /// A timer is due.
    Fired {
        /// Which timer.
        cid: Cid,
        /// When.
        at: Timestamp,
    },
    /// A signal that was waited for came in.
    Signalled {
        /// What waited for it.
        cid: Cid,
        /// When it was taken.
        at: Timestamp,
        /// Who or what sent it.
        by: String,
        /// What it says.
        value: Value,
    },
    /// Somebody cancelled the run.
    Cancelled {
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
    },
}

impl Started {
    /// Everybody who had a hand in the start.
    #[must_use]
    pub fn starters(&self) -> Vec<String> {
        let mut names: Vec<String> = self.by.iter().chain(&self.also_by).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Event {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Started(started) => started.at,
            Self::Attempted { at, .. }
            | Self::Interrupted { at, .. }
            | Self::Fired { at, .. }
            | Self::Signalled { at, .. }
            | Self::Cancelled { at, .. } => *at,
        }
    }
}

/// Everything a run is told when it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// When.
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The digest of the playbook's text; the run never changes to another.
    pub digest: Digest,
    /// The trigger that fired.
    pub trigger: TriggerId,
    /// The inputs, checked and complete.
    pub inputs: Map<String, Value>,
    /// The alert, where one started the run.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "shared")]
    pub alert: Option<Arc<Value>>,
    /// The person who started the run by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Everybody else who had a hand in it: in the run that called this one, or in the one that
    /// this goes on with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_by: Vec<String>,
    /// How many runs stand above this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u8,
    /// The run that this one goes on with, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// `{planned_at}` where a schedule started the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
    /// The alerts, where storm control gathered several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered: Option<Gathered>,
    /// What is said about the run whose end started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Value>,
    /// The version of the engine that started it.
    pub engine: String,
    /// What is fixed for the whole run.
    pub settings: Settings,
}

/// Alerts that started one run together: what expressions find under `trigger`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gathered {
    /// The alerts, the one that completed them last; left out where they are stored elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Value>,
    /// How many there were.
    pub count: u32,
    /// What they have in common.
    pub group: Map<String, Value>,
    /// The beginning of their window.
    pub since: Timestamp,
}

/// A run that goes on where another one failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The other run.
    pub run: RunId,
    /// The outputs of its steps that succeeded, by what people call them: these are not done
    /// again.
    pub kept: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this way")]
const fn is_zero(depth: &u8) -> bool {
    *depth == 0
}

/// What the configuration fixes for a run when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long after an unknown outcome the service may still show a new action late: only after
    /// that does "no trace of it" mean that nothing happened.
    pub reconcile_window: Millis,
    /// Whether steps that change something are only simulated.
    #[serde(default)]
    pub dry_run: bool,
    /// What people are taken to say where steps are only simulated.
    #[serde(default)]
    pub assume: Decision,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reconcile_window: Millis::from_secs(30),
            dry_run: false,
            assume: Decision::Approve,
        }
    }
}

/// A value that is shared in memory and written like any other.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Arc<Value>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Value>>, D::Error> {
        let value = Option::<Value>::deserialize(deserializer)?;
        Ok(value.map(Arc::new))
    }
}
