//! Cancelling a run, whatever it is doing.

use std::time::Duration;

use actions_contract::{Mode, Outcome};
use engine_model::Millis;
use engine_run::RunStatus;
use serde_json::json;

use super::scene::{by_hand, ended, run, started, step, until};
use super::{Answer, Scene, Stand};
use crate::Engine;

const WORK: &str = r"
name: work
steps:
  - {id: look, uses: suite.look}
  - {id: contain, uses: suite.contain, on_error: continue}
  - {id: never, uses: suite.tell}
finally: [{id: last, uses: suite.note}]
";

/// A parked run wakes up to end.
pub async fn a_run_that_waits_for_a_timer_is_cancelled_at_once<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene
        .script
        .says("suite.contain", [Answer::pending(Millis::from_secs(300))]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    until(&engine, &id, |run| {
        run.view.steps.iter().any(|step| step.note.is_some())
    })
    .await;
    assert!(engine.cancel(&id, "mona").await.expect("the run is there"));
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Cancelled);
    assert_eq!(step(&run, "contain"), Some("cancelled"));
    assert_eq!(
        (step(&run, "never"), step(&run, "last")),
        (None, Some("succeeded"))
    );
}

/// What only reads is dropped.
pub async fn a_read_under_way_is_not_waited_for<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.look", [Answer::Hangs]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(1).await;
    assert!(engine.cancel(&id, "mona").await.expect("the run is there"));
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Cancelled);
    assert_eq!(
        (step(&run, "look"), step(&run, "last")),
        (Some("cancelled"), Some("succeeded"))
    );
}

/// What may contain something ends first, so that the journal says what it came to.
pub async fn a_containing_try_under_way_is_waited_for<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let output = json!({ "contained": true });
    let later = Answer::Later(Duration::from_millis(200), Outcome::Done { output });
    scene.script.says("suite.contain", [later]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(2).await;
    assert!(engine.cancel(&id, "mona").await.expect("the run is there"));
    let now = run(&engine, &id).await;
    assert_eq!(
        now.summary.status,
        RunStatus::Running,
        "the try is waited for"
    );
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Cancelled);
    assert_eq!(
        (step(&run, "contain"), step(&run, "never")),
        (Some("succeeded"), None)
    );
}

/// Acknowledged, so durable: the next engine looks up what happened and ends the run.
pub async fn a_cancel_outlives_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene
        .script
        .says("suite.contain", [Answer::HangsAfterEffect]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(2).await;
    assert!(engine.cancel(&id, "mona").await.expect("the run is there"));
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Cancelled);
    assert_eq!(
        (step(&run, "contain"), step(&run, "never")),
        (Some("succeeded"), None)
    );
    assert_eq!(scene.script.count("suite.contain", Mode::Reconcile), 1);
    assert_eq!(scene.script.effects(), 1);
}

/// There is nothing left to cancel, and that is no error.
pub async fn a_run_that_is_over_cannot_be_cancelled<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    let before = ended(&engine, &id).await;
    assert_eq!(before.summary.status, RunStatus::Succeeded);
    assert!(!engine.cancel(&id, "mona").await.expect("the run is there"));
    assert_eq!(run(&engine, &id).await, before);
}
