//! Storm control as drivers do it: cells are read, the fold of `engine-trigger` runs, and what
//! changed is written, all within what the driver makes durable together.

use std::collections::{BTreeMap, HashMap};

use engine_model::Timestamp;
use engine_playbook::plan::Storm;
use engine_trigger::storm::{
    self, CellId, Cells, Control, Facts, Passed, Pending, Place, Rate, State,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Where a driver keeps what storm control remembers.
///
/// Everything that one alert changes has to become durable together with the alert, or not at all.
pub trait StormStore {
    /// Why it did not do what was asked.
    type Error;

    /// What a cell holds.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn cell(&mut self, id: CellId) -> Result<Option<String>, Self::Error>;

    /// Sets a cell, which may be forgotten at an instant; or empties it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn set_cell(
        &mut self,
        id: CellId,
        body: Option<(String, Timestamp)>,
    ) -> Result<(), Self::Error>;

    /// Asks to be called for a cell at an instant; or no more.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn set_due(&mut self, id: CellId, due: Option<(&Due, Timestamp)>) -> Result<(), Self::Error>;

    /// Puts something into the queue of a cell.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn push(&mut self, id: CellId, number: u64, body: String) -> Result<(), Self::Error>;

    /// Takes something out of the queue of a cell.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    fn pull(&mut self, id: CellId, number: u64) -> Result<Option<String>, Self::Error>;

    /// The error for a text that is not what was put there.
    fn unreadable(&self, why: String) -> Self::Error;
}

/// What to come back to at an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// The trigger.
    pub place: Place,
    /// `batch` or `throttle`.
    pub control: Control,
}

/// What comes of an alert, not stored yet.
pub struct Weighed {
    /// What comes of it.
    pub passed: Passed,
    cells: Cells,
    before: State,
    after: State,
}

/// Weighs one alert that matched.
///
/// # Errors
///
/// When the cells cannot be read.
pub fn weigh<S: StormStore>(
    store: &mut S,
    storm: &Storm,
    place: &Place,
    facts: &Facts,
) -> Result<Weighed, S::Error> {
    let cells = facts.cells(storm, place);
    let before = State {
        dedup: read(store, cells.dedup)?,
        accumulate: read(store, cells.accumulate)?,
        suppress: read(store, cells.suppress)?,
        batch: read(store, cells.batch)?,
        throttle: read(store, cells.throttle)?,
    };
    let mut after = before.clone();
    let passed = storm::offer(storm, &mut after, facts);
    Ok(Weighed {
        passed,
        cells,
        before,
        after,
    })
}

impl Weighed {
    /// Stores what changed.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn keep<S: StormStore>(
        &self,
        store: &mut S,
        storm: &Storm,
        place: &Place,
    ) -> Result<(), S::Error> {
        let Self {
            cells,
            before,
            after,
            ..
        } = self;
        let until = storm::Anchors::keep_until;
        write(store, cells.dedup, (&before.dedup, &after.dedup), until)?;
        write(
            store,
            cells.suppress,
            (&before.suppress, &after.suppress),
            until,
        )?;
        let windows = (&before.accumulate, &after.accumulate);
        write(store, cells.accumulate, windows, storm::Windows::keep_until)?;
        if let Some(id) = cells.batch {
            keep_batch(store, id, place, (&before.batch, &after.batch))?;
        }
        if let (Some(id), Some(rate)) = (cells.throttle, &after.throttle) {
            if let Passed::Queued { firing, number, .. } = &self.passed {
                store.push(id, *number, to_json(firing))?;
            }
            if before.throttle.as_ref() != Some(rate) {
                keep_rate(store, (id, place), storm, rate)?;
            }
        }
        Ok(())
    }
}

/// What comes of something that is due, stored already.
///
/// # Errors
///
/// When cells cannot be read or written.
pub fn fall_due<S: StormStore>(
    store: &mut S,
    storm: &Storm,
    (id, due): (CellId, &Due),
    now: Timestamp,
) -> Result<Vec<Passed>, S::Error> {
    if due.control == Control::Batch {
        return batch_due(store, storm, (id, &due.place), now);
    }
    let mut rate: Rate = read(store, Some(id))?.unwrap_or_default();
    let mut passed = Vec::new();
    for number in storm::queue_due(storm, &mut rate, now) {
        if let Some(text) = store.pull(id, number)? {
            passed.push(Passed::Starts(parse(store, &text)?));
        }
    }
    keep_rate(store, (id, &due.place), storm, &rate)?;
    Ok(passed)
}

fn batch_due<S: StormStore>(
    store: &mut S,
    storm: &Storm,
    (id, place): (CellId, &Place),
    now: Timestamp,
) -> Result<Vec<Passed>, S::Error> {
    let before: Option<Pending> = read(store, Some(id))?;
    let limit = before
        .as_ref()
        .and_then(Pending::firing)
        .map(|firing| Cells::of_limit(place, &firing.limit))
        .filter(|_| storm.throttle.is_some());
    let mut state = State {
        batch: before.clone(),
        throttle: read(store, limit)?,
        ..State::default()
    };
    let passed = storm::batch_due(storm, &mut state, now);
    keep_batch(store, id, place, (&before, &state.batch))?;
    if let (Some(limit), Some(rate)) = (limit, &state.throttle) {
        if let Some(Passed::Queued { firing, number, .. }) = &passed {
            store.push(limit, *number, to_json(firing))?;
        }
        keep_rate(store, (limit, place), storm, rate)?;
    }
    Ok(passed.into_iter().collect())
}

fn keep_batch<S: StormStore>(
    store: &mut S,
    id: CellId,
    place: &Place,
    (before, after): (&Option<Pending>, &Option<Pending>),
) -> Result<(), S::Error> {
    if before != after {
        let kept = after.as_ref().map(|pending| (to_json(pending), FOR_EVER));
        store.set_cell(id, kept)?;
    }
    let due = after.as_ref().map(Pending::due);
    set_due(store, id, (place, Control::Batch), due)
}

fn keep_rate<S: StormStore>(
    store: &mut S,
    (id, place): (CellId, &Place),
    storm: &Storm,
    rate: &Rate,
) -> Result<(), S::Error> {
    let throttle = storm.throttle.as_ref();
    store.set_cell(id, Some((to_json(rate), rate.keep_until(throttle))))?;
    set_due(store, id, (place, Control::Throttle), rate.due(throttle))
}

fn set_due<S: StormStore>(
    store: &mut S,
    id: CellId,
    (place, control): (&Place, Control),
    at: Option<Timestamp>,
) -> Result<(), S::Error> {
    let due = Due {
        place: place.clone(),
        control,
    };
    store.set_due(id, at.map(|at| (&due, at)))
}

/// What is not forgotten by itself.
const FOR_EVER: Timestamp = Timestamp::from_ms(i64::MAX);

fn read<S: StormStore, C: DeserializeOwned>(
    store: &mut S,
    id: Option<CellId>,
) -> Result<Option<C>, S::Error> {
    let Some(id) = id else { return Ok(None) };
    match store.cell(id)? {
        Some(text) => parse(store, &text).map(Some),
        None => Ok(None),
    }
}

fn parse<S: StormStore, C: DeserializeOwned>(store: &S, text: &str) -> Result<C, S::Error> {
    serde_json::from_str(text).map_err(|error| store.unreadable(error.to_string()))
}

fn write<S: StormStore, C: Serialize + PartialEq>(
    store: &mut S,
    id: Option<CellId>,
    (before, after): (&Option<C>, &Option<C>),
    keep_until: impl Fn(&C) -> Timestamp,
) -> Result<(), S::Error> {
    match (id, after) {
        (Some(id), Some(cell)) if before != after => {
            store.set_cell(id, Some((to_json(cell), keep_until(cell))))
        }
        _ => Ok(()),
    }
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("cells hold only what serialises")
}

/// Cells in memory, for tests and for alerts that are only tried out.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorm {
    cells: HashMap<CellId, (String, Timestamp)>,
    queues: BTreeMap<(CellId, u64), String>,
    due: HashMap<CellId, (Due, Timestamp)>,
}

impl MemoryStorm {
    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.values().map(|(_, at)| *at).min()
    }

    /// What is due, the earliest first.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<(CellId, Due)> {
        let due = self.due.iter().filter(|(_, (_, at))| *at <= now);
        let mut due: Vec<_> = due.map(|(id, (due, at))| (*at, *id, due.clone())).collect();
        due.sort_by_key(|(at, id, _)| (*at, *id));
        due.into_iter().map(|(_, id, due)| (id, due)).collect()
    }
}

impl StormStore for MemoryStorm {
    type Error = String;

    fn cell(&mut self, id: CellId) -> Result<Option<String>, String> {
        Ok(self.cells.get(&id).map(|(body, _)| body.clone()))
    }

    fn set_cell(&mut self, id: CellId, body: Option<(String, Timestamp)>) -> Result<(), String> {
        match body {
            Some(body) => drop(self.cells.insert(id, body)),
            None => drop(self.cells.remove(&id)),
        }
        Ok(())
    }

    fn set_due(&mut self, id: CellId, due: Option<(&Due, Timestamp)>) -> Result<(), String> {
        match due {
            Some((due, at)) => drop(self.due.insert(id, (due.clone(), at))),
            None => drop(self.due.remove(&id)),
        }
        Ok(())
    }

    fn push(&mut self, id: CellId, number: u64, body: String) -> Result<(), String> {
        self.queues.insert((id, number), body);
        Ok(())
    }

    fn pull(&mut self, id: CellId, number: u64) -> Result<Option<String>, String> {
        Ok(self.queues.remove(&(id, number)))
    }

    fn unreadable(&self, why: String) -> String {
        why
    }
}
