//! What the world may answer to a try.

use actions_contract::{ActionError, Approvers, Ask, ErrorKind, Escalation, Outcome};
use engine_model::{Digest, Millis, code};
use serde_json::{Value, json};

use crate::world::Sent;

/// What becomes of a try, and how long that takes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) after: Millis,
    pub(crate) came_to: CameTo,
}

/// What becomes of a try.
#[derive(Clone, Debug)]
pub(crate) enum CameTo {
    /// The action says so.
    Outcome(Outcome),
    /// The engine stops meanwhile.
    Interruption,
}

impl Answer {
    /// The same, but it takes this long.
    pub(crate) fn after(self, after: &str) -> Self {
        let after = after.parse().unwrap();
        Self { after, ..self }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self {
            after: Millis::from_ms(100),
            came_to: CameTo::Outcome(outcome),
        }
    }
}

pub(crate) fn done(output: Value) -> Answer {
    Outcome::Done { output }.into()
}

pub(crate) fn pending(state: Value, resume_after: &str) -> Answer {
    Outcome::Pending {
        state,
        resume_after: resume_after.parse().unwrap(),
        note: Some("the device is asleep".to_owned()),
    }
    .into()
}

pub(crate) fn nothing() -> Answer {
    Outcome::Nothing.into()
}

pub(crate) fn unclear() -> Answer {
    Outcome::Unclear {
        message: "two look alike".to_owned(),
    }
    .into()
}

pub(crate) fn interrupted() -> Answer {
    Answer {
        after: Millis::from_secs(5),
        came_to: CameTo::Interruption,
    }
}

/// A failure that another try may mend.
pub(crate) fn failed(kind: ErrorKind, retry_after: Option<&str>) -> Answer {
    let message = format!("{kind} for now");
    let wait = retry_after.map(|wait| wait.parse().unwrap());
    let error = ActionError::retryable(kind, code::AC0111, message, wait);
    Outcome::Failed { error }.into()
}

/// A failure that no other try mends.
pub(crate) fn broken(kind: ErrorKind) -> Answer {
    let mut error = ActionError::permanent(kind, code::AC0101, "it does not work");
    error.details = Some(json!({ "vendor": "said no" }));
    Outcome::Failed { error }.into()
}

pub(crate) fn unknown() -> Answer {
    let error =
        ActionError::retryable(ErrorKind::Network, code::BR0201, "the line went dead", None);
    Outcome::Unknown { error }.into()
}

/// A policy asks leads for approval, two of them where `quorum` says so; what they decide on is
/// `shown`.
pub(crate) fn held(shown: &str, quorum: u32) -> Answer {
    let approval = Ask {
        message: "may it?".to_owned(),
        approvers: Approvers {
            roles: vec!["lead".to_owned()],
            users: Vec::new(),
        },
        quorum,
        not_self: true,
        timeout: Millis::from_secs(3600),
        escalate: vec![Escalation {
            after: Millis::from_secs(600),
            to: Approvers {
                roles: Vec::new(),
                users: vec!["boss".to_owned()],
            },
        }],
        form: None,
        notify: Vec::new(),
    };
    Outcome::Held {
        rule: "servers".to_owned(),
        digest: Digest::of(shown.as_bytes()),
        approval: Box::new(approval),
        shown: json!({ "target": shown }),
    }
    .into()
}

/// A guard rail says no.
pub(crate) fn refused(kind: ErrorKind) -> Answer {
    let error = ActionError::permanent(kind, code::AC0101, "it is on the never-list");
    Outcome::Refused { error }.into()
}

/// A lead answers.
pub(crate) fn lead(name: &str, decision: &str, after: &str) -> Sent {
    person(name, &["lead"], decision, after)
}

/// A person with these roles answers.
pub(crate) fn person(name: &str, roles: &[&str], decision: &str, after: &str) -> Sent {
    Sent {
        after: after.parse().unwrap(),
        by: name.to_owned(),
        value: json!({ "decision": decision, "roles": roles }),
    }
}
