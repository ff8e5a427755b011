//! Certificates as credentials: reading PEM and PFX, and what makes one unfit.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use p12_keystore::Pkcs12Archive;
use pkcs8::PrivateKeyInfoRef;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::error::{AuthError, AuthKind};
use crate::key_vault::KeyVaults;
use crate::key_vault_config::KeyVaultRef;

const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 8192;
/// How far a clock may be off before a certificate counts as not valid yet.
const SLACK_S: i64 = 300;

/// What the references of a certificate led to.
pub(crate) struct Material {
    pub(crate) certificate: SecretSlice<u8>,
    pub(crate) private_key: Option<SecretSlice<u8>>,
    pub(crate) password: Option<SecretString>,
    /// The private key, where it signs elsewhere.
    pub(crate) remote: Option<RemoteKey>,
}

/// A private key that never leaves its vault.
#[derive(Clone, Debug)]
pub(crate) struct RemoteKey {
    pub(crate) vaults: Arc<KeyVaults>,
    pub(crate) place: KeyVaultRef,
}

/// Who signs.
enum SigningKey {
    Here(EncodingKey),
    Elsewhere(RemoteKey),
}

/// A private key with its certificate, fit to speak for an application.
pub(crate) struct Signer {
    key: SigningKey,
    /// Its other half, from the certificate.
    verifier: DecodingKey,
    /// The SHA-256 of the certificate, as the header of a statement wants it.
    pub(crate) thumbprint: String,
    /// The certificates in base64, the application's own first.
    pub(crate) chain: Vec<String>,
    not_before_s: i64,
    not_after_s: i64,
}

/// Why a certificate is no credential. Names nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateFault {
    #[error("is neither PEM nor PFX")]
    Unreadable,
    #[error("does not open with the password")]
    Password,
    #[error("holds no certificate")]
    NoCertificate,
    #[error("comes without a private key that is not encrypted")]
    NoKey,
    #[error("does not have an RSA key")]
    NotRsa,
    #[error("has an RSA key of less than 2048 or more than 8192 bits")]
    Size,
    #[error("does not belong to the private key")]
    Mismatch,
    #[error("has expired")]
    Expired,
    #[error("is not valid yet")]
    NotYet,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads certificate and key; costs milliseconds of computing, more for a PFX.
    pub(crate) fn load(material: &Material) -> Result<Self, CertificateFault> {
        let mut found = Found::default();
        let bytes = material.certificate.expose_secret();
        if is_pem(bytes) {
            found.read_pem(bytes)?;
        } else {
            let password = material.password.as_ref();
            let password = password.map_or("", |password| password.expose_secret());
            found.read_pfx(bytes, password)?;
        }
        if let Some(key) = &material.private_key {
            found.keys.clear();
            found.read_pem(key.expose_secret())?;
        }
        match &material.remote {
            Some(key) => found.join_elsewhere(key.clone()),
            None => found.join(),
        }
    }

    /// The signature over a text with PS256, as it stands in a statement.
    pub(crate) async fn sign(&self, text: &str) -> Result<String, AuthError> {
        let key = match &self.key {
            SigningKey::Here(key) => {
                let signature = crypto::sign(text.as_bytes(), key, Algorithm::PS256);
                let failed = "the statement could not be signed";
                return signature.map_err(|_| AuthError::new(AuthKind::Internal, failed));
            }
            SigningKey::Elsewhere(key) => key,
        };
        let digest = Sha256::digest(text);
        let signature = key.vaults.sign(&key.place, &digest).await?;
        // What comes over the network is used only if it fits.
        let fits = crypto::verify(
            &signature,
            text.as_bytes(),
            &self.verifier,
            Algorithm::PS256,
        );
        if fits.unwrap_or(false) {
            return Ok(signature);
        }
        let reason = format!("the certificate does not belong to the key `{}`", key.place);
        Err(AuthError::new(AuthKind::Certificate, reason))
    }

    /// Whether it can be used at a time in seconds since the epoch.
    pub(crate) const fn check(&self, now_s: i64) -> Result<(), CertificateFault> {
        if now_s >= self.not_after_s {
            Err(CertificateFault::Expired)
        } else if now_s + SLACK_S < self.not_before_s {
            Err(CertificateFault::NotYet)
        } else {
            Ok(())
        }
    }

    /// For how many seconds it will still be valid.
    pub(crate) const fn seconds_left(&self, now_s: i64) -> i64 {
        self.not_after_s - now_s
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// What was found in the files.
#[derive(Default)]
struct Found {
    certificates: Vec<Vec<u8>>,
    /// RSA keys as PKCS #1.
    keys: Vec<Zeroizing<Vec<u8>>>,
    /// Whether there was a key of another kind.
    foreign: bool,
}

impl Found {
    fn read_pem(&mut self, bytes: &[u8]) -> Result<(), CertificateFault> {
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            let (kind, der) = section.map_err(|_| CertificateFault::Unreadable)?;
            match kind {
                SectionKind::Certificate => self.certificates.push(der),
                SectionKind::RsaPrivateKey => self.keys.push(Zeroizing::new(der)),
                SectionKind::PrivateKey => self.add_pkcs8(&Zeroizing::new(der))?,
                SectionKind::EcPrivateKey => self.foreign = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_pfx(&mut self, bytes: &[u8], password: &str) -> Result<(), CertificateFault> {
        use p12_keystore::error::Error;
        let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| match error {
            Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError => {
                CertificateFault::Password
            }
            _ => CertificateFault::Unreadable,
        })?;
        for bag in &archive.certs {
            self.certificates.push(bag.cert.as_der().to_vec());
        }
        for bag in &archive.keys {
            self.add_pkcs8(bag.key.as_der())?;
        }
        Ok(())
    }

    fn add_pkcs8(&mut self, der: &[u8]) -> Result<(), CertificateFault> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| CertificateFault::Unreadable)?;
        if info.algorithm.oid.to_string() == RSA_ENCRYPTION {
            let inner = info.private_key.as_bytes().to_vec();
            self.keys.push(Zeroizing::new(inner));
        } else {
            self.foreign = true;
        }
        Ok(())
    }

    /// The key and the first certificate that belong together.
    fn join(self) -> Result<Signer, CertificateFault> {
        if self.certificates.is_empty() {
            return Err(CertificateFault::NoCertificate);
        }
        let Some(key) = self.keys.first() else {
            let kind = if self.foreign {
                CertificateFault::NotRsa
            } else {
                CertificateFault::NoKey
            };
            return Err(kind);
        };
        let key = EncodingKey::from_rsa_der(key);
        let mut fault = CertificateFault::Mismatch;
        for (i, der) in self.certificates.iter().enumerate() {
            match leaf(der).and_then(|leaf| leaf.probe(&key)) {
                Ok(leaf) => return Ok(self.signer(i, leaf, SigningKey::Here(key))),
                // What the first certificate lacks is what its owner has to hear.
                Err(reason) if i == 0 => fault = reason,
                Err(_) => {}
            }
        }
        Err(fault)
    }

    /// The first certificate, whose key is in a vault: whether they belong together shows when it
    /// signs.
    fn join_elsewhere(self, key: RemoteKey) -> Result<Signer, CertificateFault> {
        let first = self.certificates.first();
        let leaf = leaf(first.ok_or(CertificateFault::NoCertificate)?)?;
        Ok(self.signer(0, leaf, SigningKey::Elsewhere(key)))
    }

    /// A signer with the certificate at a place, the others behind it.
    fn signer(&self, place: usize, leaf: Leaf, key: SigningKey) -> Signer {
        let all = self.certificates.iter();
        let mut chain: Vec<String> = all.map(|der| STANDARD.encode(der)).collect();
        chain[..=place].rotate_right(1);
        Signer {
            key,
            verifier: leaf.verifier,
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&self.certificates[place])),
            chain,
            not_before_s: leaf.not_before_s,
            not_after_s: leaf.not_after_s,
        }
    }
}

/// A certificate with an RSA key of a fit size.
struct Leaf {
    verifier: DecodingKey,
    not_before_s: i64,
    not_after_s: i64,
}

impl Leaf {
    /// The same, if it belongs to the key.
    fn probe(self, key: &EncodingKey) -> Result<Self, CertificateFault> {
        let signature = crypto::sign(PROBE, key, Algorithm::PS256);
        let fits = signature
            .and_then(|text| crypto::verify(&text, PROBE, &self.verifier, Algorithm::PS256));
        if fits.unwrap_or(false) {
            Ok(self)
        } else {
            Err(CertificateFault::Mismatch)
        }
    }
}

fn leaf(der: &[u8]) -> Result<Leaf, CertificateFault> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| CertificateFault::Unreadable)?;
    let Ok(PublicKey::RSA(public)) = certificate.public_key().parsed() else {
        return Err(CertificateFault::NotRsa);
    };
    let modulus = unsigned(public.modulus);
    let bits = modulus.len() * 8
        - modulus
            .first()
            .map_or(0, |byte| byte.leading_zeros() as usize);
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(CertificateFault::Size);
    }
    let validity = certificate.validity();
    Ok(Leaf {
        verifier: DecodingKey::from_rsa_raw_components(modulus, unsigned(public.exponent)),
        not_before_s: validity.not_before.timestamp(),
        not_after_s: validity.not_after.timestamp(),
    })
}

/// An integer without the leading zeros that DER puts before it.
fn unsigned(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
/// Signed once when a key is read, to see that it fits its certificate.
const PROBE: &[u8] = b"quell";
