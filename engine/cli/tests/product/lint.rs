//! `quell lint`, `quell explain` and `quell schema` as people meet them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support;

fn quell(args: &[&str]) -> Output {
    support::quell().args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One mistake each: the file, the place of the offending token, the code.
const MISTAKES: [(&str, usize, usize, &str); 8] = [
    ("bad-indent", 19, 6, "PB0101"),
    ("duplicate-free-key", 25, 7, "PB0102"),
    ("duplicate-key", 17, 5, "PB0102"),
    ("missing-uses", 15, 5, "PB0203"),
    ("unknown-key", 17, 5, "PB0201"),
    ("unknown-step", 26, 20, "PB0301"),
    ("unquoted-braces", 14, 16, "PB0202"),
    ("wrong-type", 18, 21, "PB0202"),
];

#[test]
fn every_mistake_is_reported_with_its_place_a_code_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for (name, line, column, code) in MISTAKES {
        let fixture = format!("engine/playbook/tests/fixtures/mistakes/{name}.yaml");
        let fixture = std::fs::read_to_string(support::root().join(fixture)).unwrap();
        // The fixtures are written for made-up actions; these lines make them fit the real ones.
        let fixture = fixture
            .replace("defender.isolate-machine", "defender.unisolate-machine")
            .replace("rows_max: 50", "# fifty rows will do");
        let path = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&path, fixture).unwrap();
        let file = path.to_str().unwrap();
        let output = quell(&["lint", file]);
        assert_eq!(output.status.code(), Some(3), "{name}");
        let shown = text(&output.stdout);
        let place = format!("{file}:{line}:{column}: error[{code}]");
        assert!(shown.contains(&place), "{place} is not in\n{shown}");
        let json = quell(&["lint", file, "--format", "json"]);
        let findings: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(findings.len(), 1, "{name}: {findings:#?}");
        assert!(findings[0]["help"].is_string(), "{name}: {findings:#?}");
        let page = quell(&["explain", code]);
        assert!(
            text(&page.stdout).starts_with(&format!("# {code}: ")),
            "{code}"
        );
    }
}

#[test]
fn every_shipped_playbook_is_valid() {
    let alone = quell(&["lint", "workflows", "examples"]);
    assert_eq!(alone.status.code(), Some(0), "{}", text(&alone.stdout));
    let plugin = "examples/plugins/decode-powershell/playbooks";
    let with = quell(&["lint", plugin, "--config", "examples/quell.yaml"]);
    assert_eq!(with.status.code(), Some(0), "{}", text(&with.stdout));
}

#[test]
fn the_generated_files_are_up_to_date() {
    let output = quell(&["schema", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn a_generated_file_that_was_changed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    assert_eq!(quell(&["schema", "--out", out]).status.code(), Some(0));
    let path = folder.path().join("playbook.schema.json");
    let changed = std::fs::read_to_string(&path)
        .unwrap()
        .replacen("playbook", "program", 1);
    std::fs::write(&path, changed).unwrap();
    let output = quell(&["schema", "--check", "--out", out]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("stale playbook.schema.json"));
}

#[test]
fn an_unknown_code_is_wrong_usage() {
    let output = quell(&["explain", "PB9999"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("PB0101"));
}

#[test]
fn a_bomb_a_huge_file_and_deep_nesting_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = (0..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let next = level + 1;
        let items = vec![format!("*a{level}"); 9].join(", ");
        format!("{text}a{next}: &a{next} [{items}]\n")
    });
    let cases = [
        ("bomb.yaml", bomb, "PB0103"),
        ("huge.yaml", "x".repeat(10 << 20), "PB0104"),
        (
            "deep.yaml",
            format!("steps: {}{}", "[".repeat(20_000), "]".repeat(20_000)),
            "PB0104",
        ),
        ("twice.yaml", "name: a\nname: b\n".to_owned(), "PB0102"),
    ];
    for (name, content, code) in cases {
        let path: &Path = &folder.path().join(name);
        std::fs::write(path, content).unwrap();
        let output = quell(&["lint", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{name}");
        assert!(
            text(&output.stdout).contains(code),
            "{name}: {}",
            text(&output.stdout)
        );
    }
}

#[test]
fn the_permissions_of_playbooks_are_the_least_documented_ones() {
    let args = [
        "permissions",
        "workflows/contain-workstation.yaml",
        "workflows/daily-hunt.yaml",
        "--format",
        "json",
    ];
    let needed: Value = serde_json::from_slice(&quell(&args).stdout).unwrap();
    assert_eq!(
        needed["mde"]["application"],
        serde_json::json!(["Alert.ReadWrite.All", "Machine.Isolate", "Machine.Read.All"])
    );
    assert_eq!(
        needed["xdr"]["application"],
        serde_json::json!(["AdvancedHunting.Read.All"])
    );
}

#[test]
fn triggers_that_every_alert_is_tried_against_are_counted_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("risk.yaml");
    let playbook = "version: 1\nname: risk\ntriggers:\n  - id: high\n    \
                    alert: {source: mde, match: {raw.score|gte: 80}}\nsteps:\n  \
                    - {id: end, stop: {status: succeeded}}\n";
    std::fs::write(&path, playbook).unwrap();
    let shown = text(&quell(&["lint", path.to_str().unwrap()]).stdout);
    let named = "1 trigger is tried against every alert";
    assert!(shown.contains(named), "{shown}");
    assert!(
        shown.contains("risk.yaml: triggers[0].alert.match"),
        "{shown}"
    );
    assert!(shown.contains("PB0807"), "{shown}");
}

/// Every whole playbook of the guides to storm control and schedules is one that loads.
#[test]
fn the_playbooks_in_the_guides_have_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for guide in ["storm-control.md", "schedules.md"] {
        let text = std::fs::read_to_string(support::root().join("docs").join(guide)).unwrap();
        for snippet in text.split("```yaml\n").skip(1) {
            let playbook = snippet.split("```").next().unwrap();
            if playbook.starts_with("version: 1") {
                count += 1;
                std::fs::write(folder.path().join(format!("{count}.yaml")), playbook).unwrap();
            }
        }
    }
    assert_eq!(count, 6);
    let output = quell(&["lint", folder.path().to_str().unwrap()]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(!shown.contains("warning["), "{shown}");
}
