//! Facts: what storm control wants to know about an alert.

use engine_model::{Digest, Timestamp};
use engine_playbook::expr::{EvalError, Scope};
use engine_playbook::plan::{Stage, Storm, WindowClock};
use serde_json::{Map, Value};

use super::{AlertRef, CellId, Cells, Control, Place};
use crate::cause::AlertChange;
use crate::detection;
use crate::fold::fold;
use crate::path::{FieldPath, Fields, Seen};
use crate::view::AlertView;

/// Fields of the alert by their paths: what a group has in common.
pub type Group = Map<String, Value>;

/// Values of one alert that count for `distinct` at the most.
const VALUES_MAX: usize = 100;

/// What storm control wants to know about an alert that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The alert.
    pub alert: AlertRef,
    /// Its time by the clock of the trigger.
    pub at: Timestamp,
    /// When it came in.
    pub now: Timestamp,
    /// What happened to it.
    pub change: AlertChange,
    /// What makes it the same as another.
    pub key: Option<Value>,
    /// Its group in `accumulate`.
    pub group: Group,
    /// What it adds to `distinct`, hashed.
    pub values: Vec<u64>,
    /// The stages of `sequence` that it matches, one bit each.
    pub stages: u32,
    /// Its group in `batch`.
    pub batch: Group,
    /// Its group in `throttle`.
    pub throttle: Group,
}

/// Why there are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of `dedup` could not be computed: {source}")]
pub struct FactsError {
    #[from]
    source: EvalError,
}

impl Facts {
    /// The facts about an alert that came in at `now`.
    ///
    /// # Errors
    ///
    /// When the key of `dedup` cannot be computed.
    pub fn of(
        storm: &Storm,
        alert: &AlertView<'_>,
        change: AlertChange,
        now: Timestamp,
    ) -> Result<Self, FactsError> {
        let said = match change {
            AlertChange::Created => alert.alert().created_at,
            AlertChange::Updated => alert.alert().updated_at,
        };
        let at = match storm.clock {
            // A source whose clock is ahead must not silence the future.
            WindowClock::Alert => said.min(now),
            WindowClock::Arrival => now,
        };
        let key = storm.dedup.as_ref();
        let key = key.map(|dedup| dedup.key.render(&OnlyAlert(alert)));
        let accumulate = storm.accumulate.as_ref();
        let distinct = accumulate.and_then(|accumulate| accumulate.distinct.as_ref());
        let group = |fields: Option<&Vec<String>>| {
            fields.map_or_else(Group::new, |fields| group(fields, alert))
        };
        Ok(Self {
            alert: AlertRef(0),
            at,
            now,
            change,
            key: key.transpose()?,
            group: group(accumulate.map(|accumulate| &accumulate.group_by)),
            values: distinct.map_or_else(Vec::new, |distinct| values(&distinct.field, alert)),
            stages: accumulate.map_or(0, |accumulate| stages(&accumulate.sequence, alert)),
            batch: group(storm.batch.as_ref().map(|batch| &batch.group_by)),
            throttle: group(storm.throttle.as_ref().map(|throttle| &throttle.group_by)),
        })
    }

    /// The cells that the alert touches.
    #[must_use]
    pub fn cells(&self, storm: &Storm, place: &Place) -> Cells {
        let of = |control: Control, group: &Group| {
            CellId::of(place, control, &Value::Object(folded(group)))
        };
        let key = self.key.as_ref();
        Cells {
            dedup: key.map(|key| CellId::of(place, Control::Dedup, key)),
            accumulate: storm
                .accumulate
                .as_ref()
                .map(|_| of(Control::Accumulate, &self.group)),
            // Without groups, those with the same key belong together.
            suppress: storm.suppress.map(|_| match (&storm.accumulate, key) {
                (None, Some(key)) => CellId::of(place, Control::Suppress, key),
                _ => of(Control::Suppress, &self.group),
            }),
            batch: storm
                .batch
                .as_ref()
                .map(|_| of(Control::Batch, &self.batch)),
            throttle: storm
                .throttle
                .as_ref()
                .map(|_| of(Control::Throttle, &self.throttle)),
        }
    }
}

impl Cells {
    /// The cell of a limit, by the group of what waits for it.
    #[must_use]
    pub fn of_limit(place: &Place, limit: &Group) -> CellId {
        CellId::of(place, Control::Throttle, &Value::Object(folded(limit)))
    }
}

/// Texts are the same whatever their case, as in a match.
fn folded(group: &Group) -> Group {
    let fold_text = |text: &String| Value::String(fold(text).into_owned());
    let fold_value = |value: &Value| match value {
        Value::String(text) => fold_text(text),
        other => other.clone(),
    };
    group
        .iter()
        .map(|(field, value)| (field.clone(), fold_value(value)))
        .collect()
}

fn group(fields: &[String], alert: &AlertView<'_>) -> Group {
    fields
        .iter()
        .map(|field| (field.clone(), one_value(field, alert)))
        .collect()
}

/// The value of a field; of several the sorted texts, joined, so that their order does not matter.
fn one_value(field: &str, alert: &AlertView<'_>) -> Value {
    let found = FieldPath::read(field).map(|path| path.values(alert));
    let mut texts: Vec<String> = found
        .iter()
        .flatten()
        .filter_map(|found| found.text().map(str::to_owned))
        .collect();
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() {
        Value::Null
    } else {
        Value::String(texts.join(" "))
    }
}

fn values(field: &str, alert: &AlertView<'_>) -> Vec<u64> {
    let found = FieldPath::read(field).map(|path| path.values(alert));
    let mut values: Vec<u64> = found
        .iter()
        .flatten()
        .filter_map(|found| found.folded().map(hashed))
        .collect();
    values.sort_unstable();
    values.dedup();
    values.truncate(VALUES_MAX);
    values
}

/// Compiled anew for every alert: only what matched the whole trigger comes here.
fn stages(sequence: &[Stage], alert: &AlertView<'_>) -> u32 {
    let matched = sequence.iter().enumerate().filter(|(_, stage)| {
        let mut fields = Fields::default();
        detection::stage(stage, &mut fields)
            .is_some_and(|node| node.judge(&Seen::new(alert, &fields)).holds)
    });
    matched.fold(0, |bits, (number, _)| bits | 1 << number)
}

fn hashed(text: &str) -> u64 {
    let digest = Digest::of(text.as_bytes());
    let digits = digest.as_str().rsplit(':').next().unwrap_or_default();
    let some = digits.get(..16).unwrap_or(digits);
    u64::from_str_radix(some, 16).expect("a digest is written in hex")
}

struct OnlyAlert<'a>(&'a AlertView<'a>);

impl Scope for OnlyAlert<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        (name == "alert").then(|| &**self.0.value())
    }
}
