//! `quell audit verify|export`.

use std::path::Path;

use engine_model::code;

use crate::client::{Client, folder};
use crate::exit::Fault;
use crate::guard_args::AuditCommand;
use crate::plain::Plain;

/// Entries that are asked for at once.
const PAGE: usize = 1000;

pub(super) async fn audit(command: AuditCommand) -> Result<(), Fault> {
    match command {
        AuditCommand::Verify { data, contains } => {
            verify(data.as_deref(), contains.as_deref()).await
        }
        AuditCommand::Export { after, place } => {
            let client = Client::find(&place).await?;
            let mut after = after;
            loop {
                let rows = client.audit(after, PAGE).await?;
                let Some(last) = rows.last() else {
                    return Ok(());
                };
                after = last.seq;
                for row in &rows {
                    println!("{}", serde_json::to_string(row).unwrap_or_default());
                }
            }
        }
    }
}

async fn verify(data: Option<&Path>, contains: Option<&str>) -> Result<(), Fault> {
    let archive = folder(data).await?;
    let report = archive.verify().await?;
    let changed = |message: String| Err(Fault::failed(message).with_code(code::ST0105));
    if let Some((seq, why)) = report.broken {
        return changed(format!(
            "entry {seq} is not what was written: {}",
            Plain(&why)
        ));
    }
    if let Some(digest) = contains
        && !archive.has_entry(digest).await?
    {
        return changed(format!("no entry has the digest {}", Plain(digest)));
    }
    println!("{} entries, each as it was written", report.entries);
    if let Some(head) = report.head {
        println!("the last one is {head}; keep that elsewhere and give it to `--contains` later");
    }
    Ok(())
}
