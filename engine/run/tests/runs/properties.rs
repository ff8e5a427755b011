//! What holds whatever the world answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use actions_contract::{ActionError, EffectKind, ErrorKind, Mode, Outcome};
use engine_model::{Millis, Timestamp, code};
use engine_playbook::plan::Plan;
use engine_run::{Cid, Command, Event, Finish, Run, RunStatus, Settings};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::actions;
use crate::answers::{self, Answer, CameTo};
use crate::world::{Sent, Told, World, start, started};

/// Playbooks that between them use every kind of step and every effect.
const PLAYBOOKS: [&str; 5] = [
    r"
    timeout: 3d
    vars: {seen: 0}
    steps:
      - {id: look, uses: soc.look, timeout: 5m}
      - id: group
        timeout: 1h
        steps:
          - {id: isolate, uses: soc.isolate, with: {id: d1}}
          - {id: note, uses: soc.note, on_error: continue}
        on_error:
          - {id: back, uses: soc.release, on_error: continue}
          - {id: again, if: error.kind == 'conflict', fail: {}}
        finally: [{id: tag, uses: soc.tag}]
      - id: choose
        switch:
          - {if: steps.group.status == 'succeeded', steps: [{id: wipe, uses: soc.wipe}]}
          - steps: [{id: count, set: {seen: 1}}]
    on_error: [{id: told, uses: soc.tell}]
    finally: [{id: last, uses: soc.note}]
    outputs: {seen: '${{ vars.seen }}'}
    ",
    r"
    timeout: 10m
    defaults: {retry: {max_attempts: 3, delay: 30s}, on_error: continue}
    steps:
      - {id: block, uses: soc.block}
      - {id: wipe, uses: soc.wipe}
      - {id: isolate, uses: soc.isolate}
      - {id: look, uses: soc.look}
    ",
    r"
    steps:
      - id: block
        uses: soc.block
        timeout: 20s
        on_error:
          - id: deeper
            steps: [{id: release, uses: soc.release}]
            on_error: [{id: tell, uses: soc.tell}, {id: stop, stop: {status: cancelled}}]
            finally: [{id: wipe, uses: soc.wipe}]
    on_error: [{id: isolate, uses: soc.isolate}]
    finally: [{id: note, uses: soc.note, on_error: continue}, {id: tag, uses: soc.tag}]
    ",
    r"
    timeout: 3d
    concurrency: {key: '${{ run.playbook }}', on_conflict: queue}
    steps:
      - id: ask
        approve:
          message: may it?
          approvers: {roles: [lead]}
          quorum: 2
          timeout: 1h
          on_denied: continue
          escalate: [{after: 10m, to: {users: [boss]}}]
      - id: both
        parallel:
          - {id: look, uses: soc.look, until: 'output is defined', every: 1m}
          - {id: block, uses: soc.block}
          - {id: pause, wait: {for: 10m}}
        fail_fast: true
        on_error: continue
      - id: each
        for_each:
          in: '${{ [1, 2, 3] }}'
          as: n
          concurrency: 2
          on_item_error: continue
          key: 'n${{ n }}'
        steps:
          - id: isolate
            uses: soc.isolate
          - id: verdict
            wait:
              for_alert: {id: 'a${{ n }}', where: alert.title != ''}
              timeout: 2h
              on_timeout: continue
        finally: [{id: tag, uses: soc.tag}]
        output: {n: '${{ n }}', isolated: '${{ steps.isolate.status }}'}
      - id: other
        playbook: other
        timeout: 1h
        on_error: continue
      - {id: fire, playbook: other, wait: false}
    finally:
      - id: last
        for_each: {in: '${{ steps.each.items | default([]) }}', as: i}
        uses: soc.note
    ",
    r"
    timeout: 1h
    steps:
      - id: each
        for_each: {in: '${{ [1, 2, 3, 4] }}', as: n, concurrency: 3, on_item_error: fail_fast}
        uses: soc.isolate
        timeout: 20m
      - id: ask
        approve: {message: go on?, approvers: {roles: [lead]}}
      - id: deep
        parallel:
          - id: inner
            for_each: {in: '${{ [1, 2] }}', as: n, concurrency: 2}
            steps:
              - {id: wipe, uses: soc.wipe}
              - {id: nest, for_each: {in: '${{ [1, 2] }}', as: m}, uses: soc.look}
          - {id: note, uses: soc.note}
        concurrency: 1
    finally: [{id: tag, uses: soc.tag}]
    ",
];

/// Steps about which people may be asked.
const STEPS: [&str; 10] = [
    "isolate",
    "block",
    "wipe",
    "look",
    "note",
    "release",
    "ask",
    "each[n1]/isolate",
    "each[0]",
    "deep",
];

const ACTIONS: [&str; 8] = [
    "soc.block",
    "soc.isolate",
    "soc.look",
    "soc.note",
    "soc.release",
    "soc.tag",
    "soc.tell",
    "soc.wipe",
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[a-z]{0,3}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn error() -> impl Strategy<Value = ActionError> {
    let kinds = ErrorKind::words();
    let wait = proptest::option::of((0_u64..200_000).prop_map(Millis::from_ms));
    let details = proptest::option::of(json_value().prop_filter("null is none", |v| !v.is_null()));
    let kind = 0..kinds.len();
    (kind, any::<bool>(), wait, details).prop_map(move |(kind, retryable, wait, details)| {
        let kind = ErrorKind::from(kinds[kind].to_owned());
        let mut error = ActionError::retryable(kind, code::AC0111, "no", wait);
        error.retryable = retryable;
        error.details = details;
        error
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => json_value().prop_map(|output| Outcome::Done { output }),
        3 => (json_value(), 0_u64..600_000, proptest::option::of(".{0,8}")).prop_map(
            |(state, wait, note)| Outcome::Pending {
                state,
                resume_after: Millis::from_ms(wait),
                note,
            }
        ),
        3 => Just(Outcome::Nothing),
        1 => ".{0,8}".prop_map(|message| Outcome::Unclear { message }),
        3 => error().prop_map(|error| Outcome::Failed { error }),
        3 => error().prop_map(|error| Outcome::Unknown { error }),
        1 => error().prop_map(|error| Outcome::Refused { error }),
        2 => (".{0,8}", 1_u32..3).prop_map(|(shown, quorum)| held(&shown, quorum)),
    ]
}

fn held(shown: &str, quorum: u32) -> Outcome {
    match answers::held(shown, quorum).came_to {
        CameTo::Outcome(outcome) => outcome,
        CameTo::Interruption => unreachable!("a policy asks"),
    }
}

/// Somebody answers a question.
fn said() -> impl Strategy<Value = Sent> {
    let who = prop_oneof![Just("mona"), Just("otto"), Just("lisa"), Just("boss")];
    let decision = prop_oneof![4 => Just("approve"), 1 => Just("deny")];
    (who, decision, 0_u64..4_000_000)
        .prop_map(|(who, decision, after)| answers::lead(who, decision, &format!("{after}ms")))
}

fn answer() -> impl Strategy<Value = Answer> {
    let came_to = prop_oneof![
        5 => outcome().prop_map(CameTo::Outcome),
        1 => Just(CameTo::Interruption),
    ];
    let after = prop_oneof![0_u64..60_000, 0_u64..60_000, 0_u64..90_000_000];
    (after, came_to).prop_map(|(after, came_to)| Answer {
        after: Millis::from_ms(after),
        came_to,
    })
}

prop_compose! {
    /// A playbook, what its actions answer, and when somebody cancels.
    fn story()(
        playbook in 0..PLAYBOOKS.len(),
        answers in vec((0..ACTIONS.len(), answer()), 0..40),
        cancels in vec(0_u64..1_000_000, 0..2),
        said in vec((0..STEPS.len(), said()), 0..8),
        dry_run in prop::bool::weighted(0.1),
    ) -> World {
        let mut world = World::of(actions::plan(PLAYBOOKS[playbook]));
        for (action, answer) in answers {
            world = world.says(ACTIONS[action], [answer]);
        }
        for (step, said) in said {
            world = world.hears(&format!("approval/{}", STEPS[step]), [said]);
        }
        for after in cancels {
            world = world.cancel_after(&format!("{after}ms"));
        }
        if dry_run { world.dry_run() } else { world }
    }
}

/// The event as a journal gives it back.
fn journaled(event: &Event) -> Event {
    serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap()
}

fn text(commands: &[Command]) -> String {
    serde_json::to_string(commands).unwrap()
}

/// What is still to come of a run after these events, and what it was told.
#[derive(Default)]
struct Open {
    tries: BTreeSet<Cid>,
    timers: BTreeSet<Cid>,
    awaits: BTreeSet<Cid>,
}

impl Open {
    fn see(&mut self, told: &Told) {
        match &told.event {
            Event::Attempted { cid, .. } | Event::Interrupted { cid, .. } => {
                self.tries.remove(cid);
            }
            Event::Fired { cid, .. } => {
                self.timers.remove(cid);
            }
            Event::Started(_) | Event::Signalled { .. } | Event::Cancelled { .. } => {}
        }
        for command in &told.commands {
            match command {
                Command::Attempt(attempt) => self.tries.insert(attempt.cid),
                Command::Timer { cid, .. } => self.timers.insert(*cid),
                Command::Await(wait) => self.awaits.insert(wait.cid),
                Command::Child(child) if child.wait => self.awaits.insert(child.cid),
                Command::Enter(enter) => self.awaits.insert(enter.cid),
                Command::Child(_) | Command::StopChild { .. } => true,
                Command::Forget { cid } => self.timers.remove(cid) | self.awaits.remove(cid),
                Command::Finish(_) => true,
            };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_run_rebuilt_after_any_event_gives_the_same_commands(world in story()) {
        let (told, straight) = world.go();
        let journal: Vec<Event> = told.iter().map(|told| journaled(&told.event)).collect();
        let mut open = Open::default();
        for (seen, told) in told.iter().enumerate() {
            let (mut rebuilt, under_way) = Run::fold(Arc::clone(straight.plan()), &journal[..seen]);
            prop_assert_eq!(under_way.into_iter().collect::<BTreeSet<_>>(), open.tries.clone());
            prop_assert!(rebuilt.take_news().is_empty());
            let commands = rebuilt.advance(&journal[seen]);
            prop_assert_eq!(text(&commands), text(&told.commands));
            open.see(told);
        }
        let (rebuilt, _) = Run::fold(Arc::clone(straight.plan()), &journal);
        let [rebuilt, straight] = [rebuilt, straight].map(|run| json!(run.view()).to_string());
        prop_assert_eq!(rebuilt, straight);
    }

    #[test]
    fn every_run_ends_and_until_then_something_is_to_come(world in story()) {
        let (told, run) = world.go();
        prop_assert_ne!(run.view().status, RunStatus::Running);
        let mut open = Open::default();
        let mut finished = 0;
        for told in &told {
            open.see(told);
            prop_assert!(finished == 0 || told.commands.is_empty(), "a run goes on after its end");
            finished += told.commands.iter().filter(|c| matches!(c, Command::Finish(_))).count();
            prop_assert!(
                finished == 1 || !open.tries.is_empty() || !open.timers.is_empty(),
                "the run is stuck"
            );
        }
        prop_assert_eq!(finished, 1);
        for step in run.view().steps {
            prop_assert!(step.ended_at.is_some(), "{} never ended", step.label);
            prop_assert_eq!(step.note, None);
        }
    }

    #[test]
    fn nothing_is_done_again_before_the_service_shows_no_trace_of_it(world in story()) {
        let (told, _) = world.go();
        let window = Settings::default().reconcile_window;
        // By step: since when it is in doubt whether a try arrived.
        let mut doubts: Vec<(String, Timestamp)> = Vec::new();
        let mut asked: Vec<(Cid, String, Mode)> = Vec::new();
        for Told { event, commands } in &told {
            let of = |cid: &Cid| asked.iter().find(|(asked, ..)| asked == cid);
            match event {
                Event::Attempted { cid, at, outcome } => {
                    let (_, step, mode) = of(cid).unwrap();
                    match (mode, outcome) {
                        (Mode::Execute, Outcome::Unknown { .. }) => {
                            doubts.push((step.clone(), *at));
                        }
                        (Mode::Reconcile, Outcome::Nothing) => {
                            doubts.retain(|(doubted, since)| {
                                doubted != step || *at < since.plus(window)
                            });
                        }
                        (Mode::Reconcile, Outcome::Pending { .. }) => {
                            doubts.retain(|(doubted, _)| doubted != step);
                        }
                        _ => {}
                    }
                }
                Event::Interrupted { cid, at } => {
                    let (_, step, mode) = of(cid).unwrap();
                    if *mode == Mode::Execute {
                        doubts.push((step.clone(), *at));
                    }
                }
                _ => {}
            }
            for command in commands {
                let Command::Attempt(attempt) = command else { continue };
                asked.push((attempt.cid, attempt.step.clone(), attempt.mode));
                let contains = matches!(
                    attempt.effect,
                    EffectKind::Contain | EffectKind::Release | EffectKind::Destroy
                );
                if contains && attempt.mode == Mode::Execute && attempt.resume.is_none() {
                    let doubted = doubts.iter().any(|(step, _)| *step == attempt.step);
                    prop_assert!(!doubted, "{} is done again blindly", attempt.label);
                }
            }
        }
    }

    #[test]
    fn no_name_of_a_command_is_used_twice(world in story()) {
        let (told, _) = world.go();
        let mut seen = BTreeSet::new();
        for command in told.iter().flat_map(|told| &told.commands) {
            match command {
                Command::Attempt(attempt) => prop_assert!(seen.insert(attempt.cid)),
                Command::Timer { cid, .. } => prop_assert!(seen.insert(*cid)),
                Command::Await(wait) => prop_assert!(seen.insert(wait.cid)),
                Command::Child(child) => prop_assert!(seen.insert(child.cid)),
                Command::Enter(enter) => prop_assert!(seen.insert(enter.cid)),
                Command::StopChild { cid } => prop_assert!(seen.contains(cid)),
                Command::Forget { cid } => prop_assert!(seen.contains(cid)),
                Command::Finish(_) => {}
            }
        }
    }

    #[test]
    fn an_event_nobody_waits_for_changes_nothing(
        world in story(),
        outcome in outcome(),
        noise in vec(0_u64..200, 0..8),
    ) {
        let (told, straight) = world.go();
        let mut disturbed = Run::new(Arc::clone(straight.plan()));
        let mut open = Open::default();
        for told in &told {
            prop_assert_eq!(text(&disturbed.advance(&told.event)), text(&told.commands));
            open.see(told);
            let at = told.event.at();
            for cid in noise.iter().map(|cid| Cid(*cid)) {
                let late = Event::Attempted { cid, at, outcome: outcome.clone() };
                let lost = Event::Interrupted { cid, at };
                let fired = Event::Fired { cid, at };
                let by = "mona".to_owned();
                let signal = Event::Signalled { cid, at, by, value: json!({}) };
                if !open.tries.contains(&cid) {
                    prop_assert_eq!(disturbed.advance(&late), []);
                    prop_assert_eq!(disturbed.advance(&lost), []);
                }
                if !open.awaits.contains(&cid) {
                    prop_assert_eq!(disturbed.advance(&signal), []);
                }
                if !open.timers.contains(&cid) {
                    prop_assert_eq!(disturbed.advance(&fired), []);
                }
            }
            prop_assert_eq!(disturbed.advance(&first_event(straight.plan())), []);
        }
        prop_assert_eq!(disturbed.view(), straight.view());
    }

    #[test]
    fn events_survive_the_journal_byte_for_byte(
        outcome in outcome(),
        cid in any::<u64>(),
        said in json_value(),
        at in 0_i64..4_000_000_000_000,
    ) {
        let (cid, at) = (Cid(cid), Timestamp::from_ms(at));
        let by = "mona \"x\" \u{7}".to_owned();
        for event in [
            Event::Attempted { cid, at, outcome: outcome.clone() },
            Event::Interrupted { cid, at },
            Event::Fired { cid, at },
            Event::Signalled { cid, at, by: by.clone(), value: said },
            Event::Cancelled { at, by },
        ] {
            let written = serde_json::to_string(&event).unwrap();
            let read: Event = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
            prop_assert_eq!(read, event);
        }
        let written = serde_json::to_string(&outcome).unwrap();
        let read: Outcome = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }

    #[test]
    fn the_first_event_and_the_end_survive_the_journal_byte_for_byte(
        inputs in btree_map("[a-z]{1,4}", json_value(), 0..4),
        alert in proptest::option::of(json_value().prop_filter("null is none", |v| !v.is_null())),
        status in 0..RunStatus::ALL.len(),
        reason in proptest::option::of(".{0,8}"),
    ) {
        let inputs: Map<String, Value> = inputs.into_iter().collect();
        let mut event = started(&actions::plan(PLAYBOOKS[0]), Settings::default(), inputs.clone());
        if let Event::Started(started) = &mut event {
            started.alert = alert.clone().map(Arc::new);
        }
        let written = serde_json::to_string(&event).unwrap();
        let read: Event = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
        prop_assert_eq!(read, event);
        let status = RunStatus::ALL[status];
        let finish = Finish { status, outputs: inputs, error: alert, reason };
        let written = serde_json::to_string(&finish).unwrap();
        let read: Finish = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
        prop_assert_eq!(read, finish);
    }
}

fn first_event(plan: &Plan) -> Event {
    let event = started(plan, Settings::default(), Map::new());
    assert_eq!(event.at(), start());
    event
}

#[test]
fn a_journal_entry_with_a_field_nobody_knows_is_refused() {
    let entry = json!({"event": "fired", "cid": 1, "at": "2026-01-01T00:00:00Z", "more": 1});
    assert!(serde_json::from_value::<Event>(entry).is_err());
}
