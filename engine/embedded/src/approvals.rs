//! Questions to people: what is open, who answered, and the one way in which an answer comes in.

use std::sync::Arc;

use engine_driver::guard::{AuditEntry, AuditKind};
use engine_driver::{Asked, AskedFilter, EngineError, Page, Reply, Said, Tally, Untold};
use engine_model::{Digest, Millis, RunId, Timestamp, code};
use engine_run::{Answer, Await, Question, Wants};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::archive::Archive;
use crate::columns::{json_column, parsed};
use crate::engine::of_store;
use crate::inner::Inner;
use crate::outbox::Owner;
use crate::rows::{RunRow, to_json};
use crate::{audit, signals};

/// What the names of signals begin with that are answers.
pub(crate) const NAMES: &str = "approval/";

const COLUMNS: &str =
    "awaits.body, runs.seq, runs.id, runs.tenant, runs.playbook, runs.cause, awaits.cid";

impl Archive {
    /// Questions that are open.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn approvals(&self, filter: &AskedFilter) -> Result<Page<Asked>, EngineError> {
        let filter = filter.clone();
        let found = self.read(move |connection| list(connection, &filter));
        found.await.map_err(of_store)
    }

    /// The open question of a run that has this digest.
    ///
    /// # Errors
    ///
    /// `SV0201` when there is none.
    pub async fn asked(&self, run: &RunId, digest: &Digest) -> Result<Asked, EngineError> {
        let (row, _) = self.find(run).await?;
        let wanted = digest.clone();
        let found = self.read(move |connection| one(connection, row, &wanted));
        let found = found.await.map_err(of_store)?;
        found.map(|(asked, _)| asked).ok_or_else(not_open)
    }
}

/// Keeps an answer that counts and tells the run, or says why it does not count.
pub(crate) async fn answer(
    inner: &Arc<Inner>,
    (run, digest): (&RunId, &Digest),
    reply: Reply,
) -> Result<Tally, EngineError> {
    let (row, _) = inner.archive.find(run).await?;
    let (digest, now) = (digest.clone(), inner.clock.now());
    let kept = inner.writer.write(move |connection| {
        let Some((asked, name)) = one(connection, row, &digest)? else {
            return Ok(Err(not_open()));
        };
        let counted = asked.count(&reply, now);
        note_answer(connection, (&asked, &reply), &counted, now)?;
        if counted.is_ok() {
            let value = Answer {
                decision: reply.decision,
                digest,
                roles: reply.roles,
                comment: reply.comment,
                form: reply.form,
            };
            signals::add_signal(connection, row, (&name, &reply.by), &to_json(&value))?;
        }
        Ok(counted)
    });
    let tally = kept.await.map_err(of_store)??;
    inner.call(row);
    Ok(tally)
}

fn not_open() -> EngineError {
    EngineError::new(code::SV0201, "no such question is open")
}

fn list(connection: &Connection, filter: &AskedFilter) -> rusqlite::Result<Page<Asked>> {
    let run = filter.run.as_ref().map(RunId::as_str);
    let limit = filter.limit.saturating_add(1);
    let mut runs: Vec<RunRow> = connection
        .prepare_cached(
            "SELECT DISTINCT awaits.run FROM awaits JOIN runs ON runs.seq = awaits.run
             WHERE awaits.name >= 'approval/' AND awaits.name < 'approval0'
               AND (?1 IS NULL OR runs.id = ?1) AND (?2 IS NULL OR awaits.run < ?2)
             ORDER BY awaits.run DESC LIMIT ?3",
        )?
        .query_map(params![run, filter.before, limit], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let more = runs.len() > filter.limit;
    runs.truncate(filter.limit);
    let mut items = Vec::new();
    for run in &runs {
        let found = of_run(connection, *run)?;
        items.extend(found.into_iter().map(|(asked, _)| asked));
    }
    let last = runs.last().filter(|_| more);
    let next = last.and_then(|row| u64::try_from(*row).ok());
    Ok(Page { items, next })
}

fn one(
    connection: &Connection,
    row: RunRow,
    digest: &Digest,
) -> rusqlite::Result<Option<(Asked, String)>> {
    let found = of_run(connection, row)?;
    let mut found = found.into_iter();
    Ok(found.find(|(asked, _)| asked.question.digest == *digest))
}

/// The open questions of a run, with the names of the signals that answer them.
fn of_run(connection: &Connection, row: RunRow) -> rusqlite::Result<Vec<(Asked, String)>> {
    let found: Vec<Option<(Asked, String)>> = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM awaits JOIN runs ON runs.seq = awaits.run
             WHERE awaits.run = ?1 AND awaits.name >= 'approval/' AND awaits.name < 'approval0'
             ORDER BY awaits.cid"
        ))?
        .query_map([row], asked_row)?
        .collect::<rusqlite::Result<_>>()?;
    let mut asked = Vec::new();
    for (mut one, name) in found.into_iter().flatten() {
        one.said = said(connection, row, (&one.question.digest, &name))?;
        asked.push((one, name));
    }
    Ok(asked)
}

fn asked_row(row: &Row<'_>) -> rusqlite::Result<Option<(Asked, String)>> {
    let wait: Await = json_column(row, 0)?;
    let Wants::Answers { question } = wait.wants else {
        return Ok(None);
    };
    let asked = Asked {
        run: parsed(row, 2)?,
        tenant: parsed(row, 3)?,
        playbook: parsed(row, 4)?,
        cause: row.get(5)?,
        question: *question,
        said: Vec::new(),
    };
    Ok(Some((asked, wait.name)))
}

/// The answers to a question: those in the journal, and those that are on their way there.
fn said(
    connection: &Connection,
    row: RunRow,
    (digest, name): (&Digest, &str),
) -> rusqlite::Result<Vec<Said>> {
    let answers = connection
        .prepare_cached(
            "SELECT json_extract(body, '$.by'), json_extract(body, '$.value') FROM events
             WHERE run = ?1 AND json_extract(body, '$.event') = 'signalled'
               AND json_extract(body, '$.value.digest') = ?2
             UNION ALL
             SELECT sender, body FROM signals
             WHERE run = ?1 AND name = ?3 AND json_extract(body, '$.digest') = ?2",
        )?
        .query_map(params![row, digest.as_str(), name], |row| {
            let (by, text): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((by, text))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let read = |(by, text): (String, String)| {
        let answer: Answer = serde_json::from_str(&text).ok()?;
        Some(Said {
            by,
            decision: answer.decision,
            comment: answer.comment,
        })
    };
    // What is no answer did not count either.
    Ok(answers.into_iter().filter_map(read).collect())
}

fn note_answer(
    connection: &Connection,
    (asked, reply): (&Asked, &Reply),
    counted: &Result<Tally, EngineError>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut what = json!({
        "by": reply.by,
        "decision": reply.decision,
        "through": reply.through,
        "step": asked.question.step,
        "digest": asked.question.digest,
        "playbook": asked.playbook,
    });
    match counted {
        Ok(tally) => {
            what["agreed"] = json!(tally.agreed);
            what["quorum"] = json!(tally.quorum);
            what["comment"] = json!(reply.comment);
            what["form"] = json!(reply.form);
        }
        Err(error) => {
            what["counts"] = json!(false);
            what["code"] = json!(error.code);
            what["message"] = json!(error.message);
        }
    }
    let entry = AuditEntry {
        at,
        kind: AuditKind::Answered,
        tenant: asked.tenant.to_string(),
        run: Some(asked.run.to_string()),
        what,
    };
    audit::append(connection, &entry)
}

/// People are asked: that is written down, and they have to be told.
pub(crate) fn ask(
    connection: &Connection,
    (row, owner): (RunRow, &Owner),
    (wait, question): (&Await, &Question),
    at: Timestamp,
) -> rusqlite::Result<()> {
    let ask = &question.ask;
    let what = json!({
        "step": question.step,
        "digest": question.digest,
        "playbook": owner.playbook,
        "message": ask.message,
        "shown": question.shown,
        "approvers": ask.approvers,
        "quorum": ask.quorum,
        "started_by": question.started_by,
        "until": question.until,
    });
    let entry = AuditEntry {
        at,
        kind: AuditKind::Asked,
        tenant: owner.tenant.to_string(),
        run: Some(owner.run.to_string()),
        what,
    };
    audit::append(connection, &entry)?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO untold (run, cid, tries, next_at) VALUES (?1, ?2, 0, 0)",
        )?
        .execute(params![row, wait.cid.0])?;
    Ok(())
}

/// Questions of which people have to be told now.
pub(crate) fn untold(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Untold>> {
    let rows: Vec<(RunRow, u64, u32)> = connection
        .prepare_cached(
            "SELECT run, cid, tries FROM untold WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2",
        )?
        .query_map(params![now.as_ms(), limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut untold = Vec::new();
    for (row, cid, tries) in rows {
        let asked = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM awaits JOIN runs ON runs.seq = awaits.run
                 WHERE awaits.run = ?1 AND awaits.cid = ?2"
            ))?
            .query_row(params![row, cid], asked_row)
            .optional()?
            .flatten();
        if let Some((asked, _)) = asked {
            let id = (row, cid);
            untold.push(Untold { id, tries, asked });
        }
    }
    Ok(untold)
}

/// People were told, or are told again after a while.
pub(crate) async fn told(
    inner: &Arc<Inner>,
    (row, cid): (i64, u64),
    again_in: Option<Millis>,
) -> Result<(), EngineError> {
    let next_at = again_in.map(|wait| inner.clock.now().plus(wait));
    let noted = inner.writer.write(move |connection| {
        match next_at {
            Some(at) => connection
                .prepare_cached(
                    "UPDATE untold SET tries = tries + 1, next_at = ?3 WHERE run = ?1 AND cid = ?2",
                )?
                .execute(params![row, cid, at.as_ms()])?,
            None => forget(connection, (row, cid))?,
        };
        Ok(())
    });
    noted.await.map_err(of_store)
}

/// Nobody has to be told of it any more.
pub(crate) fn forget(
    connection: &Connection,
    (row, cid): (RunRow, u64),
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("DELETE FROM untold WHERE run = ?1 AND cid = ?2")?
        .execute(params![row, cid])
}
