//! What effects came to, in the tables of the ledger.

use engine_driver::guard::{AuditEntry, AuditKind, EffectRow, EffectState, Settled};
use engine_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use crate::audit;
use crate::effects::{COLUMNS, effect_row};
use crate::rows::to_json;

/// Notes what an effect came to.
pub(crate) fn settle(connection: &Connection, settled: &Settled) -> rusqlite::Result<()> {
    let before = connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE effects.idem = ?1"))?
        .query_row([&settled.idem], effect_row)
        .optional()?;
    // Nothing was written down for it: a release while the ledger took no writes.
    let Some(before) = before else { return Ok(()) };
    // A look that found nothing new, or news of something that was taken back meanwhile.
    if before.state == settled.state || before.state == EffectState::Released {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE effects SET state = ?2, changed_at = ?3, output = coalesce(?4, output),
                    error = ?5
             WHERE idem = ?1",
        )?
        .execute(params![
            settled.idem,
            settled.state.as_str(),
            settled.at.as_ms(),
            settled.output.as_ref().map(to_json),
            settled
                .note
                .as_deref()
                .filter(|_| settled.state != EffectState::Pending),
        ])?;
    follow_up(connection, &before, settled)?;
    if before.dry {
        return Ok(());
    }
    let what = json!({
        "idem": settled.idem,
        "action": before.action,
        "target": before.target,
        "state": settled.state,
        "note": settled.note,
    });
    let entry = AuditEntry {
        at: settled.at,
        kind: AuditKind::Outcome,
        tenant: before.tenant.to_string(),
        run: Some(before.run.to_string()),
        what,
    };
    audit::append(connection, &entry)
}

/// What else is known once an effect came to something.
fn follow_up(connection: &Connection, row: &EffectRow, settled: &Settled) -> rusqlite::Result<()> {
    if row.dry {
        return Ok(());
    }
    match (row.effect.as_str(), settled.state) {
        ("release", EffectState::Done) => released(connection, row, settled.at),
        (_, EffectState::Failed) => {
            connection
                .prepare_cached(
                    "UPDATE releases SET stage = 'not_wanted' WHERE idem = ?1 AND stage = 'owed'",
                )?
                .execute([&settled.idem])?;
            Ok(())
        }
        (_, EffectState::Done) => {
            // The time counts from the moment at which it holds.
            let late = settled.at.since(row.begun_at).as_ms();
            connection
                .prepare_cached(
                    "UPDATE releases SET due_at = due_at + ?2 WHERE idem = ?1 AND stage = 'owed'",
                )?
                .execute(params![settled.idem, late])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a release takes back: what was asked for before it, and is not being found out by a run
/// that goes on.
const TAKEN_BACK: &str = "tenant = ?1 AND entity = ?2 AND target = ?3 AND undo = ?4 AND dry = 0
    AND begun_at <= ?6
    AND (state IN ('pending', 'done')
         OR (state IN ('begun', 'in_doubt')
             AND NOT EXISTS (SELECT 1 FROM runs
                             WHERE runs.id = effects.run AND runs.status = 'running')))";

/// A release happened: whatever it takes back is no longer in effect, and nothing is owed for it.
fn released(connection: &Connection, row: &EffectRow, at: Timestamp) -> rusqlite::Result<()> {
    let of_target = params![
        row.tenant.as_str(),
        row.entity,
        row.target,
        row.action.as_str(),
        at.as_ms(),
        row.begun_at.as_ms(),
    ];
    connection
        .prepare_cached(&format!(
            "UPDATE releases SET stage = 'done', error = NULL WHERE stage != 'not_wanted' AND ?5
               AND idem IN (SELECT idem FROM effects WHERE {TAKEN_BACK})"
        ))?
        .execute(of_target)?;
    connection
        .prepare_cached(&format!(
            "UPDATE effects SET state = 'released', changed_at = ?5 WHERE {TAKEN_BACK}"
        ))?
        .execute(of_target)?;
    Ok(())
}
