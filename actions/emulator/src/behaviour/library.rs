//! The library of live response.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Cx;
use crate::odata::{MDE, entity};
use crate::reply::{Refusal, Reply};
use crate::{seed, wire};

const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
const FIELDS: &[&str] = &[
    "Description",
    "File",
    "HasParameters",
    "OverrideIfExists",
    "ParametersDescription",
];

pub(super) fn list(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(json!({
        "@odata.context": format!("{MDE}/$metadata#LibraryFiles"),
        "value": cx.world.library,
    })))
}

/// A part of a form.
struct Part<'a> {
    name: String,
    file_name: Option<String>,
    content: &'a [u8],
}

/// The parts of a form; the boundary is its first line.
fn parts(body: &[u8]) -> Option<Vec<Part<'_>>> {
    let line_end = find(body, b"\r\n")?;
    let boundary = &body[..line_end];
    if !boundary.starts_with(b"--") {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = &body[line_end + 2..];
    loop {
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        rest = &rest[head_end + 4..];
        let marker = [b"\r\n", boundary].concat();
        let content_end = find(rest, &marker)?;
        parts.push(Part {
            name: quoted(head, " name=\"")?,
            file_name: quoted(head, "filename=\""),
            content: &rest[..content_end],
        });
        rest = &rest[content_end + marker.len()..];
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
    }
}

fn quoted(head: &str, before: &str) -> Option<String> {
    let (_, rest) = head.split_once(before)?;
    rest.split_once('"').map(|(text, _)| text.to_owned())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|part| part == needle)
}

pub(super) fn upload(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let bad = || Refusal::body("Request body is incorrect: a form with a file is needed");
    let parts = parts(cx.body).ok_or_else(bad)?;
    if let Some(part) = parts
        .iter()
        .find(|part| !FIELDS.contains(&part.name.as_str()))
    {
        let message = format!("Request body is incorrect: {} is unknown", part.name);
        return Err(Refusal::body(message));
    }
    let file = parts.iter().find(|part| part.name == "File");
    let file = file.ok_or_else(|| Refusal::missing("File"))?;
    let name = file.file_name.clone().ok_or_else(bad)?;
    if file.content.len() > FILE_BYTES_MAX {
        return Err(Refusal::new(
            400,
            "BadRequest",
            "The file is larger than 20 MB",
        ));
    }
    let text = |wanted: &str| {
        let part = parts.iter().find(|part| part.name == wanted);
        part.map(|part| String::from_utf8_lossy(part.content).into_owned())
    };
    let known = cx
        .world
        .library
        .iter()
        .position(|one| one["fileName"] == name.as_str());
    let replaces = text("OverrideIfExists").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    if known.is_some() && !replaces {
        let message = format!("{name} exists already");
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let now = wire::vendor_time(cx.now_ms);
    let created = known.map_or_else(
        || json!(now),
        |at| cx.world.library[at]["creationTime"].clone(),
    );
    let document = json!({
        "fileName": name,
        "sha256": seed::hex(&Sha256::digest(file.content)),
        "description": text("Description"),
        "creationTime": created,
        "lastUpdatedTime": now,
        "createdBy": cx.caller.appid,
        "hasParameters": text("HasParameters").is_some_and(|word| word == "true"),
        "parametersDescription": text("ParametersDescription"),
    });
    match known {
        Some(at) => cx.world.library[at] = document.clone(),
        None => cx.world.library.push(document.clone()),
    }
    Ok(Reply::ok(entity(MDE, "LibraryFiles", document)))
}

pub(super) fn delete(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let name = cx.value(0).to_owned();
    let is_it = |file: &Value| file["fileName"] == name.as_str();
    if !cx.world.library.iter().any(is_it) {
        return Err(Refusal::not_found("File", &name));
    }
    cx.world.library.retain(|file| !is_it(file));
    Ok(Reply::empty(204))
}

/// The scripts a tenant begins with.
pub(crate) fn seeded(now_ms: i64) -> Vec<Value> {
    ["script1.ps1", "minidump.ps1"]
        .map(|name| {
            let created = wire::vendor_time(now_ms - 86_400_000);
            json!({
                "fileName": name,
                "sha256": seed::hex(&Sha256::digest(name)),
                "description": null,
                "creationTime": created,
                "lastUpdatedTime": created,
                "createdBy": "analyst",
                "hasParameters": true,
                "parametersDescription": null,
            })
        })
        .to_vec()
}
