//! What belongs together: alerts with their files, addresses, domains and accounts, and back.

use serde_json::{Value, json};

use super::Cx;
use super::alerts::{ALERTS, listed, named};
use super::machines::{MACHINES, user_document};
use crate::odata::{Ask, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::world::Machine;

/// The values of a field of an alert's evidence, each once.
fn evidence<'a>(alert: &'a Value, kind: &str, field: &str) -> Vec<&'a str> {
    let mut values: Vec<&str> = Vec::new();
    for entry in alert["evidence"].as_array().into_iter().flatten() {
        let value = entry[field]
            .as_str()
            .filter(|_| entry["entityType"] == kind);
        if let Some(value) = value
            && !values.contains(&value)
        {
            values.push(value);
        }
    }
    values
}

fn collection(name: &str, value: &[Value]) -> Reply {
    let context = format!("{MDE}/$metadata#{name}");
    Reply::ok(json!({ "@odata.context": context, "value": value }))
}

pub(super) fn domains_of_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let alert = named(cx)?;
    let mut hosts = evidence(alert, "Url", "url");
    let far = cx.world.scenario.far_name.as_str();
    if alert["id"] == cx.world.demo_alert_id.as_str() {
        hosts.push(far);
    }
    let hosts: Vec<Value> = hosts.iter().map(|host| json!({ "host": host })).collect();
    Ok(collection("Domains", &hosts))
}

pub(super) fn ips_of_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ips = evidence(named(cx)?, "Ip", "ipAddress");
    let ips: Vec<Value> = ips.iter().map(|ip| json!({ "id": ip })).collect();
    Ok(collection("Ips", &ips))
}

pub(super) fn files_of_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let hashes = evidence(named(cx)?, "File", "sha1");
    let files: Vec<Value> = hashes.iter().map(|sha1| file(cx, sha1)).collect();
    Ok(collection("Files", &files))
}

pub(super) fn user_of_alert(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = named(cx)?["machineId"].as_str().unwrap_or_default();
    let machine = cx.world.machine(id);
    let machine = machine.ok_or_else(|| Refusal::not_found("User of alert", cx.value(0)))?;
    Ok(Reply::ok(entity(MDE, "Users", user_document(machine))))
}

/// Whether the scenario's file is meant.
fn is_bad(cx: &Cx<'_>, hash: &str) -> bool {
    let scenario = &cx.world.scenario;
    hash.eq_ignore_ascii_case(&scenario.sha1) || hash.eq_ignore_ascii_case(&scenario.sha256)
}

fn file(cx: &Cx<'_>, hash: &str) -> Value {
    let scenario = &cx.world.scenario;
    let bad = is_bad(cx, hash);
    let sha256 = bad.then_some(scenario.sha256.as_str());
    let sha1 = if bad { scenario.sha1.as_str() } else { hash };
    json!({
        "sha1": sha1,
        "sha256": sha256.or_else(|| (hash.len() == 64).then_some(hash)),
        "globalPrevalence": if bad { 7 } else { 180_022 },
        "globalFirstObserved": "2024-09-19T03:51:27.6785431Z",
        "globalLastObserved": "2026-01-01T00:00:00Z",
        "size": 218_624,
        "fileType": "APP",
        "isPeFile": true,
        "filePublisher": if bad { Value::Null } else { json!("Contoso Ltd.") },
        "fileProductName": null,
        "signer": null,
        "issuer": null,
        "signerHash": null,
        "isValidCertificate": !bad,
        "determinationType": if bad { "Malware" } else { "Unknown" },
        "determinationValue": bad.then(|| format!("Trojan:Win32/{}", scenario.family)),
    })
}

/// The hash that the path names.
fn hash<'a>(cx: &'a Cx<'_>) -> Result<&'a str, Refusal> {
    let hash = cx.value(0);
    let fits = matches!(hash.len(), 40 | 64) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    match fits {
        true => Ok(hash),
        false => Err(Refusal::new(
            400,
            "InvalidHashValue",
            format!("{hash} is no hash"),
        )),
    }
}

pub(super) fn file_by_hash(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let document = file(cx, hash(cx)?);
    Ok(Reply::ok(entity(MDE, "Files", document)))
}

/// How many hours a statistic looks back.
fn look_back(cx: &Cx<'_>) -> Result<(), Refusal> {
    let hours = cx.option("lookBackHours").unwrap_or("720");
    match hours.parse::<u32>() {
        Ok(1..=720) => Ok(()),
        _ => Err(Refusal::new(
            400,
            "InvalidInput",
            "lookBackHours is from 1 to 720",
        )),
    }
}

fn address<'a>(cx: &'a Cx<'_>) -> Result<&'a str, Refusal> {
    let ip = cx.value(0);
    let message = || Refusal::new(400, "InvalidIpAddress", format!("{ip} is no IP address"));
    ip.parse::<std::net::IpAddr>()
        .map(|_| ip)
        .map_err(|_| message())
}

/// The machines where the scenario played, where something of it is meant.
fn touched<'a>(cx: &'a Cx<'_>, meant: bool) -> Vec<&'a Machine> {
    let scenario = &cx.world.scenario;
    let indices = std::iter::once(&scenario.victim).chain(&scenario.also_on);
    indices
        .filter(|_| meant)
        .map(|at| &cx.world.machines[*at])
        .collect()
}

fn statistics(cx: &Cx<'_>, name: &str, value: &str, meant: bool) -> Result<Reply, Refusal> {
    look_back(cx)?;
    let mut body = json!({
        "@odata.context": format!("{MDE}/$metadata#microsoft.windowsDefenderATP.api.InOrgStats"),
        "organizationPrevalence": touched(cx, meant).len(),
        "orgFirstSeen": "2025-12-07T13:44:16Z",
        "orgLastSeen": "2026-01-01T00:00:00Z",
    });
    body[name] = json!(value);
    Ok(Reply::ok(body))
}

pub(super) fn file_statistics(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let hash = hash(cx)?;
    statistics(cx, "sha1", hash, is_bad(cx, hash))
}

pub(super) fn ip_statistics(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ip = address(cx)?;
    statistics(cx, "ipAddress", ip, ip == cx.world.scenario.far_ip)
}

pub(super) fn domain_statistics(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let host = cx.value(0);
    statistics(cx, "host", host, host == cx.world.scenario.far_name)
}

/// The alerts of which something is true.
fn alerts(cx: &Cx<'_>, about: impl Fn(&Value) -> bool) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &ALERTS)?;
    let rows = cx.world.alerts.iter().rev().filter(|alert| about(alert));
    Ok(ask.answer(&ALERTS, rows.map(|alert| listed(alert, false))))
}

fn machines(cx: &Cx<'_>, found: &[&Machine]) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &MACHINES)?;
    let rows = found.iter().map(|machine| machine.document.clone());
    Ok(ask.answer(&MACHINES, rows))
}

pub(super) fn alerts_of_file(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let hash = hash(cx)?;
    alerts(cx, |alert| evidence(alert, "File", "sha1").contains(&hash))
}

pub(super) fn machines_of_file(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let hash = hash(cx)?;
    machines(cx, &touched(cx, is_bad(cx, hash)))
}

pub(super) fn alerts_of_ip(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ip = address(cx)?;
    alerts(cx, |alert| evidence(alert, "Ip", "ipAddress").contains(&ip))
}

pub(super) fn alerts_of_domain(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let meant = cx.value(0) == cx.world.scenario.far_name;
    let demo = cx.world.demo_alert_id.as_str();
    alerts(cx, |alert| meant && alert["id"] == demo)
}

pub(super) fn machines_of_domain(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let meant = cx.value(0) == cx.world.scenario.far_name;
    machines(cx, &touched(cx, meant))
}

pub(super) fn alerts_of_user(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let account = cx.value(0);
    alerts(cx, |alert| alert["relatedUser"]["userName"] == account)
}

pub(super) fn machines_of_user(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let account = cx.value(0);
    let all = cx.world.fleet().iter();
    let found: Vec<&Machine> = all
        .filter(|machine| machine.user.account == account)
        .collect();
    machines(cx, &found)
}
