//! `quell schema`: the generated files, written or checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::args::SchemaArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};

pub(super) fn schema(args: &SchemaArgs) -> Result<(), Fault> {
    let mut stale = Vec::new();
    let files = files();
    let orphans = orphans(&args.out, &files)?;
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
    for name in &stale {
        println!(
            "{} {}",
            if args.check { "stale" } else { "wrote" },
            name.display()
        );
    }
    for name in orphans {
        if !args.check {
            std::fs::remove_file(args.out.join(&name))?;
        }
        println!(
            "{} {}",
            if args.check { "orphaned" } else { "removed" },
            name.display()
        );
        stale.push(name);
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
    let policy = schemars::schema_for!(engine_driver::guard::PolicyFile);
    let policy = serde_json::to_value(policy).unwrap_or_default();
    files.insert(PathBuf::from("policy.schema.json"), pretty(&policy));
    let test = engine_author::testing::test_schema();
    files.insert(PathBuf::from("test.schema.json"), pretty(&test));
    for info in &infos {
        let schema = serde_json::json!({
            "parameters": info.parameters,
            "output": info.output,
        });
        let name = format!("actions/{}.json", info.id);
        files.insert(PathBuf::from(name), pretty(&schema));
    }
    for (name, page) in actions_catalog::reference_pages(&infos) {
        files.insert(Path::new("reference").join(name), page);
    }
    files
}

/// References of actions that are gone.
///
/// The folder may be any: only files of our making are looked at, and only where our schema lies
/// beside them already.
fn orphans(out: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, Fault> {
    let mut orphans = Vec::new();
    if !out.join("playbook.schema.json").is_file() {
        return Ok(orphans);
    }
    for folder in ["actions", "reference"] {
        let Ok(entries) = std::fs::read_dir(out.join(folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let name = Path::new(folder).join(entry.file_name());
            let stem = name.file_stem().and_then(|stem| stem.to_str());
            let stem = stem.unwrap_or_default();
            let kind = name.extension().and_then(|ext| ext.to_str());
            let ours = match (folder, kind) {
                ("actions", Some("json" | "md")) => stem.contains('.'),
                ("reference", Some("md")) => stem.contains('-'),
                _ => false,
            };
            if ours && entry.path().is_file() && !files.contains_key(&name) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_of_our_own_making_count_as_orphans() {
        let out = tempfile::tempdir().expect("a folder");
        let actions = out.path().join("actions");
        std::fs::create_dir(&actions).expect("a folder");
        for name in [
            "README.md",
            "quell.yaml",
            "actions/notes.md",
            "actions/old.gone.md",
        ] {
            std::fs::write(out.path().join(name), "").expect("a file");
        }
        let found = |out| orphans(out, &BTreeMap::new()).ok();
        assert_eq!(found(out.path()), Some(Vec::new()), "no folder of ours");
        std::fs::write(out.path().join("playbook.schema.json"), "{}").expect("a file");
        let gone = PathBuf::from("actions/old.gone.md");
        assert_eq!(found(out.path()), Some(vec![gone]));
    }
}
