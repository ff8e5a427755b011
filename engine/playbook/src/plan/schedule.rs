//! Schedules and the ends of other runs, checked.

use engine_model::{Millis, PlaybookName, Timestamp};

/// When a schedule fires.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// What makes its instants.
    pub rhythm: Rhythm,
    /// An IANA time zone.
    pub timezone: String,
    /// What happens to instants that passed while the engine was down.
    pub missed: Missed,
    /// What happens to instants while the run of an earlier one is going on.
    pub overlap: Overlap,
    /// By how much runs may begin later.
    pub jitter: Millis,
    /// No instant before this.
    pub start: Option<Timestamp>,
    /// No instant after this.
    pub end: Option<Timestamp>,
    /// The path of the schedule in the file, for diagnostics.
    pub path: String,
}

/// What makes the instants of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Five fields as in crontab, or a shorthand such as `@daily`.
    Cron(String),
    /// A length of time.
    Every(Millis),
}

/// What happens to planned instants that passed while the engine was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    Skip,
    /// The latest one is made up for.
    Latest,
    /// All are made up for, the latest `max_catchup` of them.
    All {
        /// How many at the most.
        max_catchup: u32,
    },
}

/// What happens to an instant while the run of an earlier one is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It is left out, and counted.
    #[default]
    Skip,
    /// Its run begins once that one is over.
    Queue,
    /// Its run begins beside that one.
    Allow,
}

/// The ends of runs of another playbook.
#[derive(Clone, Debug)]
pub struct PlaybookEnd {
    /// The other playbook.
    pub name: PlaybookName,
    /// How the run ended: one of these.
    pub ends: Vec<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// It reached its end.
    Succeeded,
    /// A step failed and nothing handled it.
    Failed,
    /// It passed its deadline.
    TimedOut,
    /// Somebody, or a `stop`, cancelled it.
    Cancelled,
    /// A person said no.
    Denied,
    /// A guard rail said no.
    Refused,
}

impl RunEnd {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}
