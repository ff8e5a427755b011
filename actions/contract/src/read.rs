//! From a vendor's JSON to ours, along the schema of the type that is wanted.
//!
//! Names become snake_case; where a vendor also spells a field in a way that does not lead to our
//! name, the field carries the mark `x-vendor-name`. A field that the type does not have, or whose
//! value has another shape than the type documents, is kept under `extra` in the vendor's spelling:
//! a change at the vendor loses nothing and breaks nothing but what it concerns. Annotations of the
//! protocol (`@odata.context`) are dropped.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use engine_model::code;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{ActionError, ErrorKind, Response, schema_of};

/// Reads a JSON body as it is.
///
/// # Errors
///
/// `invalid_output` when it is not the documented shape.
pub fn json<T: DeserializeOwned>(response: &Response) -> Result<T, ActionError> {
    serde_json::from_slice(&response.body).map_err(|error| unreadable(&error.to_string()))
}

/// Reads one entity from a response; a success without content is an entity without fields.
///
/// # Errors
///
/// `invalid_output`, naming the field, when it is not what the vendor documents.
pub fn entity<T: DeserializeOwned + JsonSchema + 'static>(
    response: &Response,
) -> Result<T, ActionError> {
    if response.body.is_empty() {
        return typed(Value::Object(Map::new()));
    }
    typed(json(response)?)
}

/// Reads a collection from the value of a response.
///
/// # Errors
///
/// As [`entity`].
pub fn collection<T: DeserializeOwned + JsonSchema + 'static>(
    body: &mut Value,
) -> Result<Vec<T>, ActionError> {
    match body.get_mut("value").map(Value::take) {
        Some(items @ Value::Array(_)) => typed(items),
        _ => Err(unreadable("expected a list at `value`")),
    }
}

/// Reads a documented example.
///
/// # Panics
///
/// When it is not what the type documents; the tests of the catalog build every example.
#[must_use]
pub fn example<T: DeserializeOwned + JsonSchema + 'static>(text: &str) -> T {
    let raw = serde_json::from_str(text).expect("documented examples are JSON");
    typed(raw).expect("documented examples have the documented shape")
}

/// The error of an answer that does not have the documented shape.
#[must_use]
pub fn unreadable(what: &str) -> ActionError {
    ActionError::permanent(
        ErrorKind::InvalidOutput,
        code::AC0103,
        format!("the answer does not have the documented shape: {what}"),
    )
}

/// Reads a value that is already JSON.
///
/// # Errors
///
/// As [`entity`].
pub fn typed<T: DeserializeOwned + JsonSchema + 'static>(raw: Value) -> Result<T, ActionError> {
    let ours = fit(raw, &schema::<T>()).map_err(|_| unreadable("it is of another type"))?;
    serde_path_to_error::deserialize(ours)
        .map_err(|error| unreadable(&format!("{} at `{}`", error.inner(), error.path())))
}

/// The schema of a type, generated once: that costs far more than to read a response along it.
fn schema<T: JsonSchema + 'static>() -> Arc<Value> {
    static SCHEMAS: LazyLock<RwLock<HashMap<TypeId, Arc<Value>>>> = LazyLock::new(RwLock::default);
    let of = TypeId::of::<T>();
    let known = SCHEMAS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&of)
        .cloned();
    known.unwrap_or_else(|| {
        let made = Arc::new(schema_of::<T>());
        let mut schemas = SCHEMAS.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(schemas.entry(of).or_insert(made))
    })
}

/// The value in the shape of `schema`, or the value itself when it has another shape.
fn fit(raw: Value, schema: &Value) -> Result<Value, Value> {
    match raw {
        Value::Object(fields) if schema.get("properties").is_some() => {
            Ok(Value::Object(fit_fields(fields, schema)))
        }
        Value::Array(items) if schema.get("items").is_some() => {
            let wanted = &schema["items"];
            let fitted: Result<Vec<_>, _> =
                items.iter().map(|item| fit(item.clone(), wanted)).collect();
            fitted.map(Value::Array).map_err(|_| Value::Array(items))
        }
        Value::String(text) if allows(schema, "integer") && !allows(schema, "string") => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| Value::String(text)),
        other if allows(schema, type_of(&other)) => Ok(other),
        other => Err(other),
    }
}

fn fit_fields(fields: Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let known = &schema["properties"];
    let mut out = Map::new();
    let mut extra = Map::new();
    for (vendor_name, value) in fields {
        let name = name_in(known, &vendor_name);
        if vendor_name.contains("@odata.") && known.get(&name).is_none() {
            continue;
        }
        match known.get(&name) {
            // Null where the type wants a list is the same as no list.
            Some(field) if value.is_null() && !allows(field, "null") => {}
            Some(field) if name != "extra" => match fit(value, field) {
                Ok(value) => {
                    out.insert(name, value);
                }
                Err(value) => {
                    extra.insert(vendor_name, value);
                }
            },
            _ => {
                extra.insert(vendor_name, value);
            }
        }
    }
    if !extra.is_empty() && known.get("extra").is_some() {
        out.insert("extra".to_owned(), Value::Object(extra));
    }
    out
}

/// The name of a vendor's field among the properties of a type.
fn name_in(known: &Value, vendor_name: &str) -> String {
    let name = our_name(vendor_name);
    if known.get(&name).is_some() {
        return name;
    }
    let marked = known
        .as_object()
        .into_iter()
        .flatten()
        .find(|(_, field)| field.get("x-vendor-name").is_some_and(|n| n == vendor_name));
    marked.map_or(name, |(name, _)| name.clone())
}

/// Whether a schema allows values of a JSON type; one that names no type allows all.
fn allows(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::Array(kinds)) => kinds.iter().any(|allowed| is_a(kind, allowed)),
        Some(only) => is_a(kind, only),
    }
}

fn is_a(kind: &str, allowed: &Value) -> bool {
    allowed == kind || (kind == "integer" && allowed == "number")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The name playbooks use for a field of a vendor's: `computerDnsName` is `computer_dns_name`.
#[must_use]
pub fn our_name(vendor_name: &str) -> String {
    let mut out = String::with_capacity(vendor_name.len() + 4);
    for c in vendor_name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        id: String,
        #[schemars(extend("x-vendor-name" = "seenutc"))]
        seen_time: Option<String>,
        count: Option<i64>,
        share: Option<f64>,
        #[serde(default)]
        tags: Vec<String>,
        owner: Option<Owner>,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Owner {
        user_name: Option<String>,
    }

    fn check(vendor: Value, ours: &Value) {
        let thing: Thing = typed(vendor).unwrap();
        let mut given = serde_json::to_value(&thing).unwrap();
        let fields = given.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null() && *value != json!([]));
        assert_eq!(given, *ours);
        assert_eq!(serde_json::from_value::<Thing>(given).unwrap(), thing);
    }

    #[test]
    fn names_become_snake_case() {
        for (vendor, ours) in [
            ("id", "id"),
            ("computerDnsName", "computer_dns_name"),
            ("errorHResult", "error_h_result"),
            ("DeviceId", "device_id"),
            ("sha256", "sha256"),
        ] {
            assert_eq!(our_name(vendor), ours);
        }
    }

    #[test]
    fn a_stray_spelling_finds_its_field() {
        check(
            json!({ "id": "d1", "seenutc": "t" }),
            &json!({ "id": "d1", "seen_time": "t" }),
        );
        check(
            json!({ "id": "d1", "seenTime": "t" }),
            &json!({ "id": "d1", "seen_time": "t" }),
        );
    }

    #[test]
    fn a_field_nobody_documented_is_kept_as_it_came() {
        check(
            json!({ "id": "d1", "managedBy": "Intune", "@odata.context": "x" }),
            &json!({ "id": "d1", "extra": { "managedBy": "Intune" } }),
        );
    }

    #[test]
    fn a_field_of_another_shape_is_kept_and_breaks_nothing() {
        check(
            json!({ "id": "a1", "owner": "DOMAIN\\temp", "tags": ["x", 7], "count": "12" }),
            &json!({
                "id": "a1",
                "count": 12,
                "extra": { "owner": "DOMAIN\\temp", "tags": ["x", 7] },
            }),
        );
        check(
            json!({ "id": "a1", "tags": null, "owner": { "userName": "u" }, "share": 4 }),
            &json!({ "id": "a1", "owner": { "user_name": "u" }, "share": 4.0 }),
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = typed::<Thing>(json!({ "count": 1 })).unwrap_err();
        assert!(
            error.message.contains("missing field `id`"),
            "{}",
            error.message
        );
        let error = typed::<Vec<Thing>>(json!([{ "id": "d1" }, { "id": 7 }])).unwrap_err();
        assert!(error.message.contains("at `[1]`"), "{}", error.message);
    }
}
