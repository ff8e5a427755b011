//! The alerts a tenant begins with, in the vendor's shape.

use serde_json::{Value, json};

use super::{Scenario, World, evidence};
use crate::seed::Seed;
use crate::wire;

/// An older alert that is already closed, and the one that tells of the scenario.
pub(super) fn seeded(world: &World, seed: &Seed) -> (Value, Value) {
    let scenario = &world.scenario;
    let machine = &world.machines[scenario.victim];
    let user = &machine.user;
    let ticks = 637_000_000_000_000_000 + seed.below("alert ticks", 0, 900_000_000_000_000);
    let id = format!("da{ticks}_{}", seed.below("alert", 0, 2_000_000_000));
    let raised = scenario.at_ms + 85_000;
    let alert = json!({
        "id": id,
        "incidentId": 1000 + seed.below("incident", 0, 9000),
        "investigationId": null,
        "assignedTo": null,
        "severity": "High",
        "status": "New",
        "classification": null,
        "determination": null,
        "investigationState": "Queued",
        "detectionSource": "WindowsDefenderAtp",
        "detectorId": seed.guid("detector", 0),
        "category": "Malware",
        "threatFamilyName": scenario.family,
        "title": format!("'{}' malware was loaded by a signed executable", scenario.family),
        "description": description(scenario),
        "alertCreationTime": wire::vendor_time(raised),
        "firstEventTime": wire::vendor_time(scenario.at_ms),
        "lastEventTime": wire::vendor_time(scenario.at_ms + 1_200),
        "lastUpdateTime": wire::vendor_time(raised + 1_500),
        "resolvedTime": null,
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "rbacGroupName": machine.text("rbacGroupName"),
        "aadTenantId": world.tenant,
        "threatName": format!("Trojan:Win32/{}", scenario.family),
        "mitreTechniques": ["T1055", "T1218.011"],
        "relatedUser": { "userName": user.account, "domainName": user.domain },
        "comments": [],
        "evidence": evidence::of(scenario, user),
    });
    (resolved(world, seed), alert)
}

fn description(scenario: &Scenario) -> String {
    format!(
        "A signed Windows executable loaded {file} from a folder that programs are not installed \
         to, and the loaded code then connected to {name}. Attackers use executables that the \
         system trusts to run code with a low reputation, because such a process draws less \
         attention: it can then inject code into other processes, listen on a port or call its \
         operator.\n\nThe file belongs to the {family} family. Isolate the device and look for \
         the same file elsewhere.",
        file = scenario.file,
        name = scenario.far_name,
        family = scenario.family,
    )
}

/// Yesterday's alert on another device, so that the list holds more than one.
fn resolved(world: &World, seed: &Seed) -> Value {
    let at = world
        .scenario
        .also_on
        .first()
        .copied()
        .unwrap_or(world.scenario.victim);
    let machine = &world.machines[at];
    let user = &machine.user;
    let raised = world.born_ms - 86_400_000;
    json!({
        "id": format!("ar{}_1", 637_000_000_000_000_000 + seed.below("alert ticks", 1, 1_000_000)),
        "incidentId": 900 + seed.below("incident", 1, 90),
        "investigationId": null,
        "assignedTo": format!("soc@{}", world.domain),
        "severity": "Low",
        "status": "Resolved",
        "classification": "InformationalExpectedActivity",
        "determination": "LineOfBusinessApplication",
        "investigationState": "UnsupportedAlertType",
        "detectionSource": "WindowsDefenderAv",
        "detectorId": seed.guid("detector", 1),
        "category": "UnwantedSoftware",
        "threatFamilyName": null,
        "title": "An unwanted application was found",
        "description": "An application that is not malware but often not wanted was found.",
        "alertCreationTime": wire::vendor_time(raised),
        "firstEventTime": wire::vendor_time(raised - 60_000),
        "lastEventTime": wire::vendor_time(raised - 60_000),
        "lastUpdateTime": wire::vendor_time(raised + 3_600_000),
        "resolvedTime": wire::vendor_time(raised + 3_600_000),
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "rbacGroupName": machine.text("rbacGroupName"),
        "aadTenantId": world.tenant,
        "threatName": null,
        "mitreTechniques": [],
        "relatedUser": { "userName": user.account, "domainName": user.domain },
        "comments": [],
        "evidence": [],
    })
}
