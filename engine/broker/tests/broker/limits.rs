//! The limits that all runs share, seen at the API.

use actions_contract::{Api, Call, ErrorKind, Method, Sent, Target};
use engine_model::Millis;
use serde_json::json;

use crate::stage::{Reply, Stage, api_request, call, contain, request};

/// A stage with so many calls in a minute, all of them used.
async fn stage(per_minute: u32) -> Stage {
    Stage::with(|config, _, _| {
        let limits = json!({ "per_minute": per_minute, "ceiling": 1 });
        config["connections"]["prod"]["limits"] = limits;
    })
    .await
}

/// A call with so little time that it cannot wait.
fn hasty(call: Call) -> Call {
    Call {
        time_left: Millis::from_secs(2),
        ..call
    }
}

#[tokio::test]
async fn the_hundred_and_first_call_of_a_minute_is_not_sent() {
    let stage = stage(125).await;
    for _ in 0..100 {
        stage.get("/api/machines").await.unwrap();
    }
    let error = stage
        .send(&hasty(call()), api_request(Method::Get, "/api/machines"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.error.kind, error.sent),
        (ErrorKind::RateLimited, Sent::No)
    );
    assert_eq!(error.error.code, "BR0203");
    assert_eq!(error.error.retry_after, Some(Millis::from_secs(61)));
    assert!(error.error.retryable);
    let wanted = "mde/usual in 11111111-1111-1111-1111-111111111111: the calls of this minute are \
                  used up; the next call is possible at 1970-01-01T00:01:01Z";
    assert_eq!(error.error.message, wanted);
    assert_eq!(stage.world.api_count(), 100);
    stage
        .send(&hasty(contain()), api_request(Method::Post, "/api/x"))
        .await
        .unwrap();
    stage.clock.pass_secs(61);
    stage.get("/api/machines").await.unwrap();
}

#[tokio::test]
async fn one_api_that_is_used_up_leaves_the_others_open() {
    let stage = stage(1).await;
    for api in [Api::Mde, Api::Xdr, Api::Graph] {
        let request = request(Target::Api(api), Method::Get, "/x");
        stage.send(&hasty(call()), request.clone()).await.unwrap();
        assert!(stage.send(&hasty(call()), request).await.is_err());
    }
}

#[tokio::test]
async fn a_429_makes_every_run_wait_and_asks_no_more_until_it_is_over() {
    let stage = stage(1000).await;
    let retry = Reply::new(429, "{}").with("retry-after", "7");
    stage.world.next_api_reply(retry);
    assert_eq!(stage.get("/api/machines").await.unwrap().status, 429);
    for number in 0..100 {
        let run = format!("run_{}", "b".repeat(26)).parse().unwrap();
        let kind = if number % 2 == 0 { call() } else { contain() };
        let call = hasty(Call { run, ..kind });
        let error = stage
            .send(&call, api_request(Method::Get, "/api/machines"))
            .await
            .unwrap_err();
        assert_eq!(error.error.retry_after, Some(Millis::from_secs(7)));
        assert!(error.error.message.contains("it asked to wait"));
    }
    assert_eq!(stage.world.api_count(), 1);
    stage.clock.pass_secs(7);
    assert_eq!(stage.get("/api/machines").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_429_that_tells_the_time_in_its_body_is_understood() {
    let stage = stage(1000).await;
    let body = r#"{"error":{"code":"TooManyRequests","message":"You can retry in 12 seconds."}}"#;
    stage.world.next_api_reply(Reply::new(429, body));
    stage.get("/api/incidents").await.unwrap();
    let error = stage
        .send(&hasty(call()), api_request(Method::Get, "/api/incidents"))
        .await
        .unwrap_err();
    assert_eq!(error.error.retry_after, Some(Millis::from_secs(12)));
}

#[tokio::test]
async fn a_call_that_cannot_be_made_asks_for_no_token() {
    let stage = stage(1).await;
    stage.get("/api/machines").await.unwrap();
    stage.clock.pass_secs(50);
    for _ in 0..3 {
        let request = request(Target::Api(Api::Mde), Method::Get, "/api/machines");
        assert!(stage.send(&hasty(call()), request).await.is_err());
    }
    assert_eq!((stage.world.token_count(), stage.world.api_count()), (1, 1));
}

#[tokio::test]
async fn a_request_that_is_sent_again_counts_twice() {
    let stage = stage(10).await;
    stage.world.next_api_reply(Reply::new(401, "{}"));
    for _ in 0..7 {
        stage.get("/api/machines").await.unwrap();
    }
    assert_eq!(stage.world.api_count(), 8);
    let request = api_request(Method::Get, "/api/machines");
    assert!(stage.send(&hasty(call()), request).await.is_err());
}
