//! `switch`: the first branch whose condition is true.

use actions_contract::ActionError;
use engine_playbook::plan::Branch;

use crate::cx::{Cx, Env};

/// The branch to take; none when no condition is true and there is no "else".
pub(crate) fn choose(
    cx: &Cx<'_>,
    env: &Env<'_>,
    branches: &[Branch],
) -> Result<Option<usize>, ActionError> {
    for (index, branch) in branches.iter().enumerate() {
        match &branch.condition {
            Some(condition) if !cx.holds(env, condition)? => {}
            _ => return Ok(Some(index)),
        }
    }
    Ok(None)
}
