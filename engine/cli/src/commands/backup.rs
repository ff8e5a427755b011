//! `quell backup FILE`.

use crate::client::folder;
use crate::exit::Fault;
use crate::guard_args::BackupArgs;

pub(super) async fn backup(args: &BackupArgs) -> Result<(), Fault> {
    let archive = folder(args.data.as_deref()).await?;
    archive.backup(&args.file).await?;
    println!("copied to {}", args.file.display());
    Ok(())
}
