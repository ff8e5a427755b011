//! Changes of a playbook that a test should notice.

use std::sync::Arc;

use actions_contract::EffectKind;
use engine_model::Place;
use engine_playbook::expr::Expr;
use engine_playbook::plan::{Each, OnError, Plan, Step, StepKind, TriggerKind};
use engine_playbook::yaml;
use serde::Serialize;

use super::names::is_frame;
use super::suite::Variation;

/// A change of a playbook.
#[derive(Clone, Debug)]
pub struct Mutant {
    playbook: String,
    place: Place,
    change: String,
}

/// A change that no test noticed.
#[derive(Clone, Debug, Serialize)]
pub struct Survivor {
    /// The playbook.
    pub playbook: String,
    /// Where it was changed.
    #[serde(flatten)]
    pub place: Place,
    /// How.
    pub change: String,
}

impl Mutant {
    pub(super) fn survivor(&self) -> Survivor {
        Survivor {
            playbook: self.playbook.clone(),
            place: self.place,
            change: self.change.clone(),
        }
    }
}

/// Every change of a plan, and what tests are run with to see whether they notice.
pub(super) fn of(playbook: &str, text: &str, plan: &Arc<Plan>) -> Vec<(Mutant, Variation)> {
    let mutant = |path: &str, change: String| Mutant {
        playbook: playbook.to_owned(),
        place: Place::of(text, yaml::locate(text, path).start),
        change,
    };
    let mut all: Vec<(Mutant, Variation)> = Vec::new();
    let mut add = |path: &str, change: String, changed: Plan| {
        let variation = Variation {
            plan: Some(Arc::new(changed)),
            samples: false,
        };
        all.push((mutant(path, change), variation));
    };
    for (number, step) in plan.all_steps().into_iter().enumerate() {
        for (change, alter) in of_step(step) {
            let mut changed = (**plan).clone();
            alter_step(&mut changed, number, &alter);
            let path = if step.path.is_empty() {
                "steps"
            } else {
                &step.path
            };
            add(path, change, changed);
        }
    }
    for (path, change, changed) in of_guard(plan) {
        add(&path, change, changed);
    }
    let samples = Variation {
        plan: None,
        samples: true,
    };
    let change = "every action answers with its documented example".to_owned();
    all.push((mutant("name", change), samples));
    all
}

type Alter = Box<dyn Fn(&mut Step)>;

/// The changes of one step.
fn of_step(step: &Step) -> Vec<(String, Alter)> {
    let label = step.label();
    let mut changes: Vec<(String, Alter)> = Vec::new();
    if !step.path.is_empty() && !is_frame(step) {
        let drop: Alter = Box::new(|step| step.condition = Some(never()));
        changes.push((format!("without the step `{label}`"), drop));
    }
    if let Some(condition) = &step.condition {
        let negated = negated(condition);
        let alter: Alter = Box::new(move |step| step.condition = negated.clone());
        changes.push((format!("`if` of `{label}` the other way round"), alter));
    }
    if let StepKind::Switch(branches) = &step.kind {
        for (index, branch) in branches.iter().enumerate() {
            let Some(condition) = &branch.condition else {
                continue;
            };
            let negated = negated(condition);
            let alter: Alter = Box::new(move |step| {
                if let StepKind::Switch(branches) = &mut step.kind {
                    branches[index].condition = negated.clone();
                }
            });
            let change = format!(
                "`if` of branch {} of `{label}` the other way round",
                index + 1
            );
            changes.push((change, alter));
        }
    }
    if matches!(step.on_error, OnError::Continue) {
        let alter: Alter = Box::new(|step| step.on_error = OnError::Fail);
        changes.push((format!("`{label}` without `on_error: continue`"), alter));
    }
    changes.extend(of_kind(step));
    changes
}

fn of_kind(step: &Step) -> Option<(String, Alter)> {
    let label = step.label();
    match &step.kind {
        StepKind::Action(action) if action.release.is_some() => {
            let alter: Alter = Box::new(|step| {
                if let StepKind::Action(action) = &mut step.kind {
                    action.release = None;
                }
            });
            Some((format!("`{label}` without `release`"), alter))
        }
        StepKind::Approve(_) => None,
        StepKind::Each(each) if each.max_items < 100 && contains(each) => {
            let alter: Alter = Box::new(|step| {
                if let StepKind::Each(each) = &mut step.kind {
                    each.max_items = u32::MAX;
                }
            });
            Some((format!("`{label}` without `max_items`"), alter))
        }
        _ => None,
    }
}

/// Whether something that matters is done for each item.
fn contains(each: &Each) -> bool {
    let mut found = false;
    let mut see = |step: &Step| {
        if let StepKind::Action(action) = &step.kind {
            let effect = action.info.effect.kind();
            found |= matches!(effect, EffectKind::Contain | EffectKind::Destroy);
        }
    };
    see(&each.body);
    each.body.visit(&mut see);
    found
}

fn never() -> Expr {
    Expr::parse("false").expect("the constant is an expression")
}

fn negated(condition: &Expr) -> Option<Expr> {
    Expr::parse(&format!("not ({})", condition.source())).ok()
}

/// The changes of guard rails and of storm control.
fn of_guard(plan: &Plan) -> Vec<(String, String, Plan)> {
    let mut changes = Vec::new();
    let mut change = |path: String, text: String, alter: &dyn Fn(&mut Plan)| {
        let mut changed = plan.clone();
        alter(&mut changed);
        changes.push((path, text, changed));
    };
    for index in 0..plan.guard.never.len() {
        let text = format!("without `never[{index}]` of `guard`");
        change(format!("guard.never[{index}]"), text, &|plan| {
            let _removed = Arc::make_mut(&mut plan.guard).never.remove(index);
        });
    }
    for index in 0..plan.guard.limits.len() {
        let text = format!("without `limits[{index}]` of `guard`");
        change(format!("guard.limits[{index}]"), text, &|plan| {
            let _removed = Arc::make_mut(&mut plan.guard).limits.remove(index);
        });
    }
    for index in 0..plan.guard.approval.len() {
        let text = format!("without `approval[{index}]` of `guard`");
        change(format!("guard.approval[{index}]"), text, &|plan| {
            let _removed = Arc::make_mut(&mut plan.guard).approval.remove(index);
        });
    }
    if plan.guard.max_targets.is_some() {
        let text = "without `max_targets` of `guard`".to_owned();
        change("guard.max_targets".to_owned(), text, &|plan| {
            Arc::make_mut(&mut plan.guard).max_targets = None;
        });
    }
    for (index, trigger) in plan.triggers.iter().enumerate() {
        let TriggerKind::Alert(alert) = &trigger.kind else {
            continue;
        };
        let path = alert.storm.path.clone();
        for (control, there) in [
            ("dedup", alert.storm.dedup.is_some()),
            ("suppress", alert.storm.suppress.is_some()),
            ("throttle", alert.storm.throttle.is_some()),
        ] {
            if there {
                let text = format!("trigger `{}` without `{control}`", trigger.id);
                change(format!("{path}.{control}"), text, &|plan| {
                    calm(plan, index, control)
                });
            }
        }
    }
    changes
}

fn calm(plan: &mut Plan, index: usize, control: &str) {
    let TriggerKind::Alert(alert) = &mut plan.triggers[index].kind else {
        return;
    };
    match control {
        "dedup" => alert.storm.dedup = None,
        "suppress" => alert.storm.suppress = None,
        _ => alert.storm.throttle = None,
    }
}

/// Alters the step of this number, in the order of [`Plan::all_steps`].
fn alter_step(plan: &mut Plan, number: usize, alter: &dyn Fn(&mut Step)) {
    let mut left = number;
    for steps in [&mut plan.steps, &mut plan.on_error, &mut plan.finally] {
        if walk(steps, &mut left, alter) {
            return;
        }
    }
}

fn walk(steps: &mut [Step], left: &mut usize, alter: &dyn Fn(&mut Step)) -> bool {
    steps.iter_mut().any(|step| {
        if *left == 0 {
            alter(step);
            return true;
        }
        *left -= 1;
        let inside = match &mut step.kind {
            StepKind::Group { steps, finally } => {
                walk(steps, left, alter) || walk(finally, left, alter)
            }
            StepKind::Switch(branches) => branches
                .iter_mut()
                .any(|branch| walk(&mut branch.steps, left, alter)),
            StepKind::Parallel(parallel) => walk(&mut parallel.steps, left, alter),
            StepKind::Each(each) => walk(std::slice::from_mut(&mut each.body), left, alter),
            _ => false,
        };
        inside
            || match &mut step.on_error {
                OnError::Steps(steps) => walk(steps, left, alter),
                OnError::Fail | OnError::Continue => false,
            }
    })
}
