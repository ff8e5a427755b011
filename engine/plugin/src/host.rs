//! The host: one WebAssembly engine, and the door through which plugins come in.

use std::sync::Arc;

use actions_contract::Action;
use engine_model::Digest;
use serde_json::Value;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::PluginError;
use crate::action::{Family, PluginAction, kept};
use crate::answer::trapped;
use crate::bindings::v0_1::Plugin;
use crate::bindings::{PluginPre, words};
use crate::cache::Cache;
use crate::config::{HostConfig, PluginConfig};
use crate::describe;
use crate::guest::Guest;
use crate::manifest::Manifest;
use crate::probe;
use crate::reach::Reach;
use crate::signature::{self, Signer};
use crate::ticker::Ticker;
use crate::version::Version;

/// Loads plugins and gives them room to run.
pub struct Host {
    room: Arc<Room>,
    /// Where not empty, the only keys whose plugins are loaded.
    signers: Vec<Signer>,
    /// Where what was compiled is kept.
    cache: Option<Arc<Cache>>,
}

/// What all plugins of a host share; lives as long as any of their actions.
pub(crate) struct Room {
    pub(crate) engine: Engine,
    pub(crate) limits: HostConfig,
    pub(crate) slots: Semaphore,
    linker: Linker<Guest>,
    _ticker: Ticker,
}

/// A plugin that was loaded.
pub struct Loaded {
    /// What it is called and what it asks for.
    pub manifest: Manifest,
    /// The digest of its file.
    pub digest: Digest,
    /// Who signed it.
    pub signer: Option<Signer>,
    /// Its actions.
    pub actions: Vec<Arc<dyn Action>>,
    /// The interfaces it imports: all it could ever use.
    pub imports: Vec<String>,
    family: Arc<Family>,
    version: Arc<Version>,
}

impl Loaded {
    /// What a step of this version keeps while it waits with `state`.
    #[must_use]
    pub fn kept(&self, state: &Value) -> Value {
        kept(&self.digest, state)
    }

    /// Makes `newer` serve the steps that begin from now on; what waits stays on its version.
    ///
    /// # Errors
    ///
    /// When it is not the same plugin, or one of its actions looks different from outside:
    /// playbooks were checked against the facts of the version that was there when they were read.
    pub fn upgrade(&self, newer: &Self) -> Result<(), PluginError> {
        let infos =
            |loaded: &Self| -> Vec<_> { loaded.actions.iter().map(|a| a.info().clone()).collect() };
        if self.manifest.id != newer.manifest.id || infos(self) != infos(newer) {
            return Err(PluginError::Config(format!(
                "version {} of `{}` has other actions than {}; the engine has to start anew",
                newer.manifest.version, newer.manifest.id, self.manifest.version
            )));
        }
        self.family.add(Arc::clone(&newer.version), true);
        Ok(())
    }
}

impl Host {
    /// A host with these limits.
    ///
    /// # Errors
    ///
    /// When this machine cannot run WebAssembly.
    pub fn new(limits: HostConfig) -> Result<Self, PluginError> {
        let engine = engine(&limits).map_err(PluginError::Engine)?;
        let mut linker = Linker::new(&engine);
        Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)
            .map_err(PluginError::Engine)?;
        let ticker = Ticker::start(&engine).map_err(|e| PluginError::Engine(e.into()))?;
        let slots = Semaphore::new(limits.calls_max.max(1) as usize);
        Ok(Self {
            room: Arc::new(Room {
                engine,
                limits,
                slots,
                linker,
                _ticker: ticker,
            }),
            signers: Vec::new(),
            cache: None,
        })
    }

    /// The same, loading only what these keys signed; an empty list demands nothing.
    #[must_use]
    pub fn trusting(mut self, signers: Vec<Signer>) -> Self {
        self.signers = signers;
        self
    }

    /// The same, keeping what it compiles.
    #[must_use]
    pub fn keeping(mut self, cache: Cache) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Loads a file with its earlier versions, which `read` fetches.
    ///
    /// # Errors
    ///
    /// When the file, its manifest, its description or its configuration cannot be used.
    pub async fn load_with_earlier(
        &self,
        file: &[u8],
        config: &PluginConfig,
        read: impl Fn(&PluginConfig) -> Result<Vec<u8>, PluginError>,
    ) -> Result<Loaded, PluginError> {
        let loaded = self.load(file, config).await?;
        for earlier in &config.earlier {
            let before = self.load(&read(earlier)?, earlier).await?;
            loaded.family.add(before.version, false);
        }
        Ok(loaded)
    }

    /// Checks digest and signature, compiles, checks what the plugin says about itself and makes
    /// actions of it.
    ///
    /// # Errors
    ///
    /// When the file, its manifest, its description or its configuration cannot be used.
    pub async fn load(&self, file: &[u8], config: &PluginConfig) -> Result<Loaded, PluginError> {
        let digest = Digest::of(file);
        let signer = self.trusted(file, &digest, config)?;
        let manifest = Manifest::read(file)?;
        let (pre, imports) = self.compile(file, &digest).await?;
        let described = self.describe(&pre).await?;
        let description =
            describe::check(&manifest, &described).map_err(PluginError::Description)?;
        description
            .config
            .check(&config.config)
            .map_err(PluginError::Config)?;
        let version = Arc::new(Version {
            room: Arc::clone(&self.room),
            digest: digest.clone(),
            pre,
            reach: Arc::new(Reach {
                plugin: manifest.id.clone(),
                declared: manifest.capabilities.clone(),
                granted: config.grants.clone(),
                bound: config.connections.clone(),
            }),
            config: config.config.to_string(),
            actions: description.actions,
            slots: Semaphore::new(self.room.limits.calls_max.div_ceil(2).max(1) as usize),
        });
        probe::simulations(&version)
            .await
            .map_err(PluginError::Description)?;
        let family = Arc::new(Family::of(Arc::clone(&version)));
        let actions = version.actions.iter().map(|action| {
            Arc::new(PluginAction {
                family: Arc::clone(&family),
                info: action.info.clone(),
                name: action.name.clone(),
            }) as Arc<dyn Action>
        });
        Ok(Loaded {
            actions: actions.collect(),
            imports,
            digest,
            signer,
            manifest,
            family,
            version,
        })
    }

    /// Checks that the file is the one that was installed, before anything of it is used.
    fn trusted(
        &self,
        file: &[u8],
        digest: &Digest,
        config: &PluginConfig,
    ) -> Result<Option<Signer>, PluginError> {
        let untrusted = |message: String| Err(PluginError::Untrusted(message));
        if let Some(pinned) = &config.digest
            && pinned != digest
        {
            return untrusted(format!(
                "its digest is {digest}, and {pinned} was installed"
            ));
        }
        let signer = signature::signer(file)?;
        let told = |signer: &Option<Signer>| {
            signer
                .as_ref()
                .map_or_else(|| "by nobody".to_owned(), |signer| format!("by {signer}"))
        };
        if config.signer.is_some() && config.signer != signer {
            return untrusted(format!(
                "it is signed {}, and one signed {} was installed",
                told(&signer),
                told(&config.signer)
            ));
        }
        let known = signer.as_ref().is_some_and(|s| self.signers.contains(s));
        if !self.signers.is_empty() && !known {
            return untrusted(format!(
                "it is signed {}, which `plugin_signers` does not list",
                told(&signer)
            ));
        }
        Ok(signer)
    }

    /// Compiles off the runtime's threads: a large component takes seconds.
    async fn compile(
        &self,
        file: &[u8],
        digest: &Digest,
    ) -> Result<(PluginPre<Guest>, Vec<String>), PluginError> {
        let unusable = |error: wasmtime::Error| PluginError::Component(format!("{error:#}"));
        let (engine, file) = (self.room.engine.clone(), file.to_vec());
        let (cache, digest) = (self.cache.clone(), digest.clone());
        let compiled = move || match cache {
            Some(cache) => cache.component(&engine, (&file, &digest)),
            None => Component::from_binary(&engine, &file),
        };
        let component = tokio::task::spawn_blocking(compiled)
            .await
            .map_err(|error| PluginError::Component(error.to_string()))?
            .map_err(unusable)?;
        let imports = self.check_names(&component)?;
        let pre = self
            .room
            .linker
            .instantiate_pre(&component)
            .map_err(unusable)?;
        Ok((PluginPre::new(pre).map_err(unusable)?, imports))
    }

    /// Tells about a wrong version or an unknown import in words an author understands.
    fn check_names(&self, component: &Component) -> Result<Vec<String>, PluginError> {
        let kind = component.component_type();
        let engine = &self.room.engine;
        let exports: Vec<&str> = kind.exports(engine).map(|(name, _)| name).collect();
        if !exports.contains(&actions_interface::EXPORT) {
            return Err(PluginError::Component(format!(
                "it exports {}; this engine serves {}",
                if exports.is_empty() {
                    "nothing".to_owned()
                } else {
                    exports.join(", ")
                },
                actions_interface::EXPORT,
            )));
        }
        let imports: Vec<&str> = kind.imports(engine).map(|(name, _)| name).collect();
        let unknown: Vec<&str> = imports
            .iter()
            .copied()
            .filter(|name| !actions_interface::IMPORTS.contains(name))
            .collect();
        if !unknown.is_empty() {
            return Err(PluginError::Component(format!(
                "it imports {}; a plugin may import {}",
                unknown.join(", "),
                actions_interface::IMPORTS.join(", "),
            )));
        }
        Ok(imports.into_iter().map(str::to_owned).collect())
    }

    /// Asks the plugin for its description, every import trapping.
    async fn describe(&self, pre: &PluginPre<Guest>) -> Result<words::PluginInfo, PluginError> {
        // The instance takes a place of the pool, also while other plugins are at work.
        let _slot = self.room.slots.acquire().await;
        let mut store = Guest::store(&self.room.engine, &self.room.limits, None);
        let described = async {
            let plugin = pre.instantiate_async(&mut store).await?;
            plugin
                .quell_plugin_actions()
                .call_describe(&mut store)
                .await
        };
        described.await.map_err(|error| {
            let told = trapped(&error);
            PluginError::Description(vec![format!("it could not be asked: {told}")])
        })
    }
}

/// An engine that takes instances from a pool, or one by one where the machine has no room for the
/// pool's address space.
fn engine(limits: &HostConfig) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true).wasm_memory64(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    Engine::new(&config).or_else(|error| {
        tracing::warn!(reason = %error, "no pool for plugins, so each call is slower");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config)
    })
}

fn pool(limits: &HostConfig) -> PoolingAllocationConfig {
    // Components of script engines are made of up to sixty-four core modules, with a memory for
    // each of the tools that made them.
    const CORES: u32 = 64;
    const MEMORIES: u32 = 4;
    let calls = limits.calls_max.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .max_core_instances_per_component(CORES)
        .total_core_instances(calls.saturating_mul(CORES))
        .max_memories_per_component(MEMORIES)
        .total_memories(calls.saturating_mul(MEMORIES))
        .max_tables_per_component(CORES)
        .total_tables(calls.saturating_mul(4))
        .total_stacks(calls)
        .max_memory_size(limits.memory_bytes_max)
        .linear_memory_keep_resident(16 << 20)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    pool
}
