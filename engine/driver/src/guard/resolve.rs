//! From the text of a parameter to exactly one object, with facts that are read now.

use std::time::Duration;

use actions_contract::{
    ActionError, Call, EffectKind, Egress, ErrorKind, Facts, Mode, Outcome, Resolver,
};
use engine_model::{Code, code};
use serde_json::{Value, json};

use super::{Guards, Trial};

/// How often a directory that fails is asked.
const TRIES: u32 = 3;
/// The wait between two tries.
const PAUSE: Duration = Duration::from_millis(300);
/// How long one look-up may take.
const LOOK: Duration = Duration::from_secs(15);

/// Kinds of targets that are nothing but their own text.
const PLAIN: [&str; 10] = [
    "detection_rule",
    "domain",
    "file",
    "identity_account",
    "indicator",
    "ip",
    "mail",
    "scan",
    "security_action",
    "url",
];

impl Trial<'_> {
    /// What the parameters name as the target.
    pub(super) fn target_text(&self) -> Result<String, ActionError> {
        let action = &self.attempt.action;
        let Some(target) = &self.action.info().target else {
            return Err(unresolved(
                code::GR0103,
                format!("`{action}` says that it changes something and not what"),
            ));
        };
        match self.attempt.args.get(&target.param) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Some(Value::String(_)) | Some(Value::Null) | None => Err(unresolved(
                code::GR0103,
                format!(
                    "`{}` of `{action}` is empty: there is no target",
                    target.param
                ),
            )),
            Some(_) => Err(unresolved(
                code::GR0103,
                format!("`{}` of `{action}` has to name one target", target.param),
            )),
        }
    }
}

impl Guards {
    /// The one object that a try is about. Retryable where the service asked to wait.
    pub(super) async fn resolve(&self, trial: &Trial<'_>) -> Result<Facts, ActionError> {
        let text = trial.target_text()?;
        let entity = trial.entity();
        self.find(entity, &text, (trial.call, trial.egress)).await
    }

    /// The one object of this kind behind an id, a name or an address.
    ///
    /// # Errors
    ///
    /// `GR0103` when there is none, `GR0105` when there are several, `GR0104` when it cannot be
    /// told now.
    pub async fn find(
        &self,
        entity: &str,
        text: &str,
        (call, egress): (&Call, &dyn Egress),
    ) -> Result<Facts, ActionError> {
        let resolver = self.resolvers.iter().find(|one| one.entity == entity);
        match resolver {
            Some(resolver) => look_up(resolver, text, call, egress).await,
            None if PLAIN.contains(&entity) => Ok(Facts::of_text(entity, text)),
            None => Err(unresolved(
                code::GR0103,
                format!("this engine cannot look up a target of the kind `{entity}`"),
            )),
        }
    }
}

async fn look_up(
    resolver: &Resolver,
    text: &str,
    call: &Call,
    egress: &dyn Egress,
) -> Result<Facts, ActionError> {
    let mut call = call.clone();
    call.action = resolver.action.info().id.clone();
    call.effect = EffectKind::Read;
    call.mode = Mode::Execute;
    call.resume = None;
    call.args = json!({ resolver.param: text });
    let mut tried = 0;
    loop {
        tried += 1;
        let looked = tokio::time::timeout(LOOK, resolver.action.call(&call, egress)).await;
        let error = match looked {
            Ok(Outcome::Done { output }) => {
                return (resolver.facts)(&output).ok_or_else(|| {
                    let message = format!("what was found behind `{text}` says not what it is");
                    unresolved(code::GR0104, message)
                });
            }
            Ok(Outcome::Failed { error } | Outcome::Unknown { error }) => error,
            Ok(_) => return Err(unreachable_now(text, "it gave no answer")),
            Err(_) => return Err(unreachable_now(text, "it took too long")),
        };
        match error.kind {
            ErrorKind::NotFound => {
                let message = format!("there is no {} `{text}`", resolver.entity);
                return Err(unresolved(code::GR0103, message));
            }
            ErrorKind::TargetAmbiguous => {
                let mut ambiguous = unresolved(code::GR0105, error.message);
                ambiguous.kind = ErrorKind::TargetAmbiguous;
                ambiguous.details = error.details;
                return Err(ambiguous);
            }
            // Waiting in a line is no answer, and no reason to refuse.
            ErrorKind::RateLimited if error.retry_after.is_some() => return Err(error),
            _ if error.retryable && tried < TRIES => tokio::time::sleep(PAUSE).await,
            _ => return Err(unreachable_now(text, &error.message)),
        }
    }
}

fn unresolved(code: Code, message: String) -> ActionError {
    ActionError::permanent(ErrorKind::GuardRefused, code, message)
}

fn unreachable_now(text: &str, why: &str) -> ActionError {
    unresolved(
        code::GR0104,
        format!("what `{text}` is cannot be told, so nothing is done to it: {why}"),
    )
}
