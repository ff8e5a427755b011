//! From an author's source to a plugin file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine_model::Digest;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use super::scaffold::made;
use super::{Lang, Project};
use crate::PluginError;

/// Why a plugin was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file could not be read or written.
    #[error("`{}`: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A tool of the language is not installed.
    #[error("`{tool}` cannot be run: {error}; {hint}")]
    Tool {
        /// The program.
        tool: String,
        /// Why not.
        error: std::io::Error,
        /// Where it comes from.
        hint: &'static str,
    },
    /// A tool of the language refused the source.
    #[error("`{0}` failed")]
    Failed(String),
    /// What came out is not a module that can become a plugin.
    #[error("the module does not become a component: {0}")]
    Module(String),
    /// The manifest cannot be put in.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// Builds the plugin of a folder and tells where it is. Tools write to standard error.
///
/// # Errors
///
/// When a tool is missing or refuses the source.
pub fn build(project: &Project) -> Result<PathBuf, BuildError> {
    for (path, text) in made(project.lang) {
        write(&project.folder.join(path), text.as_bytes())?;
    }
    let out = project.folder.join("build");
    std::fs::create_dir_all(&out).map_err(file(&out))?;
    let component = match project.lang {
        Lang::Wat => {
            let source = project.folder.join(&project.source);
            let text = std::fs::read(&source).map_err(file(&source))?;
            let core = wat::parse_bytes(&text)
                .map_err(|error| BuildError::Module(error.to_string()))?
                .into_owned();
            encode(core)?
        }
        Lang::C => encode(made_by(c(project), &out.join("core.wasm"))?)?,
        Lang::Rust => encode(rust(project)?)?,
        Lang::Js => made_by(
            script(project, &project.source),
            &out.join("component.wasm"),
        )?,
        Lang::Ts => {
            run(bundle(project))?;
            let bundled = Path::new("build/plugin.js");
            made_by(script(project, bundled), &out.join("component.wasm"))?
        }
        Lang::Python => made_by(python(project), &out.join("component.wasm"))?,
    };
    let source = project.folder.join(&project.source);
    let mut manifest = project.manifest.clone();
    manifest.source = Some(Digest::of(&std::fs::read(&source).map_err(file(&source))?));
    let built = project.built();
    write(&built, &manifest.embed(&component)?)?;
    Ok(built)
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError + use<> {
    let path = path.to_owned();
    |error| BuildError::File { path, error }
}

fn write(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file(folder))?;
    }
    // What is the same is left alone, so that tools which look at times have nothing to do.
    if std::fs::read(path).is_ok_and(|before| before == content) {
        return Ok(());
    }
    std::fs::write(path, content).map_err(file(path))
}

/// The component of a core module that exports the interface of world `plugin`.
fn encode(mut core: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    let module = |error: &dyn std::fmt::Display| BuildError::Module(format!("{error:#}"));
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("plugin.wit", actions_interface::WIT)
        .map_err(|error| module(&error))?;
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .map_err(|error| module(&error))?;
    let encoding = StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut core, &resolve, world, encoding, false)
        .map_err(|error| module(&error))?;
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| module(&error))
}

/// A program with its arguments, and where it comes from when it is missing.
struct Tool {
    command: Command,
    hint: &'static str,
}

fn tool(project: &Project, program: &str, hint: &'static str) -> Tool {
    // An author's own installation beside the source comes first.
    let beside = [".venv/bin", "node_modules/.bin"]
        .iter()
        .map(|place| project.folder.join(place).join(program))
        .find(|path| path.is_file())
        .and_then(|path| path.canonicalize().ok());
    let mut command = Command::new(beside.unwrap_or_else(|| PathBuf::from(program)));
    command.current_dir(&project.folder).stdin(Stdio::null());
    Tool { command, hint }
}

fn run(mut tool: Tool) -> Result<(), BuildError> {
    let name = tool.command.get_program().to_string_lossy().into_owned();
    let output = tool.command.output().map_err(|error| BuildError::Tool {
        tool: name.clone(),
        error,
        hint: tool.hint,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Err(BuildError::Failed(format!("{name}\n{}", said.trim_end())))
}

fn made_by(tool: Tool, path: &Path) -> Result<Vec<u8>, BuildError> {
    run(tool)?;
    std::fs::read(path).map_err(file(path))
}

/// The narrowest world: script engines import all of it.
fn world(project: &Project) -> &'static str {
    if project.manifest.capabilities.is_empty() {
        "plugin-pure"
    } else {
        "plugin"
    }
}

fn c(project: &Project) -> Tool {
    let hint = "get it with `pip install ziglang`, or name a clang with wasm-ld in WASM_CC";
    let mut tool = match std::env::var("WASM_CC") {
        Ok(compiler) => tool(project, &compiler, hint),
        Err(_) => {
            let mut tool = tool(project, "python-zig", hint);
            tool.command.arg("cc");
            tool
        }
    };
    tool.command
        .args(["-target", "wasm32-freestanding", "-std=c17", "-Os"])
        .args(["-mbulk-memory", "-nostdlib", "-Wall", "-Wextra", "-Werror"])
        .args(["-Iquell", "-Wl,--no-entry", "-Wl,--strip-all"])
        .args(["-o", "build/core.wasm"])
        .arg(&project.source);
    tool
}

fn script(project: &Project, source: &Path) -> Tool {
    let hint = "get it with `npm install`";
    let mut tool = tool(project, "componentize-qjs", hint);
    tool.command
        .args(["--wit", "quell/plugin.wit", "--world", world(project)])
        .args(["--sync", "--stub-wasi", "--minify"])
        .args(["--output", "build/component.wasm", "--js"])
        .arg(source);
    tool
}

fn bundle(project: &Project) -> Tool {
    let mut tool = tool(project, "esbuild", "get it with `npm install`");
    tool.command
        .arg(&project.source)
        .args(["--bundle", "--format=esm", "--log-level=warning"])
        .args(["--external:quell:*", "--outfile=build/plugin.js"]);
    tool
}

fn python(project: &Project) -> Tool {
    let hint = "get it with `pip install -r requirements.txt`";
    let mut tool = tool(project, "componentize-py", hint);
    let module = project.source.file_stem().unwrap_or_default();
    tool.command
        .args(["--quiet", "-d", "quell/plugin.wit", "-w", world(project)])
        .args(["componentize", "--stub-wasi", "-p", ".", "-p", "quell"])
        .args(["-o", "build/component.wasm"])
        .arg(module);
    tool
}

fn rust(project: &Project) -> Result<Vec<u8>, BuildError> {
    let hint = "get Rust with its target: `rustup target add wasm32-unknown-unknown`";
    let cargo = std::env::var("WASM_CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut tool = tool(project, &cargo, hint);
    // The settings of whoever runs us are not the plugin's.
    tool.command
        .args(["build", "--release", "--target", "wasm32-unknown-unknown"])
        .args(["--target-dir", "build/target"])
        .env_remove("CARGO_TARGET_DIR");
    let folder = project
        .folder
        .join("build/target/wasm32-unknown-unknown/release");
    run(tool)?;
    let modules = std::fs::read_dir(&folder).map_err(file(&folder))?;
    let module = modules
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .ok_or_else(|| BuildError::Module("cargo made no .wasm file".to_owned()))?;
    std::fs::read(&module).map_err(file(&module))
}
