//! Why there is no token, and what people are told about it.

use actions_contract::{ActionError, EgressError, ErrorKind};
use engine_model::{Code, Millis, code};

use crate::aadsts;
use crate::secret::SecretError;

/// What kind of trouble it is; decides about repetition, code and exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthKind {
    /// The token service was not reached.
    Network,
    /// It did not answer in time.
    Timeout,
    /// It failed, or answered nonsense.
    Server,
    /// It asked to slow down.
    Throttled,
    /// It does not accept the credential.
    Credential,
    /// It finds the statement of the application out of time.
    Clock,
    /// The application does not trust the identity that spoke for it.
    Federation,
    /// The certificate cannot be used.
    Certificate,
    /// It does not know the tenant, the application or the scope.
    Configuration,
    /// The application lacks the consent of the tenant.
    Consent,
    /// A person has to sign in.
    Interaction,
    /// The account of the person is locked or disabled.
    Locked,
    /// A policy of the tenant forbids it.
    Policy,
    /// The token that came back is for somebody else.
    Identity,
    /// The secret could not be read.
    Secret,
    /// The file of the refresh token cannot be used.
    Store,
    /// A defect of ours.
    Internal,
}

impl AuthKind {
    /// Whether trying again later may help without anybody changing anything.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Timeout | Self::Server | Self::Throttled | Self::Internal
        )
    }
}

/// Why there is no token. Holds no body, no secret and no text of the token service beyond short
/// words of its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthError {
    pub(crate) kind: AuthKind,
    /// One clause in our own words.
    pub(crate) reason: String,
    pub(crate) http_status: Option<u16>,
    /// The `error` of the answer, where it is a protocol word.
    pub(crate) error: Option<String>,
    /// The numbers the service gives with its errors.
    pub(crate) codes: Vec<u32>,
    /// The id under which the service logged the request.
    pub(crate) trace_id: Option<String>,
    /// How long to wait before asking again.
    pub(crate) retry_after: Option<Millis>,
    /// Where an administrator of the tenant can consent.
    pub(crate) consent_url: Option<String>,
}

impl AuthError {
    pub(crate) fn new(kind: AuthKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            http_status: None,
            error: None,
            codes: Vec::new(),
            trace_id: None,
            retry_after: None,
            consent_url: None,
        }
    }

    /// What playbooks and people see.
    pub(crate) fn to_action_error(&self, connection: &str) -> ActionError {
        let mut message = format!("connection `{connection}`: {}", self.reason);
        if let Some(error) = &self.error {
            message.push_str(&format!(" ({error}"));
            for number in &self.codes {
                message.push_str(&format!(", AADSTS{number}"));
            }
            message.push(')');
        }
        if let Some(hint) = self.codes.iter().find_map(|number| aadsts::hint(*number)) {
            message.push_str(&format!("; {hint}"));
        }
        if let Some(url) = &self.consent_url {
            message.push_str(&format!("; consent: {url}"));
        }
        if let Some(trace) = &self.trace_id {
            message.push_str(&format!("; trace {trace}"));
        }
        let (kind, code) = self.kind_and_code();
        if self.kind.is_transient() {
            ActionError::retryable(kind, code, message, self.retry_after)
        } else {
            ActionError::permanent(kind, code, message)
        }
    }

    const fn kind_and_code(&self) -> (ErrorKind, Code) {
        match self.kind {
            AuthKind::Network | AuthKind::Timeout | AuthKind::Server | AuthKind::Throttled => {
                (ErrorKind::Unavailable, code::BR0101)
            }
            AuthKind::Credential | AuthKind::Clock | AuthKind::Federation => {
                (ErrorKind::Unauthorized, code::BR0102)
            }
            AuthKind::Configuration | AuthKind::Policy => (ErrorKind::Unauthorized, code::BR0108),
            AuthKind::Certificate => (ErrorKind::Unauthorized, code::BR0109),
            AuthKind::Interaction => (ErrorKind::Unauthorized, code::BR0110),
            AuthKind::Consent => (ErrorKind::Unauthorized, code::BR0111),
            AuthKind::Locked => (ErrorKind::Unauthorized, code::BR0112),
            AuthKind::Identity => (ErrorKind::Unauthorized, code::BR0107),
            AuthKind::Secret => (ErrorKind::Unauthorized, code::BR0106),
            AuthKind::Store => (ErrorKind::Unauthorized, code::BR0113),
            AuthKind::Internal => (ErrorKind::Internal, code::BR0101),
        }
    }
}

impl From<SecretError> for AuthError {
    fn from(error: SecretError) -> Self {
        Self::new(AuthKind::Secret, error.to_string())
    }
}

/// A request that the rules of the broker keep inside.
pub(crate) fn refused(message: impl Into<String>) -> EgressError {
    EgressError::unsent(ActionError::permanent(
        ErrorKind::GuardRefused,
        code::BR0204,
        message,
    ))
}

/// A request that makes no sense.
pub(crate) fn invalid(message: impl Into<String>) -> EgressError {
    EgressError::unsent(ActionError::permanent(
        ErrorKind::InvalidInput,
        code::BR0206,
        message,
    ))
}

/// A connection that is missing or cannot do what is asked.
pub(crate) fn unconfigured(message: impl Into<String>) -> EgressError {
    EgressError::unsent(ActionError::permanent(
        ErrorKind::Unauthorized,
        code::BR0103,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [AuthKind; 17] = [
        AuthKind::Network,
        AuthKind::Timeout,
        AuthKind::Server,
        AuthKind::Throttled,
        AuthKind::Credential,
        AuthKind::Clock,
        AuthKind::Federation,
        AuthKind::Certificate,
        AuthKind::Configuration,
        AuthKind::Consent,
        AuthKind::Interaction,
        AuthKind::Locked,
        AuthKind::Policy,
        AuthKind::Identity,
        AuthKind::Secret,
        AuthKind::Store,
        AuthKind::Internal,
    ];

    #[test]
    fn every_kind_of_trouble_has_a_page_that_says_what_to_do() {
        for (place, kind) in ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "a kind is missing in the list");
            let error = AuthError::new(kind, "one clause").to_action_error("prod");
            let code = Code::find(&error.code).unwrap();
            let page = code.page();
            assert!(page.starts_with(&format!("# {}: ", error.code)), "{kind:?}");
            assert!(page.contains("## What to do"), "{kind:?}: {}", error.code);
            assert_eq!(error.retryable, kind.is_transient(), "{kind:?}");
        }
    }
}
