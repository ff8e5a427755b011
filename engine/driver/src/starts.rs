//! From a start to a run that has begun, not yet durable.

use std::sync::Arc;

use engine_model::Timestamp;
use engine_playbook::plan::Plan;
use engine_run::{Command, Event, Gathered, Run, RunStatus, Settings, Started};
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

/// Begins a run.
#[must_use]
pub fn begin(
    plan: &Arc<Plan>,
    start: Start,
    alert: Option<Arc<Value>>,
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
    let schedule = match &start.cause {
        Cause::Planned { at } => Some(json!({ "planned_at": at })),
        Cause::Alert { .. } | Cause::Gathered { .. } | Cause::Manual { .. } => None,
    };
    let by = match &start.cause {
        Cause::Manual { by, .. } => Some(by.clone()),
        Cause::Alert { .. } | Cause::Gathered { .. } | Cause::Planned { .. } => None,
    };
    let gathered = start.gathered.map(|gathered| Gathered {
        alerts: gathered.alerts,
        count: gathered.count,
        group: gathered.group,
        since: gathered.since,
    });
    let event = Event::Started(Box::new(Started {
        at,
        run: start.run,
        tenant: start.tenant,
        playbook: start.playbook,
        digest: start.digest,
        trigger: start.trigger,
        inputs: start.inputs,
        alert,
        by,
        schedule,
        gathered,
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
