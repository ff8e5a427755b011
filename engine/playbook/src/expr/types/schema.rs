//! JSON Schema to types.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Field, MapType, Type};

pub(super) fn read(schema: &Value) -> Type {
    let Some(schema) = schema.as_object() else {
        return Type::Any;
    };
    if let Some(value) = schema.get("const") {
        return Type::of(value);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Type::union(values.iter().map(Type::of));
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array) {
            return Type::union(choices.iter().map(read));
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return all_of(schema, parts);
    }
    match schema.get("type") {
        Some(Value::String(name)) => single(name, schema),
        Some(Value::Array(names)) => Type::union(
            names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| single(name, schema)),
        ),
        _ if schema.contains_key("properties") => single("object", schema),
        _ => Type::Any,
    }
}

fn single(name: &str, schema: &Map<String, Value>) -> Type {
    match name {
        "null" => Type::Null,
        "boolean" => Type::Bool,
        "integer" => Type::Int,
        "number" => Type::Number,
        "string" => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => Type::Time,
            _ => Type::Text,
        },
        "array" => Type::list_of(schema.get("items").map_or(Type::Any, read)),
        "object" => object(schema),
        _ => Type::Any,
    }
}

fn object(schema: &Map<String, Value>) -> Type {
    let required = |key: &str| {
        let keys = schema.get("required").and_then(Value::as_array);
        keys.is_some_and(|keys| keys.iter().any(|name| name == key))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let fields = properties
        .into_iter()
        .flatten()
        .map(|(key, schema)| {
            (
                key.clone(),
                Field {
                    ty: read(schema),
                    required: required(key),
                },
            )
        })
        .collect();
    let others = schema
        .get("additionalProperties")
        .or_else(|| schema.get("unevaluatedProperties"));
    let others = match others {
        Some(Value::Bool(false)) if !schema.contains_key("patternProperties") => None,
        Some(schema) => Some(read(schema)),
        None => Some(Type::Any),
    };
    Type::Map(Arc::new(MapType { fields, others }))
}

/// The parts together, where all of them are maps; a single part stands for itself.
fn all_of(schema: &Map<String, Value>, parts: &[Value]) -> Type {
    let mut types: Vec<Type> = parts.iter().map(read).collect();
    if schema.contains_key("properties") {
        types.push(single("object", schema));
    }
    if types.len() == 1 {
        return types.swap_remove(0);
    }
    let mut merged = MapType {
        others: Some(Type::Any),
        ..MapType::default()
    };
    for ty in types {
        let Type::Map(map) = ty else { return Type::Any };
        merged.fields.extend(
            map.fields
                .iter()
                .map(|(key, field)| (key.clone(), field.clone())),
        );
    }
    Type::Map(Arc::new(merged))
}
