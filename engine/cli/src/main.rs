//! `quell`: runs security-response playbooks.
//!
//! This crate only wires: it parses the command line and the configuration, builds the parts and
//! folds their errors into exit codes.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the program is the edge: it reads files and the environment, and it prints"
)]

mod args;
mod client;
mod commands;
mod config;
mod exit;
mod guard_args;
mod people;
mod plain;
mod plugins;
mod quotas;
mod telemetry;
mod timeline;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    leave_quietly_when_nobody_reads();
    let args = args::Args::parse();
    telemetry::init(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::Fault::failed(format!("no async runtime: {error}")).report();
        }
    };
    let ended = runtime.block_on(commands::run(args));
    // What is still going on in the background is safe to drop: the journal has it.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(),
    }
}

/// `quell runs list | head` closes the pipe early; that is no defect to report.
fn leave_quietly_when_nobody_reads() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let told = panic.payload_as_str().unwrap_or_default();
        if told.starts_with("failed printing to stdout") && told.contains("Broken pipe") {
            std::process::exit(0);
        }
        report(panic);
    }));
}
