//! Starts by hand.

use actions_contract::Mode;
use engine_model::code;
use engine_run::RunStatus;
use serde_json::json;

use super::scene::{alert, by_hand, ended, started, step, tenant};
use super::{Scene, Stand};
use crate::{Engine, RunFilter};

const WORK: &str = r"
name: work
inputs: {level: {type: integer, default: 1, maximum: 5}}
triggers: [{id: by_hand, manual: {roles: [soc-lead]}}]
steps:
  - {id: look, uses: suite.look}
  - {id: contain, uses: suite.contain}
";

/// A caller that is not sure whether it was heard calls again.
pub async fn the_same_key_starts_one_run<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let engine = scene.open().await;
    let calls = (0..10).map(|_| started(&engine, by_hand("work", "k1")));
    let runs = futures_util::future::join_all(calls).await;
    let run = runs[0].clone();
    assert!(runs.iter().all(|other| *other == run), "{runs:?}");
    ended(&engine, &run).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert_eq!(started(&engine, by_hand("work", "k1")).await, run);
    assert_ne!(started(&engine, by_hand("work", "k2")).await, run);
    scene.script.called(4).await;
    assert_eq!(scene.script.count("suite.look", Mode::Execute), 2);
}

/// A role that is missing, an input that does not fit: refused, and nothing is kept.
pub async fn a_start_that_is_not_allowed_leaves_nothing_behind<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let engine = scene.open().await;
    let mut stranger = by_hand("work", "k1");
    stranger.roles = Some(vec!["reader".to_owned()]);
    let refused = engine
        .start(stranger)
        .await
        .expect_err("the role is missing");
    assert_eq!(refused.code, code::TR0102);
    let mut wrong = by_hand("work", "k2");
    wrong.inputs.insert("level".to_owned(), json!(6));
    let refused = engine
        .start(wrong)
        .await
        .expect_err("the input is too large");
    assert_eq!(refused.code, code::RN0106);
    let filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    let runs = engine.runs(&filter).await.expect("runs can be listed");
    assert_eq!(runs.items, []);
    assert_eq!(scene.script.calls(), []);
}

/// Reads are real; what contains is simulated, even across a stop.
pub async fn a_dry_run_changes_nothing<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let engine = scene.open().await;
    let mut dry = by_hand("work", "k1");
    dry.dry_run = true;
    let id = started(&engine, dry).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(step(&run, "contain"), Some("simulated"));
    assert_eq!(scene.script.count("suite.contain", Mode::Execute), 0);
    assert_eq!(scene.script.effects(), 0);
}

/// The one named, else the alert's, else the engine's own.
pub async fn a_run_by_hand_belongs_to_the_tenant_asked_for<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    let engine = scene.open().await;
    let own = by_hand("work", "k1");
    let mut named = by_hand("work", "k1");
    named.tenant = tenant("fabrikam");
    let mut of_alert = by_hand("work", "k1");
    of_alert.alert = Some(alert("a1", "first"));
    let mut tenants = Vec::new();
    for start in [own, named, of_alert] {
        let id = started(&engine, start).await;
        tenants.push(ended(&engine, &id).await.summary.tenant.to_string());
    }
    assert_eq!(tenants, ["home", "fabrikam", "contoso"]);
}
