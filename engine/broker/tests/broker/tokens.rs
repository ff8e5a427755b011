//! Where tokens come from, and what is said when they do not come.

use std::os::unix::fs::PermissionsExt as _;

use actions_contract::{Api, Egress as _, ErrorKind, Method, Sent, Target};
use engine_broker::{TokenEventKind as Kind, TokenSource};
use engine_model::Millis;
use expect_test::{Expect, expect};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{
    CLIENT, OTHER_TENANT, Reply, SECRET, Stage, TENANT, api_request, call, refusal, request,
};

#[tokio::test]
async fn a_request_leaves_with_the_token_of_its_connection() {
    let stage = Stage::new().await;
    stage.get("/api/machines").await.unwrap();
    let asked = stage.world.token_requests.lock().unwrap()[0].clone();
    assert_eq!(asked.uri, format!("/{TENANT}/oauth2/v2.0/token"));
    let form: Vec<_> = oauth2::url::form_urlencoded::parse(asked.body.as_bytes()).collect();
    let wanted = [
        ("grant_type", "client_credentials"),
        ("scope", "https://api.securitycenter.microsoft.com/.default"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        (
            "claims",
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#,
        ),
    ];
    for (name, value) in wanted {
        assert!(form.contains(&(name.into(), value.into())), "{name}");
    }
    assert_eq!(form.len(), wanted.len());
    let seen = stage.world.api_seen()[0].clone();
    let token = stage.world.issued.lock().unwrap()[0].clone();
    assert_eq!(seen.headers["authorization"], format!("Bearer {token}"));
    assert_eq!(
        (seen.method.as_str(), seen.uri.as_str()),
        ("GET", "/api/machines")
    );
}

#[tokio::test]
async fn two_hundred_requests_share_one_token() {
    let stage = Stage::new().await;
    let mut sends = JoinSet::new();
    for _ in 0..200 {
        let broker = stage.broker.clone();
        sends.spawn(async move {
            let request = request(Target::Api(Api::Mde), Method::Get, "/api/machines");
            broker.send(&call(), request).await
        });
    }
    assert!(sends.join_all().await.iter().all(Result::is_ok));
    assert_eq!(
        (stage.world.token_count(), stage.world.api_count()),
        (1, 200)
    );
}

#[tokio::test]
async fn each_api_gets_a_token_of_its_own_audience() {
    let stage = Stage::new().await;
    for api in [Api::Mde, Api::Xdr, Api::Graph, Api::Xdr] {
        stage
            .send(&call(), request(Target::Api(api), Method::Get, "/x"))
            .await
            .unwrap();
    }
    let asked = stage.world.token_requests.lock().unwrap().clone();
    let scopes: Vec<String> = asked
        .iter()
        .flat_map(|seen| oauth2::url::form_urlencoded::parse(seen.body.as_bytes()))
        .filter(|(name, _)| name == "scope")
        .map(|(_, scope)| scope.into_owned())
        .collect();
    let wanted = [
        "https://api.securitycenter.microsoft.com/.default",
        "https://api.security.microsoft.com/.default",
        "https://graph.microsoft.com/.default",
    ];
    assert_eq!(scopes, wanted);
}

#[tokio::test]
async fn the_observer_learns_which_token_an_attempt_used() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.get("/b").await.unwrap();
    assert_eq!(
        stage.kinds(),
        [Kind::Requested, Kind::Issued, Kind::Used, Kind::Used]
    );
    let events = stage.events.lock().unwrap();
    let sources: Vec<_> = events.iter().map(|event| event.source).collect();
    let (idp, cache) = (Some(TokenSource::Idp), Some(TokenSource::Cache));
    assert_eq!(sources, [None, idp, idp, cache]);
    let used = &events[3];
    assert_eq!(
        (used.token.as_deref(), used.ttl_s),
        (Some("uti-1"), Some(3299))
    );
    assert_eq!(used.subject.step.as_deref(), Some("steps.look"));
    assert_eq!(used.subject.run.as_ref(), Some(&call().run));
    assert_eq!(
        (used.subject.connection.as_str(), used.subject.api),
        ("prod", Api::Mde)
    );
}

#[tokio::test]
async fn a_throttled_token_service_is_asked_once_until_the_wait_is_over() {
    let stage = Stage::new().await;
    stage
        .world
        .next_token_reply(refusal(429, "temporarily_unavailable", 90_055).with("retry-after", "7"));
    for _ in 0..100 {
        let error = stage.get("/api/machines").await.unwrap_err();
        assert_eq!(error.error.retry_after, Some(Millis::from_secs(7)));
        assert_eq!(
            (error.error.kind, error.sent),
            (ErrorKind::Unavailable, Sent::No)
        );
    }
    assert_eq!(stage.world.token_count(), 1);
    stage.clock.pass_secs(6);
    assert_eq!(stage.code().await, "BR0101");
    stage.clock.pass_secs(1);
    assert!(stage.get("/api/machines").await.is_ok());
    assert_eq!(stage.world.token_count(), 2);
}

#[tokio::test]
async fn a_wait_that_is_a_date_or_absurd_is_understood() {
    for (header, secs) in [
        ("Thu, 01 Jan 1970 00:00:09 GMT", 9),
        ("999999", 3600),
        ("0", 1),
    ] {
        let stage = Stage::new().await;
        stage
            .world
            .next_token_reply(Reply::new(503, "<html>").with("retry-after", header));
        let error = stage.get("/api/machines").await.unwrap_err();
        assert_eq!(
            error.error.retry_after,
            Some(Millis::from_secs(secs)),
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_wrong_secret_is_sent_once_and_then_remembered() {
    let stage = Stage::new().await;
    stage.set_env("APP_SECRET", "wrong");
    for _ in 0..10 {
        let error = stage.get("/api/machines").await.unwrap_err().error;
        assert_eq!(
            (error.kind.clone(), error.code.as_ref()),
            (ErrorKind::Unauthorized, "BR0102")
        );
        assert!(
            error.message.contains("AADSTS7000215") && !error.retryable,
            "{error}"
        );
        assert!(
            error.message.contains("not its id"),
            "the hint is missing: {error}"
        );
    }
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (1, 0));
    assert_eq!(stage.kinds(), [Kind::Requested, Kind::Failed]);
}

#[tokio::test]
async fn a_rotated_secret_is_used_for_the_next_request() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.set_env("APP_SECRET", &format!("{SECRET}-rotated"));
    stage.get("/b").await.unwrap();
    assert_eq!(stage.world.token_count(), 2);
    let bearers: Vec<String> = stage
        .world
        .api_seen()
        .iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert_ne!(
        bearers[0], bearers[1],
        "the token of the old secret was used"
    );
}

#[tokio::test]
async fn a_token_at_hand_does_not_hide_that_the_secret_is_wrong_or_gone() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.set_env("APP_SECRET", "wrong");
    assert_eq!(stage.code().await, "BR0102");
    stage.environment.lock().unwrap().clear();
    assert_eq!(stage.code().await, "BR0106");
    assert_eq!(stage.world.api_count(), 1);
}

#[tokio::test]
async fn an_expired_secret_blocks_until_it_changes_or_the_engine_starts_anew() {
    let stage = Stage::new().await;
    *stage.world.token_always.lock().unwrap() = Some(refusal(401, "invalid_client", 7_000_222));
    for _ in 0..5 {
        assert_eq!(stage.code().await, "BR0102");
    }
    assert_eq!(stage.world.token_count(), 1, "blocked: nobody asks again");
    stage.clock.pass_secs(59);
    assert_eq!(stage.code().await, "BR0102");
    assert_eq!(stage.world.token_count(), 1);
    *stage.world.token_always.lock().unwrap() = None;
    let restarted = stage.restarted();
    let request = api_request(Method::Get, "/api/machines");
    restarted.send(&call(), request).await.unwrap();
    assert_eq!(stage.world.token_count(), 2);
}

#[tokio::test]
async fn a_secret_file_is_read_again_once_it_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let write = |text: &str, mode: u32| {
        let next = directory.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::rename(&next, &path).unwrap();
    };
    let reference = format!("file:{}", path.display());
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["credential"]["secret"] = json!(reference);
    })
    .await;
    assert_eq!(stage.code().await, "BR0106", "the file does not exist yet");
    write(&format!("{SECRET}\n"), 0o600);
    stage.get("/a").await.unwrap();
    write(&format!("{SECRET}-rotated\r\n"), 0o600);
    stage.get("/b").await.unwrap();
    let sent: Vec<String> = stage
        .world
        .token_requests
        .lock()
        .unwrap()
        .iter()
        .map(secret_in)
        .collect();
    assert_eq!(sent, [SECRET.to_owned(), format!("{SECRET}-rotated")]);
    write(SECRET, 0o644);
    let error = stage.get("/c").await.unwrap_err().error;
    assert!(error.message.contains("chmod 600"), "{error}");
    write("", 0o600);
    let error = stage.get("/c").await.unwrap_err().error;
    assert!(error.message.contains("is empty"), "{error}");
    write(&"x".repeat(70_000), 0o600);
    let error = stage.get("/c").await.unwrap_err().error;
    assert!(error.message.contains("64 KiB"), "{error}");
}

fn secret_in(seen: &crate::stage::Seen) -> String {
    oauth2::url::form_urlencoded::parse(seen.body.as_bytes())
        .find(|(name, _)| name == "client_secret")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_systemd_credential_is_a_file_of_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app-secret");
    std::fs::write(&path, SECRET).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["credential"]["secret"] = json!("systemd:app-secret");
    })
    .await;
    assert_eq!(stage.code().await, "BR0106");
    stage.set_env("CREDENTIALS_DIRECTORY", directory.path().to_str().unwrap());
    stage.get("/a").await.unwrap();
}

#[tokio::test]
async fn during_a_rotation_the_older_secret_serves_until_the_newer_is_known() {
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["credential"]["secret"] =
            json!(["env:NEW_SECRET", "env:APP_SECRET"]);
    })
    .await;
    stage.get("/a").await.unwrap();
    assert_eq!(
        stage.world.token_count(),
        1,
        "an unset reference is passed over"
    );
    stage.set_env("NEW_SECRET", "not known yet");
    stage.get("/b").await.unwrap();
    stage.get("/c").await.unwrap();
    assert_eq!(
        stage.world.token_count(),
        2,
        "the refusal is remembered, the older token serves"
    );
    stage.set_env("NEW_SECRET", &format!("{SECRET}-new"));
    stage.get("/d").await.unwrap();
    assert_eq!(stage.world.token_count(), 3);
}

#[tokio::test]
async fn a_token_for_somebody_else_is_never_sent() {
    for claims in [
        json!({"tid": OTHER_TENANT}),
        json!({"appid": OTHER_TENANT}),
        json!({"aud": "https://graph.microsoft.com"}),
    ] {
        let stage = Stage::new().await;
        *stage.world.claims.lock().unwrap() = claims;
        assert_eq!(stage.code().await, "BR0107");
        assert_eq!(stage.world.api_count(), 0);
    }
}

#[tokio::test]
async fn an_opaque_token_and_a_lifetime_in_text_are_accepted() {
    let stage = Stage::new().await;
    let body =
        json!({"token_type": "bearer", "expires_in": "3599", "access_token": "opaque-token"});
    stage
        .world
        .next_token_reply(Reply::new(200, body.to_string()));
    stage.get("/a").await.unwrap();
    stage.clock.pass_secs(600);
    stage.get("/b").await.unwrap();
    assert_eq!(stage.world.token_count(), 1);
    let name = stage.events.lock().unwrap()[1].token.clone().unwrap();
    assert_eq!(
        name.len(),
        8,
        "an opaque token is named by a fingerprint: {name}"
    );
}

#[tokio::test]
async fn a_token_service_that_is_not_there_is_a_passing_trouble() {
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["authority"] = json!("http://127.0.0.1:1");
    })
    .await;
    let error = stage.get("/a").await.unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Unavailable, Sent::No)
    );
    assert!(error.error.retryable && error.error.code == "BR0101");
}

/// Every answer of a token service, and what it comes to.
async fn check(reply: Reply, wanted: Expect) {
    let stage = Stage::new().await;
    *stage.world.token_always.lock().unwrap() = Some(reply);
    let error = stage.get("/a").await.unwrap_err();
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (1, 0));
    let retry = if error.error.retryable {
        "retry"
    } else {
        "stop"
    };
    let text = format!("{} {retry}: {}", error.error.kind, error.error);
    wanted.assert_eq(&text.replace(": ", ":\n"));
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_a_passing_trouble() {
    let truncated = r#"{"token_type":"Bearer","access_token":"secret-token-in-a-"#;
    let html = |status, body: &str| Reply::new(status, body).with("content-type", "text/html");
    for reply in [
        html(503, "<html>down</html>"),
        html(200, ""),
        Reply::new(500, ""),
        Reply::new(200, truncated),
    ] {
        check(
            reply,
            expect![[r#"
            unavailable retry:
            connection `prod`:
            the token service failed (BR0101)"#]],
        )
        .await;
    }
    let large = format!(
        r#"{{"access_token":"t","pad":"{}"}}"#,
        "x".repeat(1024 * 1024)
    );
    check(
        Reply::new(200, large),
        expect![[r#"
        unavailable retry:
        connection `prod`:
        the answer of the token service is too large (BR0101)"#]],
    )
    .await;
    let body = json!({"token_type": "mac", "expires_in": 3599, "access_token": "t"});
    check(
        Reply::new(200, body.to_string()),
        expect![[r#"
        unavailable retry:
        connection `prod`:
        the token service answered without a bearer token (BR0101)"#]],
    )
    .await;
}

async fn check_refusal(error: &str, number: u32, wanted: Expect) {
    let trace = "; trace 255d1aef-8c98-452f-ac51-23d051240864 (";
    let stage = Stage::new().await;
    *stage.world.token_always.lock().unwrap() = Some(refusal(400, error, number));
    let error = stage.get("/a").await.unwrap_err().error;
    let text = error.to_string().replace(trace, " (");
    wanted.assert_eq(&text.replace(": ", ":\n").replace("; ", ";\n"));
}

#[tokio::test]
async fn a_refusal_says_what_to_change() {
    check_refusal(
        "invalid_client",
        7_000_222,
        expect![[r#"
        connection `prod`:
        the token service refused the credential (invalid_client, AADSTS7000222);
        the secret has expired:
        create a new one (BR0102)"#]],
    )
    .await;
    check_refusal(
        "unauthorized_client",
        700_016,
        expect![[r#"
        connection `prod`:
        the token service refused the request (unauthorized_client, AADSTS700016);
        the tenant does not know this application:
        check `client_id` and `tenant` (BR0108)"#]],
    )
    .await;
    check_refusal(
        "invalid_resource",
        500_011,
        expect![[r#"
        connection `prod`:
        the token service refused the request (invalid_resource, AADSTS500011);
        the tenant does not have this API:
        check the licence, `apis` and `cloud` (BR0108)"#]],
    )
    .await;
    check_refusal(
        "invalid_grant",
        65_001,
        expect![[r#"
            connection `prod`:
            the tenant has not granted consent to the application (invalid_grant, AADSTS65001);
            an administrator of the tenant has to grant consent to the application (BR0111)"#]],
    )
    .await;
    check_refusal(
        "invalid_grant",
        53_003,
        expect![[r#"
        connection `prod`:
        a policy of the tenant forbids the token (invalid_grant, AADSTS53003);
        a conditional access policy blocks the application (BR0108)"#]],
    )
    .await;
}

#[tokio::test]
async fn a_refusal_that_nobody_knows_is_told_in_its_own_words_if_they_are_plain() {
    check_refusal(
        "temporarily_unavailable",
        90_033,
        expect![[r#"
            connection `prod`:
            the token service failed (temporarily_unavailable, AADSTS90033);
            the directory of the tenant is away for the moment (BR0101)"#]],
    )
    .await;
    check_refusal(
        "something_new",
        4_711,
        expect![[r#"
        connection `prod`:
        the token service refused the request (something_new, AADSTS4711) (BR0108)"#]],
    )
    .await;
    check_refusal(
        "<script>",
        4_711,
        expect![[r#"
            connection `prod`:
            the token service refused the request (BR0108)"#]],
    )
    .await;
}

#[tokio::test]
async fn a_number_in_the_description_decides_nothing() {
    let body = json!({"error": "invalid_scope", "error_description": "AADSTS7000215 AADSTS50196"});
    let wanted = expect![[r#"
        unauthorized stop:
        connection `prod`:
        the token service refused the request (invalid_scope) (BR0108)"#]];
    check(Reply::new(400, body.to_string()), wanted).await;
}

#[tokio::test]
async fn a_loop_that_the_service_detected_rests_for_a_minute() {
    let stage = Stage::new().await;
    stage
        .world
        .next_token_reply(refusal(400, "invalid_grant", 50_196));
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!(error.retry_after, Some(Millis::from_secs(60)));
    stage.clock.pass_secs(59);
    stage.get("/a").await.unwrap_err();
    assert_eq!(stage.world.token_count(), 1);
}

#[tokio::test]
async fn a_redirect_of_the_token_service_is_not_followed() {
    let stage = Stage::new().await;
    let elsewhere = format!("{}/elsewhere", stage.web);
    stage
        .world
        .next_token_reply(Reply::new(302, "").with("location", &elsewhere));
    assert_eq!(stage.code().await, "BR0108");
    assert_eq!(
        stage.world.api_count(),
        0,
        "the secret went to another server"
    );
}

#[tokio::test]
async fn a_refresh_ahead_fetches_the_next_token_while_the_old_one_serves() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.clock.pass_secs(3000);
    let slow = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "next-token"});
    stage.world.next_token_reply(
        Reply::new(200, slow.to_string()).after(std::time::Duration::from_millis(200)),
    );
    stage.get("/b").await.unwrap();
    let bearer = |i: usize| stage.world.api_seen()[i].headers["authorization"].clone();
    assert_eq!(bearer(0), bearer(1), "the old token serves meanwhile");
    let issued = |kinds: Vec<Kind>| kinds.iter().filter(|kind| **kind == Kind::Issued).count();
    while issued(stage.kinds()) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stage.get("/c").await.unwrap();
    assert_eq!(bearer(2), "Bearer next-token");
    assert!(stage.kinds().contains(&Kind::RefreshStarted));
}
