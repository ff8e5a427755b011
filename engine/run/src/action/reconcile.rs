//! Finding out what became of a try that may have arrived, before anything is done again.

use actions_contract::{ActionError, ErrorKind, Mode};
use engine_model::{Millis, Timestamp, code};

use super::{ActionFlow, ActionState, LOOK_PAUSE, Of};
use crate::NewsKind;
use crate::cx::Cx;

/// An earlier try may have arrived.
pub(super) struct Doubt {
    /// Until then the service may still show it late.
    until: Timestamp,
    /// What was seen of it; nothing where the engine stopped meanwhile.
    seen: Option<ActionError>,
}

impl ActionState {
    pub(super) fn look_up(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        seen: Option<&ActionError>,
    ) -> ActionFlow {
        let reason = seen.map_or("the engine stopped during the attempt", |error| {
            &error.message
        });
        if !of.effect().needs_reconcile() {
            return ActionFlow::Failed(unclear(reason));
        }
        self.doubt = Some(Doubt {
            until: cx.now.plus(cx.shared.settings.reconcile_window),
            seen: seen.cloned(),
        });
        self.looks = 0;
        let reason = reason.to_owned();
        cx.tell(&cx.label(of.step), NewsKind::StepReconciles { reason });
        self.ask(cx, of, Mode::Reconcile);
        self.tell_doubt();
        ActionFlow::Waiting
    }

    /// Tells people what is being found out.
    fn tell_doubt(&mut self) {
        let until = self.doubt.as_ref().map(|doubt| doubt.until);
        self.note = until.map(|until| {
            format!("outcome unknown; asking the service what happened, until {until}")
        });
    }

    /// The service shows no trace of the earlier try. Only where it was asked after the window does
    /// that mean that nothing happened: an answer may be late itself, and what arrived meanwhile is
    /// not in it.
    pub(super) fn nothing_happened(&mut self, cx: &mut Cx<'_>, of: &Of<'_>) -> ActionFlow {
        let Some(doubt) = self.doubt.take() else {
            return ActionFlow::Failed(unclear("the action answered a question nobody asked"));
        };
        if self.asked_at < doubt.until {
            self.looks += 1;
            let pause = Millis::from_ms(500 << self.looks.min(6));
            let left = doubt.until.since(cx.now);
            self.doubt = Some(doubt);
            self.sleep(cx, pause.min(left), Mode::Reconcile);
            self.tell_doubt();
            return ActionFlow::Waiting;
        }
        if self.cancelling {
            return ActionFlow::Cancelled(None);
        }
        match doubt.seen {
            // It is certain by now that no try arrived, and there is none left.
            Some(error) if self.failures >= of.action.retry.max_attempts => {
                ActionFlow::Failed(error)
            }
            _ => self.woken(cx, of, Mode::Execute),
        }
    }

    /// A look at the service that fails tells nothing about the try it looks for.
    pub(super) fn look_failed(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        error: &ActionError,
    ) -> ActionFlow {
        self.looks += 1;
        let pause = error
            .retry_after
            .unwrap_or_else(|| self.back_off(cx, of, self.looks))
            .max(LOOK_PAUSE);
        if !error.retryable || cx.now.plus(pause) >= self.deadline {
            return ActionFlow::Failed(unclear(&error.message));
        }
        self.retry(cx, of, (pause, Mode::Reconcile), error.message.clone());
        ActionFlow::Waiting
    }
}

/// The error of a try of which nobody can tell whether it happened.
pub(super) fn unclear(reason: &str) -> ActionError {
    ActionError::permanent(
        ErrorKind::Internal,
        code::AC0108,
        format!("it could not be found out whether the action happened: {reason}"),
    )
}

/// What a cancelled step leaves behind at the service.
pub(super) fn goes_on(remote: Option<&str>) -> ActionError {
    let remote = remote.unwrap_or("it was accepted");
    ActionError::permanent(
        ErrorKind::Cancelled,
        code::RN0104,
        format!("the run was cancelled; what it began goes on at the service: {remote}"),
    )
}
