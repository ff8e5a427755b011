//! A policy asks for people to agree, or says no.

use actions_contract::{ActionError, Ask, ErrorKind, Mode};
use engine_model::{Digest, code};
use serde_json::{Value, json};

use super::{ActionFlow, ActionState, Of, Wait};
use crate::ask::{Poll, Polled};
use crate::cx::{Cx, Input};
use crate::{Approved, NewsKind, Question};

/// People are asked whether a try may go on.
pub(super) struct Held {
    rule: String,
    digest: Digest,
    poll: Poll,
}

impl Held {
    pub(super) fn withdraw(&self, cx: &mut Cx<'_>) {
        self.poll.withdraw(cx);
    }
}

impl ActionState {
    /// Asks people; the same try follows once they agreed.
    pub(super) fn held(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        (rule, digest): (&str, &Digest),
        (ask, shown): (&Ask, &Value),
    ) -> ActionFlow {
        let label = cx.label(of.step);
        // An answer is given to this question of this step: two steps may ask about the same.
        let bound = json!([cx.shared.run, label, digest]);
        let question = Question {
            step: label,
            ask: ask.clone(),
            digest: Digest::of(bound.to_string().as_bytes()),
            shown: shown.clone(),
            started_by: cx.shared.by.clone(),
            asked_at: cx.now,
            until: cx.now.plus(ask.timeout).min(self.outer),
        };
        let name = format!("approval/{}", cx.label(of.step));
        let poll = Poll::ask(cx, name, question);
        let note = format!("the policy `{rule}` asks for approval: {}", ask.message);
        self.note = Some(note.clone());
        let until = poll.until();
        cx.tell(&cx.label(of.step), NewsKind::StepWaits { note, until });
        self.wait = Wait::People(Box::new(Held {
            rule: rule.to_owned(),
            digest: digest.clone(),
            poll,
        }));
        ActionFlow::Waiting
    }

    /// Handles an event while people are asked; none when it is about something else.
    pub(super) fn answered(
        &mut self,
        cx: &mut Cx<'_>,
        of: &Of<'_>,
        input: &Input<'_>,
    ) -> Option<ActionFlow> {
        let Wait::People(held) = &mut self.wait else {
            return None;
        };
        let polled = held.poll.deliver(cx, input)?;
        Some(match polled {
            Polled::Waiting => ActionFlow::Waiting,
            Polled::Approved(said) => {
                self.approved.push(Approved {
                    rule: held.rule.clone(),
                    digest: held.digest.clone(),
                    by: said.into_iter().map(|said| said.by).collect(),
                });
                // The time that people took is not the step's.
                let took = cx.now.since(held.poll.asked_at());
                self.deadline = self.deadline.plus(took).min(self.outer);
                self.woken(cx, of, Mode::Execute)
            }
            Polled::Denied(said) => ActionFlow::Denied(denied(&said.by, said.comment.as_deref())),
            Polled::TooLate => ActionFlow::Denied(nobody_answered()),
        })
    }
}

/// The error of a step to which a person said no.
pub(crate) fn denied(by: &str, comment: Option<&str>) -> ActionError {
    let why = comment.map(|why| format!(": {why}")).unwrap_or_default();
    ActionError::permanent(
        ErrorKind::ApprovalDenied,
        code::RN0107,
        format!("{by} said no{why}"),
    )
}

/// The error of a step about which nobody decided in time.
pub(crate) fn nobody_answered() -> ActionError {
    ActionError::permanent(
        ErrorKind::ApprovalDenied,
        code::RN0108,
        "not enough people answered in time, and that is a no",
    )
}

/// The error of a try that a guard rail refused, whatever the guard rail calls it.
pub(super) fn refusal(error: &ActionError) -> ActionError {
    let mut error = error.clone();
    error.retryable = false;
    if error.kind != ErrorKind::TargetAmbiguous {
        error.kind = ErrorKind::GuardRefused;
    }
    error
}
