//! Every statement, in one place.

use engine_driver::{AlertSummary, RunFilter, RunSummary};
use engine_model::{Alert, AlertKey, Digest, PlaybookName, RunId, Timestamp, TriggerId};
use engine_run::{Cid, Event, RunStatus};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::columns::{json_column, parsed, source_column, unreadable};
use crate::entries::NewAlert;

pub(crate) use crate::columns::{AlertRow, RunRow};

/// The newest revision of an alert that is already there.
pub(crate) struct KnownAlert {
    pub(crate) revision: u32,
    pub(crate) digest: String,
    pub(crate) runs: Vec<RunId>,
}

/// An alert's newest revision, if there is one.
pub(crate) fn known_alert(
    connection: &Connection,
    key: &AlertKey,
) -> rusqlite::Result<Option<KnownAlert>> {
    connection
        .prepare_cached(
            "SELECT revision, digest, runs FROM alerts
             WHERE id = ?1 AND source = ?2 AND tenant = ?3 ORDER BY revision DESC LIMIT 1",
        )?
        .query_row(
            params![key.id, key.source.as_str(), key.tenant.as_str()],
            |row| {
                Ok(KnownAlert {
                    revision: row.get(0)?,
                    digest: row.get(1)?,
                    runs: json_column(row, 2)?,
                })
            },
        )
        .optional()
}

/// Adds a revision of an alert.
pub(crate) fn add_alert(
    connection: &Connection,
    alert: &NewAlert,
    revision: u32,
    runs: &[RunId],
) -> rusqlite::Result<AlertRow> {
    connection
        .prepare_cached(
            "INSERT INTO alerts (tenant, source, id, revision, digest, received_at, body, runs)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            alert.key.tenant.as_str(),
            alert.key.source.as_str(),
            alert.key.id,
            revision,
            alert.digest.as_str(),
            alert.received_at.as_ms(),
            alert.body,
            to_json(runs),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// Adds a run; none when a run of this id is there already.
pub(crate) fn add_run(
    connection: &Connection,
    run: &RunSummary,
    live: bool,
) -> rusqlite::Result<Option<RunRow>> {
    let added = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO runs
             (id, tenant, playbook, digest, trigger, cause, status, live, started_at, ended_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            run.id.as_str(),
            run.tenant.as_str(),
            run.playbook.as_str(),
            run.digest.as_str(),
            run.trigger.as_str(),
            run.cause,
            run.status.as_str(),
            live,
            run.started_at.as_ms(),
            run.ended_at.map(Timestamp::as_ms),
        ])?;
    Ok((added > 0).then(|| connection.last_insert_rowid()))
}

/// Notes how a run stands.
pub(crate) fn set_run(
    connection: &Connection,
    run: RunRow,
    status: RunStatus,
    live: bool,
    ended_at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE runs SET status = ?2, live = ?3, ended_at = ?4 WHERE seq = ?1")?
        .execute(params![
            run,
            status.as_str(),
            live,
            ended_at.map(Timestamp::as_ms)
        ])?;
    Ok(())
}

/// Appends to the journal of a run; `alert` is the one that the event leaves out.
pub(crate) fn add_event(
    connection: &Connection,
    (run, seq): (RunRow, u64),
    body: &str,
    alert: Option<AlertRow>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO events (run, seq, body, alert) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run, seq, body, alert])?;
    Ok(())
}

/// Sets a timer.
pub(crate) fn add_timer(
    connection: &Connection,
    run: RunRow,
    cid: Cid,
    wake_at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO timers (run, cid, wake_at) VALUES (?1, ?2, ?3)")?
        .execute(params![run, cid.0, wake_at.as_ms()])?;
    Ok(())
}

/// Removes a timer.
pub(crate) fn remove_timer(connection: &Connection, run: RunRow, cid: Cid) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM timers WHERE run = ?1 AND cid = ?2")?
        .execute(params![run, cid.0])?;
    Ok(())
}

/// Removes every timer of a run that is over.
pub(crate) fn remove_timers(connection: &Connection, run: RunRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM timers WHERE run = ?1")?
        .execute([run])?;
    Ok(())
}

/// Every timer.
pub(crate) fn timers(connection: &Connection) -> rusqlite::Result<Vec<(Timestamp, RunRow, Cid)>> {
    connection
        .prepare("SELECT wake_at, run, cid FROM timers")?
        .query_map([], |row| {
            Ok((
                Timestamp::from_ms(row.get(0)?),
                row.get(1)?,
                Cid(row.get(2)?),
            ))
        })?
        .collect()
}

/// The runs that had a try under way.
pub(crate) fn live_runs(connection: &Connection) -> rusqlite::Result<Vec<RunRow>> {
    connection
        .prepare("SELECT seq FROM runs WHERE status = 'running' AND live = 1 ORDER BY seq")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The journal of a run.
pub(crate) fn events(connection: &Connection, run: RunRow) -> rusqlite::Result<Vec<Event>> {
    connection
        .prepare_cached(
            "SELECT events.body, events.alert IS NOT NULL, alerts.body
             FROM events LEFT JOIN alerts ON alerts.seq = events.alert
             WHERE events.run = ?1 ORDER BY events.seq",
        )?
        .query_map([run], |row| {
            let mut event = json_column(row, 0)?;
            if let (Event::Started(started), true) = (&mut event, row.get(1)?) {
                started.alert = Some(json_column::<serde_json::Value>(row, 2)?.into());
                if let Some(gathered) = &mut started.gathered {
                    gathered.alerts = crate::storm_rows::alerts_of_run(connection, run)?;
                }
            }
            Ok(event)
        })?
        .collect()
}

const RUN_COLUMNS: &str =
    "seq, id, tenant, playbook, digest, trigger, cause, status, started_at, ended_at";

/// A run by its number.
pub(crate) fn run_by_row(connection: &Connection, run: RunRow) -> rusqlite::Result<RunSummary> {
    connection
        .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs WHERE seq = ?1"))?
        .query_row([run], |row| run_summary(row).map(|(_, summary)| summary))
}

/// A run by its id.
pub(crate) fn run_by_id(
    connection: &Connection,
    id: &RunId,
) -> rusqlite::Result<Option<(RunRow, RunSummary)>> {
    connection
        .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs WHERE id = ?1"))?
        .query_row([id.as_str()], run_summary)
        .optional()
}

/// Runs, newest first.
pub(crate) fn runs(
    connection: &Connection,
    filter: &RunFilter,
) -> rusqlite::Result<Vec<(RunRow, RunSummary)>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RUN_COLUMNS} FROM runs
             WHERE (?1 IS NULL OR playbook = ?1) AND (?2 IS NULL OR status = ?2)
               AND (?3 IS NULL OR seq < ?3)
               AND (NOT ?5 OR status IN ('failed', 'timed_out', 'refused'))
             ORDER BY seq DESC LIMIT ?4"
        ))?
        .query_map(
            params![
                filter.playbook.as_ref().map(PlaybookName::as_str),
                filter.status.map(RunStatus::as_str),
                filter.before,
                filter.limit,
                filter.failed,
            ],
            run_summary,
        )?
        .collect()
}

/// Alerts by their newest revision, newest first.
pub(crate) fn alerts(
    connection: &Connection,
    id: Option<&str>,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, AlertSummary, Alert)>> {
    connection
        .prepare_cached(
            "SELECT seq, tenant, source, id, revision, received_at, body,
                    (SELECT json_group_array(run.value)
                     FROM alerts AS every, json_each(every.runs) AS run
                     WHERE every.id = alerts.id AND every.source = alerts.source
                       AND every.tenant = alerts.tenant)
             FROM alerts
             WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR seq < ?2)
               AND revision = (SELECT max(revision) FROM alerts AS newest
                               WHERE newest.id = alerts.id AND newest.source = alerts.source
                                 AND newest.tenant = alerts.tenant)
             ORDER BY seq DESC LIMIT ?3",
        )?
        .query_map(params![id, before, limit], |row| {
            let alert: Alert = json_column(row, 6)?;
            let summary = AlertSummary {
                key: AlertKey {
                    tenant: parsed(row, 1)?,
                    source: source_column(row, 2)?,
                    id: row.get(3)?,
                },
                revision: row.get(4)?,
                received_at: Timestamp::from_ms(row.get(5)?),
                title: alert.title.clone(),
                severity: alert.severity.clone(),
                runs: json_column(row, 7)?,
            };
            Ok((row.get(0)?, summary, alert))
        })?
        .collect()
}

/// Keeps the text of a playbook, for runs that are pinned to it.
pub(crate) fn keep_playbook(
    connection: &Connection,
    name: &PlaybookName,
    digest: &Digest,
    text: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO playbooks (digest, name, text) VALUES (?1, ?2, ?3)")?
        .execute(params![digest.as_str(), name.as_str(), text])?;
    Ok(())
}

/// The text of a playbook.
pub(crate) fn playbook_text(
    connection: &Connection,
    digest: &Digest,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT text FROM playbooks WHERE digest = ?1")?
        .query_row([digest.as_str()], |row| row.get(0))
        .optional()
}

/// Up to where a poller has read.
pub(crate) fn watermark(
    connection: &Connection,
    poller: &str,
) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT at FROM watermarks WHERE poller = ?1")?
        .query_row([poller], |row| row.get(0).map(Timestamp::from_ms))
        .optional()
}

/// Notes up to where a poller has read; never backwards.
pub(crate) fn set_watermark(
    connection: &Connection,
    poller: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO watermarks (poller, at) VALUES (?1, ?2)
             ON CONFLICT (poller) DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![poller, at.as_ms()])?;
    Ok(())
}

/// The last instant a schedule was started for; for one that was never seen before, it is noted
/// that it is watched since `since`.
pub(crate) fn watched_since(
    connection: &Connection,
    playbook: &PlaybookName,
    trigger: &TriggerId,
    since: Timestamp,
) -> rusqlite::Result<Timestamp> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO planned (playbook, trigger, at) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![playbook.as_str(), trigger.as_str(), since.as_ms()])?;
    connection
        .prepare_cached("SELECT at FROM planned WHERE playbook = ?1 AND trigger = ?2")?
        .query_row([playbook.as_str(), trigger.as_str()], |row| {
            row.get(0).map(Timestamp::from_ms)
        })
}

/// Notes the last instant a schedule was started for; never backwards.
pub(crate) fn set_planned(
    connection: &Connection,
    playbook: &PlaybookName,
    trigger: &TriggerId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO planned (playbook, trigger, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (playbook, trigger) DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![playbook.as_str(), trigger.as_str(), at.as_ms()])?;
    Ok(())
}

fn run_summary(row: &Row<'_>) -> rusqlite::Result<(RunRow, RunSummary)> {
    let status: String = row.get(7)?;
    let summary = RunSummary {
        id: parsed(row, 1)?,
        tenant: parsed(row, 2)?,
        playbook: parsed(row, 3)?,
        digest: parsed(row, 4)?,
        trigger: parsed(row, 5)?,
        cause: row.get(6)?,
        status: RunStatus::ALL
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or_else(|| unreadable(7, format!("unknown status `{status}`")))?,
        started_at: Timestamp::from_ms(row.get(8)?),
        ended_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_ms),
    };
    Ok((row.get(0)?, summary))
}

/// JSON of a value that always serialises.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("what the engine stores serialises")
}
