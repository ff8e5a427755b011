//! One run while something of it is going on: takes its events one at a time.
//!
//! An event is handed to the interpreter, then the event and everything that follows from it
//! (timers, how the run stands) become durable in one commit unit, and only then are the commands
//! performed. A run that only waits has no actor: its timers are rows, and whoever wakes it folds
//! its journal.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actions_contract::{ActionError, ErrorKind, Outcome};
use engine_driver::{Origin, RunNews};
use engine_model::{Timestamp, code};
use engine_run::{Attempt, Cid, Command, Event, Run, RunStatus};
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::calls;
use crate::inner::Inner;
use crate::outbox::{self, Owner};
use crate::rows::{self, RunRow, to_json};
use crate::signals;

/// How long a run stays in memory while nothing of it is going on.
const LINGER: Duration = Duration::from_secs(5);
/// How long a run is paused when the database takes no writes.
const PAUSE: Duration = Duration::from_secs(1);

/// What an actor is told from outside.
#[derive(Debug)]
pub(crate) enum Message {
    /// A timer is due.
    Fired(Cid),
    /// A signal came in and is durable.
    Called,
    /// Somebody cancels the run; answered once that is durable.
    Cancel {
        by: String,
        done: oneshot::Sender<()>,
    },
}

/// A run that is going on.
pub(crate) struct Actor {
    inner: Arc<Inner>,
    row: RunRow,
    origin: Arc<Origin>,
    run: Run,
    next_seq: u64,
    live: bool,
    /// Tries that were under way at a stop and are not yet reported as interrupted.
    owed: usize,
    /// A signal may have come in for something that is waited for.
    called: bool,
    attempts: JoinSet<(Cid, Outcome)>,
    mailbox: mpsc::Receiver<Message>,
}

/// A run to go on with, and where its journal stands.
pub(crate) struct Standing {
    pub(crate) row: RunRow,
    pub(crate) origin: Origin,
    pub(crate) run: Run,
    pub(crate) next_seq: u64,
    pub(crate) live: bool,
    /// Whether a signal may have come in for something that it waits for.
    pub(crate) called: bool,
}

impl Actor {
    pub(crate) fn new(
        inner: Arc<Inner>,
        standing: Standing,
        mailbox: mpsc::Receiver<Message>,
    ) -> Self {
        let Standing {
            row,
            origin,
            run,
            next_seq,
            live,
            called,
        } = standing;
        let origin = Arc::new(origin);
        Self {
            inner,
            row,
            origin,
            run,
            next_seq,
            live,
            owed: 0,
            called,
            attempts: JoinSet::new(),
            mailbox,
        }
    }

    /// Performs `commands`, which are durable, and goes on until nothing is left to do for now.
    pub(crate) async fn go_on(mut self, commands: Vec<Command>, interrupted: Vec<Cid>) {
        let mut over = self.perform(commands);
        self.owed = interrupted.len();
        for cid in interrupted {
            if over {
                break;
            }
            self.owed -= 1;
            let at = self.inner.clock.now();
            over = self.take(Event::Interrupted { cid, at }, None).await;
        }
        while !over {
            if let Some((event, signal)) = self.signal().await {
                over = self.take(event, Some(signal)).await;
                continue;
            }
            let idle = self.attempts.is_empty();
            let linger = async move {
                if idle {
                    tokio::time::sleep(LINGER).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            let (event, done) = tokio::select! {
                // In a fixed order, so that a simulation can repeat it.
                biased;
                message = self.mailbox.recv() => match message {
                    Some(Message::Fired(cid)) => {
                        (Event::Fired { cid, at: self.inner.clock.now() }, None)
                    }
                    Some(Message::Called) => {
                        self.called = true;
                        continue;
                    }
                    Some(Message::Cancel { by, done }) => {
                        (Event::Cancelled { at: self.inner.clock.now(), by }, Some(done))
                    }
                    None => return,
                },
                Some(joined) = self.attempts.join_next() => match joined {
                    Ok((cid, outcome)) => {
                        (Event::Attempted { cid, at: self.inner.clock.now(), outcome }, None)
                    }
                    // Aborted: the engine is stopping.
                    Err(_) => return,
                },
                () = linger => {
                    if self.inner.retire(self.row, &self.mailbox) {
                        return;
                    }
                    continue;
                }
            };
            over = self.take(event, None).await;
            if let Some(done) = done {
                // Nobody waits any more; the run is cancelled all the same.
                let _ = done.send(());
            }
        }
        self.inner.remove(self.row);
    }

    /// The next signal that is waited for, and its place in the table; none when there is none.
    async fn signal(&mut self) -> Option<(Event, i64)> {
        while self.called {
            let row = self.row;
            let found = self
                .inner
                .archive
                .read(move |connection| signals::first_awaited(connection, row));
            match found.await {
                Ok(Some(pending)) => {
                    let at = self.inner.clock.now();
                    return Some(pending.event(at));
                }
                Ok(None) => self.called = false,
                Err(error) => {
                    tracing::error!(run = %self.origin.run, %error, "the run is paused");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        None
    }

    /// Handles one event, which uses up `signal` where one led to it; true when the run is over.
    async fn take(&mut self, event: Event, signal: Option<i64>) -> bool {
        let commands = self.run.advance(&event);
        let unit = Arc::new(Unit::new(self, &event, &commands, signal));
        let called = loop {
            let unit = Arc::clone(&unit);
            match self
                .inner
                .writer
                .write(move |connection| unit.write(connection))
                .await
            {
                Ok(called) => break called,
                Err(error) => {
                    tracing::error!(run = %self.origin.run, %error, "the run is paused");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        self.inner.call_all(called);
        self.next_seq += 1;
        self.live = unit.live;
        for cid in &unit.forgotten {
            self.inner.timers.remove(self.row, *cid);
        }
        self.perform(commands)
    }

    /// Performs what is durable; true when the run is over.
    fn perform(&mut self, commands: Vec<Command>) -> bool {
        let mut over = false;
        for command in commands {
            match command {
                Command::Attempt(attempt) => self.attempt(*attempt),
                Command::Timer { cid, wake_at } => self.inner.timers.add(wake_at, self.row, cid),
                Command::Await(_) | Command::Enter(_) => self.called = true,
                Command::Child(child) => {
                    let call = (self.row, self.owner());
                    let inner = Arc::clone(&self.inner);
                    self.inner.spawn(calls::start(inner, call, *child));
                }
                Command::StopChild { .. } | Command::Forget { .. } => {}
                Command::Finish(finish) => {
                    tracing::info!(
                        run = %self.origin.run,
                        playbook = %self.origin.playbook,
                        status = finish.status.as_str(),
                        "a run ended"
                    );
                    over = true;
                }
            }
        }
        for news in self.run.take_news() {
            let run = self.origin.run.clone();
            let playbook = self.origin.playbook.clone();
            // Nobody listening is no problem.
            drop(self.inner.news.send(RunNews {
                run,
                playbook,
                news,
            }));
        }
        over
    }

    fn owner(&self) -> Owner {
        Owner {
            run: self.origin.run.clone(),
            playbook: self.origin.playbook.clone(),
            tenant: self.origin.tenant.clone(),
        }
    }

    fn attempt(&mut self, attempt: Attempt) {
        let inner = Arc::clone(&self.inner);
        let origin = Arc::clone(&self.origin);
        self.attempts.spawn(async move {
            let cid = attempt.cid;
            let tried = AssertUnwindSafe(inner.attempts.perform(&origin, &attempt));
            let outcome = tried.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(run = %origin.run, step = attempt.step, "an action panicked");
                let message = "the action broke; what it did is not known";
                let error = ActionError::permanent(ErrorKind::Internal, code::AC0108, message);
                Outcome::Unknown { error }
            });
            (cid, outcome)
        });
    }
}

/// What one event adds to the database, all or nothing.
struct Unit {
    row: RunRow,
    owner: Owner,
    seq: u64,
    at: Timestamp,
    body: String,
    commands: Vec<Command>,
    /// Timers that are no longer waited for.
    forgotten: Vec<Cid>,
    /// The timer that fired.
    fired: Option<Cid>,
    /// The signal that is used up.
    signal: Option<i64>,
    live: bool,
    live_before: bool,
    ended: Option<(RunStatus, Timestamp)>,
}

impl Unit {
    fn new(actor: &Actor, event: &Event, commands: &[Command], signal: Option<i64>) -> Self {
        let mut unit = Self {
            row: actor.row,
            owner: actor.owner(),
            seq: actor.next_seq,
            at: event.at(),
            body: to_json(event),
            // What is only done, and leaves nothing in the database, is not copied.
            commands: Vec::new(),
            forgotten: Vec::new(),
            fired: None,
            signal,
            live: actor.owed > 0 || !actor.attempts.is_empty(),
            live_before: actor.live,
            ended: None,
        };
        if let Event::Fired { cid, .. } = event {
            unit.fired = Some(*cid);
            unit.forgotten.push(*cid);
        }
        for command in commands {
            match command {
                Command::Attempt(_) => {
                    unit.live = true;
                    continue;
                }
                Command::Forget { cid } => unit.forgotten.push(*cid),
                Command::Finish(finish) => unit.ended = Some((finish.status, event.at())),
                _ => {}
            }
            unit.commands.push(command.clone());
        }
        unit
    }

    /// Yields the runs that have a signal they may wait for.
    fn write(&self, connection: &rusqlite::Connection) -> rusqlite::Result<Vec<RunRow>> {
        rows::add_event(connection, (self.row, self.seq), &self.body, None)?;
        if let Some(cid) = self.fired {
            rows::remove_timer(connection, self.row, cid)?;
        }
        if let Some(signal) = self.signal {
            signals::remove_signal(connection, signal)?;
        }
        match self.ended {
            Some((status, at)) => rows::set_run(connection, self.row, status, false, Some(at))?,
            None if self.live != self.live_before => {
                rows::set_run(connection, self.row, RunStatus::Running, self.live, None)?;
            }
            None => {}
        }
        outbox::record(connection, (self.row, &self.owner), &self.commands, self.at)
    }
}
