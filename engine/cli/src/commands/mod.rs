//! One file per command.

mod actions;
mod alerts;
mod approvals;
mod audit;
mod auth;
mod backup;
mod consent;
mod deadletter;
mod demo;
mod desk;
mod effects;
mod emulate;
mod explain;
mod fmt;
mod halt;
mod lint;
mod permissions;
pub(crate) mod plugin;
mod preflight;
mod reload;
mod report;
mod run;
mod runs;
mod schema;
mod serve;
mod test;
mod version;
mod why;

use crate::args::{Args, AuthorCommand, Command};
use crate::exit::Fault;
use crate::guard_args::GuardCommand;

/// Does what the command line says.
pub(crate) async fn run(args: Args) -> Result<(), Fault> {
    match args.command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Serve(args) => serve::serve(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Lint(args) => lint::lint(&args).await,
        Command::Author(command) => author(command).await,
        Command::Schema(args) => schema::schema(&args),
        Command::Actions(args) => actions::actions(&args).await,
        Command::Permissions(args) => permissions::permissions(&args).await,
        Command::Preflight(args) => preflight::preflight(&args).await,
        Command::Auth(command) => auth::auth(command).await,
        Command::Consent(args) => consent::consent(&args).await,
        Command::Runs(command) => runs::runs(command).await,
        Command::Alerts(command) => alerts::alerts(command).await,
        Command::Why(args) => why::why(args).await,
        Command::Plugin(command) => plugin::plugin(command).await,
        Command::Deadletter(command) => deadletter::deadletter(command).await,
        Command::People(command) => approvals::people(command).await,
        Command::Guard(command) => guard(command).await,
        Command::Explain { code } => explain::explain(&code),
        Command::Emulate(args) => emulate::emulate(&args).await,
        Command::Version { format } => version::version(format),
    }
}

async fn author(command: AuthorCommand) -> Result<(), Fault> {
    match command {
        AuthorCommand::Test(args) => test::test(&args).await,
        AuthorCommand::Fmt(args) => fmt::fmt(&args),
    }
}

async fn guard(command: GuardCommand) -> Result<(), Fault> {
    match command {
        GuardCommand::Halt(args) => halt::halt(&args).await,
        GuardCommand::Resume(place) => halt::resume(&place).await,
        GuardCommand::Effects(command) => effects::effects(command).await,
        GuardCommand::Audit(command) => audit::audit(command).await,
        GuardCommand::Backup(args) => backup::backup(&args).await,
    }
}
