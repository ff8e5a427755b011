//! Installing and removing.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine_model::code;
use engine_plugin::lock::{self, Lock};
use engine_plugin::{Binding, Loaded, Manifest, Place, PluginConfig};
use serde_json::{Value, json};

use super::args::AddArgs;
use super::show;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plugins::{PluginList, host, of_plugin, read_lock};

pub(super) async fn add(args: &AddArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let path = lock_path(&config)?;
    let file = std::fs::read(&args.file).map_err(|error| {
        Fault::failed(format!("cannot read `{}`: {error}", args.file.display()))
    })?;
    let lock = relative_lock(&path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let manifest = Manifest::read(&file).map_err(|error| of_plugin(&error))?;
    let before = position(&lock, folder, &manifest.id);
    let before_signer = before.and_then(|at| lock.plugins[at].signer.clone());
    let mut plugin = PluginConfig {
        connections: bindings(args)?,
        config: own_config(args, before.map(|at| &lock.plugins[at]))?,
        ..PluginConfig::for_trial(&manifest, json!({}))
    };
    if let Some(at) = before
        && args.bind.is_empty()
    {
        plugin.connections.clone_from(&lock.plugins[at].connections);
    }
    if !args.new_signer {
        // Checked before anything of the file is compiled.
        plugin.signer = before_signer;
    }
    std::fs::create_dir_all(&config.data_dir)?;
    let began = Instant::now();
    println!("compiling {} {}", manifest.id, manifest.version);
    let loaded = host(&config)?
        .load(&file, &plugin)
        .await
        .map_err(|error| of_plugin(&error))?;
    println!("compiled in {} ms", began.elapsed().as_millis());
    show::print(&loaded, file.len());
    plugin.grants = lock::grants(&loaded.manifest, &loaded.actions);
    plugin.digest = Some(loaded.digest.clone());
    plugin.signer.clone_from(&loaded.signer);
    approve(args, &loaded, &plugin, before.map(|at| &lock.plugins[at]))?;
    write(&path, lock, (plugin, before), (&loaded, &file))
}

/// Stops where somebody has to decide and did not.
fn approve(
    args: &AddArgs,
    loaded: &Loaded,
    plugin: &PluginConfig,
    before: Option<&PluginConfig>,
) -> Result<(), Fault> {
    let stop = |message: String, hint: &str| {
        let fault = Fault::new(Kind::Refused, message).with_code(code::PL0104);
        Err(fault.with_hint(hint))
    };
    if loaded.signer.is_none() && !args.unsigned {
        let message = "nobody signed the file".to_owned();
        return stop(message, "`--unsigned` takes it all the same");
    }
    for capability in &loaded.manifest.capabilities {
        if let Place::Service(name) = &capability.host
            && !plugin.connections.contains_key(name)
        {
            println!("nothing is bound to connection:{name}; `--bind {name}=https://…` does");
        }
    }
    let more = before.map(|before| lock::more(&plugin.grants, &before.grants));
    if let Some(more) = &more
        && !more.is_empty()
        && !args.grant_more
    {
        for line in more {
            println!("MORE than the version before: {line}");
        }
        if args.yes || !ask("grant what it asks for beyond the version before?")? {
            let message = "the new version asks for more than the one before".to_owned();
            return stop(message, "`--grant-more` grants it");
        }
        return Ok(());
    }
    if args.yes || ask("install it with these grants?")? {
        Ok(())
    } else {
        Err(Fault::new(Kind::Refused, "not installed"))
    }
}

/// Asks at the terminal; where there is none, the answer is no.
fn ask(question: &str) -> Result<bool, Fault> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "yes"))
}

fn lock_path(config: &Config) -> Result<PathBuf, Fault> {
    match &config.plugins {
        PluginList::Lock(path) => Ok(path.clone()),
        PluginList::List(_) => Err(Fault::new(
            Kind::Invalid,
            "`plugins` of the configuration is not the path of a lock",
        )
        .with_code(code::CF0101)
        .with_hint("write `plugins: ./plugins.lock`")),
    }
}

/// The lock as it is written, with relative paths.
fn relative_lock(path: &Path) -> Result<Lock, Fault> {
    read_lock(path)?;
    let text = std::fs::read_to_string(path).unwrap_or_else(|_| Lock::default().text());
    Lock::parse(&text, Path::new("")).map_err(|message| Fault::new(Kind::Invalid, message))
}

/// Where the plugin stands in the lock.
fn position(lock: &Lock, folder: &Path, id: &str) -> Option<usize> {
    lock.plugins.iter().position(|plugin| {
        std::fs::read(folder.join(&plugin.file))
            .ok()
            .and_then(|file| Manifest::read(&file).ok())
            .is_some_and(|manifest| manifest.id == id)
    })
}

fn own_config(args: &AddArgs, before: Option<&PluginConfig>) -> Result<Value, Fault> {
    match (&args.set, before) {
        (Some(text), _) => serde_json::from_str(text)
            .map_err(|error| Fault::new(Kind::Usage, format!("--set is not JSON: {error}"))),
        (None, Some(before)) => Ok(before.config.clone()),
        (None, None) => Ok(json!({})),
    }
}

fn bindings(args: &AddArgs) -> Result<std::collections::BTreeMap<String, Binding>, Fault> {
    let usage = |text: &str| Fault::new(Kind::Usage, format!("`{text}` has another shape"));
    let mut bound = std::collections::BTreeMap::new();
    for text in &args.bind {
        let (name, url) = text.split_once('=').ok_or_else(|| usage(text))?;
        let binding = Binding {
            url: url.to_owned(),
            headers: std::collections::BTreeMap::new(),
        };
        bound.insert(name.to_owned(), binding);
    }
    for text in &args.header {
        let (name, rest) = text.split_once(':').ok_or_else(|| usage(text))?;
        let (header, secret) = rest.split_once('=').ok_or_else(|| usage(text))?;
        let binding = bound.get_mut(name).ok_or_else(|| {
            Fault::new(
                Kind::Usage,
                format!("`{name}` has a header and no `--bind`"),
            )
        })?;
        binding.headers.insert(header.to_owned(), secret.to_owned());
    }
    Ok(bound)
}

fn write(
    path: &Path,
    mut lock: Lock,
    (mut plugin, before): (PluginConfig, Option<usize>),
    (loaded, file): (&Loaded, &[u8]),
) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let digest = loaded.digest.to_string();
    let short: String = digest
        .trim_start_matches("sha256:")
        .chars()
        .take(12)
        .collect();
    let manifest = &loaded.manifest;
    let name = format!("{}-{}-{short}.wasm", manifest.id, manifest.version);
    plugin.file = Path::new("plugins").join(name);
    std::fs::create_dir_all(folder.join("plugins"))?;
    // The file first: a lock never names what is not there.
    replace(&folder.join(&plugin.file), file)?;
    lock.put(plugin, before);
    replace(path, lock.text().as_bytes())?;
    println!(
        "installed {} {} in {}",
        manifest.id,
        manifest.version,
        path.display()
    );
    Ok(())
}

/// Writes a file whole or not at all.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    std::fs::write(&draft, content)?;
    std::fs::rename(draft, path)
}

pub(super) fn remove(id: &str, config: &Path) -> Result<(), Fault> {
    let config = Config::read(config)?;
    let path = lock_path(&config)?;
    let mut lock = relative_lock(&path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let Some(at) = position(&lock, folder, id) else {
        return Err(Fault::failed(format!("`{id}` is not installed")));
    };
    let gone = lock.plugins.remove(at);
    replace(&path, lock.text().as_bytes())?;
    for plugin in std::iter::once(&gone).chain(&gone.earlier) {
        std::fs::remove_file(folder.join(&plugin.file))?;
    }
    println!("removed {id}; steps that wait on it will fail");
    Ok(())
}
