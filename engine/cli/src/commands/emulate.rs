//! `quell emulate`.

use actions_emulator::{Emulator, Options};
use tokio::net::TcpListener;

use crate::args::EmulateArgs;
use crate::exit::Fault;

pub(super) async fn emulate(args: &EmulateArgs) -> Result<(), Fault> {
    let mut options = Options::seeded(args.seed);
    options.machines = args.machines;
    options.action_pending = args.pending;
    options.action_running = args.running;
    options.visibility_delay = args.visibility_delay;
    let emulator = Emulator::new(options);
    if args.coverage {
        let coverage = emulator.coverage();
        println!(
            "{}",
            serde_json::to_string_pretty(&coverage).unwrap_or_default()
        );
        return Ok(());
    }
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await?;
    let listening = emulator.listen(listener)?;
    println!("{}", emulator.describe());
    println!("QUELL_EMULATOR_READY {}", listening.base_url());
    listening.run(super::serve::stopped()).await;
    Ok(())
}
