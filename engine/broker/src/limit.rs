//! The limit of one bucket as a state machine: no lock, no clock, no network.
//!
//! A bucket is what a service counts together. Its state holds the calls of the last minute and
//! hour, the requests under way, and what the service said when it was too much.

use engine_model::Millis;
use serde::{Deserialize, Serialize};

use crate::limit_window::{Hour, Minute};

/// Of ten calls, so many are open to everything but containment.
const OPEN_TENTHS: u32 = 8;
/// A second pause within this time means that the documented figure is too high for us.
const PAUSES_APART_MS: i64 = 600_000;
/// The share of the minute's figure, in thousandths: as documented, the least, and its growth.
const RATE_FULL: u32 = 1000;
const RATE_LEAST: u32 = 100;
const RATE_GROWTH_PER_MINUTE: u32 = 100;
const MINUTE_MS: i64 = 60_000;

/// How urgent a request is; the earlier goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// It restricts something, takes a restriction back, or removes something.
    Containment,
    /// It leaves a mark or tells somebody.
    Evidence,
    /// It looks.
    Reading,
}

impl Lane {
    /// The word for it in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Containment => "containment",
            Self::Evidence => "evidence",
            Self::Reading => "reading",
        }
    }
}

/// The limits of a bucket, the ceiling applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaFigures {
    /// Calls in a minute.
    pub per_minute: Option<u32>,
    /// Calls in an hour.
    pub per_hour: Option<u32>,
    /// Requests under way at the same time.
    pub concurrent: Option<u32>,
}

/// What is asked of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaChange {
    /// Takes a place for one call, if there is one.
    Take {
        /// The limits.
        figures: QuotaFigures,
        /// Who asks.
        lane: Lane,
        /// When the request is over at the latest, in milliseconds since the Unix epoch: a worker
        /// that dies leaves its place behind.
        over_at_ms: i64,
    },
    /// Changes nothing and answers when so many `places` will be free.
    Foresee {
        /// The limits.
        figures: QuotaFigures,
        /// Who asks.
        lane: Lane,
        /// How many places, the asker's own among them.
        places: u32,
    },
    /// Counts a call that leaves in any case.
    Charge,
    /// Gives the place of a request back.
    Return {
        /// What [`QuotaAnswer::Go`] said.
        lease: u64,
    },
    /// The service asked everybody to wait.
    Pause {
        /// When the request that was answered so had left, in milliseconds since the Unix epoch.
        sent_ms: i64,
        /// For how long.
        wait: Millis,
    },
}

/// What holds a request back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The service asked to wait.
    Pause,
    /// The calls of the last minute.
    Minute,
    /// The calls of the last hour.
    Hour,
    /// The requests under way.
    Concurrency,
}

impl Obstacle {
    /// What it is, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "it asked to wait",
            Self::Minute => "the calls of this minute are used up",
            Self::Hour => "the calls of this hour are used up",
            Self::Concurrency => "too many requests are under way",
        }
    }
}

/// The answer to a [`QuotaChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaAnswer {
    /// Now; to be followed by [`QuotaChange::Return`] where there is a lease.
    Go {
        /// The place among those under way, where their number is limited.
        lease: Option<u64>,
    },
    /// Not before then.
    Wait {
        /// Milliseconds since the Unix epoch.
        until_ms: i64,
        /// Why.
        obstacle: Obstacle,
    },
}

const GO: QuotaAnswer = QuotaAnswer::Go { lease: None };

/// What is known of one bucket.
///
/// Serialised it can be kept over a restart or shared by workers; what is under way is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaState {
    minute: Minute,
    hour: Hour,
    paused_until_ms: i64,
    paused_at_ms: Option<i64>,
    /// By how many thousandths the minute's figure is cut, and since when that shrinks.
    cut: u32,
    cut_at_ms: i64,
    #[serde(skip)]
    under_way: Vec<Lease>,
    #[serde(skip)]
    leases: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    number: u64,
    over_at_ms: i64,
}

impl QuotaState {
    /// Applies a change in one step.
    pub fn apply(&mut self, change: QuotaChange, now_ms: i64) -> QuotaAnswer {
        match change {
            QuotaChange::Take {
                figures,
                lane,
                over_at_ms,
            } => match self.foresee(&figures, lane, 1, now_ms) {
                GO => self.take(figures.concurrent.is_some(), over_at_ms, now_ms),
                wait => wait,
            },
            QuotaChange::Foresee {
                figures,
                lane,
                places,
            } => self.foresee(&figures, lane, places, now_ms),
            QuotaChange::Charge => self.take(false, now_ms, now_ms),
            QuotaChange::Return { lease } => {
                self.under_way.retain(|other| other.number != lease);
                GO
            }
            QuotaChange::Pause { sent_ms, wait } => {
                self.pause(sent_ms, wait, now_ms);
                GO
            }
        }
    }

    /// Whether nothing is known that a new state would not know as well.
    pub fn is_idle(&mut self, now_ms: i64) -> bool {
        self.hour.calls(now_ms) == 0
            && self.minute.calls(now_ms) == 0
            && self.paused_until_ms <= now_ms
            && self.rate(now_ms) == RATE_FULL
            && self
                .under_way
                .iter()
                .all(|lease| lease.over_at_ms <= now_ms)
    }

    fn take(&mut self, leases: bool, over_at_ms: i64, now_ms: i64) -> QuotaAnswer {
        self.minute.count(now_ms);
        self.hour.count(now_ms);
        let lease = leases.then(|| {
            self.leases += 1;
            let number = self.leases;
            self.under_way.push(Lease { number, over_at_ms });
            number
        });
        QuotaAnswer::Go { lease }
    }

    /// The latest of what every obstacle says; each may be the one that lasts.
    fn foresee(
        &mut self,
        figures: &QuotaFigures,
        lane: Lane,
        places: u32,
        now_ms: i64,
    ) -> QuotaAnswer {
        let mut latest = (now_ms, Obstacle::Pause);
        let mut at_least = |at_ms: i64, obstacle| {
            if at_ms > latest.0 {
                latest = (at_ms, obstacle);
            }
        };
        at_least(self.pause_end_ms(now_ms), Obstacle::Pause);
        if let Some(limit) = figures.per_minute {
            let limit = open_to(lane, self.scaled(limit, now_ms));
            at_least(
                self.minute.fit_at_ms(limit, places, now_ms),
                Obstacle::Minute,
            );
        }
        if let Some(limit) = figures.per_hour {
            let limit = open_to(lane, limit);
            at_least(self.hour.fit_at_ms(limit, places, now_ms), Obstacle::Hour);
        }
        if let Some(limit) = figures.concurrent {
            let limit = open_to(lane, limit);
            at_least(self.return_at_ms(limit, now_ms), Obstacle::Concurrency);
        }
        match latest {
            (at_ms, _) if at_ms <= now_ms => GO,
            (until_ms, obstacle) => QuotaAnswer::Wait { until_ms, obstacle },
        }
    }

    /// When one of those under way is over at the latest.
    fn return_at_ms(&mut self, limit: u32, now_ms: i64) -> i64 {
        self.under_way.retain(|lease| lease.over_at_ms > now_ms);
        if self.under_way.len() < limit as usize {
            return now_ms;
        }
        let first = self.under_way.iter().map(|lease| lease.over_at_ms).min();
        first.unwrap_or(now_ms)
    }

    /// No pause is longer than an hour: a clock that was set back must not make it so.
    fn pause_end_ms(&mut self, now_ms: i64) -> i64 {
        let longest_ms = now_ms.saturating_add(60 * MINUTE_MS);
        self.cut_at_ms = self.cut_at_ms.min(longest_ms);
        self.paused_at_ms = self.paused_at_ms.map(|at_ms| at_ms.min(now_ms));
        self.paused_until_ms = self.paused_until_ms.min(longest_ms);
        self.paused_until_ms
    }

    fn pause(&mut self, sent_ms: i64, wait: Millis, now_ms: i64) {
        let wait_ms = i64::try_from(wait.as_ms()).unwrap_or(i64::MAX);
        let until_ms = now_ms.saturating_add(wait_ms.min(60 * MINUTE_MS));
        // What left before the last pause tells nothing about the time after it.
        let is_new = self.paused_at_ms.is_none_or(|at_ms| sent_ms > at_ms);
        if is_new {
            let again = self
                .paused_at_ms
                .is_some_and(|at_ms| now_ms - at_ms < PAUSES_APART_MS);
            if again {
                let rate = (self.rate(now_ms) / 2).max(RATE_LEAST);
                self.cut = RATE_FULL - rate;
                self.cut_at_ms = until_ms;
            }
            self.paused_at_ms = Some(now_ms);
        }
        self.paused_until_ms = self.paused_until_ms.max(until_ms);
    }

    /// The share of the minute's figure in use, in thousandths.
    fn rate(&self, now_ms: i64) -> u32 {
        let minutes = now_ms.saturating_sub(self.cut_at_ms).max(0) / MINUTE_MS;
        let regained = u32::try_from(minutes)
            .unwrap_or(u32::MAX)
            .saturating_mul(RATE_GROWTH_PER_MINUTE);
        RATE_FULL
            - self
                .cut
                .min(RATE_FULL - RATE_LEAST)
                .saturating_sub(regained)
    }

    fn scaled(&self, limit: u32, now_ms: i64) -> u32 {
        let scaled = u64::from(limit) * u64::from(self.rate(now_ms)) / u64::from(RATE_FULL);
        u32::try_from(scaled).unwrap_or(limit).max(1)
    }
}

/// The part of a limit that a lane may use; at least one call, or a small limit would never let
/// anything but containment pass.
fn open_to(lane: Lane, limit: u32) -> u32 {
    match lane {
        Lane::Containment => limit,
        Lane::Evidence | Lane::Reading => {
            let open = u64::from(limit) * u64::from(OPEN_TENTHS) / 10;
            u32::try_from(open).unwrap_or(limit).max(1)
        }
    }
}

#[cfg(test)]
mod tests;
