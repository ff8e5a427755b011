//! Actions of Defender through the whole product: files into the store, scripts, batches.

use std::process::Output;

use actions_emulator::{Emulator, LogFilter, Options};
use serde_json::{Value, json};

use crate::support::{self, Home};

async fn world() -> (Emulator, String) {
    let emulator = support::emulator(Options::seeded(5)).await;
    let machine = emulator.demo_alert()["machineId"]
        .as_str()
        .unwrap()
        .to_owned();
    (emulator, machine)
}

fn home(emulator: &Emulator) -> Home {
    let engine = json!({ "follow_first": "100ms", "follow_max": "500ms" });
    Home::new(emulator, &emulator.base_url(), &engine)
}

/// Runs a playbook of steps in the foreground; the run as JSON.
fn run(home: Home, head: &str, steps: &str, machine: &str) -> (Home, Value, Output) {
    let text = format!(
        "version: 1\nname: case\ninputs: {{machine: {{type: string}}}}\n{head}\nsteps:\n{steps}"
    );
    let home = home.playbook("case.yaml", &text);
    let output = home
        .quell()
        .args(["run", "playbooks/case.yaml", "--format", "json", "--input"])
        .arg(format!("machine={machine}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // The last line says what it came to.
    let last = said.lines().last().unwrap_or_default();
    let run = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (home, run, output)
}

/// The outputs of a run that succeeded.
fn outputs(run: &Value) -> &Value {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    &run["outputs"]
}

/// Where a run in the foreground keeps files.
fn store(home: &Home) -> std::path::PathBuf {
    home.database().with_file_name("foreground").join("files")
}

/// The content of a file in the store.
fn stored(home: &Home, kept: &Value) -> Vec<u8> {
    let sha256 = kept["sha256"].as_str().unwrap();
    let place = store(home);
    let content = std::fs::read(place.join(&sha256[..2]).join(sha256)).unwrap();
    assert_eq!(kept["size_bytes"], content.len());
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_a_fetched_file_and_an_export_end_in_the_store_and_not_in_the_journal() {
    let (emulator, machine) = world().await;
    let steps = r#"
  - id: package
    uses: defender.collect-investigation-package
    with: {machine_id: "${{ inputs.machine }}", comment: Case 7}
  - id: kept_package
    uses: defender.download-investigation-package
    with: {machine_action_id: "${{ steps.package.output.id }}"}
  - id: session
    uses: defender.run-live-response
    with:
      machine_id: ${{ inputs.machine }}
      comment: Case 7
      commands:
        - {type: GetFile, params: [{key: Path, value: "C:\\temp\\a-file-of-the-attacker.txt"}]}
  - id: kept_file
    uses: defender.download-live-response-result
    with: {machine_action_id: "${{ steps.session.output.id }}", command_index: 0}
  - id: export
    uses: defender.export-software-inventory-assessment-files
  - id: kept_export
    uses: defender.download-export-file
    with: {link: "${{ steps.export.output.export_files[0] }}"}
outputs:
  package: ${{ steps.kept_package.output }}
  file: ${{ steps.kept_file.output }}
  export: ${{ steps.kept_export.output }}
"#;
    let (home, run, _) = run(home(&emulator), "", steps, &machine);
    let outputs = outputs(&run);
    assert_eq!(stored(&home, &outputs["package"])[..4], *b"PK\x05\x06");
    assert_eq!(outputs["package"]["media_type"], "application/zip");
    let said = stored(&home, &outputs["file"]);
    assert_eq!(said, b"C:\\temp\\a-file-of-the-attacker.txt");
    assert_eq!(stored(&home, &outputs["export"])[..2], [0x1f, 0x8b]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_larger_than_it_may_be_ends_the_step_and_leaves_nothing() {
    let (emulator, machine) = world().await;
    let steps = r#"
  - id: package
    uses: defender.collect-investigation-package
    with: {machine_id: "${{ inputs.machine }}", comment: Case 7}
  - id: kept
    uses: defender.download-investigation-package
    with: {machine_action_id: "${{ steps.package.output.id }}", size_bytes_max: 5}
"#;
    let (home, run, _) = run(home(&emulator), "", steps, &machine);
    assert_eq!(run["status"], "failed", "{run:#}");
    assert!(run.to_string().contains("BR0205"), "{run:#}");
    // The folder is not even there where the size was known beforehand.
    let left = std::fs::read_dir(store(&home)).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_goes_into_the_library_runs_on_a_device_and_is_heard() {
    let (emulator, machine) = world().await;
    let steps = r#"
  - id: upload
    uses: defender.upload-library-file
    with:
      file_name: look.ps1
      content: "Get-Process\n"
      description: Looks
      override_if_exists: true
  - id: session
    uses: defender.run-live-response
    with:
      machine_id: ${{ inputs.machine }}
      comment: Case 7
      commands:
        - {type: RunScript, params: [{key: ScriptName, value: look.ps1}, {key: Args, value: -v}]}
  - id: said
    uses: defender.get-live-response-output
    with: {machine_action_id: "${{ steps.session.output.id }}", command_index: 0}
outputs: {said: "${{ steps.said.output }}"}
"#;
    let (_, run, _) = run(home(&emulator), "", steps, &machine);
    let said = &outputs(&run)["said"];
    assert_eq!(
        (&said["script_name"], &said["exit_code"]),
        (&json!("look.ps1"), &json!(0))
    );
    assert_eq!(said["script_output"], "look.ps1 ran with \"-v\"");
}

const IMPORT: &str = r#"
  - id: block
    uses: defender.import-indicators
    with:
      indicators:
        - {indicator_value: 198.51.100.7, indicator_type: IpAddress, action: Block,
           title: Case 7, description: Command server}
        - {indicator_value: evil.example, indicator_type: DomainName, action: Block,
           title: Case 7, description: Command server}
outputs: {failed: "${{ steps.block.output.failed }}"}
"#;

fn imports(emulator: &Emulator) -> usize {
    let log = emulator.log(&LogFilter::default());
    log.iter()
        .filter(|entry| entry.path.ends_with("/import"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_indicators_passes_the_guard_rails_each_of_them_or_none() {
    let (emulator, machine) = world().await;
    for (head, code) in [
        ("guard: {never: [{domain: {id: evil.example}}]}", "GR0102"),
        (
            "guard: {limits: [{effect: contain, max: 5, per: 1h, scope: playbook}]}",
            "GR0106",
        ),
        ("guard: {max_targets: 1}", "GR0106"),
    ] {
        let (_, run, _) = run(home(&emulator), head, IMPORT, &machine);
        assert_ne!(run["status"], "succeeded", "{head}");
        assert!(run.to_string().contains(code), "{head}: {run:#}");
    }
    assert_eq!(imports(&emulator), 0);
    let (_, run, _) = run(home(&emulator), "", IMPORT, &machine);
    assert_eq!(outputs(&run)["failed"], 0);
    assert_eq!(imports(&emulator), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_its_one_target_in_a_list_is_guarded_and_done() {
    let (emulator, machine) = world().await;
    let steps = r#"
  - id: mails
    uses: graph.list-analyzed-emails
    with: {start_time: "2020-01-01T00:00:00Z", end_time: "2099-01-01T00:00:00Z"}
  - id: alert
    uses: graph.list-security-alerts
  - id: risky
    uses: graph.confirm-risky-users-compromised
    with:
      user_ids:
        - ${{ steps.alert.output.value[0].evidence[1].user_account.azure_ad_user_id }}
  - id: remove
    uses: graph.remediate-emails
    with:
      display_name: Case 7
      description: Phishing
      severity: high
      action: softDelete
      analyzed_emails:
        - network_message_id: ${{ steps.mails.output.value[0].network_message_id }}
          recipient_email_address: ${{ steps.mails.output.value[0].recipient_email_address }}
outputs: {location: "${{ steps.remove.output.location }}"}
"#;
    let (_, run, _) = run(home(&emulator), "", steps, &machine);
    assert!(outputs(&run)["location"].is_string());
}

/// What `quell permissions` says of a file or a folder.
fn permissions(path: &str) -> Value {
    let mut command = support::quell();
    let output = command
        .args(["permissions", path, "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn the_permissions_of_what_ships_are_documented_ones_and_no_more_than_it_takes() {
    let one = permissions("workflows/contain-workstation.yaml");
    assert_eq!(
        one,
        json!({ "mde": {
            "application": ["Alert.ReadWrite.All", "Machine.Isolate", "Machine.Read.All"],
            "delegated": ["Alert.ReadWrite", "Machine.Isolate", "Machine.Read"],
            "impossible": {},
        } })
    );
    let documented =
        std::fs::read_to_string(support::root().join("actions/catalog/tests/documented.json"));
    let documented: Value = serde_json::from_str(&documented.unwrap()).unwrap();
    let all = permissions("workflows");
    for (api, needed) in all.as_object().unwrap() {
        for context in ["application", "delegated"] {
            for name in needed[context].as_array().unwrap() {
                let has = |operation: &Value| {
                    let names = operation[context].as_array().unwrap();
                    operation["api"] == **api && names.contains(name)
                };
                assert!(
                    documented.as_array().unwrap().iter().any(has),
                    "{api} {name}"
                );
            }
        }
    }
}

#[test]
fn the_list_of_actions_has_every_documented_operation_as_its_page_writes_it() {
    let path = support::root().join("actions/catalog/tests/documented.json");
    let documented: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let output = support::quell()
        .args(["actions", "--format", "json"])
        .output()
        .unwrap();
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(documented.len(), 192);
    for operation in &documented {
        let mut listed = list.iter().filter(|row| row["id"] == operation["id"]);
        let row = listed.next().unwrap_or_else(|| panic!("{operation}"));
        let version = row["version"].as_str().map(|version| format!("/{version}"));
        let path = format!(
            "{}{}",
            version.unwrap_or_default(),
            row["path"].as_str().unwrap()
        );
        assert_eq!(path, operation["path"], "{row}");
        assert_eq!(
            (
                &row["method"],
                &row["permissions_application"],
                &row["permissions_delegated"]
            ),
            (
                &operation["method"],
                &operation["application"],
                &operation["delegated"]
            ),
            "{row}"
        );
        let is_graph = row["api"] == "graph";
        assert_eq!(row["version"].is_string(), is_graph, "{row}");
    }
}
