//! The main job, as somebody who just cloned the repository sees it.

use std::process::Output;

use serde_json::Value;

use crate::support;

/// Runs `quell demo` with these arguments; its exit code and its JSON lines.
fn demo(args: &[&str]) -> (i32, Vec<Value>) {
    let output: Output = support::quell()
        .arg("demo")
        .arg("--json")
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code().unwrap(), lines)
}

fn summary(lines: &[Value]) -> &Value {
    lines.last().expect("the demo prints something")
}

#[test]
fn a_real_alert_contains_exactly_one_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (exit, lines) = demo(&["--data", data.to_str().unwrap()]);
    let summary = summary(&lines);
    assert_eq!(exit, 0, "{summary:#}");
    assert_eq!(summary["status"], "succeeded");
    assert_eq!(summary["verified"], true);
    assert_eq!(summary["isolated"].as_array().unwrap().len(), 1);

    // The database, the summary and the emulator's log agree.
    let run = summary["run"].as_str().unwrap();
    let shown = support::quell()
        .args(["runs", "show", run, "--format", "json", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["status"], "succeeded");
    assert_eq!(
        shown["view"]["finish"]["outputs"]["isolated"],
        summary["isolated"][0]
    );
    assert_eq!(
        shown["view"]["finish"]["outputs"]["action"],
        summary["action"]
    );
    let log = std::fs::read(data.join("emulator-log.json")).unwrap();
    let log: Vec<Value> = serde_json::from_slice(&log).unwrap();
    let isolations: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["operation"] == "defender.isolate-machine")
        .collect();
    assert_eq!(isolations.len(), 1, "{isolations:#?}");
    assert_eq!(isolations[0]["machine"], summary["isolated"][0]);
    assert!(isolations[0]["mark"].as_str().unwrap().contains(run));
}

#[test]
fn the_timeline_tells_the_match_each_step_and_the_token() {
    let (_, lines) = demo(&[]);
    let of = |event: &str| {
        lines
            .iter()
            .filter(|line| line["event"] == event)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("matched").len(), 1);
    let steps: Vec<&str> = of("run")
        .iter()
        .filter(|line| line["news"] == "step_started")
        .filter_map(|line| line["action"].as_str())
        .collect();
    for action in [
        "defender.get-machine",
        "defender.isolate-machine",
        "defender.run-hunting-query",
        "ps-decode.decode",
    ] {
        assert!(steps.contains(&action), "{action} is not among {steps:?}");
    }
    let waits = of("run")
        .into_iter()
        .filter(|line| line["news"] == "step_waits")
        .count();
    assert!(waits > 0, "the isolation is followed while it is pending");
    let used = of("token.used");
    assert!(
        used.iter()
            .any(|line| line["step"] == "isolate" && line["token"].is_string())
    );
    let schedule = of("run")
        .iter()
        .any(|line| line["playbook"] == "daily-hunt");
    assert!(schedule, "a schedule started a run as well");
}

#[test]
fn another_seed_is_another_device() {
    let device = |seed: &str| summary(&demo(&["--seed", seed]).1)["isolated"][0].clone();
    let (first, second) = (device("2"), device("3"));
    assert!(first.is_string() && second.is_string());
    assert_ne!(first, second);
}

#[test]
fn an_isolation_that_ends_badly_is_never_called_verified() {
    for fault in ["isolate-fails", "isolate-times-out"] {
        let (exit, lines) = demo(&["--fault", fault]);
        assert_eq!(exit, 1, "{fault}");
        assert_eq!(summary(&lines)["verified"], false, "{fault}");
        assert_eq!(
            summary(&lines)["isolated"],
            serde_json::json!([]),
            "{fault}"
        );
        assert_eq!(summary(&lines)["status"], "failed", "{fault}");
    }
}

#[test]
fn a_missing_permission_is_a_matter_of_credentials() {
    let (exit, lines) = demo(&["--role-missing", "Machine.Isolate"]);
    assert_eq!(exit, 77);
    assert_eq!(summary(&lines)["verified"], false);
}
