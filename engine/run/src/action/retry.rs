//! Failures: whether another try follows, and when.

use actions_contract::{ActionError, ErrorKind, Mode};
use engine_model::{Millis, code};
use engine_playbook::plan::Until;

use super::{ActionFlow, ActionState, LOOK_PAUSE, Of};
use crate::NewsKind;
use crate::cx::{Cx, timed_out};

impl ActionState {
    /// A read whose condition does not hold yet is done again later.
    pub(super) fn again(&mut self, cx: &mut Cx<'_>, of: &Of<'_>, until: &Until) -> ActionFlow {
        if cx.now.plus(until.every) >= self.deadline {
            let error = timed_out(code::RN0103, "the step", self.deadline);
            return ActionFlow::Failed(error);
        }
        self.failures = 0;
        self.setbacks = 0;
        self.looks = 0;
        self.resume = None;
        let until_at = self.sleep(cx, until.every, Mode::Execute);
        let note = format!("looks again at {until_at}, until {}", until.condition);
        self.note = Some(note.clone());
        let label = cx.label(of.step);
        cx.tell(
            &label,
            NewsKind::StepWaits {
                note,
                until: until_at,
            },
        );
        ActionFlow::Waiting
    }

    pub(super) fn failed(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        mode: Mode,
        error: ActionError,
    ) -> ActionFlow {
        if self.doubt.is_some() {
            return self.look_failed(cx, of, &error);
        }
        if self.cancelling {
            return ActionFlow::Cancelled(None);
        }
        self.setbacks += 1;
        let waited = is_waiting_room(&error);
        self.failures += u32::from(!waited);
        let retry = &of.action.retry;
        let following = self.resume.is_some();
        // What goes on at the service is not given up because one answer was unreadable.
        let unreadable = error.kind == ErrorKind::InvalidOutput;
        let counted = self.failures < retry.max_attempts && retry.on.contains(&error.kind);
        let again = if following {
            error.retryable || unreadable
        } else {
            error.retryable && counted
        };
        let mut pause = error
            .retry_after
            .unwrap_or_else(|| self.back_off(cx, of, self.setbacks));
        if following || waited {
            // However often: never without a pause.
            pause = pause.max(LOOK_PAUSE);
        }
        if !again || cx.now.plus(pause) >= self.deadline {
            return ActionFlow::Failed(error);
        }
        self.retry(cx, of, (pause, mode), error.message);
        ActionFlow::Waiting
    }

    pub(super) fn retry(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        (pause, mode): (Millis, Mode),
        reason: String,
    ) {
        let at = self.sleep(cx, pause, mode);
        self.note = Some(format!("again at {at}: {reason}"));
        cx.tell(&cx.label(of.step), NewsKind::StepRetries { reason, at });
    }

    /// Full jitter over an exponential wait; chance is a hash of what is being tried.
    pub(super) fn back_off(&self, cx: &Cx<'_>, of: &Of<'_>, tries: u32) -> Millis {
        let retry = &of.action.retry;
        let mut wait_ms = retry.delay.as_ms();
        for _ in 1..tries.min(32) {
            wait_ms = wait_ms.saturating_mul(u64::from(retry.multiplier_percent)) / 100;
        }
        let wait_ms = wait_ms.min(retry.max_delay.as_ms());
        let seed = format!("{}/{}/{tries}", cx.shared.run, of.step.path);
        let hash = engine_model::Digest::of(seed.as_bytes());
        let share = u64::from_str_radix(&hash.as_str()[7..11], 16).unwrap_or(0);
        Millis::from_ms(wait_ms.saturating_mul(share) / 0xffff)
    }
}

/// Whether the request was only kept waiting: the service said when to come back, or no token could
/// be had for the moment. However often that happens, it is no try; the deadline ends it.
fn is_waiting_room(error: &ActionError) -> bool {
    let told = error.kind == ErrorKind::RateLimited && error.retry_after.is_some();
    told || error.code == code::BR0101.as_str()
}
