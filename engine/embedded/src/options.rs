//! What an embedded engine is made of.

use std::path::PathBuf;
use std::sync::Arc;

use actions_contract::Resolver;
use engine_driver::guard::Policy;
use engine_driver::{Attempts, Clock, Playbooks};
use engine_model::{TenantId, Timestamp};
use engine_run::Settings;

/// What an embedded engine is made of.
pub struct Options {
    /// The folder of the database; made when missing.
    pub data_dir: PathBuf,
    /// The playbooks; may be replaced while the engine runs.
    pub playbooks: Arc<Playbooks>,
    /// Performs tries.
    pub attempts: Attempts,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is fixed for each run when it begins.
    pub settings: Settings,
    /// Guard rails; none only where nothing real is contained.
    pub guards: Option<GuardOptions>,
    /// The tenant of runs that no alert starts.
    pub tenant: TenantId,
    /// Schedules that were never seen before are taken to be watched since this instant; since
    /// the start of the engine when absent.
    pub schedules_since: Option<Timestamp>,
}

/// What guard rails are made of.
pub struct GuardOptions {
    /// The policy of the tenant.
    pub policy: Arc<Policy>,
    /// What finds targets, by their kind.
    pub resolvers: Vec<Resolver>,
}
