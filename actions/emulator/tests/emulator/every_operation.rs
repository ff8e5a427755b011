//! Every action of the catalog that has an API, performed by its example.

use actions_catalog::{Options, catalog, infos};
use actions_contract::{ActionError, ActionInfo, ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::door::Door;
use crate::operations::{call, done, follow, perform};

/// Runs an action to its end and gives its output.
async fn run(door: &Door, action: &str, args: Value) -> Value {
    done(follow(door, call(door, action, args)).await)
}

/// A machine action that the example of an action can be about.
async fn machine_action(door: &Door, action: &str) -> Value {
    let machine_id = door.victim();
    let comment = "why";
    let output = if action.contains("package") {
        let args = json!({ "machine_id": machine_id, "comment": comment });
        run(door, "defender.collect-investigation-package", args).await
    } else if action.contains("cancel") {
        let args = json!({ "machine_id": machine_id, "comment": comment, "scan_type": "Quick" });
        let outcome = perform(door, &call(door, "defender.run-antivirus-scan", args)).await;
        let Outcome::Pending { state, .. } = outcome else {
            panic!("{outcome:?}")
        };
        return state["action_id"].clone();
    } else {
        let commands = json!([
            { "type": "RunScript", "params": [{ "key": "ScriptName", "value": "script1.ps1" }] },
            { "type": "GetFile", "params": [{ "key": "Path", "value": "C:\\temp\\x.txt" }] },
        ]);
        let args = json!({ "machine_id": machine_id, "comment": comment, "commands": commands });
        run(door, "defender.run-live-response", args).await
    };
    output["id"].clone()
}

/// The example with the ids of this world in the place of the documented ones.
async fn args(door: &Door, info: &ActionInfo) -> Value {
    let mut args = info.example.clone();
    let alert = door.emulator.demo_alert()["id"].clone();
    let names: Vec<String> = args.as_object().unwrap().keys().cloned().collect();
    for name in names {
        let value = match name.as_str() {
            "machine_id" => json!(door.victim()),
            "machine_ids" => json!([door.victim()]),
            "alert_id" if info.id.as_str().starts_with("defender.") => alert.clone(),
            "alert_ids" if info.id.as_str().starts_with("defender.") => json!([alert]),
            "timestamp" => json!("2026-01-01T00:00:00Z"),
            "ip" => {
                let machine_id = json!({ "machine_id": door.victim() });
                run(door, "defender.get-machine", machine_id).await["last_ip_address"].clone()
            }
            "machine_action_id" => machine_action(door, info.id.as_str()).await,
            "link" => json!(format!(
                "{}/emulator/packages/a.zip",
                door.emulator.base_url()
            )),
            _ => continue,
        };
        args[name] = value;
    }
    args
}

#[tokio::test]
async fn every_example_is_served_or_names_what_this_world_does_not_have() {
    let of_an_api = |info: &ActionInfo| info.api.is_some();
    // Ids of people, mail, incidents and the like stand in examples as the vendor wrote them; a
    // clear "not found" shows that the request was understood. The tests of `graph` use real ones.
    let unknown_id = |info: &ActionInfo, outcome: &Outcome| {
        let id = info.id.as_str();
        let elsewhere = id.starts_with("graph.") || id.contains("incident");
        let elsewhere = elsewhere || id == "defender.find-device";
        let not_found = |error: &ActionError| error.kind == ErrorKind::NotFound;
        elsewhere && matches!(outcome, Outcome::Failed { error } if not_found(error))
    };
    let mut failed = Vec::new();
    for info in infos(Options::default()).into_iter().filter(of_an_api) {
        let door = Door::new();
        let args = args(&door, &info).await;
        let outcome = follow(&door, call(&door, info.id.as_str(), args)).await;
        if !matches!(outcome, Outcome::Done { .. }) && !unknown_id(&info, &outcome) {
            failed.push(format!("{}: {outcome:?}", info.id));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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
}

#[tokio::test]
async fn a_script_is_run_and_what_it_said_is_read() {
    let door = Door::new();
    let session = machine_action(&door, "defender.run-live-response").await;
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
    let (pages, grown_kib) = page_through(100_000).await;
    println!("100,000 alerts in {pages} pages; memory grew by {grown_kib} KiB after the third");
    assert!(grown_kib < 32 * 1024, "{grown_kib} KiB");
}
