//! Machine actions: reading, finding, cancelling.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use crate::odata::{Ask, Collection, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::world::machine_action::Cancelled;
use crate::world::{Kind, MachineAction};

const ACTIONS: Collection = Collection {
    name: "MachineActions",
    filter: &[
        "creationDateTimeUtc",
        "id",
        "machineId",
        "requestor",
        "status",
        "type",
    ],
    top_max: 10_000,
    expand: &[],
    root: MDE,
};

/// The action that the path names, once it is visible.
pub(super) fn named<'a>(cx: &'a Cx<'_>) -> Result<&'a MachineAction, Refusal> {
    let id = cx.value(0);
    cx.world
        .action(id)
        .filter(|action| action.is_visible(cx.now_ms, cx.world.pace))
        .ok_or_else(|| Refusal::not_found("Machine action", id))
}

pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let document = named(cx)?.document(cx.now_ms, cx.world.pace);
    Ok(Reply::ok(entity(MDE, "MachineActions", document)))
}

/// Newest first. A filter that names one machine or one action reads no others.
pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &ACTIONS)?;
    let world = &*cx.world;
    let (now, pace) = (cx.now_ms, world.pace);
    let document = |action: &MachineAction| -> Option<Value> {
        action
            .is_visible(now, pace)
            .then(|| action.document(now, pace))
    };
    if let Some(id) = ask.pinned("id") {
        return Ok(ask.answer(&ACTIONS, world.action(id).into_iter().filter_map(document)));
    }
    if let Some(machine) = ask.pinned("machineId") {
        let indices = world
            .machine(machine)
            .map_or(&[][..], |machine| &machine.actions[..]);
        let actions = indices.iter().rev().map(|at| &world.actions[*at]);
        return Ok(ask.answer(&ACTIONS, actions.filter_map(document)));
    }
    Ok(ask.answer(&ACTIONS, world.actions.iter().rev().filter_map(document)))
}

pub(super) fn cancel(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("Comment")])?;
    let action = named(cx)?;
    let (id, permission) = (action.id.clone(), action.kind.permission());
    if !cx.caller.roles.iter().any(|role| role == permission) {
        let message = format!("Cancelling this action needs {permission}");
        return Err(Refusal::new(403, "Forbidden", message));
    }
    if !action.is_open(cx.now_ms, cx.world.pace) {
        let message = "The action has ended and cannot be cancelled";
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let cancelled = Cancelled {
        at_ms: cx.now_ms,
        by: cx.caller.appid.clone(),
        comment: body.text("Comment")?.to_owned(),
    };
    if let Some(action) = cx.world.action_mut(&id) {
        action.cancelled = Some(cancelled);
    }
    get(cx)
}

/// Known only once the collection has succeeded.
pub(super) fn package_uri(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let action = named(cx)?;
    let ready = action.kind == Kind::CollectInvestigationPackage
        && action.succeeded(cx.now_ms, cx.world.pace);
    if !ready {
        return Err(Refusal::not_found("Investigation package of", cx.value(0)));
    }
    let uri = format!("{}/emulator/packages/{}.zip", cx.base_url, action.id);
    Ok(Reply::ok(
        json!({ "@odata.context": format!("{MDE}/$metadata#Edm.String"), "value": uri }),
    ))
}
