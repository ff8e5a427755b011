//! `quell schema`: the generated files, written or checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::args::SchemaArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};

pub(super) fn schema(args: &SchemaArgs) -> Result<(), Fault> {
    let mut stale = Vec::new();
    let files = files();
    for (name, content) in &files {
        let path = args.out.join(name);
        if std::fs::read_to_string(&path).ok().as_deref() == Some(content) {
            continue;
        }
        if !args.check {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, content)?;
        }
        stale.push(name.clone());
    }
    for name in orphans(&args.out, &files)? {
        if !args.check {
            std::fs::remove_file(args.out.join(&name))?;
        }
        stale.push(name);
    }
    for name in &stale {
        println!(
            "{} {}",
            if args.check { "stale" } else { "wrote" },
            name.display()
        );
    }
    if args.check && !stale.is_empty() {
        return Err(
            Fault::new(Kind::Failed, "generated files differ from the code")
                .with_hint("run `quell schema` and commit what it writes"),
        );
    }
    if stale.is_empty() {
        println!("{} generated files are up to date", files.len());
    }
    Ok(())
}

/// Every generated file, by its path below the folder of schemas.
pub(crate) fn files() -> BTreeMap<PathBuf, String> {
    let infos: Vec<_> = actions_catalog::infos(actions_catalog::Options::default())
        .into_iter()
        .map(std::sync::Arc::new)
        .collect();
    let mut files = BTreeMap::new();
    let playbook = engine_playbook::schema::playbook_schema(&infos);
    files.insert(PathBuf::from("playbook.schema.json"), pretty(&playbook));
    let config = serde_json::to_value(schemars::schema_for!(Config)).unwrap_or_default();
    files.insert(PathBuf::from("config.schema.json"), pretty(&config));
    for info in &infos {
        let schema = serde_json::json!({
            "parameters": info.parameters,
            "output": info.output,
        });
        let name = format!("actions/{}.json", info.id);
        files.insert(PathBuf::from(name), pretty(&schema));
        let name = format!("actions/{}.md", info.id);
        files.insert(
            PathBuf::from(name),
            actions_catalog::reference_markdown(info),
        );
    }
    files
}

/// Files that no code generates any more.
fn orphans(out: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, Fault> {
    let mut orphans = Vec::new();
    for folder in ["", "actions"] {
        let Ok(entries) = std::fs::read_dir(out.join(folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let name = Path::new(folder).join(entry.file_name());
            if entry.path().is_file() && !files.contains_key(&name) {
                orphans.push(name);
            }
        }
    }
    Ok(orphans)
}

fn pretty(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
