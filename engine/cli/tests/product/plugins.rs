//! Plugins: the documented way from nothing to an installed one, and installed ones at work.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actions_emulator::Options;
use actions_interface::guests;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::support::{self, Home};

/// The commands of the transcript called `name` in the documentation.
fn transcript(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(support::root().join("docs/plugins.md")).unwrap();
    let begin = format!("```transcript {name}\n");
    let block = text.split(&begin).nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let lines = block.lines().filter_map(|line| line.strip_prefix("$ "));
    lines.map(str::to_owned).collect()
}

/// A folder where `quell` is the binary under test.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let quell = PathBuf::from(env!("CARGO_BIN_EXE_quell"));
        std::os::unix::fs::symlink(quell, folder.path().join("bin/quell")).unwrap();
        Self(folder)
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Runs a shell script in the folder.
    fn shell(&self, script: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.folder().join("bin");
        Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.folder())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap()
    }

    /// Runs a script that has to go well; what it printed.
    #[track_caller]
    fn ok(&self, script: &str) -> String {
        let output = self.shell(script);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{script}\n{out}\n{err}");
        out
    }

    /// Runs a script that has to fail; its exit code and what it printed.
    #[track_caller]
    fn refused(&self, script: &str) -> (i32, String) {
        let output = self.shell(script);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!output.status.success(), "{script}\n{said}");
        (output.status.code().unwrap(), said)
    }
}

#[test]
fn the_documented_way_from_nothing_to_an_installed_plugin_works() {
    let commands = transcript("wat");
    assert!(commands.len() <= 10, "{commands:#?}");
    let desk = Desk::new();
    let said = desk.ok(&commands.join("\n"));
    for part in [
        "2 cases hold, 0 do not",
        "\"up\": true",
        "signed by ed25519:",
        "asks for GET connection:service /v1/status to read",
        "installed uptime 0.1.0",
        "may GET connection:service /v1/status to read",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let removed = desk.ok("quell plugin remove uptime && quell plugin list");
    assert!(!removed.contains("0.1.0"), "{removed}");
}

#[test]
fn every_way_to_a_passing_run_takes_at_most_ten_commands() {
    let commands = transcript("python");
    assert!(commands.len() <= 10, "{commands:#?}");
    assert!(commands[0].starts_with("quell plugin new"));
    assert!(commands.last().unwrap().starts_with("quell plugin run"));
}

/// A desk with a built and packed plugin `uptime-0.1.0.wasm` and a configuration with a lock.
fn packed() -> Desk {
    let desk = Desk::new();
    desk.ok("quell plugin new --lang wat uptime
         quell plugin build uptime
         quell plugin pack uptime --out uptime-0.1.0.wasm
         printf 'plugins: ./plugins.lock\\nplaybooks: [uptime]\\n' > quell.yaml");
    desk
}

#[test]
fn what_nobody_decided_is_not_installed() {
    let desk = packed();
    let (code, said) = desk.refused("quell plugin add uptime-0.1.0.wasm --yes");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("nobody signed"), "{said}");
    // Without a terminal nobody can be asked.
    let (code, said) = desk.refused("quell plugin add uptime-0.1.0.wasm --unsigned < /dev/null");
    assert_eq!(code, 4, "{said}");
    assert!(!desk.folder().join("plugins.lock").exists());
    desk.ok("quell plugin add uptime-0.1.0.wasm --unsigned --yes");
    assert!(desk.ok("quell plugin list").contains("UNSIGNED"));
}

#[test]
fn a_new_version_that_asks_for_more_or_has_another_signer_stops() {
    let desk = packed();
    desk.ok("quell plugin sign uptime-0.1.0.wasm --key a.key --new-key
         quell plugin add uptime-0.1.0.wasm --yes
         sed -i 's/0.1.0/0.2.0/; s/methods: .GET./methods: [GET, HEAD]/' uptime/plugin.yaml
         quell plugin build uptime
         quell plugin pack uptime --out uptime-0.2.0.wasm
         cp uptime-0.2.0.wasm other.wasm
         quell plugin sign uptime-0.2.0.wasm --key a.key
         quell plugin sign other.wasm --key b.key --new-key");
    let (code, said) = desk.refused("quell plugin add uptime-0.2.0.wasm --yes");
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("MORE than the version before: GET, HEAD"),
        "{said}"
    );
    let (_, said) = desk.refused("quell plugin add other.wasm --yes --grant-more");
    assert!(
        said.contains("PL0104") && said.contains("was installed"),
        "{said}"
    );
    desk.ok("quell plugin add uptime-0.2.0.wasm --yes --grant-more");
    let list: Value = serde_json::from_str(&desk.ok("quell plugin list --format json")).unwrap();
    assert_eq!(list[0]["version"], "0.2.0");
    assert_eq!(
        list[0]["earlier"], 1,
        "the version before ends what waits on it"
    );
}

#[test]
fn an_engine_does_not_start_with_a_plugin_that_was_tampered_with() {
    let desk = packed();
    desk.ok("quell plugin add uptime-0.1.0.wasm --unsigned --yes
         quell actions uptime.ping --config quell.yaml");
    let file = std::fs::read_dir(desk.folder().join("plugins")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).next().unwrap();
    let good = std::fs::read(&file).unwrap();
    let mut turned = good.clone();
    *turned.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &turned).unwrap();
    let (code, said) = desk.refused("quell actions uptime.ping --config quell.yaml");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("PL0104") && said.contains("its digest is"),
        "{said}"
    );
    assert!(desk.ok("quell plugin list").contains("TAMPERED WITH"));
    std::fs::write(&file, &good).unwrap();

    // A lock that is turned to another file, or says what no lock says, is refused as well.
    let lock = desk.folder().join("plugins.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    let digest = text.split("sha256:").nth(1).unwrap()[..64].to_owned();
    std::fs::write(&lock, text.replace(&digest, &"0".repeat(64))).unwrap();
    let (_, said) = desk.refused("quell actions uptime.ping --config quell.yaml");
    assert!(said.contains("PL0104"), "{said}");
    std::fs::write(&lock, text.replace("\"grants\"", "\"grantz\"")).unwrap();
    let (_, said) = desk.refused("quell actions uptime.ping --config quell.yaml");
    assert!(said.contains("CF0101"), "{said}");
    // More than the manifest asks for can be granted there, and has no effect: the host takes both.
    std::fs::write(&lock, &text).unwrap();
    desk.ok("quell actions uptime.ping --config quell.yaml");
}

/// A service that blocks a device: what was asked, and whether it is blocked.
#[derive(Clone, Default)]
struct Block {
    posts: Arc<AtomicUsize>,
    bare: Arc<AtomicUsize>,
    slow_ms: Arc<AtomicUsize>,
}

async fn answer(
    State(block): State<Block>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> (StatusCode, String) {
    assert_eq!(uri.path(), "/api/v1/block");
    let key = headers.get("x-key").and_then(|key| key.to_str().ok());
    if key != Some("s3cret-of-the-service") {
        block.bare.fetch_add(1, Ordering::SeqCst);
    }
    if method == Method::GET {
        let blocked = block.posts.load(Ordering::SeqCst) > 0;
        let status = if blocked {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        return (status, String::new());
    }
    block.posts.fetch_add(1, Ordering::SeqCst);
    let slow = block.slow_ms.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(slow as u64)).await;
    // The service gives its own key away.
    (
        StatusCode::OK,
        format!("{{\"key\":\"{}\"}}", key.unwrap_or_default()),
    )
}

async fn service() -> (Block, String) {
    let block = Block::default();
    let app = Router::new().fallback(answer).with_state(block.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (block, url)
}

const PLAYBOOK: &str = "
version: 1
name: block
triggers:
  - id: any
    alert:
      source: mde
      match: {device.id|exists: true}
timeout: 1d
steps:
  - id: block
    uses: guest.act
    with: {device_id: \"${{ alert.device.id }}\"}
outputs: {ok: \"${{ steps.block.output.ok }}\"}
";

const YAML: &str = "
id: guest
version: 1.0.0
lang: wat
capabilities: [{ host: 'connection:box', methods: [GET, POST], paths: [/v1/block] }]
";

/// An engine whose containing action is a plugin's, against a service on loopback.
fn home(emulator: &actions_emulator::Emulator, url: &str) -> (Home, Desk) {
    let desk = Desk::new();
    std::fs::create_dir(desk.folder().join("guest")).unwrap();
    let text = guests::with_service(guests::BLOCK);
    std::fs::write(desk.folder().join("guest/plugin.wat"), text).unwrap();
    std::fs::write(desk.folder().join("guest/plugin.yaml"), YAML).unwrap();
    desk.ok("quell plugin build guest");
    let file = desk.folder().join("guest/build/guest.wasm");
    let grants = json!([
        { "host": "connection:box", "methods": ["GET", "POST"], "paths": ["/v1/block"],
          "effects": ["contain"] }
    ]);
    let connections = json!({ "box": { "url": url, "headers": { "x-key": "box_key" } } });
    let engine = json!({ "reconcile_window": "800ms" });
    let home = Home::new(emulator, &emulator.base_url(), &engine)
        .with(
            "plugins",
            &json!([{ "file": file, "grants": grants, "connections": connections }]),
        )
        .with("secrets", &json!({ "box_key": "env:BOX_KEY" }))
        .with("http", &json!({ "allow_loopback": true }))
        .playbook("block.yaml", PLAYBOOK);
    (home, desk)
}

fn serve(home: &Home) -> support::Served {
    let mut command = home.quell();
    command
        .args(["serve", "--config", "quell.yaml"])
        .env("BOX_KEY", "s3cret-of-the-service");
    support::Served::start(command, "QUELL_READY ")
}

async fn hand_in(served: &support::Served, alert: &Value) {
    let answer = served.client().post("/v1/alerts/mde", alert).await.unwrap();
    assert!(answer.status < 300, "{answer:?}");
}

/// What the engine says about its runs.
fn runs(served: &support::Served) -> String {
    let mut command = support::quell();
    command.env("TEST_KEY", support::KEY).args([
        "runs",
        "list",
        "--format",
        "json",
        "--url",
        &served.url,
        "--key",
        "env:TEST_KEY",
    ]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containment_by_a_plugin_is_asked_for_once_whenever_the_engine_is_killed() {
    let emulator = support::emulator(Options::seeded(5)).await;
    let (block, url) = service().await;
    let (home, _desk) = home(&emulator, &url);
    let machine = support::machines(&emulator).remove(0);
    // The service does it and is slow to say so; the engine dies meanwhile.
    block.slow_ms.store(60_000, Ordering::SeqCst);
    let served = serve(&home);
    hand_in(&served, &support::alert_for(&emulator, &machine, "one")).await;
    support::until("the request arrived", Duration::from_secs(20), async || {
        block.posts.load(Ordering::SeqCst) == 1
    })
    .await;
    served.kill();
    block.slow_ms.store(0, Ordering::SeqCst);
    let served = serve(&home);
    support::until("the run is over", Duration::from_secs(20), async || {
        runs(&served).contains("succeeded")
    })
    .await;
    assert_eq!(block.posts.load(Ordering::SeqCst), 1, "asked for once");
    assert_eq!(
        block.bare.load(Ordering::SeqCst),
        0,
        "each request with the credential"
    );
    // What the service gave away is nowhere on disk.
    let database = std::fs::read(home.database()).unwrap();
    let needle = b"s3cret-of-the-service";
    assert!(
        !database
            .windows(needle.len())
            .any(|window| window == needle)
    );
}
