//! Signals: early, late, around a stop, for a run that is over.

use actions_contract::{Approvers, Ask, Outcome};
use engine_model::{Digest, Millis, RunId};
use engine_run::RunStatus;
use serde_json::{Value, json};

use super::scene::{by_hand, ended, started, step, until};
use super::{Answer, Scene, Stand};
use crate::{Engine, Signal};

const WORK: &str = r"
name: work
steps:
  - {id: look, uses: suite.look}
  - {id: contain, uses: suite.contain}
";

/// What people are asked about.
const SHOWN: &[u8] = b"d1";

/// A policy asks this many leads.
fn held(quorum: u32) -> Answer {
    Answer::Says(Outcome::Held {
        rule: "servers".to_owned(),
        digest: Digest::of(SHOWN),
        approval: Box::new(Ask {
            message: "contain it?".to_owned(),
            approvers: Approvers {
                roles: vec!["lead".to_owned()],
                users: Vec::new(),
            },
            quorum,
            not_self: true,
            timeout: Millis::from_secs(3600),
            escalate: Vec::new(),
            form: None,
            notify: Vec::new(),
        }),
    })
}

/// A lead answers.
fn answer(by: &str, decision: &str) -> Signal {
    let digest = Digest::of(SHOWN);
    Signal {
        name: "approval/contain".to_owned(),
        by: by.to_owned(),
        value: json!({ "decision": decision, "digest": digest, "roles": ["lead"] }),
    }
}

async fn sent(engine: &impl Engine, run: &RunId, signal: Signal) -> bool {
    let sent = engine.signal(run, signal).await;
    sent.unwrap_or_else(|error| panic!("the signal was refused: {error}"))
}

/// Waits until people are asked.
async fn asked(engine: &impl Engine, run: &RunId) {
    until(engine, run, |run| {
        run.view.steps.iter().any(|step| step.note.is_some())
    })
    .await;
}

/// The try that was held goes on once somebody agrees.
pub async fn a_signal_wakes_the_run_that_waits_for_it<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(1)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    asked(&engine, &id).await;
    assert!(sent(&engine, &id, answer("otto", "approve")).await);
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
}

/// Whoever is faster than the question is heard all the same.
pub async fn an_early_signal_is_kept_until_it_is_waited_for<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.look", [Answer::Hangs]);
    scene.script.says("suite.contain", [held(2)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(1).await;
    assert!(sent(&engine, &id, answer("otto", "approve")).await);
    assert!(sent(&engine, &id, answer("lisa", "approve")).await);
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
}

/// Acknowledged, so durable; and each is taken once, whoever stops meanwhile.
pub async fn a_signal_that_was_taken_outlives_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(2)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    asked(&engine, &id).await;
    assert!(sent(&engine, &id, answer("otto", "approve")).await);
    scene.stop(engine).await;
    let engine = scene.open().await;
    until(&engine, &id, |run| signals(&json!(run.events)) == 1).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert!(sent(&engine, &id, answer("lisa", "approve")).await);
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(signals(&json!(run.events)), 2);
    assert_eq!(scene.script.effects(), 1);
}

/// A "no" ends the run, and nothing was done.
pub async fn a_no_ends_the_run_denied<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(1)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    assert!(sent(&engine, &id, answer("otto", "deny")).await);
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Denied);
    assert_eq!(step(&run, "contain"), Some("denied"));
    assert_eq!(scene.script.effects(), 0);
    assert!(
        !sent(&engine, &id, answer("otto", "approve")).await,
        "it is over"
    );
}

/// A signal under a name that nothing waits for is no event, and does not keep a run going.
pub async fn a_signal_that_nothing_waits_for_changes_nothing<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(1)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    asked(&engine, &id).await;
    let mut stray = answer("otto", "approve");
    stray.name = "approval/other".to_owned();
    assert!(sent(&engine, &id, stray).await);
    assert!(sent(&engine, &id, answer("lisa", "approve")).await);
    let run = ended(&engine, &id).await;
    assert_eq!(signals(&json!(run.events)), 1);
    let missing = RunId::derive(
        &super::scene::tenant("home"),
        &run.summary.playbook,
        &run.summary.trigger,
        "nothing",
    );
    let error = engine.signal(&missing, answer("lisa", "approve")).await;
    assert_eq!(
        error.map_err(|error| error.code),
        Err(engine_model::code::SV0104)
    );
}

/// How many signals the journal holds.
fn signals(events: &Value) -> usize {
    let events = events.as_array().into_iter().flatten();
    events.filter(|event| event["event"] == "signalled").count()
}
