//! The baseline: the same calls and the same durability, with nothing else.
//!
//! A program as somebody would write it by hand for one playbook, at its leanest: no language, no
//! matching, no guard, no timers, no recovery. It takes an alert once it is durable and writes each
//! step of the run down before it takes the next; writes that wait at the same time share a commit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// The first argument of the benchmark where it is to be the baseline.
pub(crate) const COMMAND: &str = "baseline";
/// Where an alert is posted that is kept and starts nothing.
pub(crate) const KEEP: &str = "/v1/alerts/kept";

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE alerts (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
    CREATE TABLE runs (seq INTEGER PRIMARY KEY, alert TEXT NOT NULL, status TEXT NOT NULL);
    CREATE TABLE events (seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, body TEXT NOT NULL);
";

/// Serves until it is killed. Arguments: the API's address, a token for it, the database.
pub(crate) async fn serve(args: &[String]) -> anyhow::Result<()> {
    let [url, token, database] = args else {
        anyhow::bail!("expected three arguments")
    };
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let shared = Arc::new(Shared {
        url: url.clone(),
        token: format!("Bearer {token}"),
        client: Client::builder(TokioExecutor::new()).build(connector),
        entries: start_writer(Path::new(database))?,
        running: AtomicU64::new(0),
    });
    let router = Router::new()
        .route(crate::side::ALERTS, post(run))
        .route(KEEP, post(keep))
        .route("/v1/runs", get(running))
        .with_state(shared);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("QUELL_READY http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

struct Shared {
    url: String,
    token: String,
    client: Client<HttpConnector, Body>,
    entries: mpsc::Sender<(Entry, oneshot::Sender<i64>)>,
    running: AtomicU64,
}

/// Something to write down.
enum Entry {
    /// An alert, and where it starts a run, the run.
    Alert {
        id: String,
        body: Bytes,
        starts: bool,
    },
    /// A step of a run, and where it is the last one, its end.
    Step { run: i64, body: String, last: bool },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    id: String,
    machine_id: String,
}

async fn run(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    take(shared, body, true).await
}

async fn keep(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    take(shared, body, false).await
}

/// In the form of the engine's list of runs.
async fn running(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let running = shared.running.load(Ordering::SeqCst);
    Json(json!({ "items": if running == 0 { json!([]) } else { json!([running]) } }))
}

async fn take(shared: Arc<Shared>, body: Bytes, starts: bool) -> StatusCode {
    let Ok(alert) = serde_json::from_slice::<Alert>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let entry = Entry::Alert {
        id: alert.id.clone(),
        body,
        starts,
    };
    match shared.write(entry).await {
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        // The same alert again starts nothing.
        Ok(0) => StatusCode::OK,
        Ok(run) => {
            if starts {
                shared.running.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    shared
                        .contain(run, &alert)
                        .await
                        .expect("the emulator and the disk answer");
                    shared.running.fetch_sub(1, Ordering::SeqCst);
                });
            }
            StatusCode::ACCEPTED
        }
    }
}

impl Shared {
    async fn contain(&self, run: i64, alert: &Alert) -> anyhow::Result<()> {
        let path = format!("/api/machines/{}", alert.machine_id);
        let machine = self.call(Method::GET, &path, Body::empty()).await?;
        self.write(Entry::Step {
            run,
            body: machine.to_string(),
            last: false,
        })
        .await?;
        let id = machine["id"].as_str().context("a machine has an id")?;
        let order = json!({
            "Comment": format!("Alert {} [baseline:{run}]", alert.id),
            "IsolationType": "Full",
        });
        let path = format!("/api/machines/{id}/isolate");
        let mut action = self
            .call(Method::POST, &path, Body::from(order.to_string()))
            .await?;
        self.write(Entry::Step {
            run,
            body: action.to_string(),
            last: false,
        })
        .await?;
        let id = action["id"].as_str().context("an action has an id")?;
        let path = format!("/api/machineactions/{id}");
        while action["status"] != "Succeeded" {
            tokio::time::sleep(Duration::from_millis(1)).await;
            action = self.call(Method::GET, &path, Body::empty()).await?;
        }
        self.write(Entry::Step {
            run,
            body: action.to_string(),
            last: true,
        })
        .await?;
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: Body) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(AUTHORIZATION, &self.token)
            .header(CONTENT_TYPE, "application/json")
            .body(body)?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await?;
        ensure!(status.is_success(), "{path} was answered with {status}");
        Ok(serde_json::from_slice(&body)?)
    }

    /// Answers when the entry is durable, with the number of the run.
    async fn write(&self, entry: Entry) -> anyhow::Result<i64> {
        let (sender, answer) = oneshot::channel();
        self.entries
            .send((entry, sender))
            .await
            .ok()
            .context("the writer stopped")?;
        Ok(answer.await?)
    }
}

fn start_writer(database: &Path) -> anyhow::Result<mpsc::Sender<(Entry, oneshot::Sender<i64>)>> {
    let connection = Connection::open(database)?;
    connection.execute_batch(TABLES)?;
    let (entries, mut queue) = mpsc::channel(4096);
    std::thread::spawn(move || {
        let mut batch = Vec::new();
        while queue.blocking_recv_many(&mut batch, 512) > 0 {
            write(&connection, &mut batch).expect("the disk takes writes");
        }
    });
    Ok(entries)
}

fn write(
    connection: &Connection,
    batch: &mut Vec<(Entry, oneshot::Sender<i64>)>,
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut answers = Vec::with_capacity(batch.len());
    for (entry, answer) in batch.drain(..) {
        answers.push((answer, add(connection, &entry)?));
    }
    connection.execute_batch("COMMIT")?;
    for (answer, run) in answers {
        // Who does not wait any more does not care.
        let _ = answer.send(run);
    }
    Ok(())
}

/// The number of the run; 0 for an alert that was there before.
fn add(connection: &Connection, entry: &Entry) -> rusqlite::Result<i64> {
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values)
    };
    match entry {
        Entry::Alert { id, body, starts } => {
            let body = String::from_utf8_lossy(body);
            let sql = "INSERT OR IGNORE INTO alerts (id, body) VALUES (?1, ?2)";
            if execute(sql, params![id, body])? == 0 {
                return Ok(0);
            }
            if *starts {
                execute(
                    "INSERT INTO runs (alert, status) VALUES (?1, 'running')",
                    params![id],
                )?;
                let run = connection.last_insert_rowid();
                let body = format!("{{\"started\":\"{id}\"}}");
                execute(
                    "INSERT INTO events (run, body) VALUES (?1, ?2)",
                    params![run, body],
                )?;
                return Ok(run);
            }
            Ok(connection.last_insert_rowid())
        }
        Entry::Step { run, body, last } => {
            execute(
                "INSERT INTO events (run, body) VALUES (?1, ?2)",
                params![run, body],
            )?;
            if *last {
                execute(
                    "UPDATE runs SET status = 'succeeded' WHERE seq = ?1",
                    params![run],
                )?;
            }
            Ok(*run)
        }
    }
}
