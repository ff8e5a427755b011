//! Storm control: decided in the transaction that stores the alert, released when due.

use std::sync::Arc;

use engine_driver::{Begun, begin, storm};
use engine_model::{Alert, Millis, RunId, Timestamp};
use engine_playbook::plan::{Plan, Storm, TriggerKind};
use engine_run::{Event, Settings};
use engine_trigger::storm::{AlertRef, CellId, Facts, Firing, Passed, Place, Verdict};
use engine_trigger::{AlertChange, AlertView, Hit, start_for_firing};
use rusqlite::Connection;

use crate::StoreError;
use crate::entries;
use crate::inner::Inner;
use crate::intake::{NewRun, go_on};
use crate::letters::{self, NewLetter, Occasion};
use crate::rows::{AlertRow, RunRow};
use crate::storm_rows::{self, Tables};

/// The longest sleep: clocks may have been set.
const LOOK_AGAIN: Millis = Millis::from_secs(30);
/// How long storm control is paused when the database takes no writes.
const PAUSE: Millis = Millis::from_secs(1);

/// A trigger, and what a run of it takes.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) place: Place,
    /// The playbook; none where it is no longer there.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) settings: Settings,
    /// The text of the playbook, where that may not be in the database yet.
    pub(crate) text: Option<Arc<str>>,
}

/// A run that is durable once the transaction is.
pub(crate) type Added = (Begun, Option<RunRow>);

/// A trigger with storm control that an alert matched.
pub(crate) struct Stormy {
    source: Source,
    facts: Result<Facts, String>,
    change: AlertChange,
}

impl Stormy {
    /// None where every alert that matches starts a run at once.
    pub(crate) fn of(
        inner: &Inner,
        hit: &Hit,
        alert: &AlertView<'_>,
        (change, now): (AlertChange, Timestamp),
    ) -> Option<Self> {
        let storm = storm_of(&hit.plan, &hit.trigger)?;
        if storm.is_calm() {
            return None;
        }
        let place = Place {
            tenant: alert.alert().tenant.clone(),
            playbook: hit.plan.name.clone(),
            trigger: hit.trigger.clone(),
        };
        let facts = Facts::of(storm, alert, change, now).map_err(|error| error.to_string());
        Some(Self {
            source: Source::of(inner, place, Some(Arc::clone(&hit.plan))),
            facts,
            change,
        })
    }

    /// Decides about the alert, which is stored as `alert`.
    pub(crate) fn settle(
        &self,
        connection: &Connection,
        alert: AlertRow,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Added>> {
        let source = &self.source;
        let facts = match &self.facts {
            Ok(facts) => Facts {
                alert: AlertRef(alert),
                ..facts.clone()
            },
            Err(message) => {
                source.note(connection, &[AlertRef(alert)], (&Verdict::Unstarted, None))?;
                let firing = Firing::single(AlertRef(alert), self.change);
                let occasion = Occasion::Firing(firing);
                source.letter(connection, occasion, ("TR0102", message), now)?;
                return Ok(None);
            }
        };
        let Some(storm) = source.storm() else {
            return Ok(None);
        };
        let weighed = storm::weigh(&mut Tables(connection), storm, &source.place, &facts)?;
        let passed = &weighed.passed;
        let verdict = match passed {
            Passed::Held(verdict) => verdict.clone(),
            Passed::Starts(_) => Verdict::Started,
            Passed::Queued { waiting, .. } => Verdict::Queued { waiting: *waiting },
            Passed::Dropped(_) => Verdict::Dropped,
        };
        source.note(connection, &[facts.alert], (&verdict, None))?;
        storm_rows::count(connection, &source.place, verdict.as_str())?;
        match source.settle(connection, passed.clone(), now)? {
            // What could not start holds nothing back.
            Settled::Unstarted => Ok(None),
            Settled::Added(added) => {
                weighed.keep(&mut Tables(connection), storm, &source.place)?;
                Ok(Some(*added))
            }
            Settled::Waits => {
                weighed.keep(&mut Tables(connection), storm, &source.place)?;
                Ok(None)
            }
        }
    }
}

enum Settled {
    Waits,
    Added(Box<Added>),
    Unstarted,
}

impl Source {
    pub(crate) fn of(inner: &Inner, place: Place, plan: Option<Arc<Plan>>) -> Self {
        Self {
            place,
            settings: inner.settings,
            text: plan
                .as_ref()
                .and_then(|plan| inner.text_to_keep(&plan.digest)),
            plan,
        }
    }

    fn storm(&self) -> Option<&Storm> {
        storm_of(self.plan.as_ref()?, &self.place.trigger)
    }

    /// Starts what may start, and notes what may not.
    fn settle(
        &self,
        connection: &Connection,
        passed: Passed,
        now: Timestamp,
    ) -> rusqlite::Result<Settled> {
        match passed {
            Passed::Held(_) => Ok(Settled::Waits),
            Passed::Starts(firing) => self.start(connection, firing, now),
            Passed::Queued {
                firing, waiting, ..
            } => {
                self.note(
                    connection,
                    &firing.alerts,
                    (&Verdict::Queued { waiting }, None),
                )?;
                Ok(Settled::Waits)
            }
            Passed::Dropped(firing) => {
                self.note(connection, &firing.alerts, (&Verdict::Dropped, None))?;
                let message = "the queue of the trigger's `throttle` is full";
                self.letter(
                    connection,
                    Occasion::Firing(firing),
                    ("TR0103", message),
                    now,
                )?;
                Ok(Settled::Waits)
            }
        }
    }

    fn start(
        &self,
        connection: &Connection,
        firing: Firing,
        now: Timestamp,
    ) -> rusqlite::Result<Settled> {
        match self.begin(connection, &firing, now)? {
            Ok(begun) => {
                let begun = *begun;
                let row = self.add(connection, &begun, &firing.alerts)?;
                let id = begun.summary.id.clone();
                self.note(connection, &firing.alerts, (&Verdict::Started, Some(&id)))?;
                Ok(Settled::Added(Box::new((begun, row))))
            }
            Err((code, message)) => {
                self.note(connection, &firing.alerts, (&Verdict::Unstarted, None))?;
                self.letter(connection, Occasion::Firing(firing), (&code, &message), now)?;
                Ok(Settled::Unstarted)
            }
        }
    }

    /// Begins a run in memory, or says why it cannot be.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        firing: &Firing,
        now: Timestamp,
    ) -> rusqlite::Result<Result<Box<Begun>, (String, String)>> {
        let Some(plan) = &self.plan else {
            let message = format!("there is no playbook `{}` any more", self.place.playbook);
            return Ok(Err(("TR0102".to_owned(), message)));
        };
        let alerts: Vec<Alert> = storm_rows::alerts(connection, &firing.alerts)?;
        let views: Vec<AlertView<'_>> = alerts.iter().map(AlertView::new).collect();
        Ok(
            match start_for_firing(plan, &self.place.trigger, firing, &views) {
                Ok(start) => {
                    let alert = views.last().map(|view| Arc::clone(view.value()));
                    Ok(Box::new(begin(plan, start, alert, now, self.settings)))
                }
                Err(error) => Err((error.code().to_string(), error.to_string())),
            },
        )
    }

    /// Adds a run and links it with its alerts; none when a run of its id is there already.
    pub(crate) fn add(
        &self,
        connection: &Connection,
        begun: &Begun,
        alerts: &[AlertRef],
    ) -> rusqlite::Result<Option<RunRow>> {
        // The alerts are stored already, beside the run.
        let mut event = begun.event.clone();
        let mut several = false;
        if let Event::Started(started) = &mut event {
            started.alert = None;
            if let Some(gathered) = &mut started.gathered {
                gathered.alerts = Vec::new();
                several = true;
            }
        }
        let run = NewRun::of_event(begun, &event, self.text.clone());
        let row = run.add(connection)?;
        if let Some(row) = row {
            run.fill(connection, row, alerts.last().map(|alert| alert.0))?;
            let linked = if several {
                alerts
            } else {
                &alerts[alerts.len().saturating_sub(1)..]
            };
            storm_rows::link(connection, (row, &begun.summary.id), linked)?;
            entries::started(connection, &begun.summary)?;
        }
        Ok(row)
    }

    fn note(
        &self,
        connection: &Connection,
        alerts: &[AlertRef],
        verdict: (&Verdict, Option<&RunId>),
    ) -> rusqlite::Result<()> {
        alerts.iter().try_for_each(|alert| {
            storm_rows::set_verdict(connection, alert.0, &self.place, verdict)
        })
    }

    pub(crate) fn letter(
        &self,
        connection: &Connection,
        occasion: Occasion,
        (code, message): (&str, &str),
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let letter = NewLetter {
            place: &self.place,
            occasion: &occasion,
            code,
            message,
            at,
        };
        letters::add(connection, &letter)
    }
}

fn storm_of<'p>(plan: &'p Plan, trigger: &engine_model::TriggerId) -> Option<&'p Storm> {
    let trigger = plan.triggers.iter().find(|one| one.id == *trigger)?;
    match &trigger.kind {
        TriggerKind::Alert(alert) => Some(&alert.storm),
        _ => None,
    }
}

impl Inner {
    /// Releases batches and queues when they are due, for ever.
    pub(crate) async fn watch_storm(self: Arc<Self>) {
        loop {
            let now = self.clock.now();
            let next = match self.release_due(now).await {
                Ok(next) => {
                    next.map_or(now.plus(LOOK_AGAIN), |next| next.min(now.plus(LOOK_AGAIN)))
                }
                Err(error) => {
                    tracing::error!(%error, "storm control is paused");
                    now.plus(PAUSE)
                }
            };
            let pause = next.since(self.clock.now()).max(Millis::from_ms(10));
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause.to_std()) => {}
                () = self.storm_changed.notified() => {}
            }
        }
    }

    /// Releases what is due, and says when the next thing is.
    async fn release_due(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let due = self
            .archive
            .read(move |connection| storm_rows::due(connection, now))
            .await?;
        for (id, due) in due {
            self.release(id, due, now).await?;
        }
        self.writer
            .write(move |connection| {
                let more = storm_rows::forget_cells(connection, now)?;
                Ok(if more {
                    Some(now)
                } else {
                    storm_rows::next_due(connection)?
                })
            })
            .await
    }

    async fn release(
        self: &Arc<Self>,
        id: CellId,
        due: storm::Due,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let loaded = self.archive.playbooks.loaded();
        let plan = loaded
            .plans
            .get(&due.place.playbook)
            .map(|(plan, _)| Arc::clone(plan));
        let source = Source::of(self, due.place.clone(), plan);
        let added = self
            .writer
            .write(move |connection| {
                let calm = Storm::default();
                let storm = source.storm().unwrap_or(&calm);
                let passed = storm::fall_due(&mut Tables(connection), storm, (id, &due), now)?;
                let mut added = Vec::new();
                for passed in passed {
                    if let Settled::Added(run) = source.settle(connection, passed, now)? {
                        added.push(*run);
                    }
                }
                Ok(added)
            })
            .await?;
        let (begun, rows) = added.into_iter().unzip();
        go_on(self, begun, rows);
        Ok(())
    }
}
