//! What makes a token reusable: the key of the cache, and names for secrets that betray nothing.

use std::fmt;
use std::hash::{Hash, Hasher};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenKey {
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

/// Of the fields that tell most keys apart; equality looks at all of them.
impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.tenant.as_bytes());
        state.write(self.scope.as_bytes());
        state.write(&self.credential.0);
    }
}

impl TokenKey {
    /// The part that the token service throttles together.
    pub(crate) fn circuit(&self) -> Circuit {
        Circuit {
            authority: self.authority.clone(),
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
        }
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
