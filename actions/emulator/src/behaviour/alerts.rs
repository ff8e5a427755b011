//! Alerts of Defender for Endpoint.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use super::machines;
use crate::odata::{Ask, Collection, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;

pub(super) const ALERTS: Collection = Collection {
    name: "Alerts",
    filter: &[
        "alertCreationTime",
        "assignedTo",
        "category",
        "detectionSource",
        "id",
        "incidentId",
        "investigationId",
        "lastEventTime",
        "lastUpdateTime",
        "severity",
        "status",
    ],
    top_max: 10_000,
    expand: &["evidence"],
    root: MDE,
};

pub(super) const STATUSES: &[&str] = &["New", "InProgress", "Resolved"];
pub(super) const CLASSIFICATIONS: &[&str] = &[
    "TruePositive",
    "InformationalExpectedActivity",
    "FalsePositive",
];
/// The spellings of the update page, and those of the resource page where they differ.
pub(super) const DETERMINATIONS: &[&str] = &[
    "MultiStagedAttack",
    "MaliciousUserActivity",
    "CompromisedUser",
    "Malware",
    "Phishing",
    "UnwantedSoftware",
    "SecurityTesting",
    "LineOfBusinessApplication",
    "ConfirmedActivity",
    "ConfirmedUserActivity",
    "NotMalicious",
    "Clean",
    "InsufficientData",
    "Other",
];

pub(super) fn named<'a>(cx: &'a Cx<'_>) -> Result<&'a Value, Refusal> {
    let id = cx.value(0);
    cx.world
        .alert(id)
        .ok_or_else(|| Refusal::not_found("Alert", id))
}

pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(entity(MDE, "Alerts", named(cx)?.clone())))
}

/// An alert as lists show it: without evidence unless it is asked for.
pub(super) fn listed(alert: &Value, evidence: bool) -> Value {
    match alert {
        Value::Object(fields) if !evidence => fields
            .iter()
            .map(|(name, value)| {
                let value = if name == "evidence" {
                    json!([])
                } else {
                    value.clone()
                };
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        alert => alert.clone(),
    }
}

/// Newest first.
pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &ALERTS)?;
    let evidence = ask.expands("evidence");
    if let Some(id) = ask.pinned("id") {
        let found = cx.world.alert(id).into_iter();
        return Ok(ask.answer(&ALERTS, found.map(|alert| listed(alert, evidence))));
    }
    // A poll passes over most alerts: those are checked before they are copied.
    let wanted = cx.world.alerts.iter().rev().filter(|alert| ask.fits(alert));
    Ok(ask.answer(&ALERTS, wanted.map(|alert| listed(alert, evidence))))
}

pub(super) fn of_machine(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &ALERTS)?;
    let machine = &cx.world.machines[machines::named(cx)?];
    let on_it = |alert: &&Value| alert["machineId"] == machine.id.as_str();
    let alerts = cx.world.alerts.iter().rev().filter(on_it);
    Ok(ask.answer(
        &ALERTS,
        alerts.map(|alert| listed(alert, ask.expands("evidence"))),
    ))
}

pub(super) fn machine(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = named(cx)?["machineId"].as_str().unwrap_or_default();
    let machine = cx
        .world
        .machine(id)
        .ok_or_else(|| Refusal::not_found("Machine", id))?;
    Ok(Reply::ok(entity(MDE, "Machines", machine.document.clone())))
}

pub(super) fn update(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::optional("status").one_of(STATUSES),
        Field::optional("assignedTo"),
        Field::optional("classification").one_of(CLASSIFICATIONS),
        Field::optional("determination").one_of(DETERMINATIONS),
        Field::optional("comment"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let id = cx.value(0).to_owned();
    change(cx, &id, &body)?;
    get(cx)
}

/// Changes an alert by what a body says.
pub(super) fn change(cx: &mut Cx<'_>, id: &str, body: &Body) -> Result<(), Refusal> {
    let comment = body.text("comment")?.to_owned();
    body.text("assignedTo")?;
    let (by, now) = (cx.caller.appid.clone(), cx.now_ms);
    let alert = cx
        .world
        .alert_mut(id)
        .ok_or_else(|| Refusal::not_found("Alert", id))?;
    for name in ["status", "assignedTo", "classification", "determination"] {
        if let Some(value) = body.get(name) {
            alert[name] = value.clone();
        }
    }
    if let Some(status) = body.get("status") {
        let resolved = status == "Resolved";
        alert["resolvedTime"] = if resolved {
            json!(wire::vendor_time(now))
        } else {
            Value::Null
        };
    }
    if !comment.is_empty() {
        let comment = json!({
            "comment": comment,
            "createdBy": by,
            "createdTime": wire::vendor_time(now),
        });
        match alert["comments"].as_array_mut() {
            Some(comments) => comments.push(comment),
            None => alert["comments"] = json!([comment]),
        }
    }
    alert["lastUpdateTime"] = json!(wire::vendor_time(now));
    Ok(())
}
