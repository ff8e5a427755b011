//! Signing a person in, when somebody explicitly asks for it.

use std::sync::Arc;
use std::time::Duration;

use actions_contract::{ActionError, ErrorKind};
use engine_model::{Millis, code};
use oauth2::{CsrfToken, PkceCodeChallenge};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::broker::Broker;
use crate::carrier::Carrier;
use crate::challenge::Challenge;
use crate::clients::Purpose;
use crate::device;
use crate::error::{AuthError, AuthKind};
use crate::fetch::{Answer, Ask};
use crate::grant::{Grant, post};
use crate::keep::Record;
use crate::link::{Link, Role, Route, UserRole, Way};
use crate::loopback::Loopback;
use crate::refusal::{self, Failure};
use crate::session::{Account, Session};
use crate::statement::random_id;
use crate::token::{Expected, claims_of};
use crate::user::with_session_scopes;
use crate::wallet::Evidence;

/// How long a browser may take.
const BROWSER_WAIT: Duration = Duration::from_secs(300);
/// How long requests may go on at the end.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// What the person has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Open this URL in a browser on this machine.
    Visit {
        /// The sign-in page; good for five minutes.
        url: String,
    },
    /// Open this URL in any browser and type the code.
    EnterCode {
        /// The page that asks for the code.
        url: String,
        /// The code.
        code: String,
        /// For how long it is good.
        expires_in: Millis,
    },
}

/// What an id token says; came over TLS from the token service itself.
#[derive(Deserialize)]
struct Identity {
    oid: Option<String>,
    tid: Option<String>,
    aud: Option<String>,
    nonce: Option<String>,
    preferred_username: Option<String>,
}

/// What the service says about a code to be typed.
#[derive(Deserialize)]
struct DeviceStart {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, deserialize_with = "crate::reply::seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "crate::reply::seconds")]
    interval: Option<u64>,
}

/// A connection of a person, with what every request of a sign-in holds.
struct Door<'a> {
    link: &'a Link,
    user: &'a UserRole,
    tenant: &'a str,
    ask: Ask,
}

impl Broker {
    /// Signs a person in for a connection, and tells what the person has to do.
    ///
    /// A password is sent exactly once per call: a wrong one is never tried again.
    ///
    /// # Errors
    ///
    /// When the person does not sign in, somebody else does, or the token service refuses.
    pub async fn sign_in(
        &self,
        connection: &str,
        tell: &(dyn Fn(&Prompt) + Send + Sync),
    ) -> Result<Account, ActionError> {
        let door = self.door(connection).await?;
        let outcome = match &door.user.way {
            Way::Code { redirect } => self.by_browser(&door, redirect, tell).await,
            Way::Device => self.by_device(&door, tell).await,
            Way::Password { username, password } => match self.read(password).await {
                Ok(password) => {
                    let username = username.clone();
                    self.exchange(&door, Grant::Password { username, password })
                        .await
                }
                Err(error) => Err(error),
            },
            Way::OnBehalfOf => Err(AuthError::new(
                AuthKind::Configuration,
                "the connection passes a person on who called us; it does not sign in",
            )),
        };
        let signed = match outcome {
            Ok(answer) => self.begin(&door, answer).await,
            Err(error) => Err(error),
        };
        signed.map_err(|error| error.to_action_error(connection))
    }

    /// Lets a connection speak for the person who called an application of ours with `assertion`,
    /// until that token expires. Whoever calls this has checked the token.
    ///
    /// # Errors
    ///
    /// When the connection does not do this, or the token is not of its directory.
    pub async fn sign_in_on_behalf_of(
        &self,
        connection: &str,
        assertion: &str,
    ) -> Result<Account, ActionError> {
        let door = self.door(connection).await?;
        let failed = |error: AuthError| error.to_action_error(connection);
        if !matches!(door.user.way, Way::OnBehalfOf) {
            let reason = "the connection does not pass persons on";
            return Err(failed(AuthError::new(AuthKind::Configuration, reason)));
        }
        let identity: Option<Identity> = claims_of(assertion);
        let account = identity
            .ok_or_else(|| AuthError::new(AuthKind::Identity, "the token cannot be read"))
            .and_then(|identity| door.account(identity))
            .map_err(failed)?;
        let assertion = SecretString::from(assertion);
        // Who calls with another token begins another session.
        let id = format!("{:?}", self.wallet.fingerprint(&assertion));
        let session = Session::on_behalf_of(id, account.clone(), assertion);
        self.sessions.put(connection, Arc::new(session));
        Ok(account)
    }

    /// Ends the session of a connection, here and on disk. The token service is not told: its own
    /// sessions are ended there.
    ///
    /// # Errors
    ///
    /// When the file of the refresh token cannot be removed.
    pub async fn sign_out(&self, connection: &str) -> Result<(), ActionError> {
        self.sessions.remove(connection);
        let failed = |error: AuthError| error.to_action_error(connection);
        if let Some(keep) = self.keeps.get(connection) {
            let lock = keep.lock().await.map_err(failed)?;
            keep.remove(&lock).map_err(failed)?;
        }
        Ok(())
    }

    /// Who is signed in for a connection.
    ///
    /// # Errors
    ///
    /// When the file of the refresh token cannot be read.
    pub fn account(&self, connection: &str) -> Result<Option<Account>, ActionError> {
        let keep = self.keeps.get(connection);
        match self.sessions.get(connection, keep) {
            Ok(session) => Ok(Some(session.account.clone())),
            Err(error) if error.kind == AuthKind::Interaction => Ok(None),
            Err(error) => Err(error.to_action_error(connection)),
        }
    }

    /// Waits up to five seconds for requests that hold a refresh token: at the end of a process,
    /// so that no new one is lost on its way.
    pub async fn settle(&self) {
        let all = async {
            for session in self.sessions.all() {
                session.settle().await;
            }
        };
        // Whatever still hangs after that is lost.
        let _ = tokio::time::timeout(SETTLE_WAIT, all).await;
    }

    /// The connection, with its credential read.
    async fn door(&self, connection: &str) -> Result<Door<'_>, ActionError> {
        let unfit = |message: String| {
            ActionError::permanent(ErrorKind::Unauthorized, code::BR0103, message)
        };
        let link = self.setup.links.get(connection);
        let link = link.ok_or_else(|| unfit(format!("there is no connection `{connection}`")))?;
        let Role::User { home, user } = &link.role else {
            let message = format!("connection `{connection}` does not speak for a person");
            return Err(unfit(message));
        };
        // Any of them will do: the session is good for all.
        let Some(route) = link.apis.values().next() else {
            return Err(unfit(format!("connection `{connection}` offers no API")));
        };
        let mut evidence = Evidence::Nothing;
        if let Some(candidate) = link.candidates().first() {
            let failed = |error: AuthError| error.to_action_error(connection);
            self.prepare(*candidate).await.map_err(failed)?;
            let shown = self.wallet.show(*candidate).await;
            evidence = shown
                .map_err(|error| error.to_action_error(connection))?
                .evidence;
        }
        Ok(Door {
            link,
            user,
            tenant: &home.tenant,
            ask: Ask {
                token_url: link.token_url(&home.tenant),
                scope: with_session_scopes(&route.scope),
                grant: Grant::Application,
                evidence,
                expected: expected(link, route, &home.tenant),
                claims: Challenge::text(None),
            },
        })
    }

    async fn exchange(&self, door: &Door<'_>, grant: Grant) -> Result<Answer, AuthError> {
        let ask = Ask {
            grant,
            ..door.ask.clone()
        };
        self.fetcher.exchange(&ask).await
    }

    async fn by_browser(
        &self,
        door: &Door<'_>,
        redirect: &Url,
        tell: &(dyn Fn(&Prompt) + Send + Sync),
    ) -> Result<Answer, AuthError> {
        let loopback = Loopback::bind(redirect).await?;
        let redirect = loopback.redirect.clone();
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random();
        let no_chance = || AuthError::new(AuthKind::Internal, "this machine has no randomness");
        let nonce = random_id().ok_or_else(no_chance)?;
        let mut url = door.link.endpoint(door.tenant, "oauth2/v2.0/authorize");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &door.link.client_id)
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("scope", &door.ask.scope)
            .append_pair("state", state.secret())
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        tell(&Prompt::Visit { url: url.into() });
        let Ok(brought) = tokio::time::timeout(BROWSER_WAIT, loopback.wait(state.secret())).await
        else {
            let reason = "nobody signed in within five minutes";
            return Err(AuthError::new(AuthKind::Interaction, reason));
        };
        let grant = Grant::Code {
            code: brought?.code,
            verifier: verifier.into_secret().into(),
            redirect,
        };
        let answer = self.exchange(door, grant).await?;
        let identity: Option<Identity> = answer
            .id_token
            .as_ref()
            .and_then(|token| claims_of(token.expose_secret()));
        if identity.and_then(|identity| identity.nonce).as_deref() != Some(nonce.as_str()) {
            let reason = "the token service answered to another sign-in";
            return Err(AuthError::new(AuthKind::Identity, reason));
        }
        Ok(answer)
    }

    async fn by_device(
        &self,
        door: &Door<'_>,
        tell: &(dyn Fn(&Prompt) + Send + Sync),
    ) -> Result<Answer, AuthError> {
        let url = door.link.endpoint(door.tenant, "oauth2/v2.0/devicecode");
        let carrier = Carrier::new(
            self.fetcher.client(Purpose::Idp, &url)?,
            self.clock.now().wall_ms,
        );
        let fields = [
            ("client_id", door.link.client_id.as_str()),
            ("scope", door.ask.scope.as_str()),
        ];
        let form = oauth2::url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let answer = post(&url, form, &carrier).await;
        let start: Result<DeviceStart, Failure> = match answer {
            Ok(answer) => refusal::read(&answer),
            Err(cause) => Err(Failure::Unreachable(cause)),
        };
        let start = start.map_err(|failure| failure.explain(carrier.seen(), true))?;
        let expires_in = Duration::from_secs(start.expires_in.unwrap_or(900));
        tell(&Prompt::EnterCode {
            url: start.verification_uri,
            code: start.user_code,
            expires_in: Millis::from_secs(expires_in.as_secs().min(3600)),
        });
        let code = SecretString::from(start.device_code);
        let ask = async || self.exchange(door, Grant::Device(code.clone())).await;
        let interval = start.interval.map(Duration::from_secs);
        device::poll(interval, expires_in, ask).await
    }

    /// Begins the session, kept before it is used.
    async fn begin(&self, door: &Door<'_>, answer: Answer) -> Result<Account, AuthError> {
        let identity = answer.id_token.as_ref();
        let identity: Option<Identity> =
            identity.and_then(|token| claims_of(token.expose_secret()));
        let Some(identity) = identity else {
            let reason = "the token service does not say who signed in";
            return Err(AuthError::new(AuthKind::Identity, reason));
        };
        let account = door.account(identity)?;
        let Some(refresh_token) = answer.refresh_token else {
            let reason = "the token service gave no refresh token; allow `offline_access`";
            return Err(AuthError::new(AuthKind::Configuration, reason));
        };
        let no_chance = || AuthError::new(AuthKind::Internal, "this machine has no randomness");
        let record = Record {
            session: random_id().ok_or_else(no_chance)?,
            account: account.clone(),
            refresh_token,
        };
        let name = &door.link.name;
        let keep = self.keeps.get(name).cloned();
        if let Some(keep) = &keep {
            let lock = keep.lock().await?;
            keep.write(&record, &lock)?;
        }
        self.sessions
            .put(name, Arc::new(Session::new(record, keep)));
        Ok(account)
    }
}

impl Door<'_> {
    /// The person of an id token, when it is the right one.
    fn account(&self, identity: Identity) -> Result<Account, AuthError> {
        let foreign = |claim: &str| {
            let reason = format!("somebody else signed in: `{claim}` is not the one expected");
            AuthError::new(AuthKind::Identity, reason)
        };
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        let tenant = identity.tid.ok_or_else(|| foreign("tid"))?;
        if !same(&tenant, self.tenant) {
            return Err(foreign("tid"));
        }
        let is_passed_on = matches!(self.user.way, Way::OnBehalfOf);
        let for_us = |aud: &str| {
            let bare = aud.strip_prefix("api://").unwrap_or(aud);
            same(bare, &self.link.client_id)
        };
        // What called us may name our application by an URI of its own.
        if !is_passed_on && !identity.aud.as_deref().is_some_and(for_us) {
            return Err(foreign("aud"));
        }
        if let Some(upn) = &self.user.upn {
            let name = identity.preferred_username.as_deref();
            if !name.is_some_and(|name| same(name, upn)) {
                return Err(foreign("preferred_username"));
            }
        }
        Ok(Account {
            user: identity.oid.ok_or_else(|| foreign("oid"))?,
            tenant,
            name: identity.preferred_username,
        })
    }
}

/// Whom the token of a sign-in must be for; who the person is, is not known yet.
fn expected(link: &Link, route: &Route, tenant: &str) -> Expected {
    Expected {
        tenant: tenant.to_owned(),
        client_id: link.client_id.clone(),
        audiences: route.audiences.clone(),
        user: None,
    }
}
