//! The world of one test: events by time, and what the runs want done because of them.
//!
//! It stands where the engine's driver stands: the interpreter, the try of an action and the guard
//! rails are those of the engine. Time passes at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actions_contract::{Action, Follow, Outcome};
use engine_driver::guard::{Guards, Policy};
use engine_driver::storm::MemoryStorm;
use engine_driver::{Attempts, ManualClock, Origin};
use engine_model::{Alert, PlaybookName, Timestamp};
use engine_playbook::plan::Plan;
use engine_run::{Attempt, Cid, Command, Event, Finish, Run};
use engine_trigger::Index;
use serde_json::{Map, Value, json};

use super::answers::Answers;
use super::call::{Mock, NoWayOut};
use super::case::Case;
use super::facts;
use super::ledger::Memory;
use super::seen::Seen;
use super::stage::Stage;
use super::suite::{Variation, Workshop};
use super::syntax::Situation;
use super::turns::Turns;

/// More events than any test needs.
const EVENTS_MAX: usize = 20_000;

/// When a test begins that says nothing about it: 1 January 2026.
const BEGINNING: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// The world of one test.
pub(super) struct World {
    pub(super) plan: Arc<Plan>,
    /// Playbooks that this one may call.
    pub(super) beside: BTreeMap<PlaybookName, Arc<Plan>>,
    pub(super) situation: Situation,
    pub(super) index: Index,
    attempts: Attempts,
    pub(super) stage: Arc<Stage>,
    pub(super) ledger: Arc<Memory>,
    clock: Arc<ManualClock>,
    pub(super) began: Timestamp,
    pub(super) now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Due>,
    pushed: u64,
    pub(super) runs: Vec<Live>,
    pub(super) turns: Turns,
    pub(super) storm: MemoryStorm,
    /// Every revision of every alert, in the order in which they came in.
    pub(super) revisions: Vec<Alert>,
    /// What people were asked, by step.
    pub(super) asked: Map<String, Value>,
    /// Why nothing was started.
    pub(super) not_started: Vec<String>,
    /// Whether a trigger started a run.
    pub(super) triggered: bool,
    /// Ends of runs of other playbooks that the test has still to give, by name.
    pub(super) children: HashMap<String, usize>,
    /// Calls that are under way, by run and idempotency key.
    aloft: BTreeMap<(usize, String), String>,
    /// The key of each try that is under way.
    tries: HashMap<(usize, Cid), String>,
    pub(super) peaks: BTreeMap<String, u32>,
}

/// A run.
pub(super) struct Live {
    pub(super) run: Run,
    pub(super) origin: Origin,
    pub(super) plan: Arc<Plan>,
    /// The names of the signals that it waits for.
    pub(super) awaits: BTreeMap<u64, String>,
    /// The run that called it, and the command that did.
    pub(super) parent: Option<(usize, Cid)>,
    pub(super) finish: Option<Finish>,
}

/// What happens at an instant.
pub(super) enum Due {
    /// Something happened to a run.
    Event(usize, Event),
    /// A run wants something done.
    Commands(usize, Vec<Command>),
    /// An alert comes in.
    Alert(Map<String, Value>),
    /// This person cancels what is going on.
    Cancel(String),
    /// Storm control may have something to release.
    Storm,
}

impl World {
    pub(super) fn new(case: &Case, workshop: &Workshop, variation: &Variation) -> Self {
        let situation = case.test.situation.clone();
        let plan = variation.plan.as_ref().unwrap_or(&case.plan);
        let stage = Arc::new(Stage::new(Answers::new(
            &situation.mocks,
            variation.samples,
        )));
        let ledger = Arc::new(Memory::default());
        let began = situation.now.or(situation.at).unwrap_or(BEGINNING);
        let clock = Arc::new(ManualClock::at(began));
        let targets = Arc::new(situation.targets.clone());
        let guards = Guards::new(
            Arc::new(policy(&situation)),
            facts::resolvers(&workshop.resolvers, &stage, &targets),
            Arc::clone(&ledger) as _,
        );
        let attempts = Attempts::new(
            actions(workshop, &stage),
            Arc::new(NoWayOut),
            Arc::clone(&clock) as _,
            Follow::default(),
            1,
        );
        Self {
            index: Index::build(std::slice::from_ref(plan)).unwrap_or_else(|_| nothing()),
            plan: Arc::clone(plan),
            beside: (*case.beside).clone(),
            situation,
            attempts: attempts.guarded(Arc::new(guards)),
            stage,
            ledger,
            clock,
            began,
            now: began,
            queue: BTreeMap::new(),
            pushed: 0,
            runs: Vec::new(),
            turns: Turns::default(),
            storm: MemoryStorm::default(),
            revisions: Vec::new(),
            asked: Map::new(),
            not_started: Vec::new(),
            triggered: false,
            children: HashMap::new(),
            aloft: BTreeMap::new(),
            tries: HashMap::new(),
            peaks: BTreeMap::new(),
        }
    }

    /// Lets everything happen.
    pub(super) async fn go(mut self) -> Seen {
        self.begin();
        let mut events = 0;
        while let Some(((at, _), due)) = self.queue.pop_first() {
            events += 1;
            if events > EVENTS_MAX {
                return Seen::endless(&self);
            }
            let at = at.max(self.now);
            self.clock.forward(at.since(self.now));
            self.now = at;
            match due {
                Due::Event(run, event) => {
                    self.landed(run, &event);
                    let commands = self.runs[run].run.advance(&event);
                    self.perform(run, commands).await;
                }
                Due::Commands(run, commands) => self.perform(run, commands).await,
                Due::Alert(fields) => self.intake(&fields),
                Due::Cancel(by) => self.cancel_all(&by),
                Due::Storm => self.release_storm(),
            }
        }
        Seen::of(&self)
    }

    /// Lets something happen, now or later.
    pub(super) fn push(&mut self, at: Timestamp, due: Due) {
        self.pushed += 1;
        self.queue.insert((at.max(self.now), self.pushed), due);
    }

    async fn perform(&mut self, run: usize, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Attempt(attempt) => self.attempt(run, &attempt).await,
                Command::Timer { cid, wake_at } => {
                    let at = wake_at.max(self.now);
                    self.push(at, Due::Event(run, Event::Fired { cid, at }));
                }
                Command::Await(wait) => self.wait_for(run, &wait),
                Command::Child(child) => self.call(run, &child),
                Command::StopChild { cid } => self.stop_child(run, cid),
                Command::Enter(enter) => self.enter(run, &enter),
                Command::Forget { cid } => self.forget(run, cid),
                Command::Finish(finish) => self.over(run, *finish),
            }
        }
    }

    async fn attempt(&mut self, run: usize, attempt: &Attempt) {
        let origin = self.runs[run].origin.clone();
        let outcome = self.attempts.perform(&origin, attempt).await;
        let took = self.stage.took().min(attempt.timeout);
        let sent = !matches!(outcome, Outcome::Refused { .. } | Outcome::Held { .. });
        if sent && attempt.resume.is_none() {
            self.took_off(run, attempt);
        }
        let (cid, at) = (attempt.cid, self.now.plus(took));
        self.tries.insert((run, cid), attempt.idem.clone());
        let event = Event::Attempted { cid, at, outcome };
        self.push(at, Due::Event(run, event));
    }

    fn took_off(&mut self, run: usize, attempt: &Attempt) {
        let action = attempt.action.to_string();
        self.aloft
            .insert((run, attempt.idem.clone()), action.clone());
        let count = self.aloft.values().filter(|one| **one == action).count();
        let peak = self.peaks.entry(action).or_default();
        *peak = (*peak).max(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// A call is under way until it comes to an end.
    fn landed(&mut self, run: usize, event: &Event) {
        if let Event::Attempted { cid, outcome, .. } = event
            && let Some(idem) = self.tries.remove(&(run, *cid))
            && !matches!(outcome, Outcome::Pending { .. })
        {
            self.aloft.remove(&(run, idem));
        }
    }

    fn forget(&mut self, run: usize, forgotten: Cid) {
        self.queue.retain(|_, due| match due {
            Due::Event(of, Event::Fired { cid, .. } | Event::Signalled { cid, .. }) => {
                *of != run || *cid != forgotten
            }
            _ => true,
        });
        self.runs[run].awaits.remove(&forgotten.0);
    }

    /// A run is over: whoever called it is told, and whoever waits for its turn gets it.
    fn over(&mut self, run: usize, finish: Finish) {
        self.queue.retain(|_, due| match due {
            Due::Event(of, _) | Due::Commands(of, _) => *of != run,
            _ => true,
        });
        let live = &mut self.runs[run];
        live.awaits.clear();
        self.ledger.over(&live.origin.run);
        if let Some((parent, cid)) = live.parent {
            let mut value = json!(finish);
            value["run"] = json!(live.origin.run);
            let by = live.origin.run.to_string();
            self.signal((parent, cid), self.now, &by, value);
        }
        self.runs[run].finish = Some(finish);
        let ready = self.turns.leave(run);
        if let Some((next, cid)) = ready {
            self.signal((next, cid), self.now, "concurrency", json!({}));
        }
    }

    /// Sends a signal to what a run waits for.
    pub(super) fn signal(
        &mut self,
        (run, cid): (usize, Cid),
        at: Timestamp,
        by: &str,
        value: Value,
    ) {
        let by = by.to_owned();
        let event = Event::Signalled { cid, at, by, value };
        self.push(at, Due::Event(run, event));
    }

    pub(super) fn cancel(&mut self, run: usize, by: &str) {
        if self.runs[run].finish.is_none() {
            let (at, by) = (self.now, by.to_owned());
            self.push(at, Due::Event(run, Event::Cancelled { at, by }));
        }
    }

    fn cancel_all(&mut self, by: &str) {
        for run in 0..self.runs.len() {
            if self.runs[run].parent.is_none() {
                self.cancel(run, by);
            }
        }
    }
}

fn nothing() -> Index {
    Index::build(&[]).expect("nothing to index has no problem")
}

/// The policy of a test; that it is sound was checked when it was read.
fn policy(situation: &Situation) -> Policy {
    let Some(policy) = &situation.policy else {
        return Policy::none();
    };
    read_policy(policy).unwrap_or_else(|_| Policy::none())
}

/// Reads the policy of a test.
pub(super) fn read_policy(policy: &Map<String, Value>) -> Result<Policy, Vec<String>> {
    let mut policy = policy.clone();
    policy.entry("version").or_insert(json!(1));
    // JSON is YAML.
    Policy::read(&Value::Object(policy).to_string(), None)
}

fn actions(workshop: &Workshop, stage: &Arc<Stage>) -> Vec<Arc<dyn Action>> {
    let of = |info: &Arc<actions_contract::ActionInfo>| {
        Arc::new(Mock {
            info: Arc::clone(info),
            stage: Arc::clone(stage),
        }) as Arc<dyn Action>
    };
    workshop.infos.iter().map(of).collect()
}
