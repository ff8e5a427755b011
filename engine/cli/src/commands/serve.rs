//! `quell serve`.

use std::sync::Arc;

use engine_driver::Engine;
use engine_run::Decision;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::args::ServeArgs;
use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::wire::{self, Opening, Parts};

use super::reload::Reload;

pub(super) async fn serve(args: ServeArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let mut parts = Parts::build(config, None).await?;
    let files = wire::playbook_files(&parts.config.playbooks)?;
    let refused = parts.playbooks.load(files.clone());
    if !refused.is_empty() {
        wire::report(&refused);
        let message = format!(
            "{} playbooks are not valid; nothing was started",
            refused.len()
        );
        return Err(Fault::new(Kind::Invalid, message));
    }
    let opening = Opening {
        dry_run: args.dry_run,
        assume: Decision::Approve,
        schedules_since: None,
    };
    let embedded = parts.open(opening).await?;
    let reload = Reload::new(
        parts.config.playbooks.clone(),
        files,
        Arc::clone(&parts.playbooks),
        Arc::clone(&embedded),
    )?;
    let engine: Arc<dyn Engine> = embedded;
    let listener = TcpListener::bind(parts.config.listen)
        .await
        .map_err(|error| {
            Fault::failed(format!("cannot listen on {}: {error}", parts.config.listen))
        })?;
    let address = listener.local_addr()?;
    let server = parts.server(Arc::clone(&engine), parts.keys()?);
    let mut pollers = JoinSet::new();
    for poller in parts.pollers(&engine)? {
        pollers.spawn(poller.run());
    }
    pollers.spawn(parts.herald(&engine)?.run());
    for inbox in parts.inboxes(&engine) {
        pollers.spawn(inbox.run());
    }
    pollers.spawn(reload.watch());
    if let Some(plugins) = parts.plugins.take() {
        pollers.spawn(plugins.watch());
    }
    println!("QUELL_READY {address}");
    server.serve(listener, stopped()).await?;
    pollers.shutdown().await;
    Ok(())
}

/// Ends when somebody asks the program to stop.
pub(super) async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    let mut terminated =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminated) => terminated,
            Err(_) => return drop(interrupted.await),
        };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}
