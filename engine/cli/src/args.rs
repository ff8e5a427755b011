//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

mod author;
mod deadletter;
mod emulate;
mod people;
mod runs;

use crate::guard_args::GuardCommand;
pub(crate) use author::{AuthorCommand, FmtArgs, LintFormat, TestArgs};
pub(crate) use deadletter::DeadletterCommand;
pub(crate) use emulate::EmulateArgs;
pub(crate) use people::{AnswerArgs, PeopleCommand};
pub(crate) use runs::{Assume, RunArgs, RunsCommand};

/// Runs security-response playbooks that you can trust with containment.
#[derive(Debug, Parser)]
#[command(
    name = "quell",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What the log on standard error shows, such as `info` or `engine_broker=debug`.
    #[arg(long, global = true, env = "QUELL_LOG", default_value = "warn")]
    pub(crate) log: String,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the main job in one process: an emulated Defender, an engine, a real alert.
    #[command(after_help = "Example:\n  quell demo\n  quell demo --json --data ./demo --seed 7")]
    Demo(DemoArgs),
    /// Runs the engine: triggers, intake and API.
    #[command(after_help = "Example:\n  quell serve --config quell.yaml")]
    Serve(ServeArgs),
    /// Runs one playbook in the foreground and shows its timeline.
    #[command(
        after_help = "Example:\n  quell run workflows/contain-workstation.yaml --alert alert.json"
    )]
    Run(RunArgs),
    /// Checks playbooks and prints every problem with its place.
    #[command(after_help = "Example:\n  quell lint workflows --format json")]
    Lint(LintArgs),
    /// Tests of playbooks.
    #[command(flatten)]
    Author(AuthorCommand),
    /// Writes or checks the generated schemas and reference.
    #[command(after_help = "Example:\n  quell schema --check")]
    Schema(SchemaArgs),
    /// Prints the action reference, from the code.
    #[command(after_help = "Example:\n  quell actions defender.isolate-machine")]
    Actions(ActionsArgs),
    /// Prints the least API permissions that playbooks need.
    #[command(after_help = "Example:\n  quell permissions workflows")]
    Permissions(PermissionsArgs),
    /// Checks whether the tokens of this moment may do what playbooks need.
    #[command(after_help = "Example:\n  quell preflight workflows --connection prod --json")]
    Preflight(PreflightArgs),
    /// Signs people in and out, and shows whether connections have what they need.
    #[command(subcommand, after_help = "Example:\n  quell auth login analyst")]
    Auth(AuthCommand),
    /// Lets an administrator of a customer consent to the application of a partner connection.
    #[command(after_help = "Example:\n  quell consent mssp contoso")]
    Consent(ConsentArgs),
    /// Lists, shows and cancels runs.
    #[command(subcommand, after_help = "Example:\n  quell runs list --format json")]
    Runs(RunsCommand),
    /// Lists and shows alerts.
    #[command(subcommand, after_help = "Example:\n  quell alerts list")]
    Alerts(AlertsCommand),
    /// Says of every trigger whether an alert starts it, and if not, which condition fails first.
    #[command(
        after_help = "Example:\n  quell why da637551227677560813_-961444813\n  quell why alert.json"
    )]
    Why(WhyArgs),
    /// Makes, checks and installs plugins.
    #[command(
        subcommand,
        after_help = "Example:\n  quell plugin new --lang python reputation"
    )]
    Plugin(crate::commands::plugin::PluginCommand),
    /// Lists, shows and replays what should have been done and was not.
    #[command(
        subcommand,
        after_help = "Example:\n  quell deadletter list --playbook contain"
    )]
    Deadletter(DeadletterCommand),
    /// Questions to people.
    #[command(flatten)]
    People(PeopleCommand),
    /// Guard rails, the ledger and the audit log.
    #[command(flatten)]
    Guard(GuardCommand),
    /// Prints the page of an error code.
    #[command(after_help = "Example:\n  quell explain PB0301")]
    Explain {
        /// The code.
        code: String,
    },
    /// Runs the Defender emulator alone.
    #[command(after_help = "Example:\n  quell emulate --port 8480")]
    Emulate(EmulateArgs),
    /// Prints the version.
    #[command(after_help = "Example:\n  quell version --format json")]
    Version {
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// What goes wrong in a demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoFault {
    /// The device refuses the isolation in the end.
    IsolateFails,
    /// The device never answers.
    IsolateTimesOut,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DemoArgs {
    /// Prints one JSON event per line and a summary as the last one.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keeps the database in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Varies the world: names, ids, the device of the alert.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Shows an unhappy day.
    #[arg(long, value_enum)]
    pub(crate) fault: Option<DemoFault>,
    /// Takes an application permission away, such as `Machine.Isolate`.
    #[arg(long, value_name = "NAME")]
    pub(crate) role_missing: Option<String>,
    /// Stays up afterwards, with the API and the emulator.
    #[arg(long)]
    pub(crate) serve: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The configuration.
    #[arg(long, default_value = "quell.yaml")]
    pub(crate) config: PathBuf,
    /// Reads for real, changes nothing: steps that would are simulated.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LintArgs {
    /// Playbook files, or folders of them; the configuration's playbooks, else `workflows`.
    pub(crate) paths: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: LintFormat,
    /// Treats warnings as errors.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// The configuration, for the actions of its plugins.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PermissionsArgs {
    /// Playbook files, or folders of them; the configuration's playbooks when absent.
    pub(crate) paths: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The configuration, for the actions of its plugins and the API of hunting.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PreflightArgs {
    /// Playbook files, or folders of them; the configuration's playbooks when absent.
    pub(crate) paths: Vec<PathBuf>,
    /// Asks for this connection whatever the playbooks name.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Only this tenant; every active one of the connection when absent.
    #[arg(long, value_name = "GUID")]
    pub(crate) tenant: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Signs a person in for a connection in user context.
    Login(ConnectionArgs),
    /// Shows every connection, who is signed in, and which secrets can be read.
    Status(StatusArgs),
    /// Forgets the session of a connection, here and on disk.
    Logout(ConnectionArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConnectionArgs {
    /// The connection; the default one when absent.
    pub(crate) connection: Option<String>,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConsentArgs {
    /// The partner connection.
    pub(crate) connection: String,
    /// The customer: its name in the configuration, or the GUID of its directory.
    pub(crate) tenant: String,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// Writes nothing; fails when a file differs from what the code says.
    #[arg(long)]
    pub(crate) check: bool,
    /// Where the schemas are.
    #[arg(long, default_value = "schemas")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ActionsArgs {
    /// One action; all when absent.
    pub(crate) id: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The configuration, for the actions of its plugins.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// Where runs and alerts are looked up: a running engine, or the folder of a stopped one.
#[derive(Debug, ClapArgs)]
pub(crate) struct WhereArgs {
    /// Reads this folder; no engine has to run.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The address of the engine; `listen` of the configuration when absent.
    #[arg(long, env = "QUELL_URL")]
    pub(crate) url: Option<String>,
    /// The key of a person, as a reference such as `env:MONA_KEY`.
    #[arg(long, default_value = "env:QUELL_KEY")]
    pub(crate) key: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// Lists alerts, newest first.
    List {
        /// How many at the most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Shows one alert and the runs it started.
    Show {
        /// The source's id of the alert.
        id: String,
        #[command(flatten)]
        place: WhereArgs,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WhyArgs {
    /// The source's id of a stored alert, or a file with one, in the vendor's shape or in ours.
    pub(crate) alert: String,
    /// Looks at the alert in a file as a changed one.
    #[arg(long)]
    pub(crate) updated: bool,
    /// The configuration, whose playbooks a file and a folder are held against.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}
