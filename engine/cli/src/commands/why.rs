//! `quell why`.

use std::path::Path;
use std::sync::Arc;

use engine_driver::{Held, NoPast, Playbooks, Verdict, Why, WhyTrigger};
use engine_trigger::AlertChange;

use crate::args::{Format, WhyArgs};
use crate::client::Client;
use crate::config::Config;
use crate::exit::Fault;
use crate::plain::Plain;
use crate::wire;

use super::alerts::without_source;
use super::run::read_alert;
use super::runs::print_json;

pub(super) async fn why(args: WhyArgs) -> Result<(), Fault> {
    let why = ask(&args).await?;
    match args.place.format {
        Format::Json => print_json(&why),
        Format::Human => print(&why),
    }
    Ok(())
}

/// A running engine answers for its own playbooks; a file and a folder are held against those of
/// the configuration.
async fn ask(args: &WhyArgs) -> Result<Why, Fault> {
    let path = Path::new(&args.alert);
    let id = without_source(&args.alert);
    if path.is_file() {
        let config = Config::near(args.config.as_deref())?;
        let playbooks = playbooks(&config).await?;
        let alert = read_alert(&config.tenant, path)?;
        let change = if args.updated {
            AlertChange::Updated
        } else {
            AlertChange::Created
        };
        let loaded = playbooks.loaded();
        let plans = loaded.plans.values().map(|(plan, _)| plan);
        return Ok(engine_driver::why(&alert, change, plans, &NoPast));
    }
    if let Some(folder) = &args.place.data {
        let config = Config::near(args.config.as_deref())?;
        let playbooks = playbooks(&config).await?;
        return Client::folder(folder, playbooks)?.why(id).await;
    }
    Client::find(&args.place).await?.why(id).await
}

async fn playbooks(config: &Config) -> Result<Arc<Playbooks>, Fault> {
    let playbooks = Arc::new(Playbooks::new(wire::infos(&wire::actions(config).await?)));
    // One that is not valid would not be running either; the others still have an answer.
    wire::report(&playbooks.load(wire::playbook_files(&config.playbooks)?));
    Ok(playbooks)
}

fn print(why: &Why) {
    println!(
        "{}/{}  {}, looked at as {}",
        why.alert.source.as_str(),
        Plain(&why.alert.id),
        Plain(&why.title),
        why.change.as_str()
    );
    let name = |trigger: &WhyTrigger| format!("{}/{}", trigger.playbook, trigger.trigger);
    let names = why.triggers.iter().map(|trigger| name(trigger).len());
    let width = names.max().unwrap_or_default();
    for trigger in &why.triggers {
        let sentence = sentence(&trigger.verdict);
        println!("  {:width$}  {}", name(trigger), Plain(&sentence));
    }
    if why.triggers.is_empty() {
        println!("  there is no playbook");
    }
}

fn sentence(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Fired { run } => format!("fired: {run}"),
        Verdict::Matches => "matches; no run began because of this alert".to_owned(),
        Verdict::Held(Held { control, message }) => format!("held back by {control}: {message}"),
        Verdict::Unstartable { code, message } => {
            format!("matches, cannot start: {message} ({code})")
        }
        Verdict::Missed {
            selection,
            field,
            wanted,
            found,
        } => {
            let selection = selection
                .as_ref()
                .map(|name| format!("selection `{name}`: "));
            let selection = selection.unwrap_or_default();
            format!("did not fire: {selection}`{field}` is {found}, wanted {wanted}")
        }
        Verdict::Other { kind } => format!("is started by {kind}, not by alerts"),
    }
}
