//! What triggers left behind, read from the database.

use std::sync::Arc;

use actions_contract::BoxFuture;
use engine_driver::{Count, Decision, EngineError, Letter, LetterFilter, Page, TriggerRecords};
use engine_model::{AlertKey, RunId, code};
use engine_trigger::storm::{AlertRef, Verdict};
use rusqlite::{Connection, OptionalExtension, params};

use crate::archive::{Archive, page};
use crate::columns::{json_column, parsed, source_column};
use crate::engine::{Embedded, of_store};
use crate::{letters, replay};

impl Archive {
    /// What storm control made of an alert, newest revision first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn decisions(&self, alert: &AlertKey) -> Result<Vec<Decision>, EngineError> {
        let alert = alert.clone();
        let found = self.read(move |connection| decisions(connection, &alert));
        found.await.map_err(of_store)
    }

    /// How often what became of alerts.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn counts(&self) -> Result<Vec<Count>, EngineError> {
        self.read(counts).await.map_err(of_store)
    }
}

impl Archive {
    /// Dead letters, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn letters(&self, filter: &LetterFilter) -> Result<Page<Letter>, EngineError> {
        let limit = filter.limit;
        let filter = LetterFilter {
            limit: limit.saturating_add(1),
            ..filter.clone()
        };
        let found = self.read(move |connection| letters::list(connection, &filter));
        Ok(page(found.await.map_err(of_store)?, limit))
    }

    /// A dead letter.
    ///
    /// # Errors
    ///
    /// `SV0104` when there is none of this number.
    pub async fn letter(&self, number: u64) -> Result<Letter, EngineError> {
        let found = self.read(move |connection| letters::find(connection, number));
        let found = found.await.map_err(of_store)?;
        let missing =
            || EngineError::new(code::SV0104, format!("there is no dead letter {number}"));
        found.map(|(letter, _)| letter).ok_or_else(missing)
    }
}

impl TriggerRecords for Embedded {
    fn decisions<'a>(
        &'a self,
        alert: &'a AlertKey,
    ) -> BoxFuture<'a, Result<Vec<Decision>, EngineError>> {
        Box::pin(self.archive().decisions(alert))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<Count>, EngineError>> {
        Box::pin(self.archive().counts())
    }

    fn letters<'a>(
        &'a self,
        filter: &'a LetterFilter,
    ) -> BoxFuture<'a, Result<Page<Letter>, EngineError>> {
        Box::pin(self.archive().letters(filter))
    }

    fn letter(&self, number: u64) -> BoxFuture<'_, Result<Letter, EngineError>> {
        Box::pin(self.archive().letter(number))
    }

    fn replay<'a>(&'a self, number: u64, by: &'a str) -> BoxFuture<'a, Result<RunId, EngineError>> {
        let (inner, by) = (Arc::clone(self.inner()), by.to_owned());
        Box::pin(self.to_the_end(async move { replay::replay(&inner, number, &by).await }))
    }
}

pub(crate) fn decisions(
    connection: &Connection,
    alert: &AlertKey,
) -> rusqlite::Result<Vec<Decision>> {
    let mut select = connection.prepare_cached(
        "SELECT verdicts.playbook, verdicts.trigger, alerts.revision, verdicts.verdict, verdicts.run
         FROM alerts JOIN storm_verdicts AS verdicts ON verdicts.alert = alerts.seq
         WHERE alerts.id = ?1 AND alerts.source = ?2 AND alerts.tenant = ?3
         ORDER BY alerts.revision DESC, verdicts.playbook, verdicts.trigger",
    )?;
    let named = params![alert.id, alert.source.as_str(), alert.tenant.as_str()];
    let found = select.query_map(named, |row| {
        let decided: Verdict = json_column(row, 3)?;
        Ok(Decision {
            playbook: parsed(row, 0)?,
            trigger: parsed(row, 1)?,
            revision: row.get(2)?,
            control: decided.control().map(str::to_owned),
            first: None,
            run: row
                .get::<_, Option<String>>(4)?
                .map(|_| parsed(row, 4))
                .transpose()?,
            decided,
        })
    })?;
    let mut decisions = found.collect::<rusqlite::Result<Vec<Decision>>>()?;
    for decision in &mut decisions {
        if let Verdict::Duplicate { first } | Verdict::Suppressed { first } = decision.decided {
            linked(connection, decision, first)?;
        }
    }
    Ok(decisions)
}

/// Adds the alert that an alert is linked to, and that one's run.
fn linked(
    connection: &Connection,
    decision: &mut Decision,
    first: AlertRef,
) -> rusqlite::Result<()> {
    let found = connection
        .prepare_cached(
            "SELECT alerts.tenant, alerts.source, alerts.id, verdicts.run
             FROM alerts LEFT JOIN storm_verdicts AS verdicts
               ON verdicts.alert = alerts.seq AND verdicts.playbook = ?2 AND verdicts.trigger = ?3
             WHERE alerts.seq = ?1",
        )?
        .query_row(
            params![
                first.0,
                decision.playbook.as_str(),
                decision.trigger.as_str()
            ],
            |row| {
                let key = AlertKey {
                    tenant: parsed(row, 0)?,
                    source: source_column(row, 1)?,
                    id: row.get(2)?,
                };
                let run = row.get::<_, Option<String>>(3)?;
                let run: Option<RunId> = run.map(|_| parsed(row, 3)).transpose()?;
                Ok((key, run))
            },
        )
        .optional()?;
    if let Some((key, run)) = found {
        decision.first = Some(key);
        decision.run = run;
    }
    Ok(())
}

fn counts(connection: &Connection) -> rusqlite::Result<Vec<Count>> {
    connection
        .prepare_cached(
            "SELECT playbook, trigger, word, count FROM storm_counts
             ORDER BY playbook, trigger, word",
        )?
        .query_map([], |row| {
            Ok(Count {
                playbook: parsed(row, 0)?,
                trigger: parsed(row, 1)?,
                word: row.get(2)?,
                count: row.get(3)?,
            })
        })?
        .collect()
}
