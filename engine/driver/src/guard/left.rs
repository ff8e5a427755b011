//! What a run left behind whose end it did not see: found out by the next one that wants the same.

use std::time::Duration;

use actions_contract::{Facts, Mode, Outcome};
use engine_model::Millis;

use super::{EffectState, Guards, Left, Settled, Trial, rules};

/// How long a look at the service may take.
const LOOK: Duration = Duration::from_secs(15);
/// How long the service may show late what it took, and a little more.
const WINDOW: Millis = Millis::from_secs(120);

impl Guards {
    /// Asks the service what became of `left` and writes that down. The try itself waits, and asks
    /// again: by then the same effect holds, or its place is free.
    pub(super) async fn left(&self, trial: &Trial<'_>, facts: &Facts, left: &Left) -> Outcome {
        let mut call = trial.call.clone();
        call.mode = Mode::Reconcile;
        call.resume = None;
        call.idem.clone_from(&left.idem);
        call.begun_at = left.begun_at;
        call.args = trial.args_for(&facts.id);
        let looked = trial.action.call(&call, trial.egress);
        let looked = tokio::time::timeout(LOOK, looked).await;
        let came = match looked {
            Ok(Outcome::Done { output }) => Some((EffectState::Done, Some(output), None)),
            Ok(Outcome::Nothing) if trial.now.since(left.changed_at) >= WINDOW => {
                let note = "the service shows no trace of it".to_owned();
                Some((EffectState::Failed, None, Some(note)))
            }
            Ok(Outcome::Failed { error }) if super::settle::tells_the_end(&error) => {
                Some((EffectState::Failed, None, Some(error.message)))
            }
            _ => None,
        };
        if let Some((state, output, note)) = came {
            let settled = Settled {
                idem: left.idem.clone(),
                at: trial.now,
                state,
                output,
                note,
            };
            if let Err(error) = self.ledger.settle(settled).await {
                tracing::error!(run = %trial.origin.run, %error, "what was left stays in doubt");
            }
        }
        rules::busy(facts, &left.run, &trial.attempt.action)
    }
}
