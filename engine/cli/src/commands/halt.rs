//! `quell halt`, `quell resume`: the stop switch.

use crate::args::{Format, WhereArgs};
use crate::client::Client;
use crate::commands::runs::print_json;
use crate::exit::Fault;
use crate::guard_args::HaltArgs;
use crate::plain::Plain;

pub(super) async fn halt(args: &HaltArgs) -> Result<(), Fault> {
    let client = Client::find(&args.place).await?;
    let answer = client.halt(args.reason.as_deref()).await?;
    match args.place.format {
        Format::Json => print_json(&answer),
        Format::Human => {
            let by = answer["halted"]["by"].as_str().unwrap_or_default();
            println!(
                "stopped by {}: nothing is contained or destroyed",
                Plain(by)
            );
            println!("releases go on; `quell resume` ends this");
        }
    }
    Ok(())
}

pub(super) async fn resume(place: &WhereArgs) -> Result<(), Fault> {
    let answer = Client::find(place).await?.resume().await?;
    match (place.format, answer["was_halted"].as_bool()) {
        (Format::Json, _) => print_json(&answer),
        (Format::Human, Some(true)) => println!("containment goes on"),
        (Format::Human, _) => println!("nothing was stopped"),
    }
    Ok(())
}
