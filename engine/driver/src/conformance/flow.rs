//! What reaches across runs: calls, turns, alerts that are waited for, runs that go on.

use actions_contract::Mode;
use engine_model::{Digest, Millis, code};
use engine_run::{Decision, RunStatus};
use serde_json::json;

use super::scene::{alert, by_hand, ended, one, started, step, taken, until};
use super::{Answer, Scene, Stand};
use crate::{Engine, Reply, RunDocument, RunFilter, Through};

const CALLS: &str = r"
name: caller
steps:
  - {id: other, playbook: callee, with: {word: hello}}
outputs: {word: '${{ steps.other.output.word }}'}
finally: [{id: last, uses: suite.note}]
";

const CALLEE: &str = r"
name: callee
inputs: {word: {type: string, required: true}}
steps: [{id: contain, uses: suite.contain}]
outputs: {word: '${{ inputs.word }}'}
";

/// The run waits for something, and says what.
fn waits(run: &RunDocument) -> bool {
    run.view.steps.iter().any(|step| step.note.is_some())
}

/// How many runs there are, and how many of them are over.
async fn runs(engine: &impl Engine) -> (usize, usize) {
    let filter = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    let runs = engine
        .runs(&filter)
        .await
        .expect("the list can be read")
        .items;
    let over = runs.iter().filter(|run| run.status != RunStatus::Running);
    (runs.len(), over.count())
}

/// The end of a run that was called is durable for the one that called, whoever stops meanwhile.
pub async fn a_call_hands_outputs_back_across_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[CALLS, CALLEE]);
    scene
        .script
        .says("suite.contain", [Answer::HangsAfterEffect]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("caller", "k1")).await;
    scene.script.called(1).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    let finish = run.view.finish.expect("the run is over");
    assert_eq!(finish.outputs.get("word"), Some(&json!("hello")));
    assert_eq!((runs(&engine).await, scene.script.effects()), ((2, 2), 1));
}

/// A call that cannot be made fails its step, with the reason.
pub async fn a_call_that_cannot_be_made_fails_its_step<S: Stand>(stand: &S) {
    let missing = CALLS.replace("playbook: callee", "playbook: nobody");
    let wrong = CALLS
        .replace("{word: hello}", "{word: 7}")
        .replace("caller", "wrong");
    let scene = Scene::new(stand, &[&missing, &wrong, CALLEE]);
    let engine = scene.open().await;
    for name in ["caller", "wrong"] {
        let id = started(&engine, by_hand(name, "k1")).await;
        let run = ended(&engine, &id).await;
        assert_eq!(run.summary.status, RunStatus::Failed);
        assert_eq!(step(&run, "last"), Some("succeeded"));
    }
    assert_eq!(runs(&engine).await, (2, 2));
}

/// Cancelling a run cancels the one it called, and waits until what that contains is known.
pub async fn a_cancel_reaches_the_run_that_was_called<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[CALLS, CALLEE]);
    let pending = Answer::pending(Millis::from_secs(300));
    scene.script.says("suite.contain", [pending]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("caller", "k1")).await;
    scene.script.called(1).await;
    until(&engine, &id, waits).await;
    assert!(engine.cancel(&id, "mona").await.expect("the run is there"));
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Cancelled);
    assert_eq!(step(&run, "last"), Some("succeeded"));
    assert_eq!(runs(&engine).await, (2, 2));
}

const TURNS: &str = r"
name: work
concurrency: {key: same, limit: 1, on_conflict: queue, max_queue: 1}
steps: [{id: contain, uses: suite.contain}]
";

/// One run at a time; the next one gets its turn when that ends, also after a stop.
pub async fn a_run_waits_for_its_turn<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[TURNS]);
    scene
        .script
        .says("suite.contain", [Answer::HangsAfterEffect]);
    let engine = scene.open().await;
    let first = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(1).await;
    let second = started(&engine, by_hand("work", "k2")).await;
    let third = started(&engine, by_hand("work", "k3")).await;
    let third = ended(&engine, &third).await;
    assert_eq!(
        third.summary.status,
        RunStatus::Cancelled,
        "the queue is full"
    );
    assert_eq!(scene.script.count("suite.contain", Mode::Execute), 1);
    scene.stop(engine).await;
    let engine = scene.open().await;
    for run in [first, second] {
        let run = ended(&engine, &run).await;
        assert_eq!(run.summary.status, RunStatus::Succeeded);
    }
    assert_eq!(scene.script.effects(), 2);
}

/// A run that may not run beside another one ends at once, or cancels that one.
pub async fn a_conflict_skips_the_run_or_cancels_the_other_one<S: Stand>(stand: &S) {
    let skip = TURNS.replace("queue, max_queue: 1", "skip");
    let cancel = TURNS
        .replace("queue, max_queue: 1", "cancel_running")
        .replace("name: work", "name: newest");
    let scene = Scene::new(stand, &[&skip, &cancel]);
    let pending = || Answer::pending(Millis::from_secs(300));
    scene.script.says("suite.contain", [pending(), pending()]);
    let engine = scene.open().await;
    let first = started(&engine, by_hand("work", "k1")).await;
    until(&engine, &first, waits).await;
    let second = started(&engine, by_hand("work", "k2")).await;
    let second = ended(&engine, &second).await;
    assert_eq!(second.summary.status, RunStatus::Cancelled);
    let old = started(&engine, by_hand("newest", "k1")).await;
    until(&engine, &old, waits).await;
    let new = started(&engine, by_hand("newest", "k2")).await;
    let new = ended(&engine, &new).await;
    assert_eq!(new.summary.status, RunStatus::Succeeded);
    let old = ended(&engine, &old).await;
    assert_eq!(old.summary.status, RunStatus::Cancelled);
}

const VERDICT: &str = r"
name: verdict
triggers: [{id: any, alert: {source: api, match: {severity: high}}}]
steps:
  - id: closed
    wait: {for_alert: {id: '${{ alert.id }}', where: alert.title == 'closed'}}
outputs: {title: '${{ steps.closed.output.event.title }}'}
";

/// A revision that is acknowledged reaches the runs that wait for it, of its own tenant.
pub async fn an_alert_that_is_waited_for_wakes_the_run<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[VERDICT]);
    let engine = scene.open().await;
    let run = one(&match taken(&engine, alert("a1", "open")).await {
        crate::Receipt::Created { runs } => runs,
        other => panic!("{other:?}"),
    });
    until(&engine, &run, waits).await;
    let mut foreign = alert("a1", "closed");
    foreign.tenant = super::scene::tenant("fabrikam");
    foreign.severity = "low".to_owned();
    taken(&engine, foreign).await;
    taken(&engine, alert("a1", "reopened")).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    taken(&engine, alert("a1", "closed")).await;
    let run = ended(&engine, &run).await;
    let finish = run.view.finish.expect("the run is over");
    assert_eq!(finish.outputs.get("title"), Some(&json!("closed")));
}

/// Whoever comes late finds the revision that is there already.
pub async fn an_alert_that_came_before_it_was_waited_for_counts<S: Stand>(stand: &S) {
    let late = VERDICT.replace("steps:\n", "steps:\n  - {id: look, uses: suite.look}\n");
    let scene = Scene::new(stand, &[&late]);
    scene.script.says("suite.look", [Answer::Hangs]);
    let engine = scene.open().await;
    let run = one(&match taken(&engine, alert("a1", "open")).await {
        crate::Receipt::Created { runs } => runs,
        other => panic!("{other:?}"),
    });
    scene.script.called(1).await;
    taken(&engine, alert("a1", "closed")).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &run).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
}

const ASKS: &str = r"
name: ask
steps:
  - {id: ask, approve: {message: may it?, approvers: {roles: [lead]}}}
  - {id: contain, uses: suite.contain}
";

/// A question costs no process: the answer finds the run after any number of stops.
pub async fn a_question_outlives_stops<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ASKS]);
    let mut engine = scene.open().await;
    let id = started(&engine, by_hand("ask", "k1")).await;
    until(&engine, &id, waits).await;
    for _ in 0..3 {
        scene.stop(engine).await;
        engine = scene.open().await;
    }
    let shown = json!([id, "ask", "may it?", null]).to_string();
    let digest = Digest::of(shown.as_bytes());
    let answer = Reply {
        by: "otto".to_owned(),
        roles: vec!["lead".to_owned()],
        through: Through::Key,
        decision: Decision::Approve,
        comment: None,
        form: None,
    };
    let tally = engine.answer(&id, &digest, answer).await;
    assert_eq!(tally.map(|tally| tally.agreed), Ok(1));
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
}

const FAILS: &str = r"
name: fails
steps:
  - {id: contain, uses: suite.contain}
  - {id: look, uses: suite.look, retry: {max_attempts: 1}}
";

/// A run that failed goes on as a new one, and what succeeded is not done again.
pub async fn a_run_goes_on_where_another_one_failed<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[FAILS]);
    let error = actions_contract::ActionError::permanent(
        actions_contract::ErrorKind::NotFound,
        code::AC0102,
        "it is not there",
    );
    let failed = Answer::Says(actions_contract::Outcome::Failed { error });
    scene.script.says("suite.look", [failed]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("fails", "k1")).await;
    let first = ended(&engine, &id).await;
    assert_eq!(first.summary.status, RunStatus::Failed);
    let again = engine.retry(&id, "otto").await.expect("it failed");
    assert_eq!(engine.retry(&id, "otto").await, Ok(again.clone()));
    let second = ended(&engine, &again).await;
    assert_eq!(second.summary.status, RunStatus::Succeeded);
    assert_eq!(scene.script.effects(), 1);
    let refused = engine.retry(&again, "otto").await;
    assert_eq!(refused.map_err(|error| error.code), Err(code::SV0107));
}
