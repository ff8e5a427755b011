//! How the runs of a test begin: by an alert, by hand, by the clock, by the end of another run.

use std::sync::Arc;

use engine_driver::storm;
use engine_driver::{Origin, begin};
use engine_model::{Alert, RunId, TenantId, TriggerId};
use engine_playbook::plan::{Plan, RunEnd, Storm, TriggerKind};
use engine_run::{RunStatus, Settings};
use engine_trigger::storm::{AlertRef, Facts, Firing, Passed, Place};
use engine_trigger::{
    AlertChange, AlertView, ByHand, Hit, Start, StartError, Timetable, start_by_hand,
    start_for_end, start_for_firing, start_for_instant,
};
use serde_json::{Map, Value, json};

use super::case::merge;
use super::names::source;
use super::syntax::Ended;
use super::world::{Due, Live, World};

/// The id of an alert that says none.
const ALERT: &str = "alert-1";

impl World {
    /// Lets begin what the test begins with, and plans what comes later.
    pub(super) fn begin(&mut self) {
        let situation = self.situation.clone();
        let by_hand =
            situation.inputs.is_some() || situation.by.is_some() || situation.roles.is_some();
        let alerts = |trigger: &engine_playbook::plan::Trigger| {
            matches!(trigger.kind, TriggerKind::Alert(_))
        };
        let by_alert = self.plan.triggers.iter().any(alerts);
        if situation.at.is_some() {
            self.begin_planned();
        } else if let Some(ended) = &situation.ended {
            self.begin_after(ended);
        } else if by_hand || (situation.alert.is_some() && !by_alert) {
            self.begin_by_hand();
        } else if let Some(alert) = &situation.alert {
            self.intake(alert);
        }
        for later in &situation.events {
            let at = self.began.plus(later.at);
            if let Some(alert) = &later.alert {
                self.push(at, Due::Alert(alert.clone()));
            }
            if let Some(by) = &later.cancel {
                self.push(at, Due::Cancel(by.clone()));
            }
        }
    }

    fn begin_planned(&mut self) {
        let at = self.situation.at.unwrap_or(self.now);
        let plan = Arc::clone(&self.plan);
        let before = engine_model::Timestamp::from_ms(at.as_ms().saturating_sub(1));
        let planned = plan.triggers.iter().find(|trigger| match &trigger.kind {
            TriggerKind::Schedule(schedule) => Timetable::new(schedule)
                .is_ok_and(|timetable| timetable.next_after(before) == Some(at)),
            _ => false,
        });
        match planned {
            Some(trigger) => {
                let start = start_for_instant(&plan, &trigger.id, &tenant(), at);
                self.triggered = true;
                self.start(&plan, start, None);
            }
            None => self.not_started.push(format!("no schedule plans {at}")),
        }
    }

    fn begin_after(&mut self, ended: &Ended) {
        let plan = Arc::clone(&self.plan);
        let status = ended
            .status
            .map_or(RunStatus::Failed, super::syntax::RunWord::status);
        let meant = |end: &RunEnd| end.as_str() == status.as_str();
        let waits = plan.triggers.iter().find(|trigger| match &trigger.kind {
            TriggerKind::Playbook(end) => {
                end.name.as_str() == ended.playbook && end.ends.iter().any(meant)
            }
            _ => false,
        });
        let Some(trigger) = waits else {
            let status = status.as_str();
            let other = &ended.playbook;
            self.not_started.push(format!(
                "no trigger waits for a run of `{other}` that is {status}"
            ));
            return;
        };
        let run = RunId::derive(&tenant(), &plan.name, &trigger.id, "ended");
        let summary = json!({
            "id": run,
            "playbook": ended.playbook,
            "trigger": "by_hand",
            "status": status,
            "started_at": self.now,
            "ended_at": self.now,
            "hops": 0,
            "outputs": ended.outputs.clone().unwrap_or_default(),
            "error": ended.error,
        });
        let start = start_for_end(&plan, &trigger.id, (&tenant(), &run), summary);
        self.triggered = true;
        self.start(&plan, start, None);
    }

    fn begin_by_hand(&mut self) {
        let plan = Arc::clone(&self.plan);
        let situation = self.situation.clone();
        let alert = situation.alert.as_ref().map(|fields| self.alert(fields).0);
        let alert = match alert.transpose() {
            Ok(alert) => alert,
            Err(error) => return self.not_started.push(error),
        };
        let view = alert.as_ref().map(AlertView::new);
        let tenant = tenant();
        let start = start_by_hand(
            &plan,
            ByHand {
                tenant: &tenant,
                by: situation.by.as_deref().unwrap_or("tester"),
                roles: situation.roles.as_deref(),
                key: "test",
                alert: view.as_ref(),
                inputs: situation.inputs.unwrap_or_default(),
            },
        );
        let value = view.as_ref().map(|view| Arc::clone(view.value()));
        self.revisions.extend(alert.clone());
        self.start(&plan, start, value);
    }

    /// An alert with these fields: a known one changed, or a new one.
    fn alert(&self, fields: &Map<String, Value>) -> (Result<Alert, String>, AlertChange) {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or(ALERT);
        let known = self.revisions.iter().rev().find(|alert| alert.id == id);
        let (mut whole, change) = match known.map(serde_json::to_value) {
            Some(Ok(Value::Object(known))) => (known, AlertChange::Updated),
            _ => {
                let mut new = Map::new();
                new.insert("id".to_owned(), json!(id));
                new.insert("title".to_owned(), json!("An alert"));
                new.insert("created_at".to_owned(), json!(self.now));
                (new, AlertChange::Created)
            }
        };
        whole.insert("updated_at".to_owned(), json!(self.now));
        merge(&mut whole, fields);
        let source = source(&self.plan);
        let alert = engine_trigger::filled_alert(&Value::Object(whole), source);
        (alert.map_err(|error| error.to_string()), change)
    }

    /// An alert comes in.
    pub(super) fn intake(&mut self, fields: &Map<String, Value>) {
        let (alert, change) = self.alert(fields);
        let alert = match alert {
            Ok(alert) => alert,
            Err(error) => return self.not_started.push(error),
        };
        let known = self.revisions.iter().rev().find(|one| one.id == alert.id);
        if known.is_some_and(|known| known.digest() == alert.digest()) {
            // The same content again is answered, and nothing starts.
            return;
        }
        self.revisions.push(alert.clone());
        let view = AlertView::new(&alert);
        let hits = self.index.matches(&view, change);
        if hits.is_empty() {
            for account in self.index.explain(&view, change) {
                if let Some(missed) = account.missed {
                    self.not_started
                        .push(format!("{}: {missed}", account.trigger));
                }
            }
        }
        for hit in &hits {
            self.hit(hit, &view, change);
        }
        self.offer(&alert.id, view.value());
    }

    fn hit(&mut self, hit: &Hit, view: &AlertView<'_>, change: AlertChange) {
        let Some(controls) = storm_of(&hit.plan, &hit.trigger) else {
            return;
        };
        let number = AlertRef(i64::try_from(self.revisions.len()).unwrap_or(i64::MAX) - 1);
        if controls.is_calm() {
            return self.fire(&hit.plan, &hit.trigger, &Firing::single(number, change));
        }
        let place = place(&hit.plan, &hit.trigger);
        let facts = match Facts::of(controls, view, change, self.now) {
            Ok(facts) => Facts {
                alert: number,
                ..facts
            },
            Err(error) => return self.not_started.push(error.to_string()),
        };
        let weighed = storm::weigh(&mut self.storm, controls, &place, &facts);
        let kept = weighed.and_then(|weighed| {
            weighed.keep(&mut self.storm, controls, &place)?;
            Ok(weighed)
        });
        let weighed = match kept {
            Ok(weighed) => weighed,
            Err(error) => return self.not_started.push(error),
        };
        self.passed(&hit.plan, &hit.trigger, weighed.passed.clone());
        self.look_again();
    }

    fn passed(&mut self, plan: &Arc<Plan>, trigger: &TriggerId, passed: Passed) {
        match passed {
            Passed::Starts(firing) => self.fire(plan, trigger, &firing),
            Passed::Held(verdict) => {
                let word = verdict.as_str();
                self.not_started
                    .push(format!("{trigger}: held back: {word}"));
            }
            Passed::Queued { .. } => {
                self.not_started
                    .push(format!("{trigger}: waits in the queue"));
            }
            Passed::Dropped(_) => {
                self.not_started
                    .push(format!("{trigger}: dropped: the queue is full"));
            }
        }
    }

    fn fire(&mut self, plan: &Arc<Plan>, trigger: &TriggerId, firing: &Firing) {
        let revisions = self.revisions.clone();
        let alerts = firing.alerts.iter().filter_map(|alert| {
            let number = usize::try_from(alert.0).ok()?;
            revisions.get(number)
        });
        let views: Vec<AlertView<'_>> = alerts.map(AlertView::new).collect();
        let start = start_for_firing(plan, trigger, firing, &views);
        let alert = views.last().map(|view| Arc::clone(view.value()));
        self.triggered = true;
        self.start(plan, start, alert);
    }

    /// Comes back when storm control has something to release.
    fn look_again(&mut self) {
        if let Some(at) = self.storm.next_due() {
            self.push(at, Due::Storm);
        }
    }

    pub(super) fn release_storm(&mut self) {
        let plan = Arc::clone(&self.plan);
        for (id, due) in self.storm.due(self.now) {
            let trigger = due.place.trigger.clone();
            let Some(controls) = storm_of(&plan, &trigger) else {
                continue;
            };
            let passed = storm::fall_due(&mut self.storm, controls, (id, &due), self.now);
            for passed in passed.unwrap_or_default() {
                self.passed(&plan, &trigger, passed);
            }
        }
        if self.storm.next_due().is_some_and(|next| next > self.now) {
            self.look_again();
        }
    }

    /// Begins a run, or says why there is none; the number of the run that there is now.
    pub(super) fn start(
        &mut self,
        plan: &Arc<Plan>,
        start: Result<Start, StartError>,
        alert: Option<Arc<Value>>,
    ) -> Option<usize> {
        let start = match start {
            Ok(start) => start,
            Err(error) => {
                self.not_started.push(error.to_string());
                return None;
            }
        };
        if self.runs.iter().any(|live| live.origin.run == start.run) {
            return None;
        }
        let begun = begin(plan, start, alert, self.now, Settings::default());
        let number = self.runs.len();
        self.runs.push(Live {
            origin: Origin {
                run: begun.summary.id,
                playbook: begun.summary.playbook,
                tenant: begun.summary.tenant,
                guard: Arc::clone(&plan.guard),
            },
            run: begun.run,
            plan: Arc::clone(plan),
            awaits: std::collections::BTreeMap::new(),
            parent: None,
            finish: None,
        });
        self.push(self.now, Due::Commands(number, begun.commands));
        Some(number)
    }
}

/// The tenant of every test.
pub(super) fn tenant() -> TenantId {
    "default".parse().expect("`default` is a tenant id")
}

fn place(plan: &Plan, trigger: &TriggerId) -> Place {
    Place {
        tenant: tenant(),
        playbook: plan.name.clone(),
        trigger: trigger.clone(),
    }
}

fn storm_of<'p>(plan: &'p Plan, trigger: &TriggerId) -> Option<&'p Storm> {
    let trigger = plan.triggers.iter().find(|one| one.id == *trigger)?;
    match &trigger.kind {
        TriggerKind::Alert(alert) => Some(&alert.storm),
        _ => None,
    }
}
