//! Incidents of Defender XDR.

use serde_json::{Value, json};

use super::{named, named_mut, now, shown};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Ask, Collection, entity};
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const ROOT: &str = "https://api.security.microsoft.com/api";

const INCIDENTS: Collection = Collection {
    name: "Incidents",
    filter: &["lastUpdateTime", "createdTime", "status", "assignedTo"],
    top_max: 100,
    expand: &[],
    root: ROOT,
};

/// Newest first; by `$top` and `$skip`, without links.
pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &INCIDENTS)?;
    let rows = cx.world.graph.shelf(Set::XdrIncidents).iter().rev();
    Ok(ask.answer(&INCIDENTS, rows.map(shown)))
}

pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let incident = named(cx, Set::XdrIncidents, "Incident", 0)?;
    Ok(Reply::ok(entity(ROOT, INCIDENTS.name, shown(&incident))))
}

/// Answers, as the page shows, with what can be changed and no more.
pub(super) fn update(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::optional("status").one_of(&["Active", "InProgress", "Resolved", "Redirected"]),
        Field::optional("assignedTo"),
        Field::optional("classification").one_of(&[
            "TruePositive",
            "InformationalExpectedActivity",
            "FalsePositive",
        ]),
        Field::optional("determination").one_of(&[
            "MultiStagedAttack",
            "MaliciousUserActivity",
            "CompromisedAccount",
            "Malware",
            "Phishing",
            "UnwantedSoftware",
            "SecurityTesting",
            "LineOfBusinessApplication",
            "ConfirmedActivity",
            "Clean",
            "NoEnoughDataToValidate",
            "Other",
        ]),
        Field::optional("tags"),
        Field::optional("comment"),
    ];
    let body = Body::read(cx.body, &fields)?;
    body.texts("tags")?;
    let (now, by) = (now(cx), cx.caller.appid.clone());
    let comment = body.text("comment")?;
    let incident = named_mut(cx, Set::XdrIncidents, "Incident", 0)?;
    for name in [
        "status",
        "assignedTo",
        "classification",
        "determination",
        "tags",
    ] {
        if let Some(value) = body.get(name) {
            incident[name] = value.clone();
        }
    }
    if let (Some(comments), false) = (incident["comments"].as_array_mut(), comment.is_empty()) {
        let comment = json!({ "comment": comment, "createdBy": by, "createdTime": now });
        comments.push(comment);
    }
    incident["lastUpdateTime"] = json!(now);
    let shown = [
        "status",
        "assignedTo",
        "classification",
        "determination",
        "tags",
        "comments",
    ];
    let shown = shown.map(|name| (name.to_owned(), incident[name].clone()));
    Ok(Reply::ok(Value::Object(shown.into_iter().collect())))
}
