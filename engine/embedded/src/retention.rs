//! Retention: what was kept long enough is removed, piece by piece. The audit log is never cut.

use std::sync::Arc;

use engine_driver::guard::{AuditEntry, AuditKind, Retention};
use engine_model::{Millis, Timestamp};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::audit;
use crate::inner::Inner;

/// The wait between two looks.
const LOOK_AGAIN: Millis = Millis::from_secs(600);
/// Rows that are removed in one transaction, so that nobody waits long for the writer.
const PIECE: u32 = 500;

impl Inner {
    /// Removes what was kept long enough, for ever.
    pub(crate) async fn watch_retention(self: Arc<Self>) {
        loop {
            let retention = self
                .attempts
                .guards()
                .map(|guards| guards.policy().retention);
            if let Some(retention) = retention {
                self.clear(retention).await;
            }
            tokio::time::sleep(LOOK_AGAIN.to_std()).await;
        }
    }

    async fn clear(&self, retention: Retention) {
        loop {
            let now = self.clock.now();
            let cleared = self
                .writer
                .write(move |connection| clear(connection, &retention, now))
                .await;
            match cleared {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => return,
                Err(error) => return tracing::error!(%error, "old rows could not be removed"),
            }
        }
    }
}

/// Removes a piece of what was kept long enough; whether there may be more.
pub(crate) fn clear(
    connection: &Connection,
    retention: &Retention,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let until = |span: Millis| {
        let span = i64::try_from(span.as_ms()).unwrap_or(i64::MAX);
        now.as_ms().saturating_sub(span)
    };
    let mut removed = [0; 3];
    if let Some(span) = retention.runs {
        removed[0] = runs(connection, until(span))?;
    }
    if let Some(span) = retention.alerts {
        // An alert stays as long as the journal of a run points at it.
        removed[1] = connection
            .prepare_cached(
                "DELETE FROM alerts WHERE seq IN (
                     SELECT seq FROM alerts WHERE received_at < ?1
                       AND NOT EXISTS (SELECT 1 FROM events WHERE events.alert = alerts.seq)
                       AND NOT EXISTS (SELECT 1 FROM run_alerts
                                       WHERE run_alerts.alert = alerts.seq)
                     LIMIT ?2)",
            )?
            .execute(params![until(span), PIECE])?;
        connection
            .prepare_cached(
                "DELETE FROM storm_verdicts WHERE alert NOT IN (SELECT seq FROM alerts)",
            )?
            .execute([])?;
    }
    if let Some(span) = retention.effects {
        removed[2] = connection
            .prepare_cached(
                "DELETE FROM effects WHERE seq IN (
                     SELECT seq FROM effects WHERE changed_at < ?1
                       AND (dry = 1 OR state IN ('failed', 'released') OR effect != 'contain')
                       AND NOT EXISTS (SELECT 1 FROM releases
                                       WHERE releases.idem = effects.idem
                                         AND stage NOT IN ('done', 'not_wanted'))
                     LIMIT ?2)",
            )?
            .execute(params![until(span), PIECE])?;
        connection
            .prepare_cached("DELETE FROM releases WHERE idem NOT IN (SELECT idem FROM effects)")?
            .execute([])?;
    }
    if removed == [0; 3] {
        return Ok(false);
    }
    let [runs, alerts, effects] = removed;
    let entry = AuditEntry {
        at: now,
        kind: AuditKind::Retention,
        tenant: String::new(),
        run: None,
        what: json!({ "runs": runs, "alerts": alerts, "effects": effects }),
    };
    audit::append(connection, &entry)?;
    let full = usize::try_from(PIECE).unwrap_or(usize::MAX);
    Ok(removed.iter().any(|count| *count >= full))
}

/// Removes runs that ended before `until`, with their journals.
fn runs(connection: &Connection, until: i64) -> rusqlite::Result<usize> {
    let over = "SELECT seq FROM runs WHERE status != 'running' AND ended_at < ?1
                ORDER BY seq LIMIT ?2";
    for table in ["events", "run_alerts", "awaits", "signals"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE run IN ({over})"))?
            .execute(params![until, PIECE])?;
    }
    connection
        .prepare_cached(&format!("DELETE FROM runs WHERE seq IN ({over})"))?
        .execute(params![until, PIECE])
}
