//! People are asked: their answers are counted until there is a decision.

use actions_contract::Ask;
use engine_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cx::{Cx, Input, Signal};
use crate::{Cid, NewsKind, Wants};

/// What people are asked, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What people call the step.
    pub step: String,
    /// Who may answer, how many, until when.
    pub ask: Ask,
    /// The digest of what they decide on; an answer names it.
    pub digest: Digest,
    /// What they decide on, where more than the message is to be seen.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub shown: Value,
    /// Everybody who had a hand in the start of the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started_by: Vec<String>,
    /// When they were asked.
    pub asked_at: Timestamp,
    /// Until when there is time.
    pub until: Timestamp,
}

impl Question {
    /// Whether an answer of this person counts.
    #[must_use]
    pub fn may_answer(&self, name: &str, roles: &[String]) -> bool {
        !self.is_own(name) && self.ask.approvers.include(name, roles)
    }

    /// Whether this person would agree to what that person began.
    #[must_use]
    pub fn is_own(&self, name: &str) -> bool {
        self.ask.not_self && self.started_by.iter().any(|starter| starter == name)
    }
}

/// What a person answers; the value of a signal, sent in that person's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Yes or no.
    pub decision: Decision,
    /// The digest of the question that is answered.
    pub digest: Digest,
    /// The roles of the person at that time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What the person says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the person filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    #[default]
    Approve,
    /// No.
    Deny,
}

impl Decision {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// Counts answers of different people, never of keys or links.
pub(crate) struct Poll {
    name: String,
    signals: Cid,
    deadline: Cid,
    escalations: Vec<Option<Cid>>,
    question: Box<Question>,
    yes: Vec<Said>,
}

/// Who said what.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) by: String,
    pub(crate) comment: Option<String>,
    pub(crate) form: Option<Value>,
}

/// What became of a question.
pub(crate) enum Polled {
    /// Others have to answer yet.
    Waiting,
    /// Enough people agreed.
    Approved(Vec<Said>),
    /// One said no.
    Denied(Said),
    /// Nobody, or not enough people, answered in time.
    TooLate,
}

impl Poll {
    /// Asks, under a name of which the run waits for one at a time.
    pub(crate) fn ask(cx: &mut Cx<'_>, name: String, question: Question) -> Self {
        let question = Box::new(question);
        let deadline = cx.timer(question.until);
        let escalate = question.ask.escalate.iter();
        let escalations = escalate.map(|one| Some(cx.timer(question.asked_at.plus(one.after))));
        let escalations = escalations.collect();
        let signals = wait_for(cx, &name, &question);
        Self {
            name,
            signals,
            deadline,
            escalations,
            question,
            yes: Vec::new(),
        }
    }

    /// Handles an event; none when it is not about this question.
    pub(crate) fn deliver(&mut self, cx: &mut Cx<'_>, input: &Input<'_>) -> Option<Polled> {
        match input {
            Input::Signalled(signal) if signal.cid == self.signals => {
                let polled = self.answered(cx, signal);
                if !matches!(polled, Polled::Waiting) {
                    self.withdraw(cx);
                }
                Some(polled)
            }
            Input::Fired(cid) if *cid == self.deadline => {
                self.deadline = Cid(0);
                self.withdraw(cx);
                Some(Polled::TooLate)
            }
            Input::Fired(cid) => {
                let index = self
                    .escalations
                    .iter()
                    .position(|timer| *timer == Some(*cid))?;
                self.escalations[index] = None;
                self.escalate(cx, index);
                Some(Polled::Waiting)
            }
            _ => None,
        }
    }

    /// The question is no longer open.
    pub(crate) fn withdraw(&self, cx: &mut Cx<'_>) {
        let timers = self.escalations.iter().flatten().chain([&self.deadline]);
        for cid in timers.filter(|cid| cid.0 != 0) {
            cx.forget(*cid);
        }
        cx.forget(self.signals);
    }

    /// Until when there is time.
    pub(crate) fn until(&self) -> Timestamp {
        self.question.until
    }

    /// When the question was asked.
    pub(crate) fn asked_at(&self) -> Timestamp {
        self.question.asked_at
    }

    /// An answer of somebody who may not answer, or to another question, does not count.
    fn answered(&mut self, cx: &mut Cx<'_>, signal: &Signal<'_>) -> Polled {
        let Ok(answer) = Answer::deserialize(signal.value) else {
            return Polled::Waiting;
        };
        if answer.digest != self.question.digest
            || !self.question.may_answer(signal.by, &answer.roles)
        {
            return Polled::Waiting;
        }
        let said = Said {
            by: signal.by.to_owned(),
            comment: answer.comment,
            form: answer.form,
        };
        let again = self.yes.iter().any(|other| other.by == said.by);
        if again && answer.decision == Decision::Approve {
            return Polled::Waiting;
        }
        let news = NewsKind::StepAnswered {
            by: said.by.clone(),
            decision: answer.decision,
            comment: said.comment.clone(),
        };
        cx.tell(&self.question.step, news);
        if answer.decision == Decision::Deny {
            return Polled::Denied(said);
        }
        self.yes.push(said);
        if self.yes.len() < usize::try_from(self.question.ask.quorum).unwrap_or(usize::MAX) {
            return Polled::Waiting;
        }
        Polled::Approved(std::mem::take(&mut self.yes))
    }

    fn escalate(&mut self, cx: &mut Cx<'_>, index: usize) {
        let ask = &mut self.question.ask;
        let Some(others) = ask.escalate.get(index).map(|one| one.to.clone()) else {
            return;
        };
        ask.approvers.roles.extend(others.roles);
        ask.approvers.users.extend(others.users);
        cx.forget(self.signals);
        self.signals = wait_for(cx, &self.name, &self.question);
    }
}

fn wait_for(cx: &mut Cx<'_>, name: &str, question: &Question) -> Cid {
    let question = Box::new(question.clone());
    cx.wait_for(name, Wants::Answers { question })
}
