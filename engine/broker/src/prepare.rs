//! Sees to it that secrets of stores are at hand before they are read.

use actions_contract::{EgressError, HeaderText, Request, Target};
use secrecy::SecretString;

use crate::broker::Broker;
use crate::clock::Moment;
use crate::error::{AuthError, AuthKind};
use crate::key::Fingerprint;
use crate::secret::SecretRef;
use crate::wallet::Candidate;

/// A store is not asked again sooner because a credential is refused.
const REFUSED_PAUSE_MS: u64 = 30_000;

impl Broker {
    /// Prepares the secrets of a credential.
    pub(crate) async fn prepare(&self, candidate: Candidate<'_>) -> Result<(), AuthError> {
        for reference in candidate.references() {
            self.stores.prepare(reference).await?;
        }
        Ok(())
    }

    /// Reads a secret, wherever it is.
    pub(crate) async fn read(&self, reference: &SecretRef) -> Result<SecretString, AuthError> {
        self.stores.prepare(reference).await?;
        Ok(self.secrets.read(reference)?)
    }

    /// Prepares the secrets that a request names.
    pub(crate) async fn prepare_request(&self, request: &Request) -> Result<(), EgressError> {
        let target = match &request.target {
            Target::SecretUrl(secret) => Some(secret),
            Target::Api(_) | Target::Url(_) | Target::Link(_) => None,
        };
        let headers = request.headers.iter().filter_map(|(_, text)| match text {
            HeaderText::Secret(secret) => Some(secret),
            HeaderText::Text(_) => None,
        });
        for secret in target.into_iter().chain(headers) {
            // What is not configured is said where it is read.
            if let Some(reference) = self.setup.secrets.get(&secret.name) {
                let prepared = self.stores.prepare(reference).await;
                prepared.map_err(|error| EgressError::unsent(error.to_action_error("secrets")))?;
            }
        }
        Ok(())
    }

    /// Whether a store has another secret by now than the one that was refused.
    pub(crate) async fn has_changed(
        &self,
        candidate: Candidate<'_>,
        refused: Option<Fingerprint>,
        error: &AuthError,
    ) -> bool {
        let Some(refused) = refused.filter(|_| error.kind == AuthKind::Credential) else {
            return false;
        };
        let differs = || {
            let now = self.wallet.stored(candidate);
            now.is_some_and(|now| now != refused)
        };
        if differs() {
            return true;
        }
        let now = self.clock.now();
        let rested = |at: Moment| at.plus(REFUSED_PAUSE_MS).is_reached(now);
        for reference in candidate.references() {
            if reference.is_stored() && self.secrets.fetched_at(reference).is_some_and(rested) {
                // Where the store is away the refusal stands.
                let _ = self.stores.renew(reference).await;
            }
        }
        differs()
    }
}
