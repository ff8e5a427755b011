//! New, build, dev, pack and sign.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engine_model::Digest;
use engine_plugin::Key;
use engine_plugin::author::{Lang, Project, scaffold};

use super::args::{NewArgs, SignArgs};
use super::{show, trial};
use crate::exit::{Fault, Kind};
use crate::plugins::of_plugin;

pub(super) fn new(args: &NewArgs) -> Result<(), Fault> {
    let folder = Path::new(&args.name);
    if format!("{}.a", args.name)
        .parse::<engine_model::ActionId>()
        .is_err()
    {
        let message = format!(
            "`{}` is not a name: small letters, digits and dashes",
            args.name
        );
        return Err(Fault::new(Kind::Usage, message));
    }
    if folder.exists() {
        return Err(Fault::new(
            Kind::Usage,
            format!("`{}` exists already", args.name),
        ));
    }
    for (path, text) in scaffold(args.lang, &args.name) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text)?;
    }
    println!("{} is a new plugin in {}. Next:", args.name, args.lang);
    println!("  cd {}", args.name);
    let tools = match args.lang {
        Lang::Js | Lang::Ts => Some("npm install"),
        Lang::Python | Lang::C => {
            println!("  python3 -m venv .venv");
            Some(".venv/bin/pip install -r requirements.txt")
        }
        Lang::Rust => Some("rustup target add wasm32-unknown-unknown"),
        Lang::Wat => None,
    };
    if let Some(tools) = tools {
        println!("  {tools}");
    }
    println!("  quell plugin build");
    println!("  quell plugin test");
    Ok(())
}

/// The project of a folder.
pub(super) fn project(folder: &Path) -> Result<Project, Fault> {
    Project::read(folder).map_err(|error| Fault::new(Kind::Invalid, error.to_string()))
}

pub(super) fn build(folder: &Path) -> Result<(), Fault> {
    let project = project(folder)?;
    let built =
        engine_plugin::author::build(&project).map_err(|error| Fault::failed(error.to_string()))?;
    let bytes = std::fs::read(&built)?;
    println!(
        "{} {} bytes {}",
        built.display(),
        bytes.len(),
        Digest::of(&bytes)
    );
    Ok(())
}

/// When a file of the author last changed; what the build makes does not count.
fn changed_at(folder: &Path) -> Option<SystemTime> {
    let made = [
        "build",
        "quell",
        "node_modules",
        ".venv",
        "__pycache__",
        ".git",
    ];
    let mut latest = None;
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        if made.iter().any(|made| name == **made) {
            continue;
        }
        let path = entry.path();
        let at = if path.is_dir() {
            changed_at(&path)
        } else {
            entry.metadata().and_then(|m| m.modified()).ok()
        };
        latest = latest.max(at);
    }
    latest
}

pub(super) async fn dev(folder: &Path) -> Result<(), Fault> {
    const PERIOD: Duration = Duration::from_millis(300);
    loop {
        let seen = changed_at(folder);
        let went = match build(folder) {
            Ok(()) => trial::test(folder).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = went {
            fault.report();
        }
        println!("waiting for a change; ctrl-c ends");
        while changed_at(folder) == seen {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }
}

pub(super) async fn pack(folder: &Path, out: Option<PathBuf>) -> Result<(), Fault> {
    let project = project(folder)?;
    let file = std::fs::read(project.built())
        .map_err(|_| Fault::failed("there is no built plugin; run `quell plugin build`"))?;
    show::load(&file).await?;
    let manifest = &project.manifest;
    let name = format!("{}-{}.wasm", manifest.id, manifest.version);
    let out = out.unwrap_or_else(|| folder.join(name));
    std::fs::write(&out, &file)?;
    println!("{} {}", out.display(), Digest::of(&file));
    Ok(())
}

pub(super) fn sign(args: &SignArgs) -> Result<(), Fault> {
    let key = match std::fs::read_to_string(&args.key) {
        Ok(text) => Key::read(&text).map_err(|error| of_plugin(&error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && args.new_key => {
            let key = Key::generate().map_err(|error| of_plugin(&error))?;
            private(&args.key, &key.secret())?;
            key
        }
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", args.key.display());
            return Err(Fault::failed(message).with_hint("`--new-key` makes one"));
        }
    };
    let signed = key
        .sign(&std::fs::read(&args.file)?)
        .map_err(|error| of_plugin(&error))?;
    std::fs::write(&args.file, &signed)?;
    println!("{} {}", args.file.display(), Digest::of(&signed));
    println!("signed by {}", key.signer());
    Ok(())
}

/// Writes a file that only its owner reads.
fn private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
