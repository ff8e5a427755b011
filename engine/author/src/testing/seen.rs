//! What came of a test: one value that expectations are held against.

use std::collections::BTreeMap;

use engine_playbook::plan::StepKind;
use engine_run::{RunView, StepRecord, StepStatus};
use serde_json::{Map, Value, json};

use super::coverage::Reached;
use super::world::{Live, World};

/// What came of a test.
pub(super) struct Seen {
    /// Under the same keys as in `expect`.
    pub(super) value: Value,
    /// What no test may do, whatever it expects.
    pub(super) faults: Vec<String>,
    /// What is worth knowing when something is not as expected.
    pub(super) notes: Vec<String>,
    pub(super) reached: Reached,
}

impl Seen {
    /// A test that goes on for ever.
    pub(super) fn endless(world: &World) -> Self {
        let mut seen = Self::of(world);
        seen.faults.push("the test does not end".to_owned());
        seen
    }

    pub(super) fn of(world: &World) -> Self {
        let own = |live: &&Live| live.origin.playbook == world.plan.name && live.parent.is_none();
        let runs: Vec<&Live> = world.runs.iter().filter(own).collect();
        let first = runs.first().map(|live| (*live, live.run.view()));
        let mut value = json!({
            "triggered": world.triggered,
            "runs": runs.len(),
            "calls": calls(world),
            "effects": world.stage.effects(),
            "max_in_flight": world.peaks,
            "refused": world.ledger.refused(),
            "asked": world.asked,
            "owed": world.ledger.owed(),
            "steps": {},
        });
        if !world.not_started.is_empty() {
            value["not_started"] = json!(world.not_started.join("\n"));
        }
        if let Some((live, view)) = &first {
            of_run(&mut value, live, view);
        }
        let unanswered = world.stage.unanswered().into_iter();
        let faults = unanswered
            .map(|action| format!("`{action}` was called, and `mocks` says nothing about it"));
        let mut reached = Reached::default();
        for live in &runs {
            reached.see(&live.run.view());
        }
        Self {
            value,
            faults: faults.collect(),
            notes: notes(world, first.as_ref().map(|(_, view)| view)),
            reached,
        }
    }
}

fn calls(world: &World) -> Value {
    let calls = world.stage.calls().into_iter();
    calls
        .map(|call| json!({ "uses": call.uses, "step": call.step, "with": call.with }))
        .collect()
}

fn of_run(value: &mut Value, live: &Live, view: &RunView) {
    value["status"] = json!(view.status);
    value["vars"] = view.vars.clone();
    value["steps"] = steps(live, &view.steps);
    if let Some(by) = stopped_by(live, &view.steps) {
        value["stopped_by"] = json!(by);
    }
    let Some(finish) = &view.finish else { return };
    value["outputs"] = json!(finish.outputs);
    if let Some(reason) = &finish.reason {
        value["reason"] = json!(reason);
    }
    if let Some(error) = &finish.error {
        value["error"] = error.clone();
    }
}

/// Steps by what people call them; one that was never reached counts as skipped.
fn steps(live: &Live, records: &[StepRecord]) -> Value {
    let mut steps = Map::new();
    for step in live.plan.all_steps() {
        if !step.label().is_empty() {
            let skipped = json!({ "status": "skipped", "attempts": 0 });
            steps.insert(step.label().to_owned(), skipped);
        }
    }
    for record in records {
        let mut step = json!({ "status": record.status, "attempts": record.attempts });
        for (key, part) in [("output", &record.output), ("error", &record.error)] {
            if let Some(part) = part {
                step[key] = part.clone();
            }
        }
        let items = items(&record.label, records);
        if !items.is_empty() {
            step["items"] = items.into();
        }
        steps.insert(record.label.clone(), step);
    }
    Value::Object(steps)
}

/// The items of a `for_each`, in the order in which they began.
fn items(label: &str, records: &[StepRecord]) -> Vec<Value> {
    let of = |record: &&StepRecord| {
        let rest = record.label.strip_prefix(label);
        let rest = rest.and_then(|rest| rest.strip_prefix('['));
        rest.is_some_and(|rest| rest.ends_with(']') && !rest.contains("]/"))
    };
    let item = |record: &StepRecord| {
        json!({
            "key": record.label[label.len() + 1..record.label.len() - 1],
            "status": record.status,
            "output": record.output,
            "error": record.error,
        })
    };
    records.iter().filter(of).map(item).collect()
}

fn stopped_by(live: &Live, records: &[StepRecord]) -> Option<String> {
    let plan_steps = live.plan.all_steps();
    let stops: BTreeMap<&str, ()> = plan_steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::Stop { .. }))
        .map(|step| (step.path.as_str(), ()))
        .collect();
    let is_stop = |record: &&StepRecord| {
        let path = record.path.rsplit('/').next().unwrap_or_default();
        stops.contains_key(path)
            && !matches!(record.status, StepStatus::Skipped | StepStatus::Failed)
    };
    let stop = records.iter().rev().find(is_stop)?;
    Some(stop.label.clone())
}

fn notes(world: &World, view: Option<&RunView>) -> Vec<String> {
    let Some(view) = view else {
        let mut why = vec!["no run began".to_owned()];
        why.extend(world.not_started.iter().cloned());
        return why;
    };
    let mut notes = Vec::new();
    for step in &view.steps {
        let error = step.error.as_ref().map(|error| {
            let message = error["message"].as_str().unwrap_or_default();
            let code = error["code"].as_str().unwrap_or_default();
            format!(": {message} ({code})")
        });
        let error = error.unwrap_or_default();
        notes.push(format!("{} {}{error}", step.label, step.status.as_str()));
    }
    let end = view
        .finish
        .as_ref()
        .and_then(|finish| finish.error.as_ref());
    let why = end.map(|error| format!(": {}", error["message"].as_str().unwrap_or_default()));
    notes.push(format!(
        "the run {}{}",
        view.status.as_str(),
        why.unwrap_or_default()
    ));
    notes
}
