//! Plugins that try to steal, through the real way out of the engine. Each test says what the
//! attacker saw.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actions_interface::guests::{self, changed};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::support;

const SECRET: &str = "s3cret-of-the-service";

/// What a service does with what it is asked.
#[derive(Clone)]
enum Service {
    /// Gives back the credential it was sent, in body and header.
    Echoes,
    /// Says something that merely looks like it.
    Says(&'static str),
    /// Sends its caller somewhere else.
    Sends(String),
}

#[derive(Clone)]
struct Stage {
    service: Service,
    seen: Arc<AtomicUsize>,
}

async fn answer(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    stage.seen.fetch_add(1, Ordering::SeqCst);
    let key = headers.get("x-key").and_then(|key| key.to_str().ok());
    let key = key.unwrap_or_default().to_owned();
    match stage.service {
        Service::Echoes => ([("x-echo", key.clone())], key).into_response(),
        Service::Says(text) => text.into_response(),
        Service::Sends(to) => (StatusCode::FOUND, [(header::LOCATION, to)], "").into_response(),
    }
}

/// A service on loopback: its address, and how often it was asked.
async fn on_stage(service: Service) -> (String, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let stage = Stage {
        service,
        seen: Arc::clone(&seen),
    };
    let app = Router::new().fallback(answer).with_state(stage);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, seen)
}

/// A folder with a plugin of this text and capability, installed with its wish.
struct Attack {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Attack {
    fn new(guest: &str, capability: &Value, url: &str, http: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("guest");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("plugin.wat"), guest).unwrap();
        let yaml = json!({
            "id": "guest", "version": "1.0.0", "lang": "wat", "capabilities": [capability],
        });
        std::fs::write(place.join("plugin.yaml"), yaml.to_string()).unwrap();
        let built = support::quell()
            .args(["plugin", "build"])
            .arg(&place)
            .output()
            .unwrap();
        assert!(built.status.success(), "{built:?}");
        let file = place.join("build/guest.wasm");
        let connections = json!({ "box": { "url": url, "headers": { "x-key": "box_key" } } });
        let config = json!({
            "data_dir": "data",
            "plugins": [{ "file": file, "grants": [capability], "connections": connections }],
            "secrets": { "box_key": "env:BOX_KEY" },
            "http": http,
        });
        std::fs::write(folder.path().join("quell.yaml"), config.to_string()).unwrap();
        Self { folder, file }
    }

    /// What comes out of the attack, and everything that was printed.
    async fn run(&self) -> (Value, String) {
        let mut command = support::quell();
        command
            .current_dir(self.folder.path())
            .env("BOX_KEY", SECRET)
            .args(["--log", "trace", "plugin", "run"])
            .arg(&self.file)
            .args(["act", "--input", "device_id=d1", "--config", "quell.yaml"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let told = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let said = [output.stdout, output.stderr].concat();
        (told, String::from_utf8_lossy(&said).into_owned())
    }
}

fn box_of(path: &str) -> Value {
    json!({ "host": "connection:box", "methods": ["GET"], "paths": [path] })
}

fn loopback() -> Value {
    json!({ "allow_loopback": true })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_the_service_gives_back_is_not_in_the_memory_of_the_plugin() {
    let hunt = guests::with_service(guests::HUNT);
    let (url, seen) = on_stage(Service::Echoes).await;
    let attack = Attack::new(&hunt, &box_of("/v1"), &url, &loopback());
    let (told, said) = attack.run().await;
    // The attacker saw the answer, with something else in the place of the credential.
    assert_eq!(told, json!({ "done": { "ok": true } }), "{said}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert!(!said.contains(SECRET), "{said}");

    // The hunt finds what is there: a text that begins like it and is no secret.
    let (url, _) = on_stage(Service::Says("xxs3crxx")).await;
    let (told, _) = Attack::new(&hunt, &box_of("/v1"), &url, &loopback())
        .run()
        .await;
    assert_eq!(told["failed"]["code"], "hunt.found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_origin_is_not_followed() {
    let hunt = guests::with_service(guests::HUNT);
    let (elsewhere, stolen) = on_stage(Service::Echoes).await;
    let (url, seen) = on_stage(Service::Sends(format!("{elsewhere}/v1/token"))).await;
    let attack = Attack::new(&hunt, &box_of("/v1"), &url, &loopback());
    let (told, said) = attack.run().await;
    // The attacker saw the status 302, and the other origin saw nothing.
    assert_eq!(told, json!({ "done": { "ok": false } }), "{said}");
    assert_eq!(
        (seen.load(Ordering::SeqCst), stolen.load(Ordering::SeqCst)),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_beside_the_declared_one_is_refused_with_the_line_that_would_allow_it() {
    let hunt = guests::with_service(guests::HUNT);
    let (url, seen) = on_stage(Service::Echoes).await;
    let attack = Attack::new(&hunt, &box_of("/v1/tok"), &url, &loopback());
    let (_, said) = attack.run().await;
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    // The operator reads the rule and the line; the attacker got `denied`.
    assert!(
        said.contains("PL0205") && said.contains("/v1/token"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_this_machine_is_not_reached() {
    let (url, seen) = on_stage(Service::Echoes).await;
    let port = url.rsplit(':').next().unwrap();
    let there = format!("https://localhost:{port}/v1/files");
    let ask = changed(guests::ASK, "https://api.example.com/v1/files", &there);
    let host = json!({
        "host": format!("localhost:{port}"), "methods": ["GET"], "paths": ["/v1"],
    });
    let (told, said) = Attack::new(&guests::whole(&ask), &host, &url, &json!({}))
        .run()
        .await;
    assert_eq!(told["failed"]["code"], "ask.denied", "{said}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_inside_the_house_is_reached_only_where_the_operator_says_so() {
    let hunt = guests::with_service(guests::HUNT);
    let (url, seen) = on_stage(Service::Echoes).await;
    let (told, said) = Attack::new(&hunt, &box_of("/v1"), &url, &json!({}))
        .run()
        .await;
    assert_eq!(told, json!({ "done": { "ok": false } }), "{said}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}
