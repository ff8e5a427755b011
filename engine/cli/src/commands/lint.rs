//! `quell lint`.

use std::sync::Arc;

use engine_driver::Playbooks;
use engine_model::{Diagnostic, Severity, code};
use engine_playbook::render::{self, Colour, Finding, Source};

use crate::args::{LintArgs, LintFormat};
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire;

pub(super) async fn lint(args: &LintArgs) -> Result<(), Fault> {
    let config = Config::near(args.config.as_deref())?;
    let paths = if args.paths.is_empty() {
        config.playbooks.clone()
    } else {
        args.paths.clone()
    };
    let playbooks = playbooks(&config).await?;
    let files = wire::playbook_files(&paths)?;
    if files.is_empty() {
        return Err(Fault::new(
            Kind::Usage,
            "there is no playbook at these paths",
        ));
    }
    let mut findings: Vec<Finding> = Vec::new();
    for file in &files {
        let (_, mut diagnostics) = playbooks.check(&file.text);
        name_successors(&mut diagnostics);
        let source = Source {
            file: &file.path,
            text: &file.text,
        };
        findings.extend(render::findings(source, &diagnostics));
        if args.format == LintFormat::Human {
            anstream::print!("{}", render::human(source, &diagnostics, Colour::Yes));
        }
    }
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.format {
        LintFormat::Json => super::runs::print_json(&findings),
        LintFormat::Sarif => {
            let version = env!("CARGO_PKG_VERSION");
            super::runs::print_json(&engine_author::sarif(&findings, version));
        }
        LintFormat::Human => {
            println!(
                "{} files, {errors} errors, {warnings} warnings",
                files.len()
            );
            tell_always(&findings);
        }
    }
    if errors > 0 || (args.deny_warnings && warnings > 0) {
        return Err(Fault::silent(Kind::Invalid));
    }
    Ok(())
}

/// Names the triggers that every alert is tried against.
fn tell_always(findings: &[Finding]) {
    let always = findings
        .iter()
        .filter(|finding| finding.code == code::PB0807.as_str());
    let always: Vec<String> = always
        .map(|finding| format!("{}: {}", finding.file, finding.path))
        .collect();
    if !always.is_empty() {
        let (count, places) = (always.len(), always.join(", "));
        let noun = if count == 1 {
            "trigger is"
        } else {
            "triggers are"
        };
        println!("{count} {noun} tried against every alert: {places}");
    }
}

/// Of an action that the vendor has retired, says which one takes its place.
fn name_successors(diagnostics: &mut [Diagnostic]) {
    let unknown = diagnostics
        .iter_mut()
        .filter(|found| found.code == code::PB0501);
    for found in unknown {
        let written = found.message.split('`').nth(1).unwrap_or_default();
        if let Some(successor) = actions_catalog::successor(written) {
            let help = format!("the vendor has retired it: `{successor}` takes its place");
            found.help = Some(help);
            found.fix = None;
        }
    }
}

/// What the playbooks may use, and the policy that they have to fit.
async fn playbooks(config: &Config) -> Result<Playbooks, Fault> {
    let policy = Arc::new(wire::policy(config)?);
    Ok(Playbooks::new(wire::infos(&wire::actions(config).await?)).under(policy))
}
