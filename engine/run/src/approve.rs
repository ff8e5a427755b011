//! `approve`: people decide whether the run goes on.

use actions_contract::{ActionError, Approvers, Ask, ErrorKind, Escalation};
use engine_model::{Digest, Timestamp, code};
use engine_playbook::expr::Template;
use engine_playbook::plan::{Approve, Step};
use serde_json::{Value, json};

use crate::action::{ActionFlow, denied, nobody_answered};
use crate::ask::{Poll, Polled, Said};
use crate::cx::{Cx, Env, Input};
use crate::{Decision, NewsKind, Question, StepStatus};

/// A question that is open.
pub(crate) struct ApproveState {
    poll: Poll,
    pub(crate) note: String,
}

impl ApproveState {
    /// Asks; in a dry run the answer is the one that is assumed.
    pub(crate) fn start(
        cx: &mut Cx<'_>,
        env: &Env<'_>,
        (step, approve): (&Step, &Approve),
        deadline: Timestamp,
    ) -> Result<Result<Self, ActionFlow>, ActionError> {
        let ask = ask(cx, env, approve)?;
        if cx.shared.settings.dry_run {
            return Ok(Err(assumed(cx, approve)));
        }
        let label = cx.label(step);
        let bound = json!([cx.shared.run, label, ask.message, ask.form]);
        let note = format!("people are asked: {}", ask.message);
        let until = cx.now.plus(ask.timeout).min(deadline);
        let question = Question {
            step: label.clone(),
            ask,
            digest: Digest::of(bound.to_string().as_bytes()),
            shown: Value::Null,
            started_by: cx.shared.by.clone(),
            asked_at: cx.now,
            until,
        };
        let poll = Poll::ask(cx, format!("approval/{label}"), question);
        let news = NewsKind::StepWaits {
            note: note.clone(),
            until,
        };
        cx.tell(&label, news);
        Ok(Ok(Self { poll, note }))
    }

    /// Handles an event; none when it is about something else.
    pub(crate) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        approve: &Approve,
        input: &Input<'_>,
    ) -> Option<ActionFlow> {
        if matches!(input, Input::Cancel) {
            self.poll.withdraw(cx);
            return Some(ActionFlow::Cancelled(None));
        }
        Some(match self.poll.deliver(cx, input)? {
            Polled::Waiting => ActionFlow::Waiting,
            Polled::Approved(said) => ActionFlow::Done {
                output: output(cx, "approve", &said),
                status: StepStatus::Succeeded,
            },
            Polled::Denied(said) if approve.go_on_when_denied => ActionFlow::Done {
                output: output(cx, "deny", std::slice::from_ref(&said)),
                status: StepStatus::Denied,
            },
            Polled::Denied(said) => ActionFlow::Denied(denied(&said.by, said.comment.as_deref())),
            Polled::TooLate if approve.fail_on_timeout => {
                let message = "not enough people answered in time";
                let error = ActionError::permanent(ErrorKind::Timeout, code::RN0108, message);
                ActionFlow::Failed(error)
            }
            Polled::TooLate if approve.go_on_when_denied => ActionFlow::Done {
                output: output(cx, "deny", &[]),
                status: StepStatus::Denied,
            },
            Polled::TooLate => ActionFlow::Denied(nobody_answered()),
        })
    }
}

/// What a question comes to that is not asked.
fn assumed(cx: &Cx<'_>, approve: &Approve) -> ActionFlow {
    let decision = cx.shared.settings.assume;
    let said = Said {
        by: "dry run".to_owned(),
        comment: None,
        form: None,
    };
    if decision == Decision::Deny && !approve.go_on_when_denied {
        return ActionFlow::Denied(denied(&said.by, None));
    }
    ActionFlow::Done {
        output: output(cx, decision.as_str(), &[said]),
        status: match decision {
            Decision::Approve => StepStatus::Simulated,
            Decision::Deny => StepStatus::Denied,
        },
    }
}

fn ask(cx: &Cx<'_>, env: &Env<'_>, approve: &Approve) -> Result<Ask, ActionError> {
    let mut escalate = Vec::new();
    for one in &approve.escalate {
        escalate.push(Escalation {
            after: one.after,
            to: people(cx, env, &one.roles, &one.users)?,
        });
    }
    Ok(Ask {
        message: text(cx, env, &approve.message)?,
        approvers: people(cx, env, &approve.roles, &approve.users)?,
        quorum: approve.quorum,
        not_self: approve.not_self,
        timeout: approve.timeout,
        escalate,
        form: approve.form.clone(),
        notify: approve.notify.clone(),
    })
}

fn people(
    cx: &Cx<'_>,
    env: &Env<'_>,
    roles: &[String],
    users: &[Template],
) -> Result<Approvers, ActionError> {
    let users = users.iter().map(|user| text(cx, env, user));
    Ok(Approvers {
        roles: roles.to_vec(),
        users: users.collect::<Result<_, _>>()?,
    })
}

fn text(cx: &Cx<'_>, env: &Env<'_>, template: &Template) -> Result<String, ActionError> {
    Ok(match cx.render(env, template)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

fn output(cx: &Cx<'_>, decision: &str, said: &[Said]) -> Value {
    let by: Vec<&str> = said.iter().map(|said| said.by.as_str()).collect();
    let comments: Vec<&str> = said
        .iter()
        .filter_map(|said| said.comment.as_deref())
        .collect();
    let comment = (!comments.is_empty()).then(|| comments.join("\n"));
    let form = said.iter().rev().find_map(|said| said.form.clone());
    json!({
        "decision": decision, "by": by.join(", "), "at": cx.now, "comment": comment,
        "form": form,
    })
}
