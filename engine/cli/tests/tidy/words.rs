//! Words that are not written here: empty names, and places that only one machine has.

use crate::finding::Finding;
use crate::tree::{FILES, RUST};

/// Words that fit everything and so say nothing.
const EMPTY: &[&str] = &[
    "base", "common", "data", "helper", "info", "manager", "util",
];

/// What introduces the name of a type or an inline module.
const NAMING: &[&str] = &["enum", "mod", "struct", "trait", "type", "union"];

/// Hosts of package registries and paths of one machine, cut so that they do not stand here.
const PLACES: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
    concat!("index", "-url"),
    concat!("/wo", "rk/"),
    concat!("/root", "/"),
];

/// Files, modules and types whose name says nothing.
pub(crate) fn empty_names() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        let parts = file
            .path
            .trim_end_matches(".rs")
            .split(['/', '_', '-', '.']);
        for word in parts.filter(|part| is_empty(part)) {
            findings.push(Finding::file(
                &file.path,
                word,
                format!("`{word}` says nothing"),
            ));
        }
        let mut before = "";
        for word in file.words() {
            let elsewhere =
                before == "mod" && declared_elsewhere(&file.code, word.start + word.text.len());
            let named = NAMING.contains(&before) && !elsewhere;
            before = word.text;
            let parts = if named {
                name_parts(word.text)
            } else {
                Vec::new()
            };
            if let Some(part) = parts.into_iter().find(|part| is_empty(part)) {
                let message = format!("`{}`: `{part}` says nothing", word.text);
                let line = file.line(word.start);
                findings.push(Finding::at(&file.path, line, word.text, message));
            }
        }
    }
    findings
}

/// `mod name;` is judged where the file lies.
fn declared_elsewhere(code: &str, end: usize) -> bool {
    code[end..].trim_start().starts_with(';')
}

fn is_empty(word: &str) -> bool {
    let word = word.to_lowercase();
    EMPTY
        .iter()
        .any(|empty| word == *empty || word.strip_suffix('s') == Some(empty))
}

/// `RunInfo` and `run_info` as `Run`, `Info` and `run`, `info`.
fn name_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for character in name.chars() {
        if character == '_' || character.is_uppercase() {
            parts.push(String::new());
        }
        if character != '_' {
            parts
                .last_mut()
                .expect("there is always a part")
                .push(character);
        }
    }
    parts
}

/// Hosts and paths that mean nothing on the reader's machine.
pub(crate) fn foreign_places() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in FILES.iter().filter(|file| !file.path.ends_with(".lock")) {
        for (index, line) in file.text.lines().enumerate() {
            for place in PLACES.iter().filter(|place| line.contains(**place)) {
                let message = format!("`{place}` means nothing on another machine");
                findings.push(Finding::at(&file.path, index + 1, place, message));
            }
        }
    }
    findings
}
