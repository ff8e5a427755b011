//! Alerts: durable, then acknowledged; each started once.

use std::time::Duration;

use engine_run::RunStatus;
use futures_util::FutureExt as _;

use super::scene::{alert, ended, one, taken, tenant};
use super::{Scene, Stand};
use crate::{Engine, Receipt, RunFilter};

const ON_NEW: &str = r"
name: on-new
triggers: [{id: any, alert: {source: api, match: {severity: high}}}]
steps: [{id: look, uses: suite.look}]
";

const ON_CHANGED: &str = r"
name: on-changed
triggers: [{id: any, alert: {source: api, on: [updated], match: {severity: high}}}]
steps: [{id: look, uses: suite.look}]
";

/// The same content again is answered with the runs of the first answer, at once and later.
pub async fn a_duplicate_alert_starts_nothing_and_gets_the_first_answer<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_NEW]);
    let engine = scene.open().await;
    let first = taken(&engine, alert("a1", "first")).await;
    let Receipt::Created { runs } = first else {
        panic!("{first:?}")
    };
    let run = one(&runs);
    let same = Receipt::Same { revision: 1, runs };
    assert_eq!(taken(&engine, alert("a1", "first")).await, same);
    ended(&engine, &run).await;
    assert_eq!(taken(&engine, alert("a1", "first")).await, same);
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert_eq!(taken(&engine, alert("a1", "first")).await, same);
    assert_eq!(scene.script.calls().len(), 1);
}

/// Of many senders of one alert one hears that it is new.
pub async fn an_alert_that_comes_many_times_at_once_is_taken_once<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_NEW]);
    let engine = scene.open().await;
    let senders = (0..20).map(|_| taken(&engine, alert("a1", "first")));
    let receipts = futures_util::future::join_all(senders).await;
    let new = receipts
        .iter()
        .filter(|receipt| matches!(receipt, Receipt::Created { .. }));
    assert_eq!(new.count(), 1, "{receipts:?}");
    let mut runs = receipts.iter().map(|receipt| match receipt {
        Receipt::Created { runs } | Receipt::Same { runs, .. } => one(runs),
        Receipt::Updated { .. } => panic!("nothing changed: {receipt:?}"),
    });
    let run = runs.next().expect("there are answers");
    assert!(runs.all(|other| other == run));
    ended(&engine, &run).await;
    assert_eq!(scene.script.calls().len(), 1);
}

/// `on: [updated]` waits for changes, the default for what is new.
pub async fn changed_content_is_a_new_revision_and_starts_only_who_asks_for_it<S: Stand>(
    stand: &S,
) {
    let scene = Scene::new(stand, &[ON_NEW, ON_CHANGED]);
    let engine = scene.open().await;
    let Receipt::Created { runs } = taken(&engine, alert("a1", "first")).await else {
        panic!("it is new")
    };
    let new = ended(&engine, &one(&runs)).await;
    assert_eq!(new.summary.playbook.as_str(), "on-new");
    let Receipt::Updated { revision: 2, runs } = taken(&engine, alert("a1", "second")).await else {
        panic!("it is changed")
    };
    let changed = ended(&engine, &one(&runs)).await;
    assert_eq!(changed.summary.playbook.as_str(), "on-changed");
    let same = Receipt::Same { revision: 2, runs };
    assert_eq!(taken(&engine, alert("a1", "second")).await, same);
    let kept = engine.alert("a1").await.expect("the alert is kept");
    assert_eq!(
        (kept.summary.revision, kept.alert.title.as_str()),
        (2, "second")
    );
}

/// A, B, A, B: four revisions, and each content started its trigger once.
pub async fn content_that_comes_back_is_a_revision_but_starts_nothing_twice<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_CHANGED]);
    let engine = scene.open().await;
    let mut started = Vec::new();
    for title in ["a", "b", "a", "b"] {
        match taken(&engine, alert("a1", title)).await {
            Receipt::Created { runs } | Receipt::Updated { runs, .. } => started.extend(runs),
            same @ Receipt::Same { .. } => panic!("it changed: {same:?}"),
        }
    }
    assert_eq!(
        started.len(),
        2,
        "what changed to `b` and what changed back to `a`"
    );
    let kept = engine.alert("a1").await.expect("the alert is kept");
    assert_eq!(kept.summary.revision, 4);
    assert_eq!(kept.summary.runs, started);
}

/// One alert may start several playbooks, and several triggers of one.
pub async fn every_playbook_that_matches_starts<S: Stand>(stand: &S) {
    let twice = r"
name: twice
triggers:
  - {id: one, alert: {source: api, match: {severity: high}}}
  - {id: two, alert: {source: api, match: {title: 'f*'}}}
  - {id: not_this, alert: {source: api, match: {severity: low}}}
steps: [{id: look, uses: suite.look}]
";
    let disabled = "name: off\nenabled: false\ntriggers: [{id: any, alert: {source: api, match: \
                    {severity: high}}}]\nsteps: [{uses: suite.look}]\n";
    let scene = Scene::new(stand, &[ON_NEW, twice, disabled]);
    let engine = scene.open().await;
    let Receipt::Created { runs } = taken(&engine, alert("a1", "first")).await else {
        panic!("it is new")
    };
    let mut began = Vec::new();
    for run in &runs {
        let run = ended(&engine, run).await;
        began.push(format!("{}/{}", run.summary.playbook, run.summary.trigger));
    }
    began.sort();
    assert_eq!(began, ["on-new/any", "twice/one", "twice/two"]);
}

/// An answer is given only after what it says is durable.
pub async fn an_alert_that_was_acknowledged_is_there_after_a_stop<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_NEW]);
    for id in ["a1", "a2", "a3", "a4"] {
        let engine = scene.open().await;
        let receipt = taken(&engine, alert(id, "first")).await;
        let Receipt::Created { runs } = receipt else {
            panic!("{receipt:?}")
        };
        scene.stop(engine).await;
        let engine = scene.open().await;
        let kept = engine.alert(id).await.expect("the alert is kept");
        assert_eq!(kept.alert, alert(id, "first"));
        assert_eq!(kept.summary.runs, runs);
        let run = ended(&engine, &one(&runs)).await;
        assert_eq!(run.summary.status, RunStatus::Succeeded);
        scene.stop(engine).await;
    }
}

/// A connection that breaks before the answer must not leave a run that waits for a restart.
pub async fn an_alert_whose_sender_goes_away_is_worked_on_all_the_same<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_NEW]);
    let engine = scene.open().await;
    for id in 0..8 {
        let mut sent = engine.intake(alert(&format!("a{id}"), "first"));
        // Polled until the alert is on its way, then dropped without an answer.
        for _ in 0..id {
            if (&mut sent).now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    // Whatever was taken is worked on: nothing is left running.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let filter = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    let runs = engine
        .runs(&filter)
        .await
        .expect("runs can be listed")
        .items;
    assert!(!runs.is_empty(), "nothing was taken at all");
    for run in runs {
        ended(&engine, &run.id).await;
    }
}

/// Tenant, source and id make the identity.
pub async fn the_same_id_in_another_tenant_is_another_alert<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[ON_NEW]);
    let engine = scene.open().await;
    let mut other = alert("a1", "first");
    other.tenant = tenant("fabrikam");
    let first = taken(&engine, alert("a1", "first")).await;
    let second = taken(&engine, other).await;
    let (Receipt::Created { runs: first }, Receipt::Created { runs: second }) = (first, second)
    else {
        panic!("both are new")
    };
    assert_ne!(first, second);
    let run = ended(&engine, &one(&second)).await;
    assert_eq!(run.summary.tenant.as_str(), "fabrikam");
    assert!(
        engine.alert("a1").await.is_err(),
        "the id alone names two alerts"
    );
}
