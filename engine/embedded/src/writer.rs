//! The one writer: takes what is queued, one transaction, one fsync, wakes everyone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use engine_model::code;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::schema::StoreError;

/// Jobs in one transaction at the most.
const BATCH_MAX: usize = 512;
/// Jobs that may wait; whoever comes then waits for a place.
const QUEUE_MAX: usize = 4096;

/// Does its work inside the transaction, then waits to hear whether that became durable.
type Job = Box<dyn FnOnce(&Connection) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A handle to the one thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    commits: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("quell-writer".to_owned())
            .spawn(move || write_loop(&connection, queue, &counted))
            .map_err(|error| StoreError::new(code::ST0102, error.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            commits,
            thread: Some(thread),
        })
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
            let result = within_savepoint(connection, work);
            Box::new(move |committed: Result<(), StoreError>| {
                let result = committed.and_then(|()| result.map_err(StoreError::from));
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
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

fn write_loop(connection: &Connection, mut queue: mpsc::Receiver<Job>, commits: &AtomicU64) {
    let mut batch: Vec<Job> = Vec::with_capacity(BATCH_MAX);
    while queue.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            let error = StoreError::from(error);
            tracing::error!(%error, "the database takes no writes");
            // Dropping a job's work and its answer tells the asker that nothing was written.
            for job in batch.drain(..) {
                drop(job);
            }
            continue;
        }
        let replies: Vec<Reply> = batch.drain(..).map(|job| job(connection)).collect();
        let committed = connection.execute_batch("COMMIT").map_err(StoreError::from);
        if let Err(error) = &committed {
            tracing::error!(%error, "a transaction was not committed");
            drop(connection.execute_batch("ROLLBACK"));
        }
        commits.fetch_add(1, Ordering::Relaxed);
        for reply in replies {
            reply(committed.clone());
        }
    }
}
