//! The statements of storm control.

use engine_driver::storm::{Due, StormStore};
use engine_model::{Alert, RunId, Timestamp};
use engine_trigger::storm::{AlertRef, CellId, Place, Verdict};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{json_column, unreadable};
use crate::rows::{AlertRow, RunRow, to_json};

/// Cells that are forgotten in one transaction at the most.
const FORGOTTEN_MAX: usize = 1000;

/// The cells of storm control, inside a transaction.
pub(crate) struct Tables<'c>(pub(crate) &'c Connection);

impl StormStore for Tables<'_> {
    type Error = rusqlite::Error;

    fn cell(&mut self, id: CellId) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached("SELECT body FROM storm_cells WHERE id = ?1")?
            .query_row([id.to_bytes()], |row| row.get(0))
            .optional()
    }

    fn set_cell(&mut self, id: CellId, body: Option<(String, Timestamp)>) -> rusqlite::Result<()> {
        match body {
            Some((body, keep_until)) => self
                .0
                .prepare_cached(
                    "INSERT INTO storm_cells (id, keep_until, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (id) DO UPDATE
                     SET keep_until = excluded.keep_until, body = excluded.body",
                )?
                .execute(params![id.to_bytes(), keep_until.as_ms(), body]),
            None => self
                .0
                .prepare_cached("DELETE FROM storm_cells WHERE id = ?1")?
                .execute([id.to_bytes()]),
        }
        .map(drop)
    }

    fn set_due(&mut self, id: CellId, due: Option<(&Due, Timestamp)>) -> rusqlite::Result<()> {
        match due {
            Some((due, at)) => self
                .0
                .prepare_cached(
                    "INSERT INTO storm_due (cell, at, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (cell) DO UPDATE SET at = excluded.at",
                )?
                .execute(params![id.to_bytes(), at.as_ms(), to_json(due)]),
            None => self
                .0
                .prepare_cached("DELETE FROM storm_due WHERE cell = ?1")?
                .execute([id.to_bytes()]),
        }
        .map(drop)
    }

    fn push(&mut self, id: CellId, number: u64, body: String) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("INSERT INTO storm_queue (cell, number, body) VALUES (?1, ?2, ?3)")?
            .execute(params![id.to_bytes(), number, body])
            .map(drop)
    }

    fn pull(&mut self, id: CellId, number: u64) -> rusqlite::Result<Option<String>> {
        self.0
            .prepare_cached(
                "DELETE FROM storm_queue WHERE cell = ?1 AND number = ?2 RETURNING body",
            )?
            .query_row(params![id.to_bytes(), number], |row| row.get(0))
            .optional()
    }

    fn unreadable(&self, why: String) -> rusqlite::Error {
        unreadable(0, why)
    }
}

/// What is due, the earliest first.
pub(crate) fn due(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<(CellId, Due)>> {
    connection
        .prepare_cached("SELECT cell, body FROM storm_due WHERE at <= ?1 ORDER BY at LIMIT 100")?
        .query_map([now.as_ms()], |row| {
            Ok((CellId::from_bytes(row.get(0)?), json_column(row, 1)?))
        })?
        .collect()
}

/// When the next thing is due.
pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(at) FROM storm_due")?
        .query_row([], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.map(Timestamp::from_ms))
        })
}

/// Forgets cells whose time is over; true when there may be more.
pub(crate) fn forget_cells(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let forgotten = connection
        .prepare_cached(
            "DELETE FROM storm_cells WHERE id IN
             (SELECT id FROM storm_cells WHERE keep_until <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.as_ms(), FORGOTTEN_MAX])?;
    Ok(forgotten == FORGOTTEN_MAX)
}

/// The alerts of these rows, in this order; those that are gone are left out.
pub(crate) fn alerts(connection: &Connection, rows: &[AlertRef]) -> rusqlite::Result<Vec<Alert>> {
    let mut select = connection.prepare_cached("SELECT body FROM alerts WHERE seq = ?1")?;
    let found = rows.iter().map(|row| {
        select
            .query_row([row.0], |row| json_column(row, 0))
            .optional()
    });
    found.filter_map(Result::transpose).collect()
}

/// Links a run with the alerts it works on, and these with the run.
pub(crate) fn link(
    connection: &Connection,
    (row, run): (RunRow, &RunId),
    alerts: &[AlertRef],
) -> rusqlite::Result<()> {
    for (place, alert) in alerts.iter().enumerate() {
        connection
            .prepare_cached("INSERT INTO run_alerts (run, place, alert) VALUES (?1, ?2, ?3)")?
            .execute(params![row, place, alert.0])?;
        connection
            .prepare_cached(
                "UPDATE alerts SET runs = json_insert(runs, '$[#]', ?2) WHERE seq = ?1",
            )?
            .execute(params![alert.0, run.as_str()])?;
    }
    Ok(())
}

/// The alerts that a run works on, where there are several.
pub(crate) fn alerts_of_run(
    connection: &Connection,
    run: RunRow,
) -> rusqlite::Result<Vec<serde_json::Value>> {
    connection
        .prepare_cached(
            "SELECT alerts.body FROM run_alerts JOIN alerts ON alerts.seq = run_alerts.alert
             WHERE run_alerts.run = ?1 ORDER BY run_alerts.place",
        )?
        .query_map([run], |row| json_column(row, 0))?
        .collect()
}

/// Notes what storm control made of an alert.
pub(crate) fn set_verdict(
    connection: &Connection,
    alert: AlertRow,
    place: &Place,
    (verdict, run): (&Verdict, Option<&RunId>),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO storm_verdicts (alert, playbook, trigger, verdict, run)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET verdict = excluded.verdict, run = excluded.run",
        )?
        .execute(params![
            alert,
            place.playbook.as_str(),
            place.trigger.as_str(),
            to_json(verdict),
            run.map(RunId::as_str),
        ])?;
    Ok(())
}

/// Counts what became of an alert or of a start.
pub(crate) fn count(connection: &Connection, place: &Place, word: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO storm_counts (playbook, trigger, word, count) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute(params![
            place.playbook.as_str(),
            place.trigger.as_str(),
            word
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests;
