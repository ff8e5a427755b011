//! `quell.yaml`: parsed once, every problem at once, every key overridable by environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use actions_catalog::HuntingApi;
use actions_contract::Follow;
use engine_broker::{ApiOverride, Bindings, Connection, GivenRef, Http, SecretStores};
use engine_model::{Millis, TenantId, code};
use engine_plugin::{HostConfig, Signer};
use engine_server::PollerConfig;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exit::{Fault, Kind};
use crate::people::{ApprovalsConfig, MetricsConfig, PersonConfig};
use crate::plugins::PluginList;

/// The configuration of an engine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The address the API listens on.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// The folder of the database.
    #[schemars(with = "String")]
    pub(crate) data_dir: PathBuf,
    /// Playbook files, and folders of them.
    #[schemars(with = "Vec<String>")]
    pub(crate) playbooks: Vec<PathBuf>,
    /// The guard rails of the tenant, a file.
    #[schemars(with = "Option<String>")]
    pub(crate) policy: Option<PathBuf>,
    /// The tenant of alerts that do not say theirs, and of runs that no alert starts; that of the
    /// default connection where it is left out.
    pub(crate) tenant: TenantId,
    /// Who may hand in alerts.
    pub(crate) intake: Intake,
    /// The people who may call the API.
    pub(crate) people: Vec<PersonConfig>,
    /// How people are asked.
    pub(crate) approvals: ApprovalsConfig,
    /// Who may read `/metrics`.
    pub(crate) metrics: MetricsConfig,
    /// The API that `defender.run-hunting-query` uses.
    pub(crate) hunting: HuntingApi,
    /// How the engine works.
    pub(crate) engine: EngineConfig,
    /// Pollers of alert sources.
    pub(crate) sources: Vec<PollerConfig>,
    /// Installed plugins: the path of a `plugins.lock`, which `quell plugin add` writes, or a list.
    pub(crate) plugins: PluginList,
    /// The keys that have to have signed every plugin, such as `ed25519:…`; any where it is empty.
    pub(crate) plugin_signers: Vec<Signer>,
    /// Limits that hold for every plugin.
    pub(crate) plugin_limits: HostConfig,
    /// Overrides of the built-in facts per API: `mde`, `xdr`, `graph`.
    pub(crate) apis: BTreeMap<String, ApiOverride>,
    /// Connections to tenants, by name.
    pub(crate) connections: BTreeMap<String, Connection>,
    /// Secrets that playbooks may use by name.
    pub(crate) secrets: BTreeMap<String, GivenRef>,
    /// Where secrets are that are in no file of this machine.
    pub(crate) secret_stores: SecretStores,
    /// Which connection is used where a playbook names none.
    pub(crate) bindings: Bindings,
    /// Limits of outbound HTTP.
    pub(crate) http: Http,
}

/// Who may hand in alerts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Intake {
    /// Keys, as references such as `env:QUELL_INTAKE_KEY`.
    pub(crate) keys: Vec<GivenRef>,
}

/// How the engine works.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EngineConfig {
    /// How long after an unknown outcome a service may still show a new action late.
    pub(crate) reconcile_window: Millis,
    /// The wait before the first look at a remote action; each further wait is longer.
    pub(crate) follow_first: Millis,
    /// The longest wait between two looks at a remote action.
    pub(crate) follow_max: Millis,
    /// Attempts that may be under way at the same time.
    pub(crate) attempts_max: usize,
    /// Requests of the intake that are handled at the same time; more are answered with 429.
    pub(crate) intake_max: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let follow = Follow::default();
        Self {
            reconcile_window: engine_run::Settings::default().reconcile_window,
            follow_first: follow.first,
            follow_max: follow.max,
            attempts_max: 256,
            intake_max: 1024,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            data_dir: PathBuf::from("data"),
            playbooks: vec![PathBuf::from("workflows")],
            policy: None,
            tenant: "default".parse().expect("a valid tenant id"),
            intake: Intake::default(),
            people: Vec::new(),
            approvals: ApprovalsConfig::default(),
            metrics: MetricsConfig::default(),
            hunting: HuntingApi::default(),
            engine: EngineConfig::default(),
            sources: Vec::new(),
            plugins: PluginList::default(),
            plugin_signers: Vec::new(),
            plugin_limits: HostConfig::default(),
            apis: BTreeMap::new(),
            connections: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secret_stores: SecretStores::default(),
            bindings: Bindings::default(),
            http: Http::default(),
        }
    }
}

impl Config {
    /// Reads a file; paths in it are relative to its folder.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::new(
                Kind::Invalid,
                format!("cannot read `{}`: {error}", path.display()),
            )
            .with_code(code::CF0102)
        })?;
        let mut config = Self::parse(&text, std::env::vars()).map_err(|message| {
            Fault::new(Kind::Invalid, format!("{}: {message}", path.display()))
                .with_code(code::CF0101)
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let at_home = |path: &mut PathBuf| *path = folder.join(&*path);
        at_home(&mut config.data_dir);
        config.playbooks.iter_mut().for_each(at_home);
        config.policy.iter_mut().for_each(at_home);
        config.plugins.at_home(folder);
        Ok(config)
    }

    /// The configuration named, else `quell.yaml` of this folder, else the default.
    pub(crate) fn near(path: Option<&Path>) -> Result<Self, Fault> {
        let usual = Path::new("quell.yaml");
        match path {
            Some(path) => Self::read(path),
            None if usual.exists() => Self::read(usual),
            None => Ok(Self::default()),
        }
    }

    fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let value: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let mut root = match value {
            Value::Object(root) => root,
            Value::Null => Map::new(),
            _ => return Err("the configuration is a map".to_owned()),
        };
        for (name, text) in environment {
            overlay(&mut root, &name, &text);
        }
        serde_path_to_error::deserialize(Value::Object(root)).map_err(|error| error.to_string())
    }

    /// The part that the broker works with.
    pub(crate) fn broker(&self) -> engine_broker::Config {
        engine_broker::Config {
            apis: self.apis.clone(),
            connections: self.connections.clone(),
            secrets: self.secrets.clone(),
            secret_stores: self.secret_stores.clone(),
            bindings: self.bindings.clone(),
            http: self.http.clone(),
        }
    }
}

/// Keys of the configuration that an environment variable may override.
const KEYS: [&str; 21] = [
    "listen",
    "data_dir",
    "playbooks",
    "policy",
    "tenant",
    "intake",
    "people",
    "approvals",
    "metrics",
    "hunting",
    "engine",
    "sources",
    "plugins",
    "plugin_signers",
    "plugin_limits",
    "apis",
    "connections",
    "secrets",
    "secret_stores",
    "bindings",
    "http",
];

/// `QUELL_LISTEN` overrides `listen`, `QUELL_ENGINE__FOLLOW_FIRST` overrides
/// `engine.follow_first`; the value is read as YAML.
fn overlay(root: &mut Map<String, Value>, name: &str, text: &str) {
    let Some(rest) = name.strip_prefix("QUELL_") else {
        return;
    };
    let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    if !KEYS.contains(&path[0].as_str()) {
        return;
    }
    let value = serde_yaml::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut map = root;
    for key in &path[..path.len() - 1] {
        let slot = map
            .entry(key.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(inner) = slot else { return };
        map = inner;
    }
    map.insert(path[path.len() - 1].clone(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::parse(text, environment)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = parse("", &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8470");
        assert_eq!(config.engine.reconcile_window, Millis::from_secs(30));
    }

    #[test]
    fn the_environment_overrides_keys_at_any_depth() {
        let environment = [
            ("QUELL_LISTEN", "127.0.0.1:1"),
            ("QUELL_ENGINE__FOLLOW_FIRST", "50ms"),
            ("QUELL_INTAKE_KEY", "not a key of the configuration"),
        ];
        let config = parse("engine: {follow_max: 1s}", &environment).unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.engine.follow_first, Millis::from_ms(50));
        assert_eq!(config.engine.follow_max, Millis::from_secs(1));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_path() {
        let error = parse("engine: {folow_first: 1s}", &[]).unwrap_err();
        assert!(error.contains("engine.folow_first"), "{error}");
    }

    #[test]
    fn every_key_can_be_overridden() {
        let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
        let mut keys: Vec<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut known = KEYS.to_vec();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known);
    }
}
