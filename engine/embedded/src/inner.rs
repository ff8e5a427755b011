//! What every part of the embedded driver shares.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use actions_contract::BoxFuture;
use engine_driver::{Attempts, Clock, Origin, RunNews};
use engine_model::{Digest, Millis, Timestamp, code};
use engine_run::{Cid, Run, RunStatus, Settings};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;

use crate::actor::{Actor, Message, Standing};
use crate::archive::Archive;
use crate::rows::{self, RunRow};
use crate::schema::{StoreError, Taken};
use crate::signals;
use crate::timers::Timers;
use crate::writer::Writer;

/// Messages that may wait for one run.
const MAILBOX: usize = 64;
/// The longest sleep of the timers: the machine may have slept, and clocks may have been set.
const LOOK_AGAIN: Millis = Millis::from_secs(30);
/// How long a run with a full mailbox is left alone.
const BUSY: Millis = Millis::from_ms(20);
/// How long a run waits before it is rebuilt again, when the database could not be read.
const PAUSE: Millis = Millis::from_secs(1);

/// What every part of the embedded driver shares.
pub(crate) struct Inner {
    pub(crate) writer: Arc<Writer>,
    pub(crate) archive: Archive,
    pub(crate) timers: Timers,
    pub(crate) attempts: Attempts,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    /// Wakes whoever looks at releases that are owed.
    pub(crate) owes: Notify,
    pub(crate) news: broadcast::Sender<RunNews>,
    pub(crate) actors: Mutex<HashMap<RunRow, mpsc::Sender<Message>>>,
    /// Every task of the engine; they end with it.
    pub(crate) tasks: Mutex<JoinSet<()>>,
    /// The playbooks whose texts are known to be in the database.
    pub(crate) kept: Mutex<HashSet<Digest>>,
    /// Something may be due earlier than all before.
    pub(crate) storm_changed: Notify,
    /// Let go of last, when nothing writes any more.
    pub(crate) _taken: Taken,
}

impl Inner {
    /// Gives a run that just began its actor.
    pub(crate) fn begin(self: &Arc<Self>, standing: Standing, commands: Vec<engine_run::Command>) {
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        self.actors().insert(standing.row, sender);
        let actor = Actor::new(Arc::clone(self), standing, mailbox);
        self.spawn(Box::pin(actor.go_on(commands, Vec::new())));
    }

    /// Hands a message to a run, waking it where it only waited; gives the message back when too
    /// many wait already.
    pub(crate) fn deliver(self: &Arc<Self>, row: RunRow, message: Message) -> Result<(), Message> {
        let mut actors = self.actors();
        if let Some(mailbox) = actors.get(&row) {
            return mailbox.try_send(message).map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(message)
                | mpsc::error::TrySendError::Closed(message) => message,
            });
        }
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        sender.try_send(message).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(message)
            | mpsc::error::TrySendError::Closed(message) => message,
        })?;
        actors.insert(row, sender);
        drop(actors);
        self.revive(row, mailbox);
        Ok(())
    }

    /// Tells a run that a signal came in for it, however much it is told already.
    pub(crate) fn call(self: &Arc<Self>, row: RunRow) {
        if self.deliver(row, Message::Called).is_err() {
            let inner = Arc::clone(self);
            self.spawn(Box::pin(async move {
                while inner.deliver(row, Message::Called).is_err() {
                    tokio::time::sleep(BUSY.to_std()).await;
                }
            }));
        }
    }

    /// Tells runs that a signal came in for them.
    pub(crate) fn call_all(self: &Arc<Self>, rows: impl IntoIterator<Item = RunRow>) {
        rows.into_iter().for_each(|row| self.call(row));
    }

    /// Tells every run that has a signal it waits for: a run that asks for its turn may have
    /// cancelled others.
    pub(crate) fn call_pending(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        self.spawn(Box::pin(async move {
            match inner.archive.read(signals::called_runs).await {
                Ok(called) => inner.call_all(called),
                Err(error) => tracing::error!(%error, "runs could not be told of their signals"),
            }
        }));
    }

    /// Wakes a run that had a try under way when the engine stopped.
    pub(crate) fn recover(self: &Arc<Self>, row: RunRow) {
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        self.actors().insert(row, sender);
        self.revive(row, mailbox);
    }

    fn revive(self: &Arc<Self>, row: RunRow, mailbox: mpsc::Receiver<Message>) {
        let inner = Arc::clone(self);
        self.spawn(Box::pin(async move {
            let folded = loop {
                match inner.fold(row).await {
                    // Only what is damaged stays unreadable.
                    Err(error) if error.code != code::ST0103 => {
                        tracing::error!(run = row, %error, "a run is paused");
                        tokio::time::sleep(PAUSE.to_std()).await;
                    }
                    folded => break folded,
                }
            };
            match folded {
                Ok(Some((standing, interrupted))) => {
                    Actor::new(inner, standing, mailbox)
                        .go_on(Vec::new(), interrupted)
                        .await;
                }
                Ok(None) => inner.remove(row),
                Err(error) => {
                    tracing::error!(run = row, %error, "a run cannot go on and is given up");
                    let at = inner.clock.now();
                    let given_up = inner.writer.write(move |connection| {
                        rows::remove_timers(connection, row)?;
                        rows::set_run(connection, row, RunStatus::Failed, false, Some(at))
                    });
                    if let Err(error) = given_up.await {
                        tracing::error!(run = row, %error, "a run could not be given up");
                    }
                    inner.remove(row);
                }
            }
        }));
    }

    /// Rebuilds a run from its journal; none when it is over.
    async fn fold(&self, row: RunRow) -> Result<Option<(Standing, Vec<Cid>)>, StoreError> {
        let (summary, events) = self
            .archive
            .read(move |connection| {
                Ok((
                    rows::run_by_row(connection, row)?,
                    rows::events(connection, row)?,
                ))
            })
            .await?;
        if summary.status != RunStatus::Running {
            return Ok(None);
        }
        let plan = self.archive.plan(&summary.digest).await?;
        let (run, interrupted) = Run::fold(plan, &events);
        let origin = Origin {
            run: summary.id,
            playbook: summary.playbook,
            tenant: summary.tenant,
            guard: Arc::clone(&run.plan().guard),
        };
        let next_seq = events.len() as u64;
        let live = !interrupted.is_empty();
        Ok(Some((
            Standing {
                row,
                origin,
                run,
                next_seq,
                live,
                // It may have been called while it was not there.
                called: true,
            },
            interrupted,
        )))
    }

    /// Lets a run go that only waits; false when a message came in meanwhile.
    pub(crate) fn retire(&self, row: RunRow, mailbox: &mpsc::Receiver<Message>) -> bool {
        let mut actors = self.actors();
        if mailbox.is_empty() {
            actors.remove(&row);
            true
        } else {
            false
        }
    }

    pub(crate) fn remove(&self, row: RunRow) {
        self.actors().remove(&row);
    }

    /// Wakes runs whose timers are due, for ever.
    pub(crate) async fn watch_timers(self: Arc<Self>) {
        loop {
            let now = self.clock.now();
            let (due, next) = self.timers.due(now);
            for (row, cid) in due {
                if self.deliver(row, Message::Fired(cid)).is_err() {
                    let later = now.plus(Millis::from_ms(100));
                    self.timers.add(later, row, cid);
                }
            }
            let pause = next.map_or(LOOK_AGAIN, |next: Timestamp| {
                let left = next.since(self.clock.now());
                left.clamp(Millis::from_ms(1), LOOK_AGAIN)
            });
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause.to_std()) => {}
                () = self.timers.changed() => {}
            }
        }
    }

    pub(crate) fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a part of the engine broke");
            }
        }
        tasks.spawn(task);
    }

    fn actors(&self) -> std::sync::MutexGuard<'_, HashMap<RunRow, mpsc::Sender<Message>>> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
