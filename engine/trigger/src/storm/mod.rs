//! Storm control: between an alert that matches and a run, so that many alerts start few runs.
//!
//! A fold. [`offer`] takes the [`State`] that one alert touches, the [`Facts`] about the alert and
//! an instant, and gives the state after it and what comes of the alert; [`batch_due`] and
//! [`queue_due`] do the same when a point in time is reached. Which cells an alert touches is known
//! from its facts ([`Facts::cells`]), so whoever stores them reads few and writes few.
//!
//! The order is fixed: dedup, accumulate, suppress, batch, throttle. What one control holds back
//! is not seen by those after it.
//!
//! With `clock: alert` alerts may come in out of order. They are sorted in where they belong for
//! as long as the cell is kept: a day longer than its window, counted from the last arrival.

mod anchors;
mod cells;
mod facts;
mod firing;
mod pending;
mod rate;
mod verdict;
mod windows;

use engine_model::{Millis, Timestamp};
use engine_playbook::plan::{Storm, WindowClock};
use serde::{Deserialize, Serialize};

pub use anchors::Anchors;
pub use cells::{CellId, Cells, Control, Place};
pub use facts::{Facts, FactsError, Group};
pub use firing::Firing;
pub use pending::Pending;
pub use rate::Rate;
pub use verdict::Verdict;
pub use windows::Windows;

/// How many alerts one run works on at the most; the oldest of more are left out.
pub const ALERTS_MAX: usize = 1000;

/// How late an alert may be and still be sorted in where it belongs.
const LATE: Millis = Millis::from_secs(24 * 3600);

/// An alert by the number that the driver gave its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertRef(pub i64);

/// What storm control remembers of the past of one alert; what a trigger does not use is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The starts with the alert's key.
    pub dedup: Option<Anchors>,
    /// The alerts of its group.
    pub accumulate: Option<Windows>,
    /// The starts of its group.
    pub suppress: Option<Anchors>,
    /// The batch it would go into.
    pub batch: Option<Pending>,
    /// The starts that count against its limit.
    pub throttle: Option<Rate>,
}

/// What comes of an alert, or of a batch that is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Passed {
    /// Nothing starts for now.
    Held(Verdict),
    /// A run starts.
    Starts(Firing),
    /// A run starts later: it has this number in the queue of its limit.
    Queued {
        /// What starts.
        firing: Firing,
        /// Its number.
        number: u64,
        /// How many wait, itself included.
        waiting: u64,
    },
    /// The queue of its limit is full: no run starts.
    Dropped(Firing),
}

/// Takes one alert that matched.
#[must_use]
pub fn offer(storm: &Storm, state: &mut State, facts: &Facts) -> Passed {
    let retention = retention(storm);
    if let Some(dedup) = &storm.dedup {
        let anchors = forgotten(&mut state.dedup, facts.now, Anchors::keep_until);
        if let Some(first) = anchors.held(facts.at, dedup.window) {
            return Passed::Held(Verdict::Duplicate { first });
        }
    }
    note(
        &mut state.dedup,
        storm.dedup.as_ref().map(|d| d.window),
        facts,
        retention,
    );
    let firing = match &storm.accumulate {
        None => Firing::of_one(facts),
        Some(accumulate) => {
            let windows = forgotten(&mut state.accumulate, facts.now, Windows::keep_until);
            match windows.add(accumulate, facts, retention) {
                Ok(firing) => firing,
                Err(verdict) => return Passed::Held(verdict),
            }
        }
    };
    if let Some(silence) = storm.suppress {
        let anchors = forgotten(&mut state.suppress, facts.now, Anchors::keep_until);
        if let Some(first) = anchors.held(facts.at, silence) {
            return Passed::Held(Verdict::Suppressed { first });
        }
        note(&mut state.suppress, Some(silence), facts, retention);
    }
    let firing = match &storm.batch {
        None => firing,
        Some(batch) => {
            let pending = state.batch.get_or_insert_default();
            match pending.add(batch, firing, facts) {
                Some(firing) => {
                    state.batch = None;
                    firing
                }
                None => {
                    let collected = pending.collected();
                    let due = pending.due();
                    return Passed::Held(Verdict::Batched { collected, due });
                }
            }
        }
    };
    limit(storm, &mut state.throttle, firing, facts.now)
}

/// Releases a batch whose time has come.
#[must_use]
pub fn batch_due(storm: &Storm, state: &mut State, now: Timestamp) -> Option<Passed> {
    if state
        .batch
        .as_ref()
        .is_none_or(|pending| pending.due() > now)
    {
        return None;
    }
    let firing = state.batch.take()?.release()?;
    Some(limit(storm, &mut state.throttle, firing, now))
}

/// The numbers of those in the queue of a limit that may start now; all where the playbook has no
/// limit any more.
#[must_use]
pub fn queue_due(storm: &Storm, rate: &mut Rate, now: Timestamp) -> std::ops::Range<u64> {
    rate.release(storm.throttle.as_ref(), now)
}

fn limit(storm: &Storm, rate: &mut Option<Rate>, firing: Firing, now: Timestamp) -> Passed {
    match &storm.throttle {
        None => Passed::Starts(firing),
        Some(throttle) => rate.get_or_insert_default().admit(throttle, firing, now),
    }
}

/// How long cells are kept beyond their window.
fn retention(storm: &Storm) -> Millis {
    match storm.clock {
        WindowClock::Alert => LATE,
        WindowClock::Arrival => Millis::ZERO,
    }
}

/// The cell, empty where its time is over.
fn forgotten<C: Default>(
    cell: &mut Option<C>,
    now: Timestamp,
    keep_until: impl Fn(&C) -> Timestamp,
) -> &mut C {
    if cell.as_ref().is_some_and(|cell| keep_until(cell) <= now) {
        *cell = None;
    }
    cell.get_or_insert_default()
}

fn note(cell: &mut Option<Anchors>, window: Option<Millis>, facts: &Facts, retention: Millis) {
    if let Some(window) = window {
        cell.get_or_insert_default().add(facts, window, retention);
    }
}
