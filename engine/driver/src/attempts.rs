//! One try of an action, from the interpreter's command to an outcome.

use std::collections::HashMap;
use std::sync::Arc;

use actions_contract::{Action, ActionError, Call, Egress, ErrorKind, Follow, Mode, Outcome};
use engine_model::{ActionId, PlaybookName, RunId, TenantId, code};
use engine_run::Attempt;
use tokio::sync::Semaphore;

use crate::Clock;

/// Which run a try belongs to.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The run.
    pub run: RunId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// Its tenant.
    pub tenant: TenantId,
}

/// Performs tries: finds the action, bounds the time, tells what it came to.
pub struct Attempts {
    actions: HashMap<ActionId, Arc<dyn Action>>,
    egress: Arc<dyn Egress>,
    clock: Arc<dyn Clock>,
    follow: Follow,
    permits: Semaphore,
}

impl Attempts {
    /// The performer of `actions`, with at most `concurrent_max` tries at a time.
    #[must_use]
    pub fn new(
        actions: Vec<Arc<dyn Action>>,
        egress: Arc<dyn Egress>,
        clock: Arc<dyn Clock>,
        follow: Follow,
        concurrent_max: usize,
    ) -> Self {
        let actions = actions
            .into_iter()
            .map(|action| (action.info().id.clone(), action));
        Self {
            actions: actions.collect(),
            egress,
            clock,
            follow,
            permits: Semaphore::new(concurrent_max),
        }
    }

    /// Performs one try and says what it came to.
    ///
    /// The event that led to `attempt` is durable by now. A try that takes too long is dropped:
    /// where the action changes something, what became of it is then unknown.
    pub async fn perform(&self, origin: &Origin, attempt: &Attempt) -> Outcome {
        let Ok(_permit) = self.permits.acquire().await else {
            return failed(ErrorKind::Internal, "the engine is stopping");
        };
        let Some(action) = self.actions.get(&attempt.action) else {
            return Outcome::Failed {
                error: ActionError::permanent(
                    ErrorKind::Unsupported,
                    code::AC0109,
                    format!(
                        "the action `{}` does not exist in this engine",
                        attempt.action
                    ),
                ),
            };
        };
        let call = Call {
            run: origin.run.clone(),
            playbook: origin.playbook.clone(),
            step: attempt.label.clone(),
            tenant: attempt
                .tenant
                .clone()
                .unwrap_or_else(|| origin.tenant.clone()),
            connection: attempt.connection.clone(),
            action: attempt.action.clone(),
            effect: attempt.effect,
            mode: attempt.mode,
            idem: attempt.idem.clone(),
            attempt: attempt.attempt,
            args: attempt.args.clone(),
            resume: attempt.resume.clone(),
            begun_at: attempt.begun_at,
            now: self.clock.now(),
            time_left: attempt.timeout,
            follow: self.follow,
        };
        let tried = action.call(&call, &*self.egress);
        match tokio::time::timeout(attempt.timeout.to_std(), tried).await {
            Ok(outcome) => outcome,
            Err(_) => too_late(attempt),
        }
    }
}

fn too_late(attempt: &Attempt) -> Outcome {
    let error = ActionError::retryable(
        ErrorKind::Timeout,
        code::BR0202,
        format!("the attempt took longer than {}", attempt.timeout),
        None,
    );
    let looked = attempt.mode != Mode::Execute || attempt.resume.is_some();
    if attempt.effect.needs_reconcile() && !looked {
        Outcome::Unknown { error }
    } else {
        Outcome::Failed { error }
    }
}

fn failed(kind: ErrorKind, message: &str) -> Outcome {
    Outcome::Failed {
        error: ActionError::permanent(kind, code::AC0109, message),
    }
}
