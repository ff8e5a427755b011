//! Users, groups, devices and applications of the directory.

use serde_json::{Value, json};

use super::{collection, get as get_one, list, named, named_mut, no_content, now, shown};
use crate::behaviour::Cx;
use crate::behaviour::body::{Body, Field};
use crate::odata::{Collection, GRAPH, entity};
use crate::reply::{Refusal, Reply};
use crate::world::graph::Set;

const SIGN_INS: Collection = collection(
    "auditLogs/signIns",
    &[
        "userId",
        "userPrincipalName",
        "createdDateTime",
        "ipAddress",
        "appId",
        "status/errorCode",
    ],
);
const OBJECTS: Collection = collection("directoryObjects", &[]);
const IDENTITIES: Collection = collection("security/identities/identityAccounts", &[]);

/// The id of the user that the placeholder at `at` names by id or by user principal name.
pub(super) fn user_id(cx: &mut Cx<'_>, at: usize) -> Result<String, Refusal> {
    let named = cx.value(at).to_owned();
    let users = cx.world.graph.shelf(Set::Users);
    if users.get(&named).is_some() {
        return Ok(named);
    }
    let mut found = users.iter().filter(|user| {
        let is = |field: &str| {
            user[field]
                .as_str()
                .is_some_and(|got| got.eq_ignore_ascii_case(&named))
        };
        is("id") || is("userPrincipalName")
    });
    let id = found.next().and_then(|user| user["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| {
        let message = format!("Resource '{named}' does not exist");
        Refusal::new(404, "Request_ResourceNotFound", message)
    })
}

fn user<'a>(cx: &'a mut Cx<'_>) -> Result<&'a mut Value, Refusal> {
    let id = user_id(cx, 0)?;
    let found = cx.world.graph.shelf(Set::Users).get_mut(&id);
    found.ok_or_else(|| Refusal::not_found("User", &id))
}

/// Shows a few fields, or those that `$select` names: some are kept back until then.
pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = user_id(cx, 0)?;
    let named = |option: Option<&str>| -> Vec<String> {
        let names = option.unwrap_or_default().split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (selected, expanded) = (named(cx.option("$select")), named(cx.option("$expand")));
    let document = user(cx)?.clone();
    let mut answer = match selected.is_empty() {
        true => shown(&document),
        false => selected
            .iter()
            .map(|name| {
                let hidden = format!("_{name}");
                let value = document.get(name).or_else(|| document.get(&hidden));
                (name.clone(), value.cloned().unwrap_or(Value::Null))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    };
    answer["id"] = json!(id);
    for name in expanded {
        match name.as_str() {
            "manager" => answer["manager"] = manager_of(cx, &id).unwrap_or(Value::Null),
            "memberOf" => answer["memberOf"] = groups_of(cx, &id).into(),
            other => {
                let message = format!("Could not find a property named '{other}'");
                return Err(Refusal::new(400, "BadRequest", message));
            }
        }
    }
    Ok(Reply::ok(entity(GRAPH, "users", answer)))
}

/// Everybody reports to the first user, who reports to nobody.
fn manager_of(cx: &mut Cx<'_>, id: &str) -> Option<Value> {
    let first = cx.world.graph.shelf(Set::Users).iter().next()?;
    if first["id"] == *id {
        return None;
    }
    let mut manager = json!({ "@odata.type": "#microsoft.graph.user" });
    for name in ["id", "displayName", "jobTitle", "mail", "userPrincipalName"] {
        manager[name] = first[name].clone();
    }
    Some(manager)
}

fn groups_of(cx: &mut Cx<'_>, id: &str) -> Vec<Value> {
    let groups = cx.world.graph.shelf(Set::Groups).iter();
    groups
        .filter(|group| has_member(group, id))
        .map(shown)
        .collect()
}

fn has_member(group: &Value, id: &str) -> bool {
    let members = group["_members"].as_array();
    members.is_some_and(|members| members.iter().any(|member| member == id))
}

pub(super) fn manager(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = user_id(cx, 0)?;
    let manager = manager_of(cx, &id).ok_or_else(|| Refusal::not_found("Manager of", &id))?;
    Ok(Reply::ok(entity(GRAPH, "directoryObjects", manager)))
}

pub(super) fn member_of(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = user_id(cx, 0)?;
    list(cx, Set::Groups, &OBJECTS, |group| has_member(group, &id))
}

pub(super) fn update(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::optional("accountEnabled"),
        Field::optional("passwordProfile"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let enabled = flag(&body, "accountEnabled")?;
    let profile = body.get("passwordProfile");
    if let Some(profile) = profile {
        let known = ["password", "forceChangePasswordNextSignIn"];
        let fields = profile.as_object();
        let known = fields.is_some_and(|fields| fields.keys().all(|k| known.contains(&k.as_str())));
        if !known {
            return Err(Refusal::body("passwordProfile is incorrect"));
        }
    }
    let (now, reset) = (now(cx), profile.is_some());
    let user = user(cx)?;
    if let Some(enabled) = enabled {
        user["_accountEnabled"] = json!(enabled);
    }
    if reset {
        user["_lastPasswordChangeDateTime"] = json!(now);
    }
    Ok(no_content())
}

fn flag(body: &Body, name: &str) -> Result<Option<bool>, Refusal> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::body(format!("{name} is no boolean"))),
    }
}

pub(super) fn revoke(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let now = now(cx);
    user(cx)?["_signInSessionsValidFromDateTime"] = json!(now);
    Ok(Reply::ok(json!({
        "@odata.context": format!("{GRAPH}/$metadata#Edm.Boolean"),
        "value": true,
    })))
}

/// Begins, and gives a link to follow.
pub(super) fn reset_password(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    if !cx.body.is_empty() {
        Body::read(cx.body, &[Field::optional("newPassword")])?;
    }
    let id = user_id(cx, 0)?;
    let now = now(cx);
    user(cx)?["_lastPasswordChangeDateTime"] = json!(now);
    let path = format!("/v1.0/users/{id}/authentication/operations");
    Ok(begun(cx, &path))
}

/// Work that has ended the next time somebody looks.
pub(super) fn begun(cx: &mut Cx<'_>, path: &str) -> Reply {
    let number = cx.world.graph.next();
    let id = cx.world.seed.guid("operation", number);
    let location = format!("{}{path}/{id}", cx.base_url);
    let operation = json!({ "id": id, "status": "succeeded", "statusDetail": null });
    cx.world.graph.shelf(Set::Operations).put(operation);
    let reply = Reply {
        body: None,
        ..Reply::new(202, Value::Null)
    };
    reply.with_header(http::header::LOCATION, location)
}

/// How far work is.
pub(super) fn operation(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let operation = named(cx, Set::Operations, "Operation", 1)?;
    Ok(Reply::ok(operation))
}

fn group<'a>(cx: &'a mut Cx<'_>) -> Result<&'a mut Vec<Value>, Refusal> {
    let group = named_mut(cx, Set::Groups, "Group", 0)?;
    let members = group["_members"].as_array_mut();
    members.ok_or_else(|| Refusal::new(500, "InternalServerError", "A group without members"))
}

pub(super) fn add_member(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("@odata.id")])?;
    let url = body.text("@odata.id")?.to_owned();
    let id = url.rsplit('/').next().unwrap_or_default().to_owned();
    if !url.contains("/directoryObjects/") || cx.world.graph.shelf(Set::Users).get(&id).is_none() {
        return Err(Refusal::not_found("Object", &id));
    }
    let members = group(cx)?;
    if members.iter().any(|member| *member == id) {
        let message = "One or more added object references already exist";
        return Err(Refusal::new(400, "Request_BadRequest", message));
    }
    members.push(json!(id));
    Ok(no_content())
}

pub(super) fn remove_member(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = cx.value(1).to_owned();
    let members = group(cx)?;
    let before = members.len();
    members.retain(|member| *member != id);
    match members.len() == before {
        true => Err(Refusal::not_found("Member", &id)),
        false => Ok(no_content()),
    }
}

fn enable(cx: &mut Cx<'_>, set: Set, kind: &str) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::optional("accountEnabled")])?;
    let enabled = flag(&body, "accountEnabled")?;
    let document = named_mut(cx, set, kind, 0)?;
    if let Some(enabled) = enabled {
        document["accountEnabled"] = json!(enabled);
    }
    Ok(no_content())
}

pub(super) fn update_device(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    enable(cx, Set::Devices, "Device")
}

pub(super) fn update_principal(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    enable(cx, Set::ServicePrincipals, "Service principal")
}

pub(super) fn delete_grant(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = cx.value(0).to_owned();
    match cx.world.graph.shelf(Set::Grants).remove(&id) {
        Some(_) => Ok(no_content()),
        None => Err(Refusal::not_found("Grant", &id)),
    }
}

pub(super) fn list_sign_ins(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::SignIns, &SIGN_INS, super::any)
}

pub(super) fn list_identities(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    list(cx, Set::Identities, &IDENTITIES, super::any)
}

pub(super) fn get_identity(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    get_one(cx, Set::Identities, &IDENTITIES, "Identity")
}

/// What can be done where: an account of one directory cannot do what is done in another.
pub(super) fn act_on_account(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [
        Field::required("accountId"),
        Field::required("action").one_of(&[
            "disable",
            "enable",
            "forcePasswordReset",
            "revokeAllSessions",
            "requireUserToSignInAgain",
            "markUserAsCompromised",
        ]),
        Field::required("identityProvider").one_of(&["entraID", "activeDirectory", "okta"]),
    ];
    let body = Body::read(cx.body, &fields)?;
    let (account, action) = (body.text("accountId")?, body.text("action")?);
    let provider = body.text("identityProvider")?;
    let number = cx.world.graph.next();
    let correlation = cx.world.seed.guid("account action", number);
    let identity = named_mut(cx, Set::Identities, "Identity", 0)?;
    let accounts = identity["accounts"].as_array();
    let mut accounts = accounts.into_iter().flatten();
    let found = accounts.find(|one| one["identifier"] == account && one["provider"] == provider);
    let found = found.ok_or_else(|| Refusal::not_found("Account", account))?;
    let allowed = found["actions"].as_array();
    if !allowed.is_some_and(|allowed| allowed.iter().any(|one| one == action)) {
        let message = format!("{action} is not supported by {provider}");
        return Err(Refusal::new(400, "BadRequest", message));
    }
    match action {
        "disable" => identity["isEnabled"] = json!(false),
        "enable" => identity["isEnabled"] = json!(true),
        _ => {}
    }
    Ok(Reply::ok(json!({
        "value": {
            "accountId": account,
            "action": action,
            "provider": provider,
            "correlationId": correlation,
        },
    })))
}
