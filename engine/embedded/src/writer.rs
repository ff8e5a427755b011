//! The one writer: takes what is queued, one transaction, one fsync, wakes everyone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use actions_contract::BoxFuture;
use engine_model::code;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::schema::StoreError;
use crate::stage::Stage;

/// Jobs in one transaction at the most.
const BATCH_MAX: usize = 512;
/// Jobs that may wait; whoever comes then waits for a place.
const QUEUE_MAX: usize = 4096;

/// Does its work inside the transaction, or hears that there is none, then waits to hear whether
/// that became durable.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What writes where there is no thread for it.
pub(crate) type Writing = BoxFuture<'static, ()>;

/// A handle to the one thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    commits: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&commits);
        let thread = thread::Builder::new()
            .name("quell-writer".to_owned())
            .spawn(move || write_loop(&connection, queue, &counted))
            .map_err(|error| StoreError::new(code::ST0102, error.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            commits,
            thread: Some(thread),
        })
    }

    /// A writer on a stage, and what has to be polled for it to write.
    pub(crate) fn on(stage: Arc<dyn Stage>, connection: Connection) -> (Self, Writing) {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let writing = write_on(stage, connection, queue, Arc::clone(&commits));
        let writer = Self {
            jobs: Some(jobs),
            commits,
            thread: None,
        };
        (writer, Box::pin(writing))
    }

    /// Transactions made so far.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs `work` inside a transaction; answers when it is durable.
    ///
    /// Work that fails leaves nothing behind and does not disturb the others of its batch.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::new(code::ST0102, "the engine is stopping");
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let worked = connection.and_then(|connection| {
                within_savepoint(connection, work).map_err(StoreError::from)
            });
            Box::new(move |committed: Result<(), StoreError>| {
                let result = worked.and_then(|worked| committed.map(|()| worked));
                // Nobody waits any more when the asker was dropped; the work is durable all the
                // same.
                drop(sender.send(result));
            })
        });
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        jobs.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn within_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    execute(connection, "SAVEPOINT job")?;
    let result = work(connection);
    let undone = match &result {
        Ok(_) => Ok(()),
        Err(_) => connection.execute_batch("ROLLBACK TO job"),
    };
    let released = undone.and_then(|()| execute(connection, "RELEASE job"));
    if released.is_err() && !connection.is_autocommit() {
        // What cannot be undone alone is undone with everything else of its batch.
        connection.execute_batch("ROLLBACK")?;
    }
    result.and_then(|worked| released.map(|()| worked))
}

fn write_loop(connection: &Connection, mut queue: mpsc::Receiver<Job>, commits: &AtomicU64) {
    let mut batch: Vec<Job> = Vec::with_capacity(BATCH_MAX);
    while queue.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        write_batch(connection, &mut batch, commits).tell();
    }
}

/// The same as a task, each batch as the stage has it.
async fn write_on(
    stage: Arc<dyn Stage>,
    connection: Connection,
    mut queue: mpsc::Receiver<Job>,
    commits: Arc<AtomicU64>,
) {
    let mut batch: Vec<Job> = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let written = match stage.writes().await {
            Ok(()) => write_batch(&connection, &mut batch, &commits),
            Err(error) => refuse_batch(&mut batch, &error),
        };
        stage.written().await;
        written.tell();
    }
}

/// What came of a batch, and those who wait to hear it.
struct Written {
    replies: Vec<Reply>,
    committed: Result<(), StoreError>,
}

impl Written {
    fn tell(self) {
        for reply in self.replies {
            reply(self.committed.clone());
        }
    }
}

fn refuse_batch(batch: &mut Vec<Job>, error: &StoreError) -> Written {
    let refused = batch.drain(..).map(|job| job(Err(error.clone())));
    Written {
        replies: refused.collect(),
        committed: Err(error.clone()),
    }
}

/// Writes all jobs in one transaction.
fn write_batch(connection: &Connection, batch: &mut Vec<Job>, commits: &AtomicU64) -> Written {
    let begun = execute(connection, "BEGIN IMMEDIATE").map_err(StoreError::from);
    let replies: Vec<Reply> = batch
        .drain(..)
        .map(|job| {
            job(match &begun {
                Err(error) => Err(error.clone()),
                // A full disk, for one, ends the whole transaction under the job that meets it.
                Ok(()) if connection.is_autocommit() => Err(undone()),
                Ok(()) => Ok(connection),
            })
        })
        .collect();
    let committed = begun.and_then(|()| {
        if connection.is_autocommit() {
            return Err(undone());
        }
        execute(connection, "COMMIT").map_err(|error| {
            drop(connection.execute_batch("ROLLBACK"));
            error.into()
        })
    });
    match &committed {
        Ok(()) => {
            commits.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => tracing::error!(%error, "the database takes no writes"),
    }
    Written { replies, committed }
}

/// Executes a statement that comes again and again.
fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn undone() -> StoreError {
    StoreError::new(code::ST0102, "the database undid the transaction")
}

#[cfg(test)]
mod tests;
