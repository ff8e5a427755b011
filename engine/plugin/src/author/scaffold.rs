//! The files of a new plugin.

use std::path::PathBuf;

use actions_interface::{sdk, templates};

use super::Lang;

/// What a new plugin in `lang` called `name` consists of; each file with its content.
#[must_use]
pub fn scaffold(lang: Lang, name: &str) -> Vec<(PathBuf, String)> {
    let path = match lang {
        Lang::Wat => "/v1/status",
        _ => "/v1/files",
    };
    let filled = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{lang}}", lang.as_str())
            .replace("{{path}}", path)
    };
    let own: &[(&str, &str)] = match lang {
        Lang::Rust => &[
            ("src/lib.rs", templates::RUST),
            ("Cargo.toml", templates::CARGO_TOML),
        ],
        Lang::Js => &[
            ("plugin.js", templates::JS),
            ("package.json", templates::JS_PACKAGE),
        ],
        Lang::Ts => &[
            ("plugin.ts", templates::TS),
            ("package.json", templates::TS_PACKAGE),
        ],
        Lang::Python => &[
            ("main.py", templates::PYTHON),
            ("requirements.txt", templates::REQUIREMENTS),
        ],
        Lang::C => &[
            ("plugin.c", templates::C),
            ("requirements.txt", templates::C_REQUIREMENTS),
        ],
        Lang::Wat => &[("plugin.wat", templates::WAT)],
    };
    let cases = match lang {
        Lang::Wat => templates::WAT_CASES,
        _ => templates::CASES,
    };
    let mut files = vec![
        ("plugin.yaml", templates::PLUGIN_YAML),
        ("tests/cases.yaml", cases),
        (".gitignore", templates::GITIGNORE),
    ];
    files.extend(own);
    let mut files: Vec<_> = files
        .into_iter()
        .map(|(path, text)| (PathBuf::from(path), filled(text)))
        .collect();
    files.extend(made(lang));
    files
}

/// The files that every build makes anew: the interface and what the language needs to speak it.
pub(super) fn made(lang: Lang) -> Vec<(PathBuf, String)> {
    let of_language: &[(&str, &str)] = match lang {
        Lang::Rust => &[("quell.rs", sdk::RUST)],
        Lang::Js | Lang::Ts => &[
            ("quell.js", sdk::JS),
            ("quell.d.ts", sdk::JS_TYPES),
            ("http.js", sdk::JS_HTTP),
            ("http.d.ts", sdk::JS_HTTP_TYPES),
        ],
        Lang::Python => &[("quell.py", sdk::PYTHON)],
        Lang::C => &[("quell.h", sdk::C)],
        Lang::Wat => &[],
    };
    of_language
        .iter()
        .chain(&[("plugin.wit", actions_interface::WIT)])
        .map(|(name, text)| (PathBuf::from("quell").join(name), (*text).to_owned()))
        .collect()
}
