//! One story: engines that live and die on one disk, while the world does what it does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actions_contract::{Action, Egress, Follow, Resolver};
use actions_defender::find_device::{FindDeviceAction, device_facts};
use engine_driver::guard::EffectFilter;
use engine_driver::{Attempts, Engine as _};
use engine_embedded::{Embedded, GuardOptions, Options, Stage};
use engine_model::Millis;
use engine_run::{RunStatus, Settings};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::books::{self, Rules};
use crate::cast::{Cast, Deed, plot};
use crate::chance::Chance;
use crate::check;
use crate::desk::Desk;
use crate::sabotage::{self, Bug, Container, Finder, Memory};
use crate::sim::{Fault, Moment, Sim};
use crate::world::World;

/// What came of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) seed: u64,
    /// The digest of everything that happened, in order.
    pub(crate) story: u64,
    pub(crate) faults: BTreeMap<Fault, u32>,
    pub(crate) broken: Vec<String>,
    pub(crate) runs: usize,
}

/// Plays one seed.
pub(crate) fn play(seed: u64, bug: Option<Bug>, loud: bool) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let sim = Sim::new(seed, bug, loud);
        let mut story = Story::new(&sim);
        let runs = story.tell().await;
        let (digest, faults, broken) = sim.told();
        Verdict {
            seed,
            story: digest,
            faults,
            broken,
            runs,
        }
    })
}

/// Where the files of an engine lie: in memory, where the system has a folder for that.
fn home() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// How an engine comes to its end.
#[derive(Clone, Copy)]
enum Death {
    At(Moment, u64),
    After(u64),
    Never,
}

pub(crate) struct Story {
    pub(crate) sim: Arc<Sim>,
    pub(crate) world: Arc<World>,
    pub(crate) cast: Arc<Cast>,
    pub(crate) rules: Rules,
    /// The policy changes from engine to engine.
    pub(crate) changes: bool,
    /// How long no engine ran, in all.
    pub(crate) away: Millis,
    desk: Arc<Desk>,
    home: TempDir,
    chance: Chance,
    plot: Vec<(u64, Deed)>,
    told: usize,
    memory: Memory,
}

impl Story {
    fn new(sim: &Arc<Sim>) -> Self {
        let mut chance = Chance::new(sim.seed, 0);
        let home = home();
        let world = World::new(sim);
        let rules = *chance.pick(&Rules::ALL);
        Self {
            cast: Cast::new(sim, &world),
            desk: Desk::new(sim, home.path().to_owned()),
            changes: chance.one_in(6),
            plot: plot(&mut chance, rules),
            rules,
            sim: Arc::clone(sim),
            world,
            away: Millis::ZERO,
            home,
            chance,
            told: 0,
            memory: Arc::new(Mutex::default()),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    fn database(&self) -> PathBuf {
        self.folder().join("quell.db")
    }

    /// Tells the whole story and checks what came of it; how many runs there were.
    async fn tell(&mut self) -> usize {
        let mut deaths = self.chance.below(5);
        let mut planted = false;
        let began = Instant::now();
        loop {
            let death = if deaths > 0 {
                self.death()
            } else {
                Death::Never
            };
            let engine = self.opened(death).await;
            if let Some(engine) = engine {
                if !planted {
                    sabotage::at_the_beginning(&self.sim, &self.database());
                    planted = true;
                }
                let Some(engine) = self.live(engine, death, began).await else {
                    deaths = deaths.saturating_sub(1);
                    self.between().await;
                    continue;
                };
                return self.end(engine).await;
            }
            self.sim.fault(Fault::CrashWhileOpening);
            deaths = deaths.saturating_sub(1);
            self.between().await;
        }
    }

    fn death(&mut self) -> Death {
        let chance = &mut self.chance;
        match chance.below(7) {
            0 => Death::At(Moment::BeforeCommit, chance.below(5)),
            1 => Death::At(Moment::BeforeCommit, chance.within(5, 80)),
            2 => Death::At(Moment::AfterCommit, chance.below(80)),
            3 => Death::At(Moment::BeforeEffect, chance.below(12)),
            4 => Death::At(Moment::AfterEffect, chance.below(12)),
            _ => Death::After(chance.within(500, 240_000)),
        }
    }

    /// Opens an engine; none when the machine died meanwhile.
    async fn opened(&mut self, death: Death) -> Option<Embedded> {
        let dies = match death {
            Death::At(moment, after) => Some((moment, after)),
            Death::After(_) | Death::Never => None,
        };
        self.sim.revive(dies);
        loop {
            let opening = Embedded::open_on(self.stage(), self.options());
            let opened = tokio::select! {
                biased;
                () = self.sim.died.notified() => return None,
                opened = opening => opened,
            };
            match opened {
                Ok(engine) => return Some(engine),
                // The one before has not let go of the files yet, or the disk is full.
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    fn stage(&self) -> Arc<dyn Stage> {
        Arc::clone(&self.desk) as Arc<dyn Stage>
    }

    fn options(&mut self) -> Options {
        if self.changes && self.chance.one_in(2) {
            self.sim.fault(Fault::PolicyChanged);
            self.rules = *self.chance.pick(&Rules::ALL);
        }
        let all = self.sim.is_calm() || !self.chance.one_in(8);
        if !all {
            self.sim.fault(Fault::PlaybooksGone);
        }
        let bent = |action: Box<dyn Action>| Container {
            action,
            sim: Arc::clone(&self.sim),
            world: Arc::clone(&self.world),
            memory: Arc::clone(&self.memory),
        };
        let actions = books::operations().into_iter();
        let actions = actions.map(|action| Arc::new(bent(Box::new(action))) as Arc<dyn Action>);
        let resolver = Resolver {
            entity: "device",
            action: Arc::new(Finder {
                action: Box::new(FindDeviceAction::new()),
                sim: Arc::clone(&self.sim),
                memory: Arc::clone(&self.memory),
            }),
            param: "device",
            facts: device_facts,
        };
        let follow = Follow {
            first: Millis::from_secs(2),
            max: Millis::from_secs(15),
        };
        let egress = Arc::clone(&self.world) as Arc<dyn Egress>;
        let clock = Arc::clone(&self.sim.clock);
        Options {
            data_dir: self.home.path().to_owned(),
            playbooks: books::playbooks(all),
            attempts: Attempts::new(actions.collect(), egress, clock.clone(), follow, 64),
            clock,
            settings: Settings::default(),
            guards: Some(GuardOptions {
                policy: self.rules.policy(),
                resolvers: vec![resolver],
            }),
            tenant: "home".parse().unwrap(),
            schedules_since: None,
        }
    }

    /// An engine works until the plot is over; none when the machine died.
    async fn live(&mut self, engine: Embedded, death: Death, began: Instant) -> Option<Embedded> {
        let engine = Arc::new(engine);
        let mut people = JoinSet::new();
        let open: Vec<usize> = {
            let notes = self.cast.notes();
            (0..self.told)
                .filter(|number| !notes.done.contains(number) && self.plot[*number].1.persists())
                .collect()
        };
        let spawn = |people: &mut JoinSet<()>, number: usize, deed: &Deed| {
            let (cast, engine) = (Arc::clone(&self.cast), Arc::clone(&engine));
            people.spawn(cast.does(engine, number, deed.clone()));
        };
        for number in open {
            spawn(&mut people, number, &self.plot[number].1);
        }
        let far = Instant::now() + Duration::from_secs(1_000_000);
        let dies_at = match death {
            Death::After(ms) => Instant::now() + Duration::from_millis(ms),
            Death::At(..) | Death::Never => far,
        };
        let last = self.plot.last().map_or(0, |(at, _)| *at) + 120_000;
        loop {
            let next = self.plot.get(self.told).map_or(last, |(at, _)| *at);
            let next = began + Duration::from_millis(next);
            tokio::select! {
                biased;
                () = self.sim.died.notified() => break,
                () = tokio::time::sleep_until(dies_at.min(next)) => {}
            }
            if Instant::now() >= dies_at {
                self.sim.dies(Fault::CrashAnyTime);
                continue;
            }
            let Some((_, deed)) = self.plot.get(self.told) else {
                return Some(self.calm(engine, people).await);
            };
            spawn(&mut people, self.told, deed);
            self.told += 1;
        }
        people.abort_all();
        while people.join_next().await.is_some() {}
        let engine = Arc::try_unwrap(engine)
            .ok()
            .expect("whoever worked with it has gone");
        engine.stop().await;
        None
    }

    /// Nothing goes wrong any more, and everybody gets an answer.
    async fn calm(&self, engine: Arc<Embedded>, mut people: JoinSet<()>) -> Embedded {
        self.sim.calm.store(true, Ordering::SeqCst);
        self.sim.revive(None);
        self.sim.tell(|| "it calms down".to_owned());
        while let Some(done) = people.join_next().await {
            done.unwrap();
        }
        self.sim.halted.store(false, Ordering::SeqCst);
        engine.resume("mona").await.unwrap();
        Arc::try_unwrap(engine)
            .ok()
            .expect("whoever worked with it has gone")
    }

    /// The time between two engines.
    async fn between(&mut self) {
        // What was aborted lets go of the files when the runtime comes to it.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.desk.found();
        sabotage::between_engines(&self.sim, &self.database());
        let away = match self.chance.below(4) {
            0 => self.chance.within(10_000, 180_000),
            _ => self.chance.within(100, 3000),
        };
        self.away = Millis::from_ms(self.away.as_ms() + away);
        tokio::time::sleep(Duration::from_millis(away)).await;
        self.sim.tell(|| "the next engine".to_owned());
    }

    /// Waits until nothing is left to do, and checks everything.
    async fn end(&mut self, engine: Embedded) -> usize {
        for _ in 0..300 {
            let running = self.cast.runs(&engine).await;
            let running = running.iter().any(|run| run.status == RunStatus::Running);
            if !running && !self.owes(&engine).await {
                break;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let found = check::everything(self, &engine).await;
        engine.stop().await;
        let engine = self
            .opened(Death::Never)
            .await
            .expect("nothing dies any more");
        let again = check::documents(self, &engine).await;
        if found != again {
            self.sim
                .breaks("replay: another engine sees something else".to_owned());
        }
        engine.stop().await;
        found.len()
    }

    async fn owes(&self, engine: &Embedded) -> bool {
        let filter = EffectFilter {
            all: true,
            limit: 10_000,
            ..EffectFilter::default()
        };
        let rows = engine.effects(&filter).await.unwrap();
        rows.iter().any(|row| {
            let stage = row.release.as_deref();
            matches!(stage, Some("owed" | "asked" | "following" | "doubt"))
        })
    }
}
