//! From the text of a parameter to exactly one object, with facts that are read now.

use std::time::Duration;

use actions_contract::{
    ActionError, Call, EffectKind, Egress, ErrorKind, Facts, Mode, Outcome, Resolver,
};
use engine_model::{Code, code};
use serde_json::json;

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
    /// What the parameters name as targets, each once; never nothing.
    fn target_texts(&self) -> Result<Vec<&str>, ActionError> {
        let action = &self.attempt.action;
        let Some(target) = &self.action.info().target else {
            return Err(unresolved(
                code::GR0103,
                format!("`{action}` says that it changes something and not what"),
            ));
        };
        let texts = target.named(&self.attempt.args);
        if texts.is_empty() || texts.contains(&"") {
            let param = &target.param;
            return Err(unresolved(
                code::GR0103,
                format!("`{param}` of `{action}` is empty: there is no target"),
            ));
        }
        Ok(texts)
    }

    /// What the parameters name as the target: several of them as one text, a line each.
    pub(super) fn target_text(&self) -> Result<String, ActionError> {
        let mut texts = self.target_texts()?;
        texts.sort_unstable();
        Ok(texts.join(SEVERAL))
    }
}

/// What stands between the ids where several targets are one.
pub(super) const SEVERAL: &str = "\n";

/// What a try is about.
pub(super) struct Subject {
    /// Each of the targets, with what is known about it.
    pub(super) each: Vec<Facts>,
    /// What stands in the ledger: the one target, or all of them as one.
    pub(super) whole: Facts,
}

impl Subject {
    fn of(entity: &str, each: Vec<Facts>) -> Self {
        let whole = match each.as_slice() {
            [one] => one.clone(),
            several => {
                let mut ids: Vec<&str> = several.iter().map(|one| one.id.as_str()).collect();
                ids.sort_unstable();
                Facts {
                    name: Some(format!("{} targets", ids.len())),
                    ..Facts::of_text(entity, &ids.join(SEVERAL))
                }
            }
        };
        Self { each, whole }
    }

    /// How many targets there are, where they are several.
    pub(super) fn several(&self) -> Option<usize> {
        Some(self.each.len()).filter(|count| *count > 1)
    }
}

impl Guards {
    /// The one object that a try is about, or several where each is nothing but its own text.
    /// Retryable where the service asked to wait.
    pub(super) async fn resolve(&self, trial: &Trial<'_>) -> Result<Subject, ActionError> {
        let texts = trial.target_texts()?;
        let entity = trial.entity();
        if texts.len() > 1 && !PLAIN.contains(&entity) {
            let action = &trial.attempt.action;
            let message = format!(
                "`{action}` names {} targets of the kind `{entity}`, which are looked up one at a \
                 time: use it in a `for_each`",
                texts.len()
            );
            return Err(unresolved(code::GR0103, message));
        }
        let mut each = Vec::with_capacity(texts.len());
        for text in texts {
            each.push(self.find(entity, text, (trial.call, trial.egress)).await?);
        }
        Ok(Subject::of(entity, each))
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
