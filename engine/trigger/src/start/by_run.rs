//! Starts by another run, and of a run that goes on with another one.

use engine_model::{RunId, TenantId, TriggerId};
use engine_playbook::plan::Plan;
use serde_json::{Map, Value};

use super::{Start, StartError, start};
use crate::cause::Cause;

/// The trigger id of a run that another one calls.
const BY_RUN: &str = "playbook";

/// A run calls a playbook.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The tenant of both runs.
    pub tenant: &'a TenantId,
    /// The run that calls.
    pub run: &'a RunId,
    /// The number of its command.
    pub command: u64,
    /// How many runs stand above the one that is called.
    pub depth: u8,
    /// The inputs given.
    pub inputs: Map<String, Value>,
}

/// The start of a run that another one calls.
///
/// # Errors
///
/// When the inputs do not fit.
pub fn start_by_run(plan: &Plan, call: Call<'_>) -> Result<Start, StartError> {
    let id = BY_RUN.parse().expect("the constant is a trigger id");
    let cause = Cause::Run {
        run: call.run.clone(),
        command: call.command,
        depth: call.depth,
    };
    start(plan, id, call.tenant.clone(), cause, call.inputs)
}

/// The start of a run that goes on where another one ended without success, with its inputs.
#[must_use]
pub fn start_again(
    plan: &Plan,
    (run, trigger): (&RunId, &TriggerId),
    tenant: &TenantId,
    by: &str,
    inputs: Map<String, Value>,
) -> Start {
    let cause = Cause::Again {
        run: run.clone(),
        by: by.to_owned(),
    };
    Start {
        run: RunId::derive(tenant, &plan.name, trigger, &cause.identity()),
        tenant: tenant.clone(),
        playbook: plan.name.clone(),
        digest: plan.digest.clone(),
        trigger: trigger.clone(),
        cause,
        inputs,
        gathered: None,
        ended: None,
    }
}
