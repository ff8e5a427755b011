//! Replaying a dead letter: the same start once more, with the playbook as it is now.

use std::sync::Arc;

use engine_driver::{EngineError, begin};
use engine_model::{Alert, RunId, code};
use engine_playbook::plan::Plan;
use engine_run::{Event, Started};
use engine_trigger::storm::{AlertRef, Place};
use engine_trigger::{
    AlertView, Cause, Gathered, Start, inputs, start_for_end, start_for_firing, start_for_instant,
};
use serde_json::Value;

use crate::ends;
use crate::engine::of_store;
use crate::inner::Inner;
use crate::intake::go_on;
use crate::letters::{self, Occasion};
use crate::rows;
use crate::storm::Source;
use crate::storm_rows;

/// What a start is made of again.
struct Remade {
    start: Start,
    alert: Option<Arc<Value>>,
    alerts: Vec<AlertRef>,
    dry_run: bool,
}

/// Starts once more what the letter of this number is about.
pub(crate) async fn replay(
    inner: &Arc<Inner>,
    number: u64,
    by: &str,
) -> Result<RunId, EngineError> {
    let found = inner
        .archive
        .read(move |connection| letters::find(connection, number))
        .await
        .map_err(of_store)?;
    let missing = || EngineError::new(code::SV0104, format!("there is no dead letter {number}"));
    let (letter, occasion) = found.ok_or_else(missing)?;
    if let Some(run) = letter.replayed_as {
        return Ok(run);
    }
    let place = Place {
        tenant: letter.tenant,
        playbook: letter.playbook,
        trigger: letter.trigger,
    };
    let loaded = inner.archive.playbooks.loaded();
    let Some((plan, _)) = loaded.plans.get(&place.playbook) else {
        let message = format!("there is no playbook `{}`", place.playbook);
        return Err(EngineError::new(code::SV0104, message));
    };
    let remade = remake(inner, plan, &place, occasion).await?;
    let mut source = Source::of(inner, place, Some(Arc::clone(plan)));
    source.settings.dry_run |= remade.dry_run;
    let start = remade.start.again(by);
    let now = inner.clock.now();
    let begun = begin(plan, start, remade.alert, now, source.settings);
    let (run, alerts) = (begun.summary.id.clone(), remade.alerts);
    let id = run.clone();
    let (begun, row) = inner
        .writer
        .write(move |connection| {
            let row = source.add(connection, &begun, &alerts)?;
            letters::set_replayed(connection, number, &id)?;
            Ok((begun, row))
        })
        .await
        .map_err(of_store)?;
    go_on(inner, vec![begun], vec![row]);
    Ok(run)
}

async fn remake(
    inner: &Arc<Inner>,
    plan: &Arc<Plan>,
    place: &Place,
    occasion: Occasion,
) -> Result<Remade, EngineError> {
    let refused =
        |error: engine_trigger::StartError| EngineError::new(error.code(), error.to_string());
    match occasion {
        Occasion::Firing(firing) => {
            let rows = firing.alerts.clone();
            let alerts: Vec<Alert> = inner
                .archive
                .read(move |connection| storm_rows::alerts(connection, &rows))
                .await
                .map_err(of_store)?;
            let views: Vec<AlertView<'_>> = alerts.iter().map(AlertView::new).collect();
            let start = start_for_firing(plan, &place.trigger, &firing, &views).map_err(refused)?;
            Ok(Remade {
                start,
                alert: views.last().map(|view| Arc::clone(view.value())),
                alerts: firing.alerts,
                dry_run: false,
            })
        }
        Occasion::Planned(at) => {
            let start = start_for_instant(plan, &place.trigger, &place.tenant, at);
            Ok(Remade::of(start.map_err(refused)?))
        }
        Occasion::Ended(row) => {
            let ended = ends::ended(inner, row).await.map_err(of_store)?;
            let from = (&place.tenant, &ended.summary.id);
            let start = start_for_end(plan, &place.trigger, from, ended.said());
            Ok(Remade::of(start.map_err(refused)?))
        }
        Occasion::Run(row) => {
            let found = inner.archive.read(move |connection| {
                let alerts = letters::alerts_of(connection, row)?;
                Ok((rows::events(connection, row)?.into_iter().next(), alerts))
            });
            let (first, alerts) = found.await.map_err(of_store)?;
            let Some(Event::Started(started)) = first else {
                let message = "the run has no beginning";
                return Err(EngineError::new(code::ST0103, message));
            };
            of_run(plan, *started, alerts)
        }
    }
}

impl Remade {
    fn of(start: Start) -> Self {
        Self {
            start,
            alert: None,
            alerts: Vec::new(),
            dry_run: false,
        }
    }
}

/// The start of a run that is there, with the inputs that it had.
fn of_run(plan: &Plan, started: Started, alerts: Vec<i64>) -> Result<Remade, EngineError> {
    let inputs = inputs::resolve(&plan.inputs, started.inputs).map_err(|problems| {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        EngineError::new(code::RN0106, said.join("; "))
    })?;
    let planned_at = started
        .schedule
        .as_ref()
        .and_then(|schedule| schedule.get("planned_at"));
    let planned_at = planned_at
        .and_then(Value::as_str)
        .and_then(|at| at.parse().ok());
    let gathered = started.gathered.map(|gathered| Gathered {
        alerts: gathered.alerts,
        count: gathered.count,
        group: gathered.group,
        since: gathered.since,
    });
    let start = Start {
        cause: Cause::Replayed {
            run: started.run.clone(),
            by: String::new(),
            alert: None,
            planned_at,
        },
        run: started.run,
        tenant: started.tenant,
        playbook: started.playbook,
        digest: plan.digest.clone(),
        trigger: started.trigger,
        inputs,
        gathered,
        ended: started.ended,
    };
    Ok(Remade {
        start,
        alert: started.alert,
        alerts: alerts.into_iter().map(AlertRef).collect(),
        dry_run: started.settings.dry_run,
    })
}
