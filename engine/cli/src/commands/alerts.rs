//! `quell alerts list|show`.

use engine_model::AlertSource;

use crate::args::{AlertsCommand, Format};
use crate::client::Client;
use crate::exit::Fault;
use crate::plain::Plain;

use super::runs::print_json;

pub(super) async fn alerts(command: AlertsCommand) -> Result<(), Fault> {
    match command {
        AlertsCommand::List { limit, place } => {
            let page = Client::find(&place).await?.alerts(limit).await?;
            match place.format {
                Format::Json => print_json(&page),
                Format::Human => {
                    for alert in &page.items {
                        println!(
                            "{}  {:<13} {}/{} r{}  {} ({} runs)",
                            alert.received_at,
                            Plain(&alert.severity),
                            alert.key.source.as_str(),
                            Plain(&alert.key.id),
                            alert.revision,
                            Plain(&alert.title),
                            alert.runs.len()
                        );
                    }
                }
            }
        }
        AlertsCommand::Show { id, place } => {
            let id = without_source(&id);
            let document = Client::find(&place).await?.alert(id).await?;
            match place.format {
                Format::Json => print_json(&document),
                Format::Human => {
                    let (alert, summary) = (&document.alert, &document.summary);
                    println!(
                        "{}/{} revision {}",
                        alert.source.as_str(),
                        Plain(&alert.id),
                        summary.revision
                    );
                    println!("  title    {}", Plain(&alert.title));
                    println!("  severity {}", Plain(&alert.severity));
                    println!("  came in  {}", summary.received_at);
                    let device = alert.device.as_ref();
                    let name = device.and_then(|device| device.name.as_deref());
                    println!("  device   {}", Plain(name.unwrap_or("-")));
                    for run in &summary.runs {
                        println!("  run      {run}");
                    }
                }
            }
        }
    }
    Ok(())
}

/// The id alone: the list shows it behind its source, as `mde/da637`.
pub(super) fn without_source(id: &str) -> &str {
    let known = |word: &str| {
        AlertSource::ALL
            .iter()
            .any(|source| source.as_str() == word)
    };
    id.split_once('/')
        .filter(|(source, _)| known(source))
        .map_or(id, |(_, id)| id)
}
