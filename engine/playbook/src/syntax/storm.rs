//! Storm control as written: what keeps many alerts from starting many runs.

use engine_model::Millis;
use schemars::JsonSchema;
use serde::Deserialize;

use super::place::{Spanned, TextWithExpressions};

/// By which clock windows are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockWord {
    /// By the time the source gave the alert, and never later than it came in.
    Alert,
    /// By the time the alert came in.
    Arrival,
}

/// The first alert with a key starts the run; later ones in the window are linked to it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dedup {
    /// What makes two alerts the same for this playbook: `${{ alert.device.id }}`.
    #[schemars(required)]
    pub key: Option<TextWithExpressions>,
    /// For how long, counted from the first one.
    #[schemars(required)]
    pub window: Option<Spanned<Millis>>,
}

/// A run starts only when a group of alerts reaches a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accumulate {
    /// Fields of the alert; alerts with the same values belong together. All alerts when absent.
    #[schemars(length(max = 8))]
    pub group_by: Option<Vec<String>>,
    /// How far apart the alerts of a group may be; for sessions, the gap that ends one.
    #[schemars(required)]
    pub within: Option<Spanned<Millis>>,
    /// How many alerts it takes.
    pub count: Option<AtLeast>,
    /// How many different values of a field it takes.
    pub distinct: Option<Distinct>,
    /// Selections of the trigger's `detection`, which alerts have to match in this order, one alert
    /// each.
    #[schemars(length(min = 2, max = 16))]
    pub sequence: Option<Spanned<Vec<String>>>,
    /// The shape of the window; `sliding` when absent.
    pub window: Option<Spanned<WindowWord>>,
}

/// A number that has to be reached.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// The number.
    #[schemars(required, range(min = 1, max = 1000))]
    pub gte: Option<u32>,
}

/// How many different values of a field it takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distinct {
    /// The field; of a list every member counts.
    #[schemars(required)]
    pub field: Option<Spanned<String>>,
    /// The number.
    #[schemars(required, range(min = 1, max = 1000))]
    pub gte: Option<u32>,
}

/// The shape of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowWord {
    /// Any stretch of that length.
    Sliding,
    /// Stretches side by side, beginning at midnight UTC of 1 January 1970.
    Tumbling,
    /// As long as no gap between two alerts is longer.
    Session,
}

/// One run for many alerts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The run starts when so many have come; `100` when absent.
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<u32>,
    /// The run starts this long after the first one at the latest.
    #[schemars(required)]
    pub wait: Option<Spanned<Millis>>,
    /// Fields of the alert; alerts with the same values come into one batch.
    #[schemars(length(max = 8))]
    pub group_by: Option<Vec<String>>,
}

/// No more than so many starts in a time; the others wait, and are dropped past the queue.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// How many starts.
    #[schemars(required, range(min = 1, max = 1000))]
    pub max: Option<u32>,
    /// In which time.
    #[schemars(required)]
    pub per: Option<Spanned<Millis>>,
    /// Fields of the alert; each combination of values has a limit and a queue of its own.
    #[schemars(length(max = 8))]
    pub group_by: Option<Vec<String>>,
    /// How many starts may wait; more are dropped, counted and listed. `1000` when absent.
    #[schemars(range(min = 0, max = 100000))]
    pub queue: Option<u32>,
}
