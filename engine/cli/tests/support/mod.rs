//! The real binary as a process, and an emulator for it to talk to.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actions_emulator::{Emulator, Options};
use engine_broker::ControlClient;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The key of every test's person.
pub(crate) const KEY: &str = "test-key";

/// An emulator that listens, for as long as the runtime lives.
pub(crate) async fn emulator(options: Options) -> Emulator {
    let emulator = Emulator::new(options);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let listening = emulator.listen(listener).unwrap();
    tokio::spawn(listening.run(std::future::pending()));
    emulator
}

/// A folder with a configuration and playbooks for one engine.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    secret: String,
}

impl Home {
    /// An engine that works against `emulator`, reaching Defender at `mde_url`; `engine` is the
    /// `engine:` part of the configuration.
    pub(crate) fn new(emulator: &Emulator, mde_url: &str, engine: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = emulator.base_url();
        let tenant = emulator.options().tenants.first().unwrap();
        let config = json!({
            "listen": "127.0.0.1:0",
            "data_dir": "data",
            "playbooks": ["playbooks"],
            "tenant": tenant.id,
            "people": [{ "name": "tester", "roles": ["soc-lead"], "key": "env:TEST_KEY" }],
            "engine": engine,
            "connections": {
                "prod": {
                    "context": "application",
                    "tenant": tenant.id,
                    "client_id": tenant.client_id,
                    "authority": url,
                    "apis": ["mde", "xdr", "graph"],
                    "base_urls": { "mde": mde_url, "xdr": url, "graph": url },
                    "credential": { "type": "secret", "secret": "env:TEST_SECRET" },
                    "limits": "off",
                },
            },
        });
        std::fs::write(folder.path().join("quell.yaml"), config.to_string()).unwrap();
        std::fs::create_dir(folder.path().join("playbooks")).unwrap();
        Self {
            folder,
            secret: tenant.client_secret.clone(),
        }
    }

    /// Puts a playbook into the folder.
    pub(crate) fn playbook(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join("playbooks").join(name), text).unwrap();
        self
    }

    /// Sets one more key of the configuration.
    pub(crate) fn with(self, key: &str, value: &Value) -> Self {
        let path = self.config();
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[key] = value.clone();
        std::fs::write(path, config.to_string()).unwrap();
        self
    }

    /// Writes a file that the engine does not know of; its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The binary with the environment of this engine, in its folder.
    pub(crate) fn quell(&self) -> Command {
        let mut command = quell();
        command
            .current_dir(self.folder.path())
            .env("TEST_KEY", KEY)
            .env("TEST_SECRET", &self.secret);
        command
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("quell.yaml")
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data").join("quell.db")
    }

    /// Starts the engine and waits until it takes alerts.
    pub(crate) fn serve(&self) -> Served {
        let mut command = self.quell();
        command.args(["serve", "--config"]).arg(self.config());
        Served::start(command, "QUELL_READY ")
    }
}

/// The binary under test.
pub(crate) fn quell() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quell"));
    command.stdin(Stdio::null()).current_dir(root());
    command
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A process that serves; killed when dropped, the hard way.
pub(crate) struct Served {
    child: Child,
    /// Where it serves.
    pub(crate) url: String,
    /// How long it took until it said so.
    pub(crate) ready_after: Duration,
}

impl Served {
    /// Starts a process and waits for its line that begins with `ready`.
    pub(crate) fn start(mut command: Command, ready: &str) -> Self {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines
                .next()
                .expect("the process ended before it was ready")
                .unwrap();
            if let Some(address) = line.strip_prefix(ready) {
                break format!("http://{}", address.trim_start_matches("http://"));
            }
        };
        Self {
            child,
            url,
            ready_after: began.elapsed(),
        }
    }

    /// Calls its API as the test's person.
    pub(crate) fn client(&self) -> ControlClient {
        ControlClient::new(&self.url, KEY).unwrap()
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Already gone where the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The emulator's alert, made out for another machine, under another id.
pub(crate) fn alert_for(emulator: &Emulator, machine: &str, id: &str) -> Value {
    let mut alert = emulator.demo_alert();
    alert["id"] = json!(id);
    alert["machineId"] = json!(machine);
    alert
}

/// The ids of the emulator's machines.
pub(crate) fn machines(emulator: &Emulator) -> Vec<String> {
    let state = emulator.state();
    let machines = state.tenants.iter().flat_map(|tenant| &tenant.machines);
    machines.map(|machine| machine.id.clone()).collect()
}

/// Waits until `done`, at most `limit`.
pub(crate) async fn until<F: AsyncFnMut() -> bool>(what: &str, limit: Duration, mut done: F) {
    let began = Instant::now();
    while !done().await {
        assert!(
            began.elapsed() < limit,
            "waited {limit:?} in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
