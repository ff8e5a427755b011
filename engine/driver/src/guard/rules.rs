//! What the rules say about one target.

use actions_contract::{ActionError, Approvers, Ask, EffectKind, ErrorKind, Facts, Mode, Outcome};
use engine_model::{ActionId, Digest, Millis, RunId, code};
use engine_playbook::expr::Expr;
use engine_playbook::guard::{Approval, Entity, Guard, Limit, Wanted};
use serde_json::{Map, Value, json};

use super::wanted::holds;
use super::{AuditKind, Guards, Policy, Trial};

/// How long a try waits before it asks again whether the target is free.
const BUSY: Millis = Millis::from_secs(2);

/// What the rules of one guard say.
enum Ruling {
    Passes,
    Refused(ActionError),
    Asks { rule: String, ask: Box<Ask> },
}

impl Guards {
    /// Asks the rules of the tenant and those of the playbook about one target.
    pub(super) async fn judged(
        &self,
        trial: &Trial<'_>,
        policy: &Policy,
        (facts, digest, args): (&Facts, &Digest, &Value),
    ) -> Result<(), Outcome> {
        let rules = [
            ("policy", &policy.guard),
            ("playbook", &*trial.origin.guard),
        ];
        for (whose, guard) in rules {
            match judge(trial, whose, guard, (facts, digest)) {
                Ruling::Passes => {}
                Ruling::Refused(error) => {
                    return Err(self.refuse(trial, Some(facts), error).await);
                }
                // People are not asked about what is only tried out.
                Ruling::Asks { rule, ask } if trial.attempt.mode == Mode::Simulate => {
                    let what = json!({ "rule": rule, "quorum": ask.quorum });
                    self.note(trial, AuditKind::Held, Some(facts), what).await;
                }
                Ruling::Asks { rule, ask } => {
                    let what = json!({ "rule": rule, "digest": digest, "quorum": ask.quorum });
                    self.note(trial, AuditKind::Held, Some(facts), what).await;
                    return Err(Outcome::Held {
                        shown: trial.shown(&rule, facts, args),
                        rule,
                        digest: digest.clone(),
                        approval: ask,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Judges a target by the rules of one guard; `whose` is what the rules are called by.
fn judge(
    trial: &Trial<'_>,
    whose: &str,
    guard: &Guard,
    (facts, digest): (&Facts, &Digest),
) -> Ruling {
    for (index, never) in guard.never.iter().enumerate() {
        if never
            .wanted()
            .any(|(entity, wanted)| is_blind(entity, wanted, facts))
        {
            let message = format!(
                "{whose} `never[{index}]` asks for more than can be read of {} `{}`",
                facts.entity,
                facts.label()
            );
            let kind = ErrorKind::GuardRefused;
            return Ruling::Refused(ActionError::permanent(kind, code::GR0108, message));
        }
        let fits = never
            .wanted()
            .find(|(entity, wanted)| is_about(*entity, facts) && holds(wanted, facts));
        if let Some((_, wanted)) = fits {
            let rule = serde_json::to_string(wanted).unwrap_or_default();
            let message = format!(
                "{} `{}` is protected by {whose} `never[{index}]`: {rule}",
                facts.entity,
                facts.label()
            );
            return Ruling::Refused(refused(message));
        }
    }
    for (index, rule) in guard.approval.iter().enumerate() {
        if !rule.effect.is(trial.attempt.effect) {
            continue;
        }
        match asks(trial, rule, facts) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(why) => {
                let message = format!("{whose} `approval[{index}].when` cannot be told: {why}");
                let kind = ErrorKind::GuardRefused;
                return Ruling::Refused(ActionError::permanent(kind, code::GR0108, message));
            }
        }
        let name = format!("{whose} approval[{index}]");
        let agreed = |approved: &&engine_run::Approved| {
            approved.rule == name
                && approved.digest == *digest
                && approved.by.len() >= usize::try_from(rule.quorum).unwrap_or(usize::MAX)
        };
        if trial.attempt.approved.iter().find(agreed).is_none() {
            return Ruling::Asks {
                ask: Box::new(ask(trial, rule, facts)),
                rule: name,
            };
        }
    }
    Ruling::Passes
}

/// Whether a rule about this kind of thing is about the target: an indicator is the file, the
/// address, the domain or the link that devices look for.
fn is_about(entity: Entity, facts: &Facts) -> bool {
    use Entity::{Domain, File, Ip, Url};
    let looked_for = facts.entity == "indicator" && matches!(entity, Domain | File | Ip | Url);
    entity.as_str() == facts.entity || looked_for
}

/// Whether a rule is about a target of which its facts cannot be read: only devices have tags,
/// groups and roles here, and an account is a user under another name.
fn is_blind(entity: Entity, wanted: &Wanted, facts: &Facts) -> bool {
    let account = entity == Entity::User && facts.entity == "identity_account";
    let same = is_about(entity, facts) && entity != Entity::Device;
    let more = wanted.tag.is_some() || wanted.group.is_some() || wanted.role.is_some();
    account || (same && more)
}

fn asks(trial: &Trial<'_>, rule: &Approval, facts: &Facts) -> Result<bool, String> {
    let Some(when) = &rule.when else {
        return Ok(true);
    };
    let expr = Expr::parse(when).map_err(|error| error.message)?;
    let mut names = Map::new();
    names.insert("target".to_owned(), json!(facts));
    names.insert("action".to_owned(), json!(trial.attempt.action));
    names.insert("effect".to_owned(), json!(trial.attempt.effect));
    names.insert("playbook".to_owned(), json!(trial.origin.playbook));
    expr.eval_bool(&names).map_err(|error| error.message)
}

fn ask(trial: &Trial<'_>, rule: &Approval, facts: &Facts) -> Ask {
    Ask {
        message: format!(
            "{} on {} {} ({}), playbook {}",
            trial.attempt.action,
            facts.entity,
            facts.label(),
            facts.id,
            trial.origin.playbook
        ),
        approvers: Approvers {
            roles: rule.roles.clone(),
            users: rule.users.clone(),
        },
        quorum: rule.quorum,
        not_self: true,
        timeout: rule.timeout,
        escalate: Vec::new(),
        form: None,
        notify: rule.notify.clone(),
    }
}

fn refused(message: String) -> ActionError {
    ActionError::permanent(ErrorKind::GuardRefused, code::GR0102, message)
}

/// The error of a limit that is reached.
pub(super) fn limit_reached(limit: &Limit) -> ActionError {
    let effect = serde_json::to_value(limit.effect).unwrap_or(Value::Null);
    let message = format!(
        "the {} may {} {} targets per {}, and that many there were",
        limit.scope.as_str(),
        effect.as_str().unwrap_or_default(),
        limit.max,
        limit.per
    );
    ActionError::permanent(ErrorKind::GuardRefused, code::GR0106, message)
}

/// The error of an action on several targets at once, where they are counted.
pub(super) fn several_targets(action: &ActionId, count: usize) -> ActionError {
    let message = format!(
        "`{action}` names {count} targets at once, and there is a limit on how many: use one at a \
         time, in a `for_each`"
    );
    ActionError::permanent(ErrorKind::GuardRefused, code::GR0106, message)
}

/// The error of a run that has as many targets as it may.
pub(super) fn targets_reached(max: u32) -> ActionError {
    let message = format!("one run may have {max} targets, and this one has that many");
    ActionError::permanent(ErrorKind::GuardRefused, code::GR0107, message)
}

/// What a try comes to while another run works on its target: it waits, and that is no try.
pub(super) fn busy(facts: &Facts, run: &RunId, action: &ActionId) -> Outcome {
    let message = format!(
        "{run} is at {action} on {} `{}`; this waits for it",
        facts.entity,
        facts.label()
    );
    let kind = ErrorKind::RateLimited;
    Outcome::Failed {
        error: ActionError::retryable(kind, code::GR0109, message, Some(BUSY)),
    }
}

/// Whether an effect is one that guard rails hold back.
#[must_use]
pub(super) const fn is_guarded(effect: EffectKind) -> bool {
    matches!(effect, EffectKind::Contain | EffectKind::Destroy)
}
