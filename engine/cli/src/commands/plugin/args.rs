//! The arguments of `quell plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engine_plugin::author::Lang;

use crate::args::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Writes a new plugin: source, cases, and what it asks for.
    #[command(after_help = "Example:\n  quell plugin new --lang python reputation")]
    New(NewArgs),
    /// Builds the plugin of a folder.
    #[command(after_help = "Example:\n  quell plugin build reputation")]
    Build {
        /// The folder with `plugin.yaml`.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Shows what a plugin is, imports, asks for and offers; fails when it could not be installed.
    #[command(after_help = "Example:\n  quell plugin check build/reputation.wasm")]
    Check {
        /// The plugin file, or the folder of a built one.
        #[arg(default_value = ".")]
        file: PathBuf,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Runs one action of a plugin, outside of any engine.
    #[command(
        after_help = "Example:\n  quell plugin run build/reputation.wasm look-up \\\n    \
                      --input sha256=2c26… --mock tests/cases.yaml"
    )]
    Run(TrialArgs),
    /// Runs the cases of a built plugin.
    #[command(after_help = "Example:\n  quell plugin test")]
    Test {
        /// The folder with `plugin.yaml`.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Builds and tests again whenever a file changes.
    #[command(after_help = "Example:\n  quell plugin dev")]
    Dev {
        /// The folder with `plugin.yaml`.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Checks a built plugin and writes the file to hand out.
    #[command(after_help = "Example:\n  quell plugin pack --out reputation-0.1.0.wasm")]
    Pack {
        /// The folder with `plugin.yaml`.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The file; `ID-VERSION.wasm` in the folder when absent.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Signs a plugin file.
    #[command(after_help = "Example:\n  quell plugin sign reputation-0.1.0.wasm --key my.key")]
    Sign(SignArgs),
    /// Shows what a plugin asks for, asks you, and installs it.
    #[command(
        after_help = "Example:\n  quell plugin add reputation-0.1.0.wasm \\\n    \
                      --bind service=https://reputation.example --header service:x-apikey=rep_key"
    )]
    Add(AddArgs),
    /// Lists the installed plugins.
    #[command(after_help = "Example:\n  quell plugin list")]
    List {
        /// The configuration.
        #[arg(long, default_value = "quell.yaml")]
        config: PathBuf,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Removes an installed plugin.
    #[command(after_help = "Example:\n  quell plugin remove reputation")]
    Remove {
        /// The plugin.
        id: String,
        /// The configuration.
        #[arg(long, default_value = "quell.yaml")]
        config: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The language: rust, js, ts, python, c, or wat for the bare interface.
    #[arg(long)]
    pub(super) lang: Lang,
    /// The name; it becomes the family of the plugin's actions and the name of its folder.
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct TrialArgs {
    /// The plugin file.
    pub(super) file: PathBuf,
    /// The action, without the plugin's name.
    pub(super) action: String,
    /// Parameters: a JSON object, or `name=value`.
    #[arg(long = "input", value_name = "JSON|NAME=VALUE")]
    pub(super) inputs: Vec<String>,
    /// What services answer: a file of cases, of which the one with this input is taken, or a list
    /// of exchanges. Without it requests really leave.
    #[arg(long, value_name = "FILE")]
    pub(super) mock: Option<PathBuf>,
    /// Says what would be done instead of doing it.
    #[arg(long)]
    pub(super) simulate: bool,
    /// The configuration whose plugin of this name gives connections, grants and secrets.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The plugin file, which is signed in place.
    pub(super) file: PathBuf,
    /// The file with your key.
    #[arg(long)]
    pub(super) key: PathBuf,
    /// Makes the key where it does not exist.
    #[arg(long)]
    pub(super) new_key: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The plugin file.
    pub(super) file: PathBuf,
    /// The configuration whose `plugins` is a lock.
    #[arg(long, default_value = "quell.yaml")]
    pub(super) config: PathBuf,
    /// Where a service of the plugin is, such as `okta=https://acme.okta.com`.
    #[arg(long, value_name = "NAME=URL")]
    pub(super) bind: Vec<String>,
    /// A header with a credential: `okta:authorization=okta_token`, the last being the name of its
    /// whole value under `secrets`.
    #[arg(long, value_name = "NAME:HEADER=SECRET")]
    pub(super) header: Vec<String>,
    /// The plugin's own configuration, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) set: Option<String>,
    /// Installs without asking; what asks for more than the version before still stops.
    #[arg(long)]
    pub(super) yes: bool,
    /// Grants a new version what it asks for beyond the version before.
    #[arg(long)]
    pub(super) grant_more: bool,
    /// Takes a new version that is signed with another key than the version before.
    #[arg(long)]
    pub(super) new_signer: bool,
    /// Takes a file that nobody signed.
    #[arg(long)]
    pub(super) unsigned: bool,
}
