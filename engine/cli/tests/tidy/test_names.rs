//! What tests are called, and which of them `cargo test` leaves to `.ci/run`.

use crate::finding::Finding;
use crate::rust_file::RustFile;
use crate::tree::{RUST, file};

/// The reasons to ignore a test: how the reason begins, and how the name then begins.
const REASONS: &[(&str, &str)] = &[("long: ", "campaign_"), ("needs ", "real_")];

const WORDS_MIN: usize = 3;
const RUNNER: &str = ".ci/run";

/// Tests whose name is too short to say what holds.
pub(crate) fn short_names() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        for attribute in ["#[test]", "#[tokio::test"] {
            for offset in file.find(attribute) {
                let Some(name) = file.next_function(offset) else {
                    continue;
                };
                // A macro gives it its name.
                if file.text[..name.start].ends_with('$') {
                    continue;
                }
                let words = name.text.split('_').filter(|word| !word.is_empty()).count();
                if words < WORDS_MIN {
                    let message = format!("`{}`: the name of a test is a sentence", name.text);
                    let line = file.line(name.start);
                    findings.push(Finding::at(&file.path, line, name.text, message));
                }
            }
        }
    }
    findings
}

/// Ignored tests that `.ci/run` would not find, or that wait for something it does not install.
pub(crate) fn ignored() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        for offset in file.find("#[ignore") {
            let Some(name) = file.next_function(offset) else {
                continue;
            };
            if let Some(message) = breach(reason(file, offset), name.text) {
                let line = file.line(offset);
                findings.push(Finding::at(&file.path, line, name.text, message));
            }
        }
    }
    findings
}

/// The reason of the attribute at `offset`; empty when it has none.
fn reason(file: &RustFile, offset: usize) -> &str {
    let attribute = &file.text[offset..];
    let attribute = attribute
        .split_once(']')
        .map_or(attribute, |(head, _)| head);
    attribute.split('"').nth(1).unwrap_or_default()
}

fn breach(reason: &str, name: &str) -> Option<String> {
    let Some((begins, prefix)) = REASONS
        .iter()
        .find(|(begins, _)| reason.starts_with(begins))
    else {
        return Some(format!(
            "`{name}`: the reason begins with `long: ` or `needs PART: `"
        ));
    };
    if !name.starts_with(prefix) {
        return Some(format!(
            "`{name}` is ignored as `{begins}…`, so it begins with `{prefix}`"
        ));
    }
    let part = reason
        .strip_prefix("needs ")?
        .split([':', ' '])
        .next()
        .unwrap_or_default();
    let runner = file(RUNNER).map_or("", |file| file.text.as_str());
    let installs = runner.contains(&format!("\npart_{part}() {{"));
    (!installs).then(|| format!("`{name}` needs `{part}`; {RUNNER} has no `part_{part}`"))
}
