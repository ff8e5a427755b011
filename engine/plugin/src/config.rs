//! What the operator says: limits, and what each plugin may reach.

use std::path::PathBuf;

use actions_contract::{EffectKind, Method};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::manifest::{Place, read_methods, root_path};

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
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// The component file, relative to the configuration.
    #[schemars(with = "String")]
    pub file: PathBuf,
    /// What the plugin may reach. It reaches only what its manifest asks for and this list grants.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The plugin's own configuration, valid under the schema it describes.
    #[serde(default = "empty_object")]
    pub config: Value,
}

impl PluginConfig {
    /// A plugin without grants and configuration: all that one which only computes needs.
    #[must_use]
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            grants: Vec::new(),
            config: empty_object(),
        }
    }
}

/// Something a plugin may reach.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// A host name such as `api.example.com`, or a connection such as `connection:graph`.
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
