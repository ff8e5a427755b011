//! Builds the parts of an engine and puts them together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actions_contract::{Action, ActionInfo, Egress, Follow};
use engine_broker::{
    Broker, Environment, MemoryQuotas, Observer, OperationRate, Surroundings, TokenEvent,
};
use engine_driver::guard::Policy;
use engine_driver::{Attempts, Clock, Engine, PlaybookText, Playbooks, Refused, SystemClock};
use engine_embedded::{Embedded, GuardOptions, Options};
use engine_model::{Timestamp, code};
use engine_playbook::render::{self, Colour, Source};
use engine_playbook::sigma;
use engine_run::{Decision, Settings};
use engine_server::{Inbox, Keys, Poller, Server, ServerOptions};

use crate::config::Config;
use crate::exit::{Fault, Kind};
use crate::plugins::Plugins;
use crate::quotas::QuotaFiles;
use crate::timeline::Timeline;

/// The parts of an engine.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) broker: Arc<Broker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) playbooks: Arc<Playbooks>,
    policy: Arc<Policy>,
    actions: Vec<Arc<dyn Action>>,
    /// What is installed; none where nothing is.
    pub(crate) plugins: Option<Plugins>,
}

impl Parts {
    /// Builds everything that can be built without touching the database.
    pub(crate) async fn build(config: Config, observer: Option<Observer>) -> Result<Self, Fault> {
        let environment: Environment = Arc::new(|name| std::env::var(name).ok());
        Self::build_in(config, observer, environment).await
    }

    /// The same, with an environment of its own.
    pub(crate) async fn build_in(
        config: Config,
        observer: Option<Observer>,
        environment: Environment,
    ) -> Result<Self, Fault> {
        let files = QuotaFiles::in_data_dir(&config.data_dir);
        let surroundings = Surroundings {
            observer,
            environment,
            rates: rates(),
            quotas: Arc::new(MemoryQuotas::kept_by(Arc::new(files))),
            store: Some(config.data_dir.join("files")),
            ..Surroundings::default()
        };
        let broker = Broker::new(&config.broker(), surroundings).map_err(invalid_config)?;
        let plugins = Plugins::load(&config).await?;
        let actions = actions_with(&config, plugins.as_ref())?;
        let policy = Arc::new(policy(&config)?);
        let playbooks = Playbooks::new(infos(&actions)).under(Arc::clone(&policy));
        let playbooks = Arc::new(playbooks);
        let mut config = config;
        if config.tenant == Config::default().tenant {
            // Where nobody says otherwise, the tenant is that of the default connection.
            config.tenant = broker.tenant(None).unwrap_or(config.tenant);
        }
        Ok(Self {
            config,
            broker: Arc::new(broker),
            clock: Arc::new(SystemClock),
            playbooks,
            policy,
            actions,
            plugins,
        })
    }

    /// Opens the engine on its database.
    pub(crate) async fn open(&self, how: Opening) -> Result<Arc<Embedded>, Fault> {
        let engine = &self.config.engine;
        let attempts = Attempts::new(
            self.actions.clone(),
            Arc::clone(&self.broker) as Arc<dyn Egress>,
            Arc::clone(&self.clock),
            Follow {
                first: engine.follow_first,
                max: engine.follow_max,
            },
            engine.attempts_max,
        );
        let settings = Settings {
            reconcile_window: engine.reconcile_window,
            dry_run: how.dry_run,
            assume: how.assume,
        };
        let options = Options {
            data_dir: self.config.data_dir.clone(),
            playbooks: Arc::clone(&self.playbooks),
            attempts,
            clock: Arc::clone(&self.clock),
            settings,
            guards: Some(GuardOptions {
                policy: Arc::clone(&self.policy),
                resolvers: actions_catalog::resolvers(),
            }),
            tenant: self.config.tenant.clone(),
            schedules_since: how.schedules_since,
        };
        Ok(Arc::new(Embedded::open(options).await?))
    }

    /// The HTTP server of an engine.
    pub(crate) fn server(&self, engine: Arc<dyn Engine>, keys: Keys) -> Server {
        Server::new(ServerOptions {
            engine,
            sources: actions_catalog::sources(),
            keys,
            tenant: self.config.tenant.clone(),
            intake_max: self.config.engine.intake_max,
        })
    }

    /// The pollers of the configuration.
    pub(crate) fn pollers(&self, engine: &Arc<dyn Engine>) -> Result<Vec<Poller>, Fault> {
        let mut pollers = Vec::new();
        for config in self
            .config
            .sources
            .iter()
            .filter(|one| one.folder.is_none())
        {
            let source = actions_catalog::sources()
                .into_iter()
                .find(|source| source.source() == config.source && source.api().is_some())
                .ok_or_else(|| {
                    let word = config.source.as_str();
                    Fault::new(Kind::Invalid, format!("`{word}` is not a source to poll"))
                        .with_code(code::CF0101)
                })?;
            let connection = config.connection.as_deref();
            pollers.push(Poller {
                config: config.clone(),
                source,
                engine: Arc::clone(engine),
                egress: Arc::clone(&self.broker) as Arc<dyn Egress>,
                clock: Arc::clone(&self.clock),
                tenant: self
                    .broker
                    .tenant(connection)
                    .unwrap_or_else(|| self.config.tenant.clone()),
            });
        }
        Ok(pollers)
    }

    /// The folders of the configuration that alerts are moved into.
    pub(crate) fn inboxes(&self, engine: &Arc<dyn Engine>) -> Vec<Inbox> {
        let folders = self.config.sources.iter();
        let folders = folders.filter_map(|config| Some((config, config.folder.clone()?)));
        let inboxes = folders.map(|(config, folder)| Inbox {
            folder,
            source: config.source,
            every: config.every,
            engine: Arc::clone(engine),
            sources: actions_catalog::sources(),
            tenant: self.config.tenant.clone(),
        });
        inboxes.collect()
    }

    /// An action by its name.
    pub(crate) fn action(&self, id: &str) -> Option<Arc<dyn Action>> {
        let mut actions = self.actions.iter();
        actions
            .find(|action| action.info().id.as_str() == id)
            .cloned()
    }
}

/// How an engine is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) dry_run: bool,
    /// What people are taken to say where steps are only simulated.
    pub(crate) assume: Decision,
    pub(crate) schedules_since: Option<Timestamp>,
}

/// The broker alone, for commands outside of any engine.
pub(crate) fn broker(config: &Config) -> Result<Broker, Fault> {
    Broker::new(&config.broker(), Surroundings::default()).map_err(invalid_config)
}

/// The value behind a secret reference of the configuration or the command line.
pub(crate) fn resolve(reference: &engine_broker::GivenRef) -> Result<String, Fault> {
    let reference = reference
        .get()
        .map_err(|error| Fault::new(Kind::Invalid, error.to_string()).with_code(code::CF0103))?;
    engine_broker::resolve(reference)
        .map_err(|error| Fault::new(Kind::Credentials, error.to_string()).with_code(code::BR0106))
}

/// Every action: the built-in ones and those of the installed plugins.
pub(crate) async fn actions(config: &Config) -> Result<Vec<Arc<dyn Action>>, Fault> {
    let plugins = Plugins::load(config).await?;
    actions_with(config, plugins.as_ref())
}

fn actions_with(config: &Config, plugins: Option<&Plugins>) -> Result<Vec<Arc<dyn Action>>, Fault> {
    let options = actions_catalog::Options {
        hunting: config.hunting,
    };
    let mut actions = actions_catalog::catalog(options);
    let Some(plugins) = plugins else {
        return Ok(actions);
    };
    actions.extend(plugins.actions());
    actions.sort_by(|a, b| a.info().id.cmp(&b.info().id));
    if let Some(twice) = actions
        .windows(2)
        .find(|pair| pair[0].info().id == pair[1].info().id)
    {
        let message = format!("two plugins have an action `{}`", twice[0].info().id);
        return Err(Fault::new(Kind::Invalid, message).with_code(code::CF0101));
    }
    Ok(actions)
}

/// The guard rails of the tenant, and those of every tenant where it has none of its own.
pub(crate) fn policy(config: &Config) -> Result<Policy, Fault> {
    let Some(path) = &config.policy else {
        return Ok(Policy::none());
    };
    let read =
        |path: &Path| std::fs::read_to_string(path).map_err(|error| unreadable(path, &error));
    let text = read(path)?;
    let assets = engine_driver::guard::assets_of(&text).map(|name| {
        let folder = path.parent().unwrap_or(Path::new("."));
        read(&folder.join(name))
    });
    let assets = assets.transpose()?;
    Policy::read(&text, assets.as_deref()).map_err(|problems| {
        let message = format!("the policy `{}` is not valid", path.display());
        let fault = Fault::new(Kind::Invalid, message).with_code(code::CF0104);
        problems.into_iter().fold(fault, Fault::with_hint)
    })
}

/// The documented limits of every operation.
fn rates() -> Vec<OperationRate> {
    actions_catalog::endpoints()
        .into_iter()
        .map(|endpoint| OperationRate {
            operation: endpoint.id.into(),
            api: endpoint.api,
            rate: endpoint.rate,
        })
        .collect()
}

/// The facts of actions.
pub(crate) fn infos(actions: &[Arc<dyn Action>]) -> Vec<Arc<ActionInfo>> {
    actions
        .iter()
        .map(|action| Arc::new(action.info().clone()))
        .collect()
}

/// Playbook files: each path itself, or every `.yaml` file below it that is not a test.
pub(crate) fn playbook_files(paths: &[PathBuf]) -> Result<Vec<PlaybookText>, Fault> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, true, &mut found)?;
    }
    found.sort();
    found.dedup();
    let mut files = Vec::new();
    for path in found {
        let file = playbook_file(&path)?;
        // Rules may stand in folders of playbooks, beside those that refer to them.
        if paths.contains(&path) || !sigma::is_rule(&file.text) {
            files.push(file);
        }
    }
    Ok(files)
}

/// One playbook file, with the rule files that it refers to.
pub(crate) fn playbook_file(path: &Path) -> Result<PlaybookText, Fault> {
    let text = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    // What is not UTF-8 is reported at its place, as any other mistake.
    let text = String::from_utf8_lossy(&text).into_owned();
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = sigma::with_rules(text, |name| {
        std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
    });
    Ok(PlaybookText {
        path: path.display().to_string(),
        text,
    })
}

fn collect(path: &Path, named: bool, found: &mut Vec<PathBuf>) -> Result<(), Fault> {
    if path.is_dir() {
        if !named && path.join("plugin.yaml").exists() {
            // A plugin's folder holds its manifest and its cases, and no playbooks.
            return Ok(());
        }
        for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
            collect(
                &entry.map_err(|error| unreadable(path, &error))?.path(),
                false,
                found,
            )?;
        }
    } else if named || is_playbook(path) {
        found.push(path.to_owned());
    }
    Ok(())
}

fn is_playbook(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    yaml && !name.contains(".test.") && !name.starts_with('.') && !is_config(name)
}

fn is_config(name: &str) -> bool {
    matches!(
        name,
        "quell.yaml" | "quell.yml" | "policy.yaml" | "backtest.yaml"
    )
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        Kind::Invalid,
        format!("cannot read `{}`: {error}", path.display()),
    )
    .with_code(code::CF0102)
}

/// Prints why playbooks were refused.
pub(crate) fn report(refused: &[Refused]) {
    for refused in refused {
        let source = Source {
            file: &refused.file.path,
            text: &refused.file.text,
        };
        anstream::eprint!(
            "{}",
            render::human(source, &refused.diagnostics, Colour::Yes)
        );
    }
}

fn invalid_config(error: engine_broker::InvalidConfig) -> Fault {
    let mut fault = Fault::new(Kind::Invalid, "the configuration is not valid");
    for problem in &error.problems {
        let help = problem
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        fault = fault.with_code(problem.code).with_hint(format!(
            "{} {}: {}{help}",
            problem.code, problem.path, problem.message
        ));
    }
    fault
}

/// Tells the timeline what happens to tokens.
pub(crate) fn observer(timeline: &Arc<Timeline>) -> Observer {
    let timeline = Arc::clone(timeline);
    Arc::new(move |event: &TokenEvent| timeline.token(SystemClock.now(), event))
}
