//! The marks of a parameter's schema: its language, whether it is a secret.

use serde_json::Value;

/// The value of a mark such as `x-language`, on the schema or on one of its branches.
pub(super) fn mark<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema
        .get(name)
        .or_else(|| branches(schema).find_map(|branch| branch.get(name)))
}

/// The schema of a field of a map.
pub(super) fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let own = |schema: &'a Value| {
        schema
            .get("properties")
            .and_then(|fields| fields.get(name))
            .or_else(|| {
                schema
                    .get("additionalProperties")
                    .filter(|others| others.is_object())
            })
    };
    own(schema).or_else(|| branches(schema).find_map(own))
}

/// The schema of the members of a list.
pub(super) fn items(schema: &Value) -> Option<&Value> {
    schema
        .get("items")
        .or_else(|| branches(schema).find_map(|branch| branch.get("items")))
}

fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}
