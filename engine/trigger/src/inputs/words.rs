//! The words of JSON Schema that inputs may use, and the types the language adds to them.

use engine_model::{Millis, Timestamp};
use serde_json::{Number, Value};

use super::InputProblem;
use crate::problem::either;

/// Adds every way in which `value` is outside `schema`.
pub(super) fn check(schema: &Value, value: &Value, path: &str, problems: &mut Vec<InputProblem>) {
    let mut wrong = |message: String| {
        problems.push(InputProblem {
            path: path.to_owned(),
            message,
        });
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is_of_type(name, value)) {
        wrong(format!(
            "must be {}, found {}",
            either(&types),
            found(value)
        ));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|one| same(one, value))
    {
        let allowed: Vec<String> = allowed.iter().map(found).collect();
        wrong(format!(
            "must be {}, found {}",
            either(&allowed),
            found(value)
        ));
    }
    match value {
        Value::String(text) => self::text(schema, text, &mut wrong),
        Value::Number(number) => self::number(schema, number, &mut wrong),
        Value::Array(items) => {
            length(
                schema,
                ["minItems", "maxItems"],
                items.len(),
                "items",
                &mut wrong,
            );
            for (index, item) in items.iter().enumerate() {
                check(
                    &schema["items"],
                    item,
                    &format!("{path}[{index}]"),
                    problems,
                );
            }
        }
        Value::Object(_) => object(schema, value, path, problems),
        Value::Null | Value::Bool(_) => {}
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "string" | "duration" | "time" => value.is_string(),
        "integer" => value.as_number().is_some_and(is_whole),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        // An entity is whatever its resolver takes: an id, or the object itself.
        _ => true,
    }
}

fn is_whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

/// JSON Schema compares numbers by value: `7.0` is `7`.
fn same(one: &Value, other: &Value) -> bool {
    one == other
        || matches!((one, other), (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64())
}

fn text(schema: &Value, text: &str, wrong: &mut impl FnMut(String)) {
    length(
        schema,
        ["minLength", "maxLength"],
        text.chars().count(),
        "characters",
        wrong,
    );
    if let Some(pattern) = schema["pattern"].as_str() {
        match regex::Regex::new(pattern) {
            Ok(regex) if regex.is_match(text) => {}
            Ok(_) => wrong(format!("must match `{pattern}`, found `{text}`")),
            Err(_) => wrong(format!("has a pattern that cannot be read: `{pattern}`")),
        }
    }
    let word = schema["format"].as_str().or(schema["type"].as_str());
    let problem = match word {
        Some("duration") => text.parse::<Millis>().err(),
        Some("time" | "date-time") => text.parse::<Timestamp>().err(),
        _ => None,
    };
    if let Some(problem) = problem {
        wrong(format!("cannot be read: {problem}"));
    }
}

fn number(schema: &Value, number: &Number, wrong: &mut impl FnMut(String)) {
    let Some(value) = number.as_f64() else { return };
    let bound = |word: &str| schema[word].as_f64().map(|bound| (bound, &schema[word]));
    if let Some((_, min)) = bound("minimum").filter(|(min, _)| value < *min) {
        wrong(format!("must be at least {min}, found {number}"));
    }
    if let Some((_, max)) = bound("maximum").filter(|(max, _)| value > *max) {
        wrong(format!("must be at most {max}, found {number}"));
    }
}

fn length(
    schema: &Value,
    [min, max]: [&str; 2],
    length: usize,
    of: &str,
    wrong: &mut impl FnMut(String),
) {
    let bound = |word: &str| {
        schema[word]
            .as_u64()
            .and_then(|bound| usize::try_from(bound).ok())
    };
    if let Some(min) = bound(min).filter(|min| length < *min) {
        wrong(format!("must have at least {min} {of}, found {length}"));
    }
    if let Some(max) = bound(max).filter(|max| length > *max) {
        wrong(format!("must have at most {max} {of}, found {length}"));
    }
}

fn object(schema: &Value, value: &Value, path: &str, problems: &mut Vec<InputProblem>) {
    let Some(fields) = value.as_object() else {
        return;
    };
    let mut wrong = |name: &str, message: &str| {
        let message = message.to_owned();
        problems.push(InputProblem {
            path: format!("{path}.{name}"),
            message,
        });
    };
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !fields.contains_key(name) {
            wrong(name, "is required");
        }
    }
    let properties = schema["properties"].as_object();
    if schema["additionalProperties"] == Value::Bool(false) {
        let known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
        for name in fields.keys().filter(|name| !known(name)) {
            wrong(name, "is not a known field");
        }
    }
    for (name, schema) in properties.into_iter().flatten() {
        if let Some(value) = fields.get(name) {
            check(schema, value, &format!("{path}.{name}"), problems);
        }
    }
}

/// A value as messages show it.
fn found(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", text.chars().take(80).collect::<String>()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        other => format!("`{other}`"),
    }
}
