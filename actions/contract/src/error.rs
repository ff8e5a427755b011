//! Why an action did not succeed.

use std::borrow::Cow;
use std::fmt;

use engine_model::{Code, Millis};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of an error: what playbooks branch on and what decides about another try.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ErrorKind {
    /// The connection failed.
    Network,
    /// No answer within the time allowed.
    Timeout,
    /// The service, or our own limit, asked to slow down.
    RateLimited,
    /// The service is down for the moment.
    Unavailable,
    /// No usable credential.
    Unauthorized,
    /// The credential lacks a permission.
    PermissionDenied,
    /// The object does not exist.
    NotFound,
    /// The object is in a state that does not allow this.
    Conflict,
    /// The parameters mean nothing to the service.
    InvalidInput,
    /// The answer does not have the documented shape.
    InvalidOutput,
    /// This cannot be done here.
    Unsupported,
    /// The target is not exactly one object.
    TargetAmbiguous,
    /// A guard rail said no.
    GuardRefused,
    /// A person said no.
    ApprovalDenied,
    /// An expression failed.
    Expression,
    /// A plugin broke.
    PluginTrap,
    /// Somebody cancelled.
    Cancelled,
    /// A defect of the engine.
    Internal,
    /// A kind that the playbook itself defines with `fail`.
    Custom(String),
}

const KINDS: [(ErrorKind, &str); 18] = [
    (ErrorKind::Network, "network"),
    (ErrorKind::Timeout, "timeout"),
    (ErrorKind::RateLimited, "rate_limited"),
    (ErrorKind::Unavailable, "unavailable"),
    (ErrorKind::Unauthorized, "unauthorized"),
    (ErrorKind::PermissionDenied, "permission_denied"),
    (ErrorKind::NotFound, "not_found"),
    (ErrorKind::Conflict, "conflict"),
    (ErrorKind::InvalidInput, "invalid_input"),
    (ErrorKind::InvalidOutput, "invalid_output"),
    (ErrorKind::Unsupported, "unsupported"),
    (ErrorKind::TargetAmbiguous, "target_ambiguous"),
    (ErrorKind::GuardRefused, "guard_refused"),
    (ErrorKind::ApprovalDenied, "approval_denied"),
    (ErrorKind::Expression, "expression"),
    (ErrorKind::PluginTrap, "plugin_trap"),
    (ErrorKind::Cancelled, "cancelled"),
    (ErrorKind::Internal, "internal"),
];

impl ErrorKind {
    /// The words of every kind that the engine itself uses.
    #[must_use]
    pub fn words() -> Vec<&'static str> {
        KINDS.iter().map(|(_, word)| *word).collect()
    }

    /// The word for it in playbooks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Custom(word) => word,
            known => KINDS
                .iter()
                .find(|(kind, _)| kind == known)
                .map_or("internal", |(_, word)| *word),
        }
    }
}

impl From<String> for ErrorKind {
    fn from(word: String) -> Self {
        match KINDS.iter().find(|(_, known)| *known == word) {
            Some((kind, _)) => kind.clone(),
            None => Self::Custom(word),
        }
    }
}

impl From<ErrorKind> for String {
    fn from(kind: ErrorKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an action did not succeed; stored in the journal, shown to people, matched by playbooks.
///
/// Holds no token and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
#[serde(deny_unknown_fields)]
pub struct ActionError {
    /// What playbooks branch on.
    pub kind: ErrorKind,
    /// Stable and documented: a code of ours such as `AC0102`, or a plugin's own.
    pub code: Cow<'static, str>,
    /// One line for people.
    pub message: String,
    /// Whether another try may work.
    pub retryable: bool,
    /// Wait at least this long before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Millis>,
    /// What the service said beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl ActionError {
    /// An error that another try cannot mend.
    #[must_use]
    pub fn permanent(kind: ErrorKind, code: Code, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: Cow::Borrowed(code.as_str()),
            message: message.into(),
            retryable: false,
            retry_after: None,
            details: None,
        }
    }

    /// An error that another try may mend, after `retry_after` where the service says so.
    #[must_use]
    pub fn retryable(
        kind: ErrorKind,
        code: Code,
        message: impl Into<String>,
        retry_after: Option<Millis>,
    ) -> Self {
        Self {
            retryable: true,
            retry_after,
            ..Self::permanent(kind, code, message)
        }
    }
}
