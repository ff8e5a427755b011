//! Schedules: starts a run for each planned instant, once, however often the engine restarts.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use engine_driver::{Begun, begin};
use engine_model::{Digest, Millis, TenantId, Timestamp, TriggerId};
use engine_playbook::plan::{Overlap, Plan, TriggerKind};
use engine_trigger::Timetable;
use engine_trigger::storm::Place;

use crate::StoreError;
use crate::inner::Inner;
use crate::intake::{self, NewRun};
use crate::letters::Occasion;
use crate::planned::{self, Instant};
use crate::rows;
use crate::storm::Source;

/// The longest sleep: playbooks may have been replaced, and clocks may have been set.
const LOOK_AGAIN: Millis = Millis::from_secs(30);

/// How long schedules are paused when the database takes no writes.
const PAUSE: Millis = Millis::from_secs(1);

/// How soon it is looked again whether an earlier run has ended.
const RESUME: Millis = Millis::from_ms(200);

/// A longer time between two looks means that the machine slept or its clock was set.
const SLEPT: Millis = Millis::from_secs(300);

/// What is looked at: from the last look on, or, at the first one, from what is stored on.
struct Window {
    looked: Option<Timestamp>,
    since: Timestamp,
    now: Timestamp,
}

/// A schedule trigger of a loaded playbook.
struct Scheduled {
    plan: Arc<Plan>,
    trigger: TriggerId,
    timetable: Timetable,
    overlap: Overlap,
    /// What its jitter goes by.
    seed: String,
}

impl Inner {
    /// Keeps the texts of the loaded playbooks, for runs that are pinned to them.
    pub(crate) async fn keep_playbooks(&self) -> Result<(), StoreError> {
        let loaded = self.archive.playbooks.loaded();
        let kept: Vec<_> = loaded
            .plans
            .values()
            .map(|(plan, text)| (plan.name.clone(), plan.digest.clone(), text.clone()))
            .collect();
        let digests: Vec<Digest> = kept.iter().map(|(_, digest, _)| digest.clone()).collect();
        self.writer
            .write(move |connection| {
                kept.iter().try_for_each(|(name, digest, text)| {
                    rows::keep_playbook(connection, name, digest, text)
                })
            })
            .await?;
        self.kept().extend(digests);
        Ok(())
    }

    /// The text of a playbook that was replaced so lately that it may not be kept yet.
    pub(crate) fn text_to_keep(&self, digest: &Digest) -> Option<Arc<str>> {
        if self.kept().contains(digest) {
            return None;
        }
        self.archive.playbooks.text(digest)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts runs at their planned instants, for ever.
    pub(crate) async fn watch_schedules(self: Arc<Self>, tenant: TenantId, since: Timestamp) {
        let mut looked = None;
        loop {
            let now = self.clock.now();
            let mut next = now.plus(LOOK_AGAIN);
            let mut all_started = true;
            for scheduled in self.scheduled() {
                let window = Window { looked, since, now };
                match self.start_due(&scheduled, &tenant, &window).await {
                    Ok(upcoming) => next = upcoming.map_or(next, |upcoming| upcoming.min(next)),
                    Err(error) => {
                        tracing::error!(
                            playbook = %scheduled.plan.name,
                            %error,
                            "a schedule could not be followed"
                        );
                        all_started = false;
                    }
                }
            }
            if all_started {
                looked = Some(now);
            } else {
                // The same instants are looked at again; what did start starts once.
                next = now.plus(PAUSE);
            }
            let pause = next.since(self.clock.now()).max(Millis::from_ms(10));
            tokio::time::sleep(pause.to_std()).await;
        }
    }

    /// The planned instants to start now, and whether they are made up for. What passed while the
    /// engine was down, or while the machine slept, is up to the schedule's policy; the others
    /// always start.
    async fn due(
        &self,
        scheduled: &Scheduled,
        window: &Window,
    ) -> Result<(Vec<Timestamp>, bool), StoreError> {
        let Scheduled {
            timetable, seed, ..
        } = scheduled;
        let since = window.looked.unwrap_or(window.since);
        let watched = self.watched_since(scheduled, since).await?;
        let until = timetable.begun_until(window.now, seed);
        Ok(match window.looked {
            Some(looked) if window.now.since(looked) <= SLEPT => {
                (timetable.beginning(looked, window.now, seed), false)
            }
            Some(looked) => {
                let looked = timetable.begun_until(looked, seed);
                (timetable.missed(Some(looked), until), true)
            }
            None => (timetable.missed(Some(watched), until), true),
        })
    }

    /// The instant since which a schedule has to be looked at, noted when it is seen first: from
    /// then on an engine that is away misses its instants.
    async fn watched_since(
        &self,
        scheduled: &Scheduled,
        since: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let (name, trigger) = (scheduled.plan.name.clone(), scheduled.trigger.clone());
        self.writer
            .write(move |connection| rows::watched_since(connection, &name, &trigger, since))
            .await
    }

    fn scheduled(&self) -> Vec<Scheduled> {
        let loaded = self.archive.playbooks.loaded();
        let mut scheduled = Vec::new();
        for (plan, _) in loaded.plans.values().filter(|(plan, _)| plan.enabled) {
            for trigger in &plan.triggers {
                let TriggerKind::Schedule(schedule) = &trigger.kind else {
                    continue;
                };
                // A schedule that cannot be read was refused when the playbook was loaded.
                if let Ok(timetable) = Timetable::new(schedule) {
                    let plan = Arc::clone(plan);
                    scheduled.push(Scheduled {
                        seed: format!("{} {}", plan.name, trigger.id),
                        overlap: schedule.overlap,
                        plan,
                        trigger: trigger.id.clone(),
                        timetable,
                    });
                }
            }
        }
        scheduled
    }

    /// Starts what is due and says when the next instant is.
    async fn start_due(
        self: &Arc<Self>,
        scheduled: &Scheduled,
        tenant: &TenantId,
        window: &Window,
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = window.now;
        let (due, made_up) = self.due(scheduled, window).await?;
        let overlap = match scheduled.overlap {
            // What is made up for runs one after another.
            Overlap::Skip if made_up => Overlap::Queue,
            overlap => overlap,
        };
        for at in due {
            if let Some((begun, instant)) = self.instant(scheduled, tenant, (at, now)).await? {
                let instant = Instant { overlap, ..instant };
                let taken = self
                    .writer
                    .write(move |connection| instant.take(connection));
                intake::go_on(self, vec![begun], vec![taken.await?]);
            }
        }
        let next = scheduled.timetable.next_begins(now, &scheduled.seed);
        if scheduled.overlap == Overlap::Allow {
            return Ok(next);
        }
        let waits = self.resume(scheduled, tenant, now).await?;
        let soon = now.plus(RESUME);
        Ok(if waits {
            Some(next.map_or(soon, |next| next.min(soon)))
        } else {
            next
        })
    }

    /// Starts an instant that waited for an earlier run; true when more wait.
    async fn resume(
        self: &Arc<Self>,
        scheduled: &Scheduled,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (name, trigger) = (scheduled.plan.name.clone(), scheduled.trigger.clone());
        let first = move |connection: &rusqlite::Connection| {
            planned::next_waiting(connection, &name, &trigger)
        };
        let Some(at) = self.archive.read(first).await? else {
            return Ok(false);
        };
        if let Some((begun, instant)) = self.instant(scheduled, tenant, (at, now)).await? {
            let taken = self
                .writer
                .write(move |connection| instant.resume(connection));
            intake::go_on(self, vec![begun], vec![taken.await?]);
        }
        Ok(true)
    }

    /// The run of an instant; none, and a dead letter, where it cannot begin.
    async fn instant(
        &self,
        scheduled: &Scheduled,
        tenant: &TenantId,
        (at, now): (Timestamp, Timestamp),
    ) -> Result<Option<(Begun, Instant)>, StoreError> {
        let Scheduled { plan, trigger, .. } = scheduled;
        let place = Place {
            tenant: tenant.clone(),
            playbook: plan.name.clone(),
            trigger: trigger.clone(),
        };
        match engine_trigger::start_for_instant(plan, trigger, tenant, at) {
            Ok(start) => {
                let begun = begin(plan, start, None, now, self.settings);
                let instant = Instant {
                    place,
                    at,
                    overlap: scheduled.overlap,
                    run: NewRun::of(self, &begun),
                };
                Ok(Some((begun, instant)))
            }
            Err(error) => {
                let source = Source::of(self, place, Some(Arc::clone(plan)));
                let letter = move |connection: &rusqlite::Connection| {
                    let Place {
                        playbook, trigger, ..
                    } = &source.place;
                    rows::set_planned(connection, playbook, trigger, at)?;
                    planned::forget(connection, &source.place, at)?;
                    let said = (error.code().as_str(), error.to_string());
                    source.letter(connection, Occasion::Planned(at), (said.0, &said.1), now)
                };
                self.writer.write(letter).await?;
                Ok(None)
            }
        }
    }
}
