//! A running engine, operated from the command line: polled alerts, lists, cancellation.

use std::process::Output;
use std::time::Duration;

use actions_emulator::{Emulator, Options};
use serde_json::{Value, json};

use crate::support::{self, Home, Served};

const PLAYBOOK: &str = "
version: 1
name: contain
triggers:
  - id: any
    alert:
      source: mde
      match:
        device.id|exists: true
steps:
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ alert.device.id }}
      isolation_type: Full
      comment: Alert ${{ alert.id }}
finally:
  - id: last
    uses: note.add
    with: {text: over}
";

/// `quell` against a running engine, as the test's person.
fn quell(served: &Served, args: &[&str]) -> Output {
    let mut command = support::quell();
    command
        .args(args)
        .args(["--url", &served.url, "--key", "env:TEST_KEY"]);
    command.env("TEST_KEY", support::KEY).output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {output:?}");
    })
}

async fn world(slow: bool) -> Emulator {
    let mut options = Options::seeded(5);
    if slow {
        options.action_pending = engine_model::Millis::from_secs(3600);
    }
    support::emulator(options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polled_alert_starts_one_run_however_often_it_is_read_and_across_a_restart() {
    let emulator = world(false).await;
    let home = Home::new(
        &emulator,
        &emulator.base_url(),
        &json!({ "follow_first": "100ms" }),
    )
    .with(
        "sources",
        &json!([{ "source": "mde", "every": "5s", "lookback": "1d" }]),
    )
    .playbook("contain.yaml", PLAYBOOK);
    let machine = emulator.demo_alert()["machineId"]
        .as_str()
        .unwrap()
        .to_owned();
    let served = home.serve();
    support::until(
        "the alert was polled",
        Duration::from_secs(20),
        async || emulator.counts().isolate_posts(&machine) == 1,
    )
    .await;
    served.kill();
    let served = home.serve();
    let polls = emulator.counts().operations["defender.list-alerts"];
    support::until("it was polled again", Duration::from_secs(20), async || {
        emulator.counts().operations["defender.list-alerts"] > polls
    })
    .await;
    let alerts = json_of(&quell(&served, &["alerts", "list", "--format", "json"]));
    let all = alerts["items"].as_array().unwrap();
    assert!(all.iter().all(|alert| alert["revision"] == 1), "{alerts:#}");
    let counts = emulator.counts();
    assert!(
        counts.posts["defender.isolate-machine"]
            .values()
            .all(|posts| *posts == 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_listed_shown_and_cancelled_and_its_finally_still_runs() {
    let emulator = world(true).await;
    let home =
        Home::new(&emulator, &emulator.base_url(), &json!({})).playbook("contain.yaml", PLAYBOOK);
    let served = home.serve();
    let alert = emulator.demo_alert();
    let answer = served.client().post("/v1/alerts", &alert).await.unwrap();
    let run = answer.body["runs"][0].as_str().unwrap().to_owned();
    support::until(
        "the isolation is pending",
        Duration::from_secs(20),
        async || {
            let shown = json_of(&quell(&served, &["runs", "show", &run, "--format", "json"]));
            shown["view"]["steps"][0]["note"].is_string()
        },
    )
    .await;
    let listed = json_of(&quell(
        &served,
        &["runs", "list", "--status", "running", "--format", "json"],
    ));
    assert_eq!(listed["items"][0]["id"], json!(run));
    let id = alert["id"].as_str().unwrap();
    let shown = json_of(&quell(&served, &["alerts", "show", id, "--format", "json"]));
    assert_eq!(shown["runs"], json!([run]));

    let cancelled = quell(&served, &["runs", "cancel", &run]);
    assert!(cancelled.status.success(), "{cancelled:?}");
    support::until("the run has ended", Duration::from_secs(20), async || {
        let shown = json_of(&quell(&served, &["runs", "show", &run, "--format", "json"]));
        shown["status"] == "cancelled"
    })
    .await;
    let shown = json_of(&quell(&served, &["runs", "show", &run, "--format", "json"]));
    let steps = shown["view"]["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert_eq!(
        (&last["label"], &last["status"]),
        (&json!("last"), &json!("succeeded"))
    );
    let again = quell(&served, &["runs", "cancel", &run]);
    assert_eq!(again.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreground_run_shows_its_timeline_and_a_dry_run_changes_nothing() {
    let emulator = world(false).await;
    let home = Home::new(
        &emulator,
        &emulator.base_url(),
        &json!({ "follow_first": "100ms" }),
    )
    .playbook("contain.yaml", PLAYBOOK);
    let alert = home.file("alert.json", &emulator.demo_alert().to_string());
    let run = |dry: bool| {
        let mut command = home.quell();
        command
            .arg("run")
            .arg(home.file("contain.yaml", PLAYBOOK))
            .arg("--alert")
            .arg(&alert);
        command.args(["--format", "json"]);
        if dry {
            command.arg("--dry-run");
        }
        command.output().unwrap()
    };
    let machine = emulator.demo_alert()["machineId"]
        .as_str()
        .unwrap()
        .to_owned();
    let dry = tokio::task::block_in_place(|| run(true));
    assert!(dry.status.success(), "{dry:?}");
    assert_eq!(emulator.counts().isolate_posts(&machine), 0);
    let wet = tokio::task::block_in_place(|| run(false));
    assert!(wet.status.success(), "{wet:?}");
    assert_eq!(emulator.counts().isolate_posts(&machine), 1);
    let last = String::from_utf8(wet.stdout).unwrap();
    let summary: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(summary["status"], "succeeded");
}
