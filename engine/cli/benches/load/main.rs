//! The engine under load, beside a baseline in the same run.
//!
//! `cargo bench -p quell --bench load` starts an emulated Defender, the release binary as a process
//! of its own and the baseline as another, and measures them in turns, so that a machine that gets
//! slower meanwhile is slow for both. What the figures mean is told in `docs/benchmarks.md`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark starts programs, reads the clock and prints"
)]

mod alerts;
mod baseline;
mod connection;
mod load;
mod parts;
mod playbooks;
mod readings;
mod side;
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with tests, which use more of it and may panic"
)]
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;
mod tap;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match args.first().map(String::as_str) {
        Some(baseline::COMMAND) => runtime.block_on(baseline::serve(&args[1..])),
        // Cargo says so; `cargo test --all-targets` starts benchmarks too, without saying it.
        _ if args.iter().any(|arg| arg == "--bench") => runtime.block_on(parts::all()),
        _ => {
            println!("nothing measured; run `cargo bench -p quell --bench load`");
            Ok(())
        }
    }
}
