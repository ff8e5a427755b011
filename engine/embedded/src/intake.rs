//! What starts runs: an alert that comes in, a person.

use std::sync::Arc;

use engine_driver::{Begun, EngineError, ManualStart, Origin, Receipt, RunSummary, begin};
use engine_model::{Alert, RunId, TenantId, Timestamp, code};
use engine_run::{Command, Event, RunStatus, Settings};
use engine_trigger::storm::{AlertRef, Firing, Place};
use engine_trigger::{AlertChange, AlertView, ByHand};
use rusqlite::Connection;

use crate::actor::Standing;
use crate::engine::of_store;
use crate::entries::{self, NewAlert};
use crate::inner::Inner;
use crate::letters::Occasion;
use crate::outbox::{self, Owner};
use crate::rows::{self, AlertRow, RunRow, to_json};
use crate::storm::{Added, Source, Stormy};

/// The tenant of a start that means none.
const NO_TENANT: &str = "default";

impl NewAlert {
    fn of(alert: &Alert, received_at: Timestamp) -> Self {
        Self {
            key: alert.key(),
            digest: alert.digest(),
            received_at,
            body: to_json(alert),
            view: Arc::clone(AlertView::new(alert).value()),
        }
    }
}

/// What the writer did with an alert.
enum Took {
    /// Added; the row of each run that began, none where one of that id was there before.
    Added {
        rows: Vec<Option<RunRow>>,
        /// What storm control let through.
        stormed: Vec<Added>,
        /// The runs that have a signal.
        called: Vec<RunRow>,
    },
    /// The newest revision has the same content.
    Same { revision: u32, runs: Vec<RunId> },
    /// The newest revision is another one than was assumed.
    Otherwise(Option<u32>),
}

/// Takes an alert: durable, then acknowledged.
///
/// Matching happens before the writer is asked, on the assumption that the alert is new; the
/// writer tells when it is not, and the matching is done again for a changed alert.
pub(crate) async fn intake(inner: &Arc<Inner>, alert: Alert) -> Result<Receipt, EngineError> {
    let mut assumed: Option<u32> = None;
    loop {
        let change = if assumed.is_some() {
            AlertChange::Updated
        } else {
            AlertChange::Created
        };
        let matched = matching(inner, &alert, change);
        let (begun, stormy, failed) = (matched.begun, matched.stormy, matched.failed);
        let new = NewAlert::of(&alert, inner.clock.now());
        let units: Vec<NewRun> = begun.iter().map(|begun| NewRun::of(inner, begun)).collect();
        let waits = !stormy.is_empty();
        let took = inner
            .writer
            .write(move |connection| {
                let units = Units {
                    calm: &units,
                    stormy: &stormy,
                    failed: &failed,
                    change,
                };
                take(connection, &new, assumed, &units)
            })
            .await
            .map_err(of_store)?;
        match took {
            Took::Added {
                rows,
                stormed,
                called,
            } => {
                let (more_begun, more_rows): (Vec<Begun>, Vec<Option<RunRow>>) =
                    stormed.into_iter().unzip();
                let begun = begun.into_iter().chain(more_begun).collect();
                let runs = go_on(inner, begun, rows.into_iter().chain(more_rows).collect());
                inner.call_all(called);
                if waits {
                    inner.storm_changed.notify_one();
                }
                return Ok(match assumed {
                    None => Receipt::Created { runs },
                    Some(revision) => Receipt::Updated {
                        revision: revision + 1,
                        runs,
                    },
                });
            }
            Took::Same { revision, runs } => return Ok(Receipt::Same { revision, runs }),
            Took::Otherwise(revision) => assumed = revision,
        }
    }
}

fn take(
    connection: &Connection,
    new: &NewAlert,
    assumed: Option<u32>,
    units: &Units<'_>,
) -> rusqlite::Result<Took> {
    let calm = units.calm;
    let known = rows::known_alert(connection, &new.key)?;
    let revision = known.as_ref().map(|known| known.revision);
    match known {
        Some(known) if known.digest == new.digest.as_str() => Ok(Took::Same {
            revision: known.revision,
            runs: known.runs,
        }),
        _ if revision != assumed => Ok(Took::Otherwise(revision)),
        _ => {
            let rows = calm.iter().map(|unit| unit.add(connection));
            let rows = rows.collect::<rusqlite::Result<Vec<Option<RunRow>>>>()?;
            let added = calm.iter().zip(&rows);
            let added = || {
                added
                    .clone()
                    .filter_map(|(unit, row)| Some((unit, (*row)?)))
            };
            let runs: Vec<RunId> = added().map(|(unit, _)| unit.summary.id.clone()).collect();
            let alert = rows::add_alert(connection, new, revision.unwrap_or(0) + 1, &runs)?;
            let mut called = outbox::offer(connection, &new.key.tenant, &new.key.id, &new.view)?;
            for (unit, row) in added() {
                called.extend(unit.fill(connection, row, Some(alert))?);
            }
            let now = new.received_at;
            for (source, code, message) in units.failed {
                let firing = Firing::single(AlertRef(alert), units.change);
                let occasion = Occasion::Firing(firing);
                source.letter(connection, occasion, (code, message), now)?;
            }
            let settled = units
                .stormy
                .iter()
                .map(|one| one.settle(connection, alert, now));
            let stormed: rusqlite::Result<Vec<Option<Added>>> = settled.collect();
            let stormed = stormed?.into_iter().flatten().collect();
            entries::alert(connection, new, revision.unwrap_or(0) + 1, &runs)?;
            Ok(Took::Added {
                rows,
                stormed,
                called,
            })
        }
    }
}

/// What an alert adds beside itself.
struct Units<'a> {
    calm: &'a [NewRun],
    stormy: &'a [Stormy],
    failed: &'a [Failed],
    change: AlertChange,
}

/// A trigger that matched and whose run could not begin: where, the code, and why.
type Failed = (Source, &'static str, String);

/// What the triggers that match make of an alert.
struct Matched {
    /// Runs that begin at once.
    begun: Vec<Begun>,
    /// Triggers with storm control.
    stormy: Vec<Stormy>,
    /// Runs that could not begin.
    failed: Vec<Failed>,
}

/// Begins, in memory, a run for every trigger that matches and has no storm control.
fn matching(inner: &Inner, alert: &Alert, change: AlertChange) -> Matched {
    let loaded = inner.archive.playbooks.loaded();
    let view = AlertView::new(alert);
    let at = inner.clock.now();
    let mut matched = Matched {
        begun: Vec::new(),
        stormy: Vec::new(),
        failed: Vec::new(),
    };
    for hit in loaded.index.matches(&view, change) {
        if let Some(stormy) = Stormy::of(inner, &hit, &view, (change, at)) {
            matched.stormy.push(stormy);
            continue;
        }
        match engine_trigger::start_for_alert(&hit.plan, &hit.trigger, &view, change) {
            Ok(start) => {
                let value = Some(Arc::clone(view.value()));
                let mut one = begin(&hit.plan, start, value, at, inner.settings);
                // The alert is stored once, beside the runs that it starts.
                if let Event::Started(started) = &mut one.event {
                    started.alert = None;
                }
                matched.begun.push(one);
            }
            Err(error) => {
                let place = Place {
                    tenant: alert.tenant.clone(),
                    playbook: hit.plan.name.clone(),
                    trigger: hit.trigger.clone(),
                };
                let source = Source::of(inner, place, Some(Arc::clone(&hit.plan)));
                matched
                    .failed
                    .push((source, error.code().as_str(), error.to_string()));
            }
        }
    }
    matched
}

/// Starts a run by hand.
pub(crate) async fn start_by_hand(
    inner: &Arc<Inner>,
    tenant: &TenantId,
    start: ManualStart,
) -> Result<RunId, EngineError> {
    let loaded = inner.archive.playbooks.loaded();
    let Some((plan, _)) = loaded.plans.get(&start.playbook) else {
        let message = format!("there is no playbook `{}`", start.playbook);
        return Err(EngineError::new(code::SV0104, message));
    };
    let view = start.alert.as_ref().map(AlertView::new);
    // Where the run works on an alert, the alert's tenant is the run's.
    let named = Some(&start.tenant).filter(|tenant| tenant.as_str() != NO_TENANT);
    let of_alert = start.alert.as_ref().map(|alert| &alert.tenant);
    let tenant = of_alert.or(named).unwrap_or(tenant);
    let begun = engine_trigger::start_by_hand(
        plan,
        ByHand {
            tenant,
            by: &start.by,
            roles: start.roles.as_deref(),
            key: &start.key,
            alert: view.as_ref(),
            inputs: start.inputs,
        },
    )
    .map_err(|error| EngineError::new(error.code(), error.to_string()))?;
    let value = view.as_ref().map(|view| Arc::clone(view.value()));
    let settings = Settings {
        dry_run: start.dry_run || inner.settings.dry_run,
        ..inner.settings
    };
    let begun = begin(plan, begun, value, inner.clock.now(), settings);
    let id = begun.summary.id.clone();
    add(inner, begun, |_| Ok(())).await.map_err(of_store)?;
    Ok(id)
}

/// Makes a run durable together with `also`, then lets it go on; nothing when a run of this id
/// was there before.
pub(crate) async fn add(
    inner: &Arc<Inner>,
    begun: Begun,
    also: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> Result<(), crate::StoreError> {
    let unit = NewRun::of(inner, &begun);
    let (row, called) = inner
        .writer
        .write(move |connection| {
            also(connection)?;
            let row = unit.add(connection)?;
            let Some(row) = row else {
                return Ok((row, Vec::new()));
            };
            let called = unit.fill(connection, row, None)?;
            entries::started(connection, &unit.summary)?;
            Ok((Some(row), called))
        })
        .await?;
    go_on(inner, vec![begun], vec![row]);
    inner.call_all(called);
    Ok(())
}

/// Lets the runs go on that were added, and names them.
pub(crate) fn go_on(
    inner: &Arc<Inner>,
    begun: Vec<Begun>,
    rows: Vec<Option<RunRow>>,
) -> Vec<RunId> {
    let mut runs = Vec::new();
    for (begun, row) in begun.into_iter().zip(rows) {
        let Some(row) = row else { continue };
        runs.push(begun.summary.id.clone());
        let live = is_live(&begun.commands);
        if begun
            .commands
            .iter()
            .any(|command| matches!(command, Command::Enter(_)))
        {
            inner.call_pending();
        }
        let Begun {
            summary,
            run,
            commands,
            ..
        } = begun;
        let origin = Origin {
            run: summary.id,
            playbook: summary.playbook,
            tenant: summary.tenant,
            guard: Arc::clone(&run.plan().guard),
        };
        let standing = Standing {
            row,
            origin,
            run,
            next_seq: 1,
            live,
            called: false,
        };
        inner.begin(standing, commands);
    }
    runs
}

fn is_live(commands: &[Command]) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Attempt(_)))
}

/// What a run that begins adds to the database.
pub(crate) struct NewRun {
    summary: RunSummary,
    body: String,
    commands: Vec<Command>,
    /// The text of its playbook, where that may not be in the database yet.
    text: Option<Arc<str>>,
}

impl NewRun {
    pub(crate) fn of(inner: &Inner, begun: &Begun) -> Self {
        Self::of_event(
            begun,
            &begun.event,
            inner.text_to_keep(&begun.summary.digest),
        )
    }

    /// `event` is the first event as it is stored.
    pub(crate) fn of_event(begun: &Begun, event: &Event, text: Option<Arc<str>>) -> Self {
        Self {
            summary: begun.summary.clone(),
            body: to_json(event),
            commands: begun.commands.clone(),
            text,
        }
    }

    /// Adds the run; none when one of its id is there already.
    pub(crate) fn add(&self, connection: &Connection) -> rusqlite::Result<Option<RunRow>> {
        let live = self.summary.status == RunStatus::Running && is_live(&self.commands);
        rows::add_run(connection, &self.summary, live)
    }

    /// Adds what the run begins with; `alert` is the one that its first event leaves out.
    pub(crate) fn fill(
        &self,
        connection: &Connection,
        row: RunRow,
        alert: Option<AlertRow>,
    ) -> rusqlite::Result<Vec<RunRow>> {
        rows::add_event(connection, (row, 0), &self.body, alert)?;
        if let Some(text) = &self.text {
            let RunSummary {
                playbook, digest, ..
            } = &self.summary;
            rows::keep_playbook(connection, playbook, digest, text)?;
        }
        let owner = Owner {
            run: self.summary.id.clone(),
            playbook: self.summary.playbook.clone(),
            tenant: self.summary.tenant.clone(),
        };
        let at = self.summary.started_at;
        outbox::record(connection, (row, &owner), &self.commands, at)
    }
}
