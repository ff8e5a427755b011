//! Time as the broker sees it: the wall clock and a steady one, so that neither alone is trusted.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// An instant on both clocks.
///
/// The wall clock can be set, the steady one stands still while a machine sleeps; a deadline is
/// reached when either says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// Milliseconds since some fixed instant; never goes back.
    pub steady_ms: u64,
}

impl Moment {
    /// The moment `ms` milliseconds later.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add_unsigned(ms),
            steady_ms: self.steady_ms.saturating_add(ms),
        }
    }

    /// Whether this moment, taken as a deadline, is reached at `now`.
    #[must_use]
    pub const fn is_reached(self, now: Self) -> bool {
        now.wall_ms >= self.wall_ms || now.steady_ms >= self.steady_ms
    }

    /// The time from `now` to this moment; zero once it is reached.
    #[must_use]
    pub fn ms_from(self, now: Self) -> u64 {
        let wall = u64::try_from(self.wall_ms.saturating_sub(now.wall_ms)).unwrap_or(0);
        wall.min(self.steady_ms.saturating_sub(now.steady_ms))
    }
}

/// Where the broker gets the time; tests hold it in their hand.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Moment {
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
            steady_ms: u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}
