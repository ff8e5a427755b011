//! `quell effects list`: what is contained now, by whom, until when.

use engine_driver::guard::{EffectFilter, EffectRow};

use crate::args::Format;
use crate::client::Client;
use crate::commands::runs::print_json;
use crate::exit::Fault;
use crate::guard_args::EffectsCommand;
use crate::plain::Plain;

pub(super) async fn effects(command: EffectsCommand) -> Result<(), Fault> {
    let EffectsCommand::List {
        all,
        failed,
        dry_run,
        limit,
        place,
    } = command;
    let filter = EffectFilter {
        all: all || failed,
        failed,
        dry: dry_run,
        limit,
    };
    let rows = Client::find(&place).await?.effects(&filter).await?;
    match place.format {
        Format::Json => print_json(&rows),
        Format::Human => rows.iter().for_each(print_row),
    }
    Ok(())
}

fn print_row(row: &EffectRow) {
    println!(
        "{}  {:<8} {} {} {}",
        row.changed_at,
        row.state.as_str(),
        row.action,
        row.entity,
        Plain(&row.label)
    );
    println!("    target   {}", Plain(&row.target));
    println!(
        "    by       {} step {} of {}",
        row.playbook, row.step, row.run
    );
    if let (Some(at), Some(stage)) = (row.release_at, &row.release) {
        println!("    release  {stage}, due {at}");
    }
    if let Some(error) = &row.error {
        println!("    error    {}", Plain(error));
    }
}
