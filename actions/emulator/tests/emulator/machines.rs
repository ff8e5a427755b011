//! Devices and the actions on them.

use crate::door::Door;
use actions_emulator::{Ending, Tenant};
use engine_model::Millis;
use serde_json::json;

#[tokio::test]
async fn an_isolation_takes_its_time() {
    let door = Door::new();
    let machine = door.victim();
    let begun = door.isolate(&machine).await;
    assert_eq!(begun.status, Some(201));
    assert_eq!(begun.text("/type"), "Isolate");
    assert_eq!(begun.text("/scope"), "Full");
    assert_eq!(begun.text("/requestorComment"), "why [quell:mark-1]");
    assert_eq!(begun.text("/machineId"), machine);
    assert_eq!(
        begun.text("/creationDateTimeUtc"),
        "2026-01-01T00:00:00.0000000Z"
    );
    let path = format!("/api/machineactions/{}", begun.text("/id"));
    for (status, updated, isolated) in [
        ("Pending", "2026-01-01T00:00:00.0000000Z", false),
        ("InProgress", "2026-01-01T00:00:01.0000000Z", false),
        ("InProgress", "2026-01-01T00:00:01.0000000Z", false),
        ("Succeeded", "2026-01-01T00:00:03.0000000Z", true),
    ] {
        let now = door.get(&path).await;
        assert_eq!(
            (now.text("/status"), now.text("/lastUpdateDateTimeUtc")),
            (status, updated)
        );
        assert_eq!(
            door.emulator.state().machine(&machine).unwrap().isolated,
            isolated
        );
        door.clock.advance(1000);
    }
}

#[tokio::test]
async fn an_action_ends_as_ordered() {
    for (ending, status) in [
        (Ending::Succeeds, "Succeeded"),
        (Ending::Fails, "Failed"),
        (Ending::TimesOut, "TimeOut"),
    ] {
        let door = Door::with(|options| options.isolation = ending);
        let machine = door.victim();
        let begun = door.isolate(&machine).await;
        door.clock.advance(3000);
        let path = format!("/api/machineactions/{}", begun.text("/id"));
        assert_eq!(door.get(&path).await.text("/status"), status);
        let state = door.emulator.state();
        assert_eq!(
            state.machine(&machine).unwrap().isolated,
            ending == Ending::Succeeds
        );
    }
}

#[tokio::test]
async fn a_second_isolation_is_refused_while_the_first_is_open() {
    let door = Door::new();
    let machine = door.victim();
    assert_eq!(door.isolate(&machine).await.status, Some(201));
    let refused = door.isolate(&machine).await;
    assert_eq!(refused.code(), (400, "ActiveRequestAlreadyExists"));
    assert_eq!(
        refused.text("/error/message"),
        "Action is already in progress"
    );
    // Another kind of action is not in the way.
    let path = format!("/api/machines/{machine}/unisolate");
    assert_eq!(
        door.post(&path, json!({ "Comment": "undo" })).await.status,
        Some(201)
    );
    // An isolated device may be isolated again.
    door.clock.advance(3000);
    assert_eq!(door.isolate(&machine).await.status, Some(201));
    assert_eq!(door.emulator.counts().isolate_posts(&machine), 3);
}

#[tokio::test]
async fn a_release_ends_the_isolation() {
    let door = Door::new();
    let machine = door.victim();
    door.isolate(&machine).await;
    door.clock.advance(3000);
    door.post(
        &format!("/api/machines/{machine}/unisolate"),
        json!({ "Comment": "undo" }),
    )
    .await;
    assert!(door.emulator.state().machine(&machine).unwrap().isolated);
    door.clock.advance(3000);
    assert!(!door.emulator.state().machine(&machine).unwrap().isolated);
}

#[tokio::test]
async fn a_body_is_checked_as_the_service_checks_it() {
    let door = Door::new();
    let path = format!("/api/machines/{}/isolate", door.victim());
    for (body, code) in [
        (
            json!({ "comment": "x", "IsolationType": "Full" }),
            "InvalidRequestBody",
        ),
        (
            json!({ "IsolationType": "Full" }),
            "MissingRequiredParameter",
        ),
        (
            json!({ "Comment": " ", "IsolationType": "Full" }),
            "MissingRequiredParameter",
        ),
        (json!({ "Comment": "x" }), "MissingRequiredParameter"),
        (
            json!({ "Comment": "x", "IsolationType": "full" }),
            "InvalidInput",
        ),
        (
            json!({ "Comment": 7, "IsolationType": "Full" }),
            "InvalidRequestBody",
        ),
        (
            json!({ "Comment": "x", "IsolationType": "Full", "ExternalId": "y" }),
            "InvalidRequestBody",
        ),
        (json!(["x"]), "InvalidRequestBody"),
    ] {
        let refused = door.post(&path, body.clone()).await;
        assert_eq!(refused.code(), (400, code), "{body}");
        assert_eq!(refused.text("/error/target").len(), 36);
    }
    assert_eq!(
        door.send("POST", &path, None).await.code(),
        (400, "InvalidRequestBody")
    );
    assert!(door.get("/api/machineactions").await.ids().is_empty());
}

#[tokio::test]
async fn an_unknown_machine_is_not_found() {
    let door = Door::new();
    let refused = door.isolate("123123123").await;
    assert_eq!(refused.code(), (404, "ResourceNotFound"));
    assert_eq!(
        refused.text("/error/message"),
        "Machine 123123123 was not found"
    );
    assert_eq!(door.emulator.counts().isolate_posts("123123123"), 1);
}

#[tokio::test]
async fn a_new_action_shows_up_late_where_that_is_ordered() {
    let door = Door::with(|options| options.visibility_delay = Millis::from_ms(500));
    let machine = door.victim();
    let begun = door.isolate(&machine).await;
    let id = begun.text("/id");
    let filter = format!("machineId eq '{machine}' and type eq 'Isolate'");
    let by_id = format!("/api/machineactions/{id}");
    assert_eq!(door.get(&by_id).await.code(), (404, "ResourceNotFound"));
    assert!(
        door.filtered("/api/machineactions", &filter)
            .await
            .ids()
            .is_empty()
    );
    // The service itself knows it already.
    assert_eq!(door.isolate(&machine).await.status, Some(400));
    door.clock.advance(500);
    assert_eq!(door.get(&by_id).await.status, Some(200));
    assert_eq!(
        door.filtered("/api/machineactions", &filter).await.ids(),
        [id]
    );
}

#[tokio::test]
async fn machine_actions_are_found_by_the_documented_fields() {
    let door = Door::new();
    let machine = door.victim();
    let first = door.isolate(&machine).await;
    door.clock.advance(60_000);
    let second = door.isolate(&machine).await;
    let path = format!("/api/machines/{machine}/unisolate");
    let third = door.post(&path, json!({ "Comment": "undo" })).await;
    let (first, second, third) = (first.text("/id"), second.text("/id"), third.text("/id"));
    let client = &door.emulator.options().tenants[0].client_id;
    for (filter, want) in [
        (
            format!("machineId eq '{machine}'"),
            vec![third, second, first],
        ),
        (format!("id eq '{first}'"), vec![first]),
        ("status eq 'Pending'".to_owned(), vec![third, second]),
        ("type eq 'Unisolate'".to_owned(), vec![third]),
        (
            format!("requestor eq '{client}' and status eq 'Succeeded'"),
            vec![first],
        ),
        (
            format!(
                "machineId eq '{machine}' and type eq 'Isolate' and creationDateTimeUtc ge \
                 2026-01-01T00:00:30Z"
            ),
            vec![second],
        ),
        ("machineId eq 'nobody'".to_owned(), vec![]),
    ] {
        assert_eq!(
            door.filtered("/api/machineactions", &filter).await.ids(),
            want,
            "{filter}"
        );
    }
    assert_eq!(
        door.get("/api/machineactions?$top=1&$skip=1").await.ids(),
        [second]
    );
    for query in ["?$top=10001", "?$orderby=id", "?$filter=secret%20eq%20'x'"] {
        let refused = door.get(&format!("/api/machineactions{query}")).await;
        assert_eq!(refused.code(), (400, "ODataError"), "{query}");
    }
}

#[tokio::test]
async fn machines_are_found_by_id_name_field_and_address() {
    let door = Door::new();
    let machine = door.get(&format!("/api/machines/{}", door.victim())).await;
    let (id, name) = (machine.text("/id"), machine.text("/computerDnsName"));
    assert_eq!(
        door.get(&format!("/api/machines/{}", name.to_uppercase()))
            .await
            .text("/id"),
        id
    );
    let ip = machine.text("/lastIpAddress");
    let by_ip = format!("/api/machines/findbyip(ip='{ip}',timestamp=2026-01-01T00:00:00Z)");
    assert_eq!(door.get(&by_ip).await.ids(), [id]);
    let long_ago = format!("/api/machines/findbyip(ip='{ip}',timestamp=2025-11-01T00:00:00Z)");
    assert_eq!(door.get(&long_ago).await.code(), (400, "InvalidInput"));
    let no_ip = "/api/machines/findbyip(ip='10.0.0',timestamp=2026-01-01T00:00:00Z)";
    assert_eq!(door.get(no_ip).await.code(), (400, "InvalidIpAddress"));
    for (filter, count) in [
        (format!("computerDnsName eq '{name}'"), 1),
        (format!("startswith(computerDnsName,'{}')", &name[..9]), 1),
        ("rbacGroupId eq 142".to_owned(), 1),
        ("machineTags/any(t: t eq 'workstation')".to_owned(), 8),
        (
            "lastSeen ge 2020-01-01T00:00:00Z and healthStatus eq 'Active'".to_owned(),
            12,
        ),
        ("computerDnsName eq 'x'' or id ne '''".to_owned(), 0),
    ] {
        let got = door.filtered("/api/machines", &filter).await;
        assert_eq!(got.ids().len(), count, "{filter}: {}", got.body);
    }
    assert_eq!(door.get("/api/machines?$top=5").await.ids().len(), 5);
    assert_eq!(door.get("/api/machines?$skip=10").await.ids().len(), 2);
}

#[tokio::test]
async fn the_world_follows_from_its_seed() {
    let door = |seed| {
        Door::with(|options| {
            options.seed = seed;
            options.tenants = vec![Tenant::seeded(seed, 0)];
        })
    };
    let (one, again, other) = (door(1), door(1), door(2));
    assert_eq!(one.emulator.demo_alert(), again.emulator.demo_alert());
    assert_eq!(one.emulator.state(), again.emulator.state());
    assert_ne!(one.victim(), other.victim());
    let (first, second) = (
        one.isolate(&one.victim()).await,
        again.isolate(&again.victim()).await,
    );
    assert_eq!(first.body, second.body);
}
