//! Filters that turn one type into another; the only way to do so.

use super::super::export::export;
use super::super::value::{ELEMENT_BYTES, Text};
use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "string",
        summary: "A number or boolean as text.",
        input: Kinds::SCALAR,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("5 | string", r#""5""#),
        run: |call, budget| {
            budget.make(32)?;
            Ok(call.input.scalar_text().map_or(call.input, Val::Text))
        },
    },
    Filter {
        name: "int",
        summary: "A text, number or boolean as integer; the fraction is cut.",
        input: Kinds::SCALAR,
        params: &[],
        result: |_, _| Type::Int,
        writes: None,
        example: ("'42' | int", "42"),
        run: |call, _| int(&call.input),
    },
    Filter {
        name: "float",
        summary: "A text or integer as number.",
        input: Kinds::TEXT.or(Kinds::NUMBER),
        params: &[],
        result: |_, _| Type::Number,
        writes: None,
        example: ("'1.5' | float", "1.5"),
        run: |call, _| float(&call.input),
    },
    Filter {
        name: "bool",
        summary: "The texts `true` and `false` as boolean.",
        input: Kinds::TEXT.or(Kinds::BOOL),
        params: &[],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'true' | bool", "true"),
        run: |call, _| match call.input.as_str() {
            None => Ok(call.input),
            Some("true") => Ok(Val::Bool(true)),
            Some("false") => Ok(Val::Bool(false)),
            Some(_) => Err(Fault::new("`bool` reads only `true` and `false`")),
        },
    },
    Filter {
        name: "json",
        summary: "Any value as JSON text, keys sorted.",
        input: Kinds::ANY,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("{'a': [1, none]} | json", r#""{\"a\":[1,null]}""#),
        run: |call, budget| {
            let text = export(&call.input)?.to_string();
            budget.make(text.len())?;
            Ok(text.into())
        },
    },
    Filter {
        name: "parse_json",
        summary: "The value of a JSON text.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Any,
        writes: None,
        example: (r#"'{"a": 1}' | parse_json"#, r#"{"a": 1}"#),
        run: parse_json,
    },
    Filter {
        name: "default",
        summary: "The value, or `value` where it is missing or null.",
        input: Kinds::ANY,
        params: &[required("value", Kinds::ANY)],
        result: |input, args| {
            let fallback = args.first().cloned().unwrap_or_default();
            Type::union([input.without_null(), fallback])
        },
        writes: None,
        example: ("none | default(0)", "0"),
        run: |call, _| match call.input {
            Val::Null => Ok(call.args[0].clone()),
            value => Ok(value),
        },
    },
];

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is cut on purpose"
)]
fn int<'a>(input: &Val<'a>) -> Result<Val<'a>, Fault> {
    match input {
        Val::Int(value) => Val::int(Some(*value)),
        Val::Bool(value) => Ok(Val::Int(i128::from(*value))),
        Val::Float(value) => Val::int(Some(value.trunc() as i128)),
        other => {
            let read = other
                .as_str()
                .and_then(|text| text.trim().parse::<i64>().ok());
            read.map(|value| Val::Int(value.into()))
                .ok_or_else(|| Fault::new("`int` cannot read the text as an integer"))
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "as in Python: a large integer is rounded"
)]
fn float<'a>(input: &Val<'a>) -> Result<Val<'a>, Fault> {
    match input {
        Val::Float(_) => Ok(input.clone()),
        Val::Int(value) => Val::float(*value as f64),
        other => {
            let read = other
                .as_str()
                .and_then(|text| text.trim().parse::<f64>().ok());
            Val::float(read.unwrap_or(f64::NAN))
                .map_err(|_| Fault::new("`float` cannot read the text as a number"))
        }
    }
}

fn parse_json<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let text = call.text();
    let elements = text
        .bytes()
        .filter(|byte| matches!(byte, b',' | b'[' | b'{'))
        .count();
    budget.make(
        text.len()
            .saturating_add(elements.saturating_mul(ELEMENT_BYTES)),
    )?;
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| Fault::new(format!("`parse_json` cannot read the text: {error}")))?;
    Ok(value.into())
}

/// Used by other filters that write values into text.
pub(super) fn cell_text(value: &Val<'_>) -> Result<String, Fault> {
    match value.scalar_text() {
        Some(Text::Ref(text)) => Ok(text.to_owned()),
        Some(Text::Own(text)) => Ok(text.to_string()),
        None if matches!(value, Val::Null) => Ok(String::new()),
        None => Ok(export(value)?.to_string()),
    }
}
