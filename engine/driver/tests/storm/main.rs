//! Storm control against a slow model of each control, which looks at everything that ever
//! happened, and against stops between any two alerts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod model;

use engine_driver::storm::{self, MemoryStorm};
use engine_model::{Millis, Timestamp};
use engine_playbook::expr::Template;
use engine_playbook::plan::{
    Accumulate, Batch, Dedup, Distinct, Form, Selection, Stage, Storm, Throttle, WindowClock,
    WindowShape,
};
use engine_trigger::AlertChange;
use engine_trigger::storm::{AlertRef, Facts, Firing, Group, Passed, Place, State, Verdict, offer};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Where the time of every case begins.
const BEGIN: i64 = 1_780_000_000_000;

/// An alert of a case.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Its time, in milliseconds of the case.
    at: i64,
    /// When it came in.
    now: i64,
    /// Its key, and its group.
    key: u8,
    /// What it adds to `distinct`.
    value: u64,
}

/// What a run works on: the numbers of its alerts, in the order told.
pub(crate) type Started = Vec<i64>;

fn place() -> Place {
    Place {
        tenant: "home".parse().unwrap(),
        playbook: "storm".parse().unwrap(),
        trigger: "any".parse().unwrap(),
    }
}

fn facts(number: usize, told: &Told) -> Facts {
    let group = || Group::from_iter([("device.id".to_owned(), json!(told.key))]);
    Facts {
        alert: AlertRef(i64::try_from(number).unwrap()),
        at: Timestamp::from_ms(BEGIN + told.at),
        now: Timestamp::from_ms(BEGIN + told.now),
        change: AlertChange::Created,
        key: Some(json!(told.key)),
        group: group(),
        values: vec![told.value],
        // The first stages take one value each, and the last value takes part in two.
        stages: match told.value {
            3 => 0b110,
            value => 1 << value,
        },
        batch: group(),
        throttle: Group::new(),
    }
}

/// Everything that starts, with the time at which it does, and the verdict on each alert.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) starts: Vec<(i64, Started)>,
    pub(crate) verdicts: Vec<Option<Verdict>>,
    pub(crate) dropped: Vec<Started>,
}

impl Seen {
    fn passed(&mut self, passed: Passed, now: i64) -> Option<Verdict> {
        let numbers = |firing: Firing| firing.alerts.iter().map(|alert| alert.0).collect();
        match passed {
            Passed::Held(verdict) => return Some(verdict),
            Passed::Starts(firing) => self.starts.push((now, numbers(firing))),
            Passed::Queued { waiting, .. } => return Some(Verdict::Queued { waiting }),
            Passed::Dropped(firing) => self.dropped.push(numbers(firing)),
        }
        None
    }
}

/// Tells alerts in the order they come in, and everything that is due in time.
pub(crate) fn played(storm: &Storm, told: &[Told], until: i64) -> Seen {
    let mut store = MemoryStorm::default();
    let mut seen = Seen::default();
    let mut clock = 0;
    for (number, one) in told.iter().enumerate() {
        release(&mut store, storm, &mut seen, (clock, one.now));
        clock = one.now;
        let facts = facts(number, one);
        let weighed = storm::weigh(&mut store, storm, &place(), &facts).unwrap();
        weighed.keep(&mut store, storm, &place()).unwrap();
        let verdict = seen.passed(weighed.passed, one.now);
        seen.verdicts.push(verdict);
    }
    release(&mut store, storm, &mut seen, (clock, until));
    seen
}

fn release(store: &mut MemoryStorm, storm: &Storm, seen: &mut Seen, (from, to): (i64, i64)) {
    for now in from..=to {
        let at = Timestamp::from_ms(BEGIN + now);
        for (id, due) in store.due(at) {
            for passed in storm::fall_due(store, storm, (id, &due), at).unwrap() {
                seen.passed(passed, now);
            }
        }
    }
}

fn ms(ms: u64) -> Millis {
    Millis::from_ms(ms)
}

pub(crate) fn dedup(window: u64) -> Storm {
    Storm {
        dedup: Some(Dedup {
            key: Template::Literal(Value::Null),
            window: ms(window),
        }),
        ..Storm::default()
    }
}

fn accumulate(window: WindowShape, within: u64, count: u32, distinct: Option<u32>) -> Storm {
    Storm {
        accumulate: Some(Accumulate {
            group_by: vec!["device.id".to_owned()],
            within: ms(within),
            count,
            distinct: distinct.map(|gte| Distinct {
                field: "title".to_owned(),
                gte,
            }),
            sequence: Vec::new(),
            window,
        }),
        ..Storm::default()
    }
}

/// The same, complete only when so many stages come in order.
fn in_order(storm: Storm, stages: usize) -> Storm {
    let stage = |number: usize| Stage {
        selection: Selection {
            name: format!("stage{number}"),
            form: Form::All(Vec::new()),
        },
        rule: None,
    };
    Storm {
        accumulate: storm.accumulate.map(|accumulate| Accumulate {
            sequence: (0..stages).map(stage).collect(),
            ..accumulate
        }),
        ..storm
    }
}

/// Alerts of three keys; each comes in up to `late` after its time, so that they overtake one
/// another.
fn told(until: i64, late: i64) -> impl Strategy<Value = Vec<Told>> {
    let one = (0..until, 0..=late, 0..3_u8, 0..4_u64);
    prop::collection::vec(one, 0..40).prop_map(|alerts| {
        let mut told: Vec<Told> = alerts
            .into_iter()
            .map(|(at, late, key, value)| Told {
                at,
                now: at + late,
                key,
                value,
            })
            .collect();
        told.sort_by_key(|one| one.now);
        told
    })
}

/// The starts without the time at which they happen.
fn alerts_of(seen: &Seen) -> Vec<Started> {
    seen.starts
        .iter()
        .map(|(_, alerts)| alerts.clone())
        .collect()
}

proptest! {
    #[test]
    fn dedup_starts_what_no_start_with_the_same_key_is_near(told in told(60, 30)) {
        let seen = played(&dedup(20), &told, 100);
        prop_assert_eq!(alerts_of(&seen), model::dedup(&told, 20));
    }

    #[test]
    fn dedup_by_arrival_looks_at_nothing_else(told in told(60, 30)) {
        let arrived = told.iter().map(|one| Told { at: one.now, ..one.clone() });
        let arrived: Vec<Told> = arrived.collect();
        let storm = Storm { clock: WindowClock::Arrival, ..dedup(20) };
        // The facts of a trigger that goes by arrival have the arrival as their time.
        let seen = played(&storm, &arrived, 100);
        prop_assert_eq!(alerts_of(&seen), model::dedup(&arrived, 20));
    }

    #[test]
    fn a_long_storm_of_late_alerts_starts_no_more_than_its_windows(told in told(400, 390)) {
        let seen = played(&dedup(20), &told, 800);
        let starts = alerts_of(&seen);
        prop_assert!(starts.len() <= model::dedup(&told, 20).len());
        let keys: std::collections::BTreeSet<u8> = told.iter().map(|one| one.key).collect();
        prop_assert!(starts.len() >= keys.len(), "each key starts once at least");
    }

    #[test]
    fn sliding_windows_start_when_any_stretch_holds_enough(
        told in told(60, 30),
        within in 5..25_u64,
        count in 1..5_u32,
        distinct in prop::option::of(1..4_u32),
    ) {
        let storm = accumulate(WindowShape::Sliding, within, count, distinct);
        let seen = played(&storm, &told, 100);
        prop_assert_eq!(alerts_of(&seen), model::sliding(&told, within, count, distinct));
    }

    #[test]
    fn tumbling_windows_start_once_each(
        told in told(60, 30),
        within in 5..25_u64,
        count in 1..5_u32,
        distinct in prop::option::of(1..4_u32),
    ) {
        let storm = accumulate(WindowShape::Tumbling, within, count, distinct);
        let seen = played(&storm, &told, 100);
        prop_assert_eq!(alerts_of(&seen), model::tumbling(&told, within, count, distinct));
    }

    #[test]
    fn sessions_start_once_each_however_their_alerts_come(
        told in told(80, 40),
        within in 2..12_u64,
        count in 1..6_u32,
        distinct in prop::option::of(1..4_u32),
    ) {
        let storm = accumulate(WindowShape::Session, within, count, distinct);
        let seen = played(&storm, &told, 200);
        prop_assert_eq!(alerts_of(&seen), model::session(&told, within, count, distinct));
    }

    #[test]
    fn a_sequence_starts_when_its_stages_come_in_order_in_any_stretch(
        told in told(60, 30), within in 5..25_u64, stages in 2..4_usize,
    ) {
        let storm = in_order(accumulate(WindowShape::Sliding, within, 1, None), stages);
        let seen = played(&storm, &told, 100);
        let expected = model::windows(&told, within, &model::Goal::ordered(stages));
        prop_assert_eq!(alerts_of(&seen), expected);
    }

    #[test]
    fn a_sequence_in_a_session_needs_every_stage_in_order(
        told in told(80, 40), within in 2..12_u64, stages in 2..4_usize,
    ) {
        let storm = in_order(accumulate(WindowShape::Session, within, 1, None), stages);
        let seen = played(&storm, &told, 200);
        let expected = model::sessions(&told, within, &model::Goal::ordered(stages));
        prop_assert_eq!(alerts_of(&seen), expected);
    }

    #[test]
    fn suppression_is_silence_after_what_was_let_through(told in told(60, 30), count in 1..4_u32) {
        let storm = Storm {
            suppress: Some(ms(20)),
            ..accumulate(WindowShape::Sliding, 10, count, None)
        };
        let seen = played(&storm, &told, 100);
        let complete = model::sliding(&told, 10, count, None);
        prop_assert_eq!(alerts_of(&seen), model::suppressed(&told, complete, 20));
    }

    #[test]
    fn batches_start_when_they_are_full_or_have_waited(
        told in told(80, 0), max in 1..6_u32, wait in 1..30_u64,
    ) {
        let storm = Storm {
            batch: Some(Batch { max, wait: ms(wait), group_by: vec!["device.id".to_owned()] }),
            ..Storm::default()
        };
        let mut seen = played(&storm, &told, 200).starts;
        seen.sort();
        let mut expected = model::batches(&told, max as usize, i64::try_from(wait).unwrap());
        expected.sort();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn a_throttle_never_exceeds_its_limit_and_loses_only_past_the_queue(
        told in told(60, 0), max in 1..4_u32, per in 1..20_u64, queue in 0..6_u32,
    ) {
        let storm = Storm {
            throttle: Some(Throttle { max, per: ms(per), group_by: Vec::new(), queue }),
            ..Storm::default()
        };
        let seen = played(&storm, &told, 900);
        let limit = (max as usize, i64::try_from(per).unwrap(), queue as usize);
        let expected = model::throttle(&told, limit, 900);
        prop_assert_eq!((&seen.starts, &seen.dropped), (&expected.starts, &expected.dropped));
        prop_assert_eq!(seen.starts.len() + seen.dropped.len(), told.len(), "nothing is lost");
    }

    #[test]
    fn the_whole_chain_loses_nothing_silently(told in told(80, 20), queue in 0..3_u32) {
        let storm = Storm {
            suppress: Some(ms(15)),
            batch: Some(Batch { max: 2, wait: ms(10), group_by: Vec::new() }),
            throttle: Some(Throttle { max: 1, per: ms(25), group_by: Vec::new(), queue }),
            ..accumulate(WindowShape::Sliding, 10, 2, None)
        };
        let storm = Storm { dedup: dedup(4).dedup, ..storm };
        let seen = played(&storm, &told, 2000);
        prop_assert_eq!(seen.verdicts.len(), told.len());
        let started = seen.starts.iter().flat_map(|(_, alerts)| alerts.clone());
        let mut worked: Vec<i64> = started.collect();
        worked.extend(seen.dropped.iter().flatten());
        let all = worked.len();
        worked.sort_unstable();
        worked.dedup();
        prop_assert_eq!(worked.len(), all, "no alert is in two runs");
        for (number, verdict) in seen.verdicts.iter().enumerate() {
            let number = i64::try_from(number).unwrap();
            let held = matches!(
                verdict,
                Some(
                    Verdict::Duplicate { .. }
                        | Verdict::Suppressed { .. }
                        | Verdict::Counted { .. }
                )
            );
            prop_assert!(held || worked.contains(&number), "{number} is nowhere: {verdict:?}");
        }
    }
}

#[test]
fn a_group_is_bounded_and_keeps_what_can_still_complete_it() {
    // More alerts of one value than are kept, then the last value that it takes.
    let storm = accumulate(WindowShape::Sliding, 10_000, 1, Some(3));
    let mut state = State::default();
    let mut started = Vec::new();
    for number in 0..1100_i64 {
        let value = match number {
            0 => 5,
            1099 => 7,
            _ => 6,
        };
        let told = Told {
            at: number,
            now: number,
            key: 0,
            value,
        };
        let facts = facts(usize::try_from(number).unwrap(), &told);
        if let Passed::Starts(firing) = offer(&storm, &mut state, &facts) {
            started.push(firing);
        }
    }
    let [firing] = started.as_slice() else {
        panic!("one run was expected: {}", started.len());
    };
    let alerts = &firing.alerts;
    assert!(alerts.len() <= 1001, "{}", alerts.len());
    assert_eq!(
        (alerts.first(), alerts.last()),
        (Some(&AlertRef(0)), Some(&AlertRef(1099)))
    );
}

#[test]
fn an_alert_that_is_too_late_for_its_window_is_said_to_be() {
    let day = 25 * 3_600_000;
    let one = |at: i64, now: i64| Told {
        at,
        now,
        key: 0,
        value: 0,
    };
    let told = [one(day, day), one(0, day + 1)];
    let storm = accumulate(WindowShape::Sliding, 1000, 2, None);
    let mut store = MemoryStorm::default();
    let mut last = None;
    for (number, told) in told.iter().enumerate() {
        let facts = facts(number, told);
        let weighed = storm::weigh(&mut store, &storm, &place(), &facts).unwrap();
        weighed.keep(&mut store, &storm, &place()).unwrap();
        last = Some(weighed.passed);
    }
    assert_eq!(last, Some(Passed::Held(Verdict::TooLate)));
}
