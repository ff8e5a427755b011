//! `quell runs list|show|cancel`.

use engine_driver::{RunDocument, RunFilter, RunSummary};
use engine_run::RunStatus;
use serde_json::Value;

use crate::args::{Format, RunsCommand};
use crate::client::{Client, run_id};
use crate::exit::{Fault, Kind};
use crate::plain::Plain;

pub(super) async fn runs(command: RunsCommand) -> Result<(), Fault> {
    match command {
        RunsCommand::List {
            playbook,
            status,
            limit,
            place,
        } => {
            let playbook = playbook.map(|name| name.parse()).transpose();
            let playbook = playbook
                .map_err(|error| Fault::new(Kind::Usage, format!("`--playbook`: {error}")))?;
            let status = status.as_deref().map(parse_status).transpose()?;
            let filter = RunFilter {
                playbook,
                status,
                before: None,
                limit,
            };
            let page = Client::find(&place).await?.runs(&filter).await?;
            match place.format {
                Format::Json => print_json(&page),
                Format::Human => page.items.iter().for_each(print_row),
            }
        }
        RunsCommand::Show { run, place } => {
            let document = Client::find(&place).await?.run(&run_id(&run)?).await?;
            match place.format {
                Format::Json => print_json(&document),
                Format::Human => print_run(&document),
            }
        }
        RunsCommand::Cancel { run, place } => {
            let cancelled = Client::find(&place).await?.cancel(&run_id(&run)?).await?;
            if !cancelled {
                return Err(Fault::failed("the run is over already"));
            }
            println!("{run} is being cancelled");
        }
    }
    Ok(())
}

fn parse_status(word: &str) -> Result<RunStatus, Fault> {
    RunStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == word)
        .ok_or_else(|| {
            let words = RunStatus::ALL.map(RunStatus::as_str).join(", ");
            Fault::new(Kind::Usage, format!("`{word}` is not a status: {words}"))
        })
}

pub(super) fn print_json<T: serde::Serialize>(value: &T) {
    println!(
        "{}",
        serde_json::to_string_pretty(value).unwrap_or_default()
    );
}

fn print_row(run: &RunSummary) {
    println!(
        "{}  {}  {:<10} {:<28} {}",
        run.id,
        run.started_at,
        run.status.as_str(),
        run.playbook,
        Plain(&run.cause)
    );
}

fn print_run(document: &RunDocument) {
    let run = &document.summary;
    println!("{} {}", run.id, run.status.as_str());
    println!("  playbook {} ({})", run.playbook, run.digest);
    let cause = Plain(&run.cause);
    println!("  cause    {cause} through trigger {}", run.trigger);
    println!("  began    {}", run.started_at);
    if let Some(at) = run.ended_at {
        println!("  ended    {at}");
    }
    for step in &document.view.steps {
        let action = step
            .action
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        println!(
            "  {:<10} {:<16} {action}, tries {}",
            step.status.as_str(),
            step.label,
            step.attempts
        );
        let message = step.error.as_ref().and_then(|error| error.get("message"));
        if let Some(message) = message.and_then(Value::as_str) {
            println!("             {}", Plain(message));
        }
        if let Some(id) = step.output.as_ref().and_then(|output| output.get("id")) {
            println!(
                "             id {}",
                Plain(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            );
        }
    }
    if let Some(finish) = &document.view.finish {
        for (name, value) in &finish.outputs {
            println!("  output   {name} = {}", Plain(value));
        }
        if let Some(reason) = &finish.reason {
            println!("  reason   {}", Plain(reason));
        }
    }
}
