//! Requests to an API of a connection.

use std::time::Duration;

use actions_contract::{
    Api, Body, Call, EffectKind, Egress as _, ErrorKind, HeaderText, Method, Mode, Request, Sent,
    Target,
};
use engine_broker::TokenEventKind as Kind;
use engine_model::Millis;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::stage::{OTHER_TENANT, Reply, Stage, TENANT, api_request, call, contain, request};

fn isolate() -> Request {
    api_request(Method::Post, "/api/machines/m1/isolate").with_json(json!({"Comment": "k"}))
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once_and_the_same_request_sent_again() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.world.revoke_all();
    let response = stage.send(&contain(), isolate()).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(stage.world.token_count(), 2);
    let seen = stage.world.api_seen();
    let [first, second] = &seen[1..] else {
        panic!("{} requests", seen.len())
    };
    assert_ne!(
        first.headers["authorization"],
        second.headers["authorization"]
    );
    let rest = |seen: &crate::stage::Seen| {
        let mut seen = seen.clone();
        seen.headers.remove("authorization");
        seen
    };
    assert_eq!(rest(first), rest(second));
    assert_eq!(first.body, r#"{"Comment":"k"}"#);
    assert!(stage.kinds().contains(&Kind::Invalidated));
}

#[tokio::test]
async fn a_fresh_token_that_is_rejected_too_ends_the_matter() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        stage.world.next_api_reply(Reply::new(401, "{}"));
    }
    let error = stage.get("/a").await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0105", Sent::No)
    );
    assert_eq!(error.error.kind, ErrorKind::Unauthorized);
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (2, 2));
    assert_eq!(stage.code().await, "BR0105");
    assert_eq!(
        stage.world.token_count(),
        2,
        "the token service is not asked in a loop"
    );
    stage.clock.pass_secs(30);
    assert!(stage.get("/a").await.is_ok());
}

#[tokio::test]
async fn fifty_rejections_at_once_cause_one_refresh() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    stage.world.revoke_all();
    let mut sends = JoinSet::new();
    for _ in 0..50 {
        let broker = stage.broker.clone();
        sends.spawn(async move { broker.send(&contain(), isolate()).await });
    }
    for result in sends.join_all().await {
        assert_eq!(result.unwrap().status, 200);
    }
    assert_eq!(stage.world.token_count(), 2);
}

#[tokio::test]
async fn a_missing_permission_is_an_answer_and_no_reason_for_another_token() {
    let stage = Stage::new().await;
    stage
        .world
        .next_api_reply(Reply::new(403, r#"{"error":{"code":"Forbidden"}}"#));
    assert_eq!(stage.get("/a").await.unwrap().status, 403);
    assert_eq!(stage.world.token_count(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let stage = Stage::new().await;
    let elsewhere = format!("{}/elsewhere", stage.web);
    stage
        .world
        .next_api_reply(Reply::new(302, "").with("location", &elsewhere));
    assert_eq!(stage.get("/a").await.unwrap().status, 302);
    assert_eq!(stage.world.api_count(), 1);
}

#[tokio::test]
async fn the_wait_of_a_throttled_api_is_read_from_header_or_body() {
    let stage = Stage::new().await;
    let body = r#"{"error":{"message":"Too many requests, try again in 12 seconds."}}"#;
    stage
        .world
        .next_api_reply(Reply::new(429, "").with("retry-after", "7"));
    stage.world.next_api_reply(Reply::new(429, body));
    stage.world.next_api_reply(Reply::new(503, "<html>"));
    let mut waits = Vec::new();
    for _ in 0..3 {
        waits.push(stage.get("/a").await.unwrap().retry_after);
    }
    assert_eq!(
        waits,
        [
            Some(Millis::from_secs(7)),
            Some(Millis::from_secs(12)),
            None
        ]
    );
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_cut_off() {
    let stage = Stage::with(|config, _, _| {
        config["http"] = json!({ "response_bytes_max": 1024 * 1024 });
    })
    .await;
    stage
        .world
        .next_api_reply(Reply::new(200, vec![b'x'; 1024 * 1024]));
    assert_eq!(stage.get("/a").await.unwrap().body.len(), 1024 * 1024);
    stage
        .world
        .next_api_reply(Reply::new(200, vec![b'x'; 1024 * 1024 + 1]));
    let error = stage.get("/a").await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0205", Sent::Maybe)
    );
}

#[tokio::test]
async fn an_answer_comes_back_without_cookies_and_without_the_token() {
    let stage = Stage::new().await;
    stage.get("/a").await.unwrap();
    let token = stage.world.issued.lock().unwrap()[0].clone();
    let reply = Reply::new(200, format!("you sent {token}, twice {token}"))
        .with("set-cookie", "session=1")
        .with("X-Echo", &format!("Bearer {token}"));
    stage.world.next_api_reply(reply);
    let response = stage.get("/a").await.unwrap();
    assert_eq!(response.body, b"you sent [token], twice [token]");
    let header = |name: &str| {
        response
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        (header("x-echo"), header("set-cookie")),
        (Some("Bearer [token]"), None)
    );
}

#[tokio::test]
async fn only_reading_leaves_in_simulation_and_reconciliation() {
    use EffectKind::{Annotate, Contain, Read};
    use Method::{Delete, Get, Head, Patch, Post, Put};
    let allowed = |mode, effect, method| match mode {
        Mode::Execute if effect != Read => true,
        _ => matches!(method, Get | Head) || (effect == Read && method == Post),
    };
    let stage = Stage::new().await;
    stage.get("/warm").await.unwrap();
    for mode in [Mode::Execute, Mode::Simulate, Mode::Reconcile] {
        for effect in [Read, Annotate, Contain] {
            for method in [Get, Head, Post, Put, Patch, Delete] {
                let before = stage.world.api_count();
                let call = Call {
                    mode,
                    effect,
                    ..call()
                };
                let result = stage.send(&call, api_request(method, "/a")).await;
                let left = stage.world.api_count() - before;
                let wanted = allowed(mode, effect, method);
                assert_eq!(left == 1, wanted, "{mode:?} {effect:?} {method:?}");
                if let Err(error) = result {
                    assert_eq!(
                        (error.error.code.as_ref(), error.sent),
                        ("BR0204", Sent::No)
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_call_uses_a_connection_only_for_tenants_it_serves() {
    let code = async |stage: &Stage, call: Call| match stage.send(&call, isolate()).await {
        Ok(response) => response.status.to_string(),
        Err(error) => error.error.code.into_owned(),
    };
    let of = |tenant: &str| Call {
        tenant: tenant.parse().unwrap(),
        ..contain()
    };
    let stage = Stage::new().await;
    assert_eq!(code(&stage, of(TENANT)).await, "200");
    let before = (stage.world.token_count(), stage.world.api_count());
    for stranger in [OTHER_TENANT, "default"] {
        assert_eq!(code(&stage, of(stranger)).await, "BR0104");
    }
    assert_eq!(
        (stage.world.token_count(), stage.world.api_count()),
        before,
        "nothing left"
    );
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["tenants"] = json!([OTHER_TENANT]);
    })
    .await;
    assert_eq!(code(&stage, of(OTHER_TENANT)).await, "200");
}

#[tokio::test]
async fn a_connection_is_found_by_name_by_binding_or_because_it_is_the_only_one() {
    let named = |name: &str| Call {
        connection: Some(name.to_owned()),
        ..call()
    };
    let get = || api_request(Method::Get, "/a");
    let two = |config: &mut serde_json::Value| {
        config["connections"]["second"] = config["connections"]["prod"].clone();
        config["connections"]["second"]["apis"] = json!(["graph"]);
    };
    let stage = Stage::with(|config, _, _| two(config)).await;
    assert!(stage.send(&named("prod"), get()).await.is_ok());
    let message = async |call: Call| {
        stage
            .send(&call, get())
            .await
            .unwrap_err()
            .error
            .to_string()
    };
    let unnamed = message(call()).await;
    assert!(
        unnamed.contains("BR0103") && unnamed.contains("bindings.default"),
        "{unnamed}"
    );
    let unknown = message(named("third")).await;
    assert!(unknown.contains("`prod`, `second`"), "{unknown}");
    let without = message(named("second")).await;
    assert!(without.contains("`connections.second.apis`"), "{without}");
    let stage = Stage::with(|config, _, _| {
        two(config);
        config["bindings"] = json!({ "default": "prod" });
    })
    .await;
    assert!(stage.get("/a").await.is_ok());
}

#[tokio::test]
async fn an_action_cannot_set_the_headers_of_the_broker() {
    let stage = Stage::new().await;
    for name in [
        "Authorization",
        "cookie",
        "HOST",
        "transfer-encoding",
        "proxy-authorization",
    ] {
        let mut request = api_request(Method::Get, "/a");
        request
            .headers
            .push((name.to_owned(), HeaderText::Text("x".to_owned())));
        let error = stage.send(&call(), request).await.unwrap_err();
        assert_eq!(
            (error.error.code.as_ref(), error.sent),
            ("BR0204", Sent::No),
            "{name}"
        );
    }
    let mut request = api_request(Method::Get, "/a");
    request.headers.push((
        "ConsistencyLevel".to_owned(),
        HeaderText::Text("eventual".to_owned()),
    ));
    stage
        .send(&call(), request.with_query("$top", "5"))
        .await
        .unwrap();
    let seen = stage.world.api_seen();
    assert_eq!(seen[0].headers["consistencylevel"], "eventual");
    assert_eq!(seen[0].uri, "/a?$top=5");
}

#[tokio::test]
async fn bytes_keep_their_media_type() {
    let stage = Stage::new().await;
    let mut upload = api_request(Method::Post, "/api/libraryfiles");
    let content_type = "text/plain; charset=utf-8".into();
    upload.body = Body::Bytes {
        content_type,
        bytes: b"\xc3\xa4".to_vec(),
    };
    stage.send(&contain(), upload).await.unwrap();
    let seen = &stage.world.api_seen()[0];
    assert_eq!(
        (seen.headers["content-type"].as_str(), seen.body.as_str()),
        ("text/plain; charset=utf-8", "ä")
    );
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_time_of_the_call() {
    let stage = Stage::new().await;
    stage.get("/warm").await.unwrap();
    stage
        .world
        .next_api_reply(Reply::new(200, "{}").after(Duration::from_secs(30)));
    let hurried = Call {
        time_left: Millis::from_ms(200),
        ..contain()
    };
    let error = stage.send(&hurried, isolate()).await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0202", Sent::Maybe)
    );
    assert_eq!(error.error.kind, ErrorKind::Timeout);
    let late = Call {
        time_left: Millis::ZERO,
        ..contain()
    };
    assert_eq!(
        stage.send(&late, isolate()).await.unwrap_err().sent,
        Sent::No
    );
}

#[tokio::test]
async fn a_slow_token_service_leaves_the_request_unsent() {
    let stage = Stage::new().await;
    stage
        .world
        .next_token_reply(Reply::new(200, "{}").after(Duration::from_secs(30)));
    let hurried = Call {
        time_left: Millis::from_ms(200),
        ..contain()
    };
    let error = stage.send(&hurried, isolate()).await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0202", Sent::No)
    );
    assert_eq!(stage.world.api_count(), 0);
}

#[tokio::test]
async fn a_refused_connection_is_unsent_and_a_broken_one_may_have_arrived() {
    let breaking = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", breaking.local_addr().unwrap());
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        while let Ok((mut stream, _)) = breaking.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                .await;
        }
    });
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["base_urls"]["mde"] = json!("http://127.0.0.1:1");
        config["connections"]["prod"]["base_urls"]["graph"] = json!(address);
    })
    .await;
    let error = stage.send(&contain(), isolate()).await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0201", Sent::No)
    );
    assert!(error.error.message.contains("refused"), "{error}");
    let graph = request(Target::Api(Api::Graph), Method::Post, "/a");
    let error = stage.send(&contain(), graph).await.unwrap_err();
    assert_eq!(
        (error.error.code.as_ref(), error.sent),
        ("BR0201", Sent::Maybe)
    );
    assert_eq!(error.error.kind, ErrorKind::Network);
}

#[tokio::test]
async fn a_path_that_walks_up_is_not_sent() {
    let stage = Stage::new().await;
    for path in ["/api/machines/%2E%2E/isolate", "/api/../x", "api", "/a?b=c"] {
        let error = stage.get(path).await.unwrap_err();
        assert_eq!(
            (error.error.code.as_ref(), error.sent),
            ("BR0206", Sent::No),
            "{path}"
        );
    }
    assert_eq!(stage.world.api_count(), 0);
}
