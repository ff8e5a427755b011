//! Actions that are not performed: each call is written down and answered by the test.

use std::sync::Arc;

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, EgressError, ErrorKind, Outcome,
    Request, Response,
};
use engine_model::code;

use super::stage::Stage;

/// An action whose calls the test answers.
pub(super) struct Mock {
    pub(super) info: Arc<ActionInfo>,
    pub(super) stage: Arc<Stage>,
}

impl Action for Mock {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, _: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (outcome, delay) = self.stage.answer(&self.info, call);
            // Time is paused: this takes none, but a try that takes too long is given up.
            tokio::time::sleep(delay.to_std()).await;
            outcome
        })
    }
}

/// The way out, which no test takes.
pub(super) struct NoWayOut;

impl Egress for NoWayOut {
    fn send<'a>(&'a self, _: &'a Call, _: Request) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async {
            let message = "a test reaches nothing outside";
            let error = ActionError::permanent(ErrorKind::Internal, code::BR0201, message);
            Err(EgressError::unsent(error))
        })
    }
}
