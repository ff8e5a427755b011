//! Every token, secret and form that went over the wire is looked for in everything the product
//! says and writes: log, output, answers of its API, audit log, database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_emulator::{Fault, FaultMatch, FaultRule, Options, RetryIn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::access::base64url;
use crate::support::{self, Home, Served};

/// The name of the playbook, which has every right to be everywhere: a scan that does not find it
/// in a sink would not find a leak there.
const PLANTED: &str = "planted-leak-0f3a9c";
const PLAYBOOK: &str = "
version: 1
name: planted-leak-0f3a9c
triggers:
  - id: any
    alert:
      source: mde
      match:
        device.id|exists: true
steps:
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ alert.device.id }}
      isolation_type: Full
      comment: Alert ${{ alert.id }}
";

/// What passed between the engine and the service, each connection and direction by itself.
type Passed = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Passes everything on to `target` and remembers it; its address.
async fn tap(target: String, passed: Passed) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = target.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((engine, _)) = listener.accept().await {
            let Ok(service) = TcpStream::connect(&target).await else {
                return;
            };
            let ((from_engine, to_engine), (from_service, to_service)) =
                (engine.into_split(), service.into_split());
            for (from, to) in [(from_engine, to_service), (from_service, to_engine)] {
                let said = Arc::default();
                passed.lock().unwrap().push(Arc::clone(&said));
                tokio::spawn(pass(from, to, said));
            }
        }
    });
    format!("http://{address}")
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, said: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        said.lock().unwrap().extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// The secrets in what passed: tokens that were given, bearers, secrets of the application.
fn secrets(passed: &Passed) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for said in passed.lock().unwrap().iter() {
        let said = said.lock().unwrap();
        let text = String::from_utf8_lossy(&said);
        for before in ["Bearer ", "\"access_token\":\"", "client_secret="] {
            for rest in text.split(before).skip(1) {
                let end = rest.find(['"', '&', '\r', ' ']).unwrap_or(rest.len());
                found.insert(rest[..end].to_owned());
            }
        }
    }
    found
}

fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let joined = |each: fn(&u8) -> String, between: &str| {
        bytes.iter().map(each).collect::<Vec<_>>().join(between)
    };
    let mut all = vec![
        secret.to_owned(),
        joined(|byte| format!("{byte:02x}"), ""),
        joined(u8::to_string, ", "),
        joined(u8::to_string, ","),
        secret.replace('~', "%7E"),
    ];
    // Inside a longer text, base64 has three alignments; the middle is the same in each.
    for skip in 0..3 {
        let text = base64url(&[&b"xxx"[..skip], bytes].concat());
        let middle = text[skip.min(1) * 4..text.len() / 4 * 4 - 4].to_owned();
        all.push(middle.replace('-', "+").replace('_', "/"));
        all.push(middle);
    }
    all
}

/// Whether a text holds a secret or the most telling part of one.
fn holds(text: &str, secret: &str) -> bool {
    // The header of a token is the same for all and no secret; its claims and signature are.
    let secret = secret.split_once('.').map_or(secret, |(_, rest)| rest);
    let part = &secret[..secret.len().min(32)];
    let mut needles = [secret, part].into_iter().flat_map(spellings);
    needles.any(|needle| text.contains(&needle))
}

/// Everything that the product says and writes, by the place.
type Sinks = BTreeMap<&'static str, Vec<u8>>;

fn add(sinks: &mut Sinks, output: &Output) {
    let sink = sinks.entry("output").or_default();
    sink.extend_from_slice(&output.stdout);
    sink.extend_from_slice(&output.stderr);
}

/// Every file of a folder.
fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.extend(std::fs::read(path).unwrap());
        }
    }
}

/// An alert that is answered while the first token is rejected, and what was answered.
async fn serve(home: &Home, alert: &Value, sinks: &mut Sinks) {
    let log = home.file("engine.log", "");
    let mut command = home.quell();
    command.args(["serve", "--config", "quell.yaml", "--log", "trace"]);
    command.stderr(std::fs::File::create(&log).unwrap());
    let served = Served::start(command, "QUELL_READY ");
    let client = served.client();
    let answer = client.post("/v1/alerts", alert).await.unwrap();
    let run = answer.body["runs"][0].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}");
    support::until("the run is over", Duration::from_secs(30), async || {
        let run = client.get(&path).await.unwrap();
        run.body["status"] == "succeeded"
    })
    .await;
    let mut answers = Vec::new();
    for path in [path.as_str(), "/v1/runs", "/v1/alerts", "/v1/effects"] {
        answers.extend(client.get(path).await.unwrap().body.to_string().bytes());
    }
    sinks.insert("answers", answers);
    let mut audit = home.quell();
    audit.args([
        "audit",
        "export",
        "--key",
        "env:TEST_KEY",
        "--url",
        &served.url,
    ]);
    sinks.insert("audit", audit.output().unwrap().stdout);
    served.kill();
    sinks.insert("log", std::fs::read(log).unwrap());
    let mut files = Vec::new();
    read_all(home.database().parent().unwrap(), &mut files);
    sinks.insert("database", files);
}

/// Commands that go well and that go wrong, and what they print.
fn commands(home: &Home, secret: &str, alert: &Value, sinks: &mut Sinks) {
    let alert = home.file("alert.json", &alert.to_string());
    let alert = alert.to_str().unwrap();
    for args in [
        vec!["preflight", "--json"],
        vec!["auth", "status", "--json"],
        vec![
            "run",
            "playbooks/planted.yaml",
            "--format",
            "json",
            "--alert",
            alert,
        ],
    ] {
        for shown in [secret, "emu~wrong-secret-of-nobody"] {
            let mut command = home.quell();
            command.env("TEST_SECRET", shown).args(&args);
            add(sinks, &command.args(["--log", "trace"]).output().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_the_product_says_or_writes_holds_a_token_or_a_secret() {
    let emulator = support::emulator(Options::seeded(5)).await;
    emulator.order_fault(FaultRule {
        on: FaultMatch {
            operation: Some("defender.isolate-machine".to_owned()),
            ..FaultMatch::default()
        },
        fault: Fault::Status {
            status: 401,
            retry_after_s: None,
            retry_in: RetryIn::Header,
        },
        times: 1,
    });
    let passed = Passed::default();
    let url = tap(emulator.base_url(), Arc::clone(&passed)).await;
    let tenant = emulator.options().tenants[0].clone();
    let engine = json!({ "follow_first": "100ms", "follow_max": "200ms" });
    let home = Home::new(&emulator, &url, &engine)
        .playbook("planted.yaml", PLAYBOOK)
        .with(
            "connections",
            &json!({ "prod": {
                "context": "application", "tenant": tenant.id, "client_id": tenant.client_id,
                "authority": url, "apis": ["mde"], "base_urls": { "mde": url },
                "credential": { "type": "secret", "secret": "env:TEST_SECRET" },
            }}),
        );
    let mut sinks = Sinks::new();
    let mut alert = emulator.demo_alert();
    alert["title"] = json!(PLANTED);
    serve(&home, &alert, &mut sinks).await;
    commands(&home, &tenant.client_secret, &alert, &mut sinks);
    let mut secrets = secrets(&passed);
    assert!(
        secrets.len() >= 6,
        "tokens, and the secret: {}",
        secrets.len()
    );
    secrets.insert(tenant.client_secret);
    for (sink, bytes) in &sinks {
        let text = &String::from_utf8_lossy(bytes);
        assert!(
            holds(text, PLANTED),
            "a leak into {sink} would not be found"
        );
        for secret in &secrets {
            assert!(!holds(text, secret), "{sink} holds {secret}");
        }
    }
    assert_eq!(sinks.len(), 5);
}
