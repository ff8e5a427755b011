//! Secure score, actions of other products, and custom detections.

use serde_json::{Value, json};

use super::{BETA, change, collection, get, list, named_mut, no_content, now};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Collection, entity};
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const SCORES: Collection = collection("security/secureScores", &[]);
const CONTROLS: Collection = collection("security/secureScoreControlProfiles", &[]);
const ACTIONS: Collection = Collection {
    root: BETA,
    ..collection("security/securityActions", &[])
};
const RULES: Collection = Collection {
    root: BETA,
    ..collection("security/rules/detectionRules", &[])
};

const PERIODS: [&str; 5] = ["0", "1H", "3H", "12H", "24H"];

pub(super) fn list_scores(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Scores, &SCORES, super::any)
}

pub(super) fn get_score(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Scores, &SCORES, "Score")
}

pub(super) fn list_controls(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Controls, &CONTROLS, super::any)
}

pub(super) fn get_control(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Controls, &CONTROLS, "Control")
}

/// Takes both forms: the list of the table, and the fields of the example.
pub(super) fn update_control(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let names = [
        "controlStateUpdates",
        "assignedTo",
        "comment",
        "state",
        "vendorInformation",
    ];
    let body = Body::read(cx.body, &names.map(Field::optional))?;
    let mut updates = match body.get("controlStateUpdates") {
        None => Vec::new(),
        Some(Value::Array(updates)) => updates.clone(),
        Some(_) => return Err(Refusal::body("controlStateUpdates is no list")),
    };
    if body.get("state").is_some() || body.get("comment").is_some() {
        updates.push(json!({
            "state": body.get("state"),
            "assignedTo": body.get("assignedTo"),
            "comment": body.get("comment"),
        }));
    }
    let (now, by) = (now(cx), cx.caller.appid.clone());
    let control = named_mut(cx, Set::Controls, "Control", 0)?;
    for mut update in updates {
        update["updatedBy"] = json!(by);
        update["updatedDateTime"] = json!(now);
        if let Some(list) = control["controlStateUpdates"].as_array_mut() {
            list.push(update);
        }
    }
    control["lastModifiedDateTime"] = json!(now);
    Ok(no_content())
}

pub(super) fn list_actions(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Actions, &ACTIONS, super::any)
}

pub(super) fn get_action(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Actions, &ACTIONS, "Action")
}

pub(super) fn create_action(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let names = ["name", "actionReason", "parameters", "vendorInformation"];
    let body = Body::read(cx.body, &names.map(Field::required))?;
    if !body.get("parameters").is_some_and(Value::is_array) {
        return Err(Refusal::body("parameters is no list"));
    }
    let number = cx.world.graph.next();
    let action = json!({
        "id": cx.world.seed.guid("security action", number),
        "status": "notStarted",
        "createdDateTime": now(cx),
        "lastActionDateTime": now(cx),
        "name": body.get("name"),
        "actionReason": body.get("actionReason"),
        "appId": cx.caller.appid,
        "azureTenantId": cx.world.tenant,
        "errorInfo": null,
        "vendorInformation": body.get("vendorInformation"),
        "parameters": body.get("parameters"),
    });
    cx.world.graph.shelf(Set::Actions).put(action.clone());
    Ok(Reply::new(201, entity(BETA, ACTIONS.name, action)))
}

pub(super) fn cancel_action(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let now = now(cx);
    let action = named_mut(cx, Set::Actions, "Action", 0)?;
    if action["status"] != "notStarted" {
        return Err(Refusal::new(400, "BadRequest", "The action has begun"));
    }
    action["status"] = json!("failed");
    action["lastActionDateTime"] = json!(now);
    Ok(Reply {
        body: None,
        ..Reply::new(200, Value::Null)
    })
}

pub(super) fn list_rules(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Rules, &RULES, super::any)
}

pub(super) fn get_rule(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get(cx, Set::Rules, &RULES, "Rule")
}

const RULE_FIELDS: [&str; 5] = [
    "displayName",
    "isEnabled",
    "queryCondition",
    "schedule",
    "detectionAction",
];

/// Checks what is inside the fields of a rule.
fn check_rule(body: &Body) -> Result<(), Refusal> {
    if let Some(condition) = body.get("queryCondition")
        && !condition["queryText"].is_string()
    {
        return Err(Refusal::missing("queryText"));
    }
    if let Some(schedule) = body.get("schedule")
        && !schedule["period"]
            .as_str()
            .is_some_and(|period| PERIODS.contains(&period))
    {
        let message = format!(
            "{} is no period: use {}",
            schedule["period"],
            PERIODS.join(", ")
        );
        return Err(Refusal::new(400, "BadRequest", message));
    }
    if let Some(action) = body.get("detectionAction")
        && !action["alertTemplate"].is_object()
    {
        return Err(Refusal::missing("alertTemplate"));
    }
    Ok(())
}

const ALL_FIELDS: [(&str, &[&str]); 5] = [
    ("displayName", &[]),
    ("isEnabled", &[]),
    ("queryCondition", &[]),
    ("schedule", &[]),
    ("detectionAction", &[]),
];

pub(super) fn create_rule(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &RULE_FIELDS.map(Field::required))?;
    check_rule(&body)?;
    let number = cx.world.graph.next();
    let by = cx.caller.appid.clone();
    let mut rule = json!({
        "id": (2000 + number).to_string(),
        "detectorId": cx.world.seed.guid("rule detector", number),
        "createdBy": by,
        "createdDateTime": now(cx),
        "lastModifiedBy": by,
        "lastModifiedDateTime": now(cx),
        "lastRunDetails": null,
    });
    change(&body, &mut rule, &ALL_FIELDS)?;
    cx.world.graph.shelf(Set::Rules).put(rule.clone());
    Ok(Reply::new(201, entity(BETA, RULES.name, rule)))
}

pub(super) fn update_rule(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &RULE_FIELDS.map(Field::optional))?;
    check_rule(&body)?;
    let now = now(cx);
    let rule = named_mut(cx, Set::Rules, "Rule", 0)?;
    change(&body, rule, &ALL_FIELDS)?;
    rule["lastModifiedDateTime"] = json!(now);
    get_rule(cx)
}

pub(super) fn delete_rule(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = cx.value(0).to_owned();
    match cx.world.graph.shelf(Set::Rules).remove(&id) {
        Some(_) => Ok(no_content()),
        None => Err(Refusal::not_found("Rule", &id)),
    }
}
