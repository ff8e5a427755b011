//! Runs: what happens to them, and to others beside them.

use engine_model::Millis;
use engine_run::{NewsKind, RunStatus};

use super::scene::{self, by_hand, ended, started, step};
use super::{Answer, Scene, Stand};
use crate::Engine;

const WORK: &str = r"
name: work
steps:
  - {id: contain, uses: suite.contain}
  - {id: note, uses: suite.note}
outputs: {done: true}
";

/// Everybody who listens hears what is durable, in order.
pub async fn a_run_tells_what_happens_while_it_happens<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[WORK]);
    scene
        .script
        .says("suite.contain", [Answer::pending(Millis::from_ms(20))]);
    let engine = scene.open().await;
    let mut news = engine.subscribe();
    let id = started(&engine, by_hand("work", "k1")).await;
    let mut heard = Vec::new();
    loop {
        let next = tokio::time::timeout(scene::PATIENCE, news.recv()).await;
        let next = next.expect("the run goes on").expect("nobody is that slow");
        assert_eq!((&next.run, next.playbook.as_str()), (&id, "work"));
        let what = match &next.news.kind {
            NewsKind::RunStarted { .. } => "started",
            NewsKind::StepStarted { .. } => "step",
            NewsKind::StepWaits { .. } | NewsKind::StepAnswered { .. } => "waits",
            NewsKind::StepReconciles { .. } | NewsKind::StepRetries { .. } => "again",
            NewsKind::StepEnded { .. } => "step over",
            NewsKind::RunEnded { .. } => "over",
        };
        heard.push(what);
        if what == "over" {
            break;
        }
    }
    let all = [
        "started",
        "step",
        "waits",
        "step over",
        "step",
        "step over",
        "over",
    ];
    assert_eq!(heard, all);
    let run = ended(&engine, &id).await;
    assert_eq!(run.view.finish.expect("it is over").outputs["done"], true);
}

/// A panic is an outcome that nobody knows: a containing action is looked up after it.
pub async fn an_action_that_breaks_fails_its_step_and_nothing_else<S: Stand>(stand: &S) {
    let look = "name: look\nsteps: [{id: look, uses: suite.look}]\n";
    let scene = Scene::new(stand, &[WORK, look]);
    scene.script.says("suite.look", [Answer::Breaks]);
    scene.script.says("suite.contain", [Answer::Breaks]);
    let engine = scene.open().await;
    let broken = started(&engine, by_hand("look", "k1")).await;
    let looked_up = started(&engine, by_hand("work", "k1")).await;
    assert_eq!(
        ended(&engine, &broken).await.summary.status,
        RunStatus::Failed
    );
    assert_eq!(
        ended(&engine, &looked_up).await.summary.status,
        RunStatus::Succeeded
    );
    assert_eq!(scene.script.effects(), 1);
    let next = started(&engine, by_hand("look", "k2")).await;
    assert_eq!(
        ended(&engine, &next).await.summary.status,
        RunStatus::Succeeded
    );
}

/// No step waits longer than its deadline, whatever its action does.
pub async fn a_try_that_takes_too_long_is_given_up<S: Stand>(stand: &S) {
    let hasty = r"
name: hasty
steps:
  - {id: look, uses: suite.look, timeout: 50ms, on_error: continue}
  - {id: note, uses: suite.note}
";
    let scene = Scene::new(stand, &[hasty]);
    scene.script.says("suite.look", [Answer::Hangs]);
    let engine = scene.open().await;
    let id = started(&engine, by_hand("hasty", "k1")).await;
    let run = ended(&engine, &id).await;
    assert_eq!(run.summary.status, RunStatus::Succeeded);
    assert_eq!(
        (step(&run, "look"), step(&run, "note")),
        (Some("failed"), Some("succeeded"))
    );
}

/// 200 runs that wait for something remote.
pub async fn many_runs_wait_at_the_same_time_and_all_of_them_end<S: Stand>(stand: &S) {
    many_runs_wait(stand, 200).await;
}

/// So many runs wait for something remote; the engine stops while they do; all of them end, and
/// each contained once.
pub async fn many_runs_wait<S: Stand>(stand: &S, many: u32) {
    let scene = Scene::new(stand, &[WORK]);
    let short = Answer::pending(Millis::from_ms(300));
    scene
        .script
        .says("suite.contain", (0..many).map(|_| short.clone()));
    let engine = scene.open().await;
    let starts = (0..many).map(|key| started(&engine, by_hand("work", &format!("k{key}"))));
    let runs = futures_util::future::join_all(starts).await;
    scene.script.called(many as usize).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    for id in &runs {
        let run = ended(&engine, id).await;
        assert_eq!(run.summary.status, RunStatus::Succeeded);
    }
    assert_eq!(scene.script.effects(), many);
}

/// The file may change under a run; what the run does is what the file said when it began.
pub async fn a_run_stays_with_the_playbook_it_began_with<S: Stand>(stand: &S) {
    let changed = "name: work\nsteps: [{id: tell, uses: suite.tell}]\n";
    let mut scene = Scene::new(stand, &[WORK]);
    let soon = Answer::pending(Millis::from_ms(200));
    scene.script.says("suite.contain", [soon.clone(), soon]);
    let playbooks = scene.loaded();
    let engine = scene.open_with(&playbooks).await;
    let first = started(&engine, by_hand("work", "k1")).await;
    scene.script.called(1).await;
    // Replaced under the engine, and gone from the files when the next one is opened.
    scene::load(&playbooks, vec![scene::file(changed)]);
    let second = started(&engine, by_hand("work", "k2")).await;
    ended(&engine, &second).await;
    scene.stop(engine).await;
    scene.set_playbooks(&[changed]);
    let engine = scene.open().await;
    let old = ended(&engine, &first).await;
    let new = ended(&engine, &second).await;
    assert_ne!(old.summary.digest, new.summary.digest);
    assert_eq!(
        (step(&old, "note"), step(&old, "tell")),
        (Some("succeeded"), None)
    );
    assert_eq!(
        (step(&new, "note"), step(&new, "tell")),
        (None, Some("succeeded"))
    );
    scene.stop(engine).await;
    // A playbook that was loaded only for a moment is still there for the run that began with it.
    let moment = "name: work\nsteps: [{id: contain, uses: suite.contain}]\n";
    let before = scene.script.calls().len();
    scene
        .script
        .says("suite.contain", [Answer::pending(Millis::from_ms(200))]);
    let playbooks = scene.loaded();
    let engine = scene.open_with(&playbooks).await;
    scene::load(&playbooks, vec![scene::file(moment)]);
    let third = started(&engine, by_hand("work", "k3")).await;
    scene.script.called(before + 1).await;
    scene.stop(engine).await;
    let engine = scene.open().await;
    let run = ended(&engine, &third).await;
    assert_eq!(step(&run, "contain"), Some("succeeded"));
}
