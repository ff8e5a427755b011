//! Who vouches for a file: an ed25519 signature in its last section.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PluginError;
use crate::section;

/// The custom section that holds the signature.
const SECTION: &str = "quell:signature";

/// What the signed bytes begin with, so that no other use of the key can be taken for this one.
const DOMAIN: &[u8] = b"quell plugin 1\0";

const SIGNER: &str = "ed25519:";
const KEY: &str = "quell-plugin-key:";

/// A public key, written `ed25519:` and base64.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Signer([u8; 32]);

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `{0}` and 32 bytes in base64")]
pub struct KeyError(&'static str);

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGNER}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for Signer {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes(text, SIGNER).map(Self)
    }
}

impl TryFrom<String> for Signer {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Signer> for String {
    fn from(signer: Signer) -> Self {
        signer.to_string()
    }
}

fn bytes(text: &str, prefix: &'static str) -> Result<[u8; 32], KeyError> {
    text.trim()
        .strip_prefix(prefix)
        .and_then(|rest| STANDARD.decode(rest).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyError(prefix))
}

/// A private key that signs plugins.
pub struct Key(Ed25519KeyPair, [u8; 32]);

impl Key {
    /// A new key.
    ///
    /// # Errors
    ///
    /// When this machine has no randomness to give.
    pub fn generate() -> Result<Self, PluginError> {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed)
            .map_err(|_| PluginError::Untrusted("there is no randomness".to_owned()))?;
        Self::of(seed)
    }

    /// The key that [`Key::secret`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is not a key.
    pub fn read(text: &str) -> Result<Self, PluginError> {
        Self::of(bytes(text, KEY).map_err(|error| PluginError::Untrusted(error.to_string()))?)
    }

    fn of(seed: [u8; 32]) -> Result<Self, PluginError> {
        Ed25519KeyPair::from_seed_unchecked(&seed)
            .map(|pair| Self(pair, seed))
            .map_err(|_| PluginError::Untrusted("the key cannot be used".to_owned()))
    }

    /// The private key as text, for a file that only its owner reads.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("{KEY}{}\n", STANDARD.encode(self.1))
    }

    /// Its public half.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let mut public = [0; 32];
        public.copy_from_slice(self.0.public_key().as_ref());
        Signer(public)
    }

    /// The file with a signature; one that is there already is replaced.
    ///
    /// # Errors
    ///
    /// When the file is not a component.
    pub fn sign(&self, file: &[u8]) -> Result<Vec<u8>, PluginError> {
        let plain = match section::last(file, SECTION).map_err(broken)? {
            Some((before, _)) => before,
            None => file,
        };
        let signature = self.0.sign(&message(plain));
        let content = [self.0.public_key().as_ref(), signature.as_ref()].concat();
        Ok(section::append(plain, SECTION, &content))
    }
}

fn message(plain: &[u8]) -> Vec<u8> {
    [DOMAIN, Digest::of(plain).to_string().as_bytes()].concat()
}

fn broken(reason: &'static str) -> PluginError {
    PluginError::Untrusted(reason.to_owned())
}

/// Who signed the file; none when nobody did.
///
/// # Errors
///
/// When there is a signature and it does not hold.
pub fn signer(file: &[u8]) -> Result<Option<Signer>, PluginError> {
    let unreadable = |reason: &str| PluginError::Component(reason.to_owned());
    section::find(file, SECTION).map_err(unreadable)?;
    let Some((plain, content)) = section::last(file, SECTION).map_err(broken)? else {
        return Ok(None);
    };
    let (public, signature) = content
        .split_first_chunk::<32>()
        .ok_or_else(|| broken("its signature is cut off"))?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&message(plain), signature)
        .map_err(|_| broken("its signature does not fit the file"))?;
    Ok(Some(Signer(*public)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn a_signature_holds_for_the_file_it_was_made_for() {
        let key = Key::generate().unwrap();
        let again = Key::read(&key.secret()).unwrap();
        let signed = key.sign(&EMPTY).unwrap();
        assert_eq!(signer(&EMPTY).unwrap(), None);
        assert_eq!(signer(&signed).unwrap(), Some(again.signer()));
        assert_eq!(key.sign(&signed).unwrap(), signed);
        assert_eq!(key.signer().to_string().parse(), Ok(key.signer()));
        // Whichever byte behind the header is turned, the file is refused or unsigned.
        for at in 8..signed.len() {
            let mut turned = signed.clone();
            turned[at] ^= 1;
            assert_ne!(
                signer(&turned).ok().flatten(),
                Some(key.signer()),
                "byte {at}"
            );
        }
    }
}
