//! From options to an engine that goes on where the one before it stopped.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use engine_driver::Attempts;
use engine_driver::guard::{Guards, Ledger};
use engine_model::{TenantId, Timestamp};
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;

use crate::archive::Archive;
use crate::inner::Inner;
use crate::ledger::SqlLedger;
use crate::options::{GuardOptions, Options};
use crate::rows::{self, RunRow};
use crate::schema::{Folder, StoreError};
use crate::stage::Stage;
use crate::timers::Timers;
use crate::writer::{Writer, Writing};
use crate::{effects, outbox, signals};

/// News kept for a slow reader.
const NEWS_KEPT: usize = 4096;

/// Opens the database. Nothing goes on yet but the writing.
pub(crate) async fn inner(
    options: Options,
    stage: Option<Arc<dyn Stage>>,
) -> Result<Arc<Inner>, StoreError> {
    let (folder, taken) = Folder::lock(&options.data_dir)?;
    let (writer, writing) = writer(&folder, stage.as_ref())?;
    let archive = Archive::new(Arc::new(folder), options.playbooks, stage.clone());
    let ledger: Arc<dyn Ledger> = Arc::new(SqlLedger {
        writer: Arc::clone(&writer),
        archive: archive.clone(),
    });
    let ledger = match stage {
        Some(stage) => stage.ledger(ledger),
        None => ledger,
    };
    let attempts = match options.guards {
        Some(guards) => guarded(options.attempts, guards, (ledger, &archive)).await?,
        None => options.attempts,
    };
    let inner = Arc::new(Inner {
        writer,
        archive,
        timers: Timers::default(),
        attempts,
        owes: Notify::new(),
        clock: options.clock,
        settings: options.settings,
        news: broadcast::channel(NEWS_KEPT).0,
        actors: Mutex::new(HashMap::new()),
        tasks: Mutex::new(JoinSet::new()),
        kept: Mutex::new(HashSet::new()),
        storm_changed: Notify::new(),
        _taken: taken,
    });
    if let Some(writing) = writing {
        inner.spawn(writing);
    }
    Ok(inner)
}

/// What writes: a thread, or what has to be polled on a stage.
fn writer(
    folder: &Folder,
    stage: Option<&Arc<dyn Stage>>,
) -> Result<(Arc<Writer>, Option<Writing>), StoreError> {
    let connection = folder.writer()?;
    Ok(match stage {
        Some(stage) => {
            let (writer, writing) = Writer::on(Arc::clone(stage), connection);
            (Arc::new(writer), Some(writing))
        }
        None => (Arc::new(Writer::start(connection)?), None),
    })
}

/// Puts guard rails before tries, the stop switch as it was left.
async fn guarded(
    attempts: Attempts,
    guards: GuardOptions,
    (ledger, archive): (Arc<dyn Ledger>, &Archive),
) -> Result<Attempts, StoreError> {
    let guards = Guards::new(guards.policy, guards.resolvers, ledger);
    guards.switch().set(archive.read(effects::halt).await?);
    Ok(attempts.guarded(Arc::new(guards)))
}

/// Takes up what the engine before this one left unfinished.
pub(crate) async fn take_up(inner: &Arc<Inner>) -> Result<(), StoreError> {
    inner.keep_playbooks().await?;
    inner.note_configuration().await?;
    let (timers, live, called, calls) = inner
        .archive
        .read(|connection| {
            Ok((
                rows::timers(connection)?,
                rows::live_runs(connection)?,
                signals::called_runs(connection)?,
                outbox::calls(connection)?,
            ))
        })
        .await?;
    for (wake_at, run, cid) in timers {
        inner.timers.add(wake_at, run, cid);
    }
    let live: BTreeSet<RunRow> = live.into_iter().chain(called).collect();
    for run in live {
        inner.recover(run);
    }
    for (parent, child) in calls {
        inner.make_call(parent, child).await?;
    }
    Ok(())
}

/// Begins everything that goes on as long as the engine.
pub(crate) fn watch(inner: &Arc<Inner>, tenant: TenantId, since: Timestamp) {
    inner.spawn(Box::pin(Arc::clone(inner).watch_timers()));
    inner.spawn(Box::pin(Arc::clone(inner).watch_storm()));
    inner.spawn(Box::pin(Arc::clone(inner).watch_ends()));
    if inner.attempts.guards().is_some() {
        inner.spawn(Box::pin(Arc::clone(inner).watch_releases()));
        inner.spawn(Box::pin(Arc::clone(inner).watch_retention()));
    }
    inner.spawn(Box::pin(Arc::clone(inner).watch_schedules(tenant, since)));
}
