//! Schedules against `croner`, which has the same idea of daylight saving: generated lines in
//! twelve zones, around every change of the clocks in ten years.
//!
//! Where the two differ, the kind of difference is one of [`explained`]: it follows from the line
//! and the change, and lies within the stretch that the change leaves out or repeats.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and a campaign tells what it compared"
)]

use std::collections::BTreeMap;
use std::str::FromStr as _;

use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;
use croner::Cron;
use engine_model::{Millis, Timestamp};
use engine_playbook::plan::{Missed, Overlap, Rhythm, Schedule};
use engine_trigger::Timetable;

const ZONES: [&str; 12] = [
    "Europe/Paris",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Asia/Kolkata",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Chatham",
    "Asia/Beirut",
    "UTC",
];

const HOUR: i64 = 3600;
const YEARS: (i64, i64) = (1_577_836_800, 1_893_456_000);

/// How much is compared.
struct Scale {
    lines: u64,
    instants: usize,
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn field(&mut self, (low, high): (u64, u64), plain: u64) -> String {
        let span = high - low + 1;
        match self.below(10) {
            roll if roll < plain => "*".to_owned(),
            7 => format!("*/{}", 2 + self.below(span / 2)),
            8 => {
                let from = low + self.below(span);
                format!("{from}-{}", from + self.below(high - from + 1))
            }
            9 => format!("{},{}", low + self.below(span), low + self.below(span)),
            _ => (low + self.below(span)).to_string(),
        }
    }

    fn line(&mut self) -> String {
        let hour = if self.below(3) == 0 { (0, 4) } else { (0, 23) };
        [
            self.field((0, 59), 1),
            self.field(hour, 3),
            self.field((1, 28), 6),
            self.field((1, 12), 7),
            self.field((0, 6), 6),
        ]
        .join(" ")
    }
}

/// A change of the clocks.
#[derive(Clone, Copy)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

fn offset(zone: Tz, at: i64) -> i64 {
    let at = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc())
}

/// Every change of the clocks in the years looked at; noon of a day where there is none.
fn changes(zone: Tz) -> Vec<Change> {
    let mut changes = Vec::new();
    for hour in (YEARS.0..YEARS.1).step_by(usize::try_from(HOUR).unwrap()) {
        let (before, after) = (offset(zone, hour), offset(zone, hour + HOUR));
        if before != after {
            let mut at = hour;
            while offset(zone, at) == before {
                at += 60;
            }
            changes.push(Change { at, before, after });
        }
    }
    if changes.is_empty() {
        let (at, offset) = (YEARS.0 + 12 * HOUR, offset(zone, YEARS.0));
        changes.push(Change {
            at,
            before: offset,
            after: offset,
        });
    }
    changes
}

/// Ours and theirs, from a day and a half before the change to as long after it.
fn compared(line: &str, zone: Tz, change: Change, instants: usize) -> (Vec<i64>, Vec<i64>) {
    let (from, to) = (change.at - 36 * HOUR, change.at + 36 * HOUR);
    let timetable = Timetable::new(&Schedule {
        rhythm: Rhythm::Cron(line.to_owned()),
        timezone: zone.name().to_owned(),
        missed: Missed::Skip,
        overlap: Overlap::Skip,
        jitter: Millis::ZERO,
        start: None,
        end: None,
        path: String::new(),
    })
    .unwrap();
    let first = timetable.next_after(Timestamp::from_ms(from * 1000));
    let ours = std::iter::successors(first, |at| timetable.next_after(*at))
        .map(|at| at.as_ms() / 1000)
        .take_while(|at| *at <= to)
        .take(instants)
        .collect();
    let start = zone.from_utc_datetime(&DateTime::from_timestamp(from, 0).unwrap().naive_utc());
    let theirs = Cron::from_str(line)
        .unwrap()
        .iter_after(start)
        .map(|at| at.timestamp())
        .take_while(|at| *at <= to)
        .take(instants)
        .collect();
    (ours, theirs)
}

/// Why the two may differ here; none where they must not.
fn explained(line: &str, change: Change, ours: &[i64], theirs: &[i64]) -> Option<&'static str> {
    let mut fields = line.split(' ');
    let (minute, hour) = (fields.next().unwrap(), fields.next().unwrap());
    let moved = change.after - change.before;
    // The stretch that the change leaves out or repeats, on either side of it.
    let near = |at: &i64| (at - change.at).abs() <= moved.abs();
    if !ours.iter().chain(theirs).all(near) {
        return None;
    }
    match (moved > 0, minute.starts_with('*'), hour.starts_with('*')) {
        (true, _, true) if theirs.is_empty() => Some(
            "an interval of hours follows elapsed time: what the gap swallows comes as much later \
             as the gap is long, where croner leaves it out",
        ),
        (_, true, false) => Some(
            "for croner a step or star of minutes in a fixed hour is an interval, for us a fixed \
             time: it runs once where the hour occurs twice, and once after a gap",
        ),
        _ => None,
    }
}

fn shown(line: &str, zone: Tz, ours: &[i64], theirs: &[i64]) -> String {
    let wall = |at: &i64| {
        let at = DateTime::from_timestamp(*at, 0)
            .unwrap()
            .with_timezone(&zone);
        at.format("%Y-%m-%d %H:%M %:z").to_string()
    };
    let some = |list: &[i64]| list.iter().take(3).map(wall).collect::<Vec<_>>();
    format!(
        "{line} in {zone}: only ours {:?}, only croner's {:?}",
        some(ours),
        some(theirs)
    )
}

fn compare(scale: &Scale) {
    let mut dice = Dice(7);
    let lines: Vec<String> = (0..scale.lines).map(|_| dice.line()).collect();
    let mut differences: BTreeMap<Option<&str>, (usize, Vec<String>)> = BTreeMap::new();
    let (mut windows, mut instants) = (0, 0);
    for name in ZONES {
        let zone: Tz = name.parse().unwrap();
        let changes = changes(zone);
        for line in &lines {
            for change in &changes {
                let (ours, theirs) = compared(line, zone, *change, scale.instants);
                windows += 1;
                instants += ours.len();
                if ours == theirs {
                    continue;
                }
                let only = |one: &[i64], other: &[i64]| -> Vec<i64> {
                    one.iter()
                        .filter(|at| !other.contains(at))
                        .copied()
                        .collect()
                };
                let (ours, theirs) = (only(&ours, &theirs), only(&theirs, &ours));
                let why = explained(line, *change, &ours, &theirs);
                let kind = differences.entry(why).or_default();
                kind.0 += 1;
                if kind.1.len() < 3 {
                    kind.1.push(shown(line, zone, &ours, &theirs));
                }
            }
        }
    }
    println!(
        "{} lines, {windows} windows, {instants} instants",
        scale.lines
    );
    for (kind, (count, examples)) in &differences {
        println!("{count} windows: {}", kind.unwrap_or("not explained"));
        examples
            .iter()
            .for_each(|example| println!("    {example}"));
    }
    assert!(
        !differences.contains_key(&None),
        "there are differences that nothing explains"
    );
}

#[test]
fn generated_lines_have_the_instants_that_croner_gives() {
    compare(&Scale {
        lines: 6,
        instants: 60,
    });
}
