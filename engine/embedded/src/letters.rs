//! Dead letters: what should have become a run and did not, or failed for good.

use engine_model::Timestamp;
use engine_trigger::storm::{Firing, Place};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::rows::{AlertRow, to_json};

/// What was to start a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "what", rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// An alert that matched.
    Alert { alert: AlertRow },
    /// What storm control let through.
    Firing(Firing),
}

/// A dead letter to add.
pub(crate) struct Letter<'a> {
    pub(crate) place: &'a Place,
    pub(crate) occasion: &'a Occasion,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    pub(crate) at: Timestamp,
}

/// Adds a dead letter.
pub(crate) fn add(connection: &Connection, letter: &Letter<'_>) -> rusqlite::Result<()> {
    let kind = match letter.code {
        "TR0103" => "dropped",
        _ => "not_started",
    };
    let Place {
        tenant,
        playbook,
        trigger,
    } = letter.place;
    let (code, message) = (letter.code, letter.message);
    tracing::error!(%playbook, %trigger, code, error = message, "a run did not start");
    connection
        .prepare_cached(
            "INSERT INTO letters (at, kind, tenant, playbook, trigger, occasion, code, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            letter.at.as_ms(),
            kind,
            tenant.as_str(),
            playbook.as_str(),
            trigger.as_str(),
            to_json(letter.occasion),
            letter.code,
            letter.message,
        ])?;
    Ok(())
}
