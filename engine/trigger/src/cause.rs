//! Causes: what made a trigger fire, and what of it makes the run the same run.

use engine_model::{AlertKey, Digest, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What made a trigger fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Cause {
    /// An alert that matched.
    Alert {
        /// The alert.
        key: AlertKey,
        /// The digest of its content at that time.
        revision: Digest,
        /// Whether the alert was new or had changed.
        change: AlertChange,
    },
    /// Alerts that storm control gathered.
    Gathered {
        /// The alert that completed them.
        key: AlertKey,
        /// The oldest of them.
        first: AlertKey,
        /// The digest of that one's content.
        revision: Digest,
        /// What they have in common.
        group: serde_json::Map<String, serde_json::Value>,
        /// The beginning of their window.
        since: Timestamp,
        /// How many they are.
        count: u32,
    },
    /// A planned instant of a schedule.
    Planned {
        /// The instant, which is not the time at which the run begins.
        at: Timestamp,
    },
    /// The end of a run.
    Ended {
        /// That run.
        run: RunId,
    },
    /// A start that failed, or never was, once more.
    Replayed {
        /// The run that it is, or would have been.
        run: RunId,
        /// Who asked for it.
        by: String,
        /// The alert the run works on, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertKey>,
        /// The planned instant, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        planned_at: Option<Timestamp>,
    },
    /// A person.
    Manual {
        /// The caller's key; the same key again is the same start.
        key: String,
        /// Who.
        by: String,
        /// The alert the run works on, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertKey>,
    },
    /// Another run that calls the playbook.
    Run {
        /// The other run.
        run: RunId,
        /// Its command.
        command: u64,
        /// How many runs stand above.
        depth: u8,
    },
    /// Somebody lets a run go on that ended without success.
    Again {
        /// The run.
        run: RunId,
        /// Who.
        by: String,
    },
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertChange {
    /// It is new.
    Created,
    /// It was known, and its content changed.
    Updated,
}

impl AlertChange {
    /// The word for it in playbooks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
        }
    }
}

impl Cause {
    /// The alert behind the start, if any.
    #[must_use]
    pub fn alert(&self) -> Option<&AlertKey> {
        match self {
            Self::Alert { key, .. } | Self::Gathered { key, .. } => Some(key),
            Self::Manual { alert, .. } | Self::Replayed { alert, .. } => alert.as_ref(),
            Self::Planned { .. } | Self::Ended { .. } | Self::Run { .. } | Self::Again { .. } => {
                None
            }
        }
    }

    /// What makes the start unique for its trigger, as one text. A list in JSON, so that no
    /// two causes can run into one another, whatever the ids hold.
    pub(crate) fn identity(&self) -> String {
        let parts = match self {
            Self::Alert {
                key,
                change: AlertChange::Created,
                ..
            } => {
                json!(["alert", key.source.as_str(), key.id])
            }
            Self::Alert {
                key,
                revision,
                change: AlertChange::Updated,
            } => {
                json!(["alert", key.source.as_str(), key.id, revision])
            }
            // An alert counts in one window of its group: the first one tells two apart that begin
            // in the same millisecond.
            Self::Gathered {
                first,
                revision,
                group,
                since,
                ..
            } => {
                let first = [first.source.as_str(), &first.id, revision.as_str()];
                json!(["gathered", group, since.as_ms(), first])
            }
            Self::Planned { at } => json!(["planned", at.as_ms()]),
            Self::Ended { run } => json!(["ended", run]),
            Self::Replayed { run, .. } => json!(["replayed", run]),
            Self::Manual { key, .. } => json!(["manual", key]),
            // The interpreter names the run it calls by the same text.
            Self::Run { run, command, .. } => return format!("{run}/{command}"),
            Self::Again { run, .. } => json!(["again", run]),
        };
        parts.to_string()
    }
}
