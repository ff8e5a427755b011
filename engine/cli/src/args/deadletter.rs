//! The arguments of `quell deadletter`.

use clap::Subcommand;

use super::WhereArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum DeadletterCommand {
    /// Lists dead letters, newest first.
    List {
        /// Only of this playbook.
        #[arg(long)]
        playbook: Option<String>,
        /// How many at the most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Shows one dead letter and the alerts it is about.
    Show {
        /// The number that the list shows.
        number: u64,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Starts it once more, with the playbook as it is now; asked twice, one run begins.
    Replay {
        /// The number that the list shows.
        number: u64,
        #[command(flatten)]
        place: WhereArgs,
    },
}
