//! From a start to a run that has begun, not yet durable.

use std::sync::Arc;

use engine_model::Timestamp;
use engine_playbook::plan::Plan;
use engine_run::{Again, Command, Event, Gathered, Run, RunStatus, Settings, Started, StepStatus};
use engine_trigger::{Cause, Start};
use serde_json::{Value, json};

use crate::RunSummary;

/// A run that has begun in memory; becomes real when its event is durable.
pub struct Begun {
    /// The row of the list.
    pub summary: RunSummary,
    /// The run, after its first event.
    pub run: Run,
    /// Its first event.
    pub event: Event,
    /// What has to be done once that is durable.
    pub commands: Vec<Command>,
}

/// Begins a run that goes on where another one ended without success, with everything that its
/// steps came to that succeeded; none for a journal without a beginning.
#[must_use]
pub fn begin_again(plan: &Arc<Plan>, events: &[Event], by: &str, at: Timestamp) -> Option<Begun> {
    let Event::Started(before) = events.first()? else {
        return None;
    };
    let (run, _) = Run::fold(Arc::clone(plan), events);
    let succeeded = run.view().steps.into_iter().filter_map(|step| {
        let done = step.status == StepStatus::Succeeded;
        Some((step.label, step.output.filter(|_| done)?))
    });
    let mut kept = before
        .again
        .as_ref()
        .map(|again| again.kept.clone())
        .unwrap_or_default();
    kept.extend(succeeded);
    let mut start = engine_trigger::start_again(
        plan,
        (&before.run, &before.trigger),
        &before.tenant,
        by,
        before.inputs.clone(),
    );
    start.ended.clone_from(&before.ended);
    let again = Again {
        run: before.run.clone(),
        kept,
    };
    let given = Given {
        alert: before.alert.clone(),
        schedule: before.schedule.clone(),
        again: Some(again),
        gathered: before.gathered.clone(),
        also_by: before.starters(),
    };
    Some(begin_with(plan, start, given, at, before.settings))
}

/// What a run begins with beside its start.
struct Given {
    alert: Option<Arc<Value>>,
    schedule: Option<Value>,
    again: Option<Again>,
    gathered: Option<Gathered>,
    also_by: Vec<String>,
}

/// Begins a run.
#[must_use]
pub fn begin(
    plan: &Arc<Plan>,
    start: Start,
    alert: Option<Arc<Value>>,
    at: Timestamp,
    settings: Settings,
) -> Begun {
    let schedule = match &start.cause {
        Cause::Planned { at } => Some(json!({ "planned_at": at })),
        Cause::Replayed { planned_at, .. } => planned_at.map(|at| json!({ "planned_at": at })),
        _ => None,
    };
    let given = Given {
        alert,
        schedule,
        again: None,
        gathered: None,
        also_by: Vec::new(),
    };
    begin_with(plan, start, given, at, settings)
}

/// Begins a run that another one calls; `also_by` are the people who had a hand in that one.
#[must_use]
pub fn begin_called(
    plan: &Arc<Plan>,
    start: Start,
    also_by: Vec<String>,
    at: Timestamp,
    settings: Settings,
) -> Begun {
    let given = Given {
        alert: None,
        schedule: None,
        again: None,
        gathered: None,
        also_by,
    };
    begin_with(plan, start, given, at, settings)
}

fn begin_with(
    plan: &Arc<Plan>,
    start: Start,
    given: Given,
    at: Timestamp,
    settings: Settings,
) -> Begun {
    let summary = RunSummary {
        id: start.run.clone(),
        tenant: start.tenant.clone(),
        playbook: start.playbook.clone(),
        digest: start.digest.clone(),
        trigger: start.trigger.clone(),
        cause: cause_text(&start.cause),
        status: RunStatus::Running,
        started_at: at,
        ended_at: None,
    };
    let by = match &start.cause {
        Cause::Manual { by, .. } | Cause::Again { by, .. } | Cause::Replayed { by, .. } => {
            Some(by.clone())
        }
        _ => None,
    };
    let depth = match start.cause {
        Cause::Run { depth, .. } => depth,
        _ => 0,
    };
    let gathered = given.gathered.or_else(|| start.gathered.map(as_event));
    let event = Event::Started(Box::new(Started {
        at,
        run: start.run,
        tenant: start.tenant,
        playbook: start.playbook,
        digest: start.digest,
        trigger: start.trigger,
        inputs: start.inputs,
        alert: given.alert,
        by,
        also_by: given.also_by,
        depth,
        again: given.again,
        schedule: given.schedule,
        gathered,
        ended: start.ended,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        settings,
    }));
    let mut run = Run::new(Arc::clone(plan));
    let commands = run.advance(&event);
    let mut begun = Begun {
        summary,
        run,
        event,
        commands,
    };
    for command in &begun.commands {
        if let Command::Finish(finish) = command {
            begun.summary.status = finish.status;
            begun.summary.ended_at = Some(at);
        }
    }
    begun
}

/// Alerts that came together, as the first event of a run holds them.
fn as_event(gathered: engine_trigger::Gathered) -> Gathered {
    Gathered {
        alerts: gathered.alerts,
        count: gathered.count,
        group: gathered.group,
        since: gathered.since,
    }
}

fn cause_text(cause: &Cause) -> String {
    match cause {
        Cause::Alert { key, change, .. } => {
            format!(
                "alert {}/{} {}",
                key.source.as_str(),
                key.id,
                change.as_str()
            )
        }
        Cause::Gathered { key, count, .. } => {
            let (source, id) = (key.source.as_str(), &key.id);
            format!("alerts {count} up to {source}/{id}")
        }
        Cause::Planned { at } => format!("planned {at}"),
        Cause::Run { run, .. } => format!("run {run}"),
        Cause::Again { run, by } => format!("again {run} by {by}"),
        Cause::Ended { run } => format!("end of {run}"),
        Cause::Replayed { run, by, .. } => format!("{run} replayed by {by}"),
        Cause::Manual {
            key,
            by,
            alert: None,
        } => format!("manual {key} by {by}"),
        Cause::Manual {
            key,
            by,
            alert: Some(alert),
        } => {
            format!(
                "manual {key} by {by} on alert {}/{}",
                alert.source.as_str(),
                alert.id
            )
        }
    }
}
