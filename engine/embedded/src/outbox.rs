//! What the commands of a run leave in the database, in the commit unit of their event.

use engine_model::{PlaybookName, RunId, TenantId, Timestamp};
use engine_run::{Cid, Command, Enter, Finish, StartChild, Wants};
use engine_trigger::AlertView;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::approvals;
use crate::columns::json_column;
use crate::rows::{self, RunRow, to_json};
use crate::signals::{self, CANCEL};

/// Whose commands they are.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) run: RunId,
    pub(crate) playbook: PlaybookName,
    pub(crate) tenant: TenantId,
}

/// Records what the commands ask for; yields the runs that have a signal they may wait for.
pub(crate) fn record(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    commands: &[Command],
    at: Timestamp,
) -> rusqlite::Result<Vec<RunRow>> {
    let mut called = Vec::new();
    for command in commands {
        match command {
            Command::Attempt(_) => {}
            Command::Timer { cid, wake_at } => rows::add_timer(connection, row, *cid, *wake_at)?,
            Command::Await(wait) => {
                let body = to_json(wait);
                signals::add_await(connection, (row, wait.cid), &wait.name, &body)?;
                match &wait.wants {
                    Wants::Alert { id, now: true } => {
                        offer_newest(connection, (row, owner), id, &wait.name)?;
                    }
                    Wants::Answers { question } => {
                        approvals::ask(connection, (row, owner), (wait, question), at)?;
                    }
                    Wants::Alert { .. } | Wants::Webhook => {}
                }
            }
            Command::Child(child) => call(connection, row, child)?,
            Command::StopChild { cid } => called.extend(stop(connection, (row, owner), *cid)?),
            Command::Enter(enter) => called.extend(queue(connection, (row, owner), enter)?),
            Command::Forget { cid } => {
                rows::remove_timer(connection, row, *cid)?;
                signals::remove_await(connection, row, *cid)?;
            }
            Command::Finish(finish) => called.extend(end(connection, (row, owner), finish)?),
        }
    }
    Ok(called)
}

/// A child that is called is started once that is durable.
fn call(connection: &Connection, row: RunRow, child: &StartChild) -> rusqlite::Result<()> {
    if child.wait {
        signals::add_await(connection, (row, child.cid), &end_of(child.cid), "{}")?;
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO calls (parent, cid, body) VALUES (?1, ?2, ?3)")?
        .execute(params![row, child.cid.0, to_json(child)])?;
    Ok(())
}

/// The calls whose runs are not started yet.
pub(crate) fn calls(connection: &Connection) -> rusqlite::Result<Vec<(RunRow, StartChild)>> {
    connection
        .prepare("SELECT parent, body FROM calls ORDER BY parent, cid")?
        .query_map([], |row| Ok((row.get(0)?, json_column(row, 1)?)))?
        .collect()
}

/// The call is done with; false when it was taken back meanwhile.
pub(crate) fn answered(connection: &Connection, row: RunRow, cid: Cid) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM calls WHERE parent = ?1 AND cid = ?2")?
        .execute(params![row, cid.0])?;
    Ok(removed > 0)
}

/// Notes who called a run.
pub(crate) fn add_child(
    connection: &Connection,
    run: RunRow,
    (parent, cid): (RunRow, Cid),
    waits: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO children (run, parent, cid, waits) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run, parent, cid.0, waits])?;
    Ok(())
}

/// Tells the run that called how the one it called ended, where it waits for that.
pub(crate) fn tell_parent(
    connection: &Connection,
    (parent, cid): (RunRow, Cid),
    by: &str,
    value: &Value,
) -> rusqlite::Result<Option<RunRow>> {
    if !signals::is_running(connection, parent)? {
        return Ok(None);
    }
    signals::add_signal(connection, parent, (&end_of(cid), by), &to_json(value))?;
    Ok(Some(parent))
}

fn end_of(cid: Cid) -> String {
    format!("child/{}", cid.0)
}

fn turn_of(cid: u64) -> String {
    format!("turn/{cid}")
}

/// Cancels the run that was called, or takes the call back.
fn stop(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    cid: Cid,
) -> rusqlite::Result<Option<RunRow>> {
    if answered(connection, row, cid)? {
        let value = json!({ "status": "cancelled" });
        return tell_parent(connection, (row, cid), owner.run.as_str(), &value);
    }
    let child: Option<RunRow> = connection
        .prepare_cached("SELECT run FROM children WHERE parent = ?1 AND cid = ?2")?
        .query_row(params![row, cid.0], |row| row.get(0))
        .optional()?;
    match child {
        Some(child) => cancel(connection, child, owner.run.as_str()),
        None => Ok(None),
    }
}

/// Cancels a run in the name of another one.
fn cancel(connection: &Connection, run: RunRow, by: &str) -> rusqlite::Result<Option<RunRow>> {
    if !signals::is_running(connection, run)? {
        return Ok(None);
    }
    signals::add_signal(connection, run, (CANCEL, by), "null")?;
    Ok(Some(run))
}

/// A run asks for its turn among those of its key.
fn queue(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    enter: &Enter,
) -> rusqlite::Result<Vec<RunRow>> {
    use engine_run::Conflict;
    let name = turn_of(enter.cid.0);
    signals::add_await(connection, (row, enter.cid), &name, "{}")?;
    let key = (
        owner.tenant.as_str(),
        owner.playbook.as_str(),
        enter.key.as_str(),
    );
    let (active, waiting) = counts(connection, key)?;
    let refuse = |why: &str| {
        let value = to_json(&json!({ "refused": why }));
        signals::add_signal(connection, row, (&name, "concurrency"), &value)
    };
    if active < enter.limit {
        add_turn(connection, (row, key), enter, true)?;
        signals::add_signal(connection, row, (&name, "concurrency"), "{}")?;
        return Ok(Vec::new());
    }
    match enter.on_conflict {
        Conflict::Skip => refuse("another run of the same key is going on")?,
        Conflict::Queue if waiting >= enter.max_queue => {
            refuse("too many runs of the same key wait already")?;
        }
        Conflict::Queue => add_turn(connection, (row, key), enter, false)?,
        Conflict::CancelRunning => {
            // The newest one counts: whoever waits is cancelled as well.
            let others = others(connection, key)?;
            add_turn(connection, (row, key), enter, false)?;
            let mut called = Vec::new();
            for other in others {
                called.extend(cancel(connection, other, owner.run.as_str())?);
            }
            return Ok(called);
        }
    }
    Ok(Vec::new())
}

/// Tenant, playbook and what the playbook computes.
type Key<'a> = (&'a str, &'a str, &'a str);

fn counts(
    connection: &Connection,
    (tenant, playbook, key): Key<'_>,
) -> rusqlite::Result<(u32, u32)> {
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE active), count(*) FILTER (WHERE NOT active)
             FROM turns WHERE tenant = ?1 AND playbook = ?2 AND key = ?3",
        )?
        .query_row([tenant, playbook, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
}

fn others(
    connection: &Connection,
    (tenant, playbook, key): Key<'_>,
) -> rusqlite::Result<Vec<RunRow>> {
    connection
        .prepare_cached(
            "SELECT run FROM turns WHERE tenant = ?1 AND playbook = ?2 AND key = ?3 ORDER BY run",
        )?
        .query_map([tenant, playbook, key], |row| row.get(0))?
        .collect()
}

fn add_turn(
    connection: &Connection,
    (row, (tenant, playbook, key)): (RunRow, Key<'_>),
    enter: &Enter,
    active: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO turns (run, cid, tenant, playbook, key, together, active)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            row,
            enter.cid.0,
            tenant,
            playbook,
            key,
            enter.limit,
            active
        ])?;
    Ok(())
}

/// A run is over: whoever called it is told, and whoever waits for its turn gets it.
fn end(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    finish: &Finish,
) -> rusqlite::Result<Vec<RunRow>> {
    rows::remove_timers(connection, row)?;
    signals::remove_all(connection, row)?;
    connection
        .prepare_cached("DELETE FROM calls WHERE parent = ?1")?
        .execute([row])?;
    let parent: Option<(RunRow, u64, bool)> = connection
        .prepare_cached("SELECT parent, cid, waits FROM children WHERE run = ?1")?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let mut called = Vec::new();
    if let Some((parent, cid, true)) = parent {
        let mut value = json!(finish);
        value["run"] = json!(owner.run);
        let by = owner.run.as_str();
        called.extend(tell_parent(connection, (parent, Cid(cid)), by, &value)?);
    }
    called.extend(next_turn(connection, row)?);
    Ok(called)
}

/// The next run of the same key gets its turn.
fn next_turn(connection: &Connection, row: RunRow) -> rusqlite::Result<Option<RunRow>> {
    let left: Option<(String, String, String)> = connection
        .prepare_cached("DELETE FROM turns WHERE run = ?1 RETURNING tenant, playbook, key")?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((tenant, playbook, key)) = left else {
        return Ok(None);
    };
    let key = (tenant.as_str(), playbook.as_str(), key.as_str());
    let (active, _) = counts(connection, key)?;
    let next: Option<(RunRow, u64)> = connection
        .prepare_cached(
            "UPDATE turns SET active = 1 WHERE run = (
                 SELECT run FROM turns
                 WHERE tenant = ?1 AND playbook = ?2 AND key = ?3 AND NOT active
                   AND together > ?4
                 ORDER BY run LIMIT 1)
             RETURNING run, cid",
        )?
        .query_row(params![key.0, key.1, key.2, active], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((next, cid)) = next else {
        return Ok(None);
    };
    signals::add_signal(connection, next, (&turn_of(cid), "concurrency"), "{}")?;
    Ok(Some(next))
}

/// The runs of this tenant that wait for a revision of this alert get it.
pub(crate) fn offer(
    connection: &Connection,
    tenant: &TenantId,
    id: &str,
    alert: &Value,
) -> rusqlite::Result<Vec<RunRow>> {
    let name = format!("alert/{id}");
    let waiting: Vec<RunRow> = connection
        .prepare_cached(
            "SELECT awaits.run FROM awaits JOIN runs ON runs.seq = awaits.run
             WHERE awaits.name = ?1 AND runs.tenant = ?2",
        )?
        .query_map([&name, tenant.as_str()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if waiting.is_empty() {
        return Ok(waiting);
    }
    let body = to_json(alert);
    for run in &waiting {
        signals::add_signal(connection, *run, (&name, "intake"), &body)?;
    }
    Ok(waiting)
}

/// A run that begins to wait gets the revision that is there already.
fn offer_newest(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    id: &str,
    name: &str,
) -> rusqlite::Result<()> {
    let known = rows::alerts(connection, Some(id), None, 100)?;
    let newest = known
        .iter()
        .find(|(_, summary, _)| summary.key.tenant == owner.tenant);
    if let Some((_, _, alert)) = newest {
        let body = to_json(&**AlertView::new(alert).value());
        signals::add_signal(connection, row, (name, "intake"), &body)?;
    }
    Ok(())
}
