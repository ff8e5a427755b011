//! Tokens and alerts for the program that the emulator lives in.

use std::collections::BTreeSet;

use actions_contract::Api;
use serde_json::{Value, json};

use super::{AlertError, Emulator};
use crate::wire;
use crate::world::graph::Set;

impl Emulator {
    /// A token for `api`, as the token endpoint would give it to the tenant's application.
    #[must_use]
    pub fn issue_token(&self, tenant: &str, api: Api) -> Option<String> {
        let tenant = self
            .0
            .options
            .tenants
            .iter()
            .find(|other| other.id == tenant)?;
        Some(self.0.issuer.issue(tenant, api, 0, self.now_ms()))
    }

    /// A token for `api` of a person of the tenant who may do whatever operations ask for.
    #[must_use]
    pub fn issue_user_token(&self, tenant: &str, api: Api) -> Option<String> {
        let mut tenants = self.0.options.tenants.iter();
        let tenant = tenants.find(|other| other.id == tenant)?;
        let endpoints = self
            .0
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.api == api);
        let scopes: BTreeSet<&str> = endpoints
            .flat_map(|endpoint| endpoint.permissions.delegated.iter().copied())
            .collect();
        let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
        Some(
            self.0
                .issuer
                .issue_for_user(tenant, api, scopes, self.now_ms()),
        )
    }

    /// Adds an alert to a tenant, or replaces the one with its id. What lists need is filled in:
    /// the tenant, the times, empty comments and evidence.
    ///
    /// # Errors
    ///
    /// When it is not an alert or the tenant does not exist.
    pub fn add_alert(&self, tenant: &str, mut alert: Value) -> Result<Value, AlertError> {
        let now = wire::vendor_time(self.now_ms());
        let fields = alert.as_object_mut().ok_or(AlertError::NotAnObject)?;
        if !fields.get("id").is_some_and(Value::is_string) {
            return Err(AlertError::NoId);
        }
        for (name, value) in [
            ("aadTenantId", json!(tenant)),
            ("alertCreationTime", json!(now)),
            ("lastUpdateTime", json!(now)),
            ("status", json!("New")),
            ("comments", json!([])),
            ("evidence", json!([])),
        ] {
            fields.entry(name).or_insert(value);
        }
        let mut world = self.world(tenant).ok_or(AlertError::UnknownTenant)?;
        world.put_alert(alert.clone());
        Ok(alert)
    }

    /// Adds an alert to what Microsoft Graph shows of a tenant, or replaces the one with its id.
    ///
    /// # Errors
    ///
    /// When it is not an alert or the tenant does not exist.
    pub fn add_graph_alert(&self, tenant: &str, mut alert: Value) -> Result<(), AlertError> {
        let now = wire::vendor_time(self.now_ms());
        let fields = alert.as_object_mut().ok_or(AlertError::NotAnObject)?;
        if !fields.get("id").is_some_and(Value::is_string) {
            return Err(AlertError::NoId);
        }
        for (name, value) in [
            ("tenantId", json!(tenant)),
            ("createdDateTime", json!(now)),
            ("lastUpdateDateTime", json!(now)),
            ("status", json!("new")),
            ("comments", json!([])),
            ("evidence", json!([])),
        ] {
            fields.entry(name).or_insert(value);
        }
        let mut world = self.world(tenant).ok_or(AlertError::UnknownTenant)?;
        world.graph.shelf(Set::Alerts).put(alert);
        Ok(())
    }
}
