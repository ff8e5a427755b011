//! What a try came to, written into the ledger.

use actions_contract::{ActionError, EffectKind, ErrorKind, Mode, Outcome};
use engine_model::{Millis, Timestamp, code};

use super::rules::is_guarded;
use super::{EffectState, Guards, Settled, Trial};

/// The longest wait before a target is asked about again on which the same action is open.
const OPEN: Millis = Millis::from_secs(15);

impl Guards {
    /// Writes down what a try came to that was let through, and gives it back: as refused, where a
    /// guard rail stopped it on its way out.
    pub(crate) async fn settled(
        &self,
        trial: &Trial<'_>,
        outcome: Outcome,
        at: Timestamp,
    ) -> Outcome {
        let outcome = match outcome {
            Outcome::Failed { error } if error.code.starts_with("GR01") && !error.retryable => {
                self.refuse(trial, None, error).await
            }
            // Somebody else is at the same thing: that is waited for, and is no failure.
            Outcome::Failed { mut error } if error.code == code::AC0106.as_str() => {
                error.kind = ErrorKind::RateLimited;
                error.retryable = true;
                error.retry_after = Some(trial.call.follow.max.min(OPEN));
                Outcome::Failed { error }
            }
            other => other,
        };
        let Some((state, output, note)) = stands(trial, &outcome) else {
            return outcome;
        };
        let settled = Settled {
            idem: trial.attempt.idem.clone(),
            at,
            state,
            output,
            note,
        };
        if let Err(error) = self.ledger.settle(settled).await {
            tracing::error!(
                run = %trial.origin.run,
                step = trial.attempt.label,
                %error,
                "the ledger does not know what became of an effect"
            );
        }
        outcome
    }

    /// What is tried once more did not happen before; where it is refused now, it never will.
    pub(super) async fn not_done(&self, trial: &Trial<'_>, outcome: &Outcome) {
        let Outcome::Refused { error } = outcome else {
            return;
        };
        let settled = Settled {
            idem: trial.attempt.idem.clone(),
            at: trial.now,
            state: EffectState::Failed,
            output: None,
            note: Some(error.message.clone()),
        };
        if let Err(error) = self.ledger.settle(settled).await {
            let run = &trial.origin.run;
            tracing::error!(%run, %error, "an effect that did not happen stays in the ledger");
        }
    }
}

/// Whether the error of a look is about what was looked at, and not about the look.
pub(super) fn tells_the_end(error: &ActionError) -> bool {
    error.code == code::AC0104.as_str()
        || matches!(error.kind, ErrorKind::Conflict | ErrorKind::Cancelled)
}

type Stands = (EffectState, Option<serde_json::Value>, Option<String>);

/// Where an effect stands after this outcome; none where that is not known better than before.
fn stands(trial: &Trial<'_>, outcome: &Outcome) -> Option<Stands> {
    let looks = trial.attempt.mode == Mode::Reconcile || trial.attempt.resume.is_some();
    match outcome {
        Outcome::Done { output } => Some((EffectState::Done, Some(output.clone()), None)),
        Outcome::Pending { note, .. } => Some((EffectState::Pending, None, note.clone())),
        Outcome::Unknown { error } => {
            Some((EffectState::InDoubt, None, Some(error.message.clone())))
        }
        Outcome::Unclear { message } => Some((EffectState::InDoubt, None, Some(message.clone()))),
        // A look that failed tells nothing, but a remote action that ended badly has ended.
        Outcome::Failed { error } if looks && error.retryable => None,
        Outcome::Failed { error }
            if trial.attempt.mode == Mode::Reconcile || (looks && !tells_the_end(error)) =>
        {
            Some((EffectState::InDoubt, None, Some(error.message.clone())))
        }
        Outcome::Failed { error } | Outcome::Refused { error } => {
            Some((EffectState::Failed, None, Some(error.message.clone())))
        }
        Outcome::Nothing | Outcome::Held { .. } => None,
    }
    .filter(|_| is_guarded(trial.attempt.effect) || trial.attempt.effect == EffectKind::Release)
}
