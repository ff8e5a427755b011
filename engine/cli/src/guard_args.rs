//! The command line of guard rails, ledger and audit log.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::args::WhereArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum GuardCommand {
    /// Stops everything that contains or destroys, at once; releases stay possible.
    #[command(after_help = "Example:\n  quell halt --reason 'isolating the wrong subnet'")]
    Halt(HaltArgs),
    /// Lets go on what `halt` stopped.
    #[command(after_help = "Example:\n  quell resume")]
    Resume(WhereArgs),
    /// Lists what is contained now, by whom and until when.
    #[command(subcommand, after_help = "Example:\n  quell effects list")]
    Effects(EffectsCommand),
    /// Checks and prints the audit log.
    #[command(
        subcommand,
        after_help = "Example:\n  quell audit verify --data ./data"
    )]
    Audit(AuditCommand),
    /// Copies the database of an engine, running or not, into a new file.
    #[command(after_help = "Example:\n  quell backup quell-monday.db")]
    Backup(BackupArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct HaltArgs {
    /// Why, for everybody whose steps are refused.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EffectsCommand {
    /// Lists effects, newest first: those that hold now.
    List {
        /// Those that are over as well.
        #[arg(long)]
        all: bool,
        /// Only those that could not be taken back.
        #[arg(long)]
        failed: bool,
        /// What would have been done, where the engine only simulates.
        #[arg(long)]
        dry_run: bool,
        /// How many at the most.
        #[arg(long, default_value_t = 200)]
        limit: usize,
        #[command(flatten)]
        place: WhereArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Looks at every entry and names the first that was changed.
    Verify {
        /// The folder of the database; that of the configuration when absent.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The digest that the last entry had when somebody looked before.
        #[arg(long, value_name = "DIGEST")]
        contains: Option<String>,
    },
    /// Prints the entries, one JSON document per line.
    Export {
        /// Only entries after the one of this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        #[command(flatten)]
        place: WhereArgs,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BackupArgs {
    /// The file to write; it may not be there yet.
    pub(crate) file: PathBuf,
    /// The folder of the database; that of the configuration when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}
