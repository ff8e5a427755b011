//! People decide: over the command line, by links, across a kill, and nobody twice.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;

use actions_emulator::{Emulator, Options};
use axum::extract::Path;
use engine_broker::ControlClient;
use engine_server::LinkKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{self, Home, Served};

/// Asks two leads before it isolates.
const ASKS: &str = "
version: 1
name: guarded
inputs:
  device: {type: string, required: true}
triggers:
  - id: by_hand
    manual: {}
steps:
  - id: ask
    approve:
      message: Isolate ${{ inputs.device }}?
      approvers: {roles: [soc-lead]}
      quorum: 2
      timeout: 1h
      form:
        hours: {type: integer, required: true, minimum: 1, maximum: 72}
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ inputs.device }}
      isolation_type: Full
      comment: test
";

/// Isolates without asking.
const ISOLATE: &str = "
version: 1
name: isolate
inputs:
  device: {type: string, required: true}
triggers:
  - id: by_hand
    manual: {}
steps:
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ inputs.device }}
      isolation_type: Full
      comment: test
";

const POLICY: &str = "
version: 1
approval:
  - {effect: contain, quorum: 1, roles: [soc-lead]}
";

const LINK_KEY: &str = "a key for links of at least 32 characters";

async fn world() -> Emulator {
    let mut options = Options::seeded(5);
    options.machines = 8;
    support::emulator(options).await
}

fn person(name: &str, role: &str) -> Value {
    json!({ "name": name, "roles": [role], "key": format!("env:{}_KEY", name.to_uppercase()) })
}

fn home(emulator: &Emulator) -> Home {
    let people = [
        person("mona", "soc-lead"),
        person("otto", "soc-lead"),
        person("lisa", "soc-lead"),
        person("carl", "intern"),
    ];
    Home::new(
        emulator,
        &emulator.base_url(),
        &json!({ "follow_first": "50ms", "reconcile_window": "200ms" }),
    )
    .playbook("guarded.yaml", ASKS)
    .playbook("isolate.yaml", ISOLATE)
    .with("people", &json!(people))
    .with(
        "approvals",
        &json!({ "url": "https://quell.example", "link_key": "env:TEST_LINK_KEY" }),
    )
    .with("metrics", &json!({ "keys": ["env:METRICS_KEY"] }))
}

/// The binary, with the keys of everybody.
fn with_keys(mut command: Command) -> Command {
    for name in ["MONA", "OTTO", "LISA", "CARL", "METRICS"] {
        command.env(format!("{name}_KEY"), format!("key of {name}"));
    }
    command.env("TEST_LINK_KEY", LINK_KEY);
    command
}

fn serve(home: &Home) -> Served {
    let mut command = with_keys(home.quell());
    command.args(["serve", "--config", "quell.yaml"]);
    Served::start(command, "QUELL_READY ")
}

/// `quell` against a running engine, as this person.
fn quell(served: &Served, name: &str, args: &[&str]) -> Output {
    let mut command = with_keys(support::quell());
    let key = format!("env:{}_KEY", name.to_uppercase());
    command
        .args(args)
        .args(["--url", &served.url, "--key", &key]);
    command.output().unwrap()
}

fn client(served: &Served, name: &str) -> ControlClient {
    ControlClient::new(&served.url, &format!("key of {}", name.to_uppercase())).unwrap()
}

fn exit(output: &Output) -> (Option<i32>, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Mona starts a playbook on a device.
async fn start(served: &Served, playbook: &str, device: &str) -> String {
    let body = json!({ "playbook": playbook, "inputs": { "device": device }, "key": "k" });
    let answer = client(served, "mona")
        .post("/v1/runs", &body)
        .await
        .unwrap();
    answer.body["run"].as_str().unwrap().to_owned()
}

/// The one question that is open.
async fn asked(served: &Served) -> Value {
    let mut items = Value::Null;
    support::until("people are asked", Duration::from_secs(20), async || {
        let answer = client(served, "otto").get("/v1/approvals").await.unwrap();
        items = answer.body["items"].clone();
        items.as_array().is_some_and(|items| items.len() == 1)
    })
    .await;
    items[0].clone()
}

async fn ended(served: &Served, run: &str) -> Value {
    let mut document = Value::Null;
    support::until("the run has ended", Duration::from_secs(20), async || {
        let path = format!("/v1/runs/{run}");
        document = client(served, "otto").get(&path).await.unwrap().body;
        document["status"] != "running"
    })
    .await;
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_have_to_agree_whatever_keys_they_have_and_across_a_kill() {
    let emulator = world().await;
    let home = home(&emulator);
    let served = serve(&home);
    let device = support::machines(&emulator).remove(0);
    let run = start(&served, "guarded", &device).await;
    let open = asked(&served).await;
    assert_eq!(open["run"], json!(run));
    assert_eq!(open["question"]["started_by"], json!(["mona"]));
    let answer = |name: &str, form: &[&str]| {
        let mut args = vec!["approve", run.as_str(), "ask"];
        args.extend(form);
        exit(&quell(&served, name, &args))
    };
    let hours = ["--form", "hours=4"];
    for (name, form, code, wanted) in [
        ("mona", &hours[..], Some(4), "SV0202"),
        ("carl", &hours[..], Some(4), "SV0202"),
        ("nobody", &hours[..], Some(77), ""),
        ("otto", &[][..], Some(1), "SV0203"),
        ("otto", &["--form", "hours=400"][..], Some(1), "SV0203"),
        ("otto", &hours[..], Some(0), ""),
        ("otto", &hours[..], Some(4), "SV0202"),
    ] {
        let (got, said) = answer(name, form);
        assert_eq!(got, code, "{name} {form:?}: {said}");
        assert!(said.contains(wanted), "{name} {form:?}: {said}");
    }
    served.kill();
    let served = serve(&home);
    assert_eq!(asked(&served).await["said"][0]["by"], "otto");
    assert_eq!(emulator.counts().isolate_posts(&device), 0);
    let mut args = vec!["approve", run.as_str(), "ask", "--comment", "go"];
    args.extend(hours);
    let (code, said) = exit(&quell(&served, "lisa", &args));
    assert_eq!(code, Some(0), "{said}");
    let document = ended(&served, &run).await;
    assert_eq!(document["status"], "succeeded", "{document:#}");
    assert_eq!(emulator.counts().isolate_posts(&device), 1);
    let timeline = document["timeline"].to_string();
    assert!(
        timeline.contains("step_answered") && timeline.contains("lisa"),
        "{timeline}"
    );
    let export = quell(&served, "otto", &["audit", "export"]);
    let log = String::from_utf8(export.stdout).unwrap();
    let answers: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["kind"] == "answered")
        .map(|entry| json!([entry["what"]["by"], entry["what"]["counts"]]))
        .collect();
    let counted = json!([["otto", null], ["lisa", null]]);
    let good: Vec<&Value> = answers
        .iter()
        .filter(|answer| answer[1].is_null())
        .collect();
    assert_eq!(json!(good), counted);
    assert!(answers.contains(&json!(["mona", false])), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_under_two_names_or_keys_is_refused_by_the_configuration() {
    let emulator = world().await;
    let mut twice = person("Mona", "soc-lead");
    twice["key"] = json!("env:OTTO_KEY");
    let mut same_key = person("mia", "soc-lead");
    same_key["key"] = json!("env:MONA_KEY");
    for (other, wanted) in [(twice, "two people"), (same_key, "the same key")] {
        let people = json!([person("mona", "soc-lead"), other]);
        let home = home(&emulator).with("people", &people);
        let mut command = with_keys(home.quell());
        command.args(["serve", "--config", "quell.yaml"]);
        let (code, said) = exit(&command.output().unwrap());
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(wanted) && said.contains("CF0101"), "{said}");
    }
}

/// One request as a browser sends it: the status and the whole answer.
fn browse(served: &Served, method: &str, path: &str, body: &str) -> (u16, String) {
    let address = served.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn link(open: &Value, name: &str) -> String {
    let run = open["run"].as_str().unwrap().parse().unwrap();
    let digest = open["question"]["digest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    LinkKey::new(LINK_KEY).unwrap().path(&run, &digest, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_only_opened_or_forged_decides_nothing() {
    let emulator = world().await;
    let home = home(&emulator);
    let served = serve(&home);
    start(&served, "guarded", "<img src=x onerror=alert(1)>").await;
    let open = asked(&served).await;
    let path = link(&open, "otto");
    for method in ["GET", "HEAD", "GET"] {
        let (status, page) = browse(&served, method, &path, "");
        assert_eq!(status, 200, "{page}");
        assert!(!page.contains("<img"), "{page}");
        let head = page.to_lowercase();
        assert!(
            head.contains("default-src 'none'") && head.contains("no-store"),
            "{page}"
        );
    }
    let forged = format!("{}0000", &path[..path.len() - 4]);
    for (path, body, wanted) in [
        (&forged, "decision=approve&hours=4", (403, "SV0204")),
        (&path, "hours=4", (422, "SV0203")),
        (&path, "decision=approve&hours=many", (422, "SV0203")),
        (
            &link(&open, "mona"),
            "decision=approve&hours=4",
            (403, "SV0202"),
        ),
        (
            &link(&open, "gone"),
            "decision=approve&hours=4",
            (403, "SV0204"),
        ),
    ] {
        refused(&served, path, body, wanted);
    }
    assert_eq!(asked(&served).await["said"], json!([]));
}

/// Posts to a link in vain.
fn refused(served: &Served, path: &str, body: &str, (status, code): (u16, &str)) {
    let (got, page) = browse(served, "POST", path, body);
    assert_eq!(got, status, "{body}: {page}");
    assert!(page.contains(code), "{body}: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_decides_for_one_person_once() {
    let emulator = world().await;
    let home = home(&emulator);
    let served = serve(&home);
    let run = start(&served, "guarded", "any").await;
    let open = asked(&served).await;
    let path = link(&open, "otto");
    let yes = "decision=approve&hours=4&comment=a+b";
    let (status, page) = browse(&served, "POST", &path, yes);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("1 of 2"), "{page}");
    refused(&served, &path, yes, (403, "SV0202"));
    refused(&served, &path, "decision=deny", (403, "SV0202"));
    let with_key = ["approve", &run, "ask", "--form", "hours=1"];
    let (code, said) = exit(&quell(&served, "otto", &with_key));
    assert_eq!(
        code,
        Some(4),
        "a key beside the link is the same person: {said}"
    );
    let other = link(&open, "lisa");
    let (status, page) = browse(&served, "POST", &other, "decision=deny");
    assert_eq!(status, 200, "{page}");
    assert_eq!(ended(&served, &run).await["status"], "denied");
    refused(&served, &other, yes, (409, "SV0201"));
    let posts = emulator.counts().posts;
    assert!(!posts.contains_key("defender.isolate-machine"), "{posts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_holds_back_is_shown_with_the_device_that_is_meant() {
    let emulator = world().await;
    let home = home(&emulator).with("policy", &json!("policy.yaml"));
    home.file("policy.yaml", POLICY);
    let served = serve(&home);
    let (id, name) = {
        let state = emulator.state();
        let machine = &state.tenants[0].machines[0];
        (machine.id.clone(), machine.name.clone())
    };
    let short = name.split('.').next().unwrap().to_uppercase();
    let run = start(&served, "isolate", &short).await;
    let open = asked(&served).await;
    let shown = &open["question"]["shown"];
    assert_eq!(shown["target"]["id"], json!(id));
    assert_eq!(shown["parameters"]["machine_id"], json!(id));
    let listed = quell(&served, "otto", &["approvals", "--mine"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&id) && listed.contains(&name), "{listed}");
    let digest = open["question"]["digest"].as_str().unwrap();
    let seen = ["approve", &run, "isolate", "--digest", "0123456789ab"];
    assert_eq!(quell(&served, "otto", &seen).status.code(), Some(1));
    let seen = ["approve", &run, "isolate", "--digest", &digest[..20]];
    let approved = quell(&served, "otto", &seen);
    assert!(approved.status.success(), "{approved:?}");
    assert_eq!(ended(&served, &run).await["status"], "succeeded");
    assert_eq!(emulator.counts().isolate_posts(&id), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_and_failures_are_there_for_those_who_have_a_key() {
    let emulator = world().await;
    let home = home(&emulator);
    let served = serve(&home);
    assert_eq!(browse(&served, "GET", "/healthz", "").0, 200);
    for path in ["/metrics", "/v1/approvals", "/v1/failures"] {
        assert_eq!(browse(&served, "GET", path, "").0, 401, "{path}");
    }
    let metrics = client(&served, "metrics");
    assert_eq!(metrics.get("/v1/runs").await.unwrap().status, 401);
    let run = start(&served, "isolate", "nobody-has-this-name").await;
    assert_eq!(ended(&served, &run).await["status"], "refused");
    let waiting = start(&served, "guarded", "any").await;
    asked(&served).await;
    assert_eq!(metrics.get("/metrics").await.unwrap().status, 200);
    let failed = quell(
        &served,
        "otto",
        &["runs", "list", "--failed", "--format", "json"],
    );
    let failed = json_of(&failed);
    assert_eq!(failed["items"].as_array().unwrap().len(), 1, "{failed:#}");
    assert_eq!(failed["items"][0]["code"], "GR0103");
    assert_eq!(failed["items"][0]["step"], "isolate");
    let shown = json_of(&quell(
        &served,
        "otto",
        &["runs", "show", &waiting, "--json"],
    ));
    let timeline = shown["timeline"].as_array().unwrap();
    assert_eq!(timeline.last().unwrap()["news"], "step_waits", "{shown:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_the_foreground_ends_with_five_where_people_are_asked_and_four_after_a_no() {
    let emulator = world().await;
    let home = home(&emulator);
    let device = support::machines(&emulator).remove(0);
    let run = |args: &[&str]| {
        let mut command = with_keys(home.quell());
        let device = format!("device={device}");
        command.args(["run", "playbooks/guarded.yaml", "--input", &device]);
        command.args(args).env("QUELL_KEY", "key of MONA");
        exit(&tokio::task::block_in_place(|| command.output().unwrap()))
    };
    let (code, said) = run(&["--no-wait"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("waits for people"), "{said}");
    let (code, said) = run(&["--dry-run", "--assume", "deny"]);
    assert_eq!(code, Some(4), "{said}");
    let (code, said) = run(&["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        run(&["--assume", "approve"]).0,
        Some(2),
        "it is for dry runs"
    );
    assert_eq!(emulator.counts().isolate_posts(&device), 0);
}

/// A place where chat hooks lead; what comes in, by the last part of the path.
async fn chat() -> (String, UnboundedReceiver<(String, String)>) {
    let (sender, heard) = unbounded_channel();
    let take = move |Path(who): Path<String>, body: String| {
        // The test has heard enough where nobody listens.
        let _ = sender.send((who, body));
        std::future::ready("ok")
    };
    let router = axum::Router::new().route("/{who}", axum::routing::post(take));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_by_their_own_hooks_with_a_link_and_rooms_without_one() {
    let emulator = world().await;
    let (url, mut heard) = chat().await;
    let mut otto = person("otto", "soc-lead");
    otto["hook"] = json!({ "secret": "otto_hook", "format": "slack" });
    let room = json!({ "soc-room": { "secret": "room_hook", "format": "teams" } });
    let home = home(&emulator)
        .playbook(
            "guarded.yaml",
            &ASKS.replace("quorum: 2", "notify: [soc-room]"),
        )
        .with("people", &json!([person("mona", "soc-lead"), otto]))
        .with("http", &json!({ "allow_loopback": true }))
        .with(
            "secrets",
            &json!({ "otto_hook": "env:OTTO_HOOK", "room_hook": "env:ROOM_HOOK" }),
        )
        .with(
            "approvals",
            &json!({
                "url": "https://quell.example", "link_key": "env:TEST_LINK_KEY", "rooms": room,
            }),
        );
    let mut command = with_keys(home.quell());
    command
        .env("OTTO_HOOK", format!("{url}/otto"))
        .env("ROOM_HOOK", format!("{url}/room"))
        .args(["serve", "--config", "quell.yaml"]);
    let served = Served::start(command, "QUELL_READY ");
    let hostile = "[x](https://evil.example) <!channel> **b**";
    start(&served, "guarded", hostile).await;
    let link = link(&asked(&served).await, "otto");
    let mut told = BTreeMap::new();
    while told.len() < 2 {
        let next = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
        let (who, body) = next.expect("people are told").unwrap();
        told.insert(who, serde_json::from_str::<Value>(&body).unwrap());
    }
    let otto = &told["otto"];
    let link = format!("https://quell.example{link}");
    assert!(otto.to_string().contains(&link), "{otto:#}");
    // What comes from the alert stands where nothing is markup.
    for block in otto["blocks"].as_array().unwrap() {
        let kind = &block["type"];
        assert!(
            kind == "section" || !block.to_string().contains("evil"),
            "{block:#}"
        );
        let fields = block["fields"].as_array().into_iter().flatten();
        assert!(
            fields
                .into_iter()
                .all(|field| field["type"] == "plain_text"),
            "{block:#}"
        );
    }
    assert!(!otto["text"].to_string().contains("evil"), "{otto:#}");
    let room = told["room"].to_string();
    let out_of_place = ["/approve/", "[x](https"]
        .iter()
        .any(|text| room.contains(text));
    assert!(!out_of_place, "{room}");
}

#[test]
fn what_the_page_about_approvals_shows_is_valid() {
    let page = include_str!("../../../../docs/approvals.md");
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let yaml = |start: &str| {
        let mut found = blocks
            .iter()
            .filter_map(|block| block.strip_prefix("yaml\n"));
        found.find(|block| block.starts_with(start)).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let playbook = file("asking.yaml", yaml("version: 1"));
    let config = file("quell.yaml", yaml("# quell.yaml"));
    let mut command = support::quell();
    command
        .arg("lint")
        .arg(&playbook)
        .arg("--config")
        .arg(&config);
    let (code, said) = exit(&command.output().unwrap());
    assert_eq!(code, Some(0), "{said}");
}
