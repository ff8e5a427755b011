//! `quell runs list|show|cancel`.

use engine_driver::{RunDocument, RunFilter, RunSummary};
use engine_run::{Event, RunStatus, StepRecord};
use serde_json::Value;

use crate::args::{Format, RunsCommand, WhereArgs};
use crate::client::{Client, run_id};
use crate::exit::{Fault, Kind};
use crate::plain::Plain;

pub(super) async fn runs(command: RunsCommand) -> Result<(), Fault> {
    match command {
        RunsCommand::List {
            playbook,
            status,
            failed,
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
                failed,
                limit,
            };
            if failed {
                return failures(&filter, &place).await;
            }
            let page = Client::find(&place).await?.runs(&filter).await?;
            match place.format {
                Format::Json => print_json(&page),
                Format::Human => page.items.iter().for_each(print_row),
            }
        }
        RunsCommand::Show { run, json, place } => {
            let document = Client::find(&place).await?.run(&run_id(&run)?).await?;
            match place.format {
                Format::Human if !json => print_run(&document),
                _ => print_json(&document),
            }
        }
        RunsCommand::Cancel { run, place } => {
            let cancelled = Client::find(&place).await?.cancel(&run_id(&run)?).await?;
            if !cancelled {
                return Err(Fault::failed("the run is over already"));
            }
            println!("{run} is being cancelled");
        }
        RunsCommand::Retry { run, place } => {
            let again = Client::find(&place).await?.retry(&run_id(&run)?).await?;
            println!("{again} goes on with what {run} left");
        }
    }
    Ok(())
}

async fn failures(filter: &RunFilter, place: &WhereArgs) -> Result<(), Fault> {
    let page = Client::find(place).await?.failures(filter).await?;
    match place.format {
        Format::Json => print_json(&page),
        Format::Human => {
            for failure in &page.items {
                print_row(&failure.summary);
                let (step, message) = (Plain(&failure.step), Plain(&failure.message));
                println!("    {} in {step}: {message}", Plain(&failure.code));
            }
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
    if let Some(device) = device(document) {
        println!("  device   {}", Plain(device));
    }
    println!("  began    {}", run.started_at);
    if let Some(at) = run.ended_at {
        println!("  ended    {at}");
    }
    document.view.steps.iter().for_each(print_step);
    let Some(finish) = &document.view.finish else {
        return;
    };
    for (name, value) in &finish.outputs {
        println!("  output   {name} = {}", Plain(value));
    }
    if let Some(reason) = &finish.reason {
        println!("  reason   {}", Plain(reason));
    }
    if let Some(error) = &finish.error {
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        println!(
            "  failed   in step {}: {}",
            Plain(text("step")),
            Plain(text("message"))
        );
        println!("  more     quell explain {}", Plain(text("code")));
    }
}

/// The device of the alert that the run works on.
fn device(document: &RunDocument) -> Option<String> {
    let Some(Event::Started(started)) = document.events.first() else {
        return None;
    };
    let device = started.alert.as_ref()?.get("device")?;
    let text = |key: &str| device.get(key).and_then(Value::as_str);
    match (text("name"), text("id")) {
        (Some(name), Some(id)) => Some(format!("{name} ({id})")),
        (name, id) => name.or(id).map(str::to_owned),
    }
}

fn print_step(step: &StepRecord) {
    let action = step
        .action
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (status, label) = (step.status.as_str(), &step.label);
    println!(
        "  {status:<10} {label:<16} {action}, tries {}",
        step.attempts
    );
    if let Some(note) = &step.note {
        println!("             {}", Plain(note));
    }
    if let Some(error) = &step.error {
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        println!(
            "             {} ({})",
            Plain(text("message")),
            Plain(text("code"))
        );
    }
    if let Some(id) = step.output.as_ref().and_then(|output| output.get("id")) {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        println!("             id {}", Plain(id));
    }
}
