//! Storm control, checked.

use engine_model::Millis;

use super::{RuleFile, Selection};
use crate::expr::Template;

/// What stands between an alert that matches and a run, in the order applied.
#[derive(Clone, Debug, Default)]
pub struct Storm {
    /// By which clock windows are measured.
    pub clock: WindowClock,
    /// Of alerts with one key the first counts.
    pub dedup: Option<Dedup>,
    /// A group has to reach a number.
    pub accumulate: Option<Accumulate>,
    /// Silence after a start.
    pub suppress: Option<Millis>,
    /// One run for many alerts.
    pub batch: Option<Batch>,
    /// So many starts in a time.
    pub throttle: Option<Throttle>,
    /// The path of the trigger's `alert` in the file, for diagnostics.
    pub path: String,
}

impl Storm {
    /// Whether every alert that matches starts a run at once.
    #[must_use]
    pub const fn is_calm(&self) -> bool {
        self.dedup.is_none()
            && self.accumulate.is_none()
            && self.suppress.is_none()
            && self.batch.is_none()
            && self.throttle.is_none()
    }

    /// Whether one run may work on several alerts.
    #[must_use]
    pub const fn gathers(&self) -> bool {
        self.accumulate.is_some() || self.batch.is_some()
    }

    /// The fields of `trigger.group`.
    #[must_use]
    pub fn group_fields(&self) -> Vec<&str> {
        let accumulate = self.accumulate.iter().flat_map(|a| &a.group_by);
        let batch = self.batch.iter().flat_map(|batch| &batch.group_by);
        accumulate.chain(batch).map(String::as_str).collect()
    }
}

/// By which clock windows are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowClock {
    /// By the time the source gave the alert.
    #[default]
    Alert,
    /// By the time the alert came in.
    Arrival,
}

/// Of alerts with one key the first starts a run, later ones in the window are linked to it.
#[derive(Clone, Debug)]
pub struct Dedup {
    /// What makes two alerts the same.
    pub key: Template,
    /// For how long.
    pub window: Millis,
}

/// A run starts when a group of alerts reaches a number.
#[derive(Clone, Debug)]
pub struct Accumulate {
    /// Alerts with the same values of these fields belong together.
    pub group_by: Vec<String>,
    /// The length of the window, or the gap that ends a session.
    pub within: Millis,
    /// How many alerts it takes.
    pub count: u32,
    /// How many different values of a field it takes.
    pub distinct: Option<Distinct>,
    /// What alerts have to match in this order, one alert each; empty where the order is all the
    /// same.
    pub sequence: Vec<Stage>,
    /// The shape of the window.
    pub window: WindowShape,
}

/// A selection that a sequence waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The selection.
    pub selection: Selection,
    /// The rule file it comes from; none where the playbook holds it itself.
    pub rule: Option<RuleFile>,
}

/// How many different values of a field it takes.
#[derive(Clone, Debug)]
pub struct Distinct {
    /// The field.
    pub field: String,
    /// The number.
    pub gte: u32,
}

/// The shape of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowShape {
    /// Any stretch of the length.
    Sliding,
    /// Stretches side by side.
    Tumbling,
    /// As long as no gap is longer.
    Session,
}

/// One run for many alerts.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The run starts when so many have come.
    pub max: u32,
    /// The run starts this long after the first one at the latest.
    pub wait: Millis,
    /// Alerts with the same values of these fields come into one batch.
    pub group_by: Vec<String>,
}

/// So many starts in a time.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// How many starts.
    pub max: u32,
    /// In which time.
    pub per: Millis,
    /// Each combination of values has a limit of its own.
    pub group_by: Vec<String>,
    /// How many starts may wait.
    pub queue: u32,
}
