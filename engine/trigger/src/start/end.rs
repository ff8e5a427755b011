//! Starts that other runs lead to: by their end, and by being asked for once more.

use engine_model::{RunId, TenantId, TriggerId};
use engine_playbook::plan::{Plan, TriggerKind};
use serde_json::{Value, json};

use super::{Names, Start, StartError, find, render, start};
use crate::cause::Cause;

/// The start of a run by the end of `run`, of which `summary` is what expressions find under
/// `trigger.run`.
///
/// # Errors
///
/// When the trigger does not wait for the end of a run, or the inputs cannot be made.
pub fn start_for_end(
    plan: &Plan,
    trigger: &TriggerId,
    (tenant, run): (&TenantId, &RunId),
    summary: Value,
) -> Result<Start, StartError> {
    let is_end = |kind: &TriggerKind| matches!(kind, TriggerKind::Playbook(_));
    let trigger = find(plan, trigger, "playbook", is_end)?;
    let cause = Cause::Ended { run: run.clone() };
    let mut names = Names::new(&trigger.id, &cause, None);
    names.trigger = json!({ "id": trigger.id, "run": summary });
    let given = render(trigger, &names)?;
    let start = start(plan, trigger.id.clone(), tenant.clone(), cause, given)?;
    Ok(Start {
        ended: Some(summary),
        ..start
    })
}

impl Start {
    /// The same start once more, asked for by a person. However often it is asked for, it is one
    /// run.
    #[must_use]
    pub fn again(self, by: &str) -> Self {
        let planned_at = match &self.cause {
            Cause::Planned { at } => Some(*at),
            Cause::Replayed { planned_at, .. } => *planned_at,
            _ => None,
        };
        let cause = Cause::Replayed {
            run: self.run,
            by: by.to_owned(),
            alert: self.cause.alert().cloned(),
            planned_at,
        };
        let identity = cause.identity();
        Self {
            run: RunId::derive(&self.tenant, &self.playbook, &self.trigger, &identity),
            cause,
            ..self
        }
    }
}
