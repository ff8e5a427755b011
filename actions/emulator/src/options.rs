//! What an emulated world is made of.

use std::collections::BTreeSet;

use engine_model::Millis;
use serde::{Deserialize, Serialize};

use crate::fault::FaultRule;
use crate::seed::Seed;

/// How a machine action ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// In `Succeeded`.
    #[default]
    Succeeds,
    /// In `Failed`.
    Fails,
    /// In `TimeOut`.
    TimesOut,
    /// Not at all: it stays `Pending`, as where a device is offline, until it is cancelled.
    Waits,
}

/// A directory, the one application registered in it, and its roles.
#[derive(Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The GUID of the directory.
    pub id: String,
    /// The GUID of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The application permissions an administrator consented to.
    pub roles: Vec<String>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant")
            .field("id", &self.id)
            .field("client_id", &self.client_id)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl Tenant {
    /// Tenant `number` of the world of `seed`, with every role the operations ask for.
    #[must_use]
    pub fn seeded(seed: u64, number: u64) -> Self {
        let seed = Seed::new(seed).child("tenant");
        let roles: BTreeSet<&str> = actions_catalog::endpoints()
            .iter()
            .flat_map(|endpoint| endpoint.permissions.application.iter().copied())
            .collect();
        Self {
            id: seed.guid("id", number),
            client_id: seed.guid("client", number),
            client_secret: format!("emu~{}", seed.hex("secret", number, 36)),
            roles: roles.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The tenant without one of its roles.
    #[must_use]
    pub fn without_role(mut self, role: &str) -> Self {
        self.roles.retain(|granted| granted != role);
        self
    }
}

/// Everything that decides how an emulated Defender answers.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the world is derived from: names, ids, the device of the demo alert.
    pub seed: u64,
    /// The directories.
    pub tenants: Vec<Tenant>,
    /// The devices in each tenant; at least one.
    pub machines: usize,
    /// How long a machine action stays `Pending`.
    pub action_pending: Millis,
    /// How long it then stays `InProgress`.
    pub action_running: Millis,
    /// How long a new machine action cannot be found yet, by list or by id.
    pub visibility_delay: Millis,
    /// How long a token lives.
    pub token_lifetime: Millis,
    /// How an isolation or a release from isolation ends.
    pub isolation: Ending,
    /// What goes wrong from the start.
    pub faults: Vec<FaultRule>,
    /// How many requests the log remembers; counts stay exact.
    pub log_entries_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self::seeded(1)
    }
}

impl Options {
    /// The world of `seed`: one tenant, a dozen devices, actions that take three seconds.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            tenants: vec![Tenant::seeded(seed, 0)],
            machines: 12,
            action_pending: Millis::from_ms(1000),
            action_running: Millis::from_ms(2000),
            visibility_delay: Millis::ZERO,
            token_lifetime: Millis::from_secs(3599),
            isolation: Ending::Succeeds,
            faults: Vec::new(),
            log_entries_max: 10_000,
        }
    }
}
