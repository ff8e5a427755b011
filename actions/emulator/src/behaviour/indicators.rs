//! Indicators: what devices look for, until it expires.

use serde_json::{Map, Value, json};

use super::Cx;
use super::body::{Body, Field};
use crate::odata::{Ask, Collection, MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::wire;

const INDICATORS: Collection = Collection {
    name: "Indicators",
    filter: &[
        "action",
        "application",
        "createdBy",
        "createdByDisplayName",
        "creationTimeDateTimeUtc",
        "expirationTime",
        "generateAlert",
        "indicatorType",
        "indicatorValue",
        "rbacGroupIds",
        "rbacGroupNames",
        "severity",
        "title",
    ],
    top_max: 10_000,
    expand: &[],
    root: MDE,
};

const TYPES: &[&str] = &[
    "FileSha1",
    "FileSha256",
    "FileMd5",
    "CertificateThumbprint",
    "IpAddress",
    "DomainName",
    "Url",
];
const ACTIONS: &[&str] = &[
    "Allowed",
    "Audit",
    "Block",
    "BlockAndRemediate",
    "Warn",
    "Alert",
    "AlertAndBlock",
];
const SEVERITIES: &[&str] = &["Informational", "Low", "Medium", "High"];

/// How many a tenant may have, and how many one request may name.
const TENANT_MAX: usize = 15_000;
const BATCH_MAX: usize = 500;

fn fields() -> [Field; 12] {
    [
        Field::required("indicatorValue"),
        Field::required("indicatorType").one_of(TYPES),
        Field::required("action").one_of(ACTIONS),
        Field::required("title"),
        Field::required("description"),
        Field::optional("application"),
        Field::optional("expirationTime"),
        Field::optional("severity").one_of(SEVERITIES),
        Field::optional("recommendedActions"),
        Field::optional("rbacGroupNames"),
        Field::optional("educateUrl"),
        Field::optional("generateAlert"),
    ]
}

/// Whether an indicator still holds.
fn holds(indicator: &Value, now_ms: i64) -> bool {
    let end = indicator["expirationTime"].as_str();
    end.and_then(wire::parse_time)
        .is_none_or(|end| end > now_ms)
}

/// With the narrower permission an application sees only what it has made.
fn sees(cx: &Cx<'_>, indicator: &Value) -> bool {
    let all = cx
        .caller
        .roles
        .iter()
        .any(|role| role == "Ti.ReadWrite.All");
    all || indicator["createdBy"] == cx.caller.appid.as_str()
}

/// Checks that a value is what its type says.
fn check_value(kind: &str, value: &str) -> Result<(), Refusal> {
    let hex = |length: usize| value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit());
    let (fits, code) = match kind {
        "FileSha1" | "CertificateThumbprint" => (hex(40), "InvalidHashValue"),
        "FileSha256" => (hex(64), "InvalidHashValue"),
        "FileMd5" => (hex(32), "InvalidHashValue"),
        "IpAddress" => (
            value.parse::<std::net::IpAddr>().is_ok(),
            "InvalidIpAddress",
        ),
        "DomainName" => (
            value.contains('.') && !value.contains(['/', ':', ' ']),
            "InvalidDomainName",
        ),
        _ => (value.contains('.') && !value.contains(' '), "InvalidUrl"),
    };
    match fits {
        true => Ok(()),
        false => Err(Refusal::new(400, code, format!("{value} is no {kind}"))),
    }
}

/// Adds the indicator, or replaces the one of its value and type.
fn put(cx: &mut Cx<'_>, wanted: &Value) -> Result<Value, Refusal> {
    let bytes = wanted.to_string().into_bytes();
    let body = Body::read(&bytes, &fields())?;
    let (value, kind) = (body.text("indicatorValue")?, body.text("indicatorType")?);
    check_value(kind, value)?;
    if body.text("action")? == "Audit" && body.get("generateAlert") != Some(&json!(true)) {
        let message = "generateAlert must be true when the action is Audit";
        return Err(Refusal::new(400, "InvalidInput", message));
    }
    if body.get("expirationTime").is_some()
        && wire::parse_time(body.text("expirationTime")?).is_none()
    {
        return Err(Refusal::body("Request body is incorrect: expirationTime"));
    }
    body.texts("rbacGroupNames")?;
    let same = cx
        .world
        .indicators
        .iter()
        .position(|other| other["indicatorValue"] == value && other["indicatorType"] == kind);
    let now = wire::vendor_time(cx.now_ms);
    if same.is_none() && cx.world.indicators.len() >= TENANT_MAX {
        let message = "The tenant has as many indicators as it may have";
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let mut indicator = match same {
        Some(at) => cx.world.indicators[at].clone(),
        None => {
            let number = cx.world.next_number();
            json!({
                "id": number.to_string(),
                "externalId": null,
                "sourceType": "AadApp",
                "createdBy": cx.caller.appid,
                "createdByDisplayName": "Quell",
                "source": "Quell",
                "creationTimeDateTimeUtc": now,
            })
        }
    };
    for field in fields() {
        let name = field.name();
        indicator[name] = body.get(name).cloned().unwrap_or(Value::Null);
    }
    for name in ["rbacGroupNames", "rbacGroupIds"] {
        if indicator[name].is_null() {
            indicator[name] = json!([]);
        }
    }
    indicator["lastUpdateTime"] = json!(now);
    indicator["lastUpdatedBy"] = json!(cx.caller.appid);
    match same {
        Some(at) => cx.world.indicators[at] = indicator.clone(),
        None => cx.world.indicators.push(indicator.clone()),
    }
    Ok(indicator)
}

pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let ask = Ask::read(cx.query, &INDICATORS)?;
    let rows = cx.world.indicators.iter();
    let rows = rows.filter(|one| holds(one, cx.now_ms) && sees(cx, one));
    Ok(ask.answer(&INDICATORS, rows.cloned()))
}

pub(super) fn submit(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let wanted: Value =
        serde_json::from_slice(cx.body).map_err(|_| Refusal::body("Request body is incorrect"))?;
    put(cx, &wanted).map(|indicator| Reply::ok(entity(MDE, "Indicators", indicator)))
}

/// Some may be refused while others are taken.
pub(super) fn import(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("Indicators")])?;
    let Some(Value::Array(wanted)) = body.get("Indicators") else {
        return Err(Refusal::body("Request body is incorrect: Indicators"));
    };
    check_batch(wanted.len())?;
    let results: Vec<Value> = wanted
        .iter()
        .map(|one| {
            let result = put(cx, one);
            json!({
                "id": result.as_ref().ok().map(|indicator| &indicator["id"]),
                "indicator": one["indicatorValue"],
                "isFailed": result.is_err(),
                "failureReason": result.err().map(|refusal| refusal.message),
            })
        })
        .collect();
    Ok(Reply::ok(json!({ "value": results })))
}

fn check_batch(count: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::body("Request body is incorrect: an empty list")),
        1..=BATCH_MAX => Ok(()),
        _ => {
            let message = format!("At most {BATCH_MAX} in one request");
            Err(Refusal::new(400, "MaximumBatchSizeExceeded", message))
        }
    }
}

/// Deletes the indicators with these ids, all or none.
fn remove(cx: &mut Cx<'_>, ids: &[String]) -> Result<Reply, Refusal> {
    let has = |id: &String| {
        let mut all = cx.world.indicators.iter();
        all.any(|one| one["id"] == id.as_str() && sees(cx, one))
    };
    if let Some(unknown) = ids.iter().find(|id| !has(id)) {
        return Err(Refusal::not_found("Indicator", unknown));
    }
    let gone = |one: &Value| ids.iter().any(|id| one["id"] == id.as_str());
    cx.world.indicators.retain(|one| !gone(one));
    Ok(Reply::empty(204))
}

pub(super) fn delete(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let id = cx.value(0).to_owned();
    remove(cx, &[id])
}

pub(super) fn batch_delete(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let body = Body::read(cx.body, &[Field::required("IndicatorIds")])?;
    let ids = body.texts("IndicatorIds")?.unwrap_or_default();
    check_batch(ids.len())?;
    remove(cx, &ids)
}

/// The indicators that the documented examples delete.
pub(crate) fn seeded(now_ms: i64) -> Vec<Value> {
    let created = wire::vendor_time(now_ms - 86_400_000);
    ["1", "2", "5", "995"]
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let mut indicator = Map::new();
            for (name, value) in [
                ("id", json!(id)),
                ("indicatorValue", json!(format!("203.0.113.{}", at + 1))),
                ("indicatorType", json!("IpAddress")),
                ("action", json!("Block")),
                ("application", Value::Null),
                ("source", json!("Portal")),
                ("sourceType", json!("User")),
                ("title", json!("Known command server")),
                ("description", json!("Found in an earlier case")),
                ("creationTimeDateTimeUtc", json!(created)),
                ("createdBy", json!("analyst")),
                ("expirationTime", Value::Null),
                ("lastUpdateTime", json!(created)),
                ("lastUpdatedBy", Value::Null),
                ("severity", json!("Medium")),
                ("recommendedActions", Value::Null),
                ("rbacGroupNames", json!([])),
                ("generateAlert", json!(true)),
            ] {
                indicator.insert(name.to_owned(), value);
            }
            Value::Object(indicator)
        })
        .collect()
}
