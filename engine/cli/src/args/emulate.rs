//! The command line of the emulator.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct EmulateArgs {
    /// The port on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 8480)]
    pub(crate) port: u16,
    /// Varies the world: names, ids, secrets.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Devices in the world.
    #[arg(long, default_value_t = 12)]
    pub(crate) machines: usize,
    /// How long a machine action stays `Pending`.
    #[arg(long, default_value = "1s")]
    pub(crate) pending: engine_model::Millis,
    /// How long it then stays `InProgress`.
    #[arg(long, default_value = "2s")]
    pub(crate) running: engine_model::Millis,
    /// How long a new machine action cannot be found yet.
    #[arg(long, default_value = "0s")]
    pub(crate) visibility_delay: engine_model::Millis,
    /// Lists the routes and how far each is emulated, and stops.
    #[arg(long)]
    pub(crate) coverage: bool,
}
