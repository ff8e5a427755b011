//! `quell fmt`: the canonical form of playbooks and tests.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use engine_author::format::format;
use engine_model::Diagnostic;
use engine_playbook::render::{self, Colour, Source};

use crate::args::FmtArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

pub(super) fn fmt(args: &FmtArgs) -> Result<(), Fault> {
    if args.paths == [Path::new("-")] {
        return standard(args.check);
    }
    let paths = if args.paths.is_empty() {
        Config::near(args.config.as_deref())?.playbooks
    } else {
        args.paths.clone()
    };
    let mut files = BTreeSet::new();
    for path in &paths {
        collect(path, &mut files)?;
    }
    if files.is_empty() {
        return Err(Fault::new(
            Kind::Usage,
            "there is no YAML file at these paths",
        ));
    }
    let (mut changed, mut invalid) = (0, 0);
    for path in &files {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| wire::unreadable(path, &error))?;
        match format(&text) {
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => {
                changed += 1;
                println!("{}", path.display());
                if !args.check {
                    std::fs::write(path, formatted)?;
                }
            }
            Err(problems) => {
                invalid += 1;
                report(&path.display().to_string(), &text, &problems);
            }
        }
    }
    let done = if args.check {
        "would change"
    } else {
        "changed"
    };
    println!("{} files, {changed} {done}", files.len());
    verdict(args.check && changed > 0, invalid > 0)
}

fn standard(check: bool) -> Result<(), Fault> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    match format(&text) {
        Ok(formatted) if check => verdict(formatted != text, false),
        Ok(formatted) => Ok(std::io::stdout().write_all(formatted.as_bytes())?),
        Err(problems) => {
            report("-", &text, &problems);
            verdict(false, true)
        }
    }
}

fn verdict(changed: bool, invalid: bool) -> Result<(), Fault> {
    if invalid {
        Err(Fault::silent(Kind::Invalid))
    } else if changed {
        Err(Fault::silent(Kind::Failed))
    } else {
        Ok(())
    }
}

fn report(file: &str, text: &str, problems: &[Diagnostic]) {
    let source = Source { file, text };
    anstream::eprint!("{}", render::human(source, problems, Colour::Yes));
}

/// Each path itself, or every YAML file below it.
fn collect(path: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Fault> {
    if !path.is_dir() {
        found.insert(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(|error| wire::unreadable(path, &error))?;
    for entry in entries {
        let path = entry
            .map_err(|error| wire::unreadable(path, &error))?
            .path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        let hidden = name.starts_with('.');
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if !hidden && (path.is_dir() || yaml) {
            collect(&path, found)?;
        }
    }
    Ok(())
}
