//! Releases that are owed: done when they are due, whatever became of the run and its playbook.

use std::sync::Arc;

use actions_contract::{ActionError, EffectKind, ErrorKind, Mode, Outcome};
use engine_driver::Origin;
use engine_driver::guard::{AuditEntry, AuditKind, Due, EffectRow, Owed, ReleaseEnd, undo_args};
use engine_model::{Millis, Timestamp, code};
use engine_playbook::expr::Expr;
use engine_run::{Attempt, Cid};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value, json};

use crate::audit;
use crate::columns::json_column;
use crate::effects::{COLUMNS, effect_row};
use crate::inner::Inner;
use crate::rows::to_json;

/// The longest sleep between two looks at what is due.
const LOOK_AGAIN: Millis = Millis::from_secs(5);
/// Releases that are worked on at the same time.
const BATCH: usize = 16;
/// The time that one try may take.
const TRY: Millis = Millis::from_secs(60);

impl Inner {
    /// Does what is owed when it is due, for ever.
    pub(crate) async fn watch_releases(self: Arc<Self>) {
        let asked = self.writer.write(doubt_what_was_asked).await;
        if let Err(error) = asked {
            tracing::error!(%error, "releases that were under way are looked at later");
        }
        loop {
            let now = self.clock.now();
            match self
                .archive
                .read(move |connection| due(connection, now))
                .await
            {
                Ok(due) => {
                    let tries = due.into_iter().map(|due| self.take_back(due));
                    futures_util::future::join_all(tries).await;
                }
                Err(error) => tracing::error!(%error, "releases cannot be read"),
            }
            let next = self.archive.read(next_due).await.ok().flatten();
            let pause = next.map_or(LOOK_AGAIN, |next| {
                let left = next.since(self.clock.now());
                left.clamp(Millis::from_ms(20), LOOK_AGAIN)
            });
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause.to_std()) => {}
                () = self.owes.notified() => {}
            }
        }
    }

    /// One try of one release, and what follows from it.
    async fn take_back(&self, due: Due) {
        let now = self.clock.now();
        let end = match self.wanted(&due).await {
            Ok(true) => self.undo(&due, now).await,
            Ok(false) => ReleaseEnd::NotWanted,
            Err(error) => due.failed(&error, now),
        };
        let end = Arc::new(end);
        let failed = match &*end {
            ReleaseEnd::Failed { error } => Some(error.clone()),
            _ => None,
        };
        let (row, at) = (Arc::new(due.row), self.clock.now());
        loop {
            let (end, row) = (Arc::clone(&end), Arc::clone(&row));
            let work = move |connection: &Connection| came_to(connection, (&row, &end), at);
            match self.writer.write(work).await {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "what a release came to is not written down yet");
                    tokio::time::sleep(Millis::from_secs(1).to_std()).await;
                }
            }
        }
        if let Some(error) = failed {
            self.call_a_person(&row, &error).await;
        }
    }

    /// Whether the condition holds now, over facts that are read now.
    async fn wanted(&self, due: &Due) -> Result<bool, ActionError> {
        let Some(condition) = &due.owed.condition else {
            return Ok(true);
        };
        // It was decided when the first try began.
        if due.begun_at.is_some() {
            return Ok(true);
        }
        let expr = Expr::parse(condition).map_err(|error| unclear(&error.message))?;
        let mut names = match &due.owed.names {
            Value::Object(names) => names.clone(),
            _ => Map::new(),
        };
        if let Some(guards) = self.attempts.guards() {
            let origin = origin(due);
            let attempt = self.attempt(due, Value::Null, self.clock.now());
            let (entity, target) = (&due.row.entity, &due.row.target);
            let facts = self
                .attempts
                .find(guards, (entity, target), (&origin, &attempt));
            names.insert(
                "target".to_owned(),
                json!(guards.policy().judged(facts.await?)),
            );
        }
        expr.eval_bool(&names)
            .map_err(|error| unclear(&error.message))
    }

    async fn undo(&self, due: &Due, now: Timestamp) -> ReleaseEnd {
        let Some(undo) = due.row.undo.as_deref() else {
            let error = format!("`{}` cannot be taken back", due.row.action);
            return ReleaseEnd::Failed { error };
        };
        let Some(info) = self.attempts.info(undo) else {
            let error = format!("this engine has no action `{undo}`");
            return ReleaseEnd::Failed { error };
        };
        let comment = format!(
            "Released {} after {}, as the playbook {} wants it",
            due.owed.after, due.row.action, due.row.playbook
        );
        let args = match undo_args(info, &due.row.target, &comment) {
            Ok(args) => args,
            Err(error) => return ReleaseEnd::Failed { error },
        };
        let attempt = self.attempt(due, args, now);
        let (idem, begun_at) = (due.row.idem.clone(), attempt.begun_at);
        // Durable first: after a stop in between, the next try asks what happened.
        let marked = self.writer.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE releases SET stage = CASE stage WHEN 'owed' THEN 'asked' ELSE stage END,
                            begun_at = ?2
                     WHERE idem = ?1",
                )?
                .execute(params![idem, begun_at.as_ms()])
        });
        if let Err(error) = marked.await {
            let error =
                ActionError::retryable(ErrorKind::Unavailable, code::ST0102, error.message, None);
            return due.failed(&error, now);
        }
        let outcome = self.attempts.perform(&origin(due), &attempt).await;
        due.after(&outcome, self.clock.now(), self.settings.reconcile_window)
    }

    fn attempt(&self, due: &Due, args: Value, now: Timestamp) -> Attempt {
        let row = &due.row;
        let undo = row.undo.as_deref().and_then(|undo| undo.parse().ok());
        Attempt {
            cid: Cid(0),
            step: format!("{}.release", row.step),
            label: format!("{}.release", row.step),
            idem: format!("{}/release", row.idem),
            attempt: due.failures + 1,
            mode: due.mode(),
            action: undo.unwrap_or_else(|| row.action.clone()),
            effect: EffectKind::Release,
            connection: row.connection.clone(),
            tenant: None,
            args,
            resume: due.resume.clone(),
            begun_at: due.begun_at.unwrap_or(now),
            timeout: TRY,
            release: None,
            approved: Vec::new(),
        }
    }

    /// A release that failed is for a person: loudly, and through the hook of the policy.
    async fn call_a_person(&self, row: &EffectRow, error: &str) {
        tracing::error!(
            run = %row.run,
            playbook = %row.playbook,
            action = %row.action,
            code = %code::GR0110,
            error,
            target_name = row.label,
            "a containment could not be taken back; a person has to do it"
        );
        let hook = self
            .attempts
            .guards()
            .and_then(|guards| guards.policy().call.clone());
        let Some(hook) = hook else { return };
        let text = format!(
            "{} `{}` is still contained: {} of run {} could not be taken back: {error}",
            row.entity, row.label, row.action, row.run
        );
        let attempt = Attempt {
            action: "notify.webhook".parse().expect("an id of an action"),
            effect: EffectKind::Notify,
            idem: format!("{}/call", row.idem),
            args: json!({ "url": { "secret": hook }, "text": text }),
            connection: None,
            mode: Mode::Execute,
            resume: None,
            ..self.attempt(&nothing_due(row), Value::Null, self.clock.now())
        };
        let origin = origin(&nothing_due(row));
        match self.attempts.perform(&origin, &attempt).await {
            Outcome::Done { .. } => {}
            other => tracing::error!(?other, "nobody could be told about it"),
        }
    }
}

fn nothing_due(row: &EffectRow) -> Due {
    Due {
        row: row.clone(),
        owed: Owed {
            after: Millis::ZERO,
            condition: None,
            names: Value::Null,
        },
        failures: 0,
        in_doubt: false,
        resume: None,
        begun_at: None,
    }
}

fn origin(due: &Due) -> Origin {
    Origin {
        run: due.row.run.clone(),
        playbook: due.row.playbook.clone(),
        tenant: due.row.tenant.clone(),
        guard: Arc::default(),
    }
}

fn unclear(why: &str) -> ActionError {
    let message = format!("whether to release cannot be told: {why}");
    ActionError::permanent(ErrorKind::Expression, code::RN0101, message)
}

/// A try that was under way at a stop may have arrived.
fn doubt_what_was_asked(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE releases SET stage = 'doubt' WHERE stage = 'asked'",
            [],
        )
        .map(drop)
}

/// Releases that have something to do: not while the run still finds out what it is about.
const WAITING: &str = "releases.stage IN ('owed', 'asked', 'following', 'doubt')
    AND NOT (releases.stage = 'owed' AND effects.state IN ('begun', 'pending', 'in_doubt')
             AND EXISTS (SELECT 1 FROM runs
                         WHERE runs.id = effects.run AND runs.status = 'running'))";

/// What is due, the longest overdue first. A containment that did not come about owes nothing.
fn due(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Due>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, releases.owed, releases.failures, releases.stage, releases.resume,
                    releases.begun_at {}
             WHERE releases.due_at <= ?1 AND {WAITING}
             ORDER BY releases.due_at LIMIT ?2",
            columns().0,
            columns().1
        ))?
        .query_map(params![now.as_ms(), BATCH], due_row)?
        .collect()
}

/// The columns of an effect, and where they come from.
fn columns() -> (&'static str, &'static str) {
    COLUMNS.split_at(COLUMNS.find("FROM effects").unwrap_or(COLUMNS.len()))
}

fn due_row(row: &Row<'_>) -> rusqlite::Result<Due> {
    let stage: String = row.get(21)?;
    let resume: Option<String> = row.get(22)?;
    Ok(Due {
        row: effect_row(row)?,
        owed: json_column(row, 19)?,
        failures: row.get(20)?,
        in_doubt: stage == "doubt",
        resume: resume.and_then(|text| serde_json::from_str(&text).ok()),
        begun_at: row.get::<_, Option<i64>>(23)?.map(Timestamp::from_ms),
    })
}

fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(&format!(
            "SELECT due_at FROM releases JOIN effects ON effects.idem = releases.idem
             WHERE {WAITING} ORDER BY due_at LIMIT 1"
        ))?
        .query_row([], |row| row.get(0).map(Timestamp::from_ms))
        .optional()
}

/// Writes down what follows.
fn came_to(
    connection: &Connection,
    (row, end): (&EffectRow, &ReleaseEnd),
    at: Timestamp,
) -> rusqlite::Result<()> {
    let idem = &row.idem;
    let (word, error) = match end {
        ReleaseEnd::Done => ("done", None),
        ReleaseEnd::NotWanted => ("not_wanted", None),
        ReleaseEnd::Failed { error } => ("failed", Some(error.as_str())),
        ReleaseEnd::Later {
            at,
            resume,
            in_doubt,
            failures,
        } => {
            let stage = match (in_doubt, resume) {
                (true, _) => "doubt",
                (false, Some(_)) => "following",
                (false, None) => "owed",
            };
            return connection
                .prepare_cached(
                    "UPDATE releases SET stage = ?2, due_at = ?3, resume = ?4, failures = ?5
                     WHERE idem = ?1 AND stage NOT IN ('done', 'not_wanted', 'failed')",
                )?
                .execute(params![
                    idem,
                    stage,
                    at.as_ms(),
                    resume.as_ref().map(to_json),
                    failures
                ])
                .map(drop);
        }
    };
    connection
        .prepare_cached("UPDATE releases SET stage = ?2, error = ?3 WHERE idem = ?1")?
        .execute(params![idem, word, error])?;
    let entry = AuditEntry {
        at,
        kind: AuditKind::Release,
        tenant: row.tenant.to_string(),
        run: Some(row.run.to_string()),
        what: json!({
            "idem": idem,
            "action": row.undo,
            "target": row.target,
            "release": word,
            "error": error,
            "code": error.map(|_| code::GR0110),
        }),
    };
    audit::append(connection, &entry)
}
