//! `quell why`, on alerts that an engine has and on files.

use std::process::Output;

use actions_emulator::Options;
use serde_json::{Value, json};

use crate::support::{self, Home};

const PLAYBOOK: &str = "
version: 1
name: serious
triggers:
  - id: bad
    alert:
      source: mde
      match:
        sigma: rules/device.yml
        detection:
          selection: {severity: [high, critical]}
          filter_lab: {title|contains: harmless}
          condition: selection and not filter_lab
  - id: morning
    schedule: {cron: 0 6 * * *}
steps:
  - {id: note, uses: note.add, with: {text: seen}}
";

const RULE: &str = "
title: A device
detection:
  selection: {machineId|exists: true}
  condition: selection
";

const OFF: &str = "
version: 1
name: off
enabled: false
triggers:
  - {id: any, alert: {source: mde, match: {severity: high}}}
steps:
  - {id: note, uses: note.add, with: {text: seen}}
";

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

async fn home() -> (Home, Value) {
    let emulator = support::emulator(Options::seeded(3)).await;
    let mut alert = emulator.demo_alert();
    alert["severity"] = json!("High");
    let home = Home::new(&emulator, &emulator.base_url(), &json!({}));
    std::fs::create_dir(home.file("x", "").parent().unwrap().join("playbooks/rules")).unwrap();
    let home = home
        .playbook("serious.yaml", PLAYBOOK)
        .playbook("rules/device.yml", RULE)
        .playbook("off.yaml", OFF);
    (home, alert)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_misses_by_one_field_is_told_which() {
    let (home, mut alert) = home().await;
    let why = |alert: &Value| {
        let file = home.file("alert.json", &alert.to_string());
        text(&home.quell().arg("why").arg(file).output().unwrap())
    };
    let shown = why(&alert);
    assert!(shown.contains("serious/bad      matches"), "{shown}");
    assert!(
        shown.contains("serious/morning  is started by schedule"),
        "{shown}"
    );
    assert!(
        shown.contains("off/any          did not fire: `enabled` is `false`, wanted `true`"),
        "{shown}"
    );
    alert["severity"] = json!("Low");
    let shown = why(&alert);
    let told = "did not fire: selection `selection`: `severity` is `low`, \
                wanted `high` or `critical`";
    assert!(shown.contains(told), "{shown}");
    alert["severity"] = json!("High");
    alert["title"] = json!("Harmless test");
    let shown = why(&alert);
    let told = "selection `filter_lab`: `title` is `Harmless test`, \
                wanted anything but text with `harmless`";
    assert!(shown.contains(told), "{shown}");
    alert["title"] = json!("x");
    alert.as_object_mut().unwrap().remove("machineId");
    let shown = why(&alert);
    let told = "selection `selection`: `machineId` is not there, wanted a value";
    assert!(shown.contains(told), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_alert_is_asked_of_the_engine_and_names_its_run() {
    let (home, mut alert) = home().await;
    let served = home.serve();
    let client = served.client();
    let answer = client.post("/v1/alerts/mde", &alert).await.unwrap();
    let run = answer.body["runs"][0].as_str().unwrap().to_owned();
    let first = alert["id"].as_str().unwrap().to_owned();
    alert["id"] = json!("other");
    alert["severity"] = json!("Informational");
    client.post("/v1/alerts/mde", &alert).await.unwrap();
    let why = |id: &str, more: &[&str]| {
        let mut command = home.quell();
        command.args(["why", id]).args(more);
        text(&command.output().unwrap())
    };
    let there = [
        "--url",
        &served.url,
        "--key",
        "env:TEST_KEY",
        "--format",
        "json",
    ];
    let document: Value = serde_json::from_str(&why(&first, &there)).unwrap();
    let fired = json!({
        "playbook": "serious", "trigger": "bad", "verdict": "fired", "run": run,
    });
    assert_eq!(document["triggers"][1], fired, "{document:#}");
    let document: Value = serde_json::from_str(&why("mde/other", &there)).unwrap();
    let missed = json!({
        "playbook": "serious", "trigger": "bad", "verdict": "missed", "selection": "selection",
        "field": "severity", "found": "`informational`", "wanted": "`high` or `critical`",
    });
    assert_eq!(document["triggers"][1], missed, "{document:#}");
    served.kill();
    let shown = why("other", &["--data", "data"]);
    assert!(shown.contains("`severity` is `informational`"), "{shown}");
}

const STORMY: &str = "
version: 1
name: once
triggers:
  - id: per_device
    alert:
      source: mde
      match: {device.id|exists: true}
      dedup: {key: '${{ alert.device.id }}', window: 4h}
  - id: chain
    alert:
      source: mde
      match:
        detection:
          first: {severity: high}
          second: {severity: low}
          condition: 1 of them
      accumulate: {group_by: [device.id], within: 1h, sequence: [first, second]}
steps:
  - {id: note, uses: note.add, with: {text: seen}}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_storm_control_did_with_an_alert_is_told_with_its_end() {
    let (home, mut alert) = home().await;
    let home = home.playbook("once.yaml", STORMY);
    let served = home.serve();
    let client = served.client();
    let first = alert["id"].as_str().unwrap().to_owned();
    let begun = client.post("/v1/alerts/mde", &alert).await.unwrap();
    alert["id"] = json!("again");
    client.post("/v1/alerts/mde", &alert).await.unwrap();
    let why = |id: &str| {
        let mut command = home.quell();
        command.args(["why", id, "--url", &served.url, "--key", "env:TEST_KEY"]);
        text(&command.output().unwrap())
    };
    let shown = why("again");
    let held =
        format!("held back by dedup: mde/{first} came first with the same key; held back until ");
    assert!(shown.contains(&held), "{shown}");
    let counted =
        "held back by accumulate: 2 of 1 alerts, the sequence waits for `second` within 1h";
    assert!(shown.contains(counted), "{shown}");
    let shown = why(&first);
    let runs: Vec<&str> = begun.body["runs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let fired = runs
        .iter()
        .any(|run| shown.contains(&format!("once/per_device  fired: {run}")));
    assert!(fired, "{runs:?}\n{shown}");
}
