//! `stop`: ends the run here.

use actions_contract::ActionError;
use engine_playbook::expr::Template;
use engine_playbook::plan::StopStatus;
use serde_json::Value;

use crate::RunStatus;
use crate::cx::{Cx, End, Env};

/// How the run ends.
pub(crate) fn stop(
    cx: &Cx<'_>,
    env: &Env<'_>,
    status: StopStatus,
    reason: Option<&Template>,
) -> Result<End, ActionError> {
    let status = match status {
        StopStatus::Succeeded => RunStatus::Succeeded,
        StopStatus::Cancelled => RunStatus::Cancelled,
    };
    let reason = match reason.map(|reason| cx.render(env, reason)).transpose()? {
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    Ok(End::Stopped(status, reason))
}
