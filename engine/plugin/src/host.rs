//! The host: one WebAssembly engine, and the door through which plugins come in.

use std::sync::Arc;

use actions_contract::Action;
use engine_model::Digest;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::PluginError;
use crate::action::{Installed, PluginAction};
use crate::answer::trapped;
use crate::bindings::v0_1::Plugin;
use crate::bindings::{PluginPre, words};
use crate::config::{HostConfig, PluginConfig};
use crate::describe;
use crate::guest::Guest;
use crate::manifest::Manifest;
use crate::reach::Reach;
use crate::ticker::Ticker;

/// Loads plugins and gives them room to run.
pub struct Host(Arc<Room>);

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
    /// Its actions.
    pub actions: Vec<Arc<dyn Action>>,
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
        Ok(Self(Arc::new(Room {
            engine,
            limits,
            slots,
            linker,
            _ticker: ticker,
        })))
    }

    /// Compiles a component, checks what it says about itself and makes actions of it.
    ///
    /// # Errors
    ///
    /// When the file, its manifest, its description or its configuration cannot be used.
    pub async fn load(&self, file: &[u8], config: &PluginConfig) -> Result<Loaded, PluginError> {
        let manifest = Manifest::read(file)?;
        let pre = self.compile(file).await?;
        let described = self.describe(&pre).await?;
        let description =
            describe::check(&manifest, &described).map_err(PluginError::Description)?;
        description
            .config
            .check(&config.config)
            .map_err(PluginError::Config)?;
        let installed = Arc::new(Installed {
            room: Arc::clone(&self.0),
            pre,
            reach: Arc::new(Reach {
                plugin: manifest.id.clone(),
                declared: manifest.capabilities.clone(),
                granted: config.grants.clone(),
            }),
            config: config.config.to_string(),
            slots: Semaphore::new(self.0.limits.calls_max.div_ceil(2).max(1) as usize),
        });
        let actions = description.actions.into_iter().map(|action| {
            Arc::new(PluginAction {
                installed: Arc::clone(&installed),
                info: action.info,
                name: action.name,
                simulates: action.simulates,
                input: action.input,
                output: action.output,
            }) as Arc<dyn Action>
        });
        Ok(Loaded {
            digest: Digest::of(file),
            actions: actions.collect(),
            manifest,
        })
    }

    /// Compiles off the runtime's threads: a large component takes seconds.
    async fn compile(&self, file: &[u8]) -> Result<PluginPre<Guest>, PluginError> {
        let unusable = |error: wasmtime::Error| PluginError::Component(format!("{error:#}"));
        let (engine, file) = (self.0.engine.clone(), file.to_vec());
        let component = tokio::task::spawn_blocking(move || Component::from_binary(&engine, &file))
            .await
            .map_err(|error| PluginError::Component(error.to_string()))?
            .map_err(unusable)?;
        self.check_names(&component)?;
        let pre = self
            .0
            .linker
            .instantiate_pre(&component)
            .map_err(unusable)?;
        PluginPre::new(pre).map_err(unusable)
    }

    /// Tells about a wrong version or an unknown import in words an author understands.
    fn check_names(&self, component: &Component) -> Result<(), PluginError> {
        let kind = component.component_type();
        let engine = &self.0.engine;
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
        let unknown: Vec<&str> = kind
            .imports(engine)
            .map(|(name, _)| name)
            .filter(|name| !actions_interface::IMPORTS.contains(name))
            .collect();
        if !unknown.is_empty() {
            return Err(PluginError::Component(format!(
                "it imports {}; a plugin may import {}",
                unknown.join(", "),
                actions_interface::IMPORTS.join(", "),
            )));
        }
        Ok(())
    }

    /// Asks the plugin for its description, every import trapping.
    async fn describe(&self, pre: &PluginPre<Guest>) -> Result<words::PluginInfo, PluginError> {
        // The instance takes a place of the pool, also while other plugins are at work.
        let _slot = self.0.slots.acquire().await;
        let mut store = Guest::store(&self.0.engine, &self.0.limits, None);
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
    // Components of script engines are made of up to sixty-four core modules.
    const CORES: u32 = 64;
    const MEMORIES: u32 = 2;
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
