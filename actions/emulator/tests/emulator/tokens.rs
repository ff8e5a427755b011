//! Tokens, audiences, roles and tenants.

use crate::door::{Answer, Door};
use actions_contract::Api;
use actions_emulator::{Emulator, LogFilter, Options, Tenant};
use engine_model::Millis;

/// A token request with some of its fields replaced; an empty value leaves the field out.
async fn ask(door: &Door, changes: &[(&str, &str)]) -> Answer {
    let tenant = &door.emulator.options().tenants[0];
    let mut directory = tenant.id.as_str();
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", &tenant.client_id),
        ("client_secret", &tenant.client_secret),
        (
            "scope",
            "https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default",
        ),
    ];
    for (name, value) in changes {
        if *name == "tenant" {
            directory = value;
        } else {
            form.retain(|(other, _)| other != name);
            form.push((name, value));
        }
    }
    form.retain(|(_, value)| !value.is_empty());
    let form: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let path = format!("/{directory}/oauth2/v2.0/token");
    let kind = "application/x-www-form-urlencoded";
    door.with_token(None)
        .send_text("POST", &path, kind, Some(form.join("&")))
        .await
}

#[tokio::test]
async fn a_token_from_the_endpoint_opens_the_api() {
    let door = Door::new();
    let answer = ask(&door, &[]).await;
    assert_eq!(answer.status, Some(200));
    assert_eq!(answer.text("/token_type"), "Bearer");
    assert_eq!(answer.body["expires_in"], 3599);
    let token = answer.text("/access_token").to_owned();
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(
        door.with_token(Some(token))
            .get("/api/machines")
            .await
            .status,
        Some(200)
    );
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_entra_does() {
    let door = Door::new();
    for (changes, status, error, number) in [
        (&[("tenant", "common")][..], 400, "invalid_request", 90_002),
        (
            &[("client_secret", "wrong")],
            401,
            "invalid_client",
            7_000_215,
        ),
        (
            &[("client_id", "11111111-2222-3333-4444-555555555555")],
            400,
            "unauthorized_client",
            700_016,
        ),
        (
            &[(
                "scope",
                "https://api.securitycenter.microsoft.com/Machine.Read",
            )],
            400,
            "invalid_scope",
            70_011,
        ),
        (
            &[("scope", "https://vault.azure.net/.default")],
            400,
            "invalid_resource",
            500_011,
        ),
        (
            &[("grant_type", "magic")],
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (&[("scope", "")], 400, "invalid_request", 900_144),
    ] {
        let answer = ask(&door, changes).await;
        assert_eq!(answer.status, Some(status), "{changes:?}");
        assert_eq!(answer.text("/error"), error, "{changes:?}");
        assert_eq!(
            answer.body["error_codes"],
            serde_json::json!([number]),
            "{changes:?}"
        );
        let description = answer.text("/error_description");
        assert!(
            description.starts_with(&format!("AADSTS{number}: ")),
            "{description}"
        );
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let door = Door::with(|options| options.token_lifetime = Millis::from_secs(60));
    let tenant = door.emulator.options().tenants[0].id.clone();
    let good = door.emulator.issue_token(&tenant, Api::Mde).unwrap();
    let forged = format!("{good}x");
    let other = Emulator::new(Options::seeded(8));
    let foreign = other.issue_token(&other.options().tenants[0].id, Api::Mde);
    let xdr = door.emulator.issue_token(&tenant, Api::Xdr);
    for token in [None, Some(forged), foreign, Some("x".to_owned()), xdr] {
        let answer = door.with_token(token).get("/api/machines").await;
        assert_eq!(answer.code(), (401, "Unauthorized"));
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{challenge}"
        );
    }
    assert_eq!(door.get("/api/machines").await.status, Some(200));
    door.clock.advance(60_000);
    assert_eq!(
        door.get("/api/machines").await.code(),
        (401, "Unauthorized")
    );
}

#[tokio::test]
async fn a_missing_role_is_named_and_nothing_happens() {
    let door = Door::with(|options| {
        options.tenants = vec![Tenant::seeded(7, 0).without_role("Machine.Isolate")];
    });
    let machine = door.victim();
    let answer = door.isolate(&machine).await;
    assert_eq!(answer.code(), (403, "Forbidden"));
    let message = answer.text("/error/message");
    assert!(
        message.contains("API required roles: Machine.Isolate"),
        "{message}"
    );
    assert!(message.contains("application roles: "), "{message}");
    let log = door.emulator.log(&LogFilter::default());
    assert_eq!(log[0].role_missing.as_deref(), Some("Machine.Isolate"));
    assert_eq!(door.emulator.counts().isolate_posts(&machine), 1);
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 0);
}

#[tokio::test]
async fn a_tenant_never_sees_another_ones_objects() {
    let door = Door::with(|options| {
        options.tenants = vec![Tenant::seeded(7, 0), Tenant::seeded(7, 1)];
    });
    let stranger = door.token_for(1, Api::Mde);
    let (machine, alert) = (door.victim(), door.emulator.demo_alert()["id"].clone());
    let action = door.isolate(&machine).await;
    let alert = alert.as_str().unwrap();
    for path in [
        format!("/api/machines/{machine}"),
        format!("/api/machineactions/{}", action.text("/id")),
        format!("/api/alerts/{alert}"),
    ] {
        assert_eq!(door.get(&path).await.status, Some(200), "{path}");
        assert_eq!(
            stranger.get(&path).await.code(),
            (404, "ResourceNotFound"),
            "{path}"
        );
    }
    assert_eq!(
        stranger.isolate(&machine).await.code(),
        (404, "ResourceNotFound")
    );
    assert!(stranger.get("/api/machineactions").await.ids().is_empty());
    let hunt = format!("DeviceInfo | where DeviceId == '{machine}'");
    assert_eq!(
        stranger.hunt(&hunt).await.body["Results"],
        serde_json::json!([])
    );
}
