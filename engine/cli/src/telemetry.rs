//! The log on standard error.

use tracing_subscriber::EnvFilter;

use crate::args::Args;

/// Sets up the log as the command line says.
pub(crate) fn init(args: &Args) {
    let filter = EnvFilter::try_new(&args.log).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .compact()
        .init();
}
