//! Limits on starts, and the queues before them.

use std::ops::Range;

use engine_model::Timestamp;
use engine_playbook::plan::Throttle;
use serde::{Deserialize, Serialize};

use super::{Firing, Passed};

/// The starts that count against a limit, and the numbers of those that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Oldest first.
    #[serde(rename = "s")]
    starts: Vec<i64>,
    /// The first that waits.
    #[serde(rename = "h")]
    head: u64,
    /// The number of the next one to wait.
    #[serde(rename = "t")]
    tail: u64,
}

impl Rate {
    /// Lets a start through, queues it, or drops it. Who comes later never starts earlier.
    pub(super) fn admit(&mut self, throttle: &Throttle, firing: Firing, now: Timestamp) -> Passed {
        self.forget(throttle, now);
        if self.head == self.tail && self.starts.len() < throttle.max as usize {
            self.starts.push(now.as_ms());
            return Passed::Starts(firing);
        }
        if self.waiting() >= u64::from(throttle.queue) {
            return Passed::Dropped(firing);
        }
        let number = self.tail;
        self.tail += 1;
        Passed::Queued {
            firing,
            number,
            waiting: self.waiting(),
        }
    }

    pub(super) fn release(&mut self, throttle: Option<&Throttle>, now: Timestamp) -> Range<u64> {
        let free = throttle.map_or(u64::MAX, |throttle| {
            self.forget(throttle, now);
            u64::from(throttle.max).saturating_sub(self.starts.len() as u64)
        });
        let begin = self.head;
        self.head += free.min(self.waiting());
        for _ in begin..self.head {
            self.starts.push(now.as_ms());
        }
        begin..self.head
    }

    /// When the next one that waits may start; none when nobody waits.
    #[must_use]
    pub fn due(&self, throttle: Option<&Throttle>) -> Option<Timestamp> {
        if self.waiting() == 0 {
            return None;
        }
        let at = throttle.and_then(|throttle| {
            let over = self.starts.len().checked_sub(throttle.max as usize)?;
            let oldest = self.starts.get(over)?;
            Some(Timestamp::from_ms(*oldest).plus(throttle.per))
        });
        Some(at.unwrap_or_default())
    }

    /// How many wait.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.tail - self.head
    }

    /// Until when the cell is kept; for ever while somebody waits.
    #[must_use]
    pub fn keep_until(&self, throttle: Option<&Throttle>) -> Timestamp {
        match (self.waiting(), throttle, self.starts.last()) {
            (0, Some(throttle), Some(last)) => Timestamp::from_ms(*last).plus(throttle.per),
            (0, ..) => Timestamp::default(),
            _ => Timestamp::from_ms(i64::MAX),
        }
    }

    /// Forgets starts that no longer count. A clock that was set back does not free anything.
    fn forget(&mut self, throttle: &Throttle, now: Timestamp) {
        self.starts
            .retain(|start| Timestamp::from_ms(*start).plus(throttle.per) > now);
    }
}
