//! What the database knows of the past of an alert, for `why`.

use engine_driver::{Decision, Held, Linked, Loaded, Past};
use engine_model::{Alert, AlertKey, PlaybookName, RunId, Timestamp, TriggerId};
use engine_playbook::plan::{Storm, TriggerKind, WindowClock};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::json_column;
use crate::records;

/// A decision of storm control, and the alert that it links to as it was stored.
pub(crate) struct Noted {
    decision: Decision,
    first: Option<(Alert, Timestamp)>,
}

/// What storm control decided about a revision of an alert.
pub(crate) fn noted(
    connection: &Connection,
    alert: &AlertKey,
    revision: u32,
) -> rusqlite::Result<Vec<Noted>> {
    let decisions = records::decisions(connection, alert)?.into_iter();
    let decisions = decisions.filter(|decision| decision.revision == revision);
    let noted = decisions.map(|decision| {
        let first = match &decision.first {
            Some(key) => first(connection, key)?,
            None => None,
        };
        Ok(Noted { decision, first })
    });
    noted.collect()
}

fn first(connection: &Connection, key: &AlertKey) -> rusqlite::Result<Option<(Alert, Timestamp)>> {
    connection
        .prepare_cached(
            "SELECT body, received_at FROM alerts
             WHERE id = ?1 AND source = ?2 AND tenant = ?3 ORDER BY revision LIMIT 1",
        )?
        .query_row(
            params![key.id, key.source.as_str(), key.tenant.as_str()],
            |row| Ok((json_column(row, 0)?, Timestamp::from_ms(row.get(1)?))),
        )
        .optional()
}

/// The runs of an alert and what storm control decided about it.
pub(crate) struct Known<'l> {
    pub(crate) runs: Vec<RunId>,
    pub(crate) noted: Vec<Noted>,
    pub(crate) loaded: &'l Loaded,
}

impl Known<'_> {
    fn noted(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<&Noted> {
        let of = |noted: &&Noted| {
            noted.decision.playbook == *playbook && noted.decision.trigger == *trigger
        };
        self.noted.iter().find(of)
    }

    fn storm(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<&Storm> {
        let (plan, _) = self.loaded.plans.get(playbook)?;
        let trigger = plan.triggers.iter().find(|one| one.id == *trigger)?;
        match &trigger.kind {
            TriggerKind::Alert(alert) => Some(&alert.storm),
            _ => None,
        }
    }
}

impl Past for Known<'_> {
    fn began(&self, run: &RunId) -> bool {
        self.runs.contains(run)
    }

    fn held(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<Held> {
        let noted = self.noted(playbook, trigger)?;
        let storm = self.storm(playbook, trigger)?;
        let key = noted.decision.first.clone();
        let linked = key
            .zip(noted.first.as_ref())
            .map(|(key, (alert, received_at))| Linked {
                key,
                at: match storm.clock {
                    WindowClock::Alert => alert.created_at.min(*received_at),
                    WindowClock::Arrival => *received_at,
                },
            });
        Held::of(&noted.decision.decided, linked.as_ref(), storm)
    }

    fn started(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<RunId> {
        let decision = &self.noted(playbook, trigger)?.decision;
        let started = decision.decided.control().is_none();
        decision.run.clone().filter(|_| started)
    }
}
