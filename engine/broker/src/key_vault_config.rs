//! Places in an Azure Key Vault, and who may ask for what is there.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::GUID;
use crate::credential::Proof;
use crate::problems::Problems;
use crate::{Cloud, Credential};

const API_VERSION: &str = "7.4";

/// What is meant in a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sort {
    Secret,
    Certificate,
    Key,
}

/// A place in a Key Vault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyVaultRef {
    vault: String,
    sort: Sort,
    name: String,
    version: Option<String>,
}

impl KeyVaultRef {
    /// Reads `vault/secrets/name` or `vault/certificates/name`, optionally with a version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::read(text).filter(|place| place.sort != Sort::Key)
    }

    /// Reads `vault/keys/name`, optionally with a version.
    pub(crate) fn parse_key(text: &str) -> Option<Self> {
        Self::read(text).filter(Self::is_key)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let vault = parts.next().filter(|vault| vault.len() <= 24)?;
        let sort = match parts.next()? {
            "secrets" => Sort::Secret,
            "certificates" => Sort::Certificate,
            "keys" => Sort::Key,
            _ => return None,
        };
        let name = parts.next()?;
        let version = parts.next();
        // What the vendor allows; nothing of it has a meaning in a URL.
        let plain = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !text.is_empty() && text.len() <= 127 && text.chars().all(allowed)
        };
        let valid = plain(vault) && plain(name) && version.is_none_or(plain);
        (valid && parts.next().is_none()).then(|| Self {
            vault: vault.to_ascii_lowercase(),
            sort,
            name: name.to_owned(),
            version: version.map(str::to_owned),
        })
    }

    /// Whether it is a key, which signs and cannot be read.
    pub(crate) fn is_key(&self) -> bool {
        self.sort == Sort::Key
    }
}

impl fmt::Display for KeyVaultRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, sort) = match self.sort {
            Sort::Secret => ("azkv", "secrets"),
            Sort::Certificate => ("azkv", "certificates"),
            Sort::Key => ("azkv-sign", "keys"),
        };
        write!(f, "{prefix}:{}/{sort}/{}", self.vault, self.name)?;
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

/// Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyVaultConfig {
    /// The cloud: `public` (default), `gcc`, `gcc_high`, `dod` or `china`.
    #[serde(default)]
    pub cloud: Cloud,
    /// The GUID of the directory to which the vaults belong.
    #[schemars(extend("pattern" = GUID))]
    pub tenant: String,
    /// The GUID of the application, or of the identity of the machine, that may read the vaults.
    #[schemars(extend("pattern" = GUID))]
    pub client_id: String,
    /// The token service, where it is not that of the cloud; `http` for loopback only.
    #[serde(default)]
    pub authority: Option<String>,
    /// How it proves who it is: best without any secret, such as `{type: managed_identity}`.
    pub credential: Credential,
    /// Where vaults are, by name, that are not at `https://NAME.vault.azure.net` or where the cloud
    /// has them; `http` for loopback only.
    #[serde(default)]
    pub addresses: BTreeMap<String, String>,
}

/// Key Vaults after the check.
#[derive(Clone, Debug)]
pub(crate) struct KeyVaultSetup {
    /// The domain of the vaults, which is also whom their tokens are for.
    pub(crate) domain: &'static str,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) authority: Url,
    pub(crate) proof: Proof,
    pub(crate) addresses: BTreeMap<String, Url>,
}

impl KeyVaultConfig {
    pub(crate) fn build(&self, at: &str, problems: &mut Problems) -> Option<KeyVaultSetup> {
        let tenant = problems.guid(&format!("{at}.tenant"), &self.tenant);
        let client_id = problems.guid(&format!("{at}.client_id"), &self.client_id);
        let authority = self.authority.as_deref().unwrap_or(self.cloud.authority());
        let authority = problems.url(&format!("{at}.authority"), authority);
        let credential = format!("{at}.credential");
        let proof = self.credential.build(&credential, self.cloud, problems);
        if proof.as_ref().is_some_and(Proof::asks_a_store) {
            problems.add_circle(credential);
        }
        let mut addresses = BTreeMap::new();
        for (name, address) in &self.addresses {
            if let Some(url) = problems.url(&format!("{at}.addresses.{name}"), address) {
                addresses.insert(name.to_ascii_lowercase(), url);
            }
        }
        Some(KeyVaultSetup {
            domain: self.cloud.vault_domain(),
            tenant: tenant?,
            client_id: client_id?,
            authority: authority?,
            proof: proof?,
            addresses,
        })
    }
}

impl KeyVaultSetup {
    /// Where a secret, or a certificate with its key, can be read.
    pub(crate) fn value_url(&self, place: &KeyVaultRef) -> Option<Url> {
        // A certificate with its key is the secret of the same name.
        self.url(place, "secrets", "")
    }

    /// Where a key signs.
    pub(crate) fn sign_url(&self, place: &KeyVaultRef) -> Option<Url> {
        self.url(place, "keys", "/sign")
    }

    fn url(&self, place: &KeyVaultRef, sort: &str, act: &str) -> Option<Url> {
        let version = place
            .version
            .as_deref()
            .map(|version| format!("/{version}"));
        let version = version.unwrap_or_default();
        let mut url = match self.addresses.get(&place.vault) {
            Some(address) => address.clone(),
            None => Url::parse(&format!("https://{}.{}", place.vault, self.domain)).ok()?,
        };
        url.set_path(&format!("/{sort}/{}{version}{act}", place.name));
        url.query_pairs_mut()
            .append_pair("api-version", API_VERSION);
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_key_vault_is_read_and_written_the_same_and_leads_nowhere_else() {
        for good in ["kv-soc/secrets/app", "kv-soc/certificates/app/0a1B"] {
            let place = KeyVaultRef::parse(good).unwrap();
            assert_eq!(place.to_string(), format!("azkv:{good}"));
            assert_eq!(KeyVaultRef::parse_key(good), None);
        }
        let key = KeyVaultRef::parse_key("kv-soc/keys/app").unwrap();
        assert_eq!(key.to_string(), "azkv-sign:kv-soc/keys/app");
        for bad in [
            "kv-soc",
            "kv-soc/secrets",
            "kv-soc/secrets/",
            "kv-soc/secrets/a/b/c",
            "kv-soc/secrets/../keys",
            "kv.evil.example/secrets/a",
            "kv-soc/secrets/a?x=1",
            "kv-soc/keys/app",
            "a-name-that-is-longer-than-24/secrets/a",
        ] {
            assert_eq!(KeyVaultRef::parse(bad), None, "{bad}");
        }
    }
}
