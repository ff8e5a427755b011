//! `set`: assigns variables.

use engine_playbook::expr::Template;

use crate::cx::{Cx, Env};

/// Assigns each variable, in the order written, so that a later one may use an earlier one.
pub(crate) fn assign(
    cx: &mut Cx<'_>,
    env: &Env<'_>,
    values: &[(String, Template)],
) -> Result<(), actions_contract::ActionError> {
    for (name, template) in values {
        let value = cx.render(env, template)?;
        cx.assign("vars", name, value);
    }
    Ok(())
}
