//! Planned instants in the database: started, left out, or waiting for an earlier run to end.

use engine_model::{PlaybookName, Timestamp, TriggerId};
use engine_playbook::plan::Overlap;
use engine_trigger::storm::Place;
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::RunRow;
use crate::intake::NewRun;
use crate::{rows, storm_rows};

/// Instants of one schedule that wait at the most.
const WAITING_MAX: u32 = 1000;

/// A planned instant and the run it is to start.
pub(crate) struct Instant {
    pub(crate) place: Place,
    pub(crate) at: Timestamp,
    pub(crate) overlap: Overlap,
    pub(crate) run: NewRun,
}

impl Instant {
    /// Starts the run, or what the schedule says where an earlier one is going on.
    pub(crate) fn take(&self, connection: &Connection) -> rusqlite::Result<Option<RunRow>> {
        let Place {
            playbook, trigger, ..
        } = &self.place;
        rows::set_planned(connection, playbook, trigger, self.at)?;
        let taken = match self.overlap {
            Overlap::Allow => false,
            Overlap::Skip => is_running(connection, playbook, trigger)?,
            // Who waits already comes first.
            Overlap::Queue => {
                is_running(connection, playbook, trigger)?
                    || next_waiting(connection, playbook, trigger)?.is_some()
            }
        };
        if !taken {
            return self.start(connection);
        }
        let word = match self.overlap {
            Overlap::Queue if waiting(connection, playbook, trigger)? < WAITING_MAX => {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO planned_waiting (playbook, trigger, at)
                         VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![
                        playbook.as_str(),
                        trigger.as_str(),
                        self.at.as_ms()
                    ])?;
                "overlap_queued"
            }
            _ => "overlap_skipped",
        };
        storm_rows::count(connection, &self.place, word)?;
        Ok(None)
    }

    /// Starts the run of an instant that waited, where nothing is in its way any more.
    pub(crate) fn resume(&self, connection: &Connection) -> rusqlite::Result<Option<RunRow>> {
        let Place {
            playbook, trigger, ..
        } = &self.place;
        if is_running(connection, playbook, trigger)? {
            return Ok(None);
        }
        forget(connection, &self.place, self.at)?;
        self.start(connection)
    }

    fn start(&self, connection: &Connection) -> rusqlite::Result<Option<RunRow>> {
        let row = self.run.add(connection)?;
        if let Some(row) = row {
            self.run.fill(connection, row, None)?;
        }
        Ok(row)
    }
}

fn is_running(
    connection: &Connection,
    playbook: &PlaybookName,
    trigger: &TriggerId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM runs WHERE status = 'running' AND playbook = ?1 AND trigger = ?2",
        )?
        .exists([playbook.as_str(), trigger.as_str()])
}

fn waiting(
    connection: &Connection,
    playbook: &PlaybookName,
    trigger: &TriggerId,
) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM planned_waiting WHERE playbook = ?1 AND trigger = ?2",
        )?
        .query_row([playbook.as_str(), trigger.as_str()], |row| row.get(0))
}

/// The first instant that waits.
pub(crate) fn next_waiting(
    connection: &Connection,
    playbook: &PlaybookName,
    trigger: &TriggerId,
) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT at FROM planned_waiting WHERE playbook = ?1 AND trigger = ?2
             ORDER BY at LIMIT 1",
        )?
        .query_row([playbook.as_str(), trigger.as_str()], |row| {
            row.get(0).map(Timestamp::from_ms)
        })
        .optional()
}

/// Takes away an instant that waits.
pub(crate) fn forget(
    connection: &Connection,
    place: &Place,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM planned_waiting WHERE playbook = ?1 AND trigger = ?2 AND at = ?3",
        )?
        .execute(params![
            place.playbook.as_str(),
            place.trigger.as_str(),
            at.as_ms()
        ])?;
    Ok(())
}
