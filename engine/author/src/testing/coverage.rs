//! What of a playbook its tests reached.

use std::collections::BTreeSet;

use engine_model::Place;
use engine_playbook::plan::{Plan, Step, StepKind};
use engine_playbook::yaml;
use engine_run::{RunView, StepStatus};
use serde::Serialize;

use super::names::last_part;

/// What runs reached.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Paths of steps that did something.
    done: BTreeSet<String>,
    /// Paths of steps whose turn it was, and that did nothing.
    skipped: BTreeSet<String>,
    /// Labels of `for_each` that had an item.
    items: BTreeSet<String>,
}

impl Reached {
    pub(super) fn see(&mut self, view: &RunView) {
        for record in &view.steps {
            let path = record
                .path
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            if record.status == StepStatus::Skipped {
                self.skipped.insert(path);
            } else {
                self.done.insert(path);
            }
            if record.label.ends_with(']') {
                self.items.insert(last_part(&record.label).to_owned());
            }
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.done.extend(other.done.iter().cloned());
        self.skipped.extend(other.skipped.iter().cloned());
        self.items.extend(other.items.iter().cloned());
    }
}

/// How much of a playbook was reached.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The playbook.
    pub playbook: String,
    /// Steps and branches that were reached.
    pub reached: usize,
    /// All of them.
    pub all: usize,
    /// Those that were not.
    pub unreached: Vec<Unreached>,
}

/// A step or a branch that no test reached.
#[derive(Clone, Debug, Serialize)]
pub struct Unreached {
    /// Where it stands in the playbook.
    #[serde(flatten)]
    pub place: Place,
    /// What it is.
    pub what: String,
}

impl Coverage {
    pub(super) fn of(playbook: &str, text: &str, plan: &Plan, reached: &Reached) -> Self {
        let mut coverage = Self {
            playbook: playbook.to_owned(),
            reached: 0,
            all: 0,
            unreached: Vec::new(),
        };
        let begun = |path: &str| reached.done.contains(path) || reached.skipped.contains(path);
        for step in plan.all_steps() {
            // What is done for each item has neither path nor condition of its own.
            if step.path.is_empty() {
                continue;
            }
            let label = step.label();
            let mut count = |holds: bool, path: &str, what: String| {
                coverage.all += 1;
                if holds {
                    coverage.reached += 1;
                } else {
                    let place = Place::of(text, yaml::locate(text, path).start);
                    coverage.unreached.push(Unreached { place, what });
                }
            };
            let path = step.path.as_str();
            count(reached.done.contains(path), path, format!("step `{label}`"));
            if conditional(step) {
                let what = format!("`if` of `{label}` is never false");
                count(reached.skipped.contains(path), path, what);
            }
            match &step.kind {
                StepKind::Switch(branches) => {
                    for (index, branch) in branches.iter().enumerate() {
                        let taken = branch.steps.iter().any(|step| begun(&step.path));
                        let path = format!("{path}.switch[{index}]");
                        let what = format!("branch {} of `{label}`", index + 1);
                        count(taken, &path, what);
                    }
                }
                StepKind::Each(_) => {
                    let what = format!("an item of `{label}`");
                    count(reached.items.contains(label), path, what);
                }
                _ => {}
            }
        }
        coverage
    }
}

/// Whether a step may be skipped; one that is switched off in the file always is.
fn conditional(step: &Step) -> bool {
    let condition = step.condition.as_ref();
    condition.is_some_and(|condition| !matches!(condition.source(), "false" | "true"))
}
