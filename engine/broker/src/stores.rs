//! Secrets that are in no file of this machine: which store holds them, and when it is asked.
//!
//! A value is kept for a quarter of an hour. When it is older it goes on serving while the store
//! is asked again in the background: a store that is away for a while stops nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::clock::Clock;
use crate::error::{AuthError, AuthKind};
use crate::key_vault::KeyVaults;
use crate::key_vault_config::KeyVaultConfig;
use crate::secret::{SecretRef, Secrets};
use crate::vault::{Vault, VaultConfig};

const VALUE_LIFE_MS: u64 = 900_000;
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where secrets are that are in no file of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretStores {
    /// The Vault, or a store that speaks like it, behind references such as
    /// `vault:kv/soc/app#secret`.
    pub vault: Option<VaultConfig>,
    /// Azure Key Vault, behind references such as `azkv:kv-soc/secrets/app`,
    /// `azkv:kv-soc/certificates/app` and `azkv-sign:kv-soc/keys/app`.
    pub key_vault: Option<KeyVaultConfig>,
}

/// Asks the stores for secrets.
pub(crate) struct Stores {
    vault: Option<Vault>,
    key_vaults: Option<Arc<KeyVaults>>,
    secrets: Arc<Secrets>,
    clock: Arc<dyn Clock>,
    turns: Mutex<HashMap<SecretRef, Arc<Turn>>>,
}

/// One reference is asked for by one at a time.
#[derive(Default)]
struct Turn {
    /// How often it was asked for.
    done: AtomicU64,
    /// How that ended last.
    outcome: tokio::sync::Mutex<Option<AuthError>>,
}

impl Stores {
    pub(crate) fn new(
        vault: Option<Vault>,
        key_vaults: Option<Arc<KeyVaults>>,
        secrets: Arc<Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            vault,
            key_vaults,
            secrets,
            clock,
            turns: Mutex::default(),
        })
    }

    /// Sees to it that the value of a reference can be read.
    pub(crate) async fn prepare(self: &Arc<Self>, reference: &SecretRef) -> Result<(), AuthError> {
        if !reference.is_stored() {
            return Ok(());
        }
        let now = self.clock.now();
        match self.secrets.fetched_at(reference) {
            Some(at) if !at.plus(VALUE_LIFE_MS).is_reached(now) => Ok(()),
            Some(_) => {
                let (stores, reference) = (Arc::clone(self), reference.clone());
                tokio::spawn(async move {
                    if let Err(error) = stores.renew(&reference).await {
                        tracing::warn!(secret = %reference, error = error.reason, "secret.stale");
                    }
                });
                Ok(())
            }
            None => self.renew(reference).await,
        }
    }

    /// Asks for a value whatever is held. Who waited for somebody else's answer gets the same, good
    /// or bad.
    pub(crate) async fn renew(&self, reference: &SecretRef) -> Result<(), AuthError> {
        let turn = self.turn(reference);
        let before = turn.done.load(Ordering::Acquire);
        let mut outcome = turn.outcome.lock().await;
        if turn.done.load(Ordering::Acquire) == before {
            let asked = self.ask(reference).await;
            *outcome = asked.err();
            turn.done.fetch_add(1, Ordering::Release);
        }
        outcome.clone().map_or(Ok(()), Err)
    }

    async fn ask(&self, reference: &SecretRef) -> Result<(), AuthError> {
        let unset = |key: &str| {
            let reason = format!("the secret `{reference}` needs `secret_stores.{key}`");
            AuthError::new(AuthKind::Secret, reason)
        };
        let value = async {
            match (reference, &self.vault, &self.key_vaults) {
                (SecretRef::Vault(place), Some(vault), _) => vault.value(place).await,
                (SecretRef::Vault(_), None, _) => Err(unset("vault")),
                (SecretRef::KeyVault(place), _, Some(vaults)) => vaults.value(place).await,
                (SecretRef::KeyVault(_), _, None) => Err(unset("key_vault")),
                (SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Systemd(_), ..) => {
                    let reason = format!("the secret `{reference}` is in no store");
                    Err(AuthError::new(AuthKind::Internal, reason))
                }
            }
        };
        let Ok(value) = tokio::time::timeout(TIMEOUT, value).await else {
            let reason = format!("the store of the secret `{reference}` did not answer in time");
            return Err(AuthError::new(AuthKind::Timeout, reason));
        };
        self.secrets.keep(reference, value?, self.clock.now());
        Ok(())
    }

    fn turn(&self, reference: &SecretRef) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(reference) {
            return Arc::clone(turn);
        }
        let turn = Arc::new(Turn::default());
        turns.insert(reference.clone(), Arc::clone(&turn));
        turn
    }
}
