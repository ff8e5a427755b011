//! Alerts and incidents of Microsoft Graph.

use serde_json::{Value, json};

use super::{change, get, list, named, named_mut, now, shown};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Ask, Collection, GRAPH, entity};
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const ALERTS: Collection = Collection {
    name: "security/alerts_v2",
    filter: &[
        "assignedTo",
        "classification",
        "determination",
        "createdDateTime",
        "lastUpdateDateTime",
        "severity",
        "serviceSource",
        "status",
    ],
    top_max: 2000,
    expand: &[],
    root: GRAPH,
};

const INCIDENTS: Collection = Collection {
    name: "security/incidents",
    filter: &[
        "assignedTo",
        "classification",
        "createdDateTime",
        "determination",
        "lastUpdateDateTime",
        "severity",
        "status",
    ],
    top_max: 50,
    expand: &["alerts"],
    root: GRAPH,
};

const ALERT_STATES: &[&str] = &["new", "inProgress", "resolved"];
const INCIDENT_STATES: &[&str] = &[
    "active",
    "resolved",
    "inProgress",
    "redirected",
    "awaitingAction",
];
const CLASSIFICATIONS: &[&str] = &[
    "unknown",
    "falsePositive",
    "truePositive",
    "informationalExpectedActivity",
];
const DETERMINATIONS: &[&str] = &[
    "unknown",
    "apt",
    "malware",
    "securityPersonnel",
    "securityTesting",
    "unwantedSoftware",
    "other",
    "multiStagedAttack",
    "compromisedAccount",
    "phishing",
    "maliciousUserActivity",
    "notMalicious",
    "notEnoughDataToValidate",
    "confirmedActivity",
    "lineOfBusinessApplication",
];

/// Why alerts or incidents belong together.
const REASONS: &[&str] = &[
    "repeatedAlertOccurrence",
    "sameGeography",
    "similarArtifacts",
    "sameTargetedAsset",
    "sameNetworkSegment",
    "eventSequence",
    "timeFrame",
    "sameThreatSource",
    "similarTTPsOrBehavior",
    "sameActor",
    "sameCampaign",
    "sharedIndicators",
    "sameAsset",
    "networkProximity",
    "eventCasualSequence",
    "temporalProximity",
    "lateralMovementPath",
];

pub(super) fn list_alerts(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Alerts, &ALERTS, super::any)
}

pub(super) fn get_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Alerts, &ALERTS, "Alert")
}

pub(super) fn update_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let names = ["status", "classification", "determination", "assignedTo"];
    let body = Body::read(cx.body, &names.map(Field::optional))?;
    let now = now(cx);
    let alert = named_mut(cx, Set::Alerts, "Alert", 0)?;
    let mut changed = alert.clone();
    change(
        &body,
        &mut changed,
        &[
            ("status", ALERT_STATES),
            ("classification", CLASSIFICATIONS),
            ("determination", DETERMINATIONS),
            ("assignedTo", &[]),
        ],
    )?;
    changed["lastUpdateDateTime"] = json!(now);
    if body.get("status").is_some() {
        let resolved = changed["status"] == "resolved";
        changed["resolvedDateTime"] = if resolved { json!(now) } else { Value::Null };
    }
    *alert = changed;
    get_alert(cx)
}

/// Leaves a comment and answers with all of them.
fn comment(cx: &mut Cx<'_>, set: Set, kind: &str, of: &str) -> Result<Reply, Refusal> {
    let fields = [Field::required("@odata.type"), Field::required("comment")];
    let body = Body::read(cx.body, &fields)?;
    let kinds = [
        "microsoft.graph.security.alertComment",
        "#microsoft.graph.security.alertComment",
    ];
    if !kinds.contains(&body.text("@odata.type")?) {
        return Err(Refusal::body("The type of the comment is not known"));
    }
    let (by, now) = (cx.caller.appid.clone(), now(cx));
    let id = cx.value(0).to_owned();
    let document = named_mut(cx, set, kind, 0)?;
    let comment = json!({
        "comment": body.text("comment")?,
        "createdByDisplayName": by,
        "createdDateTime": now,
    });
    if let Some(comments) = document["comments"].as_array_mut() {
        comments.push(comment);
    }
    document["lastUpdateDateTime"] = json!(now);
    Ok(Reply::ok(json!({
        "@odata.context": format!("{GRAPH}/$metadata#security/{of}('{id}')/comments"),
        "value": document["comments"],
    })))
}

pub(super) fn comment_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    comment(cx, Set::Alerts, "Alert", "alerts_v2")
}

pub(super) fn comment_incident(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    comment(cx, Set::Incidents, "Incident", "incidents")
}

/// An incident with its alerts where they are asked for.
fn incident(cx: &mut Cx<'_>, document: &Value, with_alerts: bool) -> Value {
    let mut shown = shown(document);
    if with_alerts {
        let alerts = cx.world.graph.shelf(Set::Alerts);
        let own = alerts
            .iter()
            .filter(|alert| alert["incidentId"] == document["id"]);
        shown["alerts"] = own.map(super::shown).collect();
    }
    shown
}

pub(super) fn list_incidents(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &INCIDENTS)?;
    let fitting = cx.world.graph.shelf(Set::Incidents).iter().rev();
    let fitting: Vec<Value> = fitting.filter(|row| ask.fits(row)).cloned().collect();
    let with_alerts = ask.expands("alerts");
    let rows: Vec<Value> = fitting
        .iter()
        .map(|row| incident(cx, row, with_alerts))
        .collect();
    let path = format!("{}{}", cx.base_url, cx.path);
    Ok(ask.linked(&INCIDENTS, rows.iter(), Value::clone, (&path, cx.query)))
}

pub(super) fn get_incident(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &INCIDENTS)?;
    let document = named(cx, Set::Incidents, "Incident", 0)?;
    let shown = incident(cx, &document, ask.expands("alerts"));
    Ok(Reply::ok(entity(GRAPH, INCIDENTS.name, shown)))
}

pub(super) fn update_incident(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let names = [
        "status",
        "classification",
        "determination",
        "assignedTo",
        "customTags",
    ];
    let body = Body::read(cx.body, &names.map(Field::optional))?;
    body.texts("customTags")?;
    let now = now(cx);
    let incident = named_mut(cx, Set::Incidents, "Incident", 0)?;
    let mut changed = incident.clone();
    change(
        &body,
        &mut changed,
        &[
            ("status", INCIDENT_STATES),
            ("classification", CLASSIFICATIONS),
            ("determination", DETERMINATIONS),
            ("assignedTo", &[]),
            ("customTags", &[]),
        ],
    )?;
    changed["lastUpdateDateTime"] = json!(now);
    *incident = changed;
    get_incident(cx)
}

/// Reasons separated by commas, each a documented one.
fn reasons(body: &Body, name: &str) -> Result<(), Refusal> {
    let text = body.text(name)?;
    let each = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    for reason in each {
        super::word(name, reason, REASONS)?;
    }
    Ok(())
}

/// A list of ids that all exist.
fn ids(cx: &mut Cx<'_>, body: &Body, name: &str, set: Set) -> Result<Vec<String>, Refusal> {
    let ids = body.texts(name)?.unwrap_or_default();
    if ids.is_empty() {
        return Err(Refusal::missing(name));
    }
    for id in &ids {
        if cx.world.graph.shelf(set).get(id).is_none() {
            return Err(Refusal::not_found("Object", id));
        }
    }
    Ok(ids)
}

pub(super) fn move_alerts(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("alertIds"),
        Field::optional("incidentId"),
        Field::optional("alertComment"),
        Field::optional("newCorrelationReasons"),
    ];
    let body = Body::read(cx.body, &fields)?;
    reasons(&body, "newCorrelationReasons")?;
    let ids = ids(cx, &body, "alertIds", Set::Alerts)?;
    let now = now(cx);
    let target = match body.text("incidentId")? {
        "" => new_incident(cx, &now),
        id if cx.world.graph.shelf(Set::Incidents).get(id).is_some() => id.to_owned(),
        id => return Err(Refusal::not_found("Incident", id)),
    };
    for id in ids {
        if let Some(alert) = cx.world.graph.shelf(Set::Alerts).get_mut(&id) {
            alert["incidentId"] = json!(target);
            alert["lastUpdateDateTime"] = json!(now);
        }
    }
    Ok(Reply::ok(json!({ "targetIncidentId": target })))
}

/// An incident for alerts that were moved out of theirs.
fn new_incident(cx: &mut Cx<'_>, now: &str) -> String {
    let id = (50_000 + cx.world.graph.next()).to_string();
    let tenant = cx.world.tenant.clone();
    cx.world.graph.shelf(Set::Incidents).put(json!({
        "id": id,
        "incidentWebUrl": format!("https://security.microsoft.com/incidents/{id}?tid={tenant}"),
        "redirectIncidentId": null,
        "tenantId": tenant,
        "displayName": "Alerts that were moved",
        "description": null,
        "createdDateTime": now,
        "lastUpdateDateTime": now,
        "assignedTo": null,
        "classification": "unknown",
        "determination": "unknown",
        "status": "active",
        "severity": "medium",
        "customTags": [],
        "systemTags": [],
        "comments": [],
    }));
    id
}

/// The oldest incident takes the others in; those redirect to it, in Defender XDR too.
pub(super) fn merge(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("incidentIds"),
        Field::optional("incidentComment"),
        Field::optional("mergeReasons"),
    ];
    let body = Body::read(cx.body, &fields)?;
    reasons(&body, "mergeReasons")?;
    let ids = ids(cx, &body, "incidentIds", Set::Incidents)?;
    let (now, by) = (now(cx), cx.caller.appid.clone());
    let (target, others) = ids
        .split_first()
        .ok_or_else(|| Refusal::missing("incidentIds"))?;
    for id in others.iter().filter(|id| *id != target) {
        let graph = &mut cx.world.graph;
        if let Some(incident) = graph.shelf(Set::Incidents).get_mut(id) {
            incident["status"] = json!("redirected");
            incident["redirectIncidentId"] = json!(target);
            incident["lastUpdateDateTime"] = json!(now);
        }
        if let Some(incident) = graph.shelf(Set::XdrIncidents).get_mut(id) {
            incident["status"] = json!("Redirected");
            incident["redirectIncidentId"] = json!(target.parse::<i64>().ok());
            incident["lastUpdateTime"] = json!(now);
        }
        let alerts: Vec<String> = graph
            .shelf(Set::Alerts)
            .iter()
            .filter(|alert| alert["incidentId"] == **id)
            .filter_map(|alert| alert["id"].as_str().map(str::to_owned))
            .collect();
        for alert in alerts {
            if let Some(alert) = graph.shelf(Set::Alerts).get_mut(&alert) {
                alert["incidentId"] = json!(target);
            }
        }
    }
    if let Some(incident) = cx.world.graph.shelf(Set::Incidents).get_mut(target) {
        incident["lastUpdateDateTime"] = json!(now);
        let text = body.text("incidentComment")?;
        if let (Some(comments), false) = (incident["comments"].as_array_mut(), text.is_empty()) {
            comments.push(json!({
                "comment": text,
                "createdByDisplayName": by,
                "createdDateTime": now,
            }));
        }
    }
    Ok(Reply::ok(json!({ "targetIncidentId": target })))
}
