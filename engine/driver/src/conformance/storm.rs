//! Storm control: decided with the alert, durable with it, released in time.

use std::sync::Arc;
use std::time::Duration;

use engine_model::{Alert, Device, Millis, RunId, Timestamp};
use engine_trigger::storm::Verdict;

use super::scene::{PATIENCE, alert, ended, one, taken};
use super::{Scene, Stand};
use crate::{Decision, Engine, ManualClock, Receipt, RunFilter, RunSummary};

const BEGIN: Timestamp = Timestamp::from_ms(1_780_000_000_000);

fn playbook(name: &str, control: &str) -> String {
    format!(
        "
name: {name}
triggers: [{{id: any, alert: {{source: api, match: {{severity: high}}, {control}}}}}]
steps: [{{id: look, uses: suite.look}}]
"
    )
}

const GATHERS: &str = "
name: gathers
triggers:
  - id: any
    alert:
      source: api
      match: {severity: high}
      accumulate: {group_by: [device.id], within: 10m, count: {gte: 3}}
steps: [{id: look, uses: suite.look}]
outputs:
  ids: ${{ [a.id for a in trigger.alerts] }}
  device: ${{ trigger.group['device.id'] }}
  count: ${{ trigger.count }}
  last: ${{ alert.id }}
";

/// An alert on a device, so many seconds after the beginning.
fn on(device: &str, id: &str, seconds: u64) -> Alert {
    let at = BEGIN.plus(Millis::from_secs(seconds));
    Alert {
        created_at: at,
        updated_at: at,
        device: Some(Device {
            id: Some(device.to_owned()),
            ..Device::default()
        }),
        ..alert(id, "storm")
    }
}

fn began(receipt: Receipt) -> Vec<RunId> {
    match receipt {
        Receipt::Created { runs } | Receipt::Updated { runs, .. } | Receipt::Same { runs, .. } => {
            runs
        }
    }
}

async fn decision(engine: &impl Engine, alert: &Alert) -> Decision {
    let found = engine.records().decisions(&alert.key()).await;
    let mut found = found.expect("decisions can be read");
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

async fn all_runs(engine: &impl Engine) -> Vec<RunSummary> {
    let filter = RunFilter {
        limit: 500,
        ..RunFilter::default()
    };
    let page = engine.runs(&filter).await.expect("runs can be listed");
    page.items.into_iter().rev().collect()
}

/// Waits until so many runs began.
async fn until_runs(engine: &impl Engine, count: usize) -> Vec<RunSummary> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let runs = all_runs(engine).await;
        if runs.len() >= count {
            assert_eq!(runs.len(), count, "{runs:#?}");
            return runs;
        }
        assert!(tokio::time::Instant::now() < deadline, "{runs:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn scene<'a, S: Stand>(stand: &'a S, playbooks: &[&str]) -> (Scene<'a, S>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(BEGIN));
    let mut scene = Scene::new(stand, playbooks);
    scene.clock = Arc::clone(&clock) as Arc<_>;
    (scene, clock)
}

/// The first alert of a device starts a run, and the others of that window say which.
pub async fn alerts_with_the_key_of_an_earlier_one_are_linked_to_its_run<S: Stand>(stand: &S) {
    let control = "dedup: {key: '${{ alert.device.id }}', window: 1h}";
    let (scene, clock) = scene(stand, &[&playbook("once", control)]);
    let engine = scene.open().await;
    let run = one(&began(taken(&engine, on("d1", "a1", 0)).await));
    clock.forward(Millis::from_secs(7200));
    assert_eq!(began(taken(&engine, on("d1", "a2", 3599)).await), []);
    scene.stop(engine).await;
    let engine = scene.open().await;
    assert_eq!(began(taken(&engine, on("d1", "a3", 60)).await), []);
    let held = decision(&engine, &on("d1", "a3", 60)).await;
    assert_eq!(held.control.as_deref(), Some("dedup"));
    assert_eq!(held.first, Some(on("d1", "a1", 0).key()));
    assert_eq!(held.run, Some(run));
    assert_eq!(began(taken(&engine, on("d2", "b1", 60)).await).len(), 1);
    let next = began(taken(&engine, on("d1", "a4", 3600)).await);
    assert_eq!(next.len(), 1, "the window is over");
    let started = decision(&engine, &on("d1", "a4", 3600)).await;
    assert_eq!(started.decided, Verdict::Started);
    assert_eq!(started.run.as_ref(), next.first());
}

/// Three alerts of one device start one run, which has all of them, also after a stop.
pub async fn alerts_that_reach_a_number_are_in_the_run_that_they_start<S: Stand>(stand: &S) {
    let (scene, clock) = scene(stand, &[GATHERS]);
    clock.forward(Millis::from_secs(600));
    let engine = scene.open().await;
    assert_eq!(began(taken(&engine, on("d1", "a1", 10)).await), []);
    assert_eq!(began(taken(&engine, on("d2", "b1", 10)).await), []);
    assert_eq!(began(taken(&engine, on("d1", "a3", 30)).await), []);
    scene.stop(engine).await;
    let engine = scene.open().await;
    // It comes last and happened in between.
    let run = one(&began(taken(&engine, on("d1", "a2", 20)).await));
    let done = ended(&engine, &run).await;
    let finish = done.view.finish.expect("the run is over");
    let outputs: std::collections::BTreeMap<_, _> = finish.outputs.into_iter().collect();
    assert_eq!(outputs["ids"], serde_json::json!(["a1", "a2", "a3"]));
    assert_eq!(outputs["device"], "d1");
    assert_eq!(outputs["count"], 3);
    let first = decision(&engine, &on("d1", "a1", 10)).await;
    assert_eq!(
        (first.decided, first.run),
        (Verdict::Started, Some(run.clone()))
    );
    let other = decision(&engine, &on("d2", "b1", 10)).await;
    assert_eq!(other.control.as_deref(), Some("accumulate"));
    scene.stop(engine).await;
    let engine = scene.open().await;
    let again = super::scene::run(&engine, &run).await;
    assert_eq!(again.view, ended(&engine, &run).await.view);
}

/// The wait of a batch goes on while no engine runs.
pub async fn a_batch_starts_when_it_has_waited_whatever_happens_meanwhile<S: Stand>(stand: &S) {
    let (scene, clock) = scene(stand, &[&playbook("batched", "batch: {max: 10, wait: 5m}")]);
    let engine = scene.open().await;
    assert_eq!(began(taken(&engine, on("d1", "a1", 0)).await), []);
    assert_eq!(began(taken(&engine, on("d2", "a2", 0)).await), []);
    let waits = decision(&engine, &on("d2", "a2", 0)).await;
    assert_eq!(waits.control.as_deref(), Some("batch"));
    scene.stop(engine).await;
    clock.forward(Millis::from_secs(299));
    let engine = scene.open().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(all_runs(&engine).await, []);
    scene.stop(engine).await;
    clock.forward(Millis::from_secs(2));
    let engine = scene.open().await;
    let runs = until_runs(&engine, 1).await;
    for id in ["a1", "a2"] {
        let found = engine.alert(id).await.expect("the alert is stored");
        assert_eq!(found.summary.runs, [runs[0].id.clone()]);
    }
}

/// What exceeds a limit waits, in order and across stops; what exceeds the queue is dropped, and
/// that is seen.
pub async fn starts_past_a_limit_wait_and_past_the_queue_are_dropped_visibly<S: Stand>(stand: &S) {
    let control = "throttle: {max: 1, per: 1m, queue: 2}";
    let (scene, clock) = scene(stand, &[&playbook("slowly", control)]);
    let engine = scene.open().await;
    for (number, expected) in [1, 0, 0, 0].into_iter().enumerate() {
        let runs = began(taken(&engine, on("d1", &format!("a{number}"), 0)).await);
        assert_eq!(runs.len(), expected, "alert {number}");
    }
    let dropped = decision(&engine, &on("d1", "a3", 0)).await;
    assert_eq!(dropped.decided, Verdict::Dropped);
    let counts = engine.records().counts().await.expect("counts can be read");
    let dropped = counts.iter().find(|count| count.word == "dropped");
    assert_eq!(dropped.map(|count| count.count), Some(1));
    scene.stop(engine).await;
    for passed in 2..=3 {
        clock.forward(Millis::from_secs(60));
        let engine = scene.open().await;
        let runs = until_runs(&engine, passed).await;
        let last = runs.last().expect("there are runs");
        assert!(
            last.cause.contains(&format!("a{}", passed - 1)),
            "{}",
            last.cause
        );
        scene.stop(engine).await;
    }
}

/// The same alerts start the same runs whether the engine stops between them or not.
pub async fn a_storm_with_stops_in_it_starts_what_it_starts_without<S: Stand>(stand: &S) {
    let controls = [
        (
            "deduped",
            "dedup: {key: '${{ alert.device.id }}', window: 30s}",
        ),
        (
            "counted",
            "accumulate: {group_by: [device.id], within: 40s, count: {gte: 2}}, suppress: 1m",
        ),
        (
            "sessions",
            "accumulate: {within: 5s, count: {gte: 3}, window: session}",
        ),
    ];
    let texts: Vec<String> = controls
        .iter()
        .map(|(name, text)| playbook(name, text))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (scene, clock) = scene(stand, &texts);
    clock.forward(Millis::from_secs(3600));
    let alerts: Vec<Alert> = (0..40_u64)
        .map(|number| {
            let device = if number % 3 == 0 { "d1" } else { "d2" };
            on(device, &format!("a{number}"), (number * 7) % 120)
        })
        .collect();
    let mut engine = scene.open().await;
    let mut stopped = Vec::new();
    for (number, alert) in alerts.iter().enumerate() {
        stopped.extend(began(taken(&engine, alert.clone()).await));
        if number % 4 == 1 {
            scene.stop(engine).await;
            engine = scene.open().await;
            // Told again by a source that heard no answer: nothing begins, nothing is counted.
            let again = taken(&engine, alert.clone()).await;
            assert!(matches!(again, Receipt::Same { .. }), "{again:?}");
        }
    }
    scene.stop(engine).await;
    let straight = told_straight(&scene, &alerts).await;
    assert_eq!(stopped.len(), straight);
    assert!(straight > 6, "{straight}");
}

/// The same alerts of another tenant are another storm, with no stop in it: how many runs it
/// starts, once it is clear that they are the same ones.
async fn told_straight<S: Stand>(scene: &Scene<'_, S>, alerts: &[Alert]) -> usize {
    let engine = scene.open().await;
    let mut straight = 0;
    for alert in alerts {
        let tenant = super::scene::tenant("fabrikam");
        straight += began(
            taken(
                &engine,
                Alert {
                    tenant,
                    ..alert.clone()
                },
            )
            .await,
        )
        .len();
    }
    let named = |tenant: &str, runs: &[RunSummary]| -> Vec<(String, String)> {
        let mine = runs.iter().filter(|run| run.tenant.as_str() == tenant);
        mine.map(|run| (run.playbook.to_string(), run.cause.clone()))
            .collect()
    };
    let runs = all_runs(&engine).await;
    assert_eq!(named("contoso", &runs), named("fabrikam", &runs));
    straight
}
