//! `quell version`.

use serde_json::json;

use crate::args::Format;
use crate::exit::Fault;

pub(super) fn version(format: Format) -> Result<(), Fault> {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        Format::Human => println!("quell {version}"),
        Format::Json => println!("{}", json!({ "name": "quell", "version": version })),
    }
    Ok(())
}
