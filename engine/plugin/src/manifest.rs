//! What a plugin asks for, carried inside its file.

use std::fmt;
use std::str::FromStr;

use actions_contract::{Api, Method};
use engine_model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PluginError;
use crate::config::Grant;
use crate::section;

/// The custom section that holds the manifest as JSON.
const SECTION: &str = "quell:manifest";

/// What a plugin is called and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The family of its actions: `ps-decode` in `ps-decode.decode`.
    pub id: String,
    /// Its version, `major.minor.patch`; the major one stands after `@` in playbooks.
    pub version: String,
    /// What it wants to reach; nothing beyond this list is ever let through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// The digest of the source it was built from, where that lies beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Digest>,
}

/// Something a plugin wants to reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// A host name such as `api.example.com`, or a connection such as `connection:graph` or
    /// `connection:okta`.
    pub host: Place,
    /// The methods.
    #[serde(default = "read_methods")]
    pub methods: Vec<Method>,
    /// The paths, each with everything below it.
    #[serde(default = "root_path")]
    pub paths: Vec<String>,
}

pub(crate) fn read_methods() -> Vec<Method> {
    vec![Method::Get, Method::Head]
}

pub(crate) fn root_path() -> Vec<String> {
    vec!["/".to_owned()]
}

/// Where a request may go: a host, with a port where it is not 443, or a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Place {
    /// Reached by https, without credentials.
    Host(String),
    /// A configured API of Microsoft, reached with the credentials of the call.
    Api(Api),
    /// A service that the operator bound to this name, reached with the credentials given there.
    Service(String),
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name or `connection:` with a name, found `{0}`")]
pub struct PlaceError(String);

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = match text.strip_prefix("connection:") {
            Some(word) => connection(word),
            None => is_host(text).then(|| Self::Host(text.to_owned())),
        };
        place.ok_or_else(|| PlaceError(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Api(api) => write!(f, "connection:{}", api.as_str()),
            Self::Service(name) => write!(f, "connection:{name}"),
        }
    }
}

/// What a plugin calls by this word: one of the engine's own APIs, or a service bound to the name.
pub(crate) fn connection(word: &str) -> Option<Place> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match Api::ALL.into_iter().find(|api| api.as_str() == word) {
        Some(api) => Some(Place::Api(api)),
        None => ((1..=40).contains(&word.len())
            && word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(plain))
        .then(|| Place::Service(word.to_owned())),
    }
}

/// Whether it is a DNS name, with or without a port. Addresses are not: a plugin reaches names.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = text
        .split_once(':')
        .map_or((text, None), |(n, p)| (n, Some(p)));
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(label)
        && last.starts_with(|c: char| c.is_ascii_lowercase())
        && port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
        })
}

impl Manifest {
    /// The manifest inside a component file.
    ///
    /// # Errors
    ///
    /// When there is none, more than one, or one that cannot be read.
    pub fn read(component: &[u8]) -> Result<Self, PluginError> {
        let found = section::find(component, SECTION)
            .map_err(|reason| PluginError::Component(reason.to_owned()))?;
        let [text] = found.as_slice() else {
            return Err(PluginError::Manifest(format!(
                "the file has {} sections `{SECTION}`, not one",
                found.len()
            )));
        };
        let manifest: Self = serde_json::from_slice(text)
            .map_err(|error| PluginError::Manifest(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The component with this manifest inside.
    ///
    /// # Errors
    ///
    /// When the bytes are not a component, or one that has a manifest already.
    pub fn embed(&self, component: &[u8]) -> Result<Vec<u8>, PluginError> {
        self.check()?;
        let found = section::find(component, SECTION)
            .map_err(|reason| PluginError::Component(reason.to_owned()))?;
        if !found.is_empty() {
            return Err(PluginError::Manifest("the file has one already".to_owned()));
        }
        let text = serde_json::to_vec(self).expect("a manifest is plain text");
        Ok(section::append(component, SECTION, &text))
    }

    /// All it asks for as grants, for every effect its methods can serve.
    #[must_use]
    pub fn wishes(&self) -> Vec<Grant> {
        use actions_contract::EffectKind as Effect;
        let wish = |capability: &Capability| Grant {
            host: capability.host.clone(),
            methods: capability.methods.clone(),
            paths: capability.paths.clone(),
            effects: vec![
                Effect::Read,
                Effect::Notify,
                Effect::Annotate,
                Effect::Contain,
                Effect::Release,
                Effect::Destroy,
            ],
        };
        self.capabilities.iter().map(wish).collect()
    }

    /// The major version.
    pub(crate) fn major(&self) -> Option<u32> {
        let parts: Vec<u32> = self
            .version
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        (parts.len() == 3).then(|| parts[0])
    }

    pub(crate) fn check(&self) -> Result<(), PluginError> {
        // The family rules live in the action id.
        if format!("{}.a", self.id)
            .parse::<engine_model::ActionId>()
            .is_err()
        {
            return Err(PluginError::Manifest(format!(
                "`{}` is not a family name",
                self.id
            )));
        }
        if self.major().is_none() {
            return Err(PluginError::Manifest(format!(
                "`{}` is not a version `major.minor.patch`",
                self.version
            )));
        }
        match self
            .capabilities
            .iter()
            .flat_map(|c| &c.paths)
            .find(|p| !p.starts_with('/'))
        {
            Some(path) => Err(PluginError::Manifest(format!(
                "the path `{path}` does not begin with `/`"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_name_and_never_an_address_or_a_pattern() {
        for good in [
            "api.example.com",
            "localhost",
            "a.b:8443",
            "connection:graph",
            "connection:okta",
        ] {
            assert_eq!(good.parse::<Place>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "*",
            "*.example.com",
            "API.example.com",
            "127.0.0.1",
            "[::1]",
            "a..b",
            "a:0",
            "a:99999",
            "a:+1",
            "user@a.b",
            "a/b",
            "connection:Okta",
            "connection:o/p",
            "connection:",
            "1.2.3.4:80",
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_manifest_goes_in_once_and_comes_out_whole() {
        let manifest: Manifest = serde_json::from_str(
            r#"{"id":"x-ray","version":"1.2.3","capabilities":[{"host":"api.example.com"}]}"#,
        )
        .unwrap();
        let empty = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
        let file = manifest.embed(&empty).unwrap();
        assert_eq!(Manifest::read(&file).unwrap(), manifest);
        assert!(manifest.embed(&file).is_err());
        assert!(Manifest::read(&empty).is_err());
        let unnamed = Manifest {
            id: "No Name".to_owned(),
            ..manifest.clone()
        };
        assert!(unnamed.embed(&empty).is_err());
        let unversioned = Manifest {
            version: "1".to_owned(),
            ..manifest
        };
        assert!(unversioned.embed(&empty).is_err());
    }
}
