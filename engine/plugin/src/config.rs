//! What the operator says: limits, and what each plugin may reach.

use std::collections::BTreeMap;
use std::path::PathBuf;

use actions_contract::{EffectKind, Method};
use engine_model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::{Manifest, Place, read_methods, root_path};
use crate::signature::Signer;

/// Limits that hold for every plugin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// The memory one call may take, in bytes.
    pub memory_bytes_max: usize,
    /// The time one call may take, waiting included, in milliseconds.
    pub call_ms_max: u32,
    /// The time one call may compute, in milliseconds; waiting for the host does not count.
    pub cpu_ms_max: u32,
    /// The largest output, and the largest request body, in bytes.
    pub output_bytes_max: usize,
    /// The largest response body handed to a plugin, in bytes.
    pub response_bytes_max: usize,
    /// The log lines one call may write; further ones are counted.
    pub log_lines_max: u32,
    /// How many calls may be going on at once, all plugins together; one plugin gets half of them.
    pub calls_max: u32,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            memory_bytes_max: 128 << 20,
            call_ms_max: 60_000,
            cpu_ms_max: 1_000,
            output_bytes_max: 1 << 20,
            response_bytes_max: 8 << 20,
            log_lines_max: 100,
            calls_max: 64,
        }
    }
}

/// One installed plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// The component file, relative to the configuration.
    #[schemars(with = "String")]
    pub file: PathBuf,
    /// The digest the file has to have; nothing of another file is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The key the file has to be signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// What the plugin may reach. It reaches only what its manifest asks for and this list grants.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The services behind the names that the plugin calls `connection:NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, Binding>,
    /// The plugin's own configuration, valid under the schema it describes.
    #[serde(default = "empty_object")]
    pub config: Value,
    /// Versions before this one. They start nothing; steps that wait on them end on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<PluginConfig>,
}

/// The service behind a connection of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Where it is, such as `https://acme.okta.com`; paths of the plugin are put behind it.
    pub url: String,
    /// Headers with the credential: the name of each, and the name under `secrets` of its whole
    /// value, such as `SSWS 00abc`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl PluginConfig {
    /// A plugin that is granted all it asks for, its services at names that lead nowhere: for
    /// trials, where nothing leaves.
    #[must_use]
    pub fn for_trial(manifest: &Manifest, config: Value) -> Self {
        let services = manifest.capabilities.iter().filter_map(|c| match &c.host {
            Place::Service(name) => Some(name),
            _ => None,
        });
        let bind = |name: &String| {
            let url = format!("https://{name}.invalid");
            let headers = BTreeMap::new();
            (name.clone(), Binding { url, headers })
        };
        Self {
            grants: manifest.wishes(),
            connections: services.map(bind).collect(),
            config,
            ..Self::of("")
        }
    }

    /// A plugin without grants and configuration: all that one which only computes needs.
    #[must_use]
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            digest: None,
            signer: None,
            grants: Vec::new(),
            connections: BTreeMap::new(),
            config: empty_object(),
            earlier: Vec::new(),
        }
    }
}

/// Something a plugin may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// A host name such as `api.example.com`, or a connection such as `connection:graph` or
    /// `connection:okta`.
    pub host: Place,
    /// The methods.
    #[serde(default = "read_methods")]
    pub methods: Vec<Method>,
    /// The paths, each with everything below it.
    #[serde(default = "root_path")]
    pub paths: Vec<String>,
    /// The effects of the actions that may use it.
    #[serde(default = "read_effect")]
    pub effects: Vec<EffectKind>,
}

fn read_effect() -> Vec<EffectKind> {
    vec![EffectKind::Read]
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}
