//! What every part of a simulation shares: the time, the machine that may die, what was seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine_driver::Clock;
use engine_model::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sabotage::Bug;

/// When every story begins.
const BEGINNING_MS: i64 = 1_780_000_000_000;

/// Something that goes wrong, or that somebody does at a bad time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    CrashBeforeCommit,
    CrashAfterCommit,
    CrashBeforeEffect,
    CrashAfterEffect,
    CrashAnyTime,
    CrashWhileOpening,
    DiskRefuses,
    DiskSlow,
    ServiceUnavailable,
    ServiceThrottles,
    ConnectionCut,
    LostBeforeEffect,
    LostAfterEffect,
    HangsBeforeEffect,
    HangsAfterEffect,
    ArrivesLate,
    AnswersLate,
    AnswerGarbled,
    FailsOnDevice,
    ShownLate,
    DirectoryDown,
    DirectorySlow,
    TwinDevices,
    DeviceSilent,
    TagAdded,
    NamesSwapped,
    AlertTwice,
    StartTwice,
    AnswerTwice,
    Cancelled,
    Halted,
    Retried,
    PolicyChanged,
    PlaybooksGone,
}

impl Fault {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::PlaybooksGone as usize + 1;
}

/// A moment at which the machine may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeCommit,
    AfterCommit,
    BeforeEffect,
    AfterEffect,
}

impl Moment {
    fn fault(self) -> Fault {
        match self {
            Self::BeforeCommit => Fault::CrashBeforeCommit,
            Self::AfterCommit => Fault::CrashAfterCommit,
            Self::BeforeEffect => Fault::CrashBeforeEffect,
            Self::AfterEffect => Fault::CrashAfterEffect,
        }
    }
}

/// The time of the runtime, which passes only while nobody has anything to do.
pub(crate) struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_ms(BEGINNING_MS + passed)
    }
}

/// The machine that the engine runs on.
#[derive(Default)]
struct Life {
    dead: bool,
    /// It dies when this moment comes for the last time of so many.
    dies: Option<(Moment, u64)>,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    hash: u64,
    faults: BTreeMap<Fault, u32>,
    broken: Vec<String>,
}

/// What every part of a simulation shares.
pub(crate) struct Sim {
    pub(crate) seed: u64,
    pub(crate) bug: Option<Bug>,
    pub(crate) clock: Arc<VirtualClock>,
    /// The machine died.
    pub(crate) died: Notify,
    /// Somebody was told that everything that contains is stopped.
    pub(crate) halted: AtomicBool,
    /// Nothing goes wrong any more.
    pub(crate) calm: AtomicBool,
    loud: bool,
    life: Mutex<Life>,
    seen: Mutex<Seen>,
}

impl Sim {
    /// Has to be made inside of its runtime.
    pub(crate) fn new(seed: u64, bug: Option<Bug>, loud: bool) -> Arc<Self> {
        Arc::new(Self {
            seed,
            bug,
            clock: Arc::new(VirtualClock(Instant::now())),
            died: Notify::new(),
            halted: AtomicBool::new(false),
            calm: AtomicBool::new(false),
            loud,
            life: Mutex::default(),
            seen: Mutex::new(Seen {
                hash: 0xcbf2_9ce4_8422_2325,
                ..Seen::default()
            }),
        })
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_ms()
    }

    /// Waits for ever once the machine is dead.
    pub(crate) async fn alive(&self) {
        if self.life().dead {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn sleep(&self, ms: u64) {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            self.alive().await;
        }
    }

    /// A moment comes; the machine may die of it, and then this never comes back.
    pub(crate) async fn comes(&self, moment: Moment) {
        let dies = {
            let mut life = self.life();
            match &mut life.dies {
                Some((at, 0)) if *at == moment => true,
                Some((at, left)) if *at == moment => {
                    *left -= 1;
                    false
                }
                _ => false,
            }
        };
        if dies {
            self.dies(moment.fault());
        }
        self.alive().await;
    }

    /// The machine dies.
    pub(crate) fn dies(&self, fault: Fault) {
        let mut life = self.life();
        if life.dead {
            return;
        }
        *life = Life {
            dead: true,
            dies: None,
        };
        drop(life);
        self.fault(fault);
        self.tell(|| "the machine dies".to_owned());
        self.died.notify_one();
    }

    /// Another machine, which dies at this moment.
    pub(crate) fn revive(&self, dies: Option<(Moment, u64)>) {
        *self.life() = Life { dead: false, dies };
    }

    pub(crate) fn dies_at(&self, moment: Moment, after: u64) {
        let mut life = self.life();
        if !life.dead {
            life.dies = Some((moment, after));
        }
    }

    pub(crate) fn fault(&self, fault: Fault) {
        *self.seen().faults.entry(fault).or_default() += 1;
    }

    /// Something that must not be.
    pub(crate) fn breaks(&self, what: String) {
        self.tell(|| format!("BROKEN: {what}"));
        let mut seen = self.seen();
        if seen.broken.len() < 20 {
            seen.broken.push(what);
        }
    }

    /// A line of the story.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        let line = line();
        let at = self.now() - BEGINNING_MS;
        if self.loud {
            println!("{:>8}.{:03} {line}", at / 1000, at % 1000);
        }
        let mut seen = self.seen();
        for byte in at.to_le_bytes().iter().chain(line.as_bytes()) {
            seen.hash = (seen.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The digest of the story, how often what went wrong, and what is broken.
    pub(crate) fn told(&self) -> (u64, BTreeMap<Fault, u32>, Vec<String>) {
        let seen = self.seen();
        (seen.hash, seen.faults.clone(), seen.broken.clone())
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
