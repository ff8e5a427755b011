//! The broker: connections by name, and a token for each.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use actions_contract::{Api, Call, EgressError};
use engine_model::{Diagnostic, TenantId};

use crate::Config;
use crate::cache::{Cache, Chance, Grasp};
use crate::challenge::Challenge;
use crate::clients::Clients;
use crate::clock::{Clock, SystemClock};
use crate::error::{AuthError, AuthKind};
use crate::fetch::{Ask, Fetcher};
use crate::grant::Grant;
use crate::guard::Rules;
use crate::keep::Keep;
use crate::key::{KeyFacts, Principal, Sealer, TokenKey};
use crate::key_vault::KeyVaults;
use crate::limit_config::{OperationRate, Quotas};
use crate::limit_store::{MemoryQuotas, QuotaStore};
use crate::limiter::Limiter;
use crate::link::{Link, Role, Route};
use crate::partner::Consents;
use crate::roster::admitted;
use crate::secret::{Environment, Secrets};
use crate::session::{Renewal, Session, Sessions};
use crate::setup::Setup;
use crate::stores::Stores;
use crate::telemetry::{Observer, Telemetry, TokenEvent, TokenEventKind, TokenSubject};
use crate::token::Expected;
use crate::vault::Vault;
use crate::wallet::{Candidate, Wallet};

/// What the broker takes from around it; [`Default`] takes the machine's own.
#[derive(Clone)]
pub struct Surroundings {
    /// The time by which tokens age.
    pub clock: Arc<dyn Clock>,
    /// The value of an environment variable.
    pub environment: Environment,
    /// A random number in `0..1`, which spreads refreshes and retries.
    pub chance: Chance,
    /// Is told what happens to tokens.
    pub observer: Option<Observer>,
    /// The documented limits of operations.
    pub rates: Vec<OperationRate>,
    /// Where calls are counted; in memory by default.
    pub quotas: Arc<dyn QuotaStore>,
    /// Where files that are fetched are kept; without it none can be.
    pub store: Option<PathBuf>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            environment: Arc::new(|name| std::env::var(name).ok()),
            chance: Arc::new(random_share),
            observer: None,
            rates: Vec::new(),
            quotas: Arc::new(MemoryQuotas::default()),
            store: None,
        }
    }
}

/// Half is as good as any where the machine has no randomness.
fn random_share() -> f64 {
    getrandom::u32().map_or(0.5, |number| {
        f64::from(number) / (f64::from(u32::MAX) + 1.0)
    })
}

/// Why a broker could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} problem(s), first: {}", problems.len(), first(problems))]
pub struct InvalidConfig {
    /// Every problem, with the path of the value.
    pub problems: Vec<Diagnostic>,
}

fn first(problems: &[Diagnostic]) -> String {
    problems.first().map_or_else(String::new, |first| {
        format!("{}: {}", first.path, first.message)
    })
}

/// The one way out: sends requests for actions, with tokens they never see.
///
/// Needs a Tokio runtime when it sends. Dropping it ends the token requests under way.
pub struct Broker {
    pub(crate) setup: Setup,
    /// Where files that are fetched are kept.
    pub(crate) store: Option<PathBuf>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telemetry: Telemetry,
    pub(crate) cache: Cache,
    pub(crate) quotas: Quotas,
    pub(crate) limiter: Limiter,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) wallet: Wallet,
    pub(crate) stores: Arc<Stores>,
    pub(crate) sessions: Sessions,
    /// The files of refresh tokens, by connection.
    pub(crate) keeps: HashMap<String, Arc<Keep>>,
    /// Consents that were asked for.
    pub(crate) consents: Consents,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let connections: Vec<&String> = self.setup.links.keys().collect();
        f.debug_struct("Broker")
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

/// A token and what is needed to reject it.
pub(crate) struct Pass {
    pub(crate) key: TokenKey,
    pub(crate) grasp: Grasp,
}

impl Broker {
    /// A broker for a configuration. Opens nothing: secrets are read and clients are built when a
    /// request first needs them.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration.
    pub fn new(config: &Config, surroundings: Surroundings) -> Result<Self, InvalidConfig> {
        let setup = config
            .build()
            .map_err(|problems| InvalidConfig { problems })?;
        let Surroundings {
            clock,
            environment,
            chance,
            observer,
            rates,
            quotas,
            store,
        } = surroundings;
        crate::user::warn(&setup);
        let rules = Arc::new(Rules::new(&setup));
        let clients = Arc::new(Clients::new(&setup.http, Arc::clone(&rules)));
        let sealer = Arc::new(Sealer::new());
        let telemetry = Telemetry::new(observer);
        let secrets = Arc::new(Secrets::new(environment));
        let fetcher = Arc::new(Fetcher::new(
            Arc::clone(&clients),
            Arc::clone(&clock),
            Arc::clone(&sealer),
            Arc::clone(&secrets),
        ));
        let wallet = |key_vaults| {
            let (secrets, sealer) = (Arc::clone(&secrets), Arc::clone(&sealer));
            Wallet::new(secrets, sealer, Arc::clone(&clock), key_vaults)
        };
        let key_vaults = setup.key_vault.clone().map(|setup| {
            // Who asks the vaults needs nothing that is in them.
            Arc::new(KeyVaults::new(setup, Arc::clone(&fetcher), wallet(None)))
        });
        let vault = setup.vault.clone().map(|setup| {
            let (clients, secrets) = (Arc::clone(&clients), Arc::clone(&secrets));
            Vault::new(setup, clients, secrets, Arc::clone(&clock))
        });
        Ok(Self {
            cache: Cache::new(Arc::clone(&clock), chance, telemetry.clone()),
            wallet: wallet(key_vaults.clone()),
            fetcher,
            sessions: Sessions::default(),
            keeps: crate::user::keeps(&setup, &secrets),
            consents: Consents::default(),
            quotas: Quotas::new(&setup, &rates),
            stores: Stores::new(vault, key_vaults, Arc::clone(&secrets), Arc::clone(&clock)),
            limiter: Limiter::new(quotas, Arc::clone(&clock)),
            secrets,
            setup,
            store,
            rules,
            clients,
            clock,
            telemetry,
        })
    }

    /// The directory of a connection, or of the default one, where it has only one.
    #[must_use]
    pub fn tenant(&self, connection: Option<&str>) -> Option<TenantId> {
        self.named(connection).ok()?.home()?.parse().ok()
    }

    /// The connection that a call uses, after the check that its tenant may.
    pub(crate) fn link(&self, call: &Call) -> Result<&Link, EgressError> {
        let link = self.named(call.connection.as_deref())?;
        admitted(link, call.tenant.as_str())?;
        Ok(link)
    }

    /// A token for an API of a connection. Secrets are tried in order while the token service
    /// refuses the earlier ones.
    pub(crate) async fn token(
        &self,
        link: &Link,
        api: Api,
        subject: &TokenSubject,
    ) -> Result<Pass, AuthError> {
        let Some(route) = link.apis.get(&api) else {
            let reason = "the connection does not offer this API";
            return Err(AuthError::new(AuthKind::Configuration, reason));
        };
        let session = match &link.role {
            Role::Application { .. } => None,
            Role::Partner(partner) => {
                partner.offers(&subject.tenant, api)?;
                None
            }
            Role::User { user, .. } => {
                if let Some(keep) = &user.keep {
                    self.stores.prepare(&keep.key).await?;
                }
                let keep = self.keeps.get(&link.name);
                Some(self.sessions.get(&link.name, keep)?)
            }
        };
        let want = Want {
            link,
            route,
            session,
        };
        let mut refusal: Option<AuthError> = None;
        for candidate in link.candidates() {
            let shown = self.wallet.stored(candidate);
            let mut outcome = self.token_with(&want, candidate, subject).await;
            if let Err(error) = &outcome
                && self.has_changed(candidate, shown, error).await
            {
                outcome = self.token_with(&want, candidate, subject).await;
            }
            let error = match outcome {
                Ok(pass) => return Ok(pass),
                Err(error) => error,
            };
            match error.kind {
                AuthKind::Credential | AuthKind::Secret => {
                    tracing::debug!(connection = link.name, ?candidate, "credential.refused");
                    // A refused secret says more than a missing one.
                    if refusal
                        .as_ref()
                        .is_none_or(|first| first.kind == AuthKind::Secret)
                    {
                        refusal = Some(error);
                    }
                }
                _ => return Err(error),
            }
        }
        let none = || AuthError::new(AuthKind::Secret, "no secret is configured");
        Err(refusal.unwrap_or_else(none))
    }

    async fn token_with(
        &self,
        want: &Want<'_>,
        candidate: Candidate<'_>,
        subject: &TokenSubject,
    ) -> Result<Pass, AuthError> {
        self.prepare(candidate).await?;
        let shown = self.wallet.show(candidate).await?;
        if let Some(former) = shown.former {
            self.cache.forget(former);
        }
        if let Some(left_s) = shown.expiring_s {
            let mut event = TokenEvent::new(TokenEventKind::CredentialExpiring, subject, 0);
            event.ttl_s = Some(left_s);
            self.telemetry.tell(&event);
        }
        let link = want.link;
        let key = TokenKey::from(KeyFacts {
            authority: link.authority.as_str().to_owned(),
            tenant: subject.tenant.clone(),
            client_id: link.client_id.clone(),
            principal: match &want.session {
                Some(session) => Principal::User {
                    user: session.account.user.clone(),
                    session: session.id.clone(),
                },
                None => candidate.principal(),
            },
            scope: want.route.scope.clone(),
            credential: shown.credential,
        });
        let ask = |challenge: Option<&Challenge>| Ask {
            token_url: link.token_url(&key.tenant),
            scope: want.route.scope.clone(),
            grant: Grant::Application,
            evidence: shown.evidence.clone(),
            expected: want.expected(&key.tenant),
            claims: Challenge::text(challenge),
        };
        let fetch = |challenge: Option<&Challenge>| {
            self.fetch(ask(challenge), subject, want.session.clone())
        };
        match self.cache.get(&key, subject, fetch).await {
            Ok(grasp) => Ok(Pass { key, grasp }),
            Err(error) => Err(link.with_consent(error, &key.tenant)),
        }
    }

    /// The request of a flight, complete in itself: it must not hold on to the caller.
    fn fetch(
        &self,
        mut ask: Ask,
        subject: &TokenSubject,
        session: Option<Arc<Session>>,
    ) -> crate::cache::Fetch {
        let fetcher = Arc::clone(&self.fetcher);
        let Some(session) = session else {
            return Box::new(move || Box::pin(async move { fetcher.fetch(ask).await }));
        };
        ask.scope = crate::user::with_session_scopes(&ask.scope);
        let renewal = Renewal {
            fetcher,
            telemetry: self.telemetry.clone(),
            subject: subject.clone(),
            session,
            ask,
        };
        Box::new(move || Box::pin(renewal.run()))
    }
}

/// For what a token is wanted.
struct Want<'a> {
    link: &'a Link,
    route: &'a Route,
    /// The person, where one is spoken for.
    session: Option<Arc<Session>>,
}

impl Want<'_> {
    fn expected(&self, tenant: &str) -> Expected {
        let session = self.session.as_ref();
        Expected {
            tenant: tenant.to_owned(),
            client_id: self.link.client_id.clone(),
            audiences: self.route.audiences.clone(),
            user: session.map(|session| session.account.user.clone()),
        }
    }
}
