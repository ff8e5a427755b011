//! `quell alerts list|show`.

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
            let document = Client::find(&place).await?.alert(&id).await?;
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
