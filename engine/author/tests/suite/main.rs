//! Tests of playbooks, tested: those that ship, and what authors get wrong.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the playbooks that ship are read from their folder, or the tests cannot go on"
)]

mod guide;
mod library;
mod mistakes;
mod worlds;

use std::path::Path;
use std::sync::Arc;

use actions_contract::{ActionInfo, Confidence, Effect, Idempotency};
use engine_author::testing::{Broken, Materials, Suite, TestText};
use engine_driver::PlaybookText;
use engine_playbook::render::{self, Colour, Source};
use serde_json::json;

/// The actions that playbooks may use: the catalog's, and the example plugin's.
fn infos() -> Vec<Arc<ActionInfo>> {
    let mut infos = actions_catalog::infos(actions_catalog::Options::default());
    infos.push(decoder());
    infos.into_iter().map(Arc::new).collect()
}

/// `examples/plugins/decode-powershell`, as far as a playbook sees it.
fn decoder() -> ActionInfo {
    ActionInfo {
        id: "ps-decode.decode".parse().unwrap(),
        major: 1,
        title: "Decodes a command line".to_owned(),
        description: String::new(),
        effect: Effect::Read,
        idempotency: Idempotency::Natural,
        parameters: json!({
            "type": "object",
            "properties": { "command_line": { "type": "string" } },
        }),
        output: json!({
            "type": "object",
            "properties": { "found": { "type": "boolean" }, "decoded": { "type": "string" } },
            "required": ["found", "decoded"],
        }),
        target: None,
        settles: false,
        api: None,
        method: None,
        path: None,
        permissions_application: Vec::new(),
        permissions_delegated: Vec::new(),
        rate: None,
        beta: false,
        confidence: Confidence::Derived,
        source: None,
        example: json!({}),
        example_output: json!({ "found": true, "decoded": "IEX" }),
    }
}

/// The playbooks that ship, and that of the example plugin: the files that end so, by their names.
fn files(end: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["workflows", "examples/plugins/decode-powershell/playbooks"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(end) {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((format!("{folder}/{name}"), text));
            }
        }
    }
    files.sort();
    files
}

fn suite(tests: Vec<(String, String)>, playbooks: Vec<(String, String)>) -> (Suite, Vec<Broken>) {
    let tests: Vec<TestText> = tests
        .into_iter()
        .map(|(path, text)| TestText { path, text })
        .collect();
    let playbooks = playbooks
        .into_iter()
        .map(|(path, text)| PlaybookText { path, text });
    Suite::read(
        &tests,
        Materials {
            infos: infos(),
            resolvers: actions_catalog::resolvers(),
            playbooks: playbooks.collect(),
        },
    )
}

/// The problems of files, as `quell test` prints them.
fn shown(broken: &[Broken]) -> String {
    let mut out = String::new();
    for broken in broken {
        let source = Source {
            file: &broken.path,
            text: &broken.text,
        };
        out.push_str(&render::human(source, &broken.diagnostics, Colour::No));
    }
    out
}
