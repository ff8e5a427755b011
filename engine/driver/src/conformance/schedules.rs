//! Planned instants: each starts one run, or none where the schedule says so.

use std::sync::Arc;
use std::time::Duration;

use engine_model::{Millis, Timestamp};

use super::scene::PATIENCE;
use super::{Answer, Scene, Stand};
use crate::{Count, Engine, ManualClock, RunFilter, RunSummary};

const HOUR: Millis = Millis::from_secs(3600);

fn hourly(name: &str, missed: &str) -> String {
    format!(
        "name: {name}\n\
         triggers: [{{id: hourly, schedule: {{cron: '0 * * * *', missed: {missed}}}}}]\n\
         steps: [{{id: set, set: {{at: '${{{{ schedule.planned_at }}}}'}}}}]\n"
    )
}

fn half_past_nine() -> Timestamp {
    "2026-03-02T09:30:00Z"
        .parse()
        .expect("the constant is an instant")
}

/// Everything that began so far, oldest first, once nothing more begins.
async fn began(engine: &impl Engine) -> Vec<RunSummary> {
    let filter = RunFilter {
        limit: 1000,
        ..RunFilter::default()
    };
    let mut before = None;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let page = engine.runs(&filter).await.expect("runs can be listed");
        if before == Some(page.items.len()) {
            return page.items.into_iter().rev().collect();
        }
        before = Some(page.items.len());
    }
}

/// An engine that restarts over and over sees the same instant every time.
pub async fn a_planned_instant_starts_one_run_however_often_the_engine_restarts<S: Stand>(
    stand: &S,
) {
    let clock = Arc::new(ManualClock::at(half_past_nine()));
    let playbook = hourly("latest", "latest");
    let mut scene = Scene::new(stand, &[&playbook]);
    scene.clock = Arc::clone(&clock) as Arc<_>;
    let engine = scene.open().await;
    assert_eq!(began(&engine).await, []);
    scene.stop(engine).await;
    for passed in 1..=2 {
        clock.forward(HOUR);
        for _ in 0..3 {
            let engine = scene.open().await;
            let runs = began(&engine).await;
            assert_eq!(runs.len(), passed, "{runs:#?}");
            scene.stop(engine).await;
            clock.forward(Millis::from_secs(1));
        }
    }
}

/// Five instants pass while no engine runs.
pub async fn a_missed_instant_is_made_up_for_as_the_schedule_says<S: Stand>(stand: &S) {
    let clock = Arc::new(ManualClock::at(half_past_nine()));
    let texts = [
        hourly("skips", "skip"),
        hourly("latest", "latest"),
        hourly("everything", "all, max_catchup: 3"),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut scene = Scene::new(stand, &texts);
    scene.clock = Arc::clone(&clock) as Arc<_>;
    // Seen once, so that the instants from now on are missed when they pass.
    let engine = scene.open().await;
    assert_eq!(began(&engine).await, []);
    scene.stop(engine).await;
    for _ in 0..5 {
        clock.forward(HOUR);
    }
    let engine = scene.open().await;
    let mut causes: Vec<String> = began(&engine)
        .await
        .iter()
        .map(|run| format!("{} {}", run.playbook, run.cause))
        .collect();
    causes.sort();
    let expected = [
        "everything planned 2026-03-02T12:00:00.000Z",
        "everything planned 2026-03-02T13:00:00.000Z",
        "everything planned 2026-03-02T14:00:00.000Z",
        "latest planned 2026-03-02T14:00:00.000Z",
    ];
    assert_eq!(causes, expected);
}

/// The usual case: the engine is there when the time comes.
pub async fn an_instant_that_comes_while_the_engine_runs_starts_a_run<S: Stand>(stand: &S) {
    let before: Timestamp = "2026-03-02T09:59:59.900Z"
        .parse()
        .expect("it is an instant");
    let clock = Arc::new(ManualClock::at(before));
    let texts = [hourly("skips", "skip"), hourly("latest", "latest")];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut scene = Scene::new(stand, &texts);
    scene.clock = Arc::clone(&clock) as Arc<_>;
    let engine = scene.open().await;
    assert_eq!(began(&engine).await, []);
    clock.forward(Millis::from_ms(200));
    let runs = loop {
        let runs = began(&engine).await;
        if !runs.is_empty() {
            break runs;
        }
    };
    let instants: Vec<&str> = runs.iter().map(|run| run.cause.as_str()).collect();
    assert_eq!(instants, ["planned 2026-03-02T10:00:00.000Z"; 2]);
}

/// A schedule that fires every second, whose first run goes on until somebody cancels it.
pub async fn an_instant_during_an_earlier_run_is_treated_as_the_schedule_says<S: Stand>(stand: &S) {
    for (overlap, word) in [
        ("skip", Some("skipped")),
        ("queue", Some("queued")),
        ("allow", None),
    ] {
        let text = format!(
            "name: every-{overlap}\n\
             triggers: [{{id: second, schedule: {{every: 1s, overlap: {overlap}}}}}]\n\
             steps: [{{id: look, uses: suite.look}}]\n"
        );
        let scene = Scene::new(stand, &[&text]);
        scene.script.says("suite.look", [Answer::Hangs]);
        let engine = scene.open().await;
        let playbook = format!("every-{overlap}");
        let first = until(&engine, &playbook, |runs, _| !runs.is_empty())
            .await
            .remove(0);
        let Some(word) = word else {
            until(&engine, &playbook, |runs, _| runs.len() > 2).await;
            scene.stop(engine).await;
            continue;
        };
        let word = format!("overlap_{word}");
        let counted = |counts: &[Count]| {
            let mine = |count: &&Count| count.playbook.as_str() == playbook && count.word == word;
            counts.iter().find(mine).map_or(0, |count| count.count)
        };
        let runs = until(&engine, &playbook, |_, counts| counted(counts) >= 2).await;
        assert_eq!(runs.len(), 1, "{overlap}: nothing begins beside the first");
        engine
            .cancel(&first.id, "mona")
            .await
            .expect("the run can be cancelled");
        let runs = until(&engine, &playbook, |runs, _| runs.len() > 1).await;
        let planned = |run: &RunSummary| -> Timestamp {
            let at = run
                .cause
                .strip_prefix("planned ")
                .expect("a schedule started it");
            at.parse().expect("the cause names an instant")
        };
        let gap = planned(&runs[1]).since(planned(&first));
        assert_eq!(
            gap == Millis::from_secs(1),
            overlap == "queue",
            "{overlap}: {gap}"
        );
        scene.stop(engine).await;
    }
}

/// Waits until the runs of a playbook, or the counts, are as wanted.
async fn until(
    engine: &impl Engine,
    playbook: &str,
    there: impl Fn(&[RunSummary], &[Count]) -> bool,
) -> Vec<RunSummary> {
    let filter = RunFilter {
        playbook: playbook.parse().ok(),
        limit: 100,
        ..RunFilter::default()
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let page = engine.runs(&filter).await.expect("runs can be listed");
        let runs: Vec<RunSummary> = page.items.into_iter().rev().collect();
        let counts = engine.records().counts().await.expect("counts can be read");
        if there(&runs, &counts) {
            return runs;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{runs:#?} {counts:#?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
