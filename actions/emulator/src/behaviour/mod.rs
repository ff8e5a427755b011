//! What the emulator does for an operation.

mod alert_changes;
mod alerts;
mod body;
mod graph;
mod hunting;
pub(crate) mod indicators;
pub(crate) mod investigations;
pub(crate) mod library;
pub(crate) mod live_response;
mod machine_actions;
mod machines;
mod related;
mod submissions;

use actions_contract::{Endpoint, Method};

use crate::reply::{Refusal, Reply};
use crate::token::Caller;
use crate::world::World;

/// The operation whose requests are counted by machine.
pub(crate) const ISOLATE: &str = "defender.isolate-machine";

/// Everything a behaviour is given.
pub(crate) struct Cx<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) now_ms: i64,
    /// The values of the placeholders in the path.
    pub(crate) values: &'a [String],
    pub(crate) query: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    pub(crate) caller: &'a Caller,
    /// The path of the request, as it came.
    pub(crate) path: &'a str,
    /// Where the emulator can be reached.
    pub(crate) base_url: &'a str,
}

impl Cx<'_> {
    /// The value of the placeholder at `at`.
    fn value(&self, at: usize) -> &str {
        self.values.get(at).map_or("", String::as_str)
    }

    /// The value of a query option.
    fn option(&self, name: &str) -> Option<&str> {
        let pair = self
            .query
            .iter()
            .find(|(option, _)| option.eq_ignore_ascii_case(name));
        pair.map(|(_, value)| value.as_str())
    }
}

/// Serves one request.
pub(crate) type Behaviour = fn(&mut Cx<'_>) -> Result<Reply, Refusal>;

/// What is served, sorted by operation.
const BEHAVIOURS: &[(&str, Behaviour)] = &[
    ("defender.add-or-remove-machine-tag", machines::tag),
    (
        "defender.add-or-remove-tag-for-multiple-machines",
        machines::tag_many,
    ),
    ("defender.batch-delete-indicators", indicators::batch_delete),
    ("defender.batch-update-alerts", alert_changes::batch),
    ("defender.cancel-machine-action", machine_actions::cancel),
    (
        "defender.collect-investigation-package",
        submissions::collect_package,
    ),
    ("defender.create-alert-by-reference", alert_changes::create),
    ("defender.delete-indicator", indicators::delete),
    ("defender.delete-library-file", library::delete),
    (
        "defender.find-machines-by-internal-ip",
        machines::find_by_internal_ip,
    ),
    ("defender.find-machines-by-ip", machines::find_by_ip),
    ("defender.find-machines-by-tag", machines::find_by_tag),
    ("defender.get-alert", alerts::get),
    ("defender.get-alert-machine", alerts::machine),
    ("defender.get-alert-user", related::user_of_alert),
    ("defender.get-domain-statistics", related::domain_statistics),
    ("defender.get-file", related::file_by_hash),
    ("defender.get-file-statistics", related::file_statistics),
    ("defender.get-investigation", investigations::get),
    (
        "defender.get-investigation-package-uri",
        machine_actions::package_uri,
    ),
    ("defender.get-ip-statistics", related::ip_statistics),
    ("defender.get-live-response-result", live_response::result),
    ("defender.get-machine", machines::get),
    ("defender.get-machine-action", machine_actions::get),
    ("defender.import-indicators", indicators::import),
    (ISOLATE, submissions::isolate),
    ("defender.list-alert-domains", related::domains_of_alert),
    ("defender.list-alert-files", related::files_of_alert),
    ("defender.list-alert-ips", related::ips_of_alert),
    ("defender.list-alerts", alerts::list),
    ("defender.list-domain-alerts", related::alerts_of_domain),
    ("defender.list-domain-machines", related::machines_of_domain),
    ("defender.list-file-alerts", related::alerts_of_file),
    ("defender.list-file-machines", related::machines_of_file),
    ("defender.list-indicators", indicators::list),
    ("defender.list-investigations", investigations::list),
    ("defender.list-ip-alerts", related::alerts_of_ip),
    ("defender.list-library-files", library::list),
    ("defender.list-machine-actions", machine_actions::list),
    ("defender.list-machine-alerts", alerts::of_machine),
    ("defender.list-machine-logon-users", machines::logon_users),
    ("defender.list-machines", machines::list),
    ("defender.list-user-alerts", related::alerts_of_user),
    ("defender.list-user-machines", related::machines_of_user),
    ("defender.offboard-machine", submissions::offboard),
    ("defender.remove-app-restriction", submissions::unrestrict),
    ("defender.restrict-app-execution", submissions::restrict),
    ("defender.run-advanced-hunting-query", hunting::xdr),
    ("defender.run-advanced-query", hunting::mde),
    ("defender.run-antivirus-scan", submissions::scan),
    ("defender.run-live-response", live_response::run),
    ("defender.set-device-value", machines::set_value),
    ("defender.start-investigation", investigations::start),
    ("defender.stop-and-quarantine-file", submissions::quarantine),
    ("defender.submit-indicator", indicators::submit),
    ("defender.unisolate-machine", submissions::unisolate),
    ("defender.update-alert", alerts::update),
    ("defender.update-machine", machines::update),
    ("defender.upload-library-file", library::upload),
    ("graph.run-hunting-query", hunting::graph),
];

/// The operation by which work that takes its time is followed: a link the service gives.
pub(crate) const FOLLOWED: &str = "graph.operation";

/// The lines of such links: what is asked there is what began the work.
pub(crate) fn followed(endpoints: &[Endpoint]) -> Vec<Endpoint> {
    let links = [
        (
            "graph.reset-user-password",
            "/v1.0/users/{id}/authentication/operations/{operationId}",
        ),
        (
            "graph.purge-ediscovery-search-data",
            "/v1.0/security/cases/ediscoveryCases/{caseId}/operations/{operationId}",
        ),
    ];
    let of = |(id, path)| {
        let began = endpoints.iter().find(|endpoint| endpoint.id == id)?;
        Some(Endpoint {
            id: FOLLOWED,
            method: Method::Get,
            path,
            ..began.clone()
        })
    };
    links.into_iter().filter_map(of).collect()
}

/// The behaviour of an operation, if it has one.
pub(crate) fn of(operation: &str) -> Option<Behaviour> {
    BEHAVIOURS
        .binary_search_by(|(id, _)| (*id).cmp(operation))
        .ok()
        .map(|at| BEHAVIOURS[at].1)
        .or_else(|| graph::of(operation))
}

#[cfg(test)]
mod tests;
