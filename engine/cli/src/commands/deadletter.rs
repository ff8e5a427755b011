//! `quell deadletter list|show|replay`.

use engine_driver::{Letter, LetterFilter};

use crate::args::{DeadletterCommand, Format};
use crate::client::Client;
use crate::exit::{Fault, Kind};
use crate::plain::Plain;

use super::runs::print_json;

pub(super) async fn deadletter(command: DeadletterCommand) -> Result<(), Fault> {
    match command {
        DeadletterCommand::List {
            playbook,
            limit,
            place,
        } => {
            let playbook = playbook.map(|name| name.parse()).transpose();
            let playbook = playbook
                .map_err(|error| Fault::new(Kind::Usage, format!("`--playbook`: {error}")))?;
            let filter = LetterFilter {
                playbook,
                before: None,
                limit,
            };
            let page = Client::find(&place).await?.letters(&filter).await?;
            match place.format {
                Format::Json => print_json(&page),
                Format::Human => page.items.iter().for_each(print_row),
            }
        }
        DeadletterCommand::Show { number, place } => {
            let letter = Client::find(&place).await?.letter(number).await?;
            match place.format {
                Format::Json => print_json(&letter),
                Format::Human => print_letter(&letter),
            }
        }
        DeadletterCommand::Replay { number, place } => {
            let run = Client::find(&place).await?.replay(number).await?;
            println!("{run}");
        }
    }
    Ok(())
}

fn print_row(letter: &Letter) {
    let replayed = letter.replayed_as.as_ref();
    println!(
        "{:>5}  {}  {:<11} {}/{}  {} {}{}",
        letter.number,
        letter.at,
        letter.kind.as_str(),
        letter.playbook,
        letter.trigger,
        letter.code,
        Plain(&letter.message),
        replayed.map_or_else(String::new, |run| format!("  (replayed as {run})")),
    );
}

fn print_letter(letter: &Letter) {
    print_row(letter);
    for alert in &letter.alerts {
        println!("  alert    {}/{}", alert.source.as_str(), Plain(&alert.id));
    }
    if let Some(run) = &letter.run {
        println!("  run      {run}");
    }
    println!("  more     quell explain {}", letter.code);
}
