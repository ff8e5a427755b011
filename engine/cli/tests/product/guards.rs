//! Guard rails of the real binary against the emulator: what is refused, stopped and written down.

use std::process::Output;
use std::time::Duration;

use actions_emulator::{Emulator, Fault, FaultMatch, FaultRule, Options};
use serde_json::{Value, json};

use crate::support::{self, Home, Served};

/// Isolates the device that an input names.
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
roles:
  domain_controller: [{tag: dc}, {group: Domain Controllers}]
never:
  - device: {role: domain_controller}
";

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// `quell` against a running engine, as the test's person.
fn quell(served: &Served, args: &[&str]) -> Output {
    let mut command = support::quell();
    command
        .args(args)
        .args(["--url", &served.url, "--key", "env:TEST_KEY"]);
    command.env("TEST_KEY", support::KEY).output().unwrap()
}

async fn world() -> Emulator {
    let mut options = Options::seeded(5);
    options.machines = 24;
    support::emulator(options).await
}

fn home(emulator: &Emulator, policy: &str) -> Home {
    let home = Home::new(
        emulator,
        &emulator.base_url(),
        &json!({ "follow_first": "50ms", "reconcile_window": "200ms" }),
    )
    .playbook("isolate.yaml", ISOLATE)
    .with("policy", &json!("policy.yaml"));
    home.file("policy.yaml", policy);
    home
}

/// Runs the playbook on this device in the foreground: exit code, and what it said.
fn isolate(home: &Home, device: &str) -> (Option<i32>, String) {
    let mut command = home.quell();
    command
        .args(["run", "playbooks/isolate.yaml", "--input"])
        .arg(format!("device={device}"));
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// Starts the playbook on this device over the API: how it ended.
async fn ended(served: &Served, device: &str, key: &str) -> String {
    let body = json!({ "playbook": "isolate", "inputs": { "device": device }, "key": key });
    let answer = served.client().post("/v1/runs", &body).await.unwrap();
    let path = format!("/v1/runs/{}", answer.body["run"].as_str().unwrap());
    let mut status = String::new();
    support::until("the run has ended", Duration::from_secs(20), async || {
        let answer = served.client().get(&path).await.unwrap();
        status = answer.body["status"].as_str().unwrap().to_owned();
        status != "running"
    })
    .await;
    status
}

fn isolated(emulator: &Emulator) -> Vec<String> {
    let state = emulator.state();
    let machines = state.tenants.iter().flat_map(|tenant| &tenant.machines);
    let isolated = machines.filter(|machine| machine.isolated);
    isolated.map(|machine| machine.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_controller_is_never_isolated_whatever_it_is_called_and_whatever_is_down() {
    let emulator = world().await;
    let home = home(&emulator, POLICY);
    let state = emulator.state();
    let machines = || state.tenants.iter().flat_map(|tenant| &tenant.machines);
    let of_group = |group: &str| machines().find(|machine| machine.group == group).unwrap();
    let controller = of_group("Domain Controllers");
    let short = controller.name.split('.').next().unwrap().to_uppercase();
    for device in [&controller.id, &controller.name, &short] {
        let (exit, said) = isolate(&home, device);
        assert_eq!(exit, Some(4), "{device}: {said}");
        assert!(said.contains("GR0102"), "{device}: {said}");
    }
    let (exit, said) = isolate(&home, "nobody-has-this-name");
    assert_eq!(exit, Some(4), "{said}");
    assert!(said.contains("GR0103"), "{said}");
    emulator.order_fault(FaultRule {
        on: FaultMatch::operation("defender.get-machine"),
        fault: Fault::Status {
            status: 500,
            retry_after_s: None,
            retry_in: actions_emulator::RetryIn::Header,
        },
        times: 1000,
    });
    let (exit, said) = isolate(&home, &controller.id);
    assert_eq!(exit, Some(4), "{said}");
    assert!(said.contains("GR0104"), "{said}");
    emulator.clear_faults();
    let posts = emulator.counts().posts;
    assert!(!posts.contains_key("defender.isolate-machine"));
    let workstation = of_group("Workstations");
    let short = workstation.name.split('.').next().unwrap();
    let (exit, said) = isolate(&home, short);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(isolated(&emulator), [workstation.name.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_the_ledger_and_the_log_are_operated_from_the_command_line() {
    let emulator = world().await;
    let home = home(&emulator, POLICY);
    let served = home.serve();
    let workstations: Vec<String> = {
        let state = emulator.state();
        let machines = state.tenants.iter().flat_map(|tenant| &tenant.machines);
        let of_people = machines.filter(|machine| machine.group == "Workstations");
        of_people.map(|machine| machine.id.clone()).collect()
    };
    let ended = async |device: &str, key: &str| ended(&served, device, key).await;
    assert_eq!(ended(&workstations[0], "k1").await, "succeeded");
    let halted = quell(&served, &["halt", "--reason", "wrong subnet"]);
    assert!(halted.status.success(), "{halted:?}");
    assert_eq!(ended(&workstations[1], "k2").await, "refused");
    let resumed = quell(&served, &["resume"]);
    assert!(resumed.status.success(), "{resumed:?}");
    let effects = json_of(&quell(&served, &["effects", "list", "--format", "json"]));
    assert_eq!(effects.as_array().unwrap().len(), 1, "{effects:#}");
    assert_eq!(effects[0]["target"], json!(workstations[0]));
    assert_eq!(effects[0]["state"], "done");
    let export = quell(&served, &["audit", "export"]);
    let lines = String::from_utf8(export.stdout).unwrap();
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].to_string())
        .collect();
    for kind in [
        "configuration",
        "started",
        "effect",
        "outcome",
        "switch",
        "refused",
    ] {
        assert!(kinds.contains(&format!("\"{kind}\"")), "{kind}: {kinds:?}");
    }

    check_the_log(&home, served);
}

/// Copies and verifies the log, changes a byte of it, and verifies it again.
fn check_the_log(home: &Home, served: Served) {
    let copy = home.file("placeholder", "").with_file_name("copy.db");
    let run = |args: &[&str]| {
        let mut command = home.quell();
        command.args(args).output().unwrap()
    };
    let backup = run(&["backup", copy.to_str().unwrap(), "--data", "data"]);
    assert!(backup.status.success(), "{backup:?}");
    let verified = run(&["audit", "verify", "--data", "data"]);
    assert!(verified.status.success(), "{verified:?}");
    served.kill();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let change = "UPDATE audit SET text = replace(text, 'wrong subnet', 'wrong subnes')
                  WHERE text LIKE '%wrong subnet%'";
    assert_eq!(
        connection.execute(change, []).unwrap(),
        2,
        "the switch and the refusal"
    );
    let first: u64 = connection
        .query_row(
            "SELECT min(seq) FROM audit WHERE text LIKE '%wrong subnes%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(connection);
    let verified = run(&["audit", "verify", "--data", "data"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(said.contains(&format!("entry {first} ")), "{said}");
    assert!(said.contains("ST0105"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_with_a_mistake_in_its_policy_does_not_start() {
    let emulator = world().await;
    let broken = "version: 1\nnever: [{device: {role: domain_controler}}]\n";
    let home = home(&emulator, broken);
    let mut command = home.quell();
    let output = command.args(["serve", "--config", "quell.yaml"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("CF0104") && said.contains("domain_controler"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_engine_with_every_playbook_that_ships_changes_nothing_and_reports_what_it_would() {
    let emulator = world().await;
    let mut home = home(&emulator, POLICY);
    for entry in std::fs::read_dir(support::root().join("workflows")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if name.ends_with(".yaml") && !name.contains(".test.") {
            home = home.playbook(&name, &text);
        }
    }
    let mut command = home.quell();
    command.args(["serve", "--dry-run", "--config", "quell.yaml"]);
    let served = Served::start(command, "QUELL_READY ");
    for (number, machine) in support::machines(&emulator).iter().enumerate() {
        let alert = support::alert_for(&emulator, machine, &format!("alert-{number}"));
        let answer = served.client().post("/v1/alerts", &alert).await.unwrap();
        assert!(answer.status < 300, "{answer:?}");
    }
    let playbooks = names(&home);
    assert!(playbooks.len() >= 3, "{playbooks:?}");
    for name in &playbooks {
        // Those without a start by hand, or with inputs of their own, are started by the alerts.
        let body = json!({ "playbook": name, "key": "dry", "alert": null });
        drop(served.client().post("/v1/runs", &body).await.unwrap());
    }
    support::until("every run has ended", Duration::from_secs(60), async || {
        let answer = served
            .client()
            .get("/v1/runs?status=running")
            .await
            .unwrap();
        answer.body["items"].as_array().unwrap().is_empty()
    })
    .await;
    let would = json_of(&quell(
        &served,
        &["effects", "list", "--dry-run", "--format", "json"],
    ));
    assert!(
        !would.as_array().unwrap().is_empty(),
        "nothing would be done"
    );
    nothing_changed(&emulator);
}

/// The names of the playbooks of a home.
fn names(home: &Home) -> Vec<String> {
    std::fs::read_dir(home.database().parent().unwrap().join("../playbooks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter_map(|text| {
            let name = text.lines().find_map(|line| line.strip_prefix("name: "))?;
            Some(name.trim().to_owned())
        })
        .collect()
}

/// The emulator got no request that changes anything.
fn nothing_changed(emulator: &Emulator) {
    let counts = emulator.counts();
    assert!(
        counts
            .posts
            .values()
            .all(std::collections::BTreeMap::is_empty),
        "{counts:?}"
    );
    let log = emulator.log(&actions_emulator::LogFilter::default());
    let changing: Vec<_> = log
        .iter()
        .filter(|entry| !matches!(entry.method.as_str(), "GET" | "HEAD"))
        .filter(|entry| {
            let operation = entry.operation.as_deref().unwrap_or_default();
            operation != "token" && !operation.contains("query")
        })
        .collect();
    assert!(changing.is_empty(), "{changing:#?}");
}
