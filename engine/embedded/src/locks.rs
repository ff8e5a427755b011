//! Who is at work on a target.

use engine_driver::guard::{EffectRow, Left, Reserved};
use engine_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::parsed;

/// Whoever is at work on the target of `row`, or has left it in doubt.
pub(crate) fn busy(connection: &Connection, row: &EffectRow) -> rusqlite::Result<Option<Reserved>> {
    if let Some(busy) = other_run(connection, row)? {
        return Ok(Some(busy));
    }
    if row.dry {
        return Ok(None);
    }
    if let Some(busy) = release_under_way(connection, row)? {
        return Ok(Some(busy));
    }
    Ok(left(connection, row)?.map(Reserved::Left))
}

/// Another run that is going on; one that has ended holds nothing.
fn other_run(connection: &Connection, row: &EffectRow) -> rusqlite::Result<Option<Reserved>> {
    connection
        .prepare_cached(
            "SELECT run, action FROM effects
             WHERE tenant = ?1 AND entity = ?2 AND target = ?3 AND run != ?4 AND dry = ?5
               AND effect IN ('contain', 'destroy', 'release')
               AND state IN ('begun', 'pending', 'in_doubt')
               AND EXISTS (SELECT 1 FROM runs
                           WHERE runs.id = effects.run AND runs.status = 'running')
             LIMIT 1",
        )?
        .query_row(
            params![
                row.tenant.as_str(),
                row.entity,
                row.target,
                row.run.as_str(),
                row.dry
            ],
            |found| {
                Ok(Reserved::Busy {
                    run: parsed(found, 0)?,
                    action: parsed(found, 1)?,
                })
            },
        )
        .optional()
}

/// A release that is owed and being done now: it must not take back what begins meanwhile.
fn release_under_way(
    connection: &Connection,
    row: &EffectRow,
) -> rusqlite::Result<Option<Reserved>> {
    connection
        .prepare_cached(
            "SELECT run, undo FROM effects JOIN releases ON releases.idem = effects.idem
             WHERE tenant = ?1 AND entity = ?2 AND target = ?3 AND undo IS NOT NULL
               AND stage IN ('asked', 'following', 'doubt')
             LIMIT 1",
        )?
        .query_row(
            params![row.tenant.as_str(), row.entity, row.target],
            |found| {
                Ok(Reserved::Busy {
                    run: parsed(found, 0)?,
                    action: parsed(found, 1)?,
                })
            },
        )
        .optional()
}

/// The same, asked for by a run that is over or by another step of this run, whose end nobody saw.
fn left(connection: &Connection, row: &EffectRow) -> rusqlite::Result<Option<Left>> {
    connection
        .prepare_cached(
            "SELECT idem, run, begun_at, changed_at FROM effects
             WHERE tenant = ?1 AND entity = ?2 AND target = ?3 AND action = ?4 AND idem != ?5
               AND dry = 0 AND state IN ('begun', 'pending', 'in_doubt')
             LIMIT 1",
        )?
        .query_row(
            params![
                row.tenant.as_str(),
                row.entity,
                row.target,
                row.action.as_str(),
                row.idem
            ],
            |found| {
                Ok(Left {
                    idem: found.get(0)?,
                    run: parsed(found, 1)?,
                    begun_at: Timestamp::from_ms(found.get(2)?),
                    changed_at: Timestamp::from_ms(found.get(3)?),
                })
            },
        )
        .optional()
}
