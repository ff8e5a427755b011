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

/// Fixtures with one mistake each, named by what is wrong.
fn mistakes() -> Vec<String> {
    let folder = support::root().join("engine/playbook/tests/fixtures/mistakes");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let relative = path.strip_prefix(support::root()).unwrap_or(&path);
            relative.display().to_string()
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_reported_with_its_place_a_code_and_a_hint() {
    let files = mistakes();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let output = quell(&["lint", &file]);
        assert_eq!(output.status.code(), Some(3), "{file}");
        let shown = text(&output.stdout);
        let json = quell(&["lint", &file, "--format", "json"]);
        let findings: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
        let finding = findings.iter().find(|f| f["severity"] == "error").unwrap();
        let place = format!("{file}:{}:{}", finding["line"], finding["column"]);
        assert!(shown.contains(&place), "{place} is not in\n{shown}");
        assert!(finding["help"].is_string(), "{finding:#}");
        let code = finding["code"].as_str().unwrap();
        let page = quell(&["explain", code]);
        assert!(
            text(&page.stdout).starts_with(&format!("# {code}: ")),
            "{code}"
        );
    }
}

#[test]
fn every_shipped_playbook_is_valid() {
    let output = quell(&[
        "lint",
        "workflows",
        "examples",
        "--config",
        "examples/quell.yaml",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
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
