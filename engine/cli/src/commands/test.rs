//! `quell test`: the tests of playbooks.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use engine_author::testing::{
    Broken, Coverage, Materials, Suite, Survivor, TestResult, TestText, junit, playbook_path,
};
use engine_playbook::render::{self, Colour, Source};
use serde_json::{Value, json};

use crate::args::{Format, TestArgs};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

/// What there is to tell.
struct Told {
    broken: Vec<Broken>,
    results: Vec<TestResult>,
    coverage: Option<Vec<Coverage>>,
    /// Changes that no test noticed, and how many changes there were.
    mutants: Option<(Vec<Survivor>, usize)>,
}

pub(super) async fn test(args: &TestArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let paths = if args.paths.is_empty() {
        config.playbooks.clone()
    } else {
        args.paths.clone()
    };
    let files = test_files(&paths)?;
    if files.is_empty() {
        let fault = Fault::new(Kind::Usage, "there is no `*.test.yaml` at these paths");
        return Err(fault.with_hint("put one beside each playbook; see docs/testing.md"));
    }
    let actions = wire::actions(&config).await?;
    let (suite, broken) = Suite::read(
        &files,
        Materials {
            infos: wire::infos(&actions),
            resolvers: actions_catalog::resolvers(),
            playbooks: wire::playbook_files(&folders(&files))?,
        },
    );
    let told = run(args, &suite, broken);
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&told.results))?;
    }
    match format(args) {
        Format::Json => super::runs::print_json(&machine(&told)),
        Format::Human => human(&told),
    }
    verdict(args, &told)
}

fn format(args: &TestArgs) -> Format {
    if args.json { Format::Json } else { args.format }
}

fn run(args: &TestArgs, suite: &Suite, broken: Vec<Broken>) -> Told {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let live = format(args) == Format::Human;
    let results = suite.run(threads, &|result| {
        if live && !result.passed() {
            anstream::print!("{}", render::safe(&result.human()));
        }
    });
    let measured = args.coverage || args.coverage_min.is_some();
    let coverage = measured.then(|| suite.coverage(&results));
    // What fails as it is tells nothing about changes.
    let sound = broken.is_empty() && results.iter().all(TestResult::passed);
    let mutants = (args.mutate && sound).then(|| suite.mutate(threads, &progress));
    Told {
        broken,
        results,
        coverage,
        mutants,
    }
}

/// A line that overwrites itself, where somebody looks at it.
fn progress(done: usize, all: usize) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        // A line that cannot be shown is no reason to stop.
        let _ = write!(out, "\r{done} of {all} changes tried");
        if done == all {
            let _ = writeln!(out);
        }
        let _ = out.flush();
    }
}

fn verdict(args: &TestArgs, told: &Told) -> Result<(), Fault> {
    if !told.broken.is_empty() {
        return Err(Fault::silent(Kind::Invalid));
    }
    let (reached, all) = totals(told.coverage.as_deref().unwrap_or_default());
    let wanted = usize::from(args.coverage_min.unwrap_or(0));
    let survivors = told.mutants.as_ref().map_or(0, |(left, _)| left.len());
    if reached * 100 < wanted * all {
        return Err(Fault::failed(format!(
            "{reached} of {all} steps and branches are reached, less than {wanted} %"
        )));
    }
    if told.results.iter().all(TestResult::passed) && survivors == 0 {
        Ok(())
    } else {
        Err(Fault::silent(Kind::Failed))
    }
}

fn totals(coverage: &[Coverage]) -> (usize, usize) {
    let reached = coverage.iter().map(|one| one.reached).sum();
    (reached, coverage.iter().map(|one| one.all).sum())
}

fn human(told: &Told) {
    for broken in &told.broken {
        let source = Source {
            file: &broken.path,
            text: &broken.text,
        };
        anstream::eprint!(
            "{}",
            render::human(source, &broken.diagnostics, Colour::Yes)
        );
    }
    for one in told.coverage.iter().flatten() {
        for unreached in &one.unreached {
            let (line, column) = (unreached.place.line, unreached.place.column);
            let what = &unreached.what;
            println!("{}:{line}:{column}: never reached: {what}", one.playbook);
        }
    }
    if let Some((survivors, _)) = &told.mutants {
        for survivor in survivors {
            let (line, column) = (survivor.place.line, survivor.place.column);
            let change = &survivor.change;
            println!(
                "{}:{line}:{column}: no test notices: {change}",
                survivor.playbook
            );
        }
    }
    let failed = told
        .results
        .iter()
        .filter(|result| !result.passed())
        .count();
    let files: BTreeSet<&str> = told.results.iter().map(|one| one.file.as_str()).collect();
    let broken = told.broken.len();
    println!(
        "{} tests in {} files, {failed} failed{}",
        told.results.len(),
        files.len(),
        if broken > 0 {
            format!(", {broken} files are not valid")
        } else {
            String::new()
        }
    );
    if let Some(coverage) = &told.coverage {
        let (reached, all) = totals(coverage);
        let percent = (reached * 100).checked_div(all).unwrap_or(100);
        println!("{reached} of {all} steps and branches reached, {percent} %");
    }
    if let Some((survivors, all)) = &told.mutants {
        println!("{} of {all} changes noticed", all - survivors.len());
    }
}

fn machine(told: &Told) -> Value {
    let broken = told.broken.iter().flat_map(|broken| {
        let source = Source {
            file: &broken.path,
            text: &broken.text,
        };
        render::findings(source, &broken.diagnostics)
    });
    let mut out = json!({
        "tests": told.results,
        "failed": told.results.iter().filter(|result| !result.passed()).count(),
        "problems": broken.collect::<Vec<_>>(),
    });
    if let Some(coverage) = &told.coverage {
        out["coverage"] = json!(coverage);
    }
    if let Some((survivors, all)) = &told.mutants {
        out["mutants"] = json!({ "all": all, "survivors": survivors });
    }
    out
}

/// The folders of the playbooks that the files test.
fn folders(files: &[TestText]) -> Vec<PathBuf> {
    let paths = files.iter().filter_map(playbook_path).map(PathBuf::from);
    let folder = |path: PathBuf| {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        if folder.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            folder
        }
    };
    let folders: BTreeSet<PathBuf> = paths.map(folder).filter(|path| path.is_dir()).collect();
    folders.into_iter().collect()
}

/// Each path itself, or every test file below it.
fn test_files(paths: &[PathBuf]) -> Result<Vec<TestText>, Fault> {
    let mut found = BTreeSet::new();
    for path in paths {
        collect(path, &mut found)?;
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|error| wire::unreadable(&path, &error))?;
        let path = path.display().to_string();
        Ok(TestText { path, text })
    };
    found.into_iter().map(read).collect()
}

fn collect(path: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Fault> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| wire::unreadable(path, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| wire::unreadable(path, &error))?;
            let path = entry.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.unwrap_or_default();
            let hidden = name.starts_with('.');
            // What tests a plugin's playbook needs that plugin: it is named where it is wanted.
            let plugin = path.join("plugin.yaml").exists();
            let test = name.ends_with(".test.yaml") || name.ends_with(".test.yml");
            if !hidden && !plugin && (path.is_dir() || test) {
                collect(&path, found)?;
            }
        }
        return Ok(());
    }
    found.insert(path.to_owned());
    Ok(())
}
