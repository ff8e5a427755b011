//! Dead letters: what should have become a run and did not, or failed for good.

use engine_driver::{Letter, LetterFilter, LetterKind};
use engine_model::{AlertKey, RunId, Timestamp};
use engine_trigger::storm::{Firing, Place};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::columns::{RunRow, json_column, parsed, source_column, unreadable};
use crate::rows::to_json;

/// Dead letters that are kept; of more the oldest are forgotten.
const LETTERS_MAX: i64 = 100_000;

/// What was to start a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "what", rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// Alerts.
    Firing(Firing),
    /// A planned instant.
    Planned(Timestamp),
    /// The end of this run.
    Ended(RunRow),
    /// Whatever started this run, which failed.
    Run(RunRow),
}

/// A dead letter to add.
pub(crate) struct NewLetter<'a> {
    pub(crate) place: &'a Place,
    pub(crate) occasion: &'a Occasion,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    pub(crate) at: Timestamp,
}

/// Adds a dead letter.
pub(crate) fn add(connection: &Connection, letter: &NewLetter<'_>) -> rusqlite::Result<()> {
    let kind = match (letter.occasion, letter.code) {
        (Occasion::Run(_), _) => LetterKind::Failed,
        (_, "TR0103") => LetterKind::Dropped,
        _ => LetterKind::NotStarted,
    };
    let Place {
        tenant,
        playbook,
        trigger,
    } = letter.place;
    let (code, message) = (letter.code, letter.message);
    tracing::error!(%playbook, %trigger, code, error = message, "there is a dead letter");
    connection
        .prepare_cached(
            "INSERT INTO letters (at, kind, tenant, playbook, trigger, occasion, code, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            letter.at.as_ms(),
            kind.as_str(),
            tenant.as_str(),
            playbook.as_str(),
            trigger.as_str(),
            to_json(letter.occasion),
            code,
            message,
        ])?;
    forget(connection, connection.last_insert_rowid() - LETTERS_MAX)
}

/// Forgets the dead letters up to this number.
fn forget(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM letters WHERE seq <= ?1")?
        .execute([number])
        .map(drop)
}

/// Notes that a dead letter was replayed; the run, where that was done before.
pub(crate) fn set_replayed(
    connection: &Connection,
    number: u64,
    run: &RunId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE letters SET replayed_as = ?2 WHERE seq = ?1")?
        .execute(params![number, run.as_str()])?;
    Ok(())
}

const COLUMNS: &str =
    "seq, at, kind, tenant, playbook, trigger, code, message, occasion, replayed_as";

/// Dead letters, newest first.
pub(crate) fn list(
    connection: &Connection,
    filter: &LetterFilter,
) -> rusqlite::Result<Vec<(i64, Letter)>> {
    let playbook = filter
        .playbook
        .as_ref()
        .map(|name| name.as_str().to_owned());
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM letters
             WHERE (?1 IS NULL OR playbook = ?1) AND (?2 IS NULL OR seq < ?2)
             ORDER BY seq DESC LIMIT ?3"
        ))?
        .query_map(params![playbook, filter.before, filter.limit], letter)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    found
        .into_iter()
        .map(|(letter, occasion)| {
            let row = i64::try_from(letter.number).unwrap_or(i64::MAX);
            complete(connection, letter, &occasion).map(|letter| (row, letter))
        })
        .collect()
}

/// One dead letter, and what it is about.
pub(crate) fn find(
    connection: &Connection,
    number: u64,
) -> rusqlite::Result<Option<(Letter, Occasion)>> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM letters WHERE seq = ?1"))?
        .query_row([number], letter)
        .optional()?;
    found
        .map(|(letter, occasion)| Ok((complete(connection, letter, &occasion)?, occasion)))
        .transpose()
}

fn letter(row: &Row<'_>) -> rusqlite::Result<(Letter, Occasion)> {
    let kind: String = row.get(2)?;
    let kind = LetterKind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind);
    let replayed: Option<String> = row.get(9)?;
    let letter = Letter {
        number: row.get(0)?,
        at: Timestamp::from_ms(row.get(1)?),
        kind: kind.ok_or_else(|| unreadable(2, "unknown kind".to_owned()))?,
        tenant: parsed(row, 3)?,
        playbook: parsed(row, 4)?,
        trigger: parsed(row, 5)?,
        code: row.get(6)?,
        message: row.get(7)?,
        alerts: Vec::new(),
        run: None,
        replayed_as: replayed.map(|_| parsed(row, 9)).transpose()?,
    };
    Ok((letter, json_column(row, 8)?))
}

/// Adds the names of what the letter is about.
fn complete(
    connection: &Connection,
    mut letter: Letter,
    occasion: &Occasion,
) -> rusqlite::Result<Letter> {
    match occasion {
        Occasion::Planned(_) => {}
        Occasion::Firing(firing) => {
            for alert in &firing.alerts {
                letter.alerts.extend(alert_key(connection, alert.0)?);
            }
        }
        Occasion::Run(row) | Occasion::Ended(row) => {
            let run = crate::rows::run_by_row(connection, *row)?;
            letter.run = Some(run.id);
            for alert in alerts_of(connection, *row)? {
                letter.alerts.extend(alert_key(connection, alert)?);
            }
        }
    }
    Ok(letter)
}

fn alert_key(connection: &Connection, alert: i64) -> rusqlite::Result<Option<AlertKey>> {
    connection
        .prepare_cached("SELECT tenant, source, id FROM alerts WHERE seq = ?1")?
        .query_row([alert], |row| {
            Ok(AlertKey {
                tenant: parsed(row, 0)?,
                source: source_column(row, 1)?,
                id: row.get(2)?,
            })
        })
        .optional()
}

/// The stored alerts that a run works on, the one that completed them last.
pub(crate) fn alerts_of(connection: &Connection, run: RunRow) -> rusqlite::Result<Vec<i64>> {
    let several: Vec<i64> = connection
        .prepare_cached("SELECT alert FROM run_alerts WHERE run = ?1 ORDER BY place")?
        .query_map([run], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if !several.is_empty() {
        return Ok(several);
    }
    let one: Option<Option<i64>> = connection
        .prepare_cached("SELECT alert FROM events WHERE run = ?1 AND seq = 0")?
        .query_row([run], |row| row.get(0))
        .optional()?;
    Ok(one.flatten().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Folder;

    #[test]
    fn dead_letters_are_bounded_and_the_oldest_go_first() {
        let home = tempfile::tempdir().unwrap();
        let (folder, _taken) = Folder::lock(home.path()).unwrap();
        let connection = folder.writer().unwrap();
        let place = Place {
            tenant: "contoso".parse().unwrap(),
            playbook: "contain".parse().unwrap(),
            trigger: "any".parse().unwrap(),
        };
        let one = NewLetter {
            place: &place,
            occasion: &Occasion::Planned(Timestamp::from_ms(0)),
            code: "TR0102",
            message: "it could not start",
            at: Timestamp::from_ms(0),
        };
        let numbers = || -> Vec<i64> {
            let mut select = connection
                .prepare("SELECT seq FROM letters ORDER BY seq")
                .unwrap();
            let found = select.query_map([], |row| row.get(0)).unwrap();
            found.map(Result::unwrap).collect()
        };
        add(&connection, &one).unwrap();
        add(&connection, &one).unwrap();
        assert_eq!(numbers(), [1, 2]);
        let last = LETTERS_MAX + 1;
        connection
            .execute(
                "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'letters'",
                [last - 1],
            )
            .unwrap();
        add(&connection, &one).unwrap();
        assert_eq!(numbers(), [2, last]);
    }
}
