//! `plugins.lock`: which plugins are installed, and what each was granted.

use std::path::Path;

use actions_contract::{Action, EffectKind, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Grant, PluginConfig};
use crate::manifest::Manifest;
use crate::reach::is_safe;

/// How many versions before the current one are kept for what waits on them.
const EARLIER_MAX: usize = 3;

/// The installed plugins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The plugins, each with its file beside the lock.
    #[serde(default)]
    pub plugins: Vec<PluginConfig>,
}

impl Lock {
    /// Reads the text of a lock; files in it are relative to `folder`.
    ///
    /// # Errors
    ///
    /// With what is wrong with it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut lock: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for plugin in &mut lock.plugins {
            plugin.at_home(folder);
        }
        Ok(lock)
    }

    /// The text of a lock whose files are still relative.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a lock is plain data");
        text.push('\n');
        text
    }

    /// Puts a plugin in the place of `before`, which keeps serving what waits on it.
    pub fn put(&mut self, mut plugin: PluginConfig, before: Option<usize>) {
        let Some(index) = before else {
            return self.plugins.push(plugin);
        };
        let mut old = self.plugins[index].clone();
        let older = std::mem::take(&mut old.earlier);
        if old.digest != plugin.digest {
            plugin.earlier.push(old);
        }
        plugin.earlier.extend(older);
        plugin
            .earlier
            .retain(|earlier| earlier.digest != plugin.digest);
        plugin.earlier.truncate(EARLIER_MAX);
        self.plugins[index] = plugin;
    }
}

impl PluginConfig {
    /// Makes the paths absolute, as seen from `folder`.
    pub fn at_home(&mut self, folder: &Path) {
        self.file = folder.join(&self.file);
        for earlier in &mut self.earlier {
            earlier.at_home(folder);
        }
    }
}

/// The least grants under which the plugin can do all it asks for: what reads for every effect
/// that one of its actions has, what changes something for those that do more than read.
#[must_use]
pub fn grants(manifest: &Manifest, actions: &[std::sync::Arc<dyn Action>]) -> Vec<Grant> {
    let mut effects: Vec<EffectKind> = Vec::new();
    for action in actions {
        let effect = action.info().effect.kind();
        if !effects.contains(&effect) {
            effects.push(effect);
        }
    }
    let changing: Vec<_> = effects
        .iter()
        .copied()
        .filter(|effect| *effect != EffectKind::Read)
        .collect();
    let mut grants = Vec::new();
    for capability in &manifest.capabilities {
        let (reads, writes): (Vec<Method>, Vec<Method>) = capability
            .methods
            .iter()
            .partition(|method| is_safe(**method));
        for (methods, effects) in [(reads, &effects), (writes, &changing)] {
            if !methods.is_empty() && !effects.is_empty() {
                grants.push(Grant {
                    host: capability.host.clone(),
                    methods,
                    paths: capability.paths.clone(),
                    effects: effects.clone(),
                });
            }
        }
    }
    grants
}

/// One grant in one line for people.
#[must_use]
pub fn line(grant: &Grant) -> String {
    let methods: Vec<_> = grant.methods.iter().map(|m| m.as_str()).collect();
    let effects: Vec<_> = grant.effects.iter().map(|e| e.as_str()).collect();
    format!(
        "{} {} {} to {}",
        methods.join(", "),
        grant.host,
        grant.paths.join(", "),
        effects.join(", ")
    )
}

/// What `wanted` holds that `granted` does not, in lines for people.
#[must_use]
pub fn more(wanted: &[Grant], granted: &[Grant]) -> Vec<String> {
    let covered = |grant: &Grant| {
        let one = |method: &Method, path: &String, effect: &EffectKind| {
            granted.iter().any(|g| {
                g.host == grant.host
                    && g.methods.contains(method)
                    && g.effects.contains(effect)
                    && g.paths.iter().any(|p| crate::reach::below(path, p))
            })
        };
        grant.methods.iter().all(|method| {
            grant
                .paths
                .iter()
                .all(|path| grant.effects.iter().all(|effect| one(method, path, effect)))
        })
    };
    wanted
        .iter()
        .filter(|grant| !covered(grant))
        .map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_model::Digest;

    fn plugin(content: &str) -> PluginConfig {
        PluginConfig {
            digest: Some(Digest::of(content.as_bytes())),
            ..PluginConfig::of(content)
        }
    }

    #[test]
    fn a_new_version_keeps_the_ones_before_for_what_waits_on_them() {
        let mut lock = Lock::default();
        lock.put(plugin("1"), None);
        for version in ["2", "3", "3", "4", "5", "6"] {
            lock.put(plugin(version), Some(0));
        }
        let earlier: Vec<_> = lock.plugins[0]
            .earlier
            .iter()
            .map(|earlier| earlier.file.display().to_string())
            .collect();
        assert_eq!(lock.plugins[0].file, Path::new("6"));
        assert_eq!(earlier, ["5", "4", "3"]);
        let again = Lock::parse(&lock.text(), Path::new("")).unwrap();
        assert_eq!(again, lock);
    }

    #[test]
    fn only_what_was_not_granted_before_counts_as_more() {
        let grant = |text: &str| -> Grant { serde_json::from_str(text).unwrap() };
        let wide = grant(
            r#"{"host":"a.example","methods":["GET","POST"],"paths":["/v1"],
            "effects":["read","contain"]}"#,
        );
        let inside = grant(r#"{"host":"a.example","methods":["GET"],"paths":["/v1/x"]}"#);
        let (one, other) = (std::slice::from_ref(&inside), std::slice::from_ref(&wide));
        assert!(more(one, other).is_empty());
        assert_eq!(
            more(&[wide], &[inside]),
            ["GET, POST a.example /v1 to read, contain"]
        );
    }
}
