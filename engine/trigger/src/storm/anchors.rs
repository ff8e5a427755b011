//! Anchors: the starts that later alerts are linked to, for `dedup` and `suppress`.

use engine_model::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AlertRef, Facts};

/// Anchors kept for one key. More than one is needed only for alerts that come late.
const ANCHORS_MAX: usize = 4;

/// The starts with one key, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchors {
    #[serde(rename = "a")]
    anchors: Vec<(i64, AlertRef)>,
    /// Until when the cell is kept.
    #[serde(rename = "k")]
    keep_until: i64,
    /// Of what is older nothing is known any more.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
}

impl Anchors {
    /// The alert whose window `at` is in. An anchor holds what comes less than a window after it,
    /// and what comes late from less than a window before it.
    ///
    /// Where so many anchors followed that the old ones are gone, what is older than those counts
    /// as held: a flood of late alerts must not start a run each.
    pub(super) fn held(&self, at: Timestamp, window: Millis) -> Option<AlertRef> {
        let at = at.as_ms();
        if self.floor.is_some_and(|floor| at < floor) {
            return self.anchors.first().map(|(_, alert)| *alert);
        }
        let near = |anchor: i64| anchor.abs_diff(at) < window.as_ms();
        self.anchors
            .iter()
            .find(|(anchor, _)| near(*anchor))
            .map(|(_, alert)| *alert)
    }

    pub(super) fn add(&mut self, facts: &Facts, window: Millis, retention: Millis) {
        let at = facts.at.as_ms();
        let place = self.anchors.partition_point(|(anchor, _)| *anchor <= at);
        self.anchors.insert(place, (at, facts.alert));
        let keep_until = facts.now.plus(window).plus(retention).as_ms();
        self.keep_until = self.keep_until.max(keep_until);
        if self.anchors.len() > ANCHORS_MAX {
            let (dropped, _) = self.anchors.remove(0);
            let floor = Timestamp::from_ms(dropped).plus(window).as_ms();
            self.floor = Some(self.floor.map_or(floor, |before| before.max(floor)));
        }
    }

    /// Until when the cell is kept.
    #[must_use]
    pub const fn keep_until(&self) -> Timestamp {
        Timestamp::from_ms(self.keep_until)
    }
}
