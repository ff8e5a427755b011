//! The written word: it exists where it has to, and what it names exists too.

use std::collections::BTreeSet;
use std::process::Command;

use actions_catalog::{Options, infos};
use engine_model::code;

use crate::arrows::manifest;
use crate::finding::Finding;
use crate::markdown::{Line, lines};
use crate::tree::{FILES, METADATA, RUST, TextFile, file, root};

const ERRORS: &str = "docs/errors/";
const README: &str = "README.md";
const README_COMMANDS: usize = 2;
const ARCHITECTURE: &str = "engine/ARCHITECTURE.md";
const ARCHITECTURE_LINES_MAX: usize = 150;

/// What a person who looks up a code needs beside the title.
const HEADINGS: &[&str] = &["## Example", "## What to do"];

/// Error pages that are missing, superfluous or empty.
pub(crate) fn errors() -> Vec<Finding> {
    let codes: BTreeSet<&str> = code::ALL.iter().map(|code| code.as_str()).collect();
    let mut findings = Vec::new();
    for page in FILES.iter().filter(|file| file.path.starts_with(ERRORS)) {
        let name = page.path[ERRORS.len()..].trim_end_matches(".md");
        if !codes.contains(name) {
            let message = "is the page of no code; codes stand in engine/model/src/code.rs";
            findings.push(Finding::file(&page.path, name, message.to_owned()));
            continue;
        }
        let gaps = gaps(page);
        if !gaps.is_empty() {
            let message = format!("lacks {}", gaps.join(", "));
            findings.push(Finding::file(&page.path, name, message));
        }
    }
    for name in codes
        .iter()
        .filter(|name| file(&format!("{ERRORS}{name}.md")).is_none())
    {
        findings.push(Finding::file(ERRORS, name, format!("`{name}` has no page")));
    }
    findings
}

/// Parts of an error page without a word in them: the meaning, the example, the advice.
fn gaps(page: &TextFile) -> Vec<&'static str> {
    let mut sections = vec![("the meaning", 0)];
    for line in page.text.lines().skip(1) {
        match HEADINGS.iter().find(|heading| line == **heading) {
            Some(heading) => sections.push((heading, 0)),
            None => sections.last_mut().expect("one is there").1 += usize::from(!line.is_empty()),
        }
    }
    let wanted = ["the meaning"].iter().chain(HEADINGS);
    let told = |wanted: &str| {
        sections
            .iter()
            .any(|(name, words)| *name == wanted && *words > 0)
    };
    wanted.copied().filter(|wanted| !told(wanted)).collect()
}

/// A first page on which the way to a running demo is longer or shorter than two commands.
pub(crate) fn readme() -> Vec<Finding> {
    let Some(readme) = file(README) else {
        return vec![Finding::file(README, "", "does not exist".to_owned())];
    };
    let commands: Vec<_> = lines(&readme.text)
        .iter()
        .filter_map(Line::command)
        .collect();
    if commands.len() == README_COMMANDS {
        return Vec::new();
    }
    let message = format!(
        "shows {} commands, not {README_COMMANDS}: {commands:?}",
        commands.len()
    );
    vec![Finding::file(README, "commands", message)]
}

/// Links within the repository that lead nowhere.
pub(crate) fn links() -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in markdown() {
        let folder = root()
            .join(&page.path)
            .parent()
            .expect("a file has a folder")
            .to_owned();
        for line in lines(&page.text) {
            for link in line.links().filter(|link| !link.contains("://")) {
                let path = link.split('#').next().unwrap_or_default();
                if !path.is_empty() && !folder.join(path).exists() {
                    let message = format!("`{link}` leads nowhere");
                    findings.push(line.finding(&page.path, link, message));
                }
            }
        }
    }
    findings
}

/// Commands that are written about and that the binary does not have.
pub(crate) fn commands() -> Vec<Finding> {
    let known = known_commands();
    let mut findings = Vec::new();
    for page in markdown() {
        for line in lines(&page.text) {
            for code in line.code_spans().chain(line.command()) {
                let Some(name) = subcommand(code) else {
                    continue;
                };
                if !known.iter().any(|known| known == name) {
                    let message = format!("`quell {name}` does not exist");
                    findings.push(line.finding(&page.path, name, message));
                }
            }
        }
    }
    findings
}

/// The word after `quell` in a command line that begins with it, whatever folder it is run from.
fn subcommand(code: &str) -> Option<&str> {
    let (program, rest) = code.split_once(' ')?;
    let named = program == "quell" || program.ends_with("/quell");
    let word = rest.split([' ', '|']).next()?;
    (named && word.starts_with(|c: char| c.is_ascii_lowercase())).then_some(word)
}

fn known_commands() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_quell"))
        .arg("--help")
        .output();
    let help = help.expect("the binary starts").stdout;
    let help = String::from_utf8(help).expect("the help is UTF-8");
    let listed = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let listed = listed
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("  "));
    listed
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// Actions of built-in families that an example uses and the catalog does not have.
pub(crate) fn actions() -> Vec<Finding> {
    let infos = infos(Options::default());
    let ids: BTreeSet<&str> = infos.iter().map(|info| info.id.as_str()).collect();
    let families: BTreeSet<&str> = infos.iter().map(|info| info.id.family()).collect();
    let mut findings = Vec::new();
    for page in markdown() {
        for line in lines(&page.text)
            .iter()
            .filter(|line| line.fence == Some("yaml"))
        {
            let Some((_, rest)) = line.text.split_once("uses: ") else {
                continue;
            };
            let id = rest.split([' ', '@', ',', '}']).next().unwrap_or_default();
            let family = id.split('.').next().unwrap_or_default();
            if families.contains(family) && !ids.contains(id) {
                let message = format!("`{id}` is not in the catalog");
                findings.push(line.finding(&page.path, id, message));
            }
        }
    }
    findings
}

/// What the map of the code leaves out or has wrong.
pub(crate) fn architecture() -> Vec<Finding> {
    let Some(map) = file(ARCHITECTURE) else {
        return vec![Finding::file(ARCHITECTURE, "", "does not exist".to_owned())];
    };
    let mut findings = Vec::new();
    let length = map.text.lines().count();
    if length > ARCHITECTURE_LINES_MAX {
        let message = format!("{length} lines; {ARCHITECTURE_LINES_MAX} at most");
        findings.push(Finding::file(ARCHITECTURE, "length", message));
    }
    for package in &METADATA.packages {
        let path = manifest(package);
        let path = path.trim_end_matches("/Cargo.toml");
        if !map.text.contains(&format!("`{path}`")) {
            let message = format!("does not say what `{path}` is for");
            findings.push(Finding::file(ARCHITECTURE, path, message));
        }
    }
    findings.extend(untrue_names(map));
    findings
}

/// Paths that do not exist, and tests that are not in the file named before them.
fn untrue_names(map: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_file = None;
    for line in lines(&map.text) {
        if line.text.is_empty() {
            in_file = None;
        }
        for code in line.code_spans() {
            if code.ends_with(".rs") || code.ends_with(".toml") {
                in_file = Some(code);
                if !root().join(code).exists() {
                    let message = format!("`{code}` does not exist");
                    findings.push(line.finding(&map.path, code, message));
                }
            } else if is_test_name(code) && !in_file.is_some_and(|path| defines(path, code)) {
                let message = format!("`{code}` is not a function of the file named before it");
                findings.push(line.finding(&map.path, code, message));
            }
        }
    }
    findings
}

fn is_test_name(code: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    code.matches('_').count() >= 2 && code.chars().all(word)
}

fn defines(path: &str, function: &str) -> bool {
    let declarations = [format!("fn {function}("), format!("fn {function}<")];
    RUST.iter().any(|file| {
        let declared = |declaration: &String| file.code.contains(declaration);
        file.path == path && declarations.iter().any(declared)
    })
}

fn markdown() -> impl Iterator<Item = &'static TextFile> {
    FILES.iter().filter(|file| file.path.ends_with(".md"))
}
