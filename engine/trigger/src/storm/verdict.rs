//! Verdicts: why an alert that matched started nothing by itself.

use engine_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::AlertRef;

/// What storm control made of an alert that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// Every control let it through; a run began.
    Started,
    /// `dedup`: another alert with the same key came first.
    Duplicate {
        /// That one.
        first: AlertRef,
    },
    /// `accumulate`: it counts, and the number is not reached yet.
    Counted {
        /// How many are in the window.
        count: usize,
        /// How many it takes.
        of: u32,
        /// How many different values there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        distinct: Option<usize>,
        /// How many different values it takes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        distinct_of: Option<u32>,
        /// The selection that comes next in the sequence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        awaits: Option<String>,
    },
    /// `accumulate`: its window has started its run already.
    Fired {
        /// The beginning of the window.
        since: Timestamp,
    },
    /// `accumulate`: it came too late for its window.
    TooLate,
    /// `suppress`: the group is silent after a start.
    Suppressed {
        /// The alert that completed that start.
        first: AlertRef,
    },
    /// `batch`: it waits for others.
    Batched {
        /// How many wait.
        collected: u32,
        /// When they start at the latest.
        due: Timestamp,
    },
    /// `throttle`: it waits for its turn.
    Queued {
        /// How many wait.
        waiting: u64,
    },
    /// `throttle`: too many wait already.
    Dropped,
    /// The run could not be started; there is a dead letter.
    Unstarted,
}

impl Verdict {
    /// The control that held the alert back; none when it started a run.
    #[must_use]
    pub const fn control(&self) -> Option<&'static str> {
        match self {
            Self::Started | Self::Unstarted => None,
            Self::Duplicate { .. } => Some("dedup"),
            Self::Counted { .. } | Self::Fired { .. } | Self::TooLate => Some("accumulate"),
            Self::Suppressed { .. } => Some("suppress"),
            Self::Batched { .. } => Some("batch"),
            Self::Queued { .. } | Self::Dropped => Some("throttle"),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Duplicate { .. } => "duplicate",
            Self::Counted { .. } => "counted",
            Self::Fired { .. } => "fired",
            Self::TooLate => "too_late",
            Self::Suppressed { .. } => "suppressed",
            Self::Batched { .. } => "batched",
            Self::Queued { .. } => "queued",
            Self::Dropped => "dropped",
            Self::Unstarted => "unstarted",
        }
    }
}
