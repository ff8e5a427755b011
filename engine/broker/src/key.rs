//! What makes a token reusable: the key of the cache, and names for secrets that betray nothing.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Identity;

/// On whose behalf a token speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// The application itself.
    App,
    /// An identity of the machine.
    Managed(Identity),
    /// A person in one session; a new sign-in begins anew.
    User {
        /// The id in the directory.
        user: String,
        /// The id of the session.
        session: String,
    },
}

/// Everything that a token depends on; two requests that agree in it share one.
///
/// A field per fact and no joined text, so that no value can imitate another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    /// The token service.
    pub(crate) authority: String,
    /// The directory, a GUID in lower case.
    pub(crate) tenant: String,
    /// The application, a GUID in lower case.
    pub(crate) client_id: String,
    /// On whose behalf.
    pub(crate) principal: Principal,
    /// What was asked for.
    pub(crate) scope: String,
    /// The credential: without it a rotated or wrong secret would go on working for an hour.
    pub(crate) credential: Fingerprint,
}

/// The facts with their hash, which is looked for several times.
#[derive(Clone, Debug)]
pub(crate) struct TokenKey {
    facts: Arc<KeyFacts>,
    hash: u64,
}

impl From<KeyFacts> for TokenKey {
    fn from(facts: KeyFacts) -> Self {
        let mut hasher = FactHasher::default();
        // The facts that tell most keys apart; equality looks at all of them.
        hasher.take(facts.tenant.as_bytes());
        hasher.take(facts.scope.as_bytes());
        hasher.take(&facts.credential.0);
        Self {
            hash: hasher.end(),
            facts: Arc::new(facts),
        }
    }
}

impl Deref for TokenKey {
    type Target = KeyFacts;

    fn deref(&self) -> &KeyFacts {
        &self.facts
    }
}

impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.facts, &other.facts) || self.facts == other.facts)
    }
}

impl Eq for TokenKey {}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl TokenKey {
    /// Tells most keys apart.
    pub(crate) const fn hashed(&self) -> u64 {
        self.hash
    }

    /// The part that the token service throttles together.
    pub(crate) fn circuit(&self) -> Circuit {
        Circuit {
            authority: self.authority.clone(),
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
        }
    }
}

/// A quick hash for facts that come from the configuration: nobody outside can choose them, so it
/// need not withstand an attack.
#[derive(Default)]
struct FactHasher(u64);

/// A quick hash of one fact.
pub(crate) fn quick_hash(fact: &str) -> u64 {
    let mut hasher = FactHasher::default();
    hasher.take(fact.as_bytes());
    hasher.end()
}

impl FactHasher {
    fn take(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        for byte in chunks.remainder() {
            self.mix(u64::from(*byte));
        }
    }

    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The maps take the upper and the lower bits.
    const fn end(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

/// What the token service throttles together: an application in a tenant, whatever the scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Circuit {
    authority: String,
    tenant: String,
    client_id: String,
}

/// Stands for a secret: equal for equal secrets in this process, meaningless outside it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 16]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..4] {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Makes fingerprints under a key that lives as long as the process: a plain hash of a short
/// secret could be guessed from a log.
pub(crate) struct Sealer {
    key: [u8; 32],
}

impl Sealer {
    /// A sealer with a fresh random key.
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random bytes");
        Self { key }
    }

    pub(crate) fn fingerprint(&self, secret: &str) -> Fingerprint {
        self.fingerprint_of(&[secret.as_bytes()])
    }

    /// The fingerprint of several parts; the same bytes cut differently give another one.
    pub(crate) fn fingerprint_of(&self, parts: &[&[u8]]) -> Fingerprint {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Fingerprint(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_secrets_apart_and_means_nothing_to_another_process() {
        let (here, there) = (Sealer::new(), Sealer::new());
        assert_eq!(here.fingerprint("s3cret"), here.fingerprint("s3cret"));
        assert_ne!(here.fingerprint("s3cret"), here.fingerprint("s3cres"));
        assert_ne!(here.fingerprint("s3cret"), there.fingerprint("s3cret"));
    }
}
