//! Operations that nobody plays: they answer with what the catalog gives as their example.

use std::collections::HashMap;
use std::sync::LazyLock;

use actions_catalog::{Options, infos};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::reply::Reply;

/// Which operations are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Those that are served.
    pub served: Vec<&'static str>,
    /// Those that answer with their documented example and change nothing.
    pub echoed: Vec<&'static str>,
    /// Those that get 501.
    pub unserved: Vec<&'static str>,
}

/// The documented answers, in the vendor's spelling, by operation.
static ANSWERS: LazyLock<HashMap<String, Value>> = LazyLock::new(|| {
    let answers = infos(Options::default()).into_iter().map(|info| {
        let answer = vendors(info.example_output);
        (info.id.to_string(), answer)
    });
    answers.collect()
});

/// The document that an operation answers by its example: the first one of a collection.
pub(crate) fn documented(operation: &str) -> Value {
    let answer = ANSWERS.get(operation).unwrap_or(&Value::Null);
    match answer.get("value").and_then(Value::as_array) {
        Some(rows) => rows.first().cloned().unwrap_or_default(),
        None => answer.clone(),
    }
}

/// Where the vendor keeps the files of exports.
const STORAGE: &str = ".blob.core.windows.net/";

/// A link to the vendor's storage as one to the emulator, which serves a file there.
fn here(value: &mut Value, base_url: &str) {
    match value {
        Value::String(text) => {
            if let Some((_, place)) = text.split_once(STORAGE) {
                *text = format!("{base_url}/emulator/exports/{place}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| here(item, base_url)),
        Value::Object(fields) => fields.values_mut().for_each(|field| here(field, base_url)),
        _ => {}
    }
}

/// The answer of an operation; a collection has one page of what it has.
pub(crate) fn answer(operation: &str, query: &[(String, String)], base_url: &str) -> Option<Reply> {
    let mut body = ANSWERS.get(operation)?.clone();
    here(&mut body, base_url);
    let number = |wanted: &str| {
        let pair = query.iter().find(|(name, _)| name == wanted);
        pair.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    if let Some(Value::Array(rows)) = body.get_mut("value") {
        let first = number("$skip").unwrap_or(0).min(rows.len());
        rows.drain(..first);
        rows.truncate(number("$top").unwrap_or(usize::MAX));
    }
    Some(Reply::ok(body))
}

/// An output as the vendor would send it.
fn vendors(output: Value) -> Value {
    match output {
        Value::Object(mut fields) => {
            // What only our lists have.
            if fields.contains_key("truncated") && fields.contains_key("next") {
                let value = fields.remove("value");
                return json!({ "value": vendors(value.unwrap_or_default()) });
            }
            let extra = fields.remove("extra");
            let mut out = Map::new();
            for (name, value) in fields {
                out.insert(vendor_name(&name), vendors(value));
            }
            if let Some(Value::Object(extra)) = extra {
                out.extend(extra);
            }
            Value::Object(out)
        }
        Value::Array(items) => items.into_iter().map(vendors).collect(),
        other => other,
    }
}

/// `computer_dns_name` is `computerDnsName`.
fn vendor_name(ours: &str) -> String {
    let mut out = String::with_capacity(ours.len());
    let mut upper = false;
    for c in ours.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_goes_back_into_the_vendors_spelling() {
        let ours = json!({
            "value": [{
                "os_build": 1,
                "extra": { "Odd": 2 },
                "ip_addresses": [{ "mac_address": "x" }],
            }],
            "truncated": false,
            "next": null,
        });
        let vendor = json!({
            "value": [{ "osBuild": 1, "Odd": 2, "ipAddresses": [{ "macAddress": "x" }] }],
        });
        assert_eq!(vendors(ours), vendor);
    }
}
