//! Alerts changed many at a time, and alerts made.

use serde_json::{Value, json};

use super::Cx;
use super::alerts::{CLASSIFICATIONS, DETERMINATIONS, STATUSES, change};
use super::body::{Body, Field};
use crate::odata::{MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;

const CATEGORIES: &[&str] = &[
    "General",
    "CommandAndControl",
    "Collection",
    "CredentialAccess",
    "DefenseEvasion",
    "Discovery",
    "Exfiltration",
    "Exploit",
    "Execution",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
];

/// All of them or none; the service answers nothing.
pub(super) fn batch(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("alertIds"),
        Field::optional("status").one_of(STATUSES),
        Field::optional("assignedTo"),
        Field::optional("classification").one_of(CLASSIFICATIONS),
        Field::optional("determination").one_of(DETERMINATIONS),
        Field::optional("comment"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let ids = body.texts("alertIds")?.unwrap_or_default();
    if let Some(unknown) = ids.iter().find(|id| cx.world.alert(id).is_none()) {
        return Err(Refusal::not_found("Alert", unknown));
    }
    for id in &ids {
        change(cx, id, &body)?;
    }
    Ok(Reply::empty(200))
}

/// An open alert with the same device and title takes the event in.
pub(super) fn create(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("eventTime"),
        Field::required("reportId"),
        Field::required("machineId"),
        Field::required("severity").one_of(&["Low", "Medium", "High"]),
        Field::required("title"),
        Field::required("description"),
        Field::required("recommendedAction"),
        Field::required("category").one_of(CATEGORIES),
    ];
    let body = Body::read(cx.body, &fields)?;
    let event = body.text("eventTime")?;
    if wire::parse_time(event).is_none() {
        return Err(Refusal::body("Request body is incorrect: eventTime"));
    }
    let id = body.text("machineId")?;
    let machine = cx.world.machine(id);
    let machine = machine.ok_or_else(|| Refusal::not_found("Event of machine", id))?;
    let (machine_id, machine_name) = (machine.id.clone(), machine.name.clone());
    let now = wire::vendor_time(cx.now_ms);
    let same = |alert: &&Value| {
        alert["machineId"] == machine_id.as_str()
            && alert["title"] == body.text("title").unwrap_or_default()
            && alert["status"] != "Resolved"
    };
    let known = cx.world.alerts.iter().find(same).cloned();
    let alert = match known {
        Some(mut alert) => {
            alert["lastEventTime"] = json!(event);
            alert["lastUpdateTime"] = json!(now);
            alert
        }
        None => made(cx, &body, &machine_id, &machine_name)?,
    };
    cx.world.put_alert(alert.clone());
    Ok(Reply::ok(entity(MDE, "Alerts", alert)))
}

/// A new alert of what a body says.
fn made(cx: &mut Cx<'_>, body: &Body, machine_id: &str, name: &str) -> Result<Value, Refusal> {
    let number = cx.world.next_number();
    let now = wire::vendor_time(cx.now_ms);
    let event = body.text("eventTime")?;
    Ok(json!({
        "id": format!("me{number}_1"),
        "incidentId": number,
        "investigationId": null,
        "assignedTo": null,
        "severity": body.text("severity")?,
        "status": "New",
        "classification": null,
        "determination": null,
        "investigationState": "Queued",
        "detectionSource": "CustomerTI",
        "detectorId": null,
        "category": body.text("category")?,
        "threatFamilyName": null,
        "title": body.text("title")?,
        "description": body.text("description")?,
        "alertCreationTime": now,
        "firstEventTime": event,
        "lastEventTime": event,
        "lastUpdateTime": now,
        "resolvedTime": null,
        "machineId": machine_id,
        "computerDnsName": name,
        "aadTenantId": cx.world.tenant,
        "threatName": null,
        "mitreTechniques": [],
        "relatedUser": null,
        "comments": [],
        "evidence": [],
    }))
}
