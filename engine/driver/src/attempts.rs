//! One try of an action, from the interpreter's command to an outcome.

use std::collections::HashMap;
use std::sync::Arc;

use actions_contract::{
    Action, ActionError, ActionInfo, Call, Egress, ErrorKind, Facts, Follow, Mode, Outcome,
};
use engine_model::{ActionId, PlaybookName, RunId, TenantId, code};
use engine_playbook::guard::Guard;
use engine_run::{Attempt, Release};
use tokio::sync::Semaphore;

use crate::Clock;
use crate::guard::{Admitted, Guards, Owed, Trial};

/// Which run a try belongs to.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The run.
    pub run: RunId,
    /// Its playbook.
    pub playbook: PlaybookName,
    /// Its tenant.
    pub tenant: TenantId,
    /// The playbook's own guard rails.
    pub guard: Arc<Guard>,
}

/// Performs tries: finds the action, bounds the time, tells what it came to.
pub struct Attempts {
    actions: HashMap<ActionId, Arc<dyn Action>>,
    egress: Arc<dyn Egress>,
    clock: Arc<dyn Clock>,
    follow: Follow,
    permits: Semaphore,
    guards: Option<Arc<Guards>>,
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
            guards: None,
        }
    }

    /// The same behind guard rails.
    #[must_use]
    pub fn guarded(mut self, guards: Arc<Guards>) -> Self {
        self.guards = Some(guards);
        self
    }

    /// The guard rails.
    #[must_use]
    pub fn guards(&self) -> Option<&Arc<Guards>> {
        self.guards.as_ref()
    }

    /// The facts of an action.
    #[must_use]
    pub fn info(&self, action: &str) -> Option<&ActionInfo> {
        let action: ActionId = action.parse().ok()?;
        Some(self.actions.get(&action)?.info())
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
        let call = self.call(origin, attempt);
        match &self.guards {
            Some(guards) if Guards::concern(attempt) => {
                let trial = Trial {
                    origin,
                    attempt,
                    action: &**action,
                    call: &call,
                    egress: &*self.egress,
                    owed: attempt
                        .release
                        .as_ref()
                        .map(|release| owed(origin, release)),
                    now: call.now,
                };
                self.perform_guarded(guards, &trial).await
            }
            _ => try_once(&**action, attempt, &call, &*self.egress).await,
        }
    }

    /// Reads the one object of this kind and id afresh.
    ///
    /// # Errors
    ///
    /// When there is not exactly one, or it cannot be told.
    pub async fn find(
        &self,
        guards: &Guards,
        (entity, id): (&str, &str),
        (origin, attempt): (&Origin, &Attempt),
    ) -> Result<Facts, ActionError> {
        let call = self.call(origin, attempt);
        guards.find(entity, id, (&call, &*self.egress)).await
    }

    async fn perform_guarded(&self, guards: &Guards, trial: &Trial<'_>) -> Outcome {
        let args = match guards.admit(trial).await {
            Admitted::Go(args) => args,
            Admitted::Ends(outcome) => return outcome,
        };
        let mut call = trial.call.clone();
        call.args = args;
        let watched = guards.watched(&*self.egress);
        let outcome = try_once(trial.action, trial.attempt, &call, &watched).await;
        guards.settled(trial, outcome, self.clock.now()).await
    }

    fn call(&self, origin: &Origin, attempt: &Attempt) -> Call {
        Call {
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
        }
    }
}

/// The release that a containment owes.
fn owed(origin: &Origin, release: &Release) -> Owed {
    Owed {
        after: release.after,
        condition: release.condition.clone(),
        names: serde_json::json!({
            "run": {
                "id": origin.run,
                "playbook": origin.playbook,
                "tenant": origin.tenant,
            },
        }),
    }
}

async fn try_once(
    action: &dyn Action,
    attempt: &Attempt,
    call: &Call,
    egress: &dyn Egress,
) -> Outcome {
    let tried = action.call(call, egress);
    match tokio::time::timeout(attempt.timeout.to_std(), tried).await {
        Ok(outcome) => outcome,
        Err(_) => too_late(attempt),
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
