//! Risks that Identity Protection sees.

use serde_json::json;

use super::{collection, get, list, no_content, now};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::Collection;
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const FILTER: &[&str] = &["riskLevel", "riskState", "userPrincipalName"];
const USERS: Collection = Collection {
    top_max: 500,
    ..collection("identityProtection/riskyUsers", FILTER)
};
const HISTORY: Collection = Collection {
    top_max: 500,
    ..collection("identityProtection/riskyUsers/history", FILTER)
};
const DETECTIONS: Collection = Collection {
    top_max: 500,
    ..collection("identityProtection/riskDetections", FILTER)
};
const PRINCIPALS: Collection = Collection {
    top_max: 500,
    ..collection("identityProtection/riskyServicePrincipals", FILTER)
};

/// A change of risk: level, state, and why.
struct Risk {
    level: &'static str,
    state: &'static str,
    detail: &'static str,
}

const COMPROMISED: Risk = Risk {
    level: "high",
    state: "confirmedCompromised",
    detail: "adminConfirmedUserCompromised",
};
const SAFE: Risk = Risk {
    level: "none",
    state: "confirmedSafe",
    detail: "adminConfirmedUserSafe",
};
const DISMISSED: Risk = Risk {
    level: "none",
    state: "dismissed",
    detail: "adminDismissedAllRiskForUser",
};

pub(super) fn list_users(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::RiskyUsers, &USERS, super::any)
}

pub(super) fn get_user(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::RiskyUsers, &USERS, "Risky user")
}

pub(super) fn history(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let user = cx.value(0).to_owned();
    list(cx, Set::RiskHistory, &HISTORY, |change| {
        change["userId"] == user
    })
}

/// Sets the risk of users; a user without one so far gets one.
fn users(cx: &mut Cx<'_>, risk: &Risk) -> Result<Reply, Refusal> {
    let ids = ids(cx, "userIds", Set::Users)?;
    let (now, by) = (now(cx), cx.caller.appid.clone());
    for id in ids {
        let graph = &mut cx.world.graph;
        let Some(user) = graph.shelf(Set::Users).get(&id).cloned() else {
            continue;
        };
        let risky = json!({
            "id": id,
            "isDeleted": false,
            "isProcessing": false,
            "riskLevel": risk.level,
            "riskState": risk.state,
            "riskDetail": risk.detail,
            "riskLastUpdatedDateTime": now,
            "userDisplayName": user["displayName"],
            "userPrincipalName": user["userPrincipalName"],
        });
        let mut change = risky.clone();
        change["id"] = json!(format!("{id}-{}", graph.next() + 1));
        change["userId"] = json!(id);
        change["initiatedBy"] = json!(by);
        change["activity"] = json!({ "detail": risk.detail, "riskEventTypes": [] });
        graph.shelf(Set::RiskyUsers).put(risky);
        graph.shelf(Set::RiskHistory).put(change);
    }
    Ok(no_content())
}

/// The ids of a body, all of which exist.
fn ids(cx: &mut Cx<'_>, name: &'static str, set: Set) -> Result<Vec<String>, Refusal> {
    let body = Body::read(cx.body, &[Field::required(name)])?;
    let ids = body.texts(name)?.unwrap_or_default();
    if ids.is_empty() {
        return Err(Refusal::missing(name));
    }
    match ids
        .iter()
        .find(|id| cx.world.graph.shelf(set).get(id).is_none())
    {
        Some(id) => Err(Refusal::not_found("Object", id)),
        None => Ok(ids),
    }
}

pub(super) fn confirm_users(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    users(cx, &COMPROMISED)
}

pub(super) fn confirm_users_safe(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    users(cx, &SAFE)
}

pub(super) fn dismiss_users(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    users(cx, &DISMISSED)
}

pub(super) fn list_detections(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::RiskDetections, &DETECTIONS, super::any)
}

pub(super) fn get_detection(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::RiskDetections, &DETECTIONS, "Risk detection")
}

pub(super) fn list_principals(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::RiskyPrincipals, &PRINCIPALS, super::any)
}

fn principals(cx: &mut Cx<'_>, risk: &Risk) -> Result<Reply, Refusal> {
    let now = now(cx);
    for id in ids(cx, "servicePrincipalIds", Set::RiskyPrincipals)? {
        if let Some(principal) = cx.world.graph.shelf(Set::RiskyPrincipals).get_mut(&id) {
            principal["riskLevel"] = json!(risk.level);
            principal["riskState"] = json!(risk.state);
            principal["riskDetail"] = json!("adminConfirmedServicePrincipalCompromised");
            principal["riskLastUpdatedDateTime"] = json!(now);
        }
    }
    Ok(no_content())
}

pub(super) fn confirm_principals(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    principals(cx, &COMPROMISED)
}

pub(super) fn dismiss_principals(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    principals(cx, &DISMISSED)
}
