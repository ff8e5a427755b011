//! `quell plugin`: the author's loop, and what is installed.

mod add;
mod args;
mod author;
mod show;
mod trial;

pub(crate) use args::PluginCommand;

use crate::exit::Fault;

pub(super) async fn plugin(command: PluginCommand) -> Result<(), Fault> {
    match command {
        PluginCommand::New(args) => author::new(&args),
        PluginCommand::Build { folder } => author::build(&folder),
        PluginCommand::Check { file, format } => show::check(&file, format).await,
        PluginCommand::Run(args) => trial::run(&args).await,
        PluginCommand::Test { folder } => trial::test(&folder).await,
        PluginCommand::Dev { folder } => author::dev(&folder).await,
        PluginCommand::Pack { folder, out } => author::pack(&folder, out).await,
        PluginCommand::Sign(args) => author::sign(&args),
        PluginCommand::Add(args) => add::add(&args).await,
        PluginCommand::List { config, format } => show::list(&config, format),
        PluginCommand::Remove { id, config } => add::remove(&id, &config),
    }
}
