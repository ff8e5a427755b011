//! What people are asked before something is done.

use engine_model::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question to people: who may answer, how many have to agree, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What is asked.
    pub message: String,
    /// Who may answer.
    pub approvers: Approvers,
    /// How many different people have to agree.
    pub quorum: u32,
    /// Whoever started the run does not count.
    pub not_self: bool,
    /// How long there is time for an answer.
    pub timeout: Millis,
    /// Who may answer as well, after a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<Escalation>,
    /// JSON Schema of what they fill in, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// Where they are told, by the names of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
}

/// People by their roles or names; whoever is meant by one of them may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// Everybody who has one of these roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// These people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
}

impl Approvers {
    /// Whether somebody of this name with these roles is meant.
    #[must_use]
    pub fn include(&self, name: &str, roles: &[String]) -> bool {
        self.users.iter().any(|user| user == name)
            || self.roles.iter().any(|role| roles.contains(role))
    }
}

/// Others who may answer after a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after the question.
    pub after: Millis,
    /// Who.
    pub to: Approvers,
}
