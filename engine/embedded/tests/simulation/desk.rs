//! The disk: slow, full at times, and gone with its machine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use actions_contract::BoxFuture;
use engine_driver::guard::Ledger;
use engine_embedded::{Stage, StoreError};
use engine_model::code;

use crate::chance::Chance;
use crate::sabotage::{self, Bug};
use crate::sim::{Fault, Moment, Sim};

const FILES: [&str; 2] = ["quell.db", "quell.db-wal"];

/// Files and what is in them.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// The disk of a machine.
pub(crate) struct Desk {
    sim: Arc<Sim>,
    chance: Mutex<Chance>,
    folder: PathBuf,
    /// What was on the disk when it began to lie about what is durable.
    lied: Mutex<Option<Files>>,
}

impl Desk {
    pub(crate) fn new(sim: &Arc<Sim>, folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            chance: Mutex::new(Chance::new(sim.seed, 1)),
            sim: Arc::clone(sim),
            folder,
            lied: Mutex::default(),
        })
    }

    /// How long a batch waits, and whether it is refused.
    fn draw(&self) -> (u64, bool) {
        if self.sim.is_calm() {
            return (0, false);
        }
        let mut chance = self.chance.lock().unwrap();
        let pause = match chance.below(400) {
            0 => {
                self.sim.fault(Fault::DiskSlow);
                chance.within(500, 5000)
            }
            1..80 => chance.within(1, 8),
            _ => 0,
        };
        let refuses = chance.one_in(300);
        if refuses {
            self.sim.fault(Fault::DiskRefuses);
        }
        (pause, refuses)
    }

    /// A disk that says that something is durable before it is: what comes now is lost when the
    /// machine dies, and that is soon.
    fn lie(&self) {
        let mut lied = self.lied.lock().unwrap();
        let mut chance = self.chance.lock().unwrap();
        if lied.is_some() || !chance.one_in(12) {
            return;
        }
        let files = FILES.iter().filter_map(|name| {
            let path = self.folder.join(name);
            Some((path.clone(), std::fs::read(path).ok()?))
        });
        *lied = Some(files.collect());
        self.sim.dies_at(Moment::AfterCommit, chance.below(6));
    }

    /// What is found on the disk after the machine died.
    pub(crate) fn found(&self) {
        let Some(files) = self.lied.lock().unwrap().take() else {
            return;
        };
        for name in ["quell.db", "quell.db-wal", "quell.db-shm"] {
            drop(std::fs::remove_file(self.folder.join(name)));
        }
        for (path, content) in files {
            std::fs::write(path, content).unwrap();
        }
    }
}

impl Stage for Desk {
    fn writes(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.sim.alive().await;
            let (pause, refuses) = self.draw();
            self.sim.sleep(pause).await;
            self.sim.comes(Moment::BeforeCommit).await;
            if refuses {
                return Err(StoreError {
                    code: code::ST0102,
                    message: "the disk is full".to_owned(),
                });
            }
            if self.sim.has(Bug::AcknowledgeBeforeCommit) && !self.sim.is_calm() {
                self.lie();
            }
            Ok(())
        })
    }

    fn written(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sim.comes(Moment::AfterCommit))
    }

    fn reads(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sim.alive())
    }

    fn ledger(&self, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        sabotage::ledger(&self.sim, ledger)
    }
}
