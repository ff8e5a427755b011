//! Secret references: where a secret is, never the secret itself.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::zeroize::Zeroize as _;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::key_vault_config::KeyVaultRef;
use crate::vault::VaultRef;

const PATTERN: &str = concat!(
    r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^#]+|systemd:[A-Za-z0-9_.-]+",
    r"|vault:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+#[A-Za-z0-9_.-]+(\?version=[0-9]+)?",
    r"|azkv:[A-Za-z0-9-]+/(secrets|certificates)/[A-Za-z0-9-]+(/[A-Za-z0-9]+)?",
    r"|azkv-sign:[A-Za-z0-9-]+/keys/[A-Za-z0-9-]+(/[A-Za-z0-9]+)?)$"
);

/// Where a secret is; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:/absolute/path`: the content of a file that only its owner may read.
    File(PathBuf),
    /// `systemd:name`: a file of `$CREDENTIALS_DIRECTORY`.
    Systemd(String),
    /// `vault:mount/path#field`: a field of a secret in a key-value store of version 2.
    Vault(Box<VaultRef>),
    /// `azkv:vault/secrets/name` or `azkv:vault/certificates/name`: what an Azure Key Vault holds.
    /// `azkv-sign:vault/keys/name`: a key with which it signs, for a certificate only.
    KeyVault(Box<KeyVaultRef>),
}

impl SecretRef {
    /// Whether a store has to be asked for the value.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self, Self::Vault(_) | Self::KeyVault(_))
    }

    /// The key that signs elsewhere, where it is one.
    pub(crate) fn signing_key(&self) -> Option<&KeyVaultRef> {
        match self {
            Self::KeyVault(place) if place.is_key() => Some(place),
            _ => None,
        }
    }
}

/// Why a text is not a secret reference. Never holds the text: it may be a pasted secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// No known prefix: most likely the secret itself.
    #[error("a secret is written here instead of a reference to it")]
    Bare,
    /// `env:` without the name of a variable.
    #[error("`env:` is not followed by the name of an environment variable")]
    Env,
    /// `file:` without an absolute path.
    #[error("`file:` is not followed by an absolute path without `#`")]
    File,
    /// `systemd:` without the name of a credential.
    #[error("`systemd:` is not followed by the name of a credential")]
    Systemd,
    /// `vault:` without mount, path and field.
    #[error("`vault:` is not followed by `mount/path#field`, optionally with `?version=N`")]
    Vault,
    /// `azkv:` without vault, kind and name.
    #[error("`azkv:` is not followed by `vault/secrets/name` or `vault/certificates/name`")]
    KeyVault,
    /// `azkv-sign:` without vault and key.
    #[error("`azkv-sign:` is not followed by `vault/keys/name`")]
    Key,
}

impl FromStr for SecretRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix("env:") {
            let valid = !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            return if valid {
                Ok(Self::Env(name.to_owned()))
            } else {
                Err(RefError::Env)
            };
        }
        if let Some(path) = text.strip_prefix("file:") {
            let valid = path.starts_with('/') && path.len() > 1 && !path.contains(['#', '\0']);
            return if valid {
                Ok(Self::File(path.into()))
            } else {
                Err(RefError::File)
            };
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            let valid = !name.is_empty()
                && !name.starts_with('.')
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
            return if valid {
                Ok(Self::Systemd(name.to_owned()))
            } else {
                Err(RefError::Systemd)
            };
        }
        if let Some(place) = text.strip_prefix("vault:") {
            let parsed = VaultRef::parse(place);
            return parsed
                .map(|place| Self::Vault(Box::new(place)))
                .ok_or(RefError::Vault);
        }
        let key_vault = |place: KeyVaultRef| Self::KeyVault(Box::new(place));
        if let Some(place) = text.strip_prefix("azkv:") {
            let parsed = KeyVaultRef::parse(place);
            return parsed.map(key_vault).ok_or(RefError::KeyVault);
        }
        if let Some(place) = text.strip_prefix("azkv-sign:") {
            let parsed = KeyVaultRef::parse_key(place);
            return parsed.map(key_vault).ok_or(RefError::Key);
        }
        Err(RefError::Bare)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
            Self::Vault(place) => write!(f, "vault:{place}"),
            Self::KeyVault(place) => write!(f, "{place}"),
        }
    }
}

/// A secret reference as the configuration gives it: `env:NAME`, `file:/absolute/path`,
/// `systemd:name`, `vault:mount/path#field` or `azkv:vault/secrets/name`.
///
/// Reading never fails and never keeps a text that is no reference, so that a secret pasted by
/// mistake reaches no error message; [`Config::check`](crate::Config::check) reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRef(Result<SecretRef, RefError>);

impl GivenRef {
    /// The reference.
    ///
    /// # Errors
    ///
    /// Why the text that was given is none.
    pub fn get(&self) -> Result<&SecretRef, RefError> {
        self.0.as_ref().map_err(|error| *error)
    }

    fn read(mut text: String) -> Self {
        let parsed = text.parse();
        text.zeroize();
        Self(parsed)
    }
}

impl From<SecretRef> for GivenRef {
    fn from(reference: SecretRef) -> Self {
        Self(Ok(reference))
    }
}

/// One secret reference or several, tried in order while the earlier ones are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRefs(pub Vec<GivenRef>);

/// Takes any scalar, so that the message of a type mismatch cannot quote a pasted secret.
struct RefVisitor;

impl<'de> Visitor<'de> for RefVisitor {
    type Value = Vec<GivenRef>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret reference such as `env:NAME`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(text.parse())])
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(vec![GivenRef::read(text)])
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(vec![GivenRef(Err(RefError::Bare))])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut refs = Vec::new();
        while let Some(reference) = items.next_element()? {
            refs.push(reference);
        }
        Ok(refs)
    }
}

impl<'de> Deserialize<'de> for GivenRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut refs = deserializer.deserialize_any(RefVisitor)?;
        match (refs.pop(), refs.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(serde::de::Error::custom(
                "expected one secret reference, found a list",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for GivenRefs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RefVisitor).map(Self)
    }
}

impl JsonSchema for GivenRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where a secret is: `env:NAME`, `file:/absolute/path`, `systemd:name`, \
                            `vault:mount/path#field`, `azkv:vault/secrets/name`, \
                            `azkv:vault/certificates/name`; as the private key of a certificate \
                            also `azkv-sign:vault/keys/name`.",
            "type": "string",
            "pattern": PATTERN,
        })
    }
}

impl JsonSchema for GivenRefs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRefs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<GivenRef>();
        json_schema!({
            "description": "One secret reference, or several tried in order.",
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
        })
    }
}
