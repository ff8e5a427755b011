//! What is configured, for people: connections, their tenants, and whether their secrets can be
//! read.

use actions_contract::{Api, EgressError};
use engine_model::{TenantId, code};
use serde::Serialize;

use crate::CustomerStatus;
use crate::broker::Broker;
use crate::credential::Proof;
use crate::error::{refused, unconfigured};
use crate::link::{Link, Role, Way};
use crate::partner::Turned;
use crate::preflight::Context;
use crate::problems::listed;
use crate::secret::SecretRef;
use crate::wallet::Candidate;

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionFacts {
    /// Its name.
    pub name: String,
    /// On whose behalf it speaks.
    pub context: Context,
    /// The application.
    pub client_id: String,
    /// The APIs it offers.
    pub apis: Vec<&'static str>,
    /// Its directory, or those of its customers.
    pub tenants: Vec<TenantFacts>,
    /// The way in which a person signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<&'static str>,
    /// Whether a sign-in outlives the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_kept: Option<bool>,
    /// The secrets it needs.
    pub secrets: Vec<ReferenceFacts>,
}

/// One tenant of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TenantFacts {
    /// The GUID.
    pub id: String,
    /// Whether it may be reached: `active`, `pending` or `suspended`.
    pub status: &'static str,
}

/// One secret reference; the value is shown to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferenceFacts {
    /// The reference.
    pub reference: String,
    /// Why it cannot be read; none where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Broker {
    /// Every connection. Reads the secrets to tell whether that is possible; asks secret stores,
    /// and nobody else.
    pub async fn connections(&self) -> Vec<ConnectionFacts> {
        let mut all = Vec::new();
        for link in self.setup.links.values() {
            let mut secrets = Vec::new();
            for reference in link.references() {
                let prepared = self.stores.prepare(reference).await;
                let read = self.secrets.read_bytes(reference);
                secrets.push(ReferenceFacts {
                    reference: reference.to_string(),
                    fault: match prepared {
                        Ok(()) => read.err().map(|error| error.to_string()),
                        Err(error) => Some(error.reason),
                    },
                });
            }
            all.push(link.facts(secrets));
        }
        all
    }

    /// The name of the connection that is used where none is named.
    ///
    /// # Errors
    ///
    /// When there is none of the name, or no default.
    pub fn connection_name(&self, named: Option<&str>) -> Result<String, EgressError> {
        self.named(named).map(|link| link.name.clone())
    }

    /// The tenants that a connection may reach now.
    ///
    /// # Errors
    ///
    /// When there is no such connection.
    pub fn active_tenants(&self, connection: Option<&str>) -> Result<Vec<TenantId>, EgressError> {
        let tenants = self.named(connection)?.tenants();
        let active = tenants
            .into_iter()
            .filter(|tenant| tenant.status == "active");
        Ok(active.filter_map(|tenant| tenant.id.parse().ok()).collect())
    }

    /// The connection of a name, or the default one.
    pub(crate) fn named(&self, name: Option<&str>) -> Result<&Link, EgressError> {
        let links = &self.setup.links;
        match name.or(self.setup.default.as_deref()) {
            Some(name) => links.get(name).ok_or_else(|| {
                let names: Vec<&str> = links.keys().map(String::as_str).collect();
                let names = listed(&names);
                unconfigured(format!(
                    "there is no connection `{name}`; configured: {names}"
                ))
            }),
            None => match links.values().next() {
                Some(only) if links.len() == 1 => Ok(only),
                Some(_) => Err(unconfigured(
                    "the step names no connection; set `bindings.default` or `connection`",
                )),
                None => Err(unconfigured("no connection is configured")),
            },
        }
    }
}

/// Whether a connection may act for a tenant.
pub(crate) fn admitted(link: &Link, tenant: &str) -> Result<(), EgressError> {
    match link.admit(tenant) {
        Ok(()) => Ok(()),
        Err(Turned::Pending(customer)) => {
            let error = link.unconsented(&customer, "the tenant is marked as `pending`");
            Err(EgressError::unsent(error.to_action_error(&link.name)))
        }
        Err(turned) => {
            let mut error = refused(turned.explain(link, tenant));
            error.error.code = code::BR0104.as_str().into();
            Err(error)
        }
    }
}

impl Link {
    fn facts(&self, secrets: Vec<ReferenceFacts>) -> ConnectionFacts {
        let user = match &self.role {
            Role::User { user, .. } => Some(user),
            Role::Application { .. } | Role::Partner(_) => None,
        };
        ConnectionFacts {
            name: self.name.clone(),
            context: self.context(),
            client_id: self.client_id.clone(),
            apis: self.apis.keys().copied().map(Api::as_str).collect(),
            tenants: self.tenants(),
            sign_in: user.map(|user| match user.way {
                Way::Code { .. } => "auth_code_pkce",
                Way::Device => "device_code",
                Way::Password { .. } => "ropc",
                Way::OnBehalfOf => "on_behalf_of",
            }),
            is_kept: user.map(|user| user.keep.is_some()),
            secrets,
        }
    }

    fn tenants(&self) -> Vec<TenantFacts> {
        let active = |id: &String| TenantFacts {
            id: id.clone(),
            status: "active",
        };
        match &self.role {
            Role::Application { home, .. } | Role::User { home, .. } => vec![active(&home.tenant)],
            Role::Partner(partner) => partner
                .customers()
                .map(|(id, status)| TenantFacts {
                    id: id.to_owned(),
                    status: match status {
                        CustomerStatus::Active => "active",
                        CustomerStatus::Pending => "pending",
                        CustomerStatus::Suspended => "suspended",
                    },
                })
                .collect(),
        }
    }

    /// Every secret that the connection needs.
    fn references<'a>(&'a self) -> Vec<&'a SecretRef> {
        let of_proof = |proof: &'a Proof| -> Vec<&'a SecretRef> {
            let candidates = proof.candidates().into_iter();
            candidates.flat_map(Candidate::references).collect()
        };
        match &self.role {
            Role::Application { proof, .. } => of_proof(proof),
            Role::Partner(partner) => of_proof(&partner.proof),
            Role::User { user, .. } => {
                let mut references = user.proof.as_ref().map_or_else(Vec::new, of_proof);
                if let Way::Password { password, .. } = &user.way {
                    references.push(password);
                }
                references.extend(user.keep.as_ref().map(|keep| &keep.key));
                references
            }
        }
    }
}
