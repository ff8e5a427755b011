//! A time zone as schedules need it: where its clocks change, and what becomes of a wall-clock
//! time that does not exist or exists twice.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::{GapInfo, Tz};

const PROBE_SECS: i64 = 7 * 86_400;

/// A time zone. Instants are seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone(pub(super) Tz);

/// A change of the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The first instant with the new offset.
    pub(super) at: i64,
    /// Seconds east of UTC until then.
    pub(super) before: i64,
    /// Seconds east of UTC from then on.
    pub(super) after: i64,
}

impl Change {
    /// How many seconds of wall-clock time are left out; zero when clocks go back.
    pub(super) fn gap(self) -> i64 {
        (self.after - self.before).max(0)
    }
}

impl Zone {
    /// Seconds east of UTC at `instant`.
    pub(super) fn offset(self, instant: i64) -> i64 {
        DateTime::from_timestamp(instant, 0).map_or(0, |at| {
            i64::from(
                self.0
                    .offset_from_utc_datetime(&at.naive_utc())
                    .fix()
                    .local_minus_utc(),
            )
        })
    }

    /// The first change after `from`, up to and including `to`.
    ///
    /// No zone changes its clocks twice within a week and ends where it began, so probing by the
    /// week misses none.
    pub(super) fn first_change(self, from: i64, to: i64) -> Option<Change> {
        let before = self.offset(from);
        let mut low = from;
        while low < to {
            let mut high = to.min(low.saturating_add(PROBE_SECS));
            if self.offset(high) == before {
                low = high;
                continue;
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if self.offset(middle) == before {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            return Some(Change {
                at: high,
                before,
                after: self.offset(high),
            });
        }
        None
    }

    /// The instant of a wall-clock time: the first one where it occurs twice, the first minute
    /// after the gap where it does not occur.
    pub(super) fn first_instant(self, wall: NaiveDateTime) -> Option<i64> {
        match self.0.from_local_datetime(&wall) {
            LocalResult::Single(at) => Some(at.timestamp()),
            LocalResult::Ambiguous(first, second) => {
                Some(first.timestamp().min(second.timestamp()))
            }
            LocalResult::None => {
                let end = GapInfo::new(&wall, &self.0)?.end?.timestamp();
                // Clocks change on the minute, except in tables of the distant past.
                Some(end + (-end).rem_euclid(60))
            }
        }
    }
}
