//! What goes wrong on request, the log, and the routes that order and tell it.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::door::Door;
use actions_emulator::{Emulator, Fault, FaultMatch, FaultRule, LogFilter, Options, RetryIn};
use serde_json::json;

const ISOLATE: &str = "defender.isolate-machine";

fn once(fault: Fault) -> FaultRule {
    FaultRule {
        on: FaultMatch::operation(ISOLATE),
        times: 1,
        fault,
    }
}

#[tokio::test]
async fn a_throttled_request_says_how_long_to_wait_and_has_no_effect() {
    let door = Door::new();
    let machine = door.victim();
    for (retry_in, header, words) in [
        (RetryIn::Header, Some("7"), false),
        (RetryIn::Body, None, true),
    ] {
        let status = Fault::Status {
            status: 429,
            retry_after_s: Some(7),
            retry_in,
        };
        door.emulator.order_fault(once(status));
        let refused = door.isolate(&machine).await;
        assert_eq!(refused.code(), (429, "TooManyRequests"));
        let got = refused
            .headers
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!(got, header);
        assert_eq!(refused.text("/error/message").contains("7 seconds"), words);
    }
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 0);
    assert_eq!(door.isolate(&machine).await.status, Some(201));
}

#[tokio::test]
async fn a_fault_strikes_whom_it_is_meant_for_and_as_often_as_ordered() {
    let door = Door::new();
    let victim = door.victim();
    let machines = door.get("/api/machines").await;
    let other = *machines.ids().iter().find(|id| **id != victim).unwrap();
    let rule = json!({
        "match": { "operation": ISOLATE, "machine": victim },
        "times": 2,
        "fault": { "kind": "status", "status": 500 },
    });
    assert_eq!(door.post("/emulator/faults", rule).await.body["id"], 1);
    assert_eq!(door.isolate(other).await.status, Some(201));
    assert_eq!(
        door.isolate(&victim).await.code(),
        (500, "InternalServerError")
    );
    let left = door.get("/emulator/faults").await;
    assert_eq!(left.body.pointer("/faults/0/times"), Some(&json!(1)));
    assert_eq!(door.isolate(&victim).await.status, Some(500));
    assert_eq!(door.isolate(&victim).await.status, Some(201));
    let wrong = json!({ "fault": { "kind": "explode" } });
    assert_eq!(door.post("/emulator/faults", wrong).await.code().0, 400);
}

#[tokio::test]
async fn a_cut_comes_before_or_after_the_effect() {
    for (fault, actions) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        let door = Door::with(|options| options.faults = vec![once(fault)]);
        let machine = door.victim();
        assert_eq!(door.isolate(&machine).await.status, None);
        assert_eq!(
            door.emulator.state().machine(&machine).unwrap().actions,
            actions
        );
        assert_eq!(door.emulator.counts().isolate_posts(&machine), 1);
    }
}

#[tokio::test]
async fn a_held_answer_waits_for_its_release() {
    for (fault, actions_while_held) in [(Fault::Hold, 1), (Fault::HoldBefore, 0)] {
        let door = Door::with(|options| options.faults = vec![once(fault)]);
        let machine = door.victim();
        let actions = || door.emulator.state().machine(&machine).unwrap().actions;
        let waiting = door.isolate(&machine);
        let releasing = async {
            while door.emulator.held() == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(actions(), actions_while_held);
            let left = door.emulator.faults_left();
            assert_eq!((left[0].rule.times, left[0].held), (0, 1));
            let released = door.post("/emulator/release?fault=1", json!(null)).await;
            assert_eq!(released.body["released"], 1);
            assert!(door.emulator.faults_left().is_empty());
        };
        let (answer, ()) = tokio::join!(waiting, releasing);
        assert_eq!(answer.status, Some(201));
        assert_eq!(actions(), 1);
    }
}

#[tokio::test]
async fn a_request_held_before_its_effect_has_it_even_if_the_caller_is_gone() {
    let door = Door::with(|options| options.faults = vec![once(Fault::HoldBefore)]);
    let machine = door.victim();
    let gone = tokio::time::timeout(Duration::from_millis(20), door.isolate(&machine)).await;
    assert!(gone.is_err());
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 0);
    assert_eq!(door.emulator.release(None), 1);
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 1);
}

#[tokio::test]
async fn a_slow_answer_comes_late() {
    let door = Door::with(|options| options.faults = vec![once(Fault::Slow { ms: 30 })]);
    let machine = door.victim();
    let early = tokio::time::timeout(Duration::from_millis(1), door.isolate(&machine)).await;
    assert!(early.is_err());
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 1);
}

#[tokio::test]
async fn the_log_tells_what_arrived_and_no_secret() {
    let door = Door::new();
    let machine = door.victim();
    let tenant = door.emulator.options().tenants[0].clone();
    door.isolate(&machine).await;
    door.isolate(&machine).await;
    let form = format!("client_secret={}&client_id=x", tenant.client_secret);
    let path = format!("/{}/oauth2/v2.0/token", tenant.id);
    door.send_text(
        "POST",
        &path,
        "application/x-www-form-urlencoded",
        Some(form),
    )
    .await;
    let log = door.get("/emulator/log").await;
    assert!(!log.body.to_string().contains(&tenant.client_secret));
    assert!(!log.body.to_string().contains("eyJ"));
    let entries = door.emulator.log(&LogFilter::default());
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.seq,
                entry.operation.as_deref(),
                entry.status,
                entry.mark.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (1, Some(ISOLATE), Some(201), Some("mark-1")),
            (2, Some(ISOLATE), Some(400), Some("mark-1")),
            (3, Some("token"), Some(400), None),
        ]
    );
    assert_eq!(entries[2].body_sha256, None);
    let about = door
        .get(&format!("/emulator/log?machine={machine}&after=1"))
        .await;
    assert_eq!(about.body["value"].as_array().map(Vec::len), Some(1));
    let counts = door.get("/emulator/counts").await;
    assert_eq!(counts.body["posts"][ISOLATE][&machine], 2);
    assert_eq!(counts.body["statuses"], json!({ "201": 1, "400": 2 }));
}

#[tokio::test]
async fn the_log_is_bounded_and_its_counts_are_not() {
    let door = Door::with(|options| options.log_entries_max = 3);
    let machine = door.victim();
    for _ in 0..5 {
        door.isolate(&machine).await;
    }
    let kept: Vec<u64> = door
        .emulator
        .log(&LogFilter::default())
        .iter()
        .map(|entry| entry.seq)
        .collect();
    assert_eq!(kept, [3, 4, 5]);
    assert_eq!(door.emulator.counts().isolate_posts(&machine), 5);
}

#[tokio::test]
async fn a_reset_brings_the_first_day_back() {
    let door = Door::with(|options| options.faults = vec![once(Fault::CutBefore)]);
    let machine = door.victim();
    door.isolate(&machine).await;
    door.isolate(&machine).await;
    assert_eq!(
        door.post("/emulator/reset", json!(null)).await.status,
        Some(204)
    );
    assert_eq!(door.emulator.state().machine(&machine).unwrap().actions, 0);
    assert_eq!(door.emulator.counts().requests, 0);
    assert_eq!(door.isolate(&machine).await.status, None);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_served_are_told_apart() {
    let door = Door::new();
    assert_eq!(door.get("/api/nothing").await.code(), (404, "NotFound"));
    let other = door.send("DELETE", "/api/machines", None).await;
    assert_eq!(other.code(), (405, "MethodNotAllowed"));
    assert_eq!(other.headers["allow"], "GET");
    let coverage = door.emulator.coverage();
    assert!(coverage.served.contains(&ISOLATE));
    assert!(
        coverage
            .unserved
            .iter()
            .all(|id| !coverage.served.contains(id))
    );
    assert!(door.emulator.describe().contains("curl"));
}

/// Sends one request over a socket and gives back all that came until the connection closed.
fn raw(address: &str, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    // A reset is as good as an end here: the question is what came before it.
    let _ = stream.read_to_string(&mut text);
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_closes_without_a_word() {
    let mut options = Options::seeded(7);
    options.faults = vec![once(Fault::CutAfter)];
    let emulator = Emulator::new(options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = emulator.listen(listener).unwrap();
    let address = listening
        .base_url()
        .trim_start_matches("http://")
        .to_owned();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = listening.run(async {
        let _ = stopped.await;
    });
    let tenant = emulator.options().tenants[0].id.clone();
    let token = emulator
        .issue_token(&tenant, actions_contract::Api::Mde)
        .unwrap();
    let machine = emulator.demo_alert()["machineId"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({ "Comment": "x", "IsolationType": "Full" }).to_string();
    let request = format!(
        "POST /api/machines/{machine}/isolate HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let asking = async {
        let answers =
            tokio::task::spawn_blocking(move || (raw(&address, &request), raw(&address, &request)));
        let answers = answers.await.unwrap();
        stop.send(()).unwrap();
        answers
    };
    let ((), (cut, refused)) = tokio::join!(serving, asking);
    assert_eq!(cut, "");
    // The effect happened: the same action is open now.
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert!(
        refused.contains("Action is already in progress"),
        "{refused}"
    );
    assert_eq!(emulator.counts().isolate_posts(&machine), 2);
}
