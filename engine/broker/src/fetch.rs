//! One request to the token service.
//!
//! The `oauth2` crate builds the form and reads the answer. Its errors hold the whole body, token
//! included, so they are taken apart here and go no further.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{AuthType, ClientId, ClientSecret, Scope, StandardRevocableToken, TokenUrl};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::carrier::{Carrier, Seen};
use crate::clients::{Clients, Purpose};
use crate::clock::{Clock, Moment};
use crate::credential::Managed;
use crate::error::{AuthError, AuthKind};
use crate::key::Sealer;
use crate::link::resource_of;
use crate::refusal::{Failure, Refusal};
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
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is asked of the token service.
pub(crate) struct Ask {
    pub(crate) token_url: Url,
    pub(crate) scope: String,
    pub(crate) evidence: Evidence,
    pub(crate) expected: Expected,
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

type Client = oauth2::Client<
    Refusal,
    Reply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// What stands in a form to prove who asks.
enum Shown {
    Secret(SecretString),
    Statement(SecretString),
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

    /// Asks once; once more where a statement was out of time, since the next is made anew.
    pub(crate) async fn fetch(&self, ask: Ask) -> Result<Issued, AuthError> {
        if let Evidence::Managed(managed) = &ask.evidence {
            return self.fetch_managed(managed, &ask).await;
        }
        let mut outcome = self.ask(&ask).await;
        if outcome
            .as_ref()
            .is_err_and(|error| error.kind == AuthKind::Clock)
        {
            outcome = self.ask(&ask).await;
        }
        outcome.map_err(|error| self.advise(error, &ask.token_url))
    }

    async fn fetch_managed(&self, managed: &Managed, ask: &Ask) -> Result<Issued, AuthError> {
        let sent = self.clock.now();
        let reply = self.managed(managed, resource_of(&ask.scope)).await?;
        self.accept(reply, &ask.expected, sent)
    }

    async fn ask(&self, ask: &Ask) -> Result<Issued, AuthError> {
        let shown = self.shown(ask).await?;
        let sent = self.clock.now();
        let carrier = Carrier::new(self.client(Purpose::Idp, &ask.token_url)?, sent.wall_ms);
        let mut application = Client::new(ClientId::new(ask.expected.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(ask.token_url.clone()))
            .set_auth_type(AuthType::RequestBody);
        let mut extra = Vec::new();
        match &shown {
            Shown::Secret(secret) => {
                let secret = ClientSecret::new(secret.expose_secret().to_owned());
                application = application.set_client_secret(secret);
            }
            Shown::Statement(statement) => extra.extend([
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", statement.expose_secret()),
            ]),
        }
        let mut request = application
            .exchange_client_credentials()
            .add_scope(Scope::new(ask.scope.clone()));
        for (name, value) in extra {
            request = request.add_extra_param(name, value);
        }
        let sending = request.request_async(&carrier);
        let outcome = match tokio::time::timeout(ANSWER_TIMEOUT, sending).await {
            Ok(outcome) => outcome.map_err(Failure::from),
            Err(_) => {
                let reason = "the token service did not answer in time";
                return Err(AuthError::new(AuthKind::Timeout, reason));
            }
        };
        let seen = carrier.seen();
        self.note_clock(&ask.token_url, seen);
        match outcome {
            Ok(reply) => self.accept(reply, &ask.expected, sent),
            Err(failure) => Err(failure.explain(seen, false)),
        }
    }

    /// Made for this very request: a statement lives for minutes and is good for one use.
    async fn shown(&self, ask: &Ask) -> Result<Shown, AuthError> {
        match &ask.evidence {
            Evidence::Secret(secret) => Ok(Shown::Secret(secret.clone())),
            Evidence::Certificate { signer, send_x5c } => {
                let now_ms = self.clock.now().wall_ms + self.ahead_ms(&ask.token_url);
                let parties = (ask.token_url.as_str(), ask.expected.client_id.as_str());
                let statement = statement::sign(signer, *send_x5c, parties, now_ms / 1000)?;
                Ok(Shown::Statement(statement))
            }
            Evidence::Federated(federation) => {
                self.federated(federation).await.map(Shown::Statement)
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

    fn accept(&self, reply: Reply, expected: &Expected, sent: Moment) -> Result<Issued, AuthError> {
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
        Ok(issued)
    }
}
