//! The HTTP API over an engine that remembers what it was given.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use actions_contract::BoxFuture;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use engine_driver::{
    AlertDocument, AlertSummary, Engine, EngineError, ManualStart, Page, Receipt, RunDocument,
    RunFilter, RunNews, RunSummary, Why,
};
use engine_model::{Alert, RunId, Timestamp, code};
use engine_server::{Key, Keys, Person, Server, ServerOptions};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Remembers alerts; knows no runs.
#[derive(Default)]
struct Fake {
    alerts: Mutex<Vec<Alert>>,
    starts: Mutex<Vec<ManualStart>>,
}

fn run() -> RunId {
    "run_aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap()
}

fn nothing<T: Send + 'static>() -> BoxFuture<'static, Result<T, EngineError>> {
    Box::pin(async { Err(EngineError::new(code::SV0104, "there is nothing")) })
}

impl engine_driver::TriggerRecords for Fake {
    fn decisions<'a>(
        &'a self,
        _: &'a engine_model::AlertKey,
    ) -> BoxFuture<'a, Result<Vec<engine_driver::Decision>, EngineError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<engine_driver::Count>, EngineError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn letters<'a>(
        &'a self,
        _: &'a engine_driver::LetterFilter,
    ) -> BoxFuture<'a, Result<Page<engine_driver::Letter>, EngineError>> {
        let page = Page {
            items: Vec::new(),
            next: None,
        };
        Box::pin(async { Ok(page) })
    }

    fn letter(&self, _: u64) -> BoxFuture<'_, Result<engine_driver::Letter, EngineError>> {
        Box::pin(async { Err(EngineError::new(code::SV0104, "none")) })
    }

    fn replay<'a>(&'a self, _: u64, _: &'a str) -> BoxFuture<'a, Result<RunId, EngineError>> {
        Box::pin(async { Err(EngineError::new(code::SV0104, "none")) })
    }
}

impl Engine for Fake {
    fn intake(&self, alert: Alert) -> BoxFuture<'_, Result<Receipt, EngineError>> {
        Box::pin(async move {
            let mut alerts = self.alerts.lock().unwrap();
            if alerts.iter().any(|known| known.digest() == alert.digest()) {
                return Ok(Receipt::Same {
                    revision: 1,
                    runs: vec![run()],
                });
            }
            alerts.push(alert);
            Ok(Receipt::Created { runs: vec![run()] })
        })
    }

    fn start(&self, start: ManualStart) -> BoxFuture<'_, Result<RunId, EngineError>> {
        self.starts.lock().unwrap().push(start);
        Box::pin(async { Ok(run()) })
    }

    fn cancel<'a>(&'a self, _: &'a RunId, _: &'a str) -> BoxFuture<'a, Result<bool, EngineError>> {
        Box::pin(async { Ok(true) })
    }

    fn signal<'a>(
        &'a self,
        _: &'a RunId,
        _: engine_driver::Signal,
    ) -> BoxFuture<'a, Result<bool, EngineError>> {
        Box::pin(async { Ok(true) })
    }

    fn retry<'a>(&'a self, _: &'a RunId, _: &'a str) -> BoxFuture<'a, Result<RunId, EngineError>> {
        nothing()
    }

    fn run<'a>(&'a self, _: &'a RunId) -> BoxFuture<'a, Result<RunDocument, EngineError>> {
        nothing()
    }

    fn runs<'a>(
        &'a self,
        filter: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<RunSummary>, EngineError>> {
        assert!(filter.limit <= 500, "the server bounds every list");
        Box::pin(async {
            Ok(Page {
                items: Vec::new(),
                next: None,
            })
        })
    }

    fn alert<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<AlertDocument, EngineError>> {
        nothing()
    }

    fn why<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Why, EngineError>> {
        nothing()
    }

    fn alerts(
        &self,
        _: Option<u64>,
        _: usize,
    ) -> BoxFuture<'_, Result<Page<AlertSummary>, EngineError>> {
        Box::pin(async {
            Ok(Page {
                items: Vec::new(),
                next: None,
            })
        })
    }

    fn watermark<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, EngineError>> {
        nothing()
    }

    fn set_watermark<'a>(
        &'a self,
        _: &'a str,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        nothing()
    }

    fn records(&self) -> &dyn engine_driver::TriggerRecords {
        self
    }

    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<RunNews> {
        tokio::sync::broadcast::channel(1).1
    }
}

/// One request to a server over a fresh engine.
struct Call {
    engine: Arc<Fake>,
    intake_max: usize,
}

impl Call {
    fn new() -> Self {
        Self {
            engine: Arc::new(Fake::default()),
            intake_max: 10,
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let server = Server::new(ServerOptions {
            engine: Arc::clone(&self.engine) as Arc<dyn Engine>,
            sources: actions_defender::sources::sources(),
            keys: Keys {
                intake: vec![Key::of("intake")],
                people: vec![Person {
                    name: "mona".to_owned(),
                    roles: vec!["soc-lead".to_owned()],
                    key: Key::of("mona"),
                }],
                ..Keys::default()
            },
            tenant: "default".parse().unwrap(),
            intake_max: self.intake_max,
        });
        let response = server.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 26)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, key: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post(path).header("authorization", format!("Bearer {key}"));
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str, key: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header("authorization", format!("Bearer {key}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

fn alert(id: &str) -> Value {
    json!({
        "id": id, "title": "t", "severity": "High", "status": "New",
        "alertCreationTime": "2026-10-24T12:00:00Z", "lastUpdateTime": "2026-10-24T12:00:00Z",
        "machineId": "m1", "computerDnsName": "pc1", "category": "Malware",
    })
}

#[tokio::test]
async fn an_alert_is_taken_once_and_answered_the_same_the_second_time() {
    let call = Call::new();
    let (status, body) = call
        .post("/v1/alerts", "intake", alert("a").to_string())
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    assert_eq!(
        (&body["status"], &body["runs"][0]),
        (&json!("created"), &json!(run()))
    );
    let (status, body) = call
        .post("/v1/alerts/mde", "intake", alert("a").to_string())
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["status"], "same");
    assert_eq!(call.engine.alerts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_good_lines_of_a_batch_are_taken_and_the_bad_ones_named() {
    let call = Call::new();
    let body = format!(
        "{}\nnot json\n\n{}\n{{\"id\": 5}}\n",
        alert("a"),
        alert("b")
    );
    let (status, body) = call.post("/v1/alerts", "intake", body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(body["taken"].as_array().unwrap().len(), 2);
    let refused: Vec<(u64, &str)> = body["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["line"].as_u64().unwrap(),
                line["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(refused, [(2, "SV0102"), (5, "SV0106")]);
}

#[tokio::test]
async fn what_is_not_an_alert_is_refused_with_a_problem_document() {
    let call = Call::new();
    let large = alert("x")
        .to_string()
        .replace("\"t\"", &format!("\"{}\"", "x".repeat(1 << 20)));
    let cases = [
        (
            "/v1/alerts",
            "{".to_owned(),
            StatusCode::BAD_REQUEST,
            "SV0102",
        ),
        (
            "/v1/alerts",
            "\"text\"".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "SV0106",
        ),
        (
            "/v1/alerts",
            "{\"id\": 1}".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "SV0106",
        ),
        (
            "/v1/alerts/nowhere",
            "{}".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "SV0106",
        ),
        ("/v1/alerts", large, StatusCode::PAYLOAD_TOO_LARGE, "SV0103"),
        (
            "/v1/alerts",
            "x".repeat(17 << 20),
            StatusCode::PAYLOAD_TOO_LARGE,
            "SV0103",
        ),
    ];
    for (path, body, status, code) in cases {
        let shown: String = body.chars().take(40).collect();
        let (answered, problem) = call.post(path, "intake", body).await;
        assert_eq!(
            (answered, problem["code"].as_str()),
            (status, Some(code)),
            "{shown}"
        );
        assert_eq!(problem["type"], format!("urn:quell:{code}"));
    }
    assert!(call.engine.alerts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_without_a_key_gets_in_and_an_intake_key_is_not_a_person() {
    let call = Call::new();
    let (status, problem) = call
        .post("/v1/alerts", "wrong", alert("a").to_string())
        .await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("SV0101"))
    );
    for key in ["wrong", "intake"] {
        for path in [
            "/v1/runs",
            "/v1/alerts",
            "/v1/alerts/a",
            &format!("/v1/runs/{}", run()),
        ] {
            let (status, _) = call.get(path, key).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{key} {path}");
        }
    }
    let (status, _) = call.get("/v1/runs?limit=100000", "mona").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_start_by_hand_carries_the_person_and_their_roles() {
    let call = Call::new();
    let body = json!({ "playbook": "contain", "key": "k1", "inputs": { "a": 1 } });
    let (status, answer) = call.post("/v1/runs", "mona", body.to_string()).await;
    assert_eq!(
        (status, &answer["run"]),
        (StatusCode::ACCEPTED, &json!(run()))
    );
    let starts = call.engine.starts.lock().unwrap();
    assert_eq!(
        (starts[0].by.as_str(), starts[0].key.as_str()),
        ("mona", "k1")
    );
    assert_eq!(
        starts[0].roles.as_deref(),
        Some(&["soc-lead".to_owned()][..])
    );
}

#[tokio::test]
async fn more_than_the_intake_takes_is_told_to_come_back() {
    let call = Call {
        intake_max: 0,
        ..Call::new()
    };
    let request = Request::post("/v1/alerts")
        .header("authorization", "Bearer intake")
        .body(Body::from(alert("a").to_string()))
        .unwrap();
    let (status, problem) = call.send(request).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(problem["code"], "SV0105");
}

#[tokio::test]
async fn what_does_not_exist_is_said_to_not_exist() {
    let call = Call::new();
    for path in [
        "/v1/runs/run_x",
        &format!("/v1/runs/{}", run()),
        "/v1/alerts/none",
        "/nowhere",
    ] {
        let (status, problem) = call.get(path, "mona").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(problem["code"], "SV0104", "{path}");
    }
}
