//! Automated investigations: begun, running, ended.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use super::machines;
use crate::odata::{Ask, Collection, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;

const INVESTIGATIONS: Collection = Collection {
    name: "Investigations",
    filter: &["id", "machineId", "startTime", "state", "triggeringAlertId"],
    top_max: 10_000,
    expand: &[],
    root: MDE,
};

/// An investigation as it is now: its state follows from the time.
fn document(cx: &Cx<'_>, kept: &Value) -> Value {
    let mut document = kept.clone();
    let begun = kept["startTime"].as_str().and_then(wire::parse_time);
    let begun = begun.unwrap_or_default();
    let pace = cx.world.pace;
    let running_from = begun.saturating_add(pace.pending_ms);
    let ended_at = running_from.saturating_add(pace.running_ms);
    let state = if cx.now_ms < running_from {
        "Queued"
    } else if cx.now_ms < ended_at {
        "Running"
    } else {
        document["endTime"] = json!(wire::vendor_time(ended_at));
        "Benign"
    };
    document["state"] = json!(state);
    document
}

pub(super) fn start(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    Body::read(cx.body, &[Field::required("Comment")])?;
    let at = machines::named(cx)?;
    let number = cx.world.next_number();
    let machine = &cx.world.machines[at];
    let kept = json!({
        "id": number.to_string(),
        "startTime": wire::vendor_time(cx.now_ms),
        "endTime": null,
        "state": "Queued",
        "cancelledBy": null,
        "statusDetails": null,
        "machineId": machine.id,
        "computerDnsName": machine.name,
        "triggeringAlertId": format!("me{number}"),
    });
    cx.world.investigations.push(kept.clone());
    let document = document(cx, &kept);
    Ok(Reply::new(201, entity(MDE, "Investigations", document)))
}

pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = cx.value(0);
    let kept = cx.world.investigations.iter().find(|one| one["id"] == id);
    let kept = kept.ok_or_else(|| Refusal::not_found("Investigation", id))?;
    Ok(Reply::ok(entity(MDE, "Investigations", document(cx, kept))))
}

pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &INVESTIGATIONS)?;
    let rows = cx.world.investigations.iter().rev();
    Ok(ask.answer(&INVESTIGATIONS, rows.map(|kept| document(cx, kept))))
}

/// One that has ended long ago.
pub(crate) fn seeded(machine_id: &str, machine_name: &str, now_ms: i64) -> Vec<Value> {
    vec![json!({
        "id": "63017",
        "startTime": wire::vendor_time(now_ms - 86_400_000),
        "endTime": null,
        "state": "Benign",
        "cancelledBy": null,
        "statusDetails": null,
        "machineId": machine_id,
        "computerDnsName": machine_name,
        "triggeringAlertId": "da637139166940871892_-598649278",
    })]
}
