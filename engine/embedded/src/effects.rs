//! The ledger of effects in its tables.

use engine_driver::guard::{
    AuditEntry, AuditKind, EffectFilter, EffectRow, EffectState, Halt, Known, Reserved, Wish,
};
use engine_model::{TenantId, Timestamp};
use engine_playbook::guard::{Limit, LimitScope};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use crate::audit;
use crate::columns::{json_column, parsed, unreadable};
use crate::locks;
use crate::rows::to_json;

/// Whether the stop switch is on.
pub(crate) fn halt(connection: &Connection) -> rusqlite::Result<Option<Halt>> {
    connection
        .prepare_cached("SELECT halt FROM switch")?
        .query_row([], |row| json_column(row, 0))
        .optional()
}

/// Turns the stop switch; whether that changed anything.
pub(crate) fn set_halt(
    connection: &Connection,
    halt: Option<&Halt>,
    (by, at): (&str, Timestamp),
) -> rusqlite::Result<bool> {
    let before = self::halt(connection)?;
    connection.execute("DELETE FROM switch", [])?;
    if let Some(halt) = halt {
        connection.execute(
            "INSERT INTO switch (one, halt) VALUES (1, ?1)",
            [to_json(halt)],
        )?;
    }
    let entry = AuditEntry {
        at,
        kind: AuditKind::Switch,
        tenant: String::new(),
        run: None,
        what: json!({ "halted": halt, "by": by }),
    };
    audit::append(connection, &entry)?;
    Ok(before.is_some() != halt.is_some())
}

/// Takes a place for an effect, or says why there is none.
pub(crate) fn reserve(connection: &Connection, wish: &Wish) -> rusqlite::Result<Reserved> {
    let row = &wish.row;
    if wish.guarded {
        if let Some(halt) = halt(connection)? {
            return Ok(Reserved::Halted(halt));
        }
        if let Some((output, run)) = same(connection, wish)? {
            let what = json!({ "effect": row, "same_as": run });
            write_down(connection, wish, AuditKind::Same, what)?;
            return Ok(Reserved::Same { output, run });
        }
        if let Some(busy) = locks::busy(connection, row)? {
            return Ok(busy);
        }
        for limit in &wish.limits {
            if counted(connection, row, limit)? >= limit.max {
                return Ok(Reserved::Limit(limit.clone()));
            }
        }
        if let Some(max) = wish.max_targets
            && targets_of_run(connection, row)? >= max
        {
            return Ok(Reserved::MaxTargets(max));
        }
    }
    add(connection, wish)?;
    let kind = if row.dry {
        AuditKind::Simulated
    } else {
        AuditKind::Effect
    };
    let what = json!({ "effect": row, "approved": wish.approved });
    write_down(connection, wish, kind, what)?;
    Ok(Reserved::Granted)
}

fn write_down(
    connection: &Connection,
    wish: &Wish,
    kind: AuditKind,
    what: Value,
) -> rusqlite::Result<()> {
    let entry = AuditEntry {
        at: wish.row.begun_at,
        kind,
        tenant: wish.row.tenant.to_string(),
        run: Some(wish.row.run.to_string()),
        what,
    };
    audit::append(connection, &entry)
}

/// The result of the same effect, where it holds already.
fn same(
    connection: &Connection,
    wish: &Wish,
) -> rusqlite::Result<Option<(Value, engine_model::RunId)>> {
    let row = &wish.row;
    let since = back(row.begun_at, wish.dedup);
    connection
        .prepare_cached(
            "SELECT output, run FROM effects
             WHERE tenant = ?1 AND entity = ?2 AND target = ?3 AND action = ?4 AND shape = ?5
               AND dry <= ?6 AND state = 'done' AND output IS NOT NULL
               AND (changed_at > ?7 OR idem = ?8)
             ORDER BY changed_at DESC LIMIT 1",
        )?
        .query_row(
            params![
                row.tenant.as_str(),
                row.entity,
                row.target,
                row.action.as_str(),
                wish.shape.as_str(),
                row.dry,
                since,
                row.idem,
            ],
            |found| Ok((json_column(found, 0)?, parsed(found, 1)?)),
        )
        .optional()
}

/// How many other targets count towards a limit.
fn counted(connection: &Connection, row: &EffectRow, limit: &Limit) -> rusqlite::Result<u32> {
    let playbook = (limit.scope == LimitScope::Playbook).then_some(row.playbook.as_str());
    let by_connection = limit.scope == LimitScope::Connection;
    connection
        .prepare_cached(
            "SELECT count(DISTINCT entity || ' ' || target) FROM effects
             WHERE tenant = ?1 AND effect = ?2 AND begun_at > ?3 AND state != 'failed'
               AND (dry = 0 OR ?4) AND (?5 IS NULL OR playbook = ?5)
               AND (NOT ?6 OR connection IS ?7)
               AND NOT (entity = ?8 AND target = ?9)",
        )?
        .query_row(
            params![
                row.tenant.as_str(),
                row.effect.as_str(),
                back(row.begun_at, limit.per),
                row.dry,
                playbook,
                by_connection,
                row.connection,
                row.entity,
                row.target,
            ],
            |found| found.get(0),
        )
}

/// How many other targets the run has.
fn targets_of_run(connection: &Connection, row: &EffectRow) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "SELECT count(DISTINCT entity || ' ' || target) FROM effects
             WHERE run = ?1 AND effect IN ('contain', 'destroy') AND state != 'failed'
               AND NOT (entity = ?2 AND target = ?3)",
        )?
        .query_row(params![row.run.as_str(), row.entity, row.target], |found| {
            found.get(0)
        })
}

fn add(connection: &Connection, wish: &Wish) -> rusqlite::Result<()> {
    let row = &wish.row;
    connection
        .prepare_cached(
            "INSERT INTO effects (idem, tenant, connection, action, effect, undo, entity, target,
                                  label, run, playbook, step, dry, shape, state, begun_at,
                                  changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'begun', ?15,
                     ?15)
             ON CONFLICT (idem) DO UPDATE SET
                 begun_at = CASE state WHEN 'failed' THEN excluded.begun_at ELSE begun_at END,
                 state = 'begun', changed_at = excluded.changed_at, target = excluded.target,
                 label = excluded.label, shape = excluded.shape, error = NULL",
        )?
        .execute(params![
            row.idem,
            row.tenant.as_str(),
            row.connection,
            row.action.as_str(),
            row.effect.as_str(),
            row.undo,
            row.entity,
            row.target,
            row.label,
            row.run.as_str(),
            row.playbook.as_str(),
            row.step,
            row.dry,
            wish.shape.as_str(),
            row.begun_at.as_ms(),
        ])?;
    if let Some(owed) = wish.owed.as_ref().filter(|_| !row.dry) {
        let due_at = row.begun_at.plus(owed.after);
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO releases (idem, due_at, stage, owed, failures)
                 VALUES (?1, ?2, 'owed', ?3, 0)",
            )?
            .execute(params![row.idem, due_at.as_ms(), to_json(owed)])?;
    }
    Ok(())
}

/// The target of an effect.
pub(crate) fn target_of(connection: &Connection, idem: &str) -> rusqlite::Result<Option<Known>> {
    connection
        .prepare_cached("SELECT target, label FROM effects WHERE idem = ?1")?
        .query_row([idem], known)
        .optional()
}

/// The target of this id or name that something is in effect on.
pub(crate) fn held(
    connection: &Connection,
    (tenant, entity, text): (&TenantId, &str, &str),
) -> rusqlite::Result<Option<Known>> {
    connection
        .prepare_cached(
            "SELECT target, label FROM effects
             WHERE tenant = ?1 AND entity = ?2 AND dry = 0 AND effect = 'contain'
               AND state != 'failed'
               AND (target = ?3 OR label = ?3 COLLATE NOCASE
                    OR label LIKE replace(replace(?3, '%', ''), '_', '\\_') || '.%' ESCAPE '\\')
             ORDER BY target = ?3 DESC, seq DESC LIMIT 1",
        )?
        .query_row(params![tenant.as_str(), entity, text], known)
        .optional()
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        target: row.get(0)?,
        label: row.get(1)?,
    })
}

/// Effects, newest first.
pub(crate) fn list(
    connection: &Connection,
    filter: &EffectFilter,
) -> rusqlite::Result<Vec<EffectRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}
             WHERE dry = ?1
               AND (?2 OR (effect IN ('contain', 'destroy')
                           AND state IN ('begun', 'pending', 'done', 'in_doubt')))
               AND (NOT ?3 OR releases.stage = 'failed')
             ORDER BY effects.seq DESC LIMIT ?4"
        ))?
        .query_map(
            params![filter.dry, filter.all, filter.failed, filter.limit],
            effect_row,
        )?
        .collect()
}

/// The columns of an effect and of the release that is owed for it.
pub(crate) const COLUMNS: &str = "effects.idem, tenant, connection, action, effect, undo, entity,
    target, label, run, playbook, step, dry, state, effects.begun_at, changed_at, releases.due_at,
    releases.stage, coalesce(releases.error, effects.error)
    FROM effects LEFT JOIN releases ON releases.idem = effects.idem";

pub(crate) fn effect_row(row: &Row<'_>) -> rusqlite::Result<EffectRow> {
    let word: String = row.get(13)?;
    let effect: String = row.get(4)?;
    Ok(EffectRow {
        idem: row.get(0)?,
        tenant: parsed(row, 1)?,
        connection: row.get(2)?,
        action: parsed(row, 3)?,
        effect: serde_json::from_value(Value::String(effect))
            .map_err(|error| unreadable(4, error.to_string()))?,
        undo: row.get(5)?,
        entity: row.get(6)?,
        target: row.get(7)?,
        label: row.get(8)?,
        run: parsed(row, 9)?,
        playbook: parsed(row, 10)?,
        step: row.get(11)?,
        dry: row.get(12)?,
        state: EffectState::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| unreadable(13, format!("unknown state `{word}`")))?,
        begun_at: Timestamp::from_ms(row.get(14)?),
        changed_at: Timestamp::from_ms(row.get(15)?),
        release_at: row.get::<_, Option<i64>>(16)?.map(Timestamp::from_ms),
        release: row.get(17)?,
        error: row.get(18)?,
    })
}

/// The instant `span` before `at`, in milliseconds.
fn back(at: Timestamp, span: engine_model::Millis) -> i64 {
    let span = i64::try_from(span.as_ms()).unwrap_or(i64::MAX);
    at.as_ms().saturating_sub(span)
}
