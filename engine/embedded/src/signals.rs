//! Signals: durable before they are acknowledged, kept until something waits for them.

use std::sync::Arc;

use engine_driver::{EngineError, Signal};
use engine_model::{Timestamp, code};
use engine_run::{Cid, Event};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::approvals;
use crate::columns::json_column;
use crate::engine::of_store;
use crate::inner::Inner;
use crate::rows::{RunRow, to_json};

/// Signals that are kept for a run until it waits for them.
const KEPT_MAX: u32 = 1000;

/// The name of a signal that cancels a run, whatever it waits for.
pub(crate) const CANCEL: &str = "cancel";

/// What the writer did with a signal.
enum Sent {
    Kept,
    Over,
    TooMany,
}

/// Keeps a signal for a run and tells the run; false when the run is over.
pub(crate) async fn send(
    inner: &Arc<Inner>,
    row: RunRow,
    signal: Signal,
) -> Result<bool, EngineError> {
    // An answer of a person has a way of its own, on which it is checked.
    let own = ["child/", "turn/", "alert/", approvals::NAMES];
    if signal.name == CANCEL || own.iter().any(|own| signal.name.starts_with(own)) {
        let message = format!("signals named `{}` are the engine's own", signal.name);
        return Err(EngineError::new(code::SV0104, message));
    }
    let sent = inner.writer.write(move |connection| {
        if !is_running(connection, row)? {
            return Ok(Sent::Over);
        }
        if kept(connection, row)? >= KEPT_MAX {
            return Ok(Sent::TooMany);
        }
        let body = to_json(&signal.value);
        add_signal(connection, row, (&signal.name, &signal.by), &body)?;
        Ok(Sent::Kept)
    });
    match sent.await.map_err(of_store)? {
        Sent::Kept => {
            inner.call(row);
            Ok(true)
        }
        Sent::Over => Ok(false),
        Sent::TooMany => {
            let message = format!("{KEPT_MAX} signals wait for this run already");
            Err(EngineError::new(code::SV0105, message))
        }
    }
}

/// A signal that something waits for.
pub(crate) struct Pending {
    seq: i64,
    /// None where it cancels the run.
    cid: Option<Cid>,
    by: String,
    value: Value,
}

impl Pending {
    /// The event that it is, and its place in the table.
    pub(crate) fn event(self, at: Timestamp) -> (Event, i64) {
        let Self {
            seq,
            cid,
            by,
            value,
        } = self;
        let event = match cid {
            Some(cid) => Event::Signalled { cid, at, by, value },
            None => Event::Cancelled { at, by },
        };
        (event, seq)
    }
}

/// The oldest signal of a run that something waits for.
pub(crate) fn first_awaited(
    connection: &Connection,
    run: RunRow,
) -> rusqlite::Result<Option<Pending>> {
    connection
        .prepare_cached(
            "SELECT signals.seq, awaits.cid, signals.sender, signals.body
             FROM signals
             LEFT JOIN awaits ON awaits.run = signals.run AND awaits.name = signals.name
             WHERE signals.run = ?1 AND (awaits.cid IS NOT NULL OR signals.name = 'cancel')
             ORDER BY signals.seq LIMIT 1",
        )?
        .query_row([run], |row| {
            Ok(Pending {
                seq: row.get(0)?,
                cid: row.get::<_, Option<u64>>(1)?.map(Cid),
                by: row.get(2)?,
                value: json_column(row, 3)?,
            })
        })
        .optional()
}

/// The runs that have a signal they wait for.
pub(crate) fn called_runs(connection: &Connection) -> rusqlite::Result<Vec<RunRow>> {
    connection
        .prepare(
            "SELECT DISTINCT signals.run
             FROM signals
             LEFT JOIN awaits ON awaits.run = signals.run AND awaits.name = signals.name
             WHERE awaits.cid IS NOT NULL OR signals.name = 'cancel'",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Notes that a run waits for a signal.
pub(crate) fn add_await(
    connection: &Connection,
    (run, cid): (RunRow, Cid),
    name: &str,
    body: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO awaits (run, cid, name, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![run, cid.0, name, body])?;
    Ok(())
}

/// Notes that a run waits no longer.
pub(crate) fn remove_await(connection: &Connection, run: RunRow, cid: Cid) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM awaits WHERE run = ?1 AND cid = ?2")?
        .execute(params![run, cid.0])?;
    approvals::forget(connection, (run, cid.0))?;
    Ok(())
}

/// Removes a signal that is used up.
pub(crate) fn remove_signal(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM signals WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}

/// Removes everything that a run waited for, and whatever came in for it.
pub(crate) fn remove_all(connection: &Connection, run: RunRow) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM awaits WHERE run = ?1",
        "DELETE FROM untold WHERE run = ?1",
        "DELETE FROM signals WHERE run = ?1",
    ] {
        connection.prepare_cached(statement)?.execute([run])?;
    }
    Ok(())
}

/// Keeps a signal.
pub(crate) fn add_signal(
    connection: &Connection,
    run: RunRow,
    (name, by): (&str, &str),
    body: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO signals (run, name, sender, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run, name, by, body])?;
    Ok(())
}

/// Whether a run is still going on.
pub(crate) fn is_running(connection: &Connection, run: RunRow) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT status = 'running' FROM runs WHERE seq = ?1")?
        .query_row([run], |row| row.get(0))
}

fn kept(connection: &Connection, run: RunRow) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM signals WHERE run = ?1")?
        .query_row([run], |row| row.get(0))
}
