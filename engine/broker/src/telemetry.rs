//! What happens to tokens, told to logs and to one observer; never a token itself.

use std::fmt;
use std::sync::Arc;

use actions_contract::{Api, Call};
use engine_model::RunId;

use crate::error::AuthError;

/// What happened to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenEventKind {
    /// The token service is asked, since there is no usable token.
    Requested,
    /// The token service gave one.
    Issued,
    /// The token service gave none, and there is none to go on with.
    Failed,
    /// The token service is asked ahead of time.
    RefreshStarted,
    /// That failed; the older token goes on serving.
    RefreshFailedServingOld,
    /// An API rejected the token; it is dropped.
    Invalidated,
    /// An API wants a token with further claims; the old one is dropped.
    ClaimsChallenge,
    /// A request leaves with the token.
    Used,
    /// The credential itself comes to its end; told 30, 14, 7 and 1 day before.
    CredentialExpiring,
    /// The token service replaced the refresh token of a session.
    RefreshTokenRotated,
}

impl TokenEventKind {
    /// The word for it in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "token.requested",
            Self::Issued => "token.issued",
            Self::Failed => "token.failed",
            Self::RefreshStarted => "token.refresh_started",
            Self::RefreshFailedServingOld => "token.refresh_failed_serving_old",
            Self::Invalidated => "token.invalidated",
            Self::ClaimsChallenge => "token.claims_challenge",
            Self::Used => "token.used",
            Self::CredentialExpiring => "token.credential_expiring",
            Self::RefreshTokenRotated => "token.rt_rotated",
        }
    }
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenSource {
    /// It was at hand.
    Cache,
    /// The token service was asked for it.
    Idp,
}

impl TokenSource {
    /// The word for it in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Idp => "idp",
        }
    }
}

/// For what a token was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSubject {
    /// The connection.
    pub connection: String,
    /// The directory.
    pub tenant: String,
    /// The application.
    pub client_id: String,
    /// The API.
    pub api: Api,
    /// The run that wanted it.
    pub run: Option<RunId>,
    /// The path of its step.
    pub step: Option<String>,
    /// The number of the try.
    pub attempt: Option<u32>,
}

impl TokenSubject {
    /// The subject of a request of `call`.
    pub(crate) fn of(call: &Call, link: &crate::link::Link, api: Api) -> Self {
        Self {
            connection: link.name.clone(),
            tenant: link.directory(call.tenant.as_str()).to_owned(),
            client_id: link.client_id.clone(),
            api,
            run: Some(call.run.clone()),
            step: Some(call.step.clone()),
            attempt: Some(call.attempt),
        }
    }
}

/// One thing that happened to a token. Names the token, never shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEvent {
    /// What happened.
    pub kind: TokenEventKind,
    /// For what.
    pub subject: TokenSubject,
    /// Where the token came from.
    pub source: Option<TokenSource>,
    /// How often a token of this key was rejected before.
    pub epoch: u64,
    /// The name of the token: its `uti` claim, which sign-in logs show too, or a fingerprint.
    pub token: Option<String>,
    /// For how many seconds the token will still be used, or the credential is still valid.
    pub ttl_s: Option<u64>,
    /// The status of the token service's answer.
    pub http_status: Option<u16>,
    /// The error word of the token service.
    pub error: Option<String>,
    /// How long the token service took.
    pub elapsed_ms: Option<u64>,
}

impl TokenEvent {
    pub(crate) fn new(kind: TokenEventKind, subject: &TokenSubject, epoch: u64) -> Self {
        Self {
            kind,
            subject: subject.clone(),
            source: None,
            epoch,
            token: None,
            ttl_s: None,
            http_status: None,
            error: None,
            elapsed_ms: None,
        }
    }

    pub(crate) fn failed_with(mut self, error: &AuthError) -> Self {
        self.http_status = error.http_status;
        self.error = Some(error.error.clone().unwrap_or_else(|| error.reason.clone()));
        self
    }
}

/// Is told of every token event, on the thread where it happens; must return at once.
pub type Observer = Arc<dyn Fn(&TokenEvent) + Send + Sync>;

/// Tells logs and the observer.
#[derive(Clone, Default)]
pub(crate) struct Telemetry {
    observer: Option<Observer>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// One log line with the fields of a token event; a level has to be a constant.
macro_rules! line {
    ($level:ident, $event:expr) => {
        tracing::$level!(
            connection = $event.subject.connection,
            tenant = $event.subject.tenant,
            client = $event.subject.client_id,
            api = $event.subject.api.as_str(),
            run = $event.subject.run.as_ref().map(tracing::field::display),
            step = $event.subject.step,
            attempt = $event.subject.attempt,
            source = $event.source.map(TokenSource::as_str),
            epoch = $event.epoch,
            token = $event.token,
            ttl_s = $event.ttl_s,
            http_status = $event.http_status,
            error = $event.error,
            elapsed_ms = $event.elapsed_ms,
            "{}",
            $event.kind.as_str()
        )
    };
}

impl Telemetry {
    pub(crate) const fn new(observer: Option<Observer>) -> Self {
        Self { observer }
    }

    pub(crate) fn tell(&self, event: &TokenEvent) {
        match event.kind {
            TokenEventKind::Failed
            | TokenEventKind::RefreshFailedServingOld
            | TokenEventKind::CredentialExpiring => line!(warn, event),
            TokenEventKind::Issued
            | TokenEventKind::Invalidated
            | TokenEventKind::ClaimsChallenge
            | TokenEventKind::RefreshTokenRotated => line!(info, event),
            TokenEventKind::Requested | TokenEventKind::RefreshStarted | TokenEventKind::Used => {
                line!(debug, event);
            }
        }
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}
