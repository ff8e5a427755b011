//! Dead letters and ends of runs: nothing that should have been done is lost sight of.

use std::time::Duration;

use actions_contract::{ActionError, ErrorKind, Outcome};
use engine_model::{RunId, code};
use engine_run::RunStatus;

use super::scene::{PATIENCE, alert, by_hand, ended, one, started, taken};
use super::{Answer, Scene, Stand};
use crate::{Engine, Letter, LetterFilter, LetterKind, Receipt, RunFilter, RunSummary};

const ASKS: &str = "
name: asks
inputs: {path: {type: string, required: true}}
triggers:
  - id: any
    alert: {source: api, match: {severity: high}}
    with: {path: '${{ alert.file.path }}'}
steps: [{uses: suite.look}]
outputs: {path: '${{ inputs.path }}', title: '${{ alert.title }}'}
";

const LOOKS: &str = "
name: looks
triggers:
  - {id: any, alert: {source: api, match: {severity: high}}}
  - {id: by_hand, manual: {}}
steps: [{id: look, uses: suite.look, retry: {max_attempts: 1}}]
outputs: {title: '${{ alert.title }}'}
";

const SLOW: &str = "
name: slow
triggers:
  - {id: any, alert: {source: api, match: {severity: high}, throttle: {max: 1, per: 1h, queue: 0}}}
steps: [{uses: suite.look}]
";

const WAITS: &str = "
name: waits
triggers: [{id: after, playbook: {name: looks, status: [failed, succeeded]}}]
steps: [{uses: suite.note}]
outputs: {after: '${{ trigger.run.id }}', status: '${{ trigger.run.status }}'}
";

const CIRCLE: &str = "
name: circle
triggers:
  - {id: by_hand, manual: {}}
  - {id: after, playbook: {name: circle, status: [succeeded]}}
steps: [{uses: suite.look}]
";

async fn letters(engine: &impl Engine) -> Vec<Letter> {
    let filter = LetterFilter {
        limit: 100,
        ..LetterFilter::default()
    };
    let page = engine.records().letters(&filter).await;
    page.expect("dead letters can be listed").items
}

/// Waits for the first dead letter.
async fn a_letter(engine: &impl Engine) -> Letter {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut found = letters(engine).await;
        if let Some(letter) = found.pop() {
            assert_eq!(found, [], "one was expected");
            return letter;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "there is no dead letter"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn replayed(engine: &impl Engine, number: u64) -> RunId {
    let run = engine.records().replay(number, "mona").await;
    run.unwrap_or_else(|error| panic!("the letter was not replayed: {error}"))
}

async fn runs_of(engine: &impl Engine, playbook: &str) -> Vec<RunSummary> {
    let filter = RunFilter {
        playbook: playbook.parse().ok(),
        limit: 100,
        ..RunFilter::default()
    };
    let page = engine.runs(&filter).await.expect("runs can be listed");
    page.items.into_iter().rev().collect()
}

/// Waits until so many runs of a playbook ended.
async fn until_ended(engine: &impl Engine, playbook: &str, count: usize) -> Vec<RunSummary> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let runs = runs_of(engine, playbook).await;
        let over = runs.iter().filter(|run| run.status != RunStatus::Running);
        if over.count() >= count {
            return runs;
        }
        assert!(tokio::time::Instant::now() < deadline, "{runs:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn failure() -> Answer {
    let error = ActionError::permanent(ErrorKind::NotFound, code::AC0102, "there is no such thing");
    Answer::Says(Outcome::Failed { error })
}

/// An alert that matched, an input that it does not give, and a playbook mended since.
pub async fn what_could_not_start_is_a_dead_letter_and_starts_once_when_replayed<S: Stand>(
    stand: &S,
) {
    let mut scene = Scene::new(stand, &[ASKS]);
    let engine = scene.open().await;
    let receipt = taken(&engine, alert("a1", "no file")).await;
    assert_eq!(receipt, Receipt::Created { runs: Vec::new() });
    scene.stop(engine).await;
    let mended = ASKS.replace("alert.file.path", "alert.title");
    scene.set_playbooks(&[&mended]);
    let engine = scene.open().await;
    let letter = a_letter(&engine).await;
    assert_eq!(
        (letter.kind, letter.code.as_str()),
        (LetterKind::NotStarted, "TR0102")
    );
    assert_eq!(letter.alerts, [alert("a1", "no file").key()]);
    let run = replayed(&engine, letter.number).await;
    assert_eq!(replayed(&engine, letter.number).await, run);
    let done = ended(&engine, &run).await;
    assert_eq!(
        done.summary.status,
        RunStatus::Succeeded,
        "{:#?}",
        done.view
    );
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert_eq!(replayed(&engine, letter.number).await, run);
    assert_eq!(runs_of(&engine, "asks").await.len(), 1);
    assert_eq!(a_letter(&engine).await.replayed_as, Some(run));
}

/// A run that an alert started and that failed; one by hand has somebody who saw it.
pub async fn a_run_that_failed_for_good_is_a_dead_letter_that_can_be_replayed<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[LOOKS]);
    scene.script.says("suite.look", [failure(), failure()]);
    let engine = scene.open().await;
    let seen = started(&engine, by_hand("looks", "k")).await;
    ended(&engine, &seen).await;
    let Receipt::Created { runs } = taken(&engine, alert("a1", "title")).await else {
        panic!("the alert is new")
    };
    let failed = one(&runs);
    ended(&engine, &failed).await;
    let letter = a_letter(&engine).await;
    assert_eq!(
        (letter.kind, letter.code.as_str()),
        (LetterKind::Failed, "AC0102")
    );
    assert_eq!(letter.run, Some(failed.clone()));
    assert_eq!(letter.alerts, [alert("a1", "title").key()]);
    let run = replayed(&engine, letter.number).await;
    assert_ne!(run, failed);
    let done = ended(&engine, &run).await;
    assert_eq!(done.summary.status, RunStatus::Succeeded);
    let outputs = done.view.finish.expect("it is over").outputs;
    assert!(format!("{outputs:?}").contains("title"), "{outputs:?}");
    assert_eq!(replayed(&engine, letter.number).await, run);
    assert_eq!(runs_of(&engine, "looks").await.len(), 3);
}

/// What a throttle drops is a dead letter with its alert.
pub async fn what_a_full_queue_dropped_is_a_dead_letter_that_can_be_replayed<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[SLOW]);
    let engine = scene.open().await;
    taken(&engine, alert("a1", "first")).await;
    taken(&engine, alert("a2", "second")).await;
    let letter = a_letter(&engine).await;
    assert_eq!(
        (letter.kind, letter.code.as_str()),
        (LetterKind::Dropped, "TR0103")
    );
    assert_eq!(letter.alerts, [alert("a2", "second").key()]);
    let run = replayed(&engine, letter.number).await;
    ended(&engine, &run).await;
    assert_eq!(runs_of(&engine, "slow").await.len(), 2);
}

/// The end of a run starts a run of each playbook that waits for it, once, whatever stops.
pub async fn the_end_of_a_run_starts_who_waits_for_it_once<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[LOOKS, WAITS]);
    let engine = scene.open().await;
    let first = taken(&engine, alert("a1", "title")).await;
    let Receipt::Created { runs } = first else {
        panic!("the alert is new")
    };
    scene.stop(engine).await;
    let engine = scene.open().await;
    let after = until_ended(&engine, "waits", 1).await;
    let done = ended(&engine, &one(&[after[0].id.clone()])).await;
    let outputs = format!("{:?}", done.view.finish.expect("it is over").outputs);
    assert!(outputs.contains(one(&runs).as_str()), "{outputs}");
    assert!(outputs.contains("succeeded"), "{outputs}");
    scene.stop(engine).await;
    let engine = scene.open().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(runs_of(&engine, "waits").await.len(), 1);
}

/// A playbook that waits for itself goes around three times, and that it goes no further is seen.
pub async fn runs_that_start_one_another_end_after_three_hops<S: Stand>(stand: &S) {
    let scene = Scene::new(stand, &[CIRCLE]);
    let engine = scene.open().await;
    started(&engine, by_hand("circle", "k")).await;
    let letter = a_letter(&engine).await;
    assert_eq!(letter.code, "TR0104");
    let runs = until_ended(&engine, "circle", 4).await;
    assert_eq!(runs.len(), 4);
    assert_eq!(letter.run.as_ref(), runs.last().map(|run| &run.id));
}
