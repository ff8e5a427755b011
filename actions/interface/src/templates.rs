//! The files of a new plugin; `{{name}}`, `{{lang}}` and `{{path}}` are filled in.

/// `plugin.yaml`.
pub const PLUGIN_YAML: &str = include_str!("../templates/plugin.yaml");
/// The cases of every language but text.
pub const CASES: &str = include_str!("../templates/cases.yaml");
/// What is not worth keeping.
pub const GITIGNORE: &str = "/build/\n/quell/\n/node_modules/\n/.venv/\n__pycache__/\n";
/// C.
pub const C: &str = include_str!("../templates/c/plugin.c");
/// What a plugin in C is built with.
pub const C_REQUIREMENTS: &str = "ziglang==0.17.0\n";
/// JavaScript.
pub const JS: &str = include_str!("../templates/js/plugin.js");
/// What a plugin in JavaScript is built with.
pub const JS_PACKAGE: &str = include_str!("../templates/js/package.json");
/// TypeScript.
pub const TS: &str = include_str!("../templates/ts/plugin.ts");
/// What a plugin in TypeScript is built with.
pub const TS_PACKAGE: &str = include_str!("../templates/ts/package.json");
/// Python.
pub const PYTHON: &str = include_str!("../templates/python/main.py");
/// What a plugin in Python is built with.
pub const REQUIREMENTS: &str = "componentize-py==0.25.1\n";
/// Rust.
pub const RUST: &str = include_str!("../templates/rust/lib.rs");
/// `Cargo.toml` of a plugin in Rust.
pub const CARGO_TOML: &str = include_str!("../templates/rust/Cargo.toml.txt");
/// WebAssembly text.
pub const WAT: &str = include_str!("../templates/wat/plugin.wat");
/// The cases of a plugin in WebAssembly text.
pub const WAT_CASES: &str = include_str!("../templates/wat/cases.yaml");
