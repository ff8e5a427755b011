//! What became of the machines.

use serde::Serialize;
use serde_json::Value;

use crate::world::{Kind, World};

/// The whole world at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    /// Its tenants.
    pub tenants: Vec<TenantState>,
}

impl State {
    /// A machine, by its id or DNS name.
    #[must_use]
    pub fn machine(&self, id_or_name: &str) -> Option<&MachineState> {
        let mut machines = self.tenants.iter().flat_map(|tenant| &tenant.machines);
        machines.find(|machine| machine.id == id_or_name || machine.name == id_or_name)
    }
}

/// What a tenant holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TenantState {
    /// The GUID of the directory.
    pub id: String,
    /// The devices.
    pub machines: Vec<MachineState>,
    /// The groups of the directory, each with its name and members.
    pub groups: Vec<Value>,
    /// The machine actions as the API shows them, hidden ones included, oldest first.
    pub actions: Vec<Value>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineState {
    /// Its id.
    pub id: String,
    /// Its DNS name.
    pub name: String,
    /// Its device group.
    pub group: String,
    /// Its platform.
    pub os_platform: String,
    /// Whether it is cut off from the network.
    pub isolated: bool,
    /// Whether it runs trusted programs only.
    pub restricted: bool,
    /// How many actions were begun on it.
    pub actions: usize,
}

pub(crate) fn of(world: &World, now_ms: i64) -> TenantState {
    let machines = world
        .fleet()
        .iter()
        .enumerate()
        .map(|(at, machine)| MachineState {
            id: machine.id.clone(),
            name: machine.name.clone(),
            group: machine.text("rbacGroupName").to_owned(),
            os_platform: machine.text("osPlatform").to_owned(),
            isolated: world.is(at, Kind::Isolate, Kind::Unisolate, now_ms),
            restricted: world.is(
                at,
                Kind::RestrictCodeExecution,
                Kind::UnrestrictCodeExecution,
                now_ms,
            ),
            actions: machine.actions.len(),
        });
    TenantState {
        id: world.tenant.clone(),
        machines: machines.collect(),
        groups: world.graph.groups(),
        actions: world
            .actions
            .iter()
            .map(|a| a.document(now_ms, world.pace))
            .collect(),
    }
}
