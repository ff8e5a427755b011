//! Who works with the engine: senders of alerts, people, and the world that changes meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use engine_driver::guard::AuditKind;
use engine_driver::{Engine as _, ManualStart, Receipt, Reply, RunFilter, RunSummary, Through};
use engine_embedded::Embedded;
use engine_model::alert::Device as AlertDevice;
use engine_model::{Alert, AlertSource, Digest, RunId, Timestamp, code};
use engine_run::{Decision, RunStatus};
use serde_json::{Map, Value, json};

use crate::books::{BY_HAND, Rules};
use crate::chance::Chance;
use crate::devices::{Device, fleet};
use crate::sabotage::Bug;
use crate::sim::{Fault, Sim};
use crate::world::World;

/// Something that happens during a story.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Alert(Box<Alert>),
    Start {
        playbook: &'static str,
        device: String,
        key: String,
    },
    People,
    Cancel,
    Retry,
    Halt(u64),
    Tag(usize),
    Swap(usize, usize),
    Twin(usize, usize),
    Silent(usize, u64),
    Down(u64),
}

impl Deed {
    /// Whether whoever does it does it again until it is answered.
    pub(crate) const fn persists(&self) -> bool {
        matches!(self, Self::Alert(_) | Self::Start { .. } | Self::Halt(_))
    }
}

/// What those know who work with the engine.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) alerts: Vec<(Alert, Receipt)>,
    pub(crate) starts: BTreeMap<String, RunId>,
    /// The questions that somebody said yes to: the run and the digest.
    pub(crate) agreed: BTreeSet<(String, String)>,
    answered: BTreeSet<(String, String)>,
    pub(crate) done: BTreeSet<usize>,
}

/// Who works with the engine.
pub(crate) struct Cast {
    pub(crate) sim: Arc<Sim>,
    pub(crate) world: Arc<World>,
    notes: Mutex<Notes>,
    chance: Mutex<Chance>,
}

impl Cast {
    pub(crate) fn new(sim: &Arc<Sim>, world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            sim: Arc::clone(sim),
            world: Arc::clone(world),
            notes: Mutex::default(),
            chance: Mutex::new(Chance::new(sim.seed, 3)),
        })
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap()
    }

    pub(crate) async fn does(self: Arc<Self>, engine: Arc<Embedded>, number: usize, deed: Deed) {
        self.sim.tell(|| format!("{deed:?}"));
        match deed {
            Deed::Alert(alert) => self.sends(&engine, *alert).await,
            Deed::Start {
                playbook,
                device,
                key,
            } => {
                self.starts(&engine, playbook, (&device, &key)).await;
            }
            Deed::People => self.people(&engine).await,
            Deed::Cancel => self.cancels(&engine).await,
            Deed::Retry => self.retries(&engine).await,
            Deed::Halt(ms) => self.halts(&engine, ms).await,
            change => self.changes(&change),
        }
        self.notes().done.insert(number);
    }

    async fn sends(&self, engine: &Embedded, alert: Alert) {
        loop {
            match engine.intake(alert.clone()).await {
                Ok(receipt) => {
                    self.sim.tell(|| format!("taken: {receipt:?}"));
                    if matches!(receipt, Receipt::Same { .. }) {
                        self.sim.fault(Fault::AlertTwice);
                    }
                    self.notes().alerts.push((alert, receipt));
                    return;
                }
                Err(_) => self.sim.sleep(1000).await,
            }
        }
    }

    async fn starts(&self, engine: &Embedded, playbook: &str, (device, key): (&str, &str)) {
        if self.sim.has(Bug::HaltCheckedAtPlanTime) && self.sim.halted.load(Ordering::SeqCst) {
            return;
        }
        loop {
            let start = ManualStart {
                playbook: playbook.parse().unwrap(),
                tenant: "default".parse().unwrap(),
                inputs: Map::from_iter([("device".to_owned(), json!(device))]),
                alert: None,
                by: "mona".to_owned(),
                roles: None,
                key: key.to_owned(),
                dry_run: false,
            };
            match engine.start(start).await {
                Ok(run) => {
                    self.sim.tell(|| format!("started: {run}"));
                    let before = self.notes().starts.insert(key.to_owned(), run.clone());
                    if let Some(before) = before {
                        self.sim.fault(Fault::StartTwice);
                        if before != run {
                            self.sim
                                .breaks(format!("started twice: {before} and {run}"));
                        }
                    }
                    return;
                }
                Err(error) if error.code == code::SV0104 => return,
                Err(_) => self.sim.sleep(1000).await,
            }
        }
    }

    /// People look at what they are asked, and answer.
    async fn people(&self, engine: &Embedded) {
        let Ok(log) = engine.audit(0, 100_000).await else {
            return;
        };
        for row in log
            .into_iter()
            .filter(|row| row.entry.kind == AuditKind::Held)
        {
            let text = |key: &str| row.entry.what[key].as_str().unwrap_or_default().to_owned();
            let Some(run) = row.entry.run.clone() else {
                continue;
            };
            let (step, digest) = (text("step"), text("digest"));
            let question = (run.clone(), digest.clone());
            if !self.notes().answered.insert(question.clone()) {
                continue;
            }
            let (yes, twice) = {
                let mut chance = self.chance();
                (!chance.one_in(6), chance.one_in(3))
            };
            let reply = Reply {
                by: "otto".to_owned(),
                roles: vec!["lead".to_owned()],
                through: Through::Key,
                decision: if yes {
                    Decision::Approve
                } else {
                    Decision::Deny
                },
                comment: None,
                form: None,
            };
            if yes {
                self.notes().agreed.insert(question.clone());
            }
            // A question is bound to its step.
            let asked = Digest::of(json!([run, step, digest]).to_string().as_bytes());
            let run: RunId = run.parse().unwrap();
            let told = engine.answer(&run, &asked, reply.clone()).await;
            self.sim.tell(|| format!("answer {run} {step}: {told:?}"));
            match told {
                // It is not open yet, or the engine stops: they look again later.
                Err(error) if error.code != code::SV0202 => {
                    if error.code == code::SV0201 {
                        self.notes().agreed.remove(&question);
                    }
                    self.notes().answered.remove(&question);
                }
                _ if twice => {
                    self.sim.fault(Fault::AnswerTwice);
                    drop(engine.answer(&run, &asked, reply).await);
                }
                _ => {}
            }
        }
    }

    /// Runs, newest first.
    pub(crate) async fn runs(&self, engine: &Embedded) -> Vec<RunSummary> {
        let filter = RunFilter {
            limit: 1000,
            ..RunFilter::default()
        };
        engine
            .runs(&filter)
            .await
            .map(|page| page.items)
            .unwrap_or_default()
    }

    async fn one_of(&self, engine: &Embedded, wanted: impl Fn(RunStatus) -> bool) -> Option<RunId> {
        let runs = self.runs(engine).await;
        let runs: Vec<RunSummary> = runs.into_iter().filter(|run| wanted(run.status)).collect();
        (!runs.is_empty()).then(|| self.chance().pick(&runs).id.clone())
    }

    async fn cancels(&self, engine: &Embedded) {
        let running = self.one_of(engine, |status| status == RunStatus::Running);
        if let Some(run) = running.await {
            let cancelled = engine.cancel(&run, "mona").await;
            self.sim.tell(|| format!("cancelled {run}: {cancelled:?}"));
            if cancelled == Ok(true) {
                self.sim.fault(Fault::Cancelled);
            }
        }
    }

    async fn retries(&self, engine: &Embedded) {
        let ended = |status| !matches!(status, RunStatus::Running | RunStatus::Succeeded);
        if let Some(run) = self.one_of(engine, ended).await {
            let again = engine.retry(&run, "mona").await;
            self.sim.tell(|| format!("{run} again: {again:?}"));
            if again.is_ok() {
                self.sim.fault(Fault::Retried);
            }
        }
    }

    async fn halts(&self, engine: &Embedded, ms: u64) {
        if self.sim.has(Bug::HaltCheckedAtPlanTime) || engine.halt("mona", None).await.is_ok() {
            self.sim.fault(Fault::Halted);
            self.sim.tell(|| "everything is stopped".to_owned());
            self.sim.halted.store(true, Ordering::SeqCst);
            self.sim.sleep(ms).await;
        }
        self.sim.halted.store(false, Ordering::SeqCst);
        self.sim.tell(|| "everything goes on".to_owned());
        while engine.resume("mona").await.is_err() {
            self.sim.sleep(1000).await;
        }
    }

    /// The world changes.
    fn changes(&self, deed: &Deed) {
        let now = self.sim.now();
        let later = |ms: &u64| now + i64::try_from(*ms).unwrap();
        let mut inside = self.world.inside();
        let devices = &mut inside.devices;
        match deed {
            Deed::Tag(device) => {
                self.sim.fault(Fault::TagAdded);
                devices[*device].tags.push("crown".to_owned());
            }
            Deed::Swap(a, b) => {
                self.sim.fault(Fault::NamesSwapped);
                let name = std::mem::take(&mut devices[*a].name);
                let other = std::mem::replace(&mut devices[*b].name, name);
                devices[*a].name = other;
            }
            Deed::Twin(a, b) => {
                self.sim.fault(Fault::TwinDevices);
                devices[*a].name = devices[*b].name.replace("corp", "other");
            }
            Deed::Silent(device, ms) => {
                self.sim.fault(Fault::DeviceSilent);
                devices[*device].silent_until = later(ms);
            }
            Deed::Down(ms) => inside.directory_down_until = later(ms),
            _ => {}
        }
        for device in &mut inside.devices {
            device.judge(now);
        }
    }
}

fn alert(id: u64, device: &str, severity: &str) -> Deed {
    let at = Timestamp::from_ms(1_780_000_000_000);
    Deed::Alert(Box::new(Alert {
        id: format!("alert{id}"),
        tenant: "home".parse().unwrap(),
        source: AlertSource::Api,
        created_at: at,
        updated_at: at,
        title: format!("on {device}"),
        severity: severity.to_owned(),
        category: None,
        status: None,
        classification: None,
        device: Some(AlertDevice {
            id: Some(device.to_owned()),
            name: None,
            tags: Vec::new(),
        }),
        user: None,
        file: None,
        entities: Vec::new(),
        raw: Value::Null,
    }))
}

/// Something that happens at this time; what goes with it is added to the plot.
fn something(
    plot: &mut Vec<(u64, Deed)>,
    chance: &mut Chance,
    fleet: &[Device],
    (number, at): (u64, u64),
) -> Deed {
    let device = usize::try_from(chance.below(8)).unwrap();
    match chance.below(24) {
        0..7 => {
            let severity = *chance.pick(&["high", "high", "high", "low"]);
            let deed = alert(chance.below(8), &fleet[device].id, severity);
            if chance.one_in(3) {
                plot.push((at + chance.below(30_000), deed.clone()));
            }
            deed
        }
        7..16 => {
            let playbook = *chance.pick(&BY_HAND);
            let device = fleet[device].named(chance);
            let key = format!("key{number}");
            let deed = Deed::Start {
                playbook,
                device,
                key,
            };
            if chance.one_in(4) {
                plot.push((at + chance.below(5000), deed.clone()));
            }
            deed
        }
        16 | 17 => Deed::Cancel,
        18 => Deed::Retry,
        19 => Deed::Halt(chance.within(1000, 90_000)),
        20 => Deed::Tag(device),
        21 => Deed::Swap(device, usize::try_from(chance.below(6)).unwrap()),
        22 => match chance.below(3) {
            0 => Deed::Twin(usize::try_from(chance.below(5)).unwrap(), device),
            1 => Deed::Silent(device, chance.within(10_000, 200_000)),
            _ => Deed::Down(chance.within(1000, 60_000)),
        },
        _ => {
            several(plot, chance, fleet, (number, at));
            Deed::Cancel
        }
    }
}

/// Several at once, as in an attack.
fn several(
    plot: &mut Vec<(u64, Deed)>,
    chance: &mut Chance,
    fleet: &[Device],
    (number, at): (u64, u64),
) {
    for more in 0..chance.within(3, 6) {
        let device = chance.pick(fleet).named(chance);
        let key = format!("wave{number} {more}");
        let at = at + chance.below(400);
        let playbook = *chance.pick(&["one", "one", "beside", "undoes"]);
        plot.push((
            at,
            Deed::Start {
                playbook,
                device,
                key,
            },
        ));
    }
}

/// What happens during a story, in the order in which it does: when, in milliseconds, and what.
pub(crate) fn plot(chance: &mut Chance, rules: Rules) -> Vec<(u64, Deed)> {
    let fleet = fleet();
    let mut plot = Vec::new();
    let length = chance.within(3, 12) * 60_000;
    for number in 0..chance.within(8, 24) {
        let at = chance.below(length);
        let deed = something(&mut plot, chance, &fleet, (number, at));
        plot.push((at, deed));
    }
    if rules.asks() {
        for _ in 0..2 {
            let at = chance.below(length);
            let device = fleet[5].named(chance);
            let key = format!("asks{at}");
            plot.push((
                at,
                Deed::Start {
                    playbook: "one",
                    device,
                    key,
                },
            ));
            plot.push((
                at + chance.below(60_000),
                Deed::Swap(5, usize::try_from(chance.below(5)).unwrap()),
            ));
        }
        plot.extend(
            (0..length / 20_000).map(|turn| (turn * 20_000 + chance.below(20_000), Deed::People)),
        );
    }
    plot.sort_by_key(|(at, _)| *at);
    plot
}
