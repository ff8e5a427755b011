//! Schedules: starts a run for each planned instant, once, however often the engine restarts.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use engine_driver::begin;
use engine_model::{Digest, Millis, TenantId, Timestamp, TriggerId};
use engine_playbook::plan::{Plan, TriggerKind};
use engine_trigger::Timetable;

use crate::StoreError;
use crate::inner::Inner;
use crate::intake;
use crate::rows;

/// The longest sleep: playbooks may have been replaced, and clocks may have been set.
const LOOK_AGAIN: Millis = Millis::from_secs(30);

/// How long schedules are paused when the database takes no writes.
const PAUSE: Millis = Millis::from_secs(1);

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

    /// The planned instants to start now. What passed while the engine was down, or while the
    /// machine slept, is up to the schedule's policy; the others always start.
    async fn due(
        &self,
        scheduled: &Scheduled,
        window: &Window,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let timetable = &scheduled.timetable;
        let since = window.looked.unwrap_or(window.since);
        let watched = self.watched_since(scheduled, since).await?;
        match window.looked {
            Some(looked) if window.now.since(looked) <= SLEPT => {
                let instants = std::iter::successors(timetable.next_after(looked), |at| {
                    timetable.next_after(*at)
                });
                Ok(instants.take_while(|at| *at <= window.now).collect())
            }
            Some(looked) => Ok(timetable.missed(Some(looked), window.now)),
            None => Ok(timetable.missed(Some(watched), window.now)),
        }
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
        for at in self.due(scheduled, window).await? {
            let plan = &scheduled.plan;
            let trigger = &scheduled.trigger;
            match engine_trigger::start_for_instant(plan, trigger, tenant, at) {
                Ok(start) => {
                    let begun = begin(plan, start, None, now, self.settings);
                    let (name, trigger) = (plan.name.clone(), trigger.clone());
                    intake::add(self, begun, move |connection| {
                        rows::set_planned(connection, &name, &trigger, at)
                    })
                    .await?;
                }
                Err(error) => tracing::error!(
                    playbook = %plan.name,
                    code = %error.code(),
                    %error,
                    "a run could not be started"
                ),
            }
        }
        Ok(scheduled.timetable.next_after(now))
    }
}
