//! What a plugin is, and which are installed.

use std::path::Path;

use actions_contract::Effect;
use engine_model::Digest;
use engine_plugin::lock;
use engine_plugin::{Host, HostConfig, Loaded, Manifest, PluginConfig, signer};
use serde_json::{Value, json};

use super::author::project;
use crate::args::Format;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plain::plain_lines;
use crate::plugins::of_plugin;

/// Loads a plugin as if it were granted all it asks for.
pub(super) async fn load(file: &[u8]) -> Result<Loaded, Fault> {
    load_with(file, json!({})).await
}

/// The same with a configuration of its own.
pub(super) async fn load_with(file: &[u8], config: Value) -> Result<Loaded, Fault> {
    let host = Host::new(HostConfig::default()).map_err(|error| of_plugin(&error))?;
    let manifest = Manifest::read(file).map_err(|error| of_plugin(&error))?;
    let trial = PluginConfig::for_trial(&manifest, config);
    host.load(file, &trial)
        .await
        .map_err(|error| of_plugin(&error))
}

pub(super) async fn check(path: &Path, format: Format) -> Result<(), Fault> {
    let path = if path.is_dir() {
        project(path)?.built()
    } else {
        path.to_owned()
    };
    let file = std::fs::read(&path)
        .map_err(|error| Fault::failed(format!("cannot read `{}`: {error}", path.display())))?;
    let loaded = load(&file).await?;
    let facts = facts(&loaded, file.len());
    match format {
        Format::Json => println!("{facts:#}"),
        Format::Human => print(&loaded, file.len()),
    }
    Ok(())
}

fn facts(loaded: &Loaded, size_bytes: usize) -> Value {
    let actions: Vec<Value> = loaded.actions.iter().map(|a| json!(a.info())).collect();
    json!({
        "id": loaded.manifest.id,
        "version": loaded.manifest.version,
        "digest": loaded.digest,
        "size_bytes": size_bytes,
        "signer": loaded.signer,
        "imports": loaded.imports,
        "capabilities": loaded.manifest.capabilities,
        "actions": actions,
    })
}

/// Shows a plugin to somebody who decides about it.
pub(super) fn print(loaded: &Loaded, size_bytes: usize) {
    let manifest = &loaded.manifest;
    println!(
        "{} {}, {size_bytes} bytes, {}",
        manifest.id, manifest.version, loaded.digest
    );
    match &loaded.signer {
        Some(signer) => println!("signed by {signer}"),
        None => println!("signed by nobody"),
    }
    println!("imports {}", loaded.imports.join(", "));
    let wishes = lock::grants(manifest, &loaded.actions);
    if wishes.is_empty() {
        println!("asks for nothing");
    }
    for grant in &wishes {
        println!("asks for {}", lock::line(grant));
    }
    for action in &loaded.actions {
        let info = action.info();
        let target = info.target.as_ref().map_or_else(String::new, |target| {
            format!(", target {} ({})", target.param, target.entity)
        });
        let undo = match &info.effect {
            Effect::Contain { undo } => format!(", undo {undo}"),
            _ => String::new(),
        };
        println!(
            "action {} to {}{target}{undo}: {}",
            info.id,
            info.effect.kind().as_str(),
            plain_lines(&info.title)
        );
    }
}

pub(super) fn list(config: &Path, format: Format) -> Result<(), Fault> {
    let config = Config::read(config)?;
    let mut rows = Vec::new();
    for plugin in config.plugins.read()? {
        let file = std::fs::read(&plugin.file).map_err(|error| {
            let path = plugin.file.display();
            Fault::new(Kind::Invalid, format!("cannot read `{path}`: {error}"))
        })?;
        let digest = Digest::of(&file);
        let intact = plugin
            .digest
            .as_ref()
            .is_none_or(|pinned| *pinned == digest);
        // What was tampered with is listed all the same, by the name of its file.
        let manifest = Manifest::read(&file).ok();
        let stem = plugin.file.file_stem().unwrap_or_default();
        let named = || stem.to_string_lossy().into_owned();
        rows.push(json!({
            "id": manifest.as_ref().map_or_else(named, |manifest| manifest.id.clone()),
            "version": manifest.map_or_else(String::new, |manifest| manifest.version),
            "digest": digest,
            "intact": intact && signer(&file).is_ok(),
            "signer": signer(&file).ok().flatten(),
            "grants": plugin.grants.iter().map(lock::line).collect::<Vec<_>>(),
            "earlier": plugin.earlier.len(),
        }));
    }
    if format == Format::Json {
        println!("{:#}", Value::Array(rows));
        return Ok(());
    }
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let signer = row["signer"].as_str().unwrap_or("UNSIGNED");
        let state = if row["intact"] == json!(true) {
            ""
        } else {
            "  TAMPERED WITH"
        };
        println!("{} {}  {signer}{state}", text("id"), text("version"));
        for grant in row["grants"].as_array().into_iter().flatten() {
            println!("  may {}", grant.as_str().unwrap_or_default());
        }
    }
    Ok(())
}
