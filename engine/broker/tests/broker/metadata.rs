//! Managed identities: what the machine is asked, and how its moods are taken.

use engine_model::Millis;
use serde_json::{Value, json};

use crate::machine::{IDENTITY_HEADER, Machine, Running};
use crate::stage::{NOW_S, Stage, call, contain, request};

const RESOURCE: &str = "https://api.securitycenter.microsoft.com";

/// A stage whose connection uses an identity of `machine`, in IMDS.
async fn stage(machine: &Running, identity: Value) -> Stage {
    let credential = json!({ "type": "managed_identity", "identity": identity });
    let stage = Stage::with_credential(credential).await;
    stage.set_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &machine.origin);
    stage
}

#[tokio::test]
async fn the_machine_is_asked_for_the_resource_and_not_the_scope() {
    let running = Machine::start().await;
    let stage = stage(&running, json!("system")).await;
    stage.get("/a").await.unwrap();
    stage.get("/b").await.unwrap();
    assert_eq!((running.machine.count(), stage.world.token_count()), (1, 0));
    let asked = running.machine.asked.lock().unwrap()[0].clone();
    assert_eq!(asked["resource"], RESOURCE);
    assert_eq!(asked.len(), 3, "path, api-version and resource: {asked:?}");
    let sent = stage.world.api_seen()[0].headers["authorization"].clone();
    assert!(sent.starts_with("Bearer ey"));
}

#[tokio::test]
async fn an_identity_is_named_as_each_service_wants_it() {
    let id = "44444444-4444-4444-4444-444444444444";
    let resource = "/subscriptions/s/resourcegroups/g/providers/x/userAssignedIdentities/i";
    let cases = [
        (json!({ "client_id": id }), "client_id", "client_id", id),
        (json!({ "object_id": id }), "object_id", "object_id", id),
        (
            json!({ "resource_id": resource }),
            "msi_res_id",
            "mi_res_id",
            resource,
        ),
    ];
    for (identity, imds, app_service, value) in cases {
        let running = Machine::start().await;
        let stage = stage(&running, identity).await;
        stage.get("/a").await.unwrap();
        stage.set_env(
            "IDENTITY_ENDPOINT",
            &format!("{}/msi/token", running.origin),
        );
        stage.set_env("IDENTITY_HEADER", IDENTITY_HEADER);
        stage.clock.pass_secs(90_000);
        stage.get("/a").await.unwrap();
        let asked = running.machine.asked.lock().unwrap().clone();
        let paths: Vec<&str> = asked.iter().map(|asked| asked["path"].as_str()).collect();
        assert_eq!(paths, ["/metadata/identity/oauth2/token", "/msi/token"]);
        assert_eq!(
            (asked[0][imds].as_str(), asked[1][app_service].as_str()),
            (value, value)
        );
    }
}

#[tokio::test]
async fn app_service_can_be_demanded() {
    let credential = json!({ "type": "managed_identity", "endpoint": "app_service" });
    let stage = Stage::with_credential(credential).await;
    assert_eq!(stage.code().await, "BR0106");
}

#[tokio::test]
async fn a_lifetime_is_understood_however_it_is_written() {
    let until = NOW_S + 600;
    let cases = [
        (json!({}), 86_099),
        (json!({ "expires_in": 600 }), 480),
        (
            json!({ "expires_in": null, "expires_on": until.to_string() }),
            480,
        ),
        (json!({ "expires_in": null, "expires_on": until }), 480),
        (
            json!({ "expires_in": null, "expires_on": "2033-05-18T03:43:20+00:00" }),
            480,
        ),
        (
            json!({ "expires_in": null, "expires_on": "05/18/2033 03:43:20 +00:00" }),
            480,
        ),
        (json!({ "expires_in": "", "expires_on": "soon" }), 480),
    ];
    for (fields, ttl_s) in cases {
        let running = Machine::start().await;
        *running.machine.fields.lock().unwrap() = fields.clone();
        let stage = stage(&running, json!("system")).await;
        stage.get("/a").await.unwrap();
        let events = stage.events.lock().unwrap();
        assert_eq!(events.last().unwrap().ttl_s, Some(ttl_s), "{fields}");
    }
}

#[tokio::test]
async fn a_machine_that_is_being_updated_is_asked_again_after_its_pause() {
    let running = Machine::start().await;
    let stage = stage(&running, json!("system")).await;
    for _ in 0..7 {
        running.machine.next_reply(410, &[], "");
        let error = stage.get("/a").await.unwrap_err().error;
        assert_eq!((error.code.as_ref(), error.retryable), ("BR0101", true));
        assert_eq!(error.retry_after, Some(Millis::from_secs(10)));
        stage.clock.pass_secs(9);
        assert_eq!(stage.code().await, "BR0101");
        stage.clock.pass_secs(1);
    }
    stage.get("/a").await.unwrap();
    assert_eq!(running.machine.count(), 8);
}

#[tokio::test]
async fn the_moods_of_the_machine_are_told_apart() {
    let cases = [
        (404, "BR0101", true),
        (429, "BR0101", true),
        (500, "BR0101", true),
        (400, "BR0108", false),
        (200, "BR0101", true),
    ];
    for (status, code, retryable) in cases {
        let running = Machine::start().await;
        let stage = stage(&running, json!("system")).await;
        let body = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        let wait = [("retry-after", "7")];
        let headers = if status == 429 { &wait[..] } else { &[] };
        running.machine.next_reply(status, headers, body);
        let error = stage.get("/a").await.unwrap_err().error;
        assert_eq!(
            (error.code.as_ref(), error.retryable),
            (code, retryable),
            "{status}: {error}"
        );
        if status == 429 {
            assert_eq!(error.retry_after, Some(Millis::from_secs(7)));
        }
    }
}

#[tokio::test]
async fn a_redirect_of_the_machine_is_not_followed() {
    let running = Machine::start().await;
    let stage = stage(&running, json!("system")).await;
    let elsewhere = format!("{}/metadata/identity/oauth2/token", stage.web);
    running
        .machine
        .next_reply(302, &[("location", &elsewhere)], "");
    assert_eq!(stage.code().await, "BR0108");
    assert_eq!((running.machine.count(), stage.world.api_count()), (1, 0));
}

#[tokio::test]
async fn the_machine_is_asked_without_the_proxy() {
    let running = Machine::start().await;
    let stage = Stage::with(|config, _, web| {
        config["http"] = json!({ "proxy": web });
        config["connections"]["prod"]["credential"] = json!({ "type": "managed_identity" });
    })
    .await;
    stage.set_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &running.origin);
    stage.get("/a").await.unwrap();
    assert_eq!(running.machine.count(), 1);
}

#[tokio::test]
async fn a_metadata_service_beyond_this_machine_is_not_asked() {
    for host in ["http://metadata.example", "https://127.0.0.1:1", "nonsense"] {
        let running = Machine::start().await;
        let stage = stage(&running, json!("system")).await;
        stage.set_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", host);
        assert_eq!(stage.code().await, "BR0108", "{host}");
    }
}

#[tokio::test]
async fn an_action_cannot_reach_the_metadata_service_itself() {
    let running = Machine::start().await;
    let stage = stage(&running, json!("system")).await;
    let url = "http://169.254.169.254/metadata/identity/oauth2/token";
    let target = actions_contract::Target::Url(url.to_owned());
    for call in [call(), contain()] {
        let request = request(target.clone(), actions_contract::Method::Get, "");
        let error = stage.send(&call, request).await.unwrap_err().error;
        assert_eq!(error.code, "BR0204");
    }
}
