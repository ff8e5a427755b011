//! Microsoft Graph, and incidents of Defender XDR.

use actions_contract::{Api, ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::door::Door;
use crate::operations::{call, done, failed, follow, perform};

/// The outcome of `action`, followed to its end.
async fn of(door: &Door, action: &str, args: Value) -> Outcome {
    follow(door, call(door, action, args)).await
}

async fn output(door: &Door, action: &str, args: Value) -> Value {
    let output = done(of(door, action, args).await);
    let text = output.to_string();
    // What the emulator sends is what the entity documents: nothing is left over.
    assert!(!text.contains("\"extra\""), "{action}: {text}");
    output
}

fn graph(door: &Door) -> Door {
    door.token_for(0, Api::Graph)
}

/// The user whose device the demo alert is on.
async fn victim(door: &Door) -> String {
    let alert = door.emulator.demo_alert()["id"].clone();
    let alert = output(
        door,
        "graph.get-security-alert",
        json!({ "alert_id": alert }),
    )
    .await;
    let account = &alert["evidence"][1]["user_account"];
    account["azure_ad_user_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_demo_alert_is_the_same_in_graph_and_its_evidence_leads_to_device_and_user() {
    let door = Door::new();
    let demo = door.emulator.demo_alert();
    let alert = json!({ "alert_id": demo["id"] });
    let alert = output(&door, "graph.get-security-alert", alert).await;
    assert_eq!(alert["title"], demo["title"]);
    assert_eq!(alert["severity"], "high");
    assert_eq!(alert["incident_id"], demo["incidentId"].to_string());
    assert_eq!(alert["evidence"][0]["mde_device_id"], door.victim());
    let user = json!({ "user_id": victim(&door).await });
    let user = output(&door, "graph.get-user", user).await;
    assert!(user["user_principal_name"].as_str().unwrap().contains('@'));
    let shown = json!({ "user_id": user["user_principal_name"], "select": ["accountEnabled"] });
    let shown = output(&door, "graph.get-user", shown).await;
    assert_eq!(
        (&shown["account_enabled"], &shown["mail"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn alerts_are_filtered_counted_and_linked_page_by_page() {
    let door = Door::new();
    let list = |filter: &str| json!({ "filter": filter });
    let high = output(
        &door,
        "graph.list-security-alerts",
        list("severity eq 'high'"),
    )
    .await;
    assert_eq!(high["value"].as_array().unwrap().len(), 1);
    let none = output(
        &door,
        "graph.list-security-alerts",
        list("severity eq 'low' and status eq 'new'"),
    )
    .await;
    assert_eq!(none["value"], json!([]));
    let path = "/v1.0/security/alerts_v2?$top=1&$count=true&$filter=status%20ne%20%27x%27";
    let first = graph(&door).get(path).await;
    assert_eq!(first.body["@odata.count"], 2);
    let link = first.text("/@odata.nextLink").to_owned();
    assert!(
        link.contains("/v1.0/security/alerts_v2?") && link.contains("$skip=1"),
        "{link}"
    );
    let (_, path) = link.split_once("127.0.0.1").unwrap();
    let second = graph(&door).get(path).await;
    assert_ne!(second.ids(), first.ids());
    assert_eq!(second.body.get("@odata.nextLink"), None);
    let wrong = "/v1.0/security/alerts_v2?$filter=title%20eq%20%27x%27";
    assert_eq!(graph(&door).get(wrong).await.code(), (400, "ODataError"));
    assert_eq!(
        graph(&door)
            .get("/v1.0/security/alerts_v2?$top=2001")
            .await
            .code()
            .0,
        400
    );
}

#[tokio::test]
async fn an_alert_is_changed_and_commented_on_and_what_is_not_documented_is_refused() {
    let door = Door::new();
    let id = door.emulator.demo_alert()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let change =
        json!({ "alert_id": id, "status": "resolved", "determination": "CompromisedUser" });
    let changed = output(&door, "graph.update-security-alert", change).await;
    assert_eq!(changed["determination"], "compromisedAccount");
    assert_ne!(changed["resolved_date_time"], Value::Null);
    let comment = json!({ "alert_id": id, "comment": "seen" });
    let comments = output(&door, "graph.add-security-alert-comment", comment).await;
    assert_eq!(comments["value"][0]["comment"], "seen");
    let path = format!("/v1.0/security/alerts_v2/{id}");
    let graph = graph(&door);
    for (body, code) in [
        (json!({ "Status": "resolved" }), "InvalidRequestBody"),
        (json!({ "status": "done" }), "BadRequest"),
        (json!({ "assignedTo": 7 }), "InvalidRequestBody"),
    ] {
        assert_eq!(
            graph.send("PATCH", &path, Some(body)).await.code(),
            (400, code)
        );
    }
    let nobody = json!({ "alert_id": "x" });
    assert_eq!(
        failed(of(&door, "graph.get-security-alert", nobody).await),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn merged_incidents_redirect_in_both_services_and_are_followed() {
    let door = Door::new();
    let listed = output(&door, "graph.list-security-incidents", json!({})).await;
    let ids: Vec<&str> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| incident["id"].as_str().unwrap())
        .collect();
    let (kept, gone) = (ids[0], ids[1]);
    let merge = json!({ "incident_ids": [kept, gone], "merge_reasons": "sameAsset" });
    let merged = output(&door, "graph.merge-security-incidents", merge).await;
    assert_eq!(merged["target_incident_id"], kept);
    let asked = json!({ "incident_id": gone, "expand_alerts": true });
    let found = output(&door, "graph.get-security-incident", asked).await;
    assert_eq!(
        (&found["id"], &found["merged_from"]),
        (&json!(kept), &json!([gone]))
    );
    assert_eq!(found["alerts"].as_array().unwrap().len(), 2);
    let unfollowed = json!({ "incident_id": gone, "follow_redirects": false });
    let unfollowed = output(&door, "graph.get-security-incident", unfollowed).await;
    assert_eq!(unfollowed["status"], "redirected");
    let found = of(
        &door,
        "defender.get-incident",
        json!({ "incident_id": gone }),
    )
    .await;
    assert_eq!(done(found)["incident_id"].to_string(), kept);
    let bad = json!({ "incident_ids": [kept, gone], "merge_reasons": "sameDay" });
    let refused = failed(of(&door, "graph.merge-security-incidents", bad).await);
    assert_eq!(refused, ErrorKind::InvalidInput);
}

#[tokio::test]
async fn alerts_move_to_another_incident_or_a_new_one() {
    let door = Door::new();
    let alert = door.emulator.demo_alert()["id"].clone();
    let moved = json!({ "alert_ids": [alert] });
    let moved = output(&door, "graph.move-security-alerts", moved).await;
    let alert = output(
        &door,
        "graph.get-security-alert",
        json!({ "alert_id": alert }),
    )
    .await;
    assert_eq!(alert["incident_id"], moved["target_incident_id"]);
    let incident = json!({ "incident_id": moved["target_incident_id"] });
    let incident = output(&door, "graph.get-security-incident", incident).await;
    assert_eq!(incident["status"], "active");
}

#[tokio::test]
async fn an_incident_of_xdr_is_listed_updated_and_polled() {
    let door = Door::new();
    let listed = done(
        of(
            &door,
            "defender.list-incidents",
            json!({ "filter": "status eq 'Active'" }),
        )
        .await,
    );
    let id = listed["value"][0]["incident_id"].clone();
    assert_eq!(
        listed["value"][0]["alerts"][0]["devices"][0]["mdatp_device_id"],
        door.victim()
    );
    door.clock.advance(5000);
    let change = json!({
        "incident_id": id,
        "status": "Resolved",
        "classification": "TruePositive",
        "determination": "compromisedUser",
        "tags": ["contained"],
        "comment": "done",
    });
    let changed = output(&door, "defender.update-incident", change).await;
    assert_eq!(changed["determination"], "CompromisedAccount");
    assert_eq!(changed["comments"][0]["comment"], "done");
    let since = json!({ "filter": "lastUpdateTime ge 2026-01-01T00:00:01Z" });
    let polled = done(of(&door, "defender.list-incidents", since).await);
    assert_eq!(polled["value"][0]["incident_id"], id);
    let xdr = door.token_for(0, Api::Xdr);
    let severity = xdr
        .get("/api/incidents?$filter=severity%20eq%20%27High%27")
        .await;
    assert_eq!(severity.code(), (400, "ODataError"));
    assert_eq!(xdr.get("/api/incidents?$top=101").await.code().0, 400);
}

#[tokio::test]
async fn a_user_is_blocked_signed_out_and_let_in_again() {
    let door = Door::new();
    let id = victim(&door).await;
    let user = || json!({ "user_id": id });
    let seen = || {
        json!({
            "user_id": id,
            "select": ["accountEnabled", "signInSessionsValidFromDateTime"],
        })
    };
    door.clock.advance(60_000);
    output(&door, "graph.disable-user", user()).await;
    assert_eq!(
        output(&door, "graph.revoke-sign-in-sessions", user()).await["value"],
        true
    );
    let now = output(&door, "graph.get-user", seen()).await;
    assert_eq!(now["account_enabled"], false);
    assert_eq!(
        now["sign_in_sessions_valid_from_date_time"],
        "2026-01-01T00:01:00.0000000Z"
    );
    output(&door, "graph.enable-user", user()).await;
    assert_eq!(
        output(&door, "graph.get-user", seen()).await["account_enabled"],
        true
    );
    let method = "28c10230-6103-485e-b985-444c60001490";
    let reset = json!({ "user_id": id, "method_id": method });
    assert_eq!(
        output(&door, "graph.reset-user-password", reset).await["status"],
        "succeeded"
    );
    let users = graph(&door);
    let path = format!("/v1.0/users/{id}");
    let wrong = users
        .send("PATCH", &path, Some(json!({ "AccountEnabled": false })))
        .await;
    assert_eq!(wrong.code(), (400, "InvalidRequestBody"));
}

#[tokio::test]
async fn an_application_cannot_reset_a_password() {
    let door = Door::new();
    let id = victim(&door).await;
    let path = format!("/v1.0/users/{id}/authentication/methods/m/resetPassword");
    let refused = graph(&door).send("POST", &path, Some(json!({}))).await;
    assert_eq!(refused.code(), (403, "Forbidden"));
}

#[tokio::test]
async fn a_risk_is_confirmed_dismissed_and_leaves_a_history() {
    let door = Door::new();
    let id = victim(&door).await;
    let users = || json!({ "user_ids": [id] });
    let risk = || json!({ "user_id": id });
    let before = output(&door, "graph.get-risky-user", risk()).await;
    assert_eq!(before["risk_state"], "atRisk");
    output(&door, "graph.confirm-risky-users-compromised", users()).await;
    let risky = json!({ "filter": "riskState eq 'confirmedCompromised'" });
    let risky = output(&door, "graph.list-risky-users", risky).await;
    assert_eq!(
        (&risky["value"][0]["id"], &risky["value"][0]["risk_level"]),
        (&json!(id), &json!("high"))
    );
    output(&door, "graph.dismiss-risky-users", users()).await;
    let after = output(&door, "graph.get-risky-user", risk()).await;
    assert_eq!(after["risk_state"], "dismissed");
    let history = output(&door, "graph.list-risky-user-history", risk()).await;
    assert_eq!(history["value"].as_array().unwrap().len(), 3);
    assert_eq!(history["value"][0]["risk_state"], "dismissed");
    let nobody = json!({ "user_ids": ["x"] });
    let nobody = failed(of(&door, "graph.dismiss-risky-users", nobody).await);
    assert_eq!(nobody, ErrorKind::NotFound);
}

#[tokio::test]
async fn mail_is_found_moved_and_removed_from_the_mailbox() {
    let door = Door::new();
    let id = victim(&door).await;
    let whose = json!({ "user_id": id });
    let rules = output(&door, "graph.list-inbox-rules", whose.clone()).await;
    let rule = json!({ "user_id": id, "rule_id": rules["value"][0]["id"] });
    output(&door, "graph.delete-inbox-rule", rule).await;
    assert_eq!(
        output(&door, "graph.list-inbox-rules", whose.clone()).await["value"],
        json!([])
    );
    let messages = output(&door, "graph.list-messages", whose.clone()).await;
    let message = messages["value"][0]["id"].clone();
    let moved = json!({ "user_id": id, "message_id": message, "destination_id": "junkemail" });
    let moved = output(&door, "graph.move-message", moved).await;
    assert_ne!(moved["id"], message);
    let window =
        json!({ "start_time": "2025-12-31T00:00:00Z", "end_time": "2026-01-02T00:00:00Z" });
    let mails = output(&door, "graph.list-analyzed-emails", window).await;
    let mail = &mails["value"][0];
    let remediation = json!({
        "display_name": "Invoice",
        "description": "Phishing",
        "severity": "high",
        "action": "hardDelete",
        "analyzed_emails": [{
            "network_message_id": mail["network_message_id"],
            "recipient_email_address": mail["recipient_email_address"],
        }],
    });
    let accepted = output(&door, "graph.remediate-emails", remediation).await;
    assert!(
        accepted["location"]
            .as_str()
            .unwrap()
            .contains("action-center")
    );
    assert_eq!(
        output(&door, "graph.list-messages", whose).await["value"],
        json!([])
    );
    let mail = json!({ "analyzed_email_id": mail["id"] });
    let mail = output(&door, "graph.get-analyzed-email", mail).await;
    assert_eq!(mail["latest_delivery"]["action"], "hardDelete");
}

#[tokio::test]
async fn a_user_goes_into_a_group_and_out_again() {
    let door = Door::new();
    let id = victim(&door).await;
    let groups = || async {
        let groups = output(&door, "graph.list-user-member-of", json!({ "user_id": id })).await;
        groups["value"].as_array().unwrap().len()
    };
    assert_eq!(groups().await, 1);
    let state = graph(&door).get("/emulator/state").await;
    let group = state.body["tenants"][0]["groups"][1]["id"].clone();
    let member = || json!({ "group_id": group, "member_id": id });
    output(&door, "graph.add-group-member", member()).await;
    assert_eq!(groups().await, 2);
    let twice = failed(of(&door, "graph.add-group-member", member()).await);
    assert_eq!(twice, ErrorKind::InvalidInput);
    let mut looking = call(&door, "graph.add-group-member", member());
    looking.mode = actions_contract::Mode::Reconcile;
    done(perform(&door, &looking).await);
    output(&door, "graph.remove-group-member", member()).await;
    assert_eq!(groups().await, 1);
}

#[tokio::test]
async fn what_is_handed_in_asked_for_and_made_can_be_read_again() {
    let door = Door::new();
    let handed_in = [
        (
            "graph.submit-url-threat",
            "graph.get-url-threat",
            "graph.list-url-threats",
        ),
        (
            "graph.submit-file-threat",
            "graph.get-file-threat",
            "graph.list-file-threats",
        ),
        (
            "graph.submit-email-threat",
            "graph.get-email-threat",
            "graph.list-email-threats",
        ),
    ];
    let example = |id: &str| {
        let infos = actions_catalog::infos(actions_catalog::Options::default());
        infos
            .iter()
            .find(|info| info.id.as_str() == id)
            .unwrap()
            .example
            .clone()
    };
    for (submit, get, list) in handed_in {
        let made = output(&door, submit, example(submit)).await;
        let read = output(&door, get, json!({ "submission_id": made["id"] })).await;
        assert_eq!(read["id"], made["id"]);
        assert_eq!(
            output(&door, list, json!({})).await["value"][0]["id"],
            made["id"]
        );
    }
    let asked = "graph.create-threat-assessment-request";
    let asked = output(&door, asked, example(asked)).await;
    let read = json!({ "request_id": asked["id"] });
    output(&door, "graph.get-threat-assessment-request", read).await;
    let rule = "graph.create-detection-rule";
    let rule = output(&door, rule, example(rule)).await;
    let change = json!({ "rule_id": rule["id"], "is_enabled": false });
    let changed = output(&door, "graph.update-detection-rule", change).await;
    assert_eq!(changed["is_enabled"], false);
    output(
        &door,
        "graph.delete-detection-rule",
        json!({ "rule_id": rule["id"] }),
    )
    .await;
    let action = "graph.create-security-action";
    let action = output(&door, action, example(action)).await;
    let action = json!({ "action_id": action["id"] });
    output(&door, "graph.cancel-security-action", action.clone()).await;
    assert_eq!(
        output(&door, "graph.get-security-action", action).await["status"],
        "failed"
    );
}
