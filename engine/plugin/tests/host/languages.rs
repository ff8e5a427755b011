//! The same plugin in every language, and the plugins that ship as examples: one table of cases.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "plugins are written to a folder, and what a build took is printed"
)]

use std::path::{Path, PathBuf};

use engine_plugin::author::{Cases, Lang, Project, build, run_case, scaffold};
use engine_plugin::{Host, HostConfig, Manifest, PluginConfig};
use tokio::runtime::Runtime;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Builds the plugin of a folder and holds it against its cases; how many there are.
#[track_caller]
fn check(folder: &Path) -> usize {
    let project = Project::read(folder).unwrap();
    let began = std::time::Instant::now();
    let built = build(&project).unwrap_or_else(|error| panic!("{error}"));
    let file = std::fs::read(built).unwrap();
    let (took, kib) = (began.elapsed().as_millis(), file.len() / 1024);
    println!(
        "{} in {}: {kib} KiB in {took} ms",
        project.manifest.id, project.lang
    );
    let manifest = Manifest::read(&file).unwrap();
    let runtime = Runtime::new().unwrap();
    let host = Host::new(HostConfig::default()).unwrap();
    let mut count = 0;
    for path in project.case_files() {
        let text = std::fs::read_to_string(path).unwrap();
        let cases: Cases = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        let config = PluginConfig::for_trial(&manifest, cases.config);
        let loaded = runtime
            .block_on(host.load(&file, &config))
            .unwrap_or_else(|e| panic!("{e}"));
        for case in &cases.cases {
            let verdict = runtime.block_on(run_case(&loaded, case));
            assert!(
                verdict.complaints.is_empty(),
                "{}: {:#?}",
                case.name,
                verdict
            );
            count += 1;
        }
    }
    count
}

/// A new plugin, as `quell plugin new` writes it.
fn new(lang: Lang) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in scaffold(lang, "reputation") {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The new plugin of a language and every example in it.
#[track_caller]
fn check_language(lang: Lang) {
    assert_eq!(check(new(lang).path()), 9, "the table of cases");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
    let folders = std::fs::read_dir(examples).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut found = 0;
    for folder in folders.filter(|f| f.is_dir()) {
        if Project::read(&folder)
            .unwrap_or_else(|e| panic!("{e}"))
            .lang
            != lang
        {
            continue;
        }
        let place = tempfile::tempdir().unwrap();
        copy(&folder, place.path());
        assert!(check(place.path()) >= 4, "{}", folder.display());
        found += 1;
    }
    assert!(found > 0, "no example in {lang}");
}

#[test]
fn a_new_plugin_in_text_is_built_without_tools_and_holds_its_cases() {
    assert_eq!(check(new(Lang::Wat).path()), 2);
}

#[test]
fn a_tool_that_is_missing_or_refuses_is_told_with_its_words() {
    let folder = new(Lang::Wat);
    std::fs::write(folder.path().join("plugin.wat"), "(module (oops))").unwrap();
    let project = Project::read(folder.path()).unwrap();
    let error = build(&project).unwrap_err().to_string();
    assert!(error.contains("oops"), "{error}");
}

#[test]
fn every_example_has_a_page_and_cases() {
    let examples: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
    let mut langs = Vec::new();
    for entry in std::fs::read_dir(examples).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let project = Project::read(&folder).unwrap_or_else(|error| panic!("{error}"));
        assert!(folder.join("README.md").is_file(), "{}", folder.display());
        let text = std::fs::read_to_string(&project.case_files()[0]).unwrap();
        let cases: Cases = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        assert!(cases.cases.len() >= 4, "{}", folder.display());
        langs.push(project.lang.as_str());
    }
    langs.sort_unstable();
    langs.dedup();
    assert_eq!(langs, ["c", "js", "python", "rust", "ts"]);
}

#[test]
#[ignore = "needs zig: a C compiler for wasm32"]
fn real_plugins_in_c_hold_the_table_of_cases() {
    check_language(Lang::C);
}

#[test]
#[ignore = "needs qjs: QuickJS as a component, and a bundler"]
fn real_plugins_in_javascript_hold_the_table_of_cases() {
    check_language(Lang::Js);
}

#[test]
#[ignore = "needs qjs: QuickJS as a component, and a bundler"]
fn real_plugins_in_typescript_hold_the_table_of_cases() {
    check_language(Lang::Ts);
}

#[test]
#[ignore = "needs componentize_py: Python as a component"]
fn real_plugins_in_python_hold_the_table_of_cases() {
    check_language(Lang::Python);
}
