//! Ends of runs: what other playbooks wait for, and what failed for good.
//!
//! The database notes each end in the transaction that stores it; here the note is worked on and
//! taken away in one transaction with what follows from it, so that a stop loses nothing.

use std::sync::Arc;

use engine_driver::{RunSummary, begin};
use engine_model::{Millis, Timestamp, TriggerId};
use engine_playbook::plan::{Plan, TriggerKind};
use engine_run::{Event, Finish, NewsKind, RunStatus};
use engine_trigger::start_for_end;
use engine_trigger::storm::Place;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::StoreError;
use crate::columns::RunRow;
use crate::inner::Inner;
use crate::intake::go_on;
use crate::letters::{self, NewLetter, Occasion};
use crate::rows;
use crate::storm::{Added, Source};

/// Runs that the ends of runs started, one after another, at the most.
const HOPS_MAX: u32 = 3;
/// The longest sleep.
const LOOK_AGAIN: Millis = Millis::from_secs(30);
/// How long ends wait when the database takes no writes.
const PAUSE: Millis = Millis::from_secs(1);

/// A run that ended.
pub(crate) struct Ended {
    row: RunRow,
    pub(crate) summary: RunSummary,
    hops: u32,
    finish: Option<Finish>,
    by_hand: bool,
    dry_run: bool,
}

impl Ended {
    /// What expressions find under `trigger.run`.
    pub(crate) fn said(&self) -> Value {
        let finish = self.finish.as_ref();
        let outputs: Map<String, Value> = finish
            .map(|finish| finish.outputs.clone().into_iter().collect())
            .unwrap_or_default();
        json!({
            "id": self.summary.id,
            "playbook": self.summary.playbook,
            "trigger": self.summary.trigger,
            "status": self.summary.status.as_str(),
            "started_at": self.summary.started_at,
            "ended_at": self.summary.ended_at,
            "hops": self.hops,
            "outputs": outputs,
            "error": finish.and_then(|finish| finish.error.clone()),
        })
    }

    /// The code and the message of what failed.
    fn failure(&self) -> (String, String) {
        let error = self
            .finish
            .as_ref()
            .and_then(|finish| finish.error.as_ref());
        let text = |key: &str| {
            error
                .and_then(|error| error.get(key))
                .and_then(Value::as_str)
        };
        let code = text("code").unwrap_or("RN0105").to_owned();
        let message = text("message").unwrap_or("the run failed").to_owned();
        (code, message)
    }

    const fn failed(&self) -> bool {
        matches!(self.summary.status, RunStatus::Failed | RunStatus::TimedOut)
    }
}

/// Everything about the end of a run.
pub(crate) async fn ended(inner: &Arc<Inner>, row: RunRow) -> Result<Ended, StoreError> {
    let (summary, hops) = inner
        .archive
        .read(move |connection| Ok((rows::run_by_row(connection, row)?, hops(connection, row)?)))
        .await?;
    // A run whose playbook is damaged ended all the same.
    let document = inner.archive.run(&summary.id).await.ok();
    let replayed = summary.cause.contains(" replayed by ");
    let started = document
        .as_ref()
        .and_then(|document| match document.events.first() {
            Some(Event::Started(started)) => Some(started),
            _ => None,
        });
    Ok(Ended {
        row,
        hops,
        by_hand: !replayed && started.is_some_and(|started| started.by.is_some()),
        dry_run: started.is_some_and(|started| started.settings.dry_run),
        finish: document
            .as_ref()
            .and_then(|document| document.view.finish.clone()),
        summary,
    })
}

/// A trigger that waits for the end of a run.
struct Listener {
    source: Source,
    plan: Arc<Plan>,
    trigger: TriggerId,
}

impl Inner {
    /// Works on the ends of runs, for ever.
    pub(crate) async fn watch_ends(self: Arc<Self>) {
        let mut news = self.news.subscribe();
        loop {
            let pause = match self.settle_ends().await {
                Ok(()) => LOOK_AGAIN,
                Err(error) => {
                    tracing::error!(%error, "the ends of runs are not worked on for now");
                    PAUSE
                }
            };
            let look_again = tokio::time::sleep(pause.to_std());
            tokio::pin!(look_again);
            loop {
                tokio::select! {
                    biased;
                    () = &mut look_again => break,
                    heard = news.recv() => match heard {
                        Ok(one) if matches!(one.news.kind, NewsKind::RunEnded { .. }) => break,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return,
                    },
                }
            }
        }
    }

    async fn settle_ends(self: &Arc<Self>) -> Result<(), StoreError> {
        loop {
            let rows = self.archive.read(noted).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                self.settle_end(row).await?;
            }
        }
    }

    async fn settle_end(self: &Arc<Self>, row: RunRow) -> Result<(), StoreError> {
        let ended = ended(self, row).await?;
        let listeners = self.listeners(&ended);
        let now = self.clock.now();
        let added = self
            .writer
            .write(move |connection| {
                let mut added = Vec::new();
                if ended.failed() && !ended.by_hand {
                    note_failure(connection, &ended, now)?;
                }
                for listener in &listeners {
                    added.extend(listener.start(connection, &ended, now)?);
                }
                connection
                    .prepare_cached("DELETE FROM ends WHERE run = ?1")?
                    .execute([ended.row])?;
                Ok(added)
            })
            .await?;
        let (begun, rows) = added.into_iter().unzip();
        go_on(self, begun, rows);
        Ok(())
    }

    fn listeners(&self, ended: &Ended) -> Vec<Listener> {
        let loaded = self.archive.playbooks.loaded();
        let mut listeners = Vec::new();
        for (plan, _) in loaded.plans.values().filter(|(plan, _)| plan.enabled) {
            for trigger in &plan.triggers {
                let TriggerKind::Playbook(end) = &trigger.kind else {
                    continue;
                };
                let status = ended.summary.status.as_str();
                let wanted = end.ends.iter().any(|end| end.as_str() == status);
                if !wanted || end.name != ended.summary.playbook {
                    continue;
                }
                let place = Place {
                    tenant: ended.summary.tenant.clone(),
                    playbook: plan.name.clone(),
                    trigger: trigger.id.clone(),
                };
                let mut source = Source::of(self, place, Some(Arc::clone(plan)));
                source.settings.dry_run |= ended.dry_run;
                listeners.push(Listener {
                    source,
                    plan: Arc::clone(plan),
                    trigger: trigger.id.clone(),
                });
            }
        }
        listeners
    }
}

impl Listener {
    fn start(
        &self,
        connection: &Connection,
        ended: &Ended,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Added>> {
        let letter = |code: &str, message: &str| {
            let occasion = Occasion::Ended(ended.row);
            self.source
                .letter(connection, occasion, (code, message), now)
        };
        if ended.hops >= HOPS_MAX {
            let message = format!(
                "run {} is the {HOPS_MAX}rd in a chain of runs that ends of runs started",
                ended.summary.id
            );
            letter("TR0104", &message)?;
            return Ok(None);
        }
        let from = (&ended.summary.tenant, &ended.summary.id);
        let start = match start_for_end(&self.plan, &self.trigger, from, ended.said()) {
            Ok(start) => start,
            Err(error) => {
                letter(error.code().as_str(), &error.to_string())?;
                return Ok(None);
            }
        };
        let begun = begin(&self.plan, start, None, now, self.source.settings);
        let row = self.source.add(connection, &begun, &[])?;
        if let Some(row) = row {
            connection
                .prepare_cached("UPDATE runs SET hops = ?2 WHERE seq = ?1")?
                .execute(params![row, ended.hops + 1])?;
        }
        Ok(Some((begun, row)))
    }
}

fn note_failure(connection: &Connection, ended: &Ended, now: Timestamp) -> rusqlite::Result<()> {
    let (code, message) = ended.failure();
    let letter = NewLetter {
        place: &Place {
            tenant: ended.summary.tenant.clone(),
            playbook: ended.summary.playbook.clone(),
            trigger: ended.summary.trigger.clone(),
        },
        occasion: &Occasion::Run(ended.row),
        code: &code,
        message: &message,
        at: now,
    };
    letters::add(connection, &letter)
}

/// Ends that nobody has worked on yet, oldest first.
fn noted(connection: &Connection) -> rusqlite::Result<Vec<RunRow>> {
    connection
        .prepare_cached("SELECT run FROM ends ORDER BY run LIMIT 100")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn hops(connection: &Connection, row: RunRow) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT hops FROM runs WHERE seq = ?1")?
        .query_row([row], |row| row.get(0))
}
