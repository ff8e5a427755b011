//! The emulator and the engine as two processes, with the configuration of the README.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine_broker::ControlClient;
use serde_json::{Value, json};

use crate::support::{self, Served};

/// The YAML block of the README that begins with this line.
fn block(first_line: &str) -> String {
    let readme = std::fs::read_to_string(support::root().join("README.md")).unwrap();
    let (_, rest) = readme
        .split_once(&format!("```yaml\n{first_line}"))
        .expect("the block exists");
    let (body, _) = rest.split_once("\n```").expect("the block ends");
    format!("{first_line}{body}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_configuration_isolates_once_however_often_the_alert_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut emulator = support::quell();
    emulator.args([
        "emulate",
        "--port",
        "0",
        "--pending",
        "100ms",
        "--running",
        "100ms",
    ]);
    let emulator = Served::start(emulator, "QUELL_EMULATOR_READY ");

    let path = configuration(folder.path(), &emulator.url);
    let mut serve = support::quell();
    serve.args(["serve", "--config"]).arg(&path);
    serve
        .env(
            "EMULATOR_SECRET",
            actions_emulator::Tenant::seeded(1, 0).client_secret,
        )
        .env("QUELL_INTAKE_KEY", "intake")
        .env("MONA_KEY", support::KEY);
    let engine = Served::start(serve, "QUELL_READY ");

    let alert = std::fs::read(support::root().join("examples/contain-a-workstation/alert.json"));
    let alert: Value = serde_json::from_slice(&alert.unwrap()).unwrap();
    let intake = ControlClient::new(&engine.url, "intake").unwrap();
    let first = intake.post("/v1/alerts", &alert).await.unwrap();
    assert_eq!(first.status, 202, "{}", first.body);
    let again = intake.post("/v1/alerts", &alert).await.unwrap();
    assert_eq!(
        (again.status, &again.body["runs"]),
        (200, &first.body["runs"])
    );
    let client = engine.client();
    support::until("every run has ended", Duration::from_secs(30), async || {
        let running = client.get("/v1/runs?status=running").await.unwrap();
        running.body["items"] == json!([])
    })
    .await;

    let counts = ControlClient::new(&emulator.url, "-")
        .unwrap()
        .get("/emulator/counts")
        .await;
    let posts = &counts.unwrap().body["posts"]["defender.isolate-machine"];
    assert_eq!(posts, &json!({ alert["machineId"].as_str().unwrap(): 1 }));
    assert_eq!(story(&client).await, expected());
}

/// The configuration of the README, except for ports and paths: tests run side by side, anywhere.
fn configuration(folder: &Path, emulator_url: &str) -> PathBuf {
    let config = block("# quell.yaml").replace("http://127.0.0.1:8480", emulator_url);
    let mut config: serde_json::Map<String, Value> = serde_yaml::from_str(&config).unwrap();
    config.insert("listen".to_owned(), json!("127.0.0.1:0"));
    config.insert("data_dir".to_owned(), json!(folder.join("data")));
    for (key, within) in [("playbooks", ""), ("plugins", "file")] {
        for entry in config[key].as_array_mut().unwrap() {
            let slot = if within.is_empty() {
                entry
            } else {
                &mut entry[within]
            };
            *slot = json!(support::root().join(slot.as_str().unwrap()));
        }
    }
    let path = folder.join("quell.yaml");
    std::fs::write(&path, serde_json::to_string(&config).unwrap()).unwrap();
    path
}

/// How each run went, step by step.
async fn story(client: &ControlClient) -> Value {
    let runs = client.get("/v1/runs").await.unwrap().body;
    let mut story = serde_json::Map::new();
    for run in runs["items"].as_array().unwrap() {
        let path = format!("/v1/runs/{}", run["id"].as_str().unwrap());
        let document = client.get(&path).await.unwrap().body;
        let steps: serde_json::Map<String, Value> = document["view"]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| {
                (
                    step["label"].as_str().unwrap().to_owned(),
                    step["status"].clone(),
                )
            })
            .collect();
        let told = json!({ "status": run["status"], "steps": steps });
        let twice = story.insert(run["playbook"].as_str().unwrap().to_owned(), told);
        assert_eq!(twice, None, "a playbook ran twice");
    }
    Value::Object(story)
}

fn expected() -> Value {
    let path = support::root().join("examples/contain-a-workstation/expected.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
