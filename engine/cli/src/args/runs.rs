//! The arguments of `quell run` and `quell runs`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{Format, WhereArgs};

/// What people are taken to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Assume {
    /// Yes.
    #[default]
    Approve,
    /// No.
    Deny,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// The playbook file.
    pub(crate) playbook: PathBuf,
    /// The alert to work on, in the vendor's shape or in the normalised one.
    #[arg(long, value_name = "FILE")]
    pub(crate) alert: Option<PathBuf>,
    /// An input as `name=value`; the value is read as JSON where it is JSON, else as text.
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// Reads for real, changes nothing: steps that would are simulated.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What people are taken to say where the playbook asks them; they are not asked in a dry run.
    #[arg(long, value_enum, requires = "dry_run", default_value_t)]
    pub(crate) assume: Assume,
    /// Ends with 5 as soon as the run waits for people, instead of waiting with it.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// The configuration.
    #[arg(long, default_value = "quell.yaml")]
    pub(crate) config: PathBuf,
    /// How to print the timeline.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Lists runs, newest first.
    List {
        /// Only of this playbook.
        #[arg(long)]
        playbook: Option<String>,
        /// Only in this status.
        #[arg(long)]
        status: Option<String>,
        /// Only those that failed, timed out or were refused, each with its reason.
        #[arg(long, conflicts_with = "status")]
        failed: bool,
        /// How many at the most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Shows one run, step by step.
    Show {
        /// The run.
        run: String,
        /// The same as `--format json`: steps, timeline and journal in one document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Starts a run that goes on where this one ended without success; what succeeded is kept.
    Retry {
        /// The run.
        run: String,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Cancels a run; its `finally` steps still run.
    Cancel {
        /// The run.
        run: String,
        #[command(flatten)]
        place: WhereArgs,
    },
}
