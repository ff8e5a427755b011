//! Senders who mean no good: without a key, too slow, or from a time that has not come yet.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, and lays out files"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{BoxFuture, Call, Egress, EgressError, Response};
use engine_driver::{
    AlertDocument, AlertSummary, Clock, Engine, EngineError, ManualStart, Page, Receipt,
    RunDocument, RunFilter, RunNews, RunSummary, Why,
};
use engine_model::{Alert, AlertSource, Millis, RunId, Timestamp, code};
use engine_server::{Key, Keys, Poller, PollerConfig, Server, ServerOptions};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

fn none<T: Send + 'static>() -> BoxFuture<'static, Result<T, EngineError>> {
    Box::pin(async { Err(EngineError::new(code::SV0104, "there is nothing")) })
}

/// Takes every alert and remembers up to where a poller has read.
#[derive(Default)]
struct Taker {
    watermark: Mutex<Option<Timestamp>>,
}

impl engine_driver::TriggerRecords for Taker {
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

impl Engine for Taker {
    fn intake(&self, _: Alert) -> BoxFuture<'_, Result<Receipt, EngineError>> {
        Box::pin(async { Ok(Receipt::Created { runs: Vec::new() }) })
    }

    fn start(&self, _: ManualStart) -> BoxFuture<'_, Result<RunId, EngineError>> {
        none()
    }

    fn cancel<'a>(&'a self, _: &'a RunId, _: &'a str) -> BoxFuture<'a, Result<bool, EngineError>> {
        none()
    }

    fn signal<'a>(
        &'a self,
        _: &'a RunId,
        _: engine_driver::Signal,
    ) -> BoxFuture<'a, Result<bool, EngineError>> {
        none()
    }

    fn retry<'a>(&'a self, _: &'a RunId, _: &'a str) -> BoxFuture<'a, Result<RunId, EngineError>> {
        none()
    }

    fn run<'a>(&'a self, _: &'a RunId) -> BoxFuture<'a, Result<RunDocument, EngineError>> {
        none()
    }

    fn runs<'a>(
        &'a self,
        _: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<RunSummary>, EngineError>> {
        none()
    }

    fn alert<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<AlertDocument, EngineError>> {
        none()
    }

    fn why<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Why, EngineError>> {
        none()
    }

    fn alerts(
        &self,
        _: Option<u64>,
        _: usize,
    ) -> BoxFuture<'_, Result<Page<AlertSummary>, EngineError>> {
        none()
    }

    fn watermark<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, EngineError>> {
        let stored = *self.watermark.lock().unwrap();
        Box::pin(async move { Ok(stored) })
    }

    fn set_watermark<'a>(
        &'a self,
        _: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        *self.watermark.lock().unwrap() = Some(at);
        Box::pin(async { Ok(()) })
    }

    fn records(&self) -> &dyn engine_driver::TriggerRecords {
        self
    }

    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<RunNews> {
        tokio::sync::broadcast::channel(1).1
    }
}

fn server() -> Server {
    Server::new(ServerOptions {
        engine: Arc::new(Taker::default()),
        sources: actions_defender::sources::sources(),
        keys: Keys {
            intake: vec![Key::of("intake")],
            ..Keys::default()
        },
        tenant: "default".parse().unwrap(),
        intake_max: 10,
    })
}

#[tokio::test]
async fn who_has_no_key_is_refused_before_the_body_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(server().serve(listener, std::future::pending()));
    let stream = TcpStream::connect(address).await.unwrap();
    let head = b"POST /v1/alerts HTTP/1.1\r\nhost: x\r\ncontent-length: 16000000\r\n\r\n{";
    stream.try_write(head).unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(5), stream.readable());
    answered.await.unwrap().unwrap();
    let mut start = [0; 12];
    stream.try_read(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server_from_stopping() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut serving = JoinSet::new();
    serving.spawn(server().serve(listener, async {
        stopped.await.unwrap();
    }));
    let stream = TcpStream::connect(address).await.unwrap();
    stream.try_write(b"POST /v1/alerts HTTP/1.1\r\n").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), serving.join_next()).await;
    ended.unwrap().unwrap().unwrap().unwrap();
}

/// A service whose only alert was changed long after now.
struct FromTheFuture;

impl Egress for FromTheFuture {
    fn send<'a>(
        &'a self,
        _: &'a Call,
        _: actions_contract::Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        let alert = json!({
            "id": "a", "alertCreationTime": "2026-10-24T12:00:00Z",
            "lastUpdateTime": "9999-01-01T00:00:00Z",
        });
        let body = json!({ "value": [alert] }).to_string().into_bytes();
        Box::pin(async {
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body,
                retry_after: None,
            })
        })
    }
}

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[tokio::test]
async fn an_alert_from_the_future_does_not_hide_those_that_come_before() {
    let now: Timestamp = "2026-10-24T12:00:05Z".parse().unwrap();
    let engine = Arc::new(Taker::default());
    let source = actions_defender::sources::sources()
        .into_iter()
        .find(|source| source.source() == AlertSource::Mde);
    let poller = Poller {
        config: PollerConfig {
            source: AlertSource::Mde,
            connection: None,
            folder: None,
            every: Millis::from_secs(30),
            lookback: Millis::from_secs(60),
        },
        source: source.unwrap(),
        engine: Arc::clone(&engine) as Arc<dyn Engine>,
        egress: Arc::new(FromTheFuture),
        clock: Arc::new(Fixed(now)),
        tenant: "default".parse().unwrap(),
    };
    assert_eq!(poller.poll().await.unwrap(), 1);
    assert_eq!(*engine.watermark.lock().unwrap(), Some(now));
}

#[tokio::test]
async fn a_folder_is_read_file_by_file_and_bad_lines_are_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let line = |id: &str| {
        let created = "2026-10-24T12:00:00Z";
        json!({"id": id, "title": "x", "severity": "low", "created_at": created}).to_string()
    };
    let long = format!("{{\"id\":\"{}\"}}", "a".repeat(1 << 20));
    let text = format!("{}\n\nnot json\n{long}\n{}", line("a"), line("b"));
    std::fs::write(folder.path().join("one.ndjson"), text).unwrap();
    std::fs::write(folder.path().join("being-written.tmp"), line("c")).unwrap();
    let inbox = engine_server::Inbox {
        folder: folder.path().to_owned(),
        source: AlertSource::Api,
        every: Millis::from_secs(1),
        engine: Arc::new(Taker::default()),
        sources: actions_defender::sources::sources(),
        tenant: "default".parse().unwrap(),
    };
    assert_eq!(inbox.read().await.unwrap(), 2);
    assert_eq!(
        inbox.read().await.unwrap(),
        0,
        "what was read is not read again"
    );
    let refused = std::fs::read_to_string(folder.path().join("one.ndjson.refused")).unwrap();
    let numbers: Vec<&str> = refused
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(numbers, ["3", "4"], "{refused}");
    assert!(folder.path().join("one.ndjson.done").exists());
    assert!(folder.path().join("being-written.tmp").exists());
}
