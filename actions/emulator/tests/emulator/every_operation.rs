//! Every action of the catalog that has an API, performed by its example.

use actions_catalog::{Options, catalog, infos};
use actions_contract::{ActionInfo, Mode, Outcome};
use serde_json::{Value, json};

use crate::door::Door;
use crate::operations::{call, done, follow, perform};

/// Runs an action to its end and gives its output.
async fn run(door: &Door, action: &str, args: Value) -> Value {
    done(follow(door, call(door, action, args)).await)
}

/// A session of live response that has run a script and fetched a file.
async fn session(door: &Door) -> Value {
    let commands = json!([
        { "type": "RunScript", "params": [{ "key": "ScriptName", "value": "script1.ps1" }] },
        { "type": "GetFile", "params": [{ "key": "Path", "value": "C:\\temp\\x.txt" }] },
    ]);
    let args = json!({ "machine_id": door.victim(), "comment": "why", "commands": commands });
    run(door, "defender.run-live-response", args).await["id"].clone()
}

/// Every example of an action that has an API, as it stands.
fn examples() -> Vec<ActionInfo> {
    let infos = infos(Options::default());
    infos
        .into_iter()
        .filter(|info| info.api.is_some())
        .collect()
}

/// What an example comes to where it is not done, and its output where that is not as documented.
async fn wrong(door: &Door, info: &ActionInfo) -> Option<String> {
    match follow(door, call(door, info.id.as_str(), info.example.clone())).await {
        Outcome::Done { output } => {
            let schema = jsonschema::validator_for(&info.output).unwrap();
            let error = schema.iter_errors(&output).next()?;
            Some(format!("{}: {error} in {output}", info.id))
        }
        other => Some(format!("{}: {other:?}", info.id)),
    }
}

#[tokio::test]
async fn every_example_is_served_as_it_stands_and_its_answer_is_as_documented() {
    let door = Door::new();
    let mut all = Vec::new();
    for info in examples() {
        door.emulator.reset();
        all.extend(wrong(&door, &info).await);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[tokio::test]
async fn the_examples_can_be_tried_one_after_another_in_one_world() {
    let door = Door::new();
    let mut all = Vec::new();
    for info in examples() {
        all.extend(wrong(&door, &info).await);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[tokio::test]
async fn what_only_examples_name_is_in_no_list() {
    let door = Door::new();
    for (list, id) in [
        (
            "defender.list-machines",
            "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
        ),
        (
            "defender.list-machine-actions",
            "988cc94e-7a8f-4b28-ab65-54970c5d5018",
        ),
        ("defender.list-alerts", "da637472900382838869_1364969609"),
        ("graph.list-security-incidents", "2972395"),
        (
            "graph.list-risky-users",
            "d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1",
        ),
    ] {
        let listed = run(&door, list, json!({})).await;
        let entries = listed["value"].as_array().unwrap();
        assert!(entries.iter().all(|entry| entry["id"] != id), "{list}");
    }
}

/// Operations that only answer their example are those of tier B: posture, exports, scans.
#[test]
fn what_only_echoes_is_about_posture_exports_and_scans() {
    const ECHOED: [&str; 17] = [
        "add-scan",
        "baseline",
        "browser-extension",
        "device-antivirus-health",
        "device-secure-score",
        "exposure-score",
        "export-",
        "missing-kbs",
        "recommendation",
        "remediation-activit",
        "scan-agent",
        "scan-definition",
        "scan-history",
        "software",
        "vulnerabilit",
        "update-scan",
        "batch-delete-scan",
    ];
    let coverage = Door::new().emulator.coverage();
    assert_eq!(coverage.unserved, Vec::<&str>::new());
    for id in coverage.echoed {
        assert!(
            ECHOED.iter().any(|word| id.contains(word)),
            "{id} is only echoed"
        );
    }
}

/// What is played and not only echoed.
#[test]
fn what_contains_releases_or_destroys_on_a_device_is_played() {
    let coverage = Door::new().emulator.coverage();
    for action in catalog(Options::default()) {
        let info = action.info();
        let is_on_device = info.target.as_ref().is_some_and(|t| t.entity == "device");
        let id = info.id.as_str();
        if is_on_device && info.settles {
            assert!(coverage.served.contains(&id), "{id}");
        }
    }
}

#[tokio::test]
async fn an_indicator_is_found_until_it_expires_and_taken_back_by_its_value() {
    let door = Door::new();
    let submit = |value: &str, expires: &str| {
        json!({
            "indicator_value": value, "indicator_type": "IpAddress", "action": "Block",
            "title": "t", "description": "d", "expiration_time": expires,
        })
    };
    let list = json!({ "filter": "indicatorType eq 'IpAddress' and title eq 't'" });
    for (value, expires) in [
        ("198.51.100.1", "2026-01-01T00:01:00Z"),
        ("198.51.100.2", "2030-01-01T00:00:00Z"),
        ("198.51.100.2", "2031-01-01T00:00:00Z"),
    ] {
        run(&door, "defender.submit-indicator", submit(value, expires)).await;
    }
    let found = run(&door, "defender.list-indicators", list.clone()).await;
    assert_eq!(found["value"].as_array().unwrap().len(), 2);
    assert_eq!(found["value"][1]["expiration_time"], "2031-01-01T00:00:00Z");
    door.clock.advance(120_000);
    let found = run(&door, "defender.list-indicators", list.clone()).await;
    assert_eq!(found["value"][0]["indicator_value"], "198.51.100.2");
    let value = json!({ "indicator_value": "198.51.100.2" });
    let removed = run(&door, "defender.remove-indicator", value.clone()).await;
    assert_eq!(removed["deleted"], 1);
    let found = run(&door, "defender.list-indicators", list).await;
    assert_eq!(found["value"], json!([]));
    let removed = run(&door, "defender.remove-indicator", value).await;
    assert_eq!(removed["deleted"], 0);
}

#[tokio::test]
async fn an_import_is_sent_in_batches_and_tells_what_became_of_each() {
    let door = Door::new();
    let indicators: Vec<Value> = (0..1203_u32)
        .map(|at| {
            let value = match at {
                700 => "no address".to_owned(),
                at => format!("198.{}.{}.1", at / 250, at % 250),
            };
            json!({
                "indicator_value": value, "indicator_type": "IpAddress", "action": "Block",
                "title": "t", "description": "d",
            })
        })
        .collect();
    let args = json!({ "indicators": indicators });
    let output = run(&door, "defender.import-indicators", args).await;
    assert_eq!(output["sent"], 1203);
    assert_eq!(output["failed"], 1);
    let results = output["value"].as_array().unwrap();
    assert_eq!(results.len(), 1203);
    assert_eq!(results[700]["is_failed"], true);
    assert_eq!(results[700]["failure_reason"], "no address is no IpAddress");
    let log = door.emulator.log(&actions_emulator::LogFilter::default());
    let sent = log.iter().filter(|entry| entry.path.ends_with("/import"));
    assert_eq!(sent.count(), 3);
    let values: Vec<&Value> = results.iter().map(|result| &result["indicator"]).collect();
    let args = json!({ "indicator_values": values });
    let removed = run(&door, "defender.remove-indicators", args).await;
    assert_eq!(
        (&removed["asked"], &removed["deleted"]),
        (&json!(1203), &json!(1202))
    );
    let left = json!({ "filter": "title eq 't'" });
    let left = run(&door, "defender.list-indicators", left).await;
    assert_eq!(left["value"], json!([]));
}

#[tokio::test]
async fn an_import_whose_answer_was_lost_is_found_and_a_large_one_is_sent_again() {
    let door = Door::new();
    let indicators = |count: u32| -> Vec<Value> {
        let one = |at: u32| {
            json!({
                "indicator_value": format!("198.51.{count}.{at}"), "indicator_type": "IpAddress",
                "action": "Block", "title": "t", "description": "d",
            })
        };
        (1..=count).map(one).collect()
    };
    let mut call = call(&door, "defender.import-indicators", json!({}));
    call.mode = Mode::Reconcile;
    for (count, found) in [(3, true), (30, false)] {
        call.args = json!({ "indicators": indicators(count) });
        assert_eq!(perform(&door, &call).await, Outcome::Nothing);
        run(&door, "defender.import-indicators", call.args.clone()).await;
        match perform(&door, &call).await {
            Outcome::Done { output } if found => assert_eq!(output["sent"], 3),
            Outcome::Nothing if !found => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_list_with_max_items_is_whole_or_fails() {
    let door = Door::new();
    let all = run(&door, "defender.list-machines", json!({})).await;
    let all = all["value"].as_array().unwrap().len();
    for (max, whole) in [(all, true), (all + 1, true), (all - 1, false)] {
        let args = json!({ "max_items": max });
        match follow(&door, call(&door, "defender.list-machines", args)).await {
            Outcome::Done { output } if whole => {
                assert_eq!(output["value"].as_array().unwrap().len(), all);
                assert_eq!(output["truncated"], false);
            }
            Outcome::Failed { error } if !whole => assert_eq!(error.code, "AC0112"),
            other => panic!("{max}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_script_is_run_and_what_it_said_is_read() {
    let door = Door::new();
    let session = session(&door).await;
    let args = json!({ "machine_action_id": session, "command_index": 0 });
    let said = run(&door, "defender.get-live-response-output", args).await;
    assert_eq!(said["script_name"], "script1.ps1");
    assert_eq!(said["exit_code"], 0);
    let args = json!({ "machine_action_id": session, "command_index": 1 });
    let file = run(&door, "defender.download-live-response-result", args).await;
    assert_eq!(file["size_bytes"], "C:\\temp\\x.txt".len());
}

#[tokio::test]
async fn requests_that_are_not_as_documented_are_refused() {
    let door = Door::new();
    let machine = door.victim();
    let paths = [
        (
            "/api/indicators",
            json!({ "indicatorvalue": "1.2.3.4" }),
            "InvalidRequestBody",
        ),
        (
            "/api/indicators",
            json!({ "title": "t" }),
            "MissingRequiredParameter",
        ),
        (
            "/api/indicators",
            json!({
                "indicatorValue": "1.2.3.4", "indicatorType": "ip", "action": "Block",
                "title": "t", "description": "d",
            }),
            "InvalidInput",
        ),
        (
            "/api/indicators/import",
            json!({ "indicators": [] }),
            "InvalidRequestBody",
        ),
        (
            "/api/alerts/batchUpdate",
            json!({ "status": "New" }),
            "MissingRequiredParameter",
        ),
    ];
    for (path, body, code) in paths {
        assert_eq!(door.post(path, body).await.code(), (400, code), "{path}");
    }
    let path = format!("/api/machines/{machine}/runliveresponse");
    let backwards = json!({ "Comment": "c", "Commands": [
        { "type": "GetFile", "params": [{ "key": "Path", "value": "x" }] },
        { "type": "RunScript", "params": [{ "key": "ScriptName", "value": "script1.ps1" }] },
    ] });
    assert_eq!(
        door.post(&path, backwards).await.code(),
        (400, "InvalidRequestBody")
    );
    let session = json!({ "Comment": "c", "Commands": [
        { "type": "GetFile", "params": [{ "key": "Path", "value": "x" }] },
    ] });
    assert_eq!(door.post(&path, session.clone()).await.status, Some(201));
    let second = door.post(&path, session).await;
    assert_eq!(second.code(), (400, "ActiveRequestAlreadyExists"));
}

/// Pages `count` alerts through the action, a thousand at a time.
async fn page_through(count: usize) -> (usize, usize) {
    let door = Door::new();
    let tenant = door.emulator.options().tenants[0].id.clone();
    for at in 0..count {
        let alert = json!({ "id": format!("a{at}"), "category": "Paged" });
        door.emulator.add_alert(&tenant, alert).unwrap();
    }
    let mut seen = vec![false; count];
    let mut args = json!({ "filter": "category eq 'Paged'", "limit": 1000 });
    let (mut pages, mut grown_kib, mut first_kib) = (0_usize, 0, 0);
    loop {
        let output = run(&door, "defender.list-alerts", args.clone()).await;
        for alert in output["value"].as_array().unwrap() {
            let at: usize = alert["id"].as_str().unwrap()[1..].parse().unwrap();
            assert!(!std::mem::replace(&mut seen[at], true), "a{at} came twice");
        }
        pages += 1;
        let kib = resident_kib();
        match pages {
            1..=3 => first_kib = kib,
            _ => grown_kib = grown_kib.max(kib.saturating_sub(first_kib)),
        }
        match output["next"].as_str() {
            Some(next) => args["continue_from"] = json!(next),
            None => break,
        }
    }
    assert!(seen.iter().all(|seen| *seen), "an alert was lost");
    (pages, grown_kib)
}

/// How much memory this program holds.
#[expect(
    clippy::disallowed_methods,
    reason = "the test looks at what the machine has"
)]
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn alerts_are_paged_without_losing_one_or_reading_one_twice() {
    let (pages, _) = page_through(2500).await;
    assert_eq!(pages, 3);
}

#[tokio::test]
#[ignore = "long: 100,000 alerts, page by page"]
async fn campaign_alerts_by_the_hundred_thousand_are_paged_in_flat_memory() {
    let _alone = crate::ALONE.lock().await;
    let (pages, grown_kib) = page_through(100_000).await;
    println!("100,000 alerts in {pages} pages; memory grew by {grown_kib} KiB after the third");
    assert!(grown_kib < 32 * 1024, "{grown_kib} KiB");
}
