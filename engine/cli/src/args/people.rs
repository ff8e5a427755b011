//! The arguments of `quell approvals`, `approve` and `deny`.

use clap::{Args as ClapArgs, Subcommand};

use super::WhereArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// Lists what waits for people: what is about to be done, and who may decide.
    #[command(after_help = "Example:\n  quell approvals\n  quell approvals --mine --format json")]
    Approvals {
        /// Only of this run.
        #[arg(long)]
        run: Option<String>,
        /// Only what you may decide on.
        #[arg(long)]
        mine: bool,
        /// Of how many runs at the most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// Agrees to what a run asks, in your name.
    #[command(
        after_help = "Example:\n  quell approve run_fg4il4yzvixd5dam3ch7pkvcwk isolate\n  \
                      quell approve run_fg4il4yzvixd5dam3ch7pkvcwk ask --form hours=24"
    )]
    Approve(AnswerArgs),
    /// Says no to what a run asks; it is not done, and mostly the run ends.
    #[command(
        after_help = "Example:\n  quell deny run_fg4il4yzvixd5dam3ch7pkvcwk isolate --comment test"
    )]
    Deny(AnswerArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AnswerArgs {
    /// The run.
    pub(crate) run: String,
    /// The step, as the list names it.
    pub(crate) step: String,
    /// What you say about it, for everybody who looks later.
    #[arg(long)]
    pub(crate) comment: Option<String>,
    /// A field of the form as `name=value`; JSON where the value is JSON, else text.
    #[arg(long = "form", value_name = "NAME=VALUE")]
    pub(crate) form: Vec<String>,
    /// The beginning of the digest that you saw: refused where something else is asked by now.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
}
