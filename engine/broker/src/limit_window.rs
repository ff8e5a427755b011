//! A sliding window: how many calls were made in the last minute, or in the last hour.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// A window is cut into so many slots. A call counts until its slot has left the window as a whole,
/// so a count is never too low and at most one slot too high.
const SLOTS: i64 = 60;
/// A clock that went back by less is another worker's: its calls count as made just now.
const SKEW_MS: i64 = 60_000;

/// The calls of the last `60 * SLOT_MS` milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(i64, u32)>", into = "Vec<(i64, u32)>")]
pub(crate) struct Window<const SLOT_MS: i64> {
    /// Slots with calls and their number, oldest first.
    slots: VecDeque<(i64, u32)>,
    /// The sum of the numbers.
    calls: u64,
}

/// The last minute, by seconds.
pub(crate) type Minute = Window<1000>;
/// The last hour, by minutes.
pub(crate) type Hour = Window<60_000>;

impl<const SLOT_MS: i64> Window<SLOT_MS> {
    /// Lets go of what has left the window, and answers how many calls it holds.
    pub(crate) fn calls(&mut self, now_ms: i64) -> u64 {
        let now = self.slot(now_ms);
        while let Some((slot, calls)) = self.slots.front().copied()
            && slot + SLOTS < now
        {
            self.calls -= u64::from(calls);
            self.slots.pop_front();
        }
        self.calls
    }

    /// Counts one call.
    pub(crate) fn count(&mut self, now_ms: i64) {
        self.calls(now_ms);
        let now = self.slot(now_ms);
        self.calls += 1;
        match self.slots.back_mut() {
            Some((slot, calls)) if *slot == now => *calls += 1,
            _ => self.slots.push_back((now, 1)),
        }
    }

    /// When so many `more` calls fit below `limit`; `now_ms` or earlier where they do already.
    /// Further calls than the limit are taken to follow at its pace.
    pub(crate) fn fit_at_ms(&mut self, limit: u32, more: u32, now_ms: i64) -> i64 {
        let calls = self.calls(now_ms);
        let (limit, more) = (u64::from(limit.max(1)), u64::from(more.max(1)));
        let rounds = i64::try_from((more - 1) / limit).unwrap_or(i64::MAX);
        let places = (more - 1) % limit + 1;
        let mut surplus = (calls + places).saturating_sub(limit);
        let mut at_ms = now_ms;
        for (slot, calls) in &self.slots {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(u64::from(*calls));
            at_ms = (slot + SLOTS + 1) * SLOT_MS;
        }
        at_ms.saturating_add(rounds.saturating_mul((SLOTS + 1) * SLOT_MS))
    }

    /// The slot of a moment, never before the last one with a call.
    fn slot(&mut self, now_ms: i64) -> i64 {
        let now = now_ms.div_euclid(SLOT_MS);
        let Some((last, _)) = self.slots.back().copied() else {
            return now;
        };
        if now >= last {
            return now;
        }
        if (last - now) * SLOT_MS <= SKEW_MS {
            return last;
        }
        // The clock was set back: what lies in the future now would count until the clock has
        // caught up. The calls keep their distances and end at the present.
        for (slot, _) in &mut self.slots {
            *slot -= last - now;
        }
        now
    }
}

impl<const SLOT_MS: i64> From<Vec<(i64, u32)>> for Window<SLOT_MS> {
    fn from(mut slots: Vec<(i64, u32)>) -> Self {
        slots.sort_unstable();
        slots.truncate(1000);
        let calls = slots.iter().map(|(_, calls)| u64::from(*calls)).sum();
        Self {
            slots: slots.into(),
            calls,
        }
    }
}

impl<const SLOT_MS: i64> From<Window<SLOT_MS>> for Vec<(i64, u32)> {
    fn from(window: Window<SLOT_MS>) -> Self {
        window.slots.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_call_counts_for_a_minute_and_at_most_a_second_longer() {
        let mut minute = Minute::default();
        minute.count(1_500);
        assert_eq!(minute.calls(61_499), 1);
        assert_eq!(minute.calls(62_000), 0);
    }

    #[test]
    fn the_next_place_is_told_to_the_second() {
        let mut minute = Minute::default();
        for at_ms in [0, 0, 10_000, 10_000, 20_000] {
            minute.count(at_ms);
        }
        assert_eq!(minute.fit_at_ms(6, 1, 20_000), 20_000);
        assert_eq!(minute.fit_at_ms(5, 1, 20_000), 61_000);
        assert_eq!(minute.fit_at_ms(5, 3, 20_000), 71_000);
        assert_eq!(minute.fit_at_ms(5, 5, 20_000), 81_000);
        assert_eq!(minute.fit_at_ms(5, 6, 20_000), 122_000, "the next round");
    }

    #[test]
    fn a_clock_set_back_neither_frees_nor_blocks_for_longer_than_the_window() {
        let mut minute = Minute::default();
        minute.count(3_600_000);
        assert_eq!(minute.calls(0), 1, "an hour back: it still counts");
        assert_eq!(minute.calls(30_000), 1);
        assert_eq!(minute.calls(61_000), 0, "and not longer than a minute");
    }

    #[test]
    fn workers_whose_clocks_differ_do_not_push_calls_out_of_the_window() {
        let mut minute = Minute::default();
        for _ in 0..100 {
            minute.count(10_000);
            minute.count(8_000);
        }
        assert_eq!(minute.calls(69_000), 200);
    }

    #[test]
    fn a_window_is_kept_as_numbers_and_comes_back_the_same() {
        let mut hour = Hour::default();
        for at_ms in [60_000, 60_000, 240_000] {
            hour.count(at_ms);
        }
        let text = serde_json::to_string(&hour).unwrap();
        assert_eq!(text, "[[1,2],[4,1]]");
        assert_eq!(serde_json::from_str::<Hour>(&text).unwrap(), hour);
    }

    proptest! {
        #[test]
        fn no_minute_ever_holds_more_calls_than_the_limit(
            pauses in proptest::collection::vec(0_i64..4_000, 1..400),
            limit in 1_u32..30,
        ) {
            let (mut window, mut now_ms, mut made) = (Minute::default(), 0, Vec::<i64>::new());
            for pause in pauses {
                now_ms += pause;
                let at_ms = window.fit_at_ms(limit, 1, now_ms);
                if at_ms <= now_ms {
                    window.count(now_ms);
                    made.push(now_ms);
                } else {
                    prop_assert!(window.clone().fit_at_ms(limit, 1, at_ms) <= at_ms);
                }
                let recent = made.iter().filter(|at| **at > now_ms - 60_000).count();
                prop_assert!(recent <= limit as usize);
            }
        }
    }
}
