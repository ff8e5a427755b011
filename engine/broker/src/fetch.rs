//! One request to the token service.
//!
//! The `oauth2` crate builds the form and reads the answer. Its errors hold the whole body, token
//! included, so they are taken apart here and go no further.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::basic::BasicTokenType;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::carrier::{Carrier, Seen};
use crate::clients::{Clients, Purpose};
use crate::clock::{Clock, Moment};
use crate::credential::Managed;
use crate::error::{AuthError, AuthKind};
use crate::grant::{Form, Grant, Proven};
use crate::key::Sealer;
use crate::link::resource_of;
use crate::reply::Reply;
use crate::secret::Secrets;
use crate::statement;
use crate::token::{Expected, Issued, inspect};
use crate::wallet::Evidence;

pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A clock further off than this is spoken of.
const SKEW_TOLD_MS: u64 = 60_000;
/// A clock further off than this makes statements worthless.
const SKEW_MAX_MS: u64 = 240_000;
/// A clock further off than this is not believed: TLS would not have worked with it.
const SKEW_ABSURD_MS: u64 = 86_400_000;
/// A trust that was only just configured takes a while to be in force.
const TRUST_FRESH_MS: u64 = 600_000;

/// What is asked of the token service.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) token_url: Url,
    pub(crate) scope: String,
    pub(crate) grant: Grant,
    pub(crate) evidence: Evidence,
    pub(crate) expected: Expected,
    /// What the token has to say, and that we understand challenges.
    pub(crate) claims: String,
}

/// What the token service gave, with what a session goes on with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) issued: Issued,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
}

/// What a request for a token needs of the broker.
pub(crate) struct Fetcher {
    pub(crate) clients: Arc<Clients>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) secrets: Arc<Secrets>,
    /// How far each token service's clock is ahead of ours, in milliseconds.
    ahead: Mutex<HashMap<String, i64>>,
    begun: Moment,
}

impl Fetcher {
    pub(crate) fn new(
        clients: Arc<Clients>,
        clock: Arc<dyn Clock>,
        sealer: Arc<Sealer>,
        secrets: Arc<Secrets>,
    ) -> Self {
        let begun = clock.now();
        Self {
            clients,
            clock,
            sealer,
            secrets,
            ahead: Mutex::default(),
            begun,
        }
    }

    /// Asks for a token that nothing follows from.
    pub(crate) async fn fetch(&self, ask: Ask) -> Result<Issued, AuthError> {
        self.exchange(&ask).await.map(|answer| answer.issued)
    }

    /// Asks once; once more where a statement was out of time, since the next is made anew.
    pub(crate) async fn exchange(&self, ask: &Ask) -> Result<Answer, AuthError> {
        if let Evidence::Managed(managed) = &ask.evidence {
            return self.fetch_managed(managed, ask).await;
        }
        let mut outcome = self.ask(ask).await;
        let is_late = outcome
            .as_ref()
            .is_err_and(|error| error.kind == AuthKind::Clock);
        // A password is sent once, whatever happens.
        if is_late && !matches!(ask.grant, Grant::Password { .. }) {
            outcome = self.ask(ask).await;
        }
        outcome.map_err(|error| self.advise(error, &ask.token_url))
    }

    async fn fetch_managed(&self, managed: &Managed, ask: &Ask) -> Result<Answer, AuthError> {
        let sent = self.clock.now();
        let reply = self.managed(managed, resource_of(&ask.scope)).await?;
        self.accept(reply, &ask.expected, sent)
    }

    async fn ask(&self, ask: &Ask) -> Result<Answer, AuthError> {
        let proven = self.proven(ask).await?;
        let sent = self.clock.now();
        let carrier = Carrier::new(self.client(Purpose::Idp, &ask.token_url)?, sent.wall_ms);
        let form = Form {
            token_url: &ask.token_url,
            client_id: &ask.expected.client_id,
            scope: &ask.scope,
            grant: &ask.grant,
            claims: &ask.claims,
            proven: &proven,
        };
        let outcome = tokio::time::timeout(ANSWER_TIMEOUT, form.send(&carrier)).await;
        let Ok(outcome) = outcome else {
            let reason = "the token service did not answer in time";
            return Err(AuthError::new(AuthKind::Timeout, reason));
        };
        let seen = carrier.seen();
        self.note_clock(&ask.token_url, seen);
        match outcome {
            Ok(reply) => self.accept(reply, &ask.expected, sent),
            Err(failure) => Err(failure.explain(seen, ask.grant.is_user())),
        }
    }

    /// Made for this very request: a statement lives for minutes and is good for one use.
    async fn proven(&self, ask: &Ask) -> Result<Proven, AuthError> {
        match &ask.evidence {
            Evidence::Nothing => Ok(Proven::Nothing),
            Evidence::Secret(secret) => Ok(Proven::Secret(secret.clone())),
            Evidence::Certificate { signer, send_x5c } => {
                let now_ms = self.clock.now().wall_ms + self.ahead_ms(&ask.token_url);
                let parties = (ask.token_url.as_str(), ask.expected.client_id.as_str());
                let statement = statement::sign(signer, *send_x5c, parties, now_ms / 1000).await?;
                Ok(Proven::Statement(statement))
            }
            Evidence::Federated(federation) => {
                self.federated(federation).await.map(Proven::Statement)
            }
            Evidence::Managed(_) => {
                let reason = "a managed identity shows nothing to the token service";
                Err(AuthError::new(AuthKind::Internal, reason))
            }
        }
    }

    pub(crate) fn client(&self, purpose: Purpose, url: &Url) -> Result<reqwest::Client, AuthError> {
        self.clients
            .get(purpose, url)
            .map_err(|fault| AuthError::new(AuthKind::Network, fault))
    }

    fn ahead_ms(&self, url: &Url) -> i64 {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let host = url.host_str().unwrap_or_default();
        ahead.get(host).copied().unwrap_or(0)
    }

    /// Compares the clocks, and says so once when they part.
    fn note_clock(&self, url: &Url, seen: Seen) {
        let Some(ahead_ms) = seen.ahead_ms else {
            return;
        };
        if ahead_ms.unsigned_abs() > SKEW_ABSURD_MS {
            return;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let before = ahead.insert(host.clone(), ahead_ms).unwrap_or(0);
        drop(ahead);
        let is_off = |ms: i64| ms.unsigned_abs() > SKEW_TOLD_MS;
        if is_off(ahead_ms) && !is_off(before) {
            tracing::warn!(host, ahead_s = ahead_ms / 1000, "clock.differs");
        }
    }

    /// Adds what we know and the service does not.
    fn advise(&self, mut error: AuthError, url: &Url) -> AuthError {
        let ahead_ms = self.ahead_ms(url);
        match error.kind {
            AuthKind::Clock if ahead_ms.unsigned_abs() > SKEW_MAX_MS => {
                let off_s = ahead_ms.unsigned_abs() / 1000;
                error.reason = format!("the clock of this machine is off by {off_s} seconds");
            }
            AuthKind::Federation
                if !self.begun.plus(TRUST_FRESH_MS).is_reached(self.clock.now()) =>
            {
                error.kind = AuthKind::Server;
                error.reason.push_str(", perhaps not yet");
            }
            _ => {}
        }
        error
    }

    fn accept(&self, reply: Reply, expected: &Expected, sent: Moment) -> Result<Answer, AuthError> {
        let secret = SecretString::from(reply.access_token.into_secret());
        let name = inspect(secret.expose_secret(), expected)?
            .unwrap_or_else(|| format!("{:?}", self.sealer.fingerprint(secret.expose_secret())));
        let (expires_in, refresh_in) = (reply.expires_in, reply.refresh_in);
        let issued = Issued {
            secret,
            expires_in,
            refresh_in,
            name,
            sent,
        };
        if issued.is_empty() || reply.token_type != BasicTokenType::Bearer {
            let reason = "the token service answered without a bearer token";
            return Err(AuthError::new(AuthKind::Server, reason));
        }
        Ok(Answer {
            issued,
            refresh_token: reply.refresh_token.map(|token| token.into_secret().into()),
            id_token: reply.id_token.map(|token| token.into_secret().into()),
        })
    }
}
