//! Schedules: the instants at which a crontab line fires in a time zone.
//!
//! The line is evaluated in wall-clock time, as if the zone were UTC, and each time that comes out
//! is mapped to an instant. When clocks change, one rule decides, after the hour field:
//!
//! - **A fixed time** (`30 2 * * *`) that does not exist runs at the first minute after the gap;
//!   one that occurs twice runs once, the first time.
//! - **An interval** (the hour field begins with `*`) follows elapsed time: what the gap swallows
//!   comes as many minutes later as the gap is long, which for `*/30` is a time that runs anyway,
//!   and what occurs twice runs twice.

mod crontab;
mod zone;

use chrono::{DateTime, Datelike as _, NaiveDateTime};
use engine_model::{Digest, Millis, Timestamp, code};
use engine_playbook::plan::{Missed, Rhythm, Schedule};

use self::crontab::Crontab;
use self::zone::Zone;
use crate::problem::{Problem, nearest};

const HOUR_MS: i64 = 3_600_000;
const DAY_SECS: i64 = 86_400;
/// The `cron` crate plans no further.
const LAST_YEAR: i32 = 2100;

/// The instants of one schedule.
///
/// ```
/// use engine_model::Timestamp;
/// use engine_playbook::plan::{Missed, Overlap, Rhythm, Schedule};
/// use engine_trigger::Timetable;
///
/// let timetable = Timetable::new(&Schedule {
///     rhythm: Rhythm::Cron("30 2 * * 1-5".to_owned()),
///     timezone: "Europe/Paris".to_owned(),
///     missed: Missed::Latest,
///     overlap: Overlap::Skip,
///     jitter: engine_model::Millis::ZERO,
///     start: None,
///     end: None,
///     path: "triggers[0].schedule".to_owned(),
/// })?;
/// let friday: Timestamp = "2026-11-20T12:00:00Z".parse()?;
/// let monday: Timestamp = "2026-11-23T01:30:00Z".parse()?;
/// assert_eq!(timetable.next_after(friday), Some(monday));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timetable {
    beat: Beat,
    missed: Missed,
    jitter: Millis,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

/// What makes the instants.
#[derive(Clone, Debug)]
enum Beat {
    /// A crontab line in a zone; an interval follows elapsed time.
    Wall { lines: Lines, interval: bool },
    /// A length of time since an instant.
    Elapsed { length_ms: i64, since: Timestamp },
}

/// A crontab line in a zone.
#[derive(Clone, Debug)]
struct Lines {
    schedules: Vec<cron::Schedule>,
    zone: Zone,
}

impl Timetable {
    /// Reads a schedule.
    ///
    /// # Errors
    ///
    /// PB0601 when the crontab line or the time zone cannot be read, or the end is before the
    /// start.
    pub fn new(schedule: &Schedule) -> Result<Self, Problem> {
        let problem = |key: &str, message: String| {
            Problem::error(code::PB0601, &format!("{}.{key}", schedule.path), message)
        };
        let beat = match &schedule.rhythm {
            Rhythm::Every(length) => Beat::Elapsed {
                length_ms: i64::try_from(length.as_ms()).unwrap_or(i64::MAX).max(1),
                since: schedule.start.unwrap_or_default(),
            },
            Rhythm::Cron(line) => wall_beat(line, &schedule.timezone, &problem)?,
        };
        if schedule
            .start
            .zip(schedule.end)
            .is_some_and(|(start, end)| end < start)
        {
            return Err(problem(
                "end",
                "the schedule ends before it starts".to_owned(),
            ));
        }
        Ok(Self {
            beat,
            missed: schedule.missed,
            jitter: schedule.jitter,
            start: schedule.start,
            end: schedule.end,
        })
    }

    /// The first instant after `after`; none when the schedule is over or names no day that exists.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // The instant of the start itself may be planned.
        let from = match self.start {
            Some(start) if after < start => start.as_ms().saturating_sub(1),
            _ => after.as_ms(),
        };
        let at = match &self.beat {
            Beat::Elapsed { length_ms, since } => {
                let passed = from.saturating_sub(since.as_ms()).div_euclid(*length_ms);
                since
                    .as_ms()
                    .checked_add(passed.checked_add(1)?.checked_mul(*length_ms)?)?
            }
            Beat::Wall { lines, interval } => {
                let from = from.div_euclid(1000).max(-1);
                let at = if *interval {
                    lines.next_elapsed(from)
                } else {
                    lines.next_fixed(from)
                }?;
                at.checked_mul(1000)?
            }
        };
        let at = Timestamp::from_ms(at);
        self.end.is_none_or(|end| at <= end).then_some(at)
    }

    /// The planned instants that passed since `last` and are to be made up for at `now`, oldest
    /// first, as the schedule's policy says.
    ///
    /// `last` is the last instant that was taken care of; without it nothing was missed.
    #[must_use]
    pub fn missed(&self, last: Option<Timestamp>, now: Timestamp) -> Vec<Timestamp> {
        let keep = match self.missed {
            Missed::Skip => 0,
            Missed::Latest => 1,
            Missed::All { max_catchup } => max_catchup as usize,
        };
        let Some(last) = last.filter(|_| keep > 0) else {
            return Vec::new();
        };
        // Looking back in growing windows costs what is kept, not what was missed.
        let mut window = HOUR_MS;
        loop {
            let from = last.max(Timestamp::from_ms(now.as_ms().saturating_sub(window)));
            let mut found: Vec<Timestamp> =
                std::iter::successors(self.next_after(from), |at| self.next_after(*at))
                    .take_while(|at| *at <= now)
                    .collect();
            if found.len() >= keep || from == last {
                found.drain(..found.len().saturating_sub(keep));
                return found;
            }
            window = window.saturating_mul(4);
        }
    }

    /// When the run of a planned instant begins: up to `jitter` later, and never later than the
    /// next instant. The same for the same instant and `seed`, whoever asks.
    #[must_use]
    pub fn begins(&self, at: Timestamp, seed: &str) -> Timestamp {
        if self.jitter == Millis::ZERO {
            return at;
        }
        let room = match self.next_after(at) {
            Some(next) => self.jitter.min(next.since(at)),
            None => self.jitter,
        };
        let hash = hashed(&format!("{seed} {}", at.as_ms()));
        at.plus(Millis::from_ms(hash % room.as_ms().max(1)))
    }

    /// The planned instants whose runs begin after `from` and not after `to`, oldest first.
    #[must_use]
    pub fn beginning(&self, from: Timestamp, to: Timestamp, seed: &str) -> Vec<Timestamp> {
        self.within_jitter(from)
            .take_while(|at| *at <= to)
            .filter(|at| {
                let begins = self.begins(*at, seed);
                from < begins && begins <= to
            })
            .collect()
    }

    /// When the next run begins after `now`.
    #[must_use]
    pub fn next_begins(&self, now: Timestamp, seed: &str) -> Option<Timestamp> {
        let begins = self.within_jitter(now).map(|at| self.begins(at, seed));
        begins.into_iter().find(|begins| *begins > now)
    }

    /// The last planned instant whose run has begun by `now`, or a moment before the first that
    /// has not.
    #[must_use]
    pub fn begun_until(&self, now: Timestamp, seed: &str) -> Timestamp {
        let mut late = self.within_jitter(now).take_while(|at| *at <= now);
        late.find(|at| self.begins(*at, seed) > now)
            .map_or(now, |at| Timestamp::from_ms(at.as_ms() - 1))
    }

    /// Instants from so early on that their runs may begin after `at`.
    fn within_jitter(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let jitter = i64::try_from(self.jitter.as_ms()).unwrap_or(i64::MAX);
        let early = Timestamp::from_ms(at.as_ms().saturating_sub(jitter));
        std::iter::successors(self.next_after(early), |at| self.next_after(*at))
    }

    /// Whether the schedule has any instant from now on into the far future.
    pub(crate) fn ever_fires(&self) -> bool {
        self.next_after(Timestamp::from_ms(0)).is_some()
    }
}

fn hashed(text: &str) -> u64 {
    let digest = Digest::of(text.as_bytes());
    let digits = digest.as_str().rsplit(':').next().unwrap_or_default();
    let some = digits.get(..16).unwrap_or(digits);
    u64::from_str_radix(some, 16).expect("a digest is written in hex")
}

/// Reads a crontab line and the name of a zone.
fn wall_beat(
    line: &str,
    timezone: &str,
    problem: &dyn Fn(&str, String) -> Problem,
) -> Result<Beat, Problem> {
    let line = Crontab::read(line);
    let (line, schedules) = line
        .and_then(|line| line.schedules().map(|schedules| (line, schedules)))
        .map_err(|error| problem("cron", error.message).with_help_if(error.help))?;
    let zone = timezone.parse().map_err(|_| {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let help = nearest(timezone, names).map_or_else(
            || "write an IANA name such as `Europe/Paris`".to_owned(),
            |name| format!("a zone with a similar name exists: `{name}`"),
        );
        problem("timezone", format!("`{timezone}` is not a time zone")).with_help(help)
    })?;
    let lines = Lines {
        schedules,
        zone: Zone(zone),
    };
    Ok(Beat::Wall {
        lines,
        interval: line.is_interval(),
    })
}

impl Lines {
    fn next_fixed(&self, after: i64) -> Option<i64> {
        let mut wall = wall(after + self.zone.offset(after))?;
        loop {
            wall = self.next_wall(wall)?;
            let at = self.zone.first_instant(wall)?;
            // The second time around, and within a gap, times map to instants that have passed.
            if at > after {
                return Some(at);
            }
        }
    }

    fn next_elapsed(&self, after: i64) -> Option<i64> {
        let next = |after: i64, offset: i64| {
            let wall = self.next_wall(wall(after + offset)?)?;
            Some(wall.and_utc().timestamp() - offset)
        };
        let recent = self.zone.first_change(after - DAY_SECS, after);
        let mut late = recent
            .filter(|change| after < change.at + change.gap())
            .and_then(|change| {
                next(after, change.before).filter(|at| *at < change.at + change.gap())
            });
        let (mut from, mut known, mut offset) = (after, after, self.zone.offset(after));
        loop {
            let Some(at) = next(from, offset) else {
                return late;
            };
            let Some(change) = self.zone.first_change(known, at) else {
                return Some(late.map_or(at, |late| late.min(at)));
            };
            if at < change.at + change.gap() {
                late = Some(late.map_or(at, |late| late.min(at)));
            }
            (from, known, offset) = (change.at - 1, change.at, change.after);
        }
    }

    fn next_wall(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.schedules
            .iter()
            .filter_map(|schedule| schedule.after(&after.and_utc()).next())
            .min()
            .map(|at| at.naive_utc())
    }
}

/// The wall-clock time of shifted seconds; none past the last year that schedules know.
fn wall(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0)
        .map(|at| at.naive_utc())
        .filter(|at| at.year() <= LAST_YEAR)
}

#[cfg(test)]
mod tests;
