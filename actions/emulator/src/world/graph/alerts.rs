//! Alerts and incidents, as Graph and Defender XDR show them.

use serde_json::{Value, json};

use super::made::display_name;
use crate::world::World;
use crate::world::machine::Machine;

/// A word of Defender for Endpoint as Graph writes it.
fn lower_first(word: &Value) -> Value {
    let Some(text) = word.as_str() else {
        return json!("unknown");
    };
    let (first, rest) = text.split_at(text.len().min(1));
    json!(format!("{}{rest}", first.to_lowercase()))
}

fn determination(word: &Value) -> Value {
    match word.as_str() {
        Some("CompromisedUser") => json!("compromisedAccount"),
        Some("InsufficientData") => json!("notEnoughDataToValidate"),
        _ => lower_first(word),
    }
}

/// An alert as Graph shows it, its incident there, and that incident in Defender XDR.
pub(super) fn incident(world: &World, alert: &Value) -> (Value, Value, Value) {
    let shared = Shared {
        incident: alert["incidentId"].to_string(),
        status: lower_first(&alert["status"]),
        severity: lower_first(&alert["severity"]),
        classification: lower_first(&alert["classification"]),
        determination: determination(&alert["determination"]),
    };
    (
        graph_alert(world, alert, &shared),
        graph_incident(world, alert, &shared),
        xdr_incident(world, alert),
    )
}

/// What an alert and its incident have in common, in the words of Graph.
struct Shared {
    incident: String,
    status: Value,
    severity: Value,
    classification: Value,
    determination: Value,
}

const PORTAL: &str = "https://security.microsoft.com";

fn graph_alert(world: &World, alert: &Value, shared: &Shared) -> Value {
    let (id, tenant) = (alert["id"].as_str().unwrap_or_default(), &world.tenant);
    json!({
        "id": id,
        "providerAlertId": id,
        "incidentId": shared.incident,
        "status": shared.status,
        "severity": shared.severity,
        "classification": shared.classification,
        "determination": shared.determination,
        "serviceSource": "microsoftDefenderForEndpoint",
        "detectionSource": "microsoftDefenderForEndpoint",
        "productName": "Microsoft Defender for Endpoint",
        "detectorId": alert["detectorId"],
        "tenantId": tenant,
        "title": alert["title"],
        "description": alert["description"],
        "recommendedActions": "Isolate the device, collect the investigation package and look for \
                               the same file on other devices.",
        "category": alert["category"],
        "assignedTo": alert["assignedTo"],
        "alertWebUrl": format!("{PORTAL}/alerts/{id}?tid={tenant}"),
        "incidentWebUrl": format!("{PORTAL}/incidents/{}?tid={tenant}", shared.incident),
        "actorDisplayName": null,
        "threatDisplayName": alert["threatName"],
        "threatFamilyName": alert["threatFamilyName"],
        "mitreTechniques": alert["mitreTechniques"],
        "createdDateTime": alert["alertCreationTime"],
        "lastUpdateDateTime": alert["lastUpdateTime"],
        "resolvedDateTime": alert["resolvedTime"],
        "firstActivityDateTime": alert["firstEventTime"],
        "lastActivityDateTime": alert["lastEventTime"],
        "comments": [],
        "evidence": evidence(world, alert),
        "systemTags": [],
    })
}

fn graph_incident(world: &World, alert: &Value, shared: &Shared) -> Value {
    let (id, tenant) = (&shared.incident, &world.tenant);
    let title = alert["title"].as_str().unwrap_or_default();
    let closed = shared.status == "resolved";
    json!({
        "id": id,
        "incidentWebUrl": format!("{PORTAL}/incidents/{id}?tid={tenant}"),
        "redirectIncidentId": null,
        "tenantId": tenant,
        "displayName": format!("{title} on one endpoint"),
        "description": alert["description"],
        "createdDateTime": alert["alertCreationTime"],
        "lastUpdateDateTime": alert["lastUpdateTime"],
        "assignedTo": alert["assignedTo"],
        "classification": shared.classification,
        "determination": shared.determination,
        "status": if closed { "resolved" } else { "active" },
        "severity": shared.severity,
        "customTags": [],
        "systemTags": [],
        "comments": [],
    })
}

fn xdr_incident(world: &World, alert: &Value) -> Value {
    let machine = world.machine(alert["machineId"].as_str().unwrap_or_default());
    let devices: Vec<Value> = machine.into_iter().map(xdr_device).collect();
    let closed = alert["status"] == "Resolved";
    json!({
        "incidentId": alert["incidentId"],
        "redirectIncidentId": null,
        "incidentName": format!("{} on one endpoint", alert["title"].as_str().unwrap_or_default()),
        "createdTime": alert["alertCreationTime"],
        "lastUpdateTime": alert["lastUpdateTime"],
        "assignedTo": alert["assignedTo"],
        "classification": if alert["classification"].is_null() {
            json!("Unknown")
        } else {
            alert["classification"].clone()
        },
        "determination": if alert["determination"].is_null() {
            json!("NotAvailable")
        } else {
            alert["determination"].clone()
        },
        "status": if closed { "Resolved" } else { "Active" },
        "severity": alert["severity"],
        "tags": [],
        "comments": [],
        "alerts": [{
            "alertId": alert["id"],
            "incidentId": alert["incidentId"],
            "serviceSource": "MicrosoftDefenderATP",
            "creationTime": alert["alertCreationTime"],
            "lastUpdatedTime": alert["lastUpdateTime"],
            "resolvedTime": alert["resolvedTime"],
            "firstActivity": alert["firstEventTime"],
            "lastActivity": alert["lastEventTime"],
            "title": alert["title"],
            "description": alert["description"],
            "category": alert["category"],
            "status": alert["status"],
            "severity": alert["severity"],
            "investigationId": null,
            "investigationState": alert["investigationState"],
            "classification": alert["classification"],
            "determination": alert["determination"],
            "detectionSource": alert["detectionSource"],
            "assignedTo": alert["assignedTo"],
            "actorName": null,
            "threatFamilyName": alert["threatFamilyName"],
            "mitreTechniques": alert["mitreTechniques"],
            "devices": devices,
            "entities": alert["evidence"],
        }],
    })
}

fn xdr_device(machine: &Machine) -> Value {
    let document = &machine.document;
    json!({
        "mdatpDeviceId": machine.id,
        "aadDeviceId": document["aadDeviceId"],
        "deviceDnsName": machine.name,
        "osPlatform": document["osPlatform"],
        "version": document["version"],
        "osProcessor": document["osProcessor"],
        "osBuild": document["osBuild"],
        "healthStatus": document["healthStatus"],
        "riskScore": document["riskScore"],
        "rbacGroupName": document["rbacGroupName"],
        "rbacGroupId": document["rbacGroupId"],
        "firstSeen": document["firstSeen"],
    })
}

/// The device, the account, the file and the address of an alert.
fn evidence(world: &World, alert: &Value) -> Vec<Value> {
    let Some(machine) = world.machine(alert["machineId"].as_str().unwrap_or_default()) else {
        return Vec::new();
    };
    let at = &alert["alertCreationTime"];
    vec![
        entry(
            at,
            "deviceEvidence",
            "unknown",
            ("attacked", device(machine)),
        ),
        entry(
            at,
            "userEvidence",
            "unknown",
            ("compromised", account(machine)),
        ),
        entry(
            at,
            "fileEvidence",
            "malicious",
            ("loaded", file(world, machine)),
        ),
        entry(
            at,
            "ipEvidence",
            "suspicious",
            (
                "commandAndControl",
                json!({ "ipAddress": world.scenario.far_ip, "countryLetterCode": "NL" }),
            ),
        ),
    ]
}

/// An entry with its part in the attack, and what is special about its kind.
fn entry(at: &Value, kind: &str, verdict: &str, (role, special): (&str, Value)) -> Value {
    let mut entry = json!({
        "@odata.type": format!("#microsoft.graph.security.{kind}"),
        "createdDateTime": at,
        "verdict": verdict,
        "remediationStatus": "none",
        "remediationStatusDetails": null,
        "roles": [role],
        "detailedRoles": [],
        "tags": [],
    });
    merge(&mut entry, special);
    entry
}

fn device(machine: &Machine) -> Value {
    let (user, document) = (&machine.user, &machine.document);
    json!({
        "mdeDeviceId": machine.id,
        "azureAdDeviceId": document["aadDeviceId"],
        "deviceDnsName": machine.name,
        "osPlatform": document["osPlatform"],
        "osBuild": document["osBuild"],
        "version": document["version"],
        "healthStatus": "active",
        "riskScore": "high",
        "rbacGroupId": document["rbacGroupId"],
        "rbacGroupName": document["rbacGroupName"],
        "onboardingStatus": "onboarded",
        "defenderAvStatus": "updated",
        "firstSeenDateTime": document["firstSeen"],
        "ipInterfaces": [document["lastIpAddress"]],
        "loggedOnUsers": [{ "accountName": user.account, "domainName": user.domain }],
    })
}

fn account(machine: &Machine) -> Value {
    let user = &machine.user;
    json!({
        "userAccount": {
            "accountName": user.account,
            "domainName": user.domain,
            "userSid": user.sid,
            "azureAdUserId": user.object_id,
            "userPrincipalName": user.principal,
            "displayName": display_name(machine),
        },
    })
}

fn file(world: &World, machine: &Machine) -> Value {
    let scenario = &world.scenario;
    json!({
        "detectionStatus": "detected",
        "mdeDeviceId": machine.id,
        "fileDetails": {
            "sha1": scenario.sha1,
            "sha256": scenario.sha256,
            "fileName": scenario.file,
            "filePath": scenario.folder,
            "fileSize": 241_664,
            "filePublisher": null,
            "signer": null,
            "issuer": null,
        },
    })
}

/// Puts the fields of one object into another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
