//! Why an alert did or did not start what it might have started.

use std::sync::Arc;

use engine_model::{Alert, AlertKey, Code, Millis, PlaybookName, RunId, Timestamp, TriggerId};
use engine_playbook::plan::{Plan, Storm, TriggerKind};
use engine_trigger::{AlertChange, AlertView, storm};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every trigger of every playbook makes of one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// The alert.
    pub alert: AlertKey,
    /// One line for people.
    pub title: String,
    /// Whether it is looked at as new or as changed.
    #[schemars(with = "String")]
    pub change: AlertChange,
    /// Each trigger, by playbook and in the order written.
    pub triggers: Vec<WhyTrigger>,
}

/// What one trigger makes of the alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhyTrigger {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
    /// What it makes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a trigger makes of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It matched and a run began.
    Fired {
        /// The run.
        run: RunId,
    },
    /// It matches, and no run began: the alert came before the playbook, or comes from a file.
    Matches,
    /// It matched, and storm control held it back.
    Held(Held),
    /// It matches, and no run could begin.
    Unstartable {
        /// The code.
        code: Code,
        /// Why, for people.
        message: String,
    },
    /// It does not match: the first condition that failed.
    Missed {
        /// The selection that the condition belongs to, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        selection: Option<String>,
        /// The field of the alert, or the key of the trigger: `severity`, `where`, `on`.
        field: String,
        /// What the playbook asks for.
        wanted: String,
        /// What the alert has.
        found: String,
    },
    /// No alert starts it.
    Other {
        /// What does: `schedule`, `manual`.
        kind: String,
    },
}

/// What storm control did with an alert that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The control, by its key in the trigger: `dedup`, `accumulate`, `suppress`, `batch`,
    /// `throttle`.
    pub control: String,
    /// What it did and until when, for people.
    pub message: String,
}

/// What is known about the past of an alert, beside what its triggers say now.
pub trait Past {
    /// Whether this run began.
    fn began(&self, run: &RunId) -> bool;

    /// What storm control did with the alert for this trigger; none where it let it through.
    fn held(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<Held>;

    /// The run that storm control let it start, by itself or with others.
    fn started(&self, playbook: &PlaybookName, trigger: &TriggerId) -> Option<RunId>;
}

/// The alert that another one is linked to.
#[derive(Clone, Debug)]
pub struct Linked {
    /// It.
    pub key: AlertKey,
    /// When its window began, by the clock of the trigger.
    pub at: Timestamp,
}

impl Held {
    /// What storm control did, in words; none where it let the alert through.
    #[must_use]
    pub fn of(decided: &storm::Verdict, first: Option<&Linked>, storm: &Storm) -> Option<Self> {
        let control = decided.control()?.to_owned();
        let accumulate = storm.accumulate.as_ref();
        let within = accumulate.map(|accumulate| format!(" within {}", accumulate.within));
        let message = match decided {
            storm::Verdict::Duplicate { .. } => {
                let window = storm.dedup.as_ref().map(|dedup| dedup.window);
                linked("came first with the same key", first, window)
            }
            storm::Verdict::Suppressed { .. } => {
                linked("started a run of the same group", first, storm.suppress)
            }
            storm::Verdict::Counted {
                count,
                of,
                distinct,
                distinct_of,
                awaits,
            } => {
                let mut parts = vec![format!("{count} of {of} alerts")];
                if let (Some(distinct), Some(of)) = (distinct, distinct_of) {
                    parts.push(format!("{distinct} of {of} different values"));
                }
                if let Some(stage) = awaits {
                    parts.push(format!("the sequence waits for `{stage}`"));
                }
                format!("{}{}", parts.join(", "), within.unwrap_or_default())
            }
            storm::Verdict::Fired { since } => {
                format!("the window that began at {since} has started its run already")
            }
            storm::Verdict::TooLate => "it came too late for its window".to_owned(),
            storm::Verdict::Batched { collected, due } => {
                format!("{collected} wait; they start at {due} at the latest")
            }
            storm::Verdict::Queued { waiting } => {
                let limit = storm.throttle.as_ref();
                let limit = limit.map(|limit| format!("; {} start per {}", limit.max, limit.per));
                format!("{waiting} wait for their turn{}", limit.unwrap_or_default())
            }
            storm::Verdict::Dropped => "too many waited already; it is a dead letter".to_owned(),
            storm::Verdict::Started | storm::Verdict::Unstarted => return None,
        };
        Some(Self { control, message })
    }
}

fn linked(what: &str, first: Option<&Linked>, window: Option<Millis>) -> String {
    let Some(first) = first else {
        return format!("another alert {what}");
    };
    let (source, id) = (first.key.source.as_str(), &first.key.id);
    let until = window.map(|window| format!("; held back until {}", first.at.plus(window)));
    format!("{source}/{id} {what}{}", until.unwrap_or_default())
}

/// An alert without a past, such as one from a file.
#[derive(Clone, Copy, Debug)]
pub struct NoPast;

impl Past for NoPast {
    fn began(&self, _: &RunId) -> bool {
        false
    }

    fn held(&self, _: &PlaybookName, _: &TriggerId) -> Option<Held> {
        None
    }

    fn started(&self, _: &PlaybookName, _: &TriggerId) -> Option<RunId> {
        None
    }
}

/// Asks every trigger of `plans`.
#[must_use]
pub fn why<'p>(
    alert: &Alert,
    change: AlertChange,
    plans: impl IntoIterator<Item = &'p Arc<Plan>>,
    past: &dyn Past,
) -> Why {
    let view = AlertView::new(alert);
    let mut triggers = Vec::new();
    for plan in plans {
        for trigger in &plan.triggers {
            let kind = match &trigger.kind {
                TriggerKind::Alert(_) => None,
                TriggerKind::Schedule(_) => Some("schedule"),
                TriggerKind::Manual(_) => Some("manual"),
                TriggerKind::Playbook(_) => Some("playbook"),
            };
            let verdict = match kind {
                Some(kind) => Verdict::Other {
                    kind: kind.to_owned(),
                },
                None => of_alert(plan, &trigger.id, &view, change, past),
            };
            triggers.push(WhyTrigger {
                playbook: plan.name.clone(),
                trigger: trigger.id.clone(),
                verdict,
            });
        }
    }
    Why {
        alert: alert.key(),
        title: alert.title.clone(),
        change,
        triggers,
    }
}

fn of_alert(
    plan: &Plan,
    trigger: &TriggerId,
    view: &AlertView<'_>,
    change: AlertChange,
    past: &dyn Past,
) -> Verdict {
    if let Some(missed) = engine_trigger::why_not(plan, trigger, view, change) {
        return Verdict::Missed {
            selection: missed.selection,
            field: missed.field,
            wanted: missed.wanted,
            found: missed.found,
        };
    }
    if let Some(held) = past.held(&plan.name, trigger) {
        return Verdict::Held(held);
    }
    if let Some(run) = past.started(&plan.name, trigger) {
        return Verdict::Fired { run };
    }
    match engine_trigger::start_for_alert(plan, trigger, view, change) {
        Ok(start) if past.began(&start.run) => Verdict::Fired { run: start.run },
        Ok(_) => Verdict::Matches,
        Err(error) => Verdict::Unstartable {
            code: error.code(),
            message: error.to_string(),
        },
    }
}
