//! Devices: reading, finding, tagging.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use crate::odata::{Ask, Collection, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;
use crate::world::Machine;
use crate::world::documented::ADDRESS;

pub(super) const MACHINES: Collection = Collection {
    name: "Machines",
    filter: &[
        "aadDeviceId",
        "computerDnsName",
        "deviceValue",
        "exposureLevel",
        "healthStatus",
        "id",
        "lastIpAddress",
        "lastSeen",
        "machineTags",
        "onboardingStatus",
        "osPlatform",
        "rbacGroupId",
        "riskScore",
        "version",
    ],
    top_max: 10_000,
    expand: &[],
    root: MDE,
};

const WINDOW_MS: i64 = 30 * 86_400_000;
const VALUES: &[&str] = &["Normal", "Low", "High"];

/// The index of the machine that the path names.
pub(super) fn named(cx: &Cx<'_>) -> Result<usize, Refusal> {
    let id = cx.value(0);
    cx.world
        .machine_at(id)
        .ok_or_else(|| Refusal::not_found("Machine", id))
}

fn answer(machine: &Machine) -> Reply {
    Reply::ok(entity(MDE, "Machines", machine.document.clone()))
}

pub(super) fn get(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    Ok(answer(&cx.world.machines[named(cx)?]))
}

pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &MACHINES)?;
    let pinned = ask.pinned("id").or_else(|| ask.pinned("computerDnsName"));
    let machines: &[Machine] = match pinned.map(|id| cx.world.machine_at(id)) {
        Some(Some(at)) => &cx.world.machines[at..=at],
        Some(None) => &[],
        None => cx.world.fleet(),
    };
    Ok(ask.answer(
        &MACHINES,
        machines.iter().map(|machine| machine.document.clone()),
    ))
}

/// The machines with an address at a time; the time must lie within the last 30 days.
fn with_ip(cx: &Cx<'_>, ip: &str, timestamp: &str) -> Result<Vec<Value>, Refusal> {
    if ip.parse::<std::net::IpAddr>().is_err() {
        let message = format!("{ip} is no IP address");
        return Err(Refusal::new(400, "InvalidIpAddress", message));
    }
    let at = wire::parse_time(timestamp)
        .ok_or_else(|| Refusal::new(400, "InvalidInput", format!("{timestamp} is no time")))?;
    if at < cx.now_ms - WINDOW_MS && ip != ADDRESS {
        let message = "The timestamp must lie within the last 30 days";
        return Err(Refusal::new(400, "InvalidInput", message));
    }
    let has = |machine: &&Machine| {
        [
            machine.text("lastIpAddress"),
            machine.text("lastExternalIpAddress"),
        ]
        .contains(&ip)
    };
    Ok(cx
        .world
        .machines
        .iter()
        .filter(has)
        .map(|machine| machine.document.clone())
        .collect())
}

fn machines(found: &[Value]) -> Reply {
    Reply::ok(json!({ "@odata.context": format!("{MDE}/$metadata#Machines"), "value": found }))
}

/// `findbyip(ip='…',timestamp=…)`
pub(super) fn find_by_ip(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    with_ip(cx, cx.value(0), cx.value(1)).map(|found| machines(&found))
}

/// `find(timestamp=…,key='…')`, the older form: 404 where nothing is found.
pub(super) fn find_by_internal_ip(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let found = with_ip(cx, cx.value(1), cx.value(0))?;
    if found.is_empty() {
        return Err(Refusal::not_found("Machine with IP", cx.value(1)));
    }
    Ok(machines(&found))
}

pub(super) fn find_by_tag(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let tag = cx.option("tag").ok_or_else(|| Refusal::missing("tag"))?;
    let prefix = cx.option("useStartsWithFilter") == Some("true");
    let fits = |got: &str| {
        if prefix {
            got.starts_with(tag)
        } else {
            got == tag
        }
    };
    let has = |machine: &&Machine| {
        let tags = machine.document["machineTags"].as_array();
        tags.is_some_and(|tags| tags.iter().filter_map(Value::as_str).any(fits))
    };
    let found: Vec<Value> = cx
        .world
        .machines
        .iter()
        .filter(has)
        .map(|machine| machine.document.clone())
        .collect();
    Ok(machines(&found))
}

pub(super) fn tag(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let action = Field::required("Action").one_of(&["Add", "Remove"]);
    let body = Body::read(cx.body, &[Field::required("Value"), action])?;
    let tag = body.text("Value")?.to_owned();
    let at = named(cx)?;
    let machine = &mut cx.world.machines[at];
    if let Some(tags) = machine.document["machineTags"].as_array_mut() {
        tags.retain(|other| *other != tag.as_str());
        if body.text("Action")? == "Add" {
            tags.push(Value::String(tag));
        }
    }
    Ok(answer(machine))
}

/// All of them or none.
pub(super) fn tag_many(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let action = Field::required("Action").one_of(&["Add", "Remove"]);
    let fields = [
        Field::required("Value"),
        action,
        Field::required("MachineIds"),
    ];
    let body = Body::read(cx.body, &fields)?;
    let ids = body.texts("MachineIds")?.unwrap_or_default();
    if ids.len() > 500 {
        let message = "At most 500 machines in one request";
        return Err(Refusal::new(400, "MaximumBatchSizeExceeded", message));
    }
    let found = ids
        .iter()
        .map(|id| {
            let at = cx.world.machine_at(id);
            at.ok_or_else(|| Refusal::not_found("Machine", id))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let tag = body.text("Value")?;
    let tagged: Vec<Value> = found
        .into_iter()
        .map(|at| {
            let document = &mut cx.world.machines[at].document;
            if let Some(tags) = document["machineTags"].as_array_mut() {
                tags.retain(|other| other != tag);
                if body.text("Action").is_ok_and(|word| word == "Add") {
                    tags.push(json!(tag));
                }
            }
            document.clone()
        })
        .collect();
    Ok(machines(&tagged))
}

pub(super) fn set_value(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("DeviceValue").one_of(VALUES)])?;
    let at = named(cx)?;
    let machine = &mut cx.world.machines[at];
    machine.document["deviceValue"] = json!(body.text("DeviceValue")?);
    Ok(answer(machine))
}

pub(super) fn update(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let value = Field::optional("deviceValue").one_of(VALUES);
    let body = Body::read(cx.body, &[Field::optional("machineTags"), value])?;
    let at = named(cx)?;
    let machine = &mut cx.world.machines[at];
    if let Some(tags) = body.texts("machineTags")? {
        machine.document["machineTags"] = json!(tags);
    }
    if let Some(value) = body.get("deviceValue") {
        machine.document["deviceValue"] = value.clone();
    }
    Ok(answer(machine))
}

pub(super) fn logon_users(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let machine = &cx.world.machines[named(cx)?];
    Ok(Reply::ok(json!({
        "@odata.context": format!("{MDE}/$metadata#Users"),
        "value": [user_document(machine)],
    })))
}

/// The account that uses a machine most, as the API answers it.
pub(super) fn user_document(machine: &Machine) -> Value {
    let user = &machine.user;
    let domain = user.domain.to_lowercase();
    json!({
        "id": format!("{domain}\\{}", user.account),
        "accountName": user.account,
        "accountDomain": domain,
        "firstSeen": machine.text("firstSeen"),
        "lastSeen": machine.text("lastSeen"),
        "logonTypes": "Interactive",
        "isDomainAdmin": false,
        "isOnlyNetworkUser": false,
    })
}
