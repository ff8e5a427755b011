//! Signals: early, late, around a stop, for a run that is over.

use actions_contract::{Approvers, Ask, Outcome};
use engine_model::{Digest, Millis, RunId, code};
use engine_run::{Decision, RunStatus};
use serde_json::{Value, json};

use super::scene::{by_hand, ended, started, step, until};
use super::{Answer, Scene, Stand};
use crate::{Asked, AskedFilter, Engine, EngineError, Reply, Signal, Tally, Through};

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
        shown: json!({ "target": "d1" }),
    })
}

/// A lead answers the one question that is open.
async fn answer(
    engine: &impl Engine,
    (by, decision): (&str, Decision),
) -> Result<Tally, EngineError> {
    let asked = question(engine).await;
    let reply = Reply {
        by: by.to_owned(),
        roles: vec!["lead".to_owned()],
        through: Through::Key,
        decision,
        comment: None,
        form: None,
    };
    engine
        .answer(&asked.run, &asked.question.digest, reply)
        .await
}

/// The one question that is open.
async fn question(engine: &impl Engine) -> Asked {
    let filter = AskedFilter {
        limit: 10,
        ..AskedFilter::default()
    };
    let page = engine
        .approvals(&filter)
        .await
        .expect("the list can be read");
    assert_eq!(page.items.len(), 1, "{:#?}", page.items);
    page.items.into_iter().next().expect("there is one")
}

fn call(word: &str) -> Signal {
    Signal {
        name: "webhook/call".to_owned(),
        by: "outside".to_owned(),
        value: json!({ "word": word }),
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
    assert_eq!(question(&engine).await.question.shown["target"], "d1");
    let tally = answer(&engine, ("otto", Decision::Approve)).await;
    assert_eq!(
        tally.map(|tally| tally.decided),
        Ok(Some(Decision::Approve))
    );
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
}

const CALLED: &str = r"
name: called
steps:
  - {id: look, uses: suite.look}
  - id: call
    wait: {for_webhook: {where: webhook.word == 'go'}, timeout: 1h}
  - {id: contain, uses: suite.contain}
";

/// Whoever is faster than the wait is heard all the same, across a stop, and in order.
pub async fn an_early_signal_is_kept_until_it_is_waited_for<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[CALLED]);
    scene.script.says("suite.look", [Answer::Hangs]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("called", "k1")).await;
    scene.script.called(1).await;
    assert!(sent(&engine, &id, call("wait")).await);
    assert!(sent(&engine, &id, call("go")).await);
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(signals(&json!(run.events)), 2);
    assert_eq!(scene.script.effects(), 1);
}

/// Acknowledged, so durable; and each is taken once, whoever stops meanwhile.
pub async fn a_signal_that_was_taken_outlives_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(2)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    asked(&engine, &id).await;
    let first = answer(&engine, ("otto", Decision::Approve)).await;
    assert_eq!(
        first.map(|tally| (tally.agreed, tally.decided)),
        Ok((1, None))
    );
    scene.stop(engine).await;
    let engine = scene.open().await;
    until(&engine, &id, |run| signals(&json!(run.events)) == 1).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    let again = answer(&engine, ("otto", Decision::Approve)).await;
    assert_eq!(again.map_err(|error| error.code), Err(code::SV0202));
    assert_eq!(question(&engine).await.agreed(), ["otto"]);
    let second = answer(&engine, ("lisa", Decision::Approve)).await;
    assert_eq!(second.map(|tally| tally.agreed), Ok(2));
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
    asked(&engine, &id).await;
    let open = question(&engine).await;
    let no = answer(&engine, ("otto", Decision::Deny)).await;
    assert_eq!(no.map(|tally| tally.decided), Ok(Some(Decision::Deny)));
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Denied);
    assert_eq!(step(&run, "contain"), Some("denied"));
    assert_eq!(scene.script.effects(), 0);
    let late = engine.asked(&id, &open.question.digest).await;
    assert_eq!(
        late.map_err(|error| error.code),
        Err(code::SV0201),
        "it is over"
    );
}

/// Who said no while others were answering is not lost, nor is the answer that comes too late
/// taken without a word.
pub async fn an_answer_that_does_not_count_is_refused_with_the_reason<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene.script.says("suite.contain", [held(1)]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("work", "k1")).await;
    asked(&engine, &id).await;
    let open = question(&engine).await;
    let starter = open
        .question
        .started_by
        .first()
        .cloned()
        .unwrap_or_default();
    let own = answer(&engine, (&starter, Decision::Approve)).await;
    assert_eq!(own.map_err(|error| error.code), Err(code::SV0202));
    let forged = Signal {
        name: "approval/contain".to_owned(),
        by: "otto".to_owned(),
        value: json!({
            "decision": "approve", "digest": open.question.digest, "roles": ["lead"],
        }),
    };
    let forged = engine.signal(&id, forged).await;
    assert_eq!(forged.map_err(|error| error.code), Err(code::SV0104));
    let first = answer(&engine, ("otto", Decision::Approve));
    let second = answer(&engine, ("lisa", Decision::Approve));
    let (first, second) = futures_util::future::join(first, second).await;
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(signals(&json!(run.events)), 1);
}

/// A signal under a name that nothing waits for is no event, and does not keep a run going.
pub async fn a_signal_that_nothing_waits_for_changes_nothing<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[CALLED]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("called", "k1")).await;
    asked(&engine, &id).await;
    let mut stray = call("go");
    stray.name = "webhook/other".to_owned();
    assert!(sent(&engine, &id, stray).await);
    assert!(sent(&engine, &id, call("go")).await);
    let run = ended(&engine, &id).await;
    assert_eq!(signals(&json!(run.events)), 1);
    assert!(!sent(&engine, &id, call("go")).await, "it is over");
    let missing = RunId::derive(
        &super::scene::tenant("home"),
        &run.summary.playbook,
        &run.summary.trigger,
        "nothing",
    );
    let error = engine.signal(&missing, call("go")).await;
    assert_eq!(error.map_err(|error| error.code), Err(code::SV0104));
}

/// How many signals the journal holds.
fn signals(events: &Value) -> usize {
    let events = events.as_array().into_iter().flatten();
    events.filter(|event| event["event"] == "signalled").count()
}
