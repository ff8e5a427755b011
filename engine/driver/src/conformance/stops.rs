//! An engine that stops in the middle of things, and the next one.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{Call, Mode};
use engine_model::Millis;
use engine_run::RunStatus;
use serde_json::json;

use super::scene::{by_hand, ended, started, step, until};
use super::{Answer, Scene, Stand};
use crate::ManualClock;

const STORY: &str = r"
name: story
steps:
  - {id: look, uses: suite.look}
  - id: group
    steps:
      - {id: contain, uses: suite.contain}
      - {id: tell, uses: suite.tell}
    finally: [{id: note, uses: suite.note}]
  - {id: again, uses: suite.contain, if: steps.look.output.twice}
  - {id: release, uses: suite.release}
outputs: {twice: '${{ steps.look.output.twice }}'}
";

/// The actions of the story in the order they are called, the second one in two steps.
const CALLS: [&str; 7] = [
    "suite.look",
    "suite.contain",
    "suite.contain",
    "suite.tell",
    "suite.note",
    "suite.contain",
    "suite.release",
];

/// What the calls up to `position` come to, and `last` for the one at `position`.
fn script<S: Stand>(scene: &Scene<'_, S>, position: usize, last: &Answer) {
    for (index, action) in CALLS.iter().enumerate().take(position + 1) {
        let answer = match index {
            _ if index == position => last.clone(),
            0 => Answer::done(json!({ "twice": true })),
            1 => Answer::pending(Millis::from_ms(20)),
            _ => Answer::done(json!({})),
        };
        scene.script.says(action, [answer]);
    }
    // What the call comes to when it is repeated.
    if position == 0 {
        let again = Answer::done(json!({ "twice": true }));
        scene.script.says("suite.look", [again]);
    }
}

/// The engine stops during each call of a story, before and after that call did anything; the next
/// one ends the run, and what contains happened once.
pub async fn a_run_that_is_stopped_at_any_call_ends_and_contains_once<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[STORY]);
    let mut effects = 0;
    for position in 0..CALLS.len() {
        for hangs in [Answer::Hangs, Answer::HangsAfterEffect] {
            let before = scene.script.calls().len();
            script(&scene, position, &hangs);
            let engine = scene.open().await;
            let id = started(&engine, by_hand("story", &format!("{position} {hangs:?}"))).await;
            scene.script.called(before + position + 1).await;
            scene.stop(engine).await;
            let engine = scene.open().await;
            let run = ended(&engine, &id).await;
            let place = format!("stopped at call {position}, {hangs:?}: {run:#?}");
            assert_eq!(run.summary.status, RunStatus::Succeeded, "{place}");
            for label in [
                "look", "group", "contain", "tell", "note", "again", "release",
            ] {
                assert_eq!(step(&run, label), Some("succeeded"), "{label} {place}");
            }
            effects += 3;
            assert_eq!(scene.script.effects(), effects, "{place}");
            blindly_repeated(&scene.script.calls()[before..]);
            scene.script.forget_answers();
            scene.stop(engine).await;
        }
    }
}

/// No containing step is executed twice without a look in between.
fn blindly_repeated(calls: &[Call]) {
    for (index, call) in calls.iter().enumerate() {
        let contains = call.effect.needs_reconcile();
        if !contains || call.mode != Mode::Execute || call.resume.is_some() {
            continue;
        }
        let earlier = calls[..index]
            .iter()
            .rev()
            .find(|other| other.idem == call.idem);
        if let Some(earlier) = earlier {
            assert_eq!(
                earlier.mode,
                Mode::Reconcile,
                "{} is repeated blindly",
                call.step
            );
        }
    }
}

/// The hour passes while nobody is there to see it.
pub async fn a_timer_that_passed_while_no_engine_ran_wakes_its_run<S: Stand>(stand: &S) {
    let slow = "name: slow\nsteps: [{id: contain, uses: suite.contain, timeout: 3h}]\n";
    let clock = Arc::new(ManualClock::at(
        "2026-03-02T09:30:00Z".parse().expect("an instant"),
    ));
    let mut scene = Scene::new(stand, &[slow]);
    scene.clock = Arc::clone(&clock) as Arc<_>;
    let hour = Millis::from_secs(3600);
    scene.script.says(
        "suite.contain",
        [Answer::pending(hour), Answer::pending(hour)],
    );
    let engine = scene.open().await;
    let id = started(&engine, by_hand("slow", "k1")).await;
    let waits = |run: &crate::RunDocument| run.view.steps.iter().any(|step| step.note.is_some());
    until(&engine, &id, waits).await;
    scene.stop(engine).await;
    // Not yet.
    clock.forward(Millis::from_secs(3599));
    let engine = scene.open().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(scene.script.calls().len(), 1);
    scene.stop(engine).await;
    clock.forward(Millis::from_secs(1));
    let engine = scene.open().await;
    scene.script.called(2).await;
    until(&engine, &id, |run| waits(run) && run.events.len() == 4).await;
    scene.stop(engine).await;
    clock.forward(hour);
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
}

/// Stops that are not placed but come when they come, until everything has ended.
pub async fn a_run_survives_any_number_of_stops_at_any_time<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[STORY]);
    scene.script.says(
        "suite.look",
        (0..1000).map(|_| Answer::done(json!({ "twice": false }))),
    );
    let engine = scene.open().await;
    let starts = (0..20).map(|key| started(&engine, by_hand("story", &format!("k{key}"))));
    let runs = futures_util::future::join_all(starts).await;
    scene.stop(engine).await;
    for round in 0..15_u64 {
        let engine = scene.open().await;
        tokio::time::sleep(Duration::from_micros(300 * round)).await;
        scene.stop(engine).await;
    }
    let engine = scene.open().await;
    for id in &runs {
        let run = ended(&engine, id).await;
        assert_eq!(run.summary.status, RunStatus::Succeeded);
        assert_eq!(step(&run, "again"), Some("skipped"));
    }
    assert_eq!(scene.script.effects(), 40);
    blindly_repeated(&scene.script.calls());
}
