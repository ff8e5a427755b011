//! Filters on maps.

use std::rc::Rc;

use super::super::value::{Dict, ELEMENT_BYTES, Text};
use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "keys",
        summary: "The keys, sorted.",
        input: Kinds::MAP,
        params: &[],
        result: |_, _| Type::list_of(Type::Text),
        writes: None,
        example: ("{'b': 1, 'a': 2} | keys", r#"["a", "b"]"#),
        run: |call, budget| {
            budget.make(dict(&call).len() * ELEMENT_BYTES)?;
            Ok(dict(&call).iter().map(|(key, _)| Val::Text(key)).collect())
        },
    },
    Filter {
        name: "values",
        summary: "The values, sorted by key.",
        input: Kinds::MAP,
        params: &[],
        result: |input, _| Type::list_of(value(input)),
        writes: None,
        example: ("{'b': 1, 'a': 2} | values", "[2, 1]"),
        run: |call, budget| {
            budget.make(dict(&call).len() * ELEMENT_BYTES)?;
            Ok(dict(&call).iter().map(|(_, value)| value).collect())
        },
    },
    Filter {
        name: "items",
        summary: "A list of `{key, value}`, sorted by key.",
        input: Kinds::MAP,
        params: &[],
        result: |input, _| {
            Type::list_of(Type::closed([("key", Type::Text), ("value", value(input))]))
        },
        writes: None,
        example: ("{'a': 2} | items", r#"[{"key": "a", "value": 2}]"#),
        run: |call, budget| {
            budget.make(dict(&call).len() * 4 * ELEMENT_BYTES)?;
            Ok(dict(&call)
                .iter()
                .map(|(key, value)| -> Val<'_> {
                    let pairs = [
                        (Text::Ref("key"), Val::Text(key)),
                        (Text::Ref("value"), value),
                    ];
                    pairs.into_iter().collect()
                })
                .collect())
        },
    },
    Filter {
        name: "merge",
        summary: "Both maps in one; where both have a key, `other` wins.",
        input: Kinds::MAP,
        params: &[required("other", Kinds::MAP)],
        result: |_, _| Type::map_of(Type::Any),
        writes: None,
        example: ("{'a': 1, 'b': 1} | merge({'b': 2})", r#"{"a": 1, "b": 2}"#),
        run: |call, budget| {
            let other = match &call.args[0] {
                Val::Map(fields) => fields,
                _ => return Ok(call.input),
            };
            let fields = dict(&call);
            budget.make((fields.len() + other.len()) * 2 * ELEMENT_BYTES)?;
            Ok(fields.iter().chain(other.iter()).collect())
        },
    },
    Filter {
        name: "get",
        summary: "The value at a dotted path such as `'a.b.0'`; missing when it is not there.",
        input: Kinds::MAP.or(Kinds::LIST),
        params: &[required("path", Kinds::TEXT)],
        result: |_, _| Type::Any,
        writes: None,
        example: ("{'a': {'b': [7]}} | get('a.b.0')", "7"),
        run: get,
    },
];

/// The input; the kinds are checked before a filter runs.
fn dict<'a>(call: &Call<'_, 'a>) -> Dict<'a> {
    match &call.input {
        Val::Map(fields) => fields.clone(),
        _ => Dict::Own(Rc::default()),
    }
}

/// The type of the values of a map type.
fn value(map: &Type) -> Type {
    match map {
        Type::Map(map) => {
            let fields = map.fields.values().map(|field| field.ty.clone());
            Type::union(fields.chain(map.others.clone()))
        }
        _ => Type::Any,
    }
}

fn get<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let path = call.text_arg(0).unwrap_or_default();
    let mut at = call.input.clone();
    for key in path.split('.') {
        budget.elements(1)?;
        let next = match &at {
            Val::Map(fields) => fields.get(key),
            Val::List(items) => key.parse().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        at = next.ok_or_else(|| Fault::missing(format!("nothing at `{key}` of the path")))?;
    }
    Ok(at)
}
