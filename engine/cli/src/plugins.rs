//! The installed plugins of an engine: loaded at its start, upgraded while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actions_contract::Action;
use engine_model::code;
use engine_plugin::lock::Lock;
use engine_plugin::{Cache, Host, Loaded, PluginConfig, PluginError};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::config::Config;
use crate::exit::{Fault, Kind};

/// `plugins:` of the configuration: a lock that `quell plugin add` writes, or a list.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum PluginList {
    /// The path of a `plugins.lock`.
    Lock(#[schemars(with = "String")] PathBuf),
    /// The plugins themselves.
    List(Vec<PluginConfig>),
}

impl Default for PluginList {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<'de> Deserialize<'de> for PluginList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(path) => Ok(Self::Lock(PathBuf::from(path))),
            list => serde_json::from_value(list)
                .map(Self::List)
                .map_err(serde::de::Error::custom),
        }
    }
}

impl PluginList {
    /// Makes the paths absolute, as seen from `folder`.
    pub(crate) fn at_home(&mut self, folder: &Path) {
        match self {
            Self::Lock(path) => *path = folder.join(&*path),
            Self::List(list) => list.iter_mut().for_each(|plugin| plugin.at_home(folder)),
        }
    }

    /// The plugins. A lock that is not there yet holds none.
    pub(crate) fn read(&self) -> Result<Vec<PluginConfig>, Fault> {
        match self {
            Self::List(list) => Ok(list.clone()),
            Self::Lock(path) => Ok(read_lock(path)?.plugins),
        }
    }

    /// Whether nothing can be installed.
    fn is_empty(&self) -> bool {
        matches!(self, Self::List(list) if list.is_empty())
    }
}

/// The lock at `path`, its files as seen from its folder.
pub(crate) fn read_lock(path: &Path) -> Result<Lock, Fault> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    Lock::parse(&text, path.parent().unwrap_or(Path::new("."))).map_err(|message| {
        Fault::new(Kind::Invalid, format!("{}: {message}", path.display())).with_code(code::CF0101)
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let message = format!("cannot read `{}`: {error}", path.display());
    Fault::new(Kind::Invalid, message).with_code(code::CF0102)
}

/// What a plugin's error is to the one who asked.
pub(crate) fn of_plugin(error: &PluginError) -> Fault {
    Fault::new(Kind::Invalid, error.to_string()).with_code(error.code())
}

/// The plugins of an engine.
pub(crate) struct Plugins {
    host: Host,
    loaded: Vec<Loaded>,
    list: PluginList,
}

impl Plugins {
    /// Loads what is installed; none when nothing is.
    pub(crate) async fn load(config: &Config) -> Result<Option<Self>, Fault> {
        if config.plugins.is_empty() {
            return Ok(None);
        }
        let mut plugins = Self {
            host: host(config)?,
            loaded: Vec::new(),
            list: config.plugins.clone(),
        };
        for plugin in config.plugins.read()? {
            plugins.loaded.push(plugins.load_one(&plugin).await?);
        }
        Ok(Some(plugins))
    }

    async fn load_one(&self, plugin: &PluginConfig) -> Result<Loaded, Fault> {
        let file = read(plugin)?;
        let earlier = |plugin: &PluginConfig| {
            std::fs::read(&plugin.file).map_err(|error| {
                let path = plugin.file.display();
                PluginError::Untrusted(format!("cannot read `{path}`: {error}"))
            })
        };
        let loaded = self.host.load_with_earlier(&file, plugin, earlier).await;
        loaded.map_err(|error| {
            of_plugin(&error).with_hint(format!("the plugin is `{}`", plugin.file.display()))
        })
    }

    /// Their actions.
    pub(crate) fn actions(&self) -> impl Iterator<Item = Arc<dyn Action>> {
        self.loaded
            .iter()
            .flat_map(|loaded| loaded.actions.iter().map(Arc::clone))
    }

    /// Looks at the lock for ever, and lets new versions serve what begins from then on.
    pub(crate) async fn watch(mut self) {
        const PERIOD: Duration = Duration::from_secs(1);
        let PluginList::Lock(path) = self.list.clone() else {
            return std::future::pending().await;
        };
        let mut seen = changed_at(&path);
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = changed_at(&path);
            if now != seen {
                seen = now;
                self.upgrade().await;
            }
        }
    }

    async fn upgrade(&mut self) {
        let wanted = match self.list.read() {
            Ok(wanted) => wanted,
            Err(fault) => {
                return tracing::error!(?fault, "the lock cannot be read; nothing changed");
            }
        };
        for plugin in wanted {
            let Some(digest) = plugin.digest.clone() else {
                continue;
            };
            if self.loaded.iter().any(|loaded| loaded.digest == digest) {
                continue;
            }
            let newer = match self.load_one(&plugin).await {
                Ok(newer) => newer,
                Err(fault) => {
                    tracing::error!(?fault, "a new version cannot be used; the old one goes on");
                    continue;
                }
            };
            let id = newer.manifest.id.clone();
            let Some(at) = self.loaded.iter().position(|l| l.manifest.id == id) else {
                tracing::warn!(plugin = id, "a new plugin serves after the next start");
                continue;
            };
            match self.loaded[at].upgrade(&newer) {
                Ok(()) => {
                    let (from, to) = (&self.loaded[at].manifest.version, &newer.manifest.version);
                    tracing::info!(plugin = id, from, to, "a new version serves");
                    // The family is that of the first version, which the engine holds.
                    self.loaded[at].digest = newer.digest;
                    self.loaded[at].manifest = newer.manifest;
                }
                Err(error) => tracing::warn!(plugin = id, %error, "the old version goes on"),
            }
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

fn read(plugin: &PluginConfig) -> Result<Vec<u8>, Fault> {
    std::fs::read(&plugin.file).map_err(|error| unreadable(&plugin.file, &error))
}

/// The host of this configuration.
pub(crate) fn host(config: &Config) -> Result<Host, Fault> {
    let host = Host::new(config.plugin_limits.clone()).map_err(|error| of_plugin(&error))?;
    let host = host.trusting(config.plugin_signers.clone());
    // Where nothing was installed and no engine has run, commands leave nothing behind.
    if config.plugins.is_empty() || !config.data_dir.is_dir() {
        return Ok(host);
    }
    Ok(match Cache::open(&config.data_dir.join("compiled")) {
        Ok(cache) => host.keeping(cache),
        Err(error) => {
            tracing::warn!(%error, "compiled plugins are not kept");
            host
        }
    })
}
