//! The audit log in its table: each entry is bound to the one before it.

use engine_driver::guard::{AuditEntry, AuditReport, AuditRow};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{json_column, parsed};
use crate::rows::to_json;

/// Appends an entry, in the transaction of what it tells.
pub(crate) fn append(connection: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    let head = connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let (last, before) = head.unwrap_or_default();
    let text = to_json(entry);
    let hash = AuditEntry::chained(last + 1, &before, &text);
    connection
        .prepare_cached("INSERT INTO audit (seq, text, hash) VALUES (?1, ?2, ?3)")?
        .execute(params![last + 1, text, hash.as_str()])?;
    Ok(())
}

/// Entries after the one of this number, oldest first.
pub(crate) fn entries(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    connection
        .prepare_cached("SELECT seq, text, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
        .query_map(params![after, limit], |row| {
            Ok(AuditRow {
                seq: row.get(0)?,
                entry: json_column(row, 1)?,
                hash: parsed(row, 2)?,
            })
        })?
        .collect()
}

/// Looks at every entry and finds the first that is not what was written.
pub(crate) fn verify(connection: &Connection) -> rusqlite::Result<AuditReport> {
    let mut report = AuditReport {
        entries: 0,
        head: None,
        broken: None,
    };
    let mut before = String::new();
    let mut select = connection.prepare("SELECT seq, text, hash FROM audit ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let seq: u64 = row.get(0)?;
        let wanted = report.entries + 1;
        // A byte that was changed may have made the column something else than text.
        let text = row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec();
        let hash = row.get_ref(2)?.as_bytes().unwrap_or_default().to_vec();
        let text = String::from_utf8_lossy(&text).into_owned();
        if seq != wanted {
            report.broken = Some((wanted, format!("it is missing; the next one is {seq}")));
            return Ok(report);
        }
        let chained = AuditEntry::chained(seq, &before, &text);
        if chained.as_str().as_bytes() != hash {
            report.broken = Some((seq, "its text or its place was changed".to_owned()));
            return Ok(report);
        }
        before = chained.as_str().to_owned();
        report.entries = seq;
        report.head = Some(chained);
    }
    // The table remembers the highest number it ever gave.
    let given: Option<u64> = connection
        .prepare("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if let Some(given) = given
        && given > report.entries
    {
        let first = report.entries + 1;
        let why = format!("the end was cut off: there were {given} entries");
        report.broken = Some((first, why));
    }
    Ok(report)
}

/// Whether some entry has this digest.
pub(crate) fn has(connection: &Connection, digest: &str) -> rusqlite::Result<bool> {
    connection
        .prepare("SELECT 1 FROM audit WHERE hash = ?1 LIMIT 1")?
        .exists([digest])
}
