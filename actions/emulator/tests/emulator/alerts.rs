//! Alerts.

use crate::door::Door;
use serde_json::{Value, json};

#[tokio::test]
async fn the_demo_alert_is_one_the_vendor_could_send() {
    let door = Door::new();
    let alert = door.emulator.demo_alert();
    let size = alert.to_string().len();
    assert!((4000..6000).contains(&size), "{size} bytes");
    let kinds: Vec<&str> = alert["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["entityType"].as_str())
        .collect();
    assert_eq!(kinds, ["User", "Process", "Process", "File", "Ip"]);
    assert_eq!(alert["severity"], "High");
    assert_eq!(alert["category"], "Malware");
    let machine = door.get(&format!("/api/machines/{}", door.victim())).await;
    assert_eq!(machine.body["rbacGroupName"], "Workstations");
    assert_eq!(alert["computerDnsName"], machine.body["computerDnsName"]);
    let listed = door
        .filtered("/api/alerts", "severity eq 'High' and status eq 'New'")
        .await;
    assert_eq!(listed.ids(), [alert["id"].as_str().unwrap()]);
    let read = door.get(&format!("/api/alerts/{}", listed.ids()[0])).await;
    assert_eq!(read.body["evidence"], alert["evidence"]);
}

#[tokio::test]
async fn evidence_is_listed_only_on_request() {
    let door = Door::new();
    let plain = door.get("/api/alerts").await;
    assert_eq!(plain.body.pointer("/value/0/evidence"), Some(&json!([])));
    let expanded = door.get("/api/alerts?$expand=evidence").await;
    assert_eq!(
        expanded.body.pointer("/value/0/evidence/0/entityType"),
        Some(&json!("User"))
    );
    assert_eq!(
        door.get("/api/alerts?$expand=secrets").await.code(),
        (400, "ODataError")
    );
}

#[tokio::test]
async fn an_update_is_checked_stored_and_seen_by_polls() {
    let door = Door::new();
    let id = door.emulator.demo_alert()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/alerts/{id}");
    door.clock.advance(5000);
    for (body, code) in [
        (json!({ "Status": "Resolved" }), "InvalidRequestBody"),
        (json!({ "status": "Done" }), "InvalidInput"),
        (json!({ "classification": "Positive" }), "InvalidInput"),
        (json!({ "comment": 1 }), "InvalidRequestBody"),
    ] {
        assert_eq!(
            door.send("PATCH", &path, Some(body.clone())).await.code(),
            (400, code),
            "{body}"
        );
    }
    let since = "lastUpdateTime ge 2026-01-01T00:00:01Z";
    assert!(door.filtered("/api/alerts", since).await.ids().is_empty());
    let change = json!({
        "status": "Resolved",
        "classification": "TruePositive",
        "determination": "Malware",
        "assignedTo": "mona@corp.example",
        "comment": "isolated",
    });
    let changed = door.send("PATCH", &path, Some(change)).await;
    assert_eq!(changed.status, Some(200));
    assert_eq!(changed.text("/status"), "Resolved");
    assert_eq!(
        changed.text("/resolvedTime"),
        "2026-01-01T00:00:05.0000000Z"
    );
    assert_eq!(changed.text("/comments/0/comment"), "isolated");
    let polled = door.filtered("/api/alerts", since).await;
    assert_eq!(polled.ids(), [id.as_str()]);
    assert_eq!(polled.text("/value/0/assignedTo"), "mona@corp.example");
    let nobody = door
        .send("PATCH", "/api/alerts/x", Some(json!({ "status": "New" })))
        .await;
    assert_eq!(nobody.code(), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn alerts_can_be_added_to_the_world() {
    let door = Door::new();
    let alert = json!({ "id": "a1", "machineId": door.victim(), "severity": "Low" });
    let added = door.post("/emulator/alerts", alert).await;
    assert_eq!(added.status, Some(201));
    let read = door.get("/api/alerts/a1").await;
    assert_eq!(read.text("/status"), "New");
    assert_eq!(
        read.text("/alertCreationTime"),
        "2026-01-01T00:00:00.0000000Z"
    );
    for wrong in [json!("a1"), json!({ "severity": "Low" })] {
        assert_eq!(
            door.post("/emulator/alerts", wrong).await.code(),
            (400, "BadRequest")
        );
    }
    let elsewhere = door
        .post("/emulator/alerts?tenant=x", json!({ "id": "a2" }))
        .await;
    assert_eq!(elsewhere.code(), (400, "BadRequest"));
    assert_eq!(
        door.get("/emulator/alerts/demo").await.body,
        door.emulator.demo_alert()
    );
    assert_ne!(door.emulator.demo_alert(), Value::Null);
}
