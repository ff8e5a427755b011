//! One application in the tenants of many customers: who is on the list, and how they consent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use actions_contract::{ActionError, Api, ErrorKind};
use engine_model::{Millis, TenantId, code};
use oauth2::CsrfToken;
use reqwest::Url;

use crate::broker::Broker;
use crate::clock::Moment;
use crate::credential::Proof;
use crate::error::{AuthError, AuthKind};
use crate::link::{Link, Role};
use crate::problems::Problems;
use crate::{CustomerStatus, PartnerConnection};

/// How long a consent link is good.
const CONSENT_LIFE: Millis = Millis::from_secs(900);
/// More consents at once are not waited for; the oldest is forgotten.
const CONSENTS_MAX: usize = 1024;
/// The tenant has never heard of the application.
const UNKNOWN_APPLICATION: u32 = 700_016;

/// What a partner connection is after the check.
#[derive(Clone, Debug)]
pub(crate) struct PartnerRole {
    pub(crate) proof: Proof,
    /// Where administrators come back after consent.
    pub(crate) redirect_uri: Option<String>,
    /// By the GUID in lower case.
    customers: BTreeMap<String, Admitted>,
}

/// A customer on the list.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The GUID in lower case.
    pub(crate) tenant: String,
    status: CustomerStatus,
    apis: Option<Vec<Api>>,
}

/// Why a run may not use a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    Unlisted,
    /// The customer has not consented; its GUID.
    Pending(String),
    Suspended,
}

impl Turned {
    pub(crate) fn explain(&self, link: &Link, tenant: &str) -> String {
        let name = &link.name;
        match self {
            Self::Suspended => format!("connection `{name}`: the tenant `{tenant}` is suspended"),
            _ => format!(
                "connection `{name}` may not act for tenant `{tenant}`; \
                 see `connections.{name}.tenants`"
            ),
        }
    }
}

impl PartnerRole {
    /// The customer of a tenant. A run without a tenant has none.
    pub(crate) fn customer(&self, tenant: &str) -> Option<&Admitted> {
        self.customers.get(&tenant.to_ascii_lowercase())
    }

    /// Every customer with its standing.
    pub(crate) fn customers(&self) -> impl Iterator<Item = (&str, CustomerStatus)> {
        let all = self.customers.values();
        all.map(|customer| (customer.tenant.as_str(), customer.status))
    }

    pub(crate) fn admit(&self, tenant: &str) -> Result<(), Turned> {
        let customer = self.customer(tenant).ok_or(Turned::Unlisted)?;
        match customer.status {
            CustomerStatus::Active => Ok(()),
            CustomerStatus::Pending => Err(Turned::Pending(customer.tenant.clone())),
            CustomerStatus::Suspended => Err(Turned::Suspended),
        }
    }

    /// Whether an API may be used in a tenant.
    pub(crate) fn offers(&self, tenant: &str, api: Api) -> Result<(), AuthError> {
        let apis = self
            .customer(tenant)
            .and_then(|customer| customer.apis.as_ref());
        if apis.is_none_or(|apis| apis.contains(&api)) {
            return Ok(());
        }
        let reason = format!(
            "the connection does not offer `{}` in this tenant",
            api.as_str()
        );
        Err(AuthError::new(AuthKind::Configuration, reason))
    }
}

impl PartnerConnection {
    /// Checks the credential and the list of customers.
    pub(crate) fn build(&self, at: &str, problems: &mut Problems) -> Option<PartnerRole> {
        let proof = self
            .credential
            .build(&format!("{at}.credential"), self.cloud, problems);
        let redirect_uri = self.consent.as_ref().map(|consent| {
            problems.url(&format!("{at}.consent.redirect_uri"), &consent.redirect_uri);
            consent.redirect_uri.clone()
        });
        if self.tenants.is_empty() {
            problems.add(
                code::CF0101,
                format!("{at}.tenants"),
                "a partner connection needs the list of its customers".to_owned(),
                "write each as `name: { id: GUID, status: active }`",
            );
        }
        Some(PartnerRole {
            customers: self.customers(at, problems),
            proof: proof?,
            redirect_uri,
        })
    }

    fn customers(&self, at: &str, problems: &mut Problems) -> BTreeMap<String, Admitted> {
        let mut customers = BTreeMap::new();
        for (name, given) in &self.tenants {
            let at = format!("{at}.tenants.{name}");
            let apis = given.apis.as_ref().map(|names| {
                let named = names.iter().enumerate();
                named
                    .filter_map(|(i, name)| problems.api(&format!("{at}.apis[{i}]"), name))
                    .collect()
            });
            let Some(tenant) = problems.guid(&format!("{at}.id"), &given.id) else {
                continue;
            };
            let customer = Admitted {
                tenant: tenant.clone(),
                status: given.status,
                apis,
            };
            if customers.insert(tenant, customer).is_some() {
                problems.add(
                    code::CF0101,
                    format!("{at}.id"),
                    "this tenant is listed twice".to_owned(),
                    "keep one of them",
                );
            }
        }
        customers
    }
}

impl Link {
    /// The error of a tenant that has not consented, with the link where it can.
    pub(crate) fn unconsented(&self, tenant: &str, reason: &str) -> AuthError {
        let mut error = AuthError::new(AuthKind::Consent, reason);
        error.consent_url = self.consent_url(tenant).map(String::from);
        error
    }

    /// Adds the consent link to an error that consent would mend.
    pub(crate) fn with_consent(&self, mut error: AuthError, tenant: &str) -> AuthError {
        if !matches!(self.role, Role::Partner(_)) {
            return error;
        }
        if error.codes.contains(&UNKNOWN_APPLICATION) {
            // Where an application is at home this is a mistake; at a customer's it is not yet
            // known, or was removed.
            error.kind = AuthKind::Consent;
            "the tenant has not granted consent to the application".clone_into(&mut error.reason);
        }
        if error.kind == AuthKind::Consent {
            error.consent_url = self.consent_url(tenant).map(String::from);
        }
        error
    }

    fn consent_url(&self, tenant: &str) -> Option<Url> {
        let Role::Partner(partner) = &self.role else {
            return None;
        };
        let redirect_uri = partner.redirect_uri.as_ref()?;
        // It asks for all that is registered, whichever API names it.
        let route = self.apis.values().next()?;
        let mut url = self.endpoint(tenant, "v2.0/adminconsent");
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &route.scope);
        Some(url)
    }
}

/// Where an administrator of a customer consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentLink {
    /// The page of the token service; its answer is accepted once.
    pub url: String,
    /// For how long its answer is accepted.
    pub expires_in: Millis,
}

/// A customer that consented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consented {
    /// The connection.
    pub connection: String,
    /// The customer.
    pub tenant: TenantId,
    /// What the configuration says about the customer; an answer from outside never changes it.
    pub status: CustomerStatus,
}

/// Consents that were asked for and not answered, by their state.
#[derive(Debug, Default)]
pub(crate) struct Consents(Mutex<HashMap<String, Awaited>>);

#[derive(Debug)]
struct Awaited {
    connection: String,
    tenant: String,
    until: Moment,
}

impl Broker {
    /// A link by which an administrator of a customer consents to the application.
    ///
    /// # Errors
    ///
    /// When the connection is no partner connection with a redirect, or the tenant is not listed.
    pub fn consent_link(&self, connection: &str, tenant: &str) -> Result<ConsentLink, ActionError> {
        let unfit = |message: String| {
            ActionError::permanent(ErrorKind::Unauthorized, code::BR0103, message)
        };
        let link = self.setup.links.get(connection);
        let link = link.ok_or_else(|| unfit(format!("there is no connection `{connection}`")))?;
        let Role::Partner(partner) = &link.role else {
            let message = format!("connection `{connection}` has no customers");
            return Err(unfit(message));
        };
        let Some(customer) = partner.customer(tenant) else {
            let message = Turned::Unlisted.explain(link, tenant);
            let kind = ErrorKind::GuardRefused;
            return Err(ActionError::permanent(kind, code::BR0104, message));
        };
        let Some(mut url) = link.consent_url(&customer.tenant) else {
            let message = format!("connection `{connection}` has no `consent.redirect_uri`");
            return Err(unfit(message));
        };
        let state = CsrfToken::new_random().into_secret();
        url.query_pairs_mut().append_pair("state", &state);
        let now = self.clock.now();
        let awaited = Awaited {
            connection: connection.to_owned(),
            tenant: customer.tenant.clone(),
            until: now.plus(CONSENT_LIFE.as_ms()),
        };
        self.consents.put(state, awaited, now);
        Ok(ConsentLink {
            url: url.into(),
            expires_in: CONSENT_LIFE,
        })
    }

    /// Takes the query of the request by which an administrator comes back. The same answer is
    /// accepted once; the customer goes on being what the configuration says.
    ///
    /// # Errors
    ///
    /// When nobody asked for it, it is too late, another tenant answers, or the answer is no.
    pub fn consent_answer(&self, query: &str) -> Result<Consented, ActionError> {
        let value = |name: &str| {
            let mut pairs = oauth2::url::form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let denied = |kind: AuthKind, connection: &str, reason: &str| {
            AuthError::new(kind, reason).to_action_error(connection)
        };
        let state = value("state").unwrap_or_default();
        let Some(awaited) = self.consents.take(&state) else {
            tracing::warn!("consent.unasked");
            let message = "nobody waits for this consent, or it was answered before";
            let kind = ErrorKind::Unauthorized;
            return Err(ActionError::permanent(kind, code::BR0107, message));
        };
        let connection = awaited.connection.as_str();
        if awaited.until.is_reached(self.clock.now()) {
            let reason = "the answer came later than 15 minutes";
            return Err(denied(AuthKind::Consent, connection, reason));
        }
        let tenant = value("tenant").unwrap_or_default();
        if !tenant.is_empty() && !tenant.eq_ignore_ascii_case(&awaited.tenant) {
            tracing::warn!(
                connection,
                tenant = awaited.tenant,
                "consent.of_another_tenant"
            );
            let reason = "another tenant answered than the one that was asked";
            return Err(denied(AuthKind::Identity, connection, reason));
        }
        let is_yes = value("admin_consent").is_some_and(|word| word.eq_ignore_ascii_case("true"));
        if value("error").is_some() || !is_yes || tenant.is_empty() {
            let reason = "the administrator did not consent";
            return Err(denied(AuthKind::Consent, connection, reason));
        }
        let customer = match self.setup.links.get(connection).map(|link| &link.role) {
            Some(Role::Partner(partner)) => partner.customer(&awaited.tenant),
            _ => None,
        };
        let customer = customer.zip(awaited.tenant.parse().ok());
        let Some((customer, tenant)) = customer else {
            let reason = "the tenant is not listed any more";
            return Err(denied(AuthKind::Configuration, connection, reason));
        };
        tracing::info!(connection, tenant = awaited.tenant, "consent.given");
        Ok(Consented {
            connection: awaited.connection.clone(),
            tenant,
            status: customer.status,
        })
    }
}

impl Consents {
    fn put(&self, state: String, awaited: Awaited, now: Moment) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, awaited| !awaited.until.is_reached(now));
        if waiting.len() >= CONSENTS_MAX {
            let oldest = waiting
                .iter()
                .min_by_key(|(_, awaited)| awaited.until.steady_ms);
            if let Some(state) = oldest.map(|(state, _)| state.clone()) {
                waiting.remove(&state);
            }
        }
        waiting.insert(state, awaited);
    }

    /// Whatever becomes of the answer, it was the only one.
    fn take(&self, state: &str) -> Option<Awaited> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(state)
    }
}
