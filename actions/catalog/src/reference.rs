//! The reference page of an action.

use std::fmt::Write as _;

use actions_contract::{ActionInfo, Confidence, Effect, Idempotency, Rate};
use serde_json::Value;

/// How deep the fields of an output are listed.
const DEPTH_MAX: usize = 3;

/// The reference page of an action, in Markdown.
#[must_use]
pub fn reference_markdown(info: &ActionInfo) -> String {
    let mut page = format!(
        "# `{}`: {}\n\n{}\n\n",
        info.id,
        info.title,
        info.description.trim()
    );
    push_facts(&mut page, info);
    page.push_str("\n## Parameters\n\n");
    push_fields(&mut page, &info.parameters, "Required");
    page.push_str("\n## Example\n\n");
    push_example(&mut page, info);
    page.push_str("\n## Output\n\n");
    push_fields(&mut page, &info.output, "Never null");
    if let Some(source) = &info.source {
        let sure = match info.confidence {
            Confidence::Page => "The vendor's page",
            Confidence::Derived => "The vendor's page, read indirectly",
        };
        push(&mut page, format_args!("\n{sure}: <{source}>\n"));
    }
    page
}

fn push_facts(page: &mut String, info: &ActionInfo) {
    page.push_str("| | |\n|---|---|\n");
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            push(page, format_args!("| {name} | {value} |\n"));
        }
    };
    row("Effect", effect(&info.effect));
    row("Doing it twice", idempotency(info.idempotency).to_owned());
    if let Some(target) = &info.target {
        row(
            "Acts on",
            format!("the {} in `{}`", target.entity, target.param),
        );
    }
    if info.settles {
        row("Outcome", "comes later; the step waits for it".to_owned());
    }
    if let (Some(api), Some(method), Some(path)) = (info.api, info.method, &info.path) {
        row(
            "Request",
            format!("`{} {path}` of `{}`", method.as_str(), api.as_str()),
        );
    }
    row(
        "Permission, application",
        one_of(&info.permissions_application),
    );
    row("Permission, user", one_of(&info.permissions_delegated));
    row("Limit", info.rate.map(limit).unwrap_or_default());
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Contain { undo } => format!("`contain`, undone by `{undo}`"),
        other => format!("`{}`", other.kind().as_str()),
    }
}

const fn idempotency(idempotency: Idempotency) -> &'static str {
    match idempotency {
        Idempotency::Natural => "is harmless",
        Idempotency::Keyed => "is recognised by the service",
        Idempotency::None => "is avoided: an unknown outcome is looked up first",
    }
}

fn one_of(permissions: &[String]) -> String {
    let quoted: Vec<String> = permissions.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(" or ")
}

fn limit(rate: Rate) -> String {
    let per_minute = rate
        .per_minute
        .map(|calls| format!("{calls} calls a minute"));
    let per_hour = rate.per_hour.map(|calls| format!("{calls} calls an hour"));
    per_minute
        .into_iter()
        .chain(per_hour)
        .collect::<Vec<_>>()
        .join(", ")
}

fn push_fields(page: &mut String, schema: &Value, required: &str) {
    push(
        page,
        format_args!("| Name | Type | {required} | |\n|---|---|---|---|\n"),
    );
    push_properties(page, schema, "", 1);
}

fn push_properties(page: &mut String, schema: &Value, prefix: &str, depth: usize) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    for (name, field) in properties {
        // Every nested object has one; the outermost is enough to tell of it.
        if name == "extra" && depth > 1 {
            continue;
        }
        let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
        let about = field
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let about = about.replace('\n', " ").replace('|', "\\|");
        let yes = if is_required { "yes" } else { "" };
        push(
            page,
            format_args!("| `{prefix}{name}` | {} | {yes} | {about} |\n", kind(field)),
        );
        if depth < DEPTH_MAX {
            push_properties(page, field, &format!("{prefix}{name}."), depth + 1);
            if let Some(items) = field.get("items") {
                push_properties(page, items, &format!("{prefix}{name}[]."), depth + 1);
            }
        }
    }
}

/// What a value may be, in a few words.
fn kind(schema: &Value) -> String {
    if schema.get("x-secret").is_some() {
        return "secret".to_owned();
    }
    let words = words(schema);
    if !words.is_empty() {
        return words.join(", ");
    }
    let alternatives = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array());
    if let Some(alternatives) = alternatives {
        let kinds: Vec<String> = alternatives
            .iter()
            .map(kind)
            .filter(|kind| kind != "null")
            .collect();
        return kinds.join(" or ");
    }
    let plain = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null"),
        other => other,
    };
    let plain = plain.and_then(Value::as_str).unwrap_or("any");
    match (
        plain,
        schema.get("format").and_then(Value::as_str),
        schema.get("items"),
    ) {
        ("string", Some("date-time"), _) => "time".to_owned(),
        ("string", ..) => match schema.get("x-language").and_then(Value::as_str) {
            Some(language) => format!("text ({language})"),
            None => "text".to_owned(),
        },
        ("array", _, Some(items)) => format!("list of {}", kind(items)),
        ("object", ..) => "map".to_owned(),
        (plain, ..) => plain.to_owned(),
    }
}

/// The words of an enumeration, closed or open.
fn words(schema: &Value) -> Vec<String> {
    let listed = ["enum", "examples"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array());
    let described = schema.get("oneOf").and_then(Value::as_array);
    let constants = described
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("const"));
    let words = listed
        .into_iter()
        .flatten()
        .chain(constants)
        .filter_map(Value::as_str);
    words.map(|word| format!("`{word}`")).collect()
}

fn push_example(page: &mut String, info: &ActionInfo) {
    let id = info
        .id
        .as_str()
        .split_once('.')
        .map_or("step", |(_, name)| name)
        .replace('-', "_");
    push(
        page,
        format_args!("```yaml\n- id: {id}\n  uses: {}\n  with:\n", info.id),
    );
    for (name, value) in info.example.as_object().into_iter().flatten() {
        push_value(page, 4, name, value);
    }
    page.push_str("```\n");
}

/// A value in block style; every scalar is written as JSON, which YAML reads the same.
fn push_value(page: &mut String, indent: usize, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => match fields.get("$secret").and_then(Value::as_str) {
            Some(secret) => {
                push(
                    page,
                    format_args!("{:indent$}{name}: ${{{{ secrets.{secret} }}}}\n", ""),
                );
            }
            None => {
                push(page, format_args!("{:indent$}{name}:\n", ""));
                for (name, value) in fields {
                    push_value(page, indent + 2, name, value);
                }
            }
        },
        Value::String(text) if text.contains('\n') => {
            push(page, format_args!("{:indent$}{name}: |-\n", ""));
            for line in text.lines() {
                push(page, format_args!("{:indent$}  {line}\n", ""));
            }
        }
        other => push(page, format_args!("{:indent$}{name}: {other}\n", "")),
    }
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text)
        .expect("writing to a string never fails");
}
