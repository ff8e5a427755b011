//! The JSON Schema of playbooks, for editors: derived from the structs of the syntax and from the
//! actions at hand.

use std::sync::{Arc, LazyLock};

use actions_contract::ActionInfo;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use crate::syntax::Playbook;

/// What a text that holds an expression looks like.
const EXPRESSION: &str = r"\$\{\{";

/// The keys that say what a step does, and those that say what a trigger waits for.
const KINDS: [(&str, &[&str]); 2] = [
    (
        "Step",
        &[
            "uses", "playbook", "steps", "parallel", "switch", "approve", "wait", "set", "stop",
            "fail",
        ],
    ),
    ("Trigger", &["alert", "schedule", "manual"]),
];

/// The JSON Schema (2020-12) of playbooks that may use these actions.
///
/// Under `uses` it completes the actions, under `with` the parameters of the one that was chosen;
/// a text that holds `${{ }}` may stand for a parameter of any type.
#[must_use]
pub fn playbook_schema(actions: &[Arc<ActionInfo>]) -> Value {
    let mut schema = schemars::Schema::try_from(language().clone()).unwrap_or_default();
    RecursiveTransform(allow_extensions).transform(&mut schema);
    let mut schema = Value::from(schema);
    schema["title"] = json!("Quell playbook");
    for (name, kinds) in KINDS {
        let one: Vec<Value> = kinds
            .iter()
            .map(|kind| match *kind {
                // Beside `playbook` it says whether that one is waited for.
                "wait" => json!({ "required": [kind], "not": { "required": ["playbook"] } }),
                kind => json!({ "required": [kind] }),
            })
            .collect();
        schema["$defs"][name]["oneOf"] = Value::Array(one);
    }
    let step = &mut schema["$defs"]["Step"];
    let known = actions.iter().flat_map(|info| {
        let description = format!("{}\n\n{}", info.title, info.description);
        let major = format!("{}@{}", info.id, info.major);
        let plain = json!({ "const": info.id, "description": description.trim() });
        [
            plain,
            json!({ "const": major, "description": description.trim() }),
        ]
    });
    step["properties"]["uses"]["anyOf"] = known.collect();
    step["allOf"] = actions.iter().map(|info| of_action(info)).collect();
    schema
}

/// The parameters of a step that uses this action.
fn of_action(info: &ActionInfo) -> Value {
    let names = [info.id.to_string(), format!("{}@{}", info.id, info.major)];
    let mut then = json!({ "properties": { "with": loosened(&info.parameters) } });
    let required = info.parameters.get("required").and_then(Value::as_array);
    if required.is_some_and(|required| !required.is_empty()) {
        then["required"] = json!(["with"]);
    }
    json!({
        "if": { "properties": { "uses": { "enum": names } }, "required": ["uses"] },
        "then": then,
    })
}

/// The schema, where an expression may stand for every value but the outermost.
fn loosened(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(inner)) => Value::Object(
                inner
                    .iter()
                    .map(|(name, schema)| (name.clone(), or_expression(schema)))
                    .collect(),
            ),
            ("items" | "additionalProperties", Value::Object(_)) => or_expression(value),
            ("anyOf" | "oneOf" | "allOf", Value::Array(branches)) => {
                branches.iter().map(loosened).collect()
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}

/// The schema or a text that holds an expression; what describes the value stays outside.
fn or_expression(schema: &Value) -> Value {
    let mut inner = loosened(schema);
    let secret = schema.get("x-secret").is_some();
    let pattern = if secret {
        r"^\$\{\{ *secrets\.[A-Za-z0-9_-]+ *\}\}$"
    } else {
        EXPRESSION
    };
    let expression = json!({ "type": "string", "pattern": pattern });
    let description = inner
        .as_object_mut()
        .and_then(|inner| inner.remove("description"));
    let mut out = match secret {
        true => expression,
        false if inner.as_object().is_none_or(Map::is_empty) => json!({}),
        false => json!({ "anyOf": [inner, expression] }),
    };
    if let Some(description) = description {
        out["description"] = description;
    }
    out
}

/// The schema of the language, actions left open.
pub(crate) fn language() -> &'static Value {
    static LANGUAGE: LazyLock<Value> = LazyLock::new(generate);
    &LANGUAGE
}

fn generate() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Playbook>();
    RecursiveTransform(refuse_null).transform(&mut schema);
    schema.into()
}

/// An optional key may be left out; written without a value it is a mistake.
fn refuse_null(schema: &mut schemars::Schema) {
    if let Some(Value::Array(names)) = schema.get_mut("type") {
        names.retain(|name| name != "null");
        if let [only] = names.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(branches)) = schema.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
    let [only] = branches.as_slice() else { return };
    let only = only.as_object().cloned().unwrap_or_default();
    schema.remove("anyOf");
    for (key, value) in only {
        if schema.get(&key).is_none() {
            schema.insert(key, value);
        }
    }
}

/// Keys that start with `x-` are everybody's, in every map of the language.
fn allow_extensions(schema: &mut schemars::Schema) {
    if schema.get("properties").is_some() {
        schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    }
}
