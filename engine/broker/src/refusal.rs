//! What a refusal of the token service means.
//!
//! Decided in this order: the status, the word of the protocol where it means one thing, the
//! service's number where the word means several, and then what the word means mostly.

use std::fmt;

use engine_model::Millis;
use oauth2::RequestTokenError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::aadsts;
use crate::carrier::{Seen, Unreachable};
use crate::error::{AuthError, AuthKind};

/// The longest pause a token service may order.
const PAUSE_MAX_S: u64 = 3600;
/// The answer to an application that asks in a loop.
const LOOP_DETECTED: u32 = 50_196;
const LOOP_PAUSE: Millis = Millis::from_secs(60);

/// Why an exchange failed, without anything of a body.
pub(crate) enum Failure {
    Unreachable(Unreachable),
    Refused(Refusal),
    Unreadable,
}

impl From<RequestTokenError<Unreachable, Refusal>> for Failure {
    fn from(error: RequestTokenError<Unreachable, Refusal>) -> Self {
        match error {
            RequestTokenError::ServerResponse(refusal) => Self::Refused(refusal),
            RequestTokenError::Request(unreachable) => Self::Unreachable(unreachable),
            // Both hold bytes or text of the answer.
            RequestTokenError::Parse(_, _) | RequestTokenError::Other(_) => Self::Unreadable,
        }
    }
}

/// Reads an answer that no library read.
pub(crate) fn read<T: DeserializeOwned>(answer: &oauth2::HttpResponse) -> Result<T, Failure> {
    if answer.status().is_success() {
        serde_json::from_slice(answer.body()).map_err(|_| Failure::Unreadable)
    } else {
        match serde_json::from_slice(answer.body()) {
            Ok(refusal) => Err(Failure::Refused(refusal)),
            Err(_) => Err(Failure::Unreadable),
        }
    }
}

impl Failure {
    /// The error for people; `is_user` where a person is asked for, who could sign in again.
    pub(crate) fn explain(self, seen: Seen, is_user: bool) -> AuthError {
        let mut error = match self {
            Self::Unreachable(cause) => {
                let kind = match cause {
                    Unreachable::Timeout => AuthKind::Timeout,
                    Unreachable::Connect => AuthKind::Network,
                    Unreachable::TooLarge | Unreachable::Build => AuthKind::Server,
                };
                AuthError::new(kind, cause.to_string())
            }
            Self::Refused(refusal) => refusal.explain(seen.status, is_user),
            Self::Unreadable => {
                let kind = kind_of_status(seen.status).unwrap_or(match seen.status {
                    Some(200) => AuthKind::Server,
                    _ => AuthKind::Configuration,
                });
                AuthError::new(kind, reason_of(kind))
            }
        };
        error.http_status = seen.status;
        if error.kind.is_transient() {
            let wait = seen
                .retry_after
                .map(|wait| Millis::from_ms(wait.as_ms().clamp(1000, PAUSE_MAX_S * 1000)));
            error.retry_after = wait.or(error.retry_after);
        }
        error
    }
}

/// The kind that a status decides before the body is looked at.
pub(crate) const fn kind_of_status(status: Option<u16>) -> Option<AuthKind> {
    match status {
        Some(429) => Some(AuthKind::Throttled),
        Some(408 | 500..=599) => Some(AuthKind::Server),
        _ => None,
    }
}

const fn reason_of(kind: AuthKind) -> &'static str {
    match kind {
        AuthKind::Throttled => "the token service asked to slow down",
        AuthKind::Credential => "the token service refused the credential",
        AuthKind::Clock => "the token service finds the statement of the application out of time",
        AuthKind::Federation => "the application does not trust the identity that spoke for it",
        AuthKind::Consent => "the tenant has not granted consent to the application",
        AuthKind::Interaction => "the token service wants the person to sign in",
        AuthKind::Locked => "the account is locked or disabled",
        AuthKind::Policy => "a policy of the tenant forbids the token",
        AuthKind::Configuration => "the token service refused the request",
        _ => "the token service failed",
    }
}

/// The token service's refusal. Its description is never read: it may quote what was sent.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    #[serde(default)]
    suberror: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    trace_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl oauth2::ErrorResponse for Refusal {}

impl Refusal {
    fn explain(self, status: Option<u16>, is_user: bool) -> AuthError {
        let kind = kind_of_status(status).unwrap_or_else(|| self.kind(is_user));
        let mut error = AuthError::new(kind, reason_of(kind));
        if self.error_codes.contains(&LOOP_DETECTED) {
            error.retry_after = Some(LOOP_PAUSE);
        }
        error.error = Some(self.error).filter(|text| is_plain(text, 64));
        error.trace_id = self.trace_id.filter(|text| is_plain(text, 40));
        error.codes = self.error_codes.into_iter().take(4).collect();
        error
    }

    fn kind(&self, is_user: bool) -> AuthKind {
        match self.error.as_str() {
            "temporarily_unavailable" | "server_error" => return AuthKind::Server,
            "consent_required" => return AuthKind::Consent,
            _ if self.suberror.as_deref() == Some("consent_required") => return AuthKind::Consent,
            _ => {}
        }
        if let Some(kind) = self.error_codes.iter().find_map(|code| aadsts::kind(*code)) {
            return if kind == AuthKind::Interaction && !is_user {
                // An application has nobody who could answer.
                AuthKind::Policy
            } else {
                kind
            };
        }
        match self.error.as_str() {
            "invalid_client" => AuthKind::Credential,
            "invalid_grant" | "interaction_required" | "login_required" | "access_denied"
                if is_user =>
            {
                AuthKind::Interaction
            }
            // The ends of a device code; the last two are the vendor's own words.
            "expired_token" | "authorization_declined" | "bad_verification_code" => {
                AuthKind::Interaction
            }
            "invalid_grant" | "interaction_required" | "access_denied" => AuthKind::Policy,
            _ => AuthKind::Configuration,
        }
    }
}

/// Whether a word of somebody else may stand in our messages.
pub(crate) fn is_plain(text: &str, length_max: usize) -> bool {
    text.len() <= length_max
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &str, code: Option<u32>, status: u16, is_user: bool) -> AuthKind {
        let codes: Vec<u32> = code.into_iter().collect();
        let body = serde_json::json!({
            "error": error,
            "error_codes": codes,
            "error_description": "AADSTS50053: the description decides nothing",
        });
        let refusal: Refusal = serde_json::from_value(body).unwrap();
        refusal.explain(Some(status), is_user).kind
    }

    #[test]
    fn every_number_of_the_table_means_what_it_says() {
        for row in aadsts::rows() {
            for word in ["invalid_grant", "invalid_client", "interaction_required"] {
                let found = kind(word, Some(row.number), 400, true);
                assert_eq!(found, row.kind, "{word} {}", row.number);
            }
            let wanted = match row.kind {
                AuthKind::Interaction => AuthKind::Policy,
                other => other,
            };
            let found = kind("invalid_grant", Some(row.number), 400, false);
            assert_eq!(found, wanted, "{}", row.number);
        }
    }

    #[test]
    fn a_number_in_the_description_alone_changes_nothing() {
        assert_eq!(
            kind("invalid_grant", None, 400, true),
            AuthKind::Interaction
        );
        assert_eq!(
            kind("invalid_client", None, 401, false),
            AuthKind::Credential
        );
    }

    #[test]
    fn the_status_decides_before_the_word_and_the_word_before_an_unknown_number() {
        assert_eq!(
            kind("invalid_client", Some(7_000_215), 429, false),
            AuthKind::Throttled
        );
        assert_eq!(
            kind("invalid_grant", Some(50_126), 503, true),
            AuthKind::Server
        );
        assert_eq!(
            kind("temporarily_unavailable", Some(7_000_215), 400, false),
            AuthKind::Server
        );
        assert_eq!(
            kind("invalid_client", Some(4_242), 401, false),
            AuthKind::Credential
        );
        assert_eq!(
            kind("invalid_grant", Some(4_242), 400, false),
            AuthKind::Policy
        );
        assert_eq!(
            kind("invalid_grant", None, 400, true),
            AuthKind::Interaction
        );
        assert_eq!(
            kind("brand_new_word", None, 400, true),
            AuthKind::Configuration
        );
    }
}
