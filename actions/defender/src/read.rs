//! From the vendor's JSON to ours, along the schema of the type that is wanted.
//!
//! Names become snake_case. A field that the type does not have, or whose value has another shape
//! than the type documents, is kept under `extra` in the vendor's spelling: a change at the vendor
//! loses nothing and breaks nothing but what it concerns. Annotations of the protocol
//! (`@odata.context`) are dropped.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use actions_contract::{ActionError, ErrorKind, Response, json, schema_of};
use engine_model::code;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Fields that the vendor's own pages spell in two ways: the stray spelling, and ours.
const STRAY_NAMES: [(&str, &str); 2] = [
    ("lastUpdateTimeUtc", "last_update_date_time_utc"),
    ("onboardingstatus", "onboarding_status"),
];

/// Reads one entity from a response.
///
/// # Errors
///
/// `invalid_output`, naming the field, when it is not what the vendor documents.
pub(crate) fn entity<T: DeserializeOwned + JsonSchema + 'static>(
    response: &Response,
) -> Result<T, ActionError> {
    typed(json(response)?)
}

/// Reads a collection from the value of a response.
///
/// # Errors
///
/// As [`entity`].
pub(crate) fn collection<T: DeserializeOwned + JsonSchema + 'static>(
    body: &mut Value,
) -> Result<Vec<T>, ActionError> {
    match body.get_mut("value").map(Value::take) {
        Some(items @ Value::Array(_)) => typed(items),
        _ => Err(unreadable("expected a list at `value`")),
    }
}

/// Reads a documented example.
pub(crate) fn example<T: DeserializeOwned + JsonSchema + 'static>(text: &str) -> T {
    let raw = serde_json::from_str(text).expect("documented examples are JSON");
    typed(raw).expect("documented examples have the documented shape")
}

/// The error of an answer that does not have the documented shape.
pub(crate) fn unreadable(what: &str) -> ActionError {
    ActionError::permanent(
        ErrorKind::InvalidOutput,
        code::AC0103,
        format!("the answer does not have the documented shape: {what}"),
    )
}

fn typed<T: DeserializeOwned + JsonSchema + 'static>(raw: Value) -> Result<T, ActionError> {
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
        if vendor_name.contains("@odata.") {
            continue;
        }
        let name = our_name(&vendor_name);
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

/// Whether a schema allows values of a JSON type; one that names no type allows all.
fn allows(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
        Some(only) => only == kind,
    }
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

/// The name playbooks use for a field of the vendor's: `computerDnsName` is `computer_dns_name`.
pub(crate) fn our_name(vendor_name: &str) -> String {
    if let Some((_, ours)) = STRAY_NAMES.iter().find(|(stray, _)| *stray == vendor_name) {
        return (*ours).to_owned();
    }
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
    use super::*;
    use crate::entities::{DefenderAlert, Machine, MachineAction};
    use serde_json::json;

    #[test]
    fn names_become_snake_case() {
        for (vendor, ours) in [
            ("id", "id"),
            ("computerDnsName", "computer_dns_name"),
            ("errorHResult", "error_h_result"),
            ("sha256", "sha256"),
            ("lastUpdateTimeUtc", "last_update_date_time_utc"),
            ("lastUpdateDateTimeUtc", "last_update_date_time_utc"),
        ] {
            assert_eq!(our_name(vendor), ours);
        }
    }

    #[test]
    fn a_field_nobody_documented_is_kept_as_it_came() {
        let machine: Machine =
            typed(json!({ "id": "d1", "managedBy": "Intune", "@odata.context": "x" })).unwrap();
        assert_eq!(
            Value::Object(machine.extra),
            json!({ "managedBy": "Intune" })
        );
    }

    #[test]
    fn a_field_of_another_shape_is_kept_and_breaks_nothing() {
        let alert: DefenderAlert = typed(json!({
            "id": "a1",
            "relatedUser": "DOMAIN\\temp123",
            "mitreTechniques": ["T1064", 7],
            "incidentId": "1126093",
            "comments": null,
        }))
        .unwrap();
        assert_eq!(alert.related_user, None);
        assert_eq!(alert.incident_id, Some(1_126_093));
        let kept = json!({ "relatedUser": "DOMAIN\\temp123", "mitreTechniques": ["T1064", 7] });
        assert_eq!(Value::Object(alert.extra), kept);
    }

    #[test]
    fn a_word_added_by_the_vendor_is_kept() {
        let action: MachineAction =
            typed(json!({ "id": "m1", "status": "Paused", "type": "Isolate" })).unwrap();
        assert_eq!(serde_json::to_value(action).unwrap()["status"], "Paused");
    }

    #[test]
    fn a_missing_id_is_named() {
        let error = typed::<Machine>(json!({ "computerDnsName": "pc" })).unwrap_err();
        assert!(
            error.message.contains("missing field `id`"),
            "{}",
            error.message
        );
        let error = typed::<Vec<Machine>>(json!([{ "id": "d1" }, { "id": 7 }])).unwrap_err();
        assert!(error.message.contains("at `[1]`"), "{}", error.message);
    }

    #[test]
    fn an_entity_reads_its_own_form_back() {
        let raw = json!({ "id": "d1", "machineTags": ["x"], "managedBy": "Intune" });
        let machine: Machine = typed(raw).unwrap();
        let ours = serde_json::to_value(&machine).unwrap();
        assert_eq!(serde_json::from_value::<Machine>(ours).unwrap(), machine);
    }
}
