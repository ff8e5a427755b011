//! Firings: what storm control lets through, before it is a start.

use engine_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AlertRef, Facts, Group};
use crate::cause::AlertChange;

/// One run to be, and the alerts it works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firing {
    /// The alerts, the one that completed it last.
    pub alerts: Vec<AlertRef>,
    /// How many there were, where some were left out.
    pub count: u32,
    /// What they have in common.
    pub group: Group,
    /// The beginning of the window.
    pub since: Timestamp,
    /// What happened to the last alert.
    pub change: AlertChange,
    /// Whether several alerts may have come together; the run is then known by all of them.
    pub gathered: bool,
    /// What its limit goes by.
    pub limit: Group,
}

impl Firing {
    /// One alert, by itself.
    pub(super) fn of_one(facts: &Facts) -> Self {
        Self {
            alerts: vec![facts.alert],
            count: 1,
            group: Group::new(),
            since: facts.at,
            change: facts.change,
            gathered: false,
            limit: facts.throttle.clone(),
        }
    }

    /// An alert by itself, of which nothing more is known.
    #[must_use]
    pub fn single(alert: AlertRef, change: AlertChange) -> Self {
        Self {
            alerts: vec![alert],
            count: 1,
            group: Group::new(),
            since: Timestamp::default(),
            change,
            gathered: false,
            limit: Group::new(),
        }
    }

    pub(super) fn gathered(self) -> Self {
        Self {
            gathered: true,
            ..self
        }
    }

    /// What expressions find under `trigger`, beside `id` and `alerts`.
    #[must_use]
    pub fn summary(&self) -> Value {
        json!({ "count": self.count, "group": self.group, "since": self.since })
    }
}
