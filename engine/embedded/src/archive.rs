//! Reading the database: for a running engine, and for the folder of a stopped one.

use std::path::Path;
use std::sync::Arc;

use engine_driver::guard::{AuditReport, AuditRow, EffectFilter, EffectRow};
use engine_driver::{
    AlertDocument, AlertSummary, EngineError, Page, Playbooks, RunDocument, RunFilter, RunSummary,
    Why,
};
use engine_model::{Digest, RunId, Timestamp, code};
use engine_playbook::plan::Plan;
use engine_run::{News, NewsKind, Run};
use engine_trigger::AlertChange;
use rusqlite::Connection;

use crate::engine::of_store;
use crate::past::{self, Known};
use crate::readers::Readers;
use crate::rows::{self, RunRow};
use crate::schema::{Folder, StoreError};
use crate::stage::Stage;
use crate::{audit, effects};

/// What a database holds about runs and alerts; reads only.
#[derive(Clone)]
pub struct Archive {
    readers: Arc<Readers>,
    pub(crate) playbooks: Arc<Playbooks>,
}

impl Archive {
    /// Looks into the folder of a database; no engine has to run.
    ///
    /// # Errors
    ///
    /// When there is no database, or it is damaged or newer than this engine.
    pub fn open(data_dir: &Path, playbooks: Arc<Playbooks>) -> Result<Self, StoreError> {
        Ok(Self::new(
            Arc::new(Folder::look(data_dir)?),
            playbooks,
            None,
        ))
    }

    pub(crate) fn new(
        folder: Arc<Folder>,
        playbooks: Arc<Playbooks>,
        stage: Option<Arc<dyn Stage>>,
    ) -> Self {
        Self {
            readers: Arc::new(Readers::new(folder, stage)),
            playbooks,
        }
    }

    /// Everything about a run.
    ///
    /// # Errors
    ///
    /// `SV0104` when there is none of this id.
    pub async fn run(&self, run: &RunId) -> Result<RunDocument, EngineError> {
        let (row, _) = self.find(run).await?;
        let (summary, events) = self
            .read(move |connection| {
                Ok((
                    rows::run_by_row(connection, row)?,
                    rows::events(connection, row)?,
                ))
            })
            .await
            .map_err(of_store)?;
        let plan = self.plan(&summary.digest).await.map_err(of_store)?;
        let (mut folded, _) = Run::retold(plan, &events);
        Ok(RunDocument {
            summary,
            view: folded.view(),
            timeline: folded.take_news().into_iter().map(brief).collect(),
            events,
        })
    }

    /// Runs, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Page<RunSummary>, EngineError> {
        let limit = filter.limit;
        let filter = RunFilter {
            limit: limit.saturating_add(1),
            ..filter.clone()
        };
        let found = self.read(move |connection| rows::runs(connection, &filter));
        Ok(page(found.await.map_err(of_store)?, limit))
    }

    /// Everything about an alert: its id, in whatever tenant and source it is found.
    ///
    /// # Errors
    ///
    /// `SV0104` when there is none of this id, or more than one.
    pub async fn alert(&self, id: &str) -> Result<AlertDocument, EngineError> {
        let wanted = id.to_owned();
        let found = self.read(move |connection| rows::alerts(connection, Some(&wanted), None, 2));
        let mut found = found.await.map_err(of_store)?;
        match (found.pop(), found.pop()) {
            (Some((_, summary, alert)), None) => Ok(AlertDocument { summary, alert }),
            (Some(_), Some(_)) => Err(EngineError::new(
                code::SV0104,
                format!("more than one tenant or source has an alert `{id}`"),
            )),
            (None, _) => Err(EngineError::new(
                code::SV0104,
                format!("there is no alert `{id}`"),
            )),
        }
    }

    /// What every trigger of the loaded playbooks makes of the newest revision of an alert.
    ///
    /// # Errors
    ///
    /// As for [`Archive::alert`].
    pub async fn why(&self, id: &str) -> Result<Why, EngineError> {
        let AlertDocument { summary, alert } = self.alert(id).await?;
        let change = if summary.revision > 1 {
            AlertChange::Updated
        } else {
            AlertChange::Created
        };
        let loaded = self.playbooks.loaded();
        let (key, revision) = (summary.key, summary.revision);
        let noted = self
            .read(move |connection| past::noted(connection, &key, revision))
            .await
            .map_err(of_store)?;
        let plans = loaded.plans.values().map(|(plan, _)| plan);
        let past = Known {
            runs: summary.runs,
            noted,
            loaded: &loaded,
        };
        Ok(engine_driver::why(&alert, change, plans, &past))
    }

    /// Alerts, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn alerts(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<AlertSummary>, EngineError> {
        let more = limit.saturating_add(1);
        let found = self.read(move |connection| rows::alerts(connection, None, before, more));
        let found = found.await.map_err(of_store)?;
        let found = found.into_iter().map(|(row, alert, _)| (row, alert));
        Ok(page(found.collect(), limit))
    }

    /// Effects, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn effects(&self, filter: &EffectFilter) -> Result<Vec<EffectRow>, EngineError> {
        let filter = *filter;
        let found = self.read(move |connection| effects::list(connection, &filter));
        found.await.map_err(of_store)
    }

    /// Entries of the audit log after the one of this number, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or an entry is no entry.
    pub async fn audit(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, EngineError> {
        let found = self.read(move |connection| audit::entries(connection, after, limit));
        found.await.map_err(of_store)
    }

    /// Looks at every entry of the audit log.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn verify(&self) -> Result<AuditReport, EngineError> {
        self.read(audit::verify).await.map_err(of_store)
    }

    /// Whether some entry of the audit log has this digest.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn has_entry(&self, digest: &str) -> Result<bool, EngineError> {
        let digest = digest.to_owned();
        let found = self.read(move |connection| audit::has(connection, &digest));
        found.await.map_err(of_store)
    }

    /// Writes a copy of the whole database to `file`, which may not be there yet; an engine may
    /// be running.
    ///
    /// # Errors
    ///
    /// When the file is there, or cannot be written.
    pub async fn backup(&self, file: &Path) -> Result<(), EngineError> {
        let fresh = crate::schema::new_private_file(file);
        fresh.map_err(|error| {
            let message = format!("cannot write `{}`: {error}", file.display());
            EngineError::new(code::ST0102, message)
        })?;
        let path = file.display().to_string();
        let copied =
            self.read(move |connection| connection.execute("VACUUM INTO ?1", [&path]).map(drop));
        copied.await.map_err(of_store)
    }

    pub(crate) async fn watermark(&self, poller: &str) -> Result<Option<Timestamp>, EngineError> {
        let poller = poller.to_owned();
        let found = self
            .read(move |connection| rows::watermark(connection, &poller))
            .await;
        found.map_err(of_store)
    }

    pub(crate) async fn find(&self, run: &RunId) -> Result<(RunRow, RunSummary), EngineError> {
        let id = run.clone();
        let found = self
            .read(move |connection| rows::run_by_id(connection, &id))
            .await;
        found
            .map_err(of_store)?
            .ok_or_else(|| EngineError::new(code::SV0104, format!("there is no run `{run}`")))
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// The plan of a text that runs are pinned to.
    pub(crate) async fn plan(&self, digest: &Digest) -> Result<Arc<Plan>, StoreError> {
        if let Some(plan) = self.playbooks.pinned(digest) {
            return Ok(plan);
        }
        let wanted = digest.clone();
        let text = self
            .read(move |connection| rows::playbook_text(connection, &wanted))
            .await?;
        let text = text.ok_or_else(|| {
            StoreError::new(
                code::ST0103,
                format!("no playbook of digest {digest} is stored"),
            )
        })?;
        self.playbooks.pin(&text).ok_or_else(|| {
            StoreError::new(
                code::ST0103,
                format!("the playbook of digest {digest} is not valid for this engine"),
            )
        })
    }
}

/// What happened, without the output, which stands in its step.
fn brief(mut news: News) -> News {
    if let NewsKind::StepEnded { output, .. } = &mut news.kind {
        *output = None;
    }
    news
}

/// The first `limit` rows, and where the next page begins where there are more.
pub(crate) fn page<T>(mut found: Vec<(RunRow, T)>, limit: usize) -> Page<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(row, _)| *row);
    Page {
        next: last
            .filter(|_| more)
            .and_then(|row| u64::try_from(row).ok()),
        items: found.into_iter().map(|(_, item)| item).collect(),
    }
}
