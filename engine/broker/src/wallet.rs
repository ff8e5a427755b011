//! Turns a configured credential into what a request for a token can show.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use crate::certificate::{CertificateFault, Material, RemoteKey, Signer};
use crate::clock::Clock;
use crate::credential::{CertificateRefs, Federation, Managed, Proof};
use crate::error::{AuthError, AuthKind};
use crate::key::{Fingerprint, Principal, Sealer};
use crate::key_vault::KeyVaults;
use crate::secret::{SecretRef, Secrets};

const DAY_S: i64 = 86_400;
/// How many days before its end a certificate is spoken of.
const WARNED_DAYS: [i64; 4] = [30, 14, 7, 1];

/// What a request for a token shows. Complete in itself, so that a flight needs nobody.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    /// A public client has nothing to show.
    Nothing,
    Secret(SecretString),
    Certificate {
        signer: Arc<Signer>,
        send_x5c: bool,
    },
    Federated(Federation),
    Managed(Managed),
}

/// One of the ways in which a connection may prove who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Candidate<'a> {
    Nothing,
    Secret(&'a SecretRef),
    Certificate(&'a CertificateRefs),
    Federated(&'a Federation),
    Managed(&'a Managed),
}

/// A candidate that could be read.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) evidence: Evidence,
    /// Changes with the credential, so that no token of a former one is used.
    pub(crate) credential: Fingerprint,
    /// The credential that stood in the same place before, when it was another one.
    pub(crate) former: Option<Fingerprint>,
    /// Seconds until the credential ends, when it is time to say so.
    pub(crate) expiring_s: Option<u64>,
}

impl Proof {
    /// The ways in their order: a later one is for where an earlier one is refused.
    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        match self {
            Self::Secrets(references) => references.iter().map(Candidate::Secret).collect(),
            Self::Certificate(refs) => vec![Candidate::Certificate(refs)],
            Self::Federated(federation) => vec![Candidate::Federated(federation)],
            Self::Managed(managed) => vec![Candidate::Managed(managed)],
        }
    }
}

impl<'a> Candidate<'a> {
    /// The secrets that it needs.
    pub(crate) fn references(self) -> Vec<&'a SecretRef> {
        match self {
            Self::Secret(reference) => vec![reference],
            Self::Certificate(refs) => {
                let mut references = vec![&refs.certificate];
                // A key that signs elsewhere is not read.
                let key = refs.private_key.as_ref();
                references.extend(key.filter(|key| key.signing_key().is_none()));
                references.extend(&refs.password);
                references
            }
            Self::Nothing | Self::Federated(_) | Self::Managed(_) => Vec::new(),
        }
    }

    /// On whose behalf its tokens speak.
    pub(crate) fn principal(self) -> Principal {
        match self {
            Self::Managed(managed) => Principal::Managed(managed.identity.clone()),
            _ => Principal::App,
        }
    }
}

/// Reads credentials at the moment of use, and remembers what was costly to read.
pub(crate) struct Wallet {
    secrets: Arc<Secrets>,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    /// Where keys are that sign elsewhere.
    key_vaults: Option<Arc<KeyVaults>>,
    certificates: Mutex<HashMap<CertificateRefs, Held>>,
    /// The credential that each reference led to last, so that a rotated one is forgotten.
    former: Mutex<HashMap<SecretRef, Fingerprint>>,
}

/// A certificate that was read.
struct Held {
    /// Stands for the bytes of all its files.
    stamp: Fingerprint,
    signer: Arc<Signer>,
    /// How many of [`WARNED_DAYS`] were spoken of.
    warned: usize,
}

impl Wallet {
    pub(crate) fn new(
        secrets: Arc<Secrets>,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        key_vaults: Option<Arc<KeyVaults>>,
    ) -> Self {
        Self {
            secrets,
            sealer,
            clock,
            key_vaults,
            certificates: Mutex::default(),
            former: Mutex::default(),
        }
    }

    /// What stands for a secret in this process.
    pub(crate) fn fingerprint(&self, secret: &SecretString) -> Fingerprint {
        self.sealer.fingerprint(secret.expose_secret())
    }

    /// What stands for the secrets of a candidate that came from a store; none where there are
    /// none.
    pub(crate) fn stored(&self, candidate: Candidate<'_>) -> Option<Fingerprint> {
        let references = candidate.references().into_iter();
        let stored = references.filter(|reference| reference.is_stored());
        let values: Option<Vec<_>> = stored
            .map(|reference| self.secrets.read_bytes(reference).ok())
            .collect();
        let values = values.filter(|values| !values.is_empty())?;
        let parts: Vec<&[u8]> = values.iter().map(|value| value.expose_secret()).collect();
        Some(self.sealer.fingerprint_of(&parts))
    }

    /// Reads a candidate as it is now.
    pub(crate) async fn show(&self, candidate: Candidate<'_>) -> Result<Shown, AuthError> {
        match candidate {
            Candidate::Nothing => {
                let credential = self.sealer.fingerprint("");
                Ok(Shown::lasting(Evidence::Nothing, credential))
            }
            Candidate::Secret(reference) => {
                let secret = self.secrets.read(reference)?;
                let credential = self.sealer.fingerprint(secret.expose_secret());
                Ok(Shown {
                    evidence: Evidence::Secret(secret),
                    credential,
                    former: self.former(reference, credential),
                    expiring_s: None,
                })
            }
            Candidate::Certificate(refs) => self.certificate(refs).await,
            Candidate::Federated(federation) => {
                // Its content changes every hour; what a token depends on is where it comes from.
                let credential = self.sealer.fingerprint(&format!("{federation:?}"));
                Ok(Shown::lasting(
                    Evidence::Federated(federation.clone()),
                    credential,
                ))
            }
            Candidate::Managed(managed) => {
                let credential = self.sealer.fingerprint(&format!("{managed:?}"));
                Ok(Shown::lasting(
                    Evidence::Managed(managed.clone()),
                    credential,
                ))
            }
        }
    }

    async fn certificate(&self, refs: &CertificateRefs) -> Result<Shown, AuthError> {
        let material = Material {
            certificate: self.secrets.read_bytes(&refs.certificate)?,
            private_key: match &refs.private_key {
                Some(reference) if reference.signing_key().is_none() => {
                    Some(self.secrets.read_bytes(reference)?)
                }
                _ => None,
            },
            password: match &refs.password {
                Some(reference) => Some(self.secrets.read(reference)?),
                None => None,
            },
            remote: self.remote(refs)?,
        };
        let stamp = self.stamp(&material);
        let unfit = |fault: CertificateFault| {
            let reason = format!("the certificate `{}` {fault}", refs.certificate);
            AuthError::new(AuthKind::Certificate, reason)
        };
        let signer = match self.held(refs, stamp) {
            Some(signer) => signer,
            None => {
                // A PFX file is made to be slow to open.
                let load = tokio::task::spawn_blocking(move || Signer::load(&material));
                let signer = match load.await {
                    Ok(signer) => Arc::new(signer.map_err(unfit)?),
                    Err(_) => return Err(unfit(CertificateFault::Unreadable)),
                };
                self.hold(refs, stamp, &signer);
                signer
            }
        };
        let now_s = self.clock.now().wall_ms / 1000;
        signer.check(now_s).map_err(unfit)?;
        let expiring_s = self.expiring(refs, signer.seconds_left(now_s));
        Ok(Shown {
            evidence: Evidence::Certificate {
                signer,
                send_x5c: refs.send_x5c,
            },
            credential: stamp,
            former: self.former(&refs.certificate, stamp),
            expiring_s,
        })
    }

    fn remote(&self, refs: &CertificateRefs) -> Result<Option<RemoteKey>, AuthError> {
        let Some(place) = refs.signing_key().cloned() else {
            return Ok(None);
        };
        let Some(vaults) = self.key_vaults.clone() else {
            let reason = format!("the key `{place}` needs `secret_stores.key_vault`");
            return Err(AuthError::new(AuthKind::Secret, reason));
        };
        Ok(Some(RemoteKey { vaults, place }))
    }

    fn stamp(&self, material: &Material) -> Fingerprint {
        let key = material.private_key.as_ref();
        let password = material.password.as_ref();
        let remote = material.remote.as_ref().map(|key| key.place.to_string());
        self.sealer.fingerprint_of(&[
            material.certificate.expose_secret(),
            key.map_or(&[], |key| key.expose_secret()),
            password.map_or(&[], |password| password.expose_secret().as_bytes()),
            remote.unwrap_or_default().as_bytes(),
        ])
    }

    fn held(&self, refs: &CertificateRefs, stamp: Fingerprint) -> Option<Arc<Signer>> {
        let certificates = self.certificates();
        let held = certificates.get(refs).filter(|held| held.stamp == stamp)?;
        Some(Arc::clone(&held.signer))
    }

    fn hold(&self, refs: &CertificateRefs, stamp: Fingerprint, signer: &Arc<Signer>) {
        let held = Held {
            stamp,
            signer: Arc::clone(signer),
            warned: 0,
        };
        self.certificates().insert(refs.clone(), held);
    }

    /// The seconds left, once for each of [`WARNED_DAYS`] that is reached.
    fn expiring(&self, refs: &CertificateRefs, left_s: i64) -> Option<u64> {
        let reached = WARNED_DAYS.iter().filter(|days| left_s <= **days * DAY_S);
        let reached = reached.count();
        let mut certificates = self.certificates();
        let held = certificates.get_mut(refs)?;
        if reached <= held.warned {
            return None;
        }
        held.warned = reached;
        u64::try_from(left_s).ok()
    }

    fn certificates(&self) -> std::sync::MutexGuard<'_, HashMap<CertificateRefs, Held>> {
        self.certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn former(&self, reference: &SecretRef, present: Fingerprint) -> Option<Fingerprint> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let before = former.insert(reference.clone(), present)?;
        (before != present).then_some(before)
    }
}

impl Shown {
    const fn lasting(evidence: Evidence, credential: Fingerprint) -> Self {
        Self {
            evidence,
            credential,
            former: None,
            expiring_s: None,
        }
    }
}
