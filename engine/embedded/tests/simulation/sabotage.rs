//! Bugs planted around the engine: in what it stores, in what its traits are given, in what is
//! handed to it. The engine itself is the one that ships.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use actions_contract::{Action, ActionInfo, BoxFuture, Call, Egress, Mode, Outcome};
use engine_driver::EngineError;
use engine_driver::guard::{AuditEntry, Known, Ledger, Reserved, Settled, Wish};
use engine_model::TenantId;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::sim::Sim;
use crate::world::World;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bug {
    AcknowledgeBeforeCommit,
    NoReconcile,
    LedgerSkipped,
    CapCheckedBeforeTheLock,
    HaltCheckedAtPlanTime,
    TimerLostAtRestart,
    GuardOnTheTextOfTheParameter,
    ReleaseDroppedOnCancel,
    ReleaseLostAtRestart,
    ApprovalNotBoundToDigest,
    DedupOfStartsSkipped,
    LockReleasedBeforeTheOutcome,
}

impl Bug {
    pub(crate) const ALL: [Self; 12] = [
        Self::AcknowledgeBeforeCommit,
        Self::NoReconcile,
        Self::LedgerSkipped,
        Self::CapCheckedBeforeTheLock,
        Self::HaltCheckedAtPlanTime,
        Self::TimerLostAtRestart,
        Self::GuardOnTheTextOfTheParameter,
        Self::ReleaseDroppedOnCancel,
        Self::ReleaseLostAtRestart,
        Self::ApprovalNotBoundToDigest,
        Self::DedupOfStartsSkipped,
        Self::LockReleasedBeforeTheOutcome,
    ];

    /// The word with which the broken invariant begins that this bug is for.
    pub(crate) const fn breaks(self) -> &'static [&'static str] {
        match self {
            Self::AcknowledgeBeforeCommit => &["lost"],
            Self::NoReconcile | Self::LockReleasedBeforeTheOutcome => &["twice"],
            Self::LedgerSkipped => &["owner", "twice"],
            Self::CapCheckedBeforeTheLock => &["limit"],
            Self::HaltCheckedAtPlanTime => &["halt"],
            Self::TimerLostAtRestart => &["deadline"],
            Self::GuardOnTheTextOfTheParameter => &["never"],
            Self::ReleaseDroppedOnCancel | Self::ReleaseLostAtRestart => &["release"],
            Self::ApprovalNotBoundToDigest => &["approval"],
            Self::DedupOfStartsSkipped => &["started twice"],
        }
    }
}

/// What a bug does to the tables of an engine that was just made.
pub(crate) fn at_the_beginning(sim: &Sim, database: &Path) {
    if sim.has(Bug::ReleaseDroppedOnCancel) {
        execute(
            database,
            "CREATE TRIGGER planted AFTER UPDATE OF status ON runs
             WHEN NEW.status = 'cancelled'
             BEGIN DELETE FROM releases WHERE idem LIKE NEW.id || '/%'; END",
        );
    }
    if sim.has(Bug::DedupOfStartsSkipped) {
        execute(
            database,
            "CREATE TRIGGER planted BEFORE INSERT ON runs
             BEGIN UPDATE runs SET id = substr(id, 1, 28) || 'zz' WHERE id = NEW.id; END",
        );
    }
}

/// What a bug loses while no engine runs.
pub(crate) fn between_engines(sim: &Sim, database: &Path) {
    if sim.has(Bug::TimerLostAtRestart) {
        execute(database, "DELETE FROM timers");
    }
    if sim.has(Bug::ReleaseLostAtRestart) {
        execute(database, "DELETE FROM releases");
    }
}

fn execute(database: &Path, sql: &str) {
    let connection = Connection::open(database).unwrap();
    // A database that has no tables yet has nothing to lose.
    drop(connection.execute_batch(sql));
}

/// The ledger, as a bug lets guard rails see it.
pub(crate) fn ledger(sim: &Arc<Sim>, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
    let bent = [
        Bug::LedgerSkipped,
        Bug::CapCheckedBeforeTheLock,
        Bug::LockReleasedBeforeTheOutcome,
    ];
    if !bent.into_iter().any(|bug| sim.has(bug)) {
        return ledger;
    }
    Arc::new(Bent {
        sim: Arc::clone(sim),
        ledger,
        counted: Mutex::default(),
    })
}

struct Bent {
    sim: Arc<Sim>,
    ledger: Arc<dyn Ledger>,
    /// Targets and when they were contained, for the cap that is checked before the lock.
    counted: Mutex<BTreeMap<String, i64>>,
}

impl Bent {
    fn counts(&self, wish: &Wish) -> Option<Reserved> {
        let counted = self.counted.lock().unwrap();
        let at = wish.row.begun_at.as_ms();
        wish.limits.iter().find_map(|limit| {
            let since = at - i64::try_from(limit.per.as_ms()).unwrap();
            let others = counted.iter();
            let others = others.filter(|(target, at)| **target != wish.row.target && **at > since);
            let reached = others.count() >= usize::try_from(limit.max).unwrap();
            reached.then(|| Reserved::Limit(limit.clone()))
        })
    }
}

impl Ledger for Bent {
    fn reserve(&self, mut wish: Wish) -> BoxFuture<'_, Result<Reserved, EngineError>> {
        Box::pin(async move {
            if !wish.guarded {
                return self.ledger.reserve(wish).await;
            }
            match self.sim.bug {
                Some(Bug::LedgerSkipped) => Ok(Reserved::Granted),
                Some(Bug::CapCheckedBeforeTheLock) => {
                    if let Some(reached) = self.counts(&wish) {
                        return Ok(reached);
                    }
                    self.sim.sleep(30).await;
                    wish.limits.clear();
                    let (target, at) = (wish.row.target.clone(), wish.row.begun_at.as_ms());
                    let reserved = self.ledger.reserve(wish).await?;
                    if reserved == Reserved::Granted {
                        self.counted.lock().unwrap().insert(target, at);
                    }
                    Ok(reserved)
                }
                _ => {
                    let reserved = self.ledger.reserve(wish.clone()).await?;
                    if !matches!(reserved, Reserved::Busy { .. }) {
                        return Ok(reserved);
                    }
                    wish.guarded = false;
                    self.ledger.reserve(wish).await
                }
            }
        })
    }

    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), EngineError>> {
        self.ledger.settle(settled)
    }

    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), EngineError>> {
        self.ledger.record(entry)
    }

    fn target_of<'a>(&'a self, idem: &'a str) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        self.ledger.target_of(idem)
    }

    fn held<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Option<Known>, EngineError>> {
        self.ledger.held(tenant, entity, text)
    }
}

/// What a bug remembers of targets, by the key of the step.
pub(crate) type Memory = Arc<Mutex<BTreeMap<String, (String, Value)>>>;

/// What finds a device, with a bug in it.
pub(crate) struct Finder {
    pub(crate) action: Box<dyn Action>,
    pub(crate) sim: Arc<Sim>,
    pub(crate) memory: Memory,
}

impl Action for Finder {
    fn info(&self) -> &ActionInfo {
        self.action.info()
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.action.call(call, egress).await;
            let Outcome::Done { mut output } = outcome else {
                return outcome;
            };
            let text = call.args["device"].as_str().unwrap_or_default().to_owned();
            if self.sim.has(Bug::GuardOnTheTextOfTheParameter) {
                output["computer_dns_name"] = json!(text);
                output["machine_tags"] = json!([]);
            }
            if self.sim.has(Bug::ApprovalNotBoundToDigest) {
                let mut memory = self.memory.lock().unwrap();
                let first = memory.entry(call.idem.clone()).or_insert((text, output));
                output = first.1.clone();
            }
            Outcome::Done { output }
        })
    }
}

/// What contains, with a bug in it.
pub(crate) struct Container {
    pub(crate) action: Box<dyn Action>,
    pub(crate) sim: Arc<Sim>,
    pub(crate) world: Arc<World>,
    pub(crate) memory: Memory,
}

impl Action for Container {
    fn info(&self) -> &ActionInfo {
        self.action.info()
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        if self.sim.has(Bug::NoReconcile) && call.mode == Mode::Reconcile {
            return Box::pin(async { Outcome::Nothing });
        }
        let remembered = self.memory.lock().unwrap().get(&call.idem).cloned();
        let Some((text, _)) = remembered.filter(|_| call.resume.is_none()) else {
            return self.action.call(call, egress);
        };
        let inside = self.world.inside();
        let called = |name: &str| name == text || name.split('.').next() == Some(text.as_str());
        let now = inside.devices.iter().find(|device| called(&device.name));
        let mut call = call.clone();
        if let Some(device) = now {
            call.args["machine_id"] = json!(device.id);
        }
        drop(inside);
        Box::pin(async move { self.action.call(&call, egress).await })
    }
}
