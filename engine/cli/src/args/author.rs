//! Commands for those who write playbooks.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::Format;

/// How problems are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For code hosts, which show problems beside the lines.
    Sarif,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthorCommand {
    /// Runs the tests of playbooks: `*.test.yaml` files beside them.
    #[command(after_help = "Example:\n  quell test workflows\n  quell test workflows --mutate")]
    Test(TestArgs),
    /// Brings playbooks and tests into the canonical form; comments and order stay.
    #[command(after_help = "Example:\n  quell fmt workflows\n  quell fmt --check workflows")]
    Fmt(FmtArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FmtArgs {
    /// YAML files, or folders of them; `-` reads standard input and writes standard output. The
    /// configuration's playbooks when absent.
    pub(crate) paths: Vec<PathBuf>,
    /// Writes nothing; fails when a file is not in the canonical form.
    #[arg(long)]
    pub(crate) check: bool,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestArgs {
    /// Test files, or folders of them; the configuration's playbooks when absent.
    pub(crate) paths: Vec<PathBuf>,
    /// Shows the steps and branches that no test reaches.
    #[arg(long)]
    pub(crate) coverage: bool,
    /// Fails when less than so many percent of the steps and branches are reached.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) coverage_min: Option<u8>,
    /// Changes the playbooks in ways that a test should notice, and shows what none noticed.
    #[arg(long)]
    pub(crate) mutate: bool,
    /// Writes the results to this file in the form that build servers read.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
    /// The configuration, for the actions of its plugins.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}
