//! Starts: what a trigger hands over, and the id that makes a repetition the same run.

mod by_run;

pub use by_run::{Call, start_again, start_by_run};

use std::collections::BTreeSet;

use engine_model::{Code, Digest, PlaybookName, RunId, TenantId, Timestamp, TriggerId, code};
use engine_playbook::expr::{EvalError, Scope};
use engine_playbook::plan::{Manual, Plan, Trigger, TriggerKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cause::{AlertChange, Cause};
use crate::inputs::{self, InputProblem};
use crate::storm::Firing;
use crate::view::AlertView;

/// The trigger id of a start by hand where the playbook has no manual trigger.
const BY_HAND: &str = "manual";

/// Everything that is known when a run is to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The run; a repetition of the cause names the same one.
    pub run: RunId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The digest of the playbook's text.
    pub digest: Digest,
    /// The trigger that fired.
    pub trigger: TriggerId,
    /// What made it fire.
    pub cause: Cause,
    /// The inputs, checked and complete.
    pub inputs: Map<String, Value>,
    /// The alerts, where several came together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered: Option<Gathered>,
    /// What is said about the run whose end started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Value>,
}

/// Alerts that storm control gathered: what expressions find under `trigger`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gathered {
    /// The alerts, the one that completed them last.
    pub alerts: Vec<Value>,
    /// How many there were, where some were left out.
    pub count: u32,
    /// What they have in common.
    pub group: Map<String, Value>,
    /// The beginning of their window.
    pub since: Timestamp,
}

/// A start by hand.
#[derive(Clone, Debug)]
pub struct ByHand<'a> {
    /// The tenant the run belongs to.
    pub tenant: &'a TenantId,
    /// Who starts it.
    pub by: &'a str,
    /// The roles of that person; none where the caller may start everything.
    pub roles: Option<&'a [String]>,
    /// The same key again is the same start.
    pub key: &'a str,
    /// An alert to work on.
    pub alert: Option<&'a AlertView<'a>>,
    /// The inputs given; they win over the trigger's `with`.
    pub inputs: Map<String, Value>,
}

/// Why nothing could be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The playbook has no such trigger of the kind that fired.
    #[error("playbook `{playbook}` has no {kind} trigger `{trigger}`")]
    Trigger {
        /// The playbook.
        playbook: PlaybookName,
        /// What was looked for: `alert`, `schedule`.
        kind: &'static str,
        /// The trigger.
        trigger: TriggerId,
    },
    /// The person has none of the roles that the trigger asks for.
    #[error("playbook `{playbook}` may be started by {}", crate::problem::either(.roles))]
    Role {
        /// The playbook.
        playbook: PlaybookName,
        /// The roles, of which one is needed.
        roles: Vec<String>,
    },
    /// An expression under `with` failed.
    #[error("input `{input}` of trigger `{trigger}` could not be computed")]
    With {
        /// The trigger.
        trigger: TriggerId,
        /// The input.
        input: String,
        /// Why.
        source: EvalError,
    },
    /// The alerts are no longer stored.
    #[error("the alerts that it would work on are no longer stored")]
    Gone,
    /// The inputs do not fit the playbook.
    #[error("inputs of `{playbook}`: {}", sentences(.problems))]
    Inputs {
        /// The playbook.
        playbook: PlaybookName,
        /// Everything that does not fit.
        problems: Vec<InputProblem>,
    },
}

impl StartError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Trigger { .. } | Self::Role { .. } | Self::With { .. } | Self::Gone => {
                code::TR0102
            }
            Self::Inputs { .. } => InputProblem::CODE,
        }
    }
}

fn sentences(problems: &[InputProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The start of a run by an alert that matched `trigger` of `plan`.
///
/// A new alert starts each trigger once, however often it comes in; a changed one starts it once
/// per content.
///
/// # Errors
///
/// When the trigger is not an alert trigger of the plan, or the inputs cannot be made.
pub fn start_for_alert(
    plan: &Plan,
    trigger: &TriggerId,
    alert: &AlertView<'_>,
    change: AlertChange,
) -> Result<Start, StartError> {
    let is_alert = |kind: &TriggerKind| matches!(kind, TriggerKind::Alert(_));
    let trigger = find(plan, trigger, "alert", is_alert)?;
    let (key, revision) = (alert.alert().key(), alert.alert().digest());
    let tenant = key.tenant.clone();
    let cause = Cause::Alert {
        key,
        revision,
        change,
    };
    let given = render(trigger, &Names::new(&trigger.id, &cause, Some(alert)))?;
    start(plan, trigger.id.clone(), tenant, cause, given)
}

/// The start of a run by what storm control let through; `alerts` are those of the firing, in its
/// order.
///
/// # Errors
///
/// When the trigger is not an alert trigger of the plan, the alerts are gone, or the inputs cannot
/// be made.
pub fn start_for_firing(
    plan: &Plan,
    trigger: &TriggerId,
    firing: &Firing,
    alerts: &[AlertView<'_>],
) -> Result<Start, StartError> {
    let (Some(first), Some(last)) = (alerts.first(), alerts.last()) else {
        return Err(StartError::Gone);
    };
    if !firing.gathered {
        return start_for_alert(plan, trigger, last, firing.change);
    }
    let is_alert = |kind: &TriggerKind| matches!(kind, TriggerKind::Alert(_));
    let trigger = find(plan, trigger, "alert", is_alert)?;
    let cause = Cause::Gathered {
        key: last.alert().key(),
        first: first.alert().key(),
        revision: first.alert().digest(),
        group: firing.group.clone(),
        since: firing.since,
        count: firing.count,
    };
    let gathered = Gathered {
        alerts: alerts.iter().map(|view| (**view.value()).clone()).collect(),
        count: firing.count,
        group: firing.group.clone(),
        since: firing.since,
    };
    let mut names = Names::new(&trigger.id, &cause, Some(last));
    names.gather(&gathered);
    let given = render(trigger, &names)?;
    let tenant = last.alert().tenant.clone();
    let start = start(plan, trigger.id.clone(), tenant, cause, given)?;
    Ok(Start {
        gathered: Some(gathered),
        ..start
    })
}

/// The start of a run at a planned instant of a schedule.
///
/// The instant makes the start: two engines that reach it both name the same run.
///
/// # Errors
///
/// When the trigger is not a schedule of the plan, or the inputs cannot be made.
pub fn start_for_instant(
    plan: &Plan,
    trigger: &TriggerId,
    tenant: &TenantId,
    at: Timestamp,
) -> Result<Start, StartError> {
    let is_schedule = |kind: &TriggerKind| matches!(kind, TriggerKind::Schedule(_));
    let trigger = find(plan, trigger, "schedule", is_schedule)?;
    let cause = Cause::Planned { at };
    let given = render(trigger, &Names::new(&trigger.id, &cause, None))?;
    start(plan, trigger.id.clone(), tenant.clone(), cause, given)
}

/// The start of a run by a person.
///
/// Where the playbook has several manual triggers, the first one that the person may use counts;
/// where it has none, anybody whom the caller lets through may start it, with all inputs given.
///
/// # Errors
///
/// When the person has none of the roles asked for, or the inputs do not fit.
pub fn start_by_hand(plan: &Plan, hand: ByHand<'_>) -> Result<Start, StartError> {
    let manual = manual_trigger(plan, hand.roles)?;
    let id = match manual {
        Some(trigger) => trigger.id.clone(),
        None => BY_HAND.parse().expect("the constant is a trigger id"),
    };
    let cause = Cause::Manual {
        key: hand.key.to_owned(),
        by: hand.by.to_owned(),
        alert: hand.alert.map(|alert| alert.alert().key()),
    };
    let mut given = match manual {
        Some(trigger) => render(trigger, &Names::new(&id, &cause, hand.alert))?,
        None => Map::new(),
    };
    given.extend(hand.inputs);
    start(plan, id, hand.tenant.clone(), cause, given)
}

fn manual_trigger<'p>(
    plan: &'p Plan,
    roles: Option<&[String]>,
) -> Result<Option<&'p Trigger>, StartError> {
    let manual: Vec<(&Trigger, &Manual)> = plan
        .triggers
        .iter()
        .filter_map(|trigger| match &trigger.kind {
            TriggerKind::Manual(manual) => Some((trigger, manual)),
            TriggerKind::Alert(_) | TriggerKind::Schedule(_) | TriggerKind::Playbook(_) => None,
        })
        .collect();
    let may = |manual: &Manual| {
        manual.roles.is_empty()
            || roles.is_none_or(|roles| roles.iter().any(|role| manual.roles.contains(role)))
    };
    match manual.iter().find(|(_, manual)| may(manual)) {
        Some((trigger, _)) => Ok(Some(trigger)),
        None if manual.is_empty() => Ok(None),
        None => {
            let asked = manual.iter().flat_map(|(_, manual)| manual.roles.clone());
            let roles: BTreeSet<String> = asked.collect();
            let (playbook, roles) = (plan.name.clone(), roles.into_iter().collect());
            Err(StartError::Role { playbook, roles })
        }
    }
}

fn find<'p>(
    plan: &'p Plan,
    id: &TriggerId,
    kind: &'static str,
    is_kind: impl Fn(&TriggerKind) -> bool,
) -> Result<&'p Trigger, StartError> {
    plan.triggers
        .iter()
        .find(|trigger| trigger.id == *id && is_kind(&trigger.kind))
        .ok_or_else(|| StartError::Trigger {
            playbook: plan.name.clone(),
            kind,
            trigger: id.clone(),
        })
}

/// The names that `with` may use: `trigger`, and `alert` or `schedule` where there is one.
struct Names<'a> {
    trigger: Value,
    schedule: Option<Value>,
    alert: Option<&'a AlertView<'a>>,
}

impl<'a> Names<'a> {
    fn new(trigger: &TriggerId, cause: &Cause, alert: Option<&'a AlertView<'a>>) -> Self {
        let schedule = match cause {
            Cause::Planned { at } => Some(json!({ "planned_at": at })),
            _ => None,
        };
        Self {
            trigger: json!({ "id": trigger }),
            schedule,
            alert,
        }
    }

    fn gather(&mut self, gathered: &Gathered) {
        let id = self.trigger["id"].take();
        self.trigger = json!({
            "id": id,
            "alerts": gathered.alerts,
            "count": gathered.count,
            "group": gathered.group,
            "since": gathered.since,
        });
    }
}

impl Scope for Names<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        match name {
            "trigger" => Some(&self.trigger),
            "schedule" => self.schedule.as_ref(),
            "alert" => self.alert.map(|alert| &**alert.value()),
            _ => None,
        }
    }
}

fn render(trigger: &Trigger, names: &Names<'_>) -> Result<Map<String, Value>, StartError> {
    let with = trigger.with.iter();
    with.map(|(input, template)| match template.render(names) {
        Ok(value) => Ok((input.clone(), value)),
        Err(source) => Err(StartError::With {
            trigger: trigger.id.clone(),
            input: input.clone(),
            source,
        }),
    })
    .collect()
}

fn start(
    plan: &Plan,
    trigger: TriggerId,
    tenant: TenantId,
    cause: Cause,
    given: Map<String, Value>,
) -> Result<Start, StartError> {
    let inputs = inputs::resolve(&plan.inputs, given).map_err(|problems| StartError::Inputs {
        playbook: plan.name.clone(),
        problems,
    })?;
    Ok(Start {
        run: RunId::derive(&tenant, &plan.name, &trigger, &cause.identity()),
        tenant,
        playbook: plan.name.clone(),
        digest: plan.digest.clone(),
        trigger,
        cause,
        inputs,
        gathered: None,
        ended: None,
    })
}

mod end;
#[cfg(test)]
mod tests;

pub use end::start_for_end;
