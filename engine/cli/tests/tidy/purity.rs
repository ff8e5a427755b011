//! What code may not do: ask for the clock in a pure crate, silence a lint, be unsafe.

use crate::finding::Finding;
use crate::rust_file::RustFile;
use crate::tree::RUST;

/// The crates without clock, randomness, environment, files, network or async runtime.
pub(crate) const PURE: &[&str] = &[
    "actions/basic",
    "actions/catalog",
    "actions/contract",
    "actions/defender",
    "engine/model",
    "engine/playbook",
    "engine/run",
    "engine/trigger",
];

/// Places in pure crates that lift the ban on clock, chance, environment and files.
pub(crate) fn banned_calls() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        let package: Vec<&str> = file.path.split('/').take(2).collect();
        let pure = PURE.contains(&package.join("/").as_str());
        let lifted = file.find("disallowed_methods").into_iter();
        for offset in lifted.filter(|offset| pure && !file.is_test_at(*offset)) {
            let message = "a pure crate does not lift the ban; take the value as an argument";
            findings.push(finding(file, offset, "disallowed_methods", message));
        }
    }
    findings
}

/// Attributes that switch a lint off without noticing when it is no longer needed.
pub(crate) fn allows() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        for word in file.words().filter(|word| word.text == "allow") {
            let line_start = file.code[..word.start]
                .rfind('\n')
                .map_or(0, |newline| newline + 1);
            let before = &file.code[line_start..word.start];
            let called = file.code[word.start + word.text.len()..].starts_with('(');
            if called && (before.contains("#[") || before.contains("#![")) {
                let message = "write `#[expect(lint, reason = …)]`, which tells when it is stale";
                findings.push(finding(file, word.start, "allow", message));
            }
        }
    }
    findings
}

/// Where the one block is that the compiler does not check: it loads a plugin that was compiled.
const UNSAFE: &str = "engine/plugin/src/cache.rs";

/// Blocks, functions and implementations that the compiler does not check.
pub(crate) fn unsafe_code() -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in RUST.iter() {
        let allowed = usize::from(file.path == UNSAFE);
        for word in file
            .words()
            .filter(|word| word.text == "unsafe")
            .skip(allowed)
        {
            let message = "nothing here needs unsafe code";
            findings.push(finding(file, word.start, "unsafe", message));
        }
    }
    findings
}

fn finding(file: &RustFile, offset: usize, subject: &str, message: &str) -> Finding {
    Finding::at(&file.path, file.line(offset), subject, message.to_owned())
}
