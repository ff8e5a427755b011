//! An API that wants further claims in the token.

use actions_contract::{ErrorKind, Method, Sent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_broker::TokenEventKind as Kind;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::stage::{Reply, Stage, api_request, call, contain};

/// A challenge that names an authority of its own.
fn challenge(stage: &Stage, nbf: &str) -> Reply {
    let claims = json!({ "access_token": { "nbf": { "essential": true, "value": nbf } } });
    let claims = STANDARD.encode(claims.to_string());
    let header = format!(
        "Basic realm=\"a, b\", Bearer realm=\"\", authorization_uri=\"{}/common/authorize\", \
         error=\"insufficient_claims\", claims=\"{claims}\"",
        stage.web
    );
    Reply::new(401, "{}").with("www-authenticate", &header)
}

/// The `claims` of every request for a token.
fn asked(stage: &Stage) -> Vec<Value> {
    let requests = stage.world.token_requests.lock().unwrap();
    let claims = requests.iter().map(|seen| {
        let mut form = oauth2::url::form_urlencoded::parse(seen.body.as_bytes());
        let claims = form.find(|(name, _)| name == "claims").unwrap();
        serde_json::from_str(&claims.1).unwrap()
    });
    claims.collect()
}

#[tokio::test]
async fn a_challenge_is_answered_with_a_token_for_its_claims_and_the_request_sent_again() {
    let stage = Stage::new().await;
    stage.world.next_api_reply(challenge(&stage, "1"));
    let request = api_request(Method::Post, "/api/machines/1/isolate");
    let request = request.with_json(json!({ "Comment": "x" }));
    let response = stage.send(&contain(), request).await.unwrap();
    assert_eq!(response.status, 200);
    let ability = json!({ "values": ["cp1"] });
    let wanted = [
        json!({ "access_token": { "xms_cc": ability } }),
        json!({ "access_token": {
            "nbf": { "essential": true, "value": "1" },
            "xms_cc": ability,
        }}),
    ];
    assert_eq!(asked(&stage), wanted);
    let seen = stage.world.api_seen();
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0].body, &seen[0].uri), (&seen[1].body, &seen[1].uri));
    assert_ne!(
        seen[0].headers["authorization"],
        seen[1].headers["authorization"]
    );
    assert!(stage.kinds().contains(&Kind::ClaimsChallenge));
}

#[tokio::test]
async fn the_address_in_a_challenge_is_never_called() {
    let stage = Stage::new().await;
    stage.world.next_api_reply(challenge(&stage, "1"));
    stage.get("/api/machines").await.unwrap();
    let tokens = stage.world.token_requests.lock().unwrap().clone();
    let apis = stage.world.api_seen();
    let web = stage.web.trim_start_matches("http://");
    assert_eq!((tokens.len(), apis.len()), (2, 2));
    assert!(
        tokens
            .iter()
            .chain(&apis)
            .all(|seen| seen.headers["host"] != web)
    );
}

#[tokio::test]
async fn the_same_challenge_again_ends_the_matter() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        stage.world.next_api_reply(challenge(&stage, "1"));
    }
    let error = stage.get("/api/machines").await.unwrap_err();
    assert_eq!(error.error.code, "BR0114");
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::Unauthorized, Sent::No)
    );
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (2, 2));
    stage.world.next_api_reply(challenge(&stage, "1"));
    assert_eq!(stage.code().await, "BR0114");
    assert_eq!(stage.world.token_count(), 2, "it is not asked for again");
}

#[tokio::test]
async fn a_later_challenge_for_other_claims_is_answered_again() {
    let stage = Stage::new().await;
    for nbf in ["1", "2"] {
        stage.world.next_api_reply(challenge(&stage, nbf));
        assert_eq!(stage.get("/api/machines").await.unwrap().status, 200);
    }
    let values: Vec<_> = asked(&stage)
        .into_iter()
        .map(|claims| claims["access_token"]["nbf"]["value"].clone())
        .collect();
    assert_eq!(values, [Value::Null, json!("1"), json!("2")]);
}

#[tokio::test]
async fn a_rejection_and_a_challenge_are_two_causes_with_one_answer_each() {
    let stage = Stage::new().await;
    stage.world.next_api_reply(Reply::new(401, "{}"));
    stage.world.next_api_reply(challenge(&stage, "1"));
    assert_eq!(stage.get("/api/machines").await.unwrap().status, 200);
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (3, 3));
    stage.world.next_api_reply(challenge(&stage, "2"));
    stage.world.next_api_reply(Reply::new(401, "{}"));
    assert_eq!(
        stage.code().await,
        "BR0105",
        "the second rejection in half a minute"
    );
}

#[tokio::test]
async fn fifty_challenges_at_once_cause_one_request_for_a_token() {
    let stage = Stage::new().await;
    stage.get("/api/machines").await.unwrap();
    let header = challenge(&stage, "1").headers.pop().unwrap().1;
    *stage.world.challenge.lock().unwrap() = Some(header);
    stage.world.revoke_all();
    let mut sends = JoinSet::new();
    for _ in 0..50 {
        let broker = stage.broker.clone();
        sends.spawn(async move {
            let request = api_request(Method::Get, "/api/machines");
            actions_contract::Egress::send(&*broker, &call(), request).await
        });
    }
    assert!(sends.join_all().await.iter().all(Result::is_ok));
    assert_eq!(stage.world.token_count(), 2);
}

#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_a_plain_rejection() {
    let stage = Stage::new().await;
    let header = r#"Bearer error="insufficient_claims", claims="%%%""#;
    let reply = Reply::new(401, "{}").with("www-authenticate", header);
    stage.world.next_api_reply(reply);
    assert_eq!(stage.get("/api/machines").await.unwrap().status, 200);
    let ability = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } });
    assert_eq!(asked(&stage), [ability.clone(), ability]);
}
