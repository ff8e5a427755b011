//! What the examples of the documentation name.
//!
//! It is there in every tenant under its documented id, so that each example can be tried as it
//! stands. No list shows it: lists tell of the tenant.

use serde_json::{Value, json};

use super::graph::{Graph, Set};
use super::machine::Role;
use super::{Kind, Machine, MachineAction, fleet};
use crate::echo;
use crate::options::Ending;
use crate::seed::Seed;

/// The devices; the first one has the documented address.
const MACHINES: [&str; 4] = [
    "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
    "7b1f4967d9728e5aa3c06a9e617a22a4a5a17378",
    "34e83ca3feea4dae2353006ba389262c033a025e",
    "2a398439b4975924e87a65943972bc702469b329",
];
/// The address; it was in use whenever an example says.
pub(crate) const ADDRESS: &str = "10.248.240.38";

const ALERTS: [&str; 3] = [
    "da637472900382838869_1364969609",
    "da637399794050273582_760707377",
    "da637399989469816469_51697947354",
];

/// A scan that waits for its device, a package, and a session of live response.
const SCAN: &str = "5382f7ea-7557-4ab7-9782-d50480024a4e";
const PACKAGE: &str = "7327b54fd718525cbca07dacde913b5ac3c85673";
const SESSION: &str = "988cc94e-7a8f-4b28-ab65-54970c5d5018";

const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
const RISKY: &str = "d1d4a5d4-a5d4-d1d4-d4a5-d4d1d4a5d4d1";
const MEMBER_OF: &str = "9c1f5a7e-3d2b-4a60-8f14-5b7e0c2d9a31";
const SUBMISSION: &str = "49c5ef5b-1f65-444a-e6b9-08d772ea2059";

/// Documents that are what an operation answers by its example, under these ids.
const ANSWERED: &[(Set, &str, &[&str])] = &[
    (
        Set::Alerts,
        "graph.get-security-alert",
        &[
            "da637551227677560813_-961444813",
            "da637551227677560813_-961444814",
        ],
    ),
    (
        Set::Incidents,
        "graph.get-security-incident",
        &["2972395", "2972396", "3962396"],
    ),
    (Set::Users, "graph.get-user", &[USER, RISKY]),
    (Set::RiskyUsers, "graph.get-risky-user", &[RISKY]),
    (
        Set::RiskDetections,
        "graph.get-risk-detection",
        &["6a5874ca-abcd-9d82-5ad39bd71600"],
    ),
    (
        Set::AnalyzedEmails,
        "graph.get-analyzed-email",
        &["73ca4154-58d8-43d0-a890-08dc18c52e6d-1311265001240363512-1"],
    ),
    (
        Set::Messages,
        "graph.move-message",
        &[
            "AAMkADhAAATs28OAAA=",
            "AAMkADhAAATs28OBAA=",
            "AAMkADhAAATs28OCAA=",
        ],
    ),
    (Set::InboxRules, "graph.list-inbox-rules", &["AQAAAJ5dZqA="]),
    (Set::Rules, "graph.get-detection-rule", &["7506", "7507"]),
    (Set::EmailThreats, "graph.get-email-threat", &[SUBMISSION]),
    (Set::FileThreats, "graph.get-file-threat", &[SUBMISSION]),
    (Set::UrlThreats, "graph.get-url-threat", &[SUBMISSION]),
    (
        Set::Assessments,
        "graph.get-threat-assessment-request",
        &[SUBMISSION],
    ),
    (
        Set::Identities,
        "graph.get-identity-account",
        &["0104216-0539-4838-88b1-55baafdc296b"],
    ),
    (
        Set::Scores,
        "graph.get-secure-score",
        &["00000001-0001-0001-0001-000000000001c_2019-03-19"],
    ),
    (
        Set::Controls,
        "graph.get-secure-score-control-profile",
        &["DLPEnabled", "NonOwnerAccess"],
    ),
    (Set::Actions, "graph.get-security-action", &["1234567890"]),
];

/// The devices of the examples.
pub(super) fn machines(seed: &Seed, now_ms: i64) -> Vec<Machine> {
    let seed = seed.child("documented");
    let made = fleet::machines(&seed, "contoso.com", 12, now_ms).into_iter();
    let workstations = made.filter(|machine| machine.role == Role::Workstation);
    let numbered = workstations.zip(MACHINES).zip(1..);
    numbered
        .map(|((mut machine, id), number)| {
            machine.id = id.to_owned();
            machine.name = format!("mymachine{number}.contoso.com");
            machine.document["id"] = json!(id);
            machine.document["computerDnsName"] = json!(machine.name);
            if number == 1 {
                machine.document["lastIpAddress"] = json!(ADDRESS);
                machine.document["ipAddresses"][0]["ipAddress"] = json!(ADDRESS);
            }
            machine
        })
        .collect()
}

/// The alerts of the examples, on the first of those devices.
pub(super) fn alerts(machines: &[Machine]) -> Vec<Value> {
    let alert = |id: &&str| {
        let mut alert = echo::documented("defender.get-alert");
        alert["id"] = json!(id);
        alert["comments"] = json!([]);
        if let Some(machine) = machines.first() {
            alert["machineId"] = json!(machine.id);
            alert["computerDnsName"] = json!(machine.name);
        }
        alert
    };
    ALERTS.iter().map(alert).collect()
}

/// The machine actions of the examples, on the first of those devices.
pub(super) fn actions(machines: &[Machine], now_ms: i64) -> Vec<MachineAction> {
    let yesterday = now_ms - 86_400_000;
    let action = |id: &str, kind: Kind| {
        let comment = "Begun by an analyst".to_owned();
        let mut action = MachineAction::new(kind, "analyst@contoso.com", comment, yesterday);
        action.id = id.to_owned();
        if let Some(machine) = machines.first() {
            action.machine_id.clone_from(&machine.id);
            action.machine_name.clone_from(&machine.name);
        }
        action
    };
    let mut scan = action(SCAN, Kind::RunAntiVirusScan);
    scan.scope = Some("Full".to_owned());
    scan.ending = Ending::Waits;
    let mut session = action(SESSION, Kind::LiveResponse);
    let param = |key: &str, value: &str| json!({ "key": key, "value": value });
    session.commands = vec![
        json!({ "type": "RunScript", "params": [
            param("ScriptName", "minidump.ps1"),
            param("Args", "OfficeClickToRun"),
        ] }),
        json!({ "type": "GetFile", "params": [
            param("Path", "C:\\windows\\TEMP\\OfficeClickToRun.dmp.zip"),
        ] }),
    ];
    vec![
        scan,
        action(PACKAGE, Kind::CollectInvestigationPackage),
        session,
    ]
}

/// Puts the documents of the examples where their ids find them.
pub(super) fn fill(graph: &mut Graph) {
    for (set, operation, ids) in ANSWERED {
        for id in *ids {
            let mut document = echo::documented(operation);
            document["id"] = json!(id);
            adapt(*set, &mut document);
            graph.shelf(*set).name(document);
        }
    }
    let mut incident = echo::documented("defender.get-incident");
    incident["incidentId"] = json!(924_565);
    incident["redirectIncidentId"] = Value::Null;
    if !incident["comments"].is_array() {
        incident["comments"] = json!([]);
    }
    for (set, document) in [
        (Set::XdrIncidents, incident),
        (
            Set::Groups,
            group("02bd9fd6-8f93-4758-87c3-1fb73740a315", &[]),
        ),
        (Set::Groups, group(MEMBER_OF, &[USER])),
        (
            Set::Devices,
            json!({ "id": "6fa60d52-01e7-4b18-8055-4759461fc16b", "accountEnabled": true }),
        ),
        (
            Set::ServicePrincipals,
            json!({ "id": "00063ffc-54e9-405d-b8f3-56124728e051", "accountEnabled": true }),
        ),
        (
            Set::RiskyPrincipals,
            json!({ "id": "9089a539-a539-9089-39a5-899039a58990", "riskState": "atRisk" }),
        ),
        (
            Set::Grants,
            json!({ "id": "l5eW7x0ga0-WDOntXzHateQDNpSH5-lPk9HjD3Sarjk" }),
        ),
        (
            Set::Searches,
            json!({
                "id": "c17e91d6-6bc0-4ecb-b388-269ea3d4ffb7",
                "_case": "b0073e4e-4184-41c6-9eb7-8c8cc3e2288b",
            }),
        ),
    ] {
        graph.shelf(set).name(document);
    }
}

/// What the emulator needs of a document beyond its example.
fn adapt(set: Set, document: &mut Value) {
    match set {
        Set::Alerts => {
            document["incidentId"] = json!("2972395");
            document["comments"] = json!([]);
        }
        Set::Incidents => {
            document["redirectIncidentId"] = Value::Null;
            document["comments"] = json!([]);
        }
        Set::Users => document["_accountEnabled"] = json!(true),
        Set::Messages | Set::InboxRules => document["_owner"] = json!(USER),
        Set::Actions => document["status"] = json!("notStarted"),
        Set::Controls => document["controlStateUpdates"] = json!([]),
        Set::Identities => {
            document["accounts"] = json!([{
                "identifier": "256db173-930a-4991-9061-0d51a9a93ba5",
                "provider": "activeDirectory",
                "actions": ["disable", "enable", "forcePasswordReset"],
            }]);
        }
        _ => {}
    }
}

fn group(id: &str, members: &[&str]) -> Value {
    json!({ "id": id, "displayName": "Documented", "_members": members })
}
