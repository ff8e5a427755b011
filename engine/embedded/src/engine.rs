//! The engine on SQLite.

use std::sync::{Arc, PoisonError};

use actions_contract::BoxFuture;
use engine_driver::guard::{AuditRow, EffectFilter, EffectRow, Halt};
use engine_driver::{
    AlertDocument, AlertSummary, Asked, AskedFilter, Engine, EngineError, Failure, Figures,
    ManualStart, Page, Receipt, Reply, RunDocument, RunFilter, RunNews, RunSummary, Signal, Tally,
    TriggerRecords, Untold, Why,
};
use engine_model::{Alert, Digest, Millis, RunId, TenantId, Timestamp, code};
use engine_run::RunStatus;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinSet;

use crate::actor::Message;
use crate::archive::Archive;
use crate::inner::Inner;
use crate::options::Options;
use crate::schema::StoreError;
use crate::stage::Stage;
use crate::{approvals, calls, figures, intake, open, rows, signals, switch};

/// The engine on SQLite. Stops when dropped; whatever it was doing goes on at the next start.
pub struct Embedded {
    inner: Arc<Inner>,
    tenant: TenantId,
}

impl Embedded {
    /// Opens the database, takes up unfinished runs, and watches timers and schedules.
    ///
    /// # Errors
    ///
    /// When the folder is in use or cannot be written, or the database is damaged or newer than
    /// this engine.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        Self::open_with(options, None).await
    }

    /// The same where `stage` decides when the database is worked on: for simulations.
    ///
    /// # Errors
    ///
    /// As for [`Embedded::open`].
    pub async fn open_on(stage: Arc<dyn Stage>, options: Options) -> Result<Self, StoreError> {
        Self::open_with(options, Some(stage)).await
    }

    async fn open_with(
        options: Options,
        stage: Option<Arc<dyn Stage>>,
    ) -> Result<Self, StoreError> {
        let (tenant, since) = (options.tenant.clone(), options.schedules_since);
        let inner = open::inner(options, stage).await?;
        open::take_up(&inner).await?;
        let since = since.unwrap_or_else(|| inner.clock.now());
        open::watch(&inner, tenant.clone(), since);
        Ok(Self { inner, tenant })
    }

    /// Replaces the playbooks and keeps their texts, so that runs stay pinned to them.
    ///
    /// # Errors
    ///
    /// When the database takes no writes.
    pub async fn playbooks_changed(&self) -> Result<(), StoreError> {
        self.inner.keep_playbooks().await?;
        self.inner.note_configuration().await
    }

    /// Stops, and answers once the folder is free for the next engine. Whatever was going on goes
    /// on at the next start.
    pub async fn stop(self) {
        self.tasks().abort_all();
        // What was aborted lets go of the database when the runtime comes to it.
        while Arc::strong_count(&self.inner) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            while self.tasks().try_join_next().is_some() {}
        }
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.inner
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Transactions made since the start, for measurements.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    /// Does `work` to its end even where whoever asked goes away meanwhile: a run that is durable
    /// has to go on, not to wait for a restart.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (sender, answer) = oneshot::channel();
        self.inner.spawn(Box::pin(async move {
            // Nobody waits any more where the asker has gone.
            drop(sender.send(work.await));
        }));
        answer.await.map_err(|_| stopping())?
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn archive(&self) -> &Archive {
        &self.inner.archive
    }

    async fn start_run(&self, start: ManualStart) -> Result<RunId, EngineError> {
        let (inner, tenant) = (Arc::clone(&self.inner), self.tenant.clone());
        let work = async move { intake::start_by_hand(&inner, &tenant, start).await };
        self.to_the_end(work).await
    }

    async fn cancel_run(&self, run: &RunId, by: &str) -> Result<bool, EngineError> {
        let (row, summary) = self.inner.archive.find(run).await?;
        if summary.status != RunStatus::Running {
            return Ok(false);
        }
        let (done, cancelled) = oneshot::channel();
        let message = Message::Cancel {
            by: by.to_owned(),
            done,
        };
        self.inner.deliver(row, message).map_err(|_| busy())?;
        // A run that ended meanwhile drops the message.
        Ok(cancelled.await.is_ok())
    }

    async fn signal_run(&self, run: &RunId, signal: Signal) -> Result<bool, EngineError> {
        let (row, _) = self.inner.archive.find(run).await?;
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move { signals::send(&inner, row, signal).await })
            .await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.tasks().abort_all();
    }
}

impl Engine for Embedded {
    fn intake(&self, alert: Alert) -> BoxFuture<'_, Result<Receipt, EngineError>> {
        let inner = Arc::clone(&self.inner);
        let work = async move { intake::intake(&inner, alert).await };
        Box::pin(self.to_the_end(work))
    }

    fn start(&self, start: ManualStart) -> BoxFuture<'_, Result<RunId, EngineError>> {
        Box::pin(self.start_run(start))
    }

    fn cancel<'a>(
        &'a self,
        run: &'a RunId,
        by: &'a str,
    ) -> BoxFuture<'a, Result<bool, EngineError>> {
        Box::pin(self.cancel_run(run, by))
    }

    fn signal<'a>(
        &'a self,
        run: &'a RunId,
        signal: Signal,
    ) -> BoxFuture<'a, Result<bool, EngineError>> {
        Box::pin(self.signal_run(run, signal))
    }

    fn retry<'a>(
        &'a self,
        run: &'a RunId,
        by: &'a str,
    ) -> BoxFuture<'a, Result<RunId, EngineError>> {
        let (inner, run, by) = (Arc::clone(&self.inner), run.clone(), by.to_owned());
        let work = async move { calls::retry(&inner, &run, &by).await };
        Box::pin(self.to_the_end(work))
    }

    fn run<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<RunDocument, EngineError>> {
        Box::pin(self.inner.archive.run(run))
    }

    fn runs<'a>(
        &'a self,
        filter: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<RunSummary>, EngineError>> {
        Box::pin(self.inner.archive.runs(filter))
    }

    fn alert<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<AlertDocument, EngineError>> {
        Box::pin(self.inner.archive.alert(id))
    }

    fn why<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Why, EngineError>> {
        Box::pin(self.inner.archive.why(id))
    }

    fn alerts(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page<AlertSummary>, EngineError>> {
        Box::pin(self.inner.archive.alerts(before, limit))
    }

    fn watermark<'a>(
        &'a self,
        poller: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, EngineError>> {
        Box::pin(self.inner.archive.watermark(poller))
    }

    fn set_watermark<'a>(
        &'a self,
        poller: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        let poller = poller.to_owned();
        Box::pin(async move {
            let work = move |connection: &rusqlite::Connection| {
                rows::set_watermark(connection, &poller, at)
            };
            self.inner.writer.write(work).await.map_err(of_store)
        })
    }

    fn records(&self) -> &dyn TriggerRecords {
        self
    }

    fn halt<'a>(
        &'a self,
        by: &'a str,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Halt, EngineError>> {
        let (inner, by) = (Arc::clone(&self.inner), by.to_owned());
        let reason = reason.map(str::to_owned);
        Box::pin(self.to_the_end(async move { switch::halt(&inner, by, reason).await }))
    }

    fn resume<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<bool, EngineError>> {
        let (inner, by) = (Arc::clone(&self.inner), by.to_owned());
        Box::pin(self.to_the_end(async move { switch::resume(&inner, by).await }))
    }

    fn halted(&self) -> Option<Halt> {
        self.inner.attempts.guards()?.switch().halted()
    }

    fn effects<'a>(
        &'a self,
        filter: &'a EffectFilter,
    ) -> BoxFuture<'a, Result<Vec<EffectRow>, EngineError>> {
        Box::pin(self.inner.archive.effects(filter))
    }

    fn audit(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, EngineError>> {
        Box::pin(self.inner.archive.audit(after, limit))
    }

    fn approvals<'a>(
        &'a self,
        filter: &'a AskedFilter,
    ) -> BoxFuture<'a, Result<Page<Asked>, EngineError>> {
        Box::pin(self.inner.archive.approvals(filter))
    }

    fn asked<'a>(
        &'a self,
        run: &'a RunId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Asked, EngineError>> {
        Box::pin(self.inner.archive.asked(run, digest))
    }

    fn answer<'a>(
        &'a self,
        run: &'a RunId,
        digest: &'a Digest,
        reply: Reply,
    ) -> BoxFuture<'a, Result<Tally, EngineError>> {
        let (inner, run, digest) = (Arc::clone(&self.inner), run.clone(), digest.clone());
        Box::pin(
            self.to_the_end(async move { approvals::answer(&inner, (&run, &digest), reply).await }),
        )
    }

    fn untold(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Untold>, EngineError>> {
        let now = self.inner.clock.now();
        let found = self
            .inner
            .archive
            .read(move |connection| approvals::untold(connection, now, limit));
        Box::pin(async move { found.await.map_err(of_store) })
    }

    fn told(
        &self,
        id: (i64, u64),
        again_in: Option<Millis>,
    ) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(approvals::told(&self.inner, id, again_in))
    }

    fn failures<'a>(
        &'a self,
        filter: &'a RunFilter,
    ) -> BoxFuture<'a, Result<Page<Failure>, EngineError>> {
        Box::pin(self.inner.archive.failures(filter))
    }

    fn figures(&self) -> BoxFuture<'_, Result<Figures, EngineError>> {
        Box::pin(figures::now(&self.inner))
    }

    fn subscribe(&self) -> broadcast::Receiver<RunNews> {
        self.inner.news.subscribe()
    }
}

fn busy() -> EngineError {
    let mut error = EngineError::new(code::SV0105, "the run takes no more for the moment");
    error.retry_after = Some(Millis::from_secs(1));
    error
}

fn stopping() -> EngineError {
    EngineError::new(code::ST0102, "the engine is stopping")
}

pub(crate) fn of_store(error: StoreError) -> EngineError {
    EngineError::new(error.code, error.message)
}
