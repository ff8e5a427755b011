//! `guard`: what can be told about it without the tenant's policy.

use engine_model::code;

use super::Compiler;
use crate::expr::Expr;
use crate::guard::Guard;
use crate::syntax::Playbook;

impl Compiler<'_, '_> {
    /// The guard rails of the playbook itself.
    pub(super) fn guard(&mut self, playbook: &Playbook) -> Guard {
        let Some(guard) = &playbook.guard else {
            return Guard::default();
        };
        let document = self.report.document;
        for (index, rule) in guard.value.approval.iter().enumerate() {
            let Some(Err(error)) = rule.when.as_deref().map(Expr::parse) else {
                continue;
            };
            let at = document.find(&format!("guard.approval[{index}].when"));
            self.report.value(code::PB0404, at, error.message);
        }
        guard.value.clone()
    }
}
