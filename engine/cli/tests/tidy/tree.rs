//! The tree as the tests see it: its text files and its packages, read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::rust_file::RustFile;

/// A text file that is tracked, or would be.
pub(crate) struct TextFile {
    /// Relative to the root, with slashes.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

/// What `cargo metadata` says of the workspace, as far as the tests ask. The crate of that name
/// would do, but it switches on features of `serde_json` and `semver`, and with them cargo would
/// build wasmtime once for the tests and once more for the binary.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// Those of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, serde_json::Value>,
    /// `[package.metadata]`, or null.
    pub(crate) metadata: serde_json::Value,
}

/// A dependency as the manifest states it.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Where it is one of the workspace's own.
    pub(crate) path: Option<PathBuf>,
}

/// Every text file of the repository.
pub(crate) static FILES: LazyLock<Vec<TextFile>> = LazyLock::new(read_files);

/// The Rust files among [`FILES`].
pub(crate) static RUST: LazyLock<Vec<RustFile>> = LazyLock::new(|| {
    let rust = FILES.iter().filter(|file| file.path.ends_with(".rs"));
    rust.map(|file| RustFile::new(&file.path, &file.text))
        .collect()
});

/// What cargo says about the packages of the workspace.
pub(crate) static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let described = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo describes the workspace");
    let said = String::from_utf8_lossy(&described.stderr);
    assert!(described.status.success(), "cargo metadata: {said}");
    serde_json::from_slice(&described.stdout).expect("cargo describes packages in JSON")
});

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let cli = Path::new(env!("CARGO_MANIFEST_DIR"));
    cli.ancestors()
        .nth(2)
        .expect("the binary's package lies two folders deep")
        .to_owned()
}

/// `path` relative to the root.
pub(crate) fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// The text file at `path`, where there is one.
pub(crate) fn file(path: &str) -> Option<&'static TextFile> {
    FILES.iter().find(|file| file.path == path)
}

/// Files that git does not know yet count too, so that a breach shows before it is committed.
fn read_files() -> Vec<TextFile> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(
        listed.status.success(),
        "git: {}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let mut paths: Vec<&str> = listed.split_terminator('\0').collect();
    paths.sort_unstable();
    paths.dedup();
    let read = |path: &str| {
        let text = String::from_utf8(std::fs::read(root().join(path)).ok()?).ok()?;
        Some(TextFile {
            path: path.to_owned(),
            text,
        })
    };
    let files: Vec<_> = paths.into_iter().filter_map(read).collect();
    assert!(
        files.len() > 100,
        "the list of files has only {} entries",
        files.len()
    );
    files
}
