//! One request to the token service, with the client credentials grant.
//!
//! The `oauth2` crate builds the form and reads the answer. Its errors hold the whole body, token
//! included, so they are taken apart here and go no further.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actions_contract::BoxFuture;
use engine_model::Millis;
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse,
    RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clients::{Clients, Purpose};
use crate::clock::{Clock, Moment};
use crate::error::{AuthError, AuthKind};
use crate::key::Sealer;
use crate::retry_after;
use crate::token::{Expected, Issued, inspect};

const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest pause a token service may order.
const PAUSE_MAX_S: u64 = 3600;
/// Answers to an application that asks in a loop.
const LOOP_DETECTED: u32 = 50_196;
const LOOP_PAUSE: Millis = Millis::from_secs(60);

/// What is asked of the token service.
pub(crate) struct Ask {
    pub(crate) token_url: Url,
    pub(crate) scope: String,
    pub(crate) secret: SecretString,
    pub(crate) expected: Expected,
}

/// What a request for a token needs of the broker.
pub(crate) struct Fetcher {
    pub(crate) clients: Arc<Clients>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Arc<Sealer>,
}

impl Fetcher {
    /// Asks once.
    pub(crate) async fn fetch(&self, ask: Ask) -> Result<Issued, AuthError> {
        let client = self
            .clients
            .get(Purpose::Idp, &ask.token_url)
            .map_err(|fault| AuthError::new(AuthKind::Network, fault))?;
        let sent = self.clock.now();
        let carrier = Carrier {
            client,
            now_ms: sent.wall_ms,
            seen: Mutex::default(),
        };
        let application = Client::new(ClientId::new(ask.expected.client_id.clone()))
            .set_client_secret(ClientSecret::new(ask.secret.expose_secret().to_owned()))
            .set_token_uri(TokenUrl::from_url(ask.token_url.clone()))
            .set_auth_type(AuthType::RequestBody);
        let request = application
            .exchange_client_credentials()
            .add_scope(Scope::new(ask.scope.clone()))
            .request_async(&carrier);
        let outcome = match tokio::time::timeout(ANSWER_TIMEOUT, request).await {
            Ok(outcome) => outcome.map_err(Failure::from),
            Err(_) => {
                let reason = "the token service did not answer in time";
                return Err(AuthError::new(AuthKind::Timeout, reason));
            }
        };
        let seen = *carrier.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(reply) => self.accept(reply, &ask.expected, sent),
            Err(failure) => Err(failure.explain(seen)),
        }
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

/// What was seen of the answer; the crate drops it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    status: Option<u16>,
    retry_after: Option<Millis>,
}

/// Why an exchange failed, without anything of a body.
enum Failure {
    Unreachable(Unreachable),
    Refused(Refusal),
    Unreadable,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unreachable {
    #[error("the token service could not be reached")]
    Connect,
    #[error("the token service did not answer in time")]
    Timeout,
    #[error("the answer of the token service is too large")]
    TooLarge,
    #[error("the request for a token could not be built")]
    Build,
}

type Client = oauth2::Client<
    Refusal,
    Reply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

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

/// Carries the crate's requests over our client, and keeps what the crate would drop.
struct Carrier {
    client: reqwest::Client,
    now_ms: i64,
    seen: Mutex<Seen>,
}

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Unreachable;
    type Future = BoxFuture<'c, Result<HttpResponse, Unreachable>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}

impl Carrier {
    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let request = reqwest::Request::try_from(request).map_err(|_| Unreachable::Build)?;
        let mut answer = self.client.execute(request).await.map_err(unreachable)?;
        let status = answer.status();
        let header = answer.headers().get(http::header::RETRY_AFTER);
        let retry_after = header
            .and_then(|value| value.to_str().ok())
            .and_then(|text| retry_after::parse(text, self.now_ms));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen {
            status: Some(status.as_u16()),
            retry_after,
        };
        let mut response = http::Response::builder().status(status);
        if let Some(kind) = answer.headers().get(http::header::CONTENT_TYPE) {
            response = response.header(http::header::CONTENT_TYPE, kind);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Unreachable::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|_| Unreachable::Build)
    }
}

fn unreachable(error: reqwest::Error) -> Unreachable {
    if error.is_timeout() {
        Unreachable::Timeout
    } else {
        Unreachable::Connect
    }
}

impl Failure {
    fn explain(self, seen: Seen) -> AuthError {
        let mut error = match self {
            Self::Unreachable(cause) => {
                let kind = match cause {
                    Unreachable::Timeout => AuthKind::Timeout,
                    Unreachable::Connect => AuthKind::Network,
                    Unreachable::TooLarge | Unreachable::Build => AuthKind::Server,
                };
                AuthError::new(kind, cause.to_string())
            }
            Self::Refused(refusal) => refusal.explain(seen.status),
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
const fn kind_of_status(status: Option<u16>) -> Option<AuthKind> {
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
        AuthKind::Consent => "the tenant has not granted consent to the application",
        AuthKind::Policy => "a policy of the tenant forbids the token",
        AuthKind::Configuration => "the token service refused the request",
        _ => "the token service failed",
    }
}

/// The token service's refusal. Its description is never read: it may quote what was sent.
#[derive(Debug, Deserialize, Serialize)]
struct Refusal {
    error: String,
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
    fn explain(self, status: Option<u16>) -> AuthError {
        let kind = kind_of_status(status).unwrap_or_else(|| self.kind());
        let mut error = AuthError::new(kind, reason_of(kind));
        if self.error_codes.contains(&LOOP_DETECTED) {
            error.retry_after = Some(LOOP_PAUSE);
        }
        error.error = Some(self.error).filter(|text| is_plain(text, 64));
        error.trace_id = self.trace_id.filter(|text| is_plain(text, 40));
        error.codes = self.error_codes.into_iter().take(4).collect();
        error
    }

    /// By the word of the protocol; numbers only where the word means two things.
    fn kind(&self) -> AuthKind {
        let has = |number: u32| self.error_codes.contains(&number);
        let consent = self.suberror.as_deref() == Some("consent_required");
        match self.error.as_str() {
            "temporarily_unavailable" | "server_error" => AuthKind::Server,
            _ if has(LOOP_DETECTED) => AuthKind::Throttled,
            "invalid_client" => AuthKind::Credential,
            "consent_required" => AuthKind::Consent,
            "invalid_grant" | "interaction_required" | "access_denied" => {
                if consent || has(65_001) {
                    AuthKind::Consent
                } else {
                    AuthKind::Policy
                }
            }
            _ => AuthKind::Configuration,
        }
    }
}

/// Whether a word of somebody else may stand in our messages.
fn is_plain(text: &str, length_max: usize) -> bool {
    text.len() <= length_max
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// The token service's answer.
#[derive(Deserialize)]
struct Reply {
    access_token: AccessToken,
    #[serde(deserialize_with = "oauth2::helpers::deserialize_untagged_enum_case_insensitive")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_in: Option<u64>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The crate asks for it; a reply is never written anywhere.
impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("a token is never written"))
    }
}

impl TokenResponse for Reply {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// Seconds as a number or, as older endpoints write them, as text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Number(number) => Some(number),
        Either::Text(text) => text.trim().parse().ok(),
        Either::Other(_) => None,
    })
}
