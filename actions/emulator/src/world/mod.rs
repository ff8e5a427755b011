//! What a tenant holds: devices, actions on them, alerts.

pub(crate) mod alert;
pub(crate) mod documented;
mod evidence;
mod fleet;
pub(crate) mod graph;
pub(crate) mod machine;
pub(crate) mod machine_action;
mod scenario;
pub(crate) mod table;

use std::collections::HashMap;

use serde_json::Value;

use crate::behaviour;
use crate::options::{Ending, Options, Tenant};
use crate::seed::Seed;

pub(crate) use machine::Machine;
pub(crate) use machine_action::{Kind, MachineAction, Pace};
pub(crate) use scenario::Scenario;

/// A tenant's objects.
pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) domain: String,
    /// Ids made while the emulator runs derive from this and a counter.
    pub(crate) seed: Seed,
    /// When the world was made.
    pub(crate) born_ms: i64,
    /// Those of the tenant, then those that only examples name.
    pub(crate) machines: Vec<Machine>,
    /// How many are the tenant's.
    fleet: usize,
    machine_by_id: HashMap<String, usize>,
    machine_by_name: HashMap<String, usize>,
    /// Oldest first.
    pub(crate) actions: Vec<MachineAction>,
    action_by_id: HashMap<String, usize>,
    /// Those that only examples name.
    documented_actions: Vec<MachineAction>,
    /// Oldest first, in the vendor's shape with their evidence.
    pub(crate) alerts: Vec<Value>,
    alert_by_id: HashMap<String, usize>,
    /// Those that only examples name.
    documented_alerts: Vec<Value>,
    /// The alert that tells of the scenario.
    pub(crate) demo_alert_id: String,
    pub(crate) scenario: Scenario,
    /// In the vendor's shape, oldest first; those that have expired are passed over.
    pub(crate) indicators: Vec<Value>,
    /// The files of the library, in the vendor's shape.
    pub(crate) library: Vec<Value>,
    /// In the vendor's shape; their state follows from the time.
    pub(crate) investigations: Vec<Value>,
    /// The last number given to something that was made.
    number: u64,
    pub(crate) pace: Pace,
    isolation: Ending,
    /// What Microsoft Graph shows.
    pub(crate) graph: graph::Graph,
}

impl World {
    /// The world of `tenant` as it is at `now_ms`.
    pub(crate) fn new(options: &Options, tenant: &Tenant, now_ms: i64) -> Self {
        let seed = Seed::new(options.seed).child(&tenant.id);
        let domain = fleet::domain(&seed);
        let mut machines = fleet::machines(&seed, &domain, options.machines.max(1), now_ms);
        let scenario = Scenario::new(&seed, &machines, now_ms);
        let fleet = machines.len();
        machines.extend(documented::machines(&seed, now_ms));
        let by = |key: fn(&Machine) -> String| {
            machines
                .iter()
                .enumerate()
                .map(|(at, machine)| (key(machine), at))
                .collect()
        };
        let machine_by_id = by(|machine| machine.id.clone());
        let machine_by_name = by(|machine| machine.name.clone());
        let mut world = Self {
            tenant: tenant.id.clone(),
            domain,
            seed: seed.child("made later"),
            born_ms: now_ms,
            documented_actions: documented::actions(&machines[fleet..], now_ms),
            documented_alerts: documented::alerts(&machines[fleet..]),
            machines,
            fleet,
            machine_by_id,
            machine_by_name,
            actions: Vec::new(),
            action_by_id: HashMap::new(),
            alerts: Vec::new(),
            alert_by_id: HashMap::new(),
            demo_alert_id: String::new(),
            scenario,
            indicators: behaviour::indicators::seeded(now_ms),
            library: behaviour::library::seeded(now_ms),
            investigations: Vec::new(),
            number: 70_000,
            pace: Pace::of(options),
            isolation: options.isolation,
            graph: graph::Graph::default(),
        };
        let (older, demo) = alert::seeded(&world, &seed);
        world.demo_alert_id = demo["id"].as_str().unwrap_or_default().to_owned();
        let victim = &world.machines[world.scenario.victim];
        world.investigations = behaviour::investigations::seeded(&victim.id, &victim.name, now_ms);
        world.put_alert(older);
        world.put_alert(demo);
        world.graph = graph::Graph::of(&world);
        world
    }

    /// The index of the machine with this id or DNS name.
    pub(crate) fn machine_at(&self, id_or_name: &str) -> Option<usize> {
        self.machine_by_id
            .get(id_or_name)
            .or_else(|| self.machine_by_name.get(&id_or_name.to_ascii_lowercase()))
            .copied()
    }

    pub(crate) fn machine(&self, id_or_name: &str) -> Option<&Machine> {
        self.machine_at(id_or_name).map(|at| &self.machines[at])
    }

    /// The machines of the tenant.
    pub(crate) fn fleet(&self) -> &[Machine] {
        &self.machines[..self.fleet]
    }

    /// The machine action with this id, visible or not.
    pub(crate) fn action(&self, id: &str) -> Option<&MachineAction> {
        let own = self.action_by_id.get(id).map(|at| &self.actions[*at]);
        let mut documented = self.documented_actions.iter();
        own.or_else(|| documented.find(|action| action.id == id))
    }

    pub(crate) fn action_mut(&mut self, id: &str) -> Option<&mut MachineAction> {
        match self.action_by_id.get(id) {
            Some(at) => Some(&mut self.actions[*at]),
            None => {
                let mut documented = self.documented_actions.iter_mut();
                documented.find(|action| action.id == id)
            }
        }
    }

    /// The newest action of `kind` on the machine at `at`.
    pub(crate) fn newest(&self, at: usize, kind: Kind) -> Option<&MachineAction> {
        self.machines[at]
            .newest
            .get(&kind)
            .map(|action| &self.actions[*action])
    }

    /// Begins an action on the machine at `at` and gives back its index.
    pub(crate) fn begin(&mut self, at: usize, mut action: MachineAction) -> usize {
        let number = self.actions.len();
        let machine = &mut self.machines[at];
        action.id = self
            .seed
            .guid("machine action", u64::try_from(number).unwrap_or(u64::MAX));
        action.machine_id.clone_from(&machine.id);
        action.machine_name.clone_from(&machine.name);
        if action.kind == Kind::Isolate {
            action.ending = self.isolation;
        }
        machine.newest.insert(action.kind, number);
        machine.actions.push(number);
        self.action_by_id.insert(action.id.clone(), number);
        self.actions.push(action);
        number
    }

    /// A number that nothing has yet.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Whether the machine at `at` is in the state that `on` brings and `off` ends.
    pub(crate) fn is(&self, at: usize, on: Kind, off: Kind, now_ms: i64) -> bool {
        let decisive = self.machines[at]
            .actions
            .iter()
            .rev()
            .map(|index| &self.actions[*index]);
        decisive
            .filter(|action| action.kind == on || action.kind == off)
            .find(|action| action.succeeded(now_ms, self.pace))
            .is_some_and(|action| action.kind == on)
    }

    /// Adds an alert, or replaces the one with its id.
    pub(crate) fn put_alert(&mut self, alert: Value) {
        let id = alert["id"].as_str().unwrap_or_default().to_owned();
        if let Some(at) = self.alert_by_id.get(&id) {
            self.alerts[*at] = alert;
        } else {
            self.alert_by_id.insert(id, self.alerts.len());
            self.alerts.push(alert);
        }
    }

    pub(crate) fn alert(&self, id: &str) -> Option<&Value> {
        let own = self.alert_by_id.get(id).map(|at| &self.alerts[*at]);
        let mut documented = self.documented_alerts.iter();
        own.or_else(|| documented.find(|alert| alert["id"] == id))
    }

    pub(crate) fn alert_mut(&mut self, id: &str) -> Option<&mut Value> {
        match self.alert_by_id.get(id) {
            Some(at) => Some(&mut self.alerts[*at]),
            None => {
                let mut documented = self.documented_alerts.iter_mut();
                documented.find(|alert| alert["id"] == id)
            }
        }
    }
}
