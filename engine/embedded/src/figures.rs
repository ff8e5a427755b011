//! How the engine stands, in figures, and which runs failed.

use std::sync::Arc;

use engine_driver::{EngineError, Failure, Figures, Page, RunFilter};
use engine_run::Run;
use rusqlite::Connection;
use serde_json::Value;

use crate::archive::Archive;
use crate::engine::of_store;
use crate::inner::Inner;

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM runs WHERE status = 'running'),
           (SELECT count(*) FROM awaits WHERE name >= 'approval/' AND name < 'approval0'),
           (SELECT count(*) FROM effects
            WHERE effect = 'contain' AND state IN ('pending', 'done') AND NOT dry),
           (SELECT count(*) FROM effects WHERE state = 'in_doubt' AND NOT dry),
           (SELECT count(*) FROM releases WHERE stage = 'failed'),
           (SELECT count(*) FROM releases
            WHERE stage IN ('owed', 'asked', 'following', 'doubt')),
           (SELECT count(*) FROM letters WHERE replayed_as IS NULL)";

/// Counts; an error when the database takes no writes, as the engine cannot work then.
pub(crate) async fn now(inner: &Arc<Inner>) -> Result<Figures, EngineError> {
    inner.writer.write(|_| Ok(())).await.map_err(of_store)?;
    inner.archive.figures().await
}

fn counts(connection: &Connection) -> rusqlite::Result<Figures> {
    connection.prepare_cached(COUNTS)?.query_row([], |row| {
        Ok(Figures {
            runs_running: row.get(0)?,
            approvals_open: row.get(1)?,
            effects_held: row.get(2)?,
            effects_in_doubt: row.get(3)?,
            releases_failed: row.get(4)?,
            releases_owed: row.get(5)?,
            deadletters: row.get(6)?,
        })
    })
}

impl Archive {
    async fn figures(&self) -> Result<Figures, EngineError> {
        self.read(counts).await.map_err(of_store)
    }

    /// Runs that failed, newest first, each with its reason.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn failures(&self, filter: &RunFilter) -> Result<Page<Failure>, EngineError> {
        let filter = RunFilter {
            failed: true,
            ..filter.clone()
        };
        let page = self.runs(&filter).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for summary in page.items {
            let (row, _) = self.find(&summary.id).await?;
            let events = self.read(move |connection| crate::rows::events(connection, row));
            let events = events.await.map_err(of_store)?;
            let plan = self.plan(&summary.digest).await;
            let finish = plan
                .ok()
                .and_then(|plan| Run::fold(plan, &events).0.view().finish);
            let error = finish.and_then(|finish| finish.error);
            let text = |key: &str, otherwise: &str| {
                let value = error.as_ref().and_then(|error| error.get(key));
                value
                    .and_then(Value::as_str)
                    .unwrap_or(otherwise)
                    .to_owned()
            };
            items.push(Failure {
                step: text("step", ""),
                code: text("code", "ST0103"),
                message: text("message", "it could not be rebuilt and was given up"),
                summary,
            });
        }
        let next = page.next;
        Ok(Page { items, next })
    }
}
