//! Filters on lists.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::super::ops;
use super::super::value::{ELEMENT_BYTES, List, Text};
use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "first",
        summary: "The first element; missing in an empty list.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| element(input),
        writes: None,
        example: ("[3, 1] | first", "3"),
        run: |call, _| list(&call).iter().next().ok_or_else(|| empty("first")),
    },
    Filter {
        name: "last",
        summary: "The last element; missing in an empty list.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| element(input),
        writes: None,
        example: ("[3, 1] | last", "1"),
        run: |call, _| list(&call).iter().next_back().ok_or_else(|| empty("last")),
    },
    Filter {
        name: "unique",
        summary: "Each element once, where it stands first.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| same(input),
        writes: None,
        example: ("['a', 'b', 'a'] | unique", r#"["a", "b"]"#),
        run: unique,
    },
    Filter {
        name: "sort",
        summary: "Numbers or texts in order; `by` names the field to sort maps by.",
        input: Kinds::LIST,
        params: &[optional("by", Kinds::TEXT)],
        result: |input, _| same(input),
        writes: None,
        example: (
            "[{'n': 2}, {'n': 1}] | sort('n')",
            r#"[{"n": 1}, {"n": 2}]"#,
        ),
        run: sort,
    },
    Filter {
        name: "reverse",
        summary: "The elements or characters, last first.",
        input: Kinds::LIST.or(Kinds::TEXT),
        params: &[],
        result: |input, _| same(input),
        writes: None,
        example: ("[1, 2] | reverse", "[2, 1]"),
        run: |call, budget| {
            if let Val::List(items) = &call.input {
                budget.make(items.len() * ELEMENT_BYTES)?;
                return Ok(items.iter().rev().collect());
            }
            budget.make(call.text().len())?;
            Ok(call.text().chars().rev().collect::<String>().into())
        },
    },
    Filter {
        name: "flatten",
        summary: "The elements of the lists in a list; one level.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| {
            let inner = element(input);
            Type::list_of(Type::union(inner.parts().iter().map(|part| match part {
                Type::List(of) => (**of).clone(),
                other => other.clone(),
            })))
        },
        writes: None,
        example: ("[[1, 2], [3]] | flatten", "[1, 2, 3]"),
        run: flatten,
    },
    Filter {
        name: "sum",
        summary: "The sum of numbers; 0 for an empty list.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| match element(input) {
            Type::Int => Type::Int,
            _ => Type::Number,
        },
        writes: None,
        example: ("[1, 2, 3] | sum", "6"),
        run: |call, budget| {
            list(&call).iter().try_fold(Val::Int(0), |sum, item| {
                budget.elements(1)?;
                if !Kinds::NUMBER.accepts(&item) {
                    return Err(Fault::new(format!(
                        "`sum` adds numbers, found {}",
                        item.kind()
                    )));
                }
                ops::arithmetic(super::super::ast::Arithmetic::Add, &sum, &item, budget)
            })
        },
    },
    Filter {
        name: "min",
        summary: "The smallest number or text; missing in an empty list.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| element(input),
        writes: None,
        example: ("[3, 1] | min", "1"),
        run: |call, budget| extreme(&call, budget, "min", Ordering::Less),
    },
    Filter {
        name: "max",
        summary: "The largest number or text; missing in an empty list.",
        input: Kinds::LIST,
        params: &[],
        result: |input, _| element(input),
        writes: None,
        example: ("[3, 1] | max", "3"),
        run: |call, budget| extreme(&call, budget, "max", Ordering::Greater),
    },
    Filter {
        name: "batch",
        summary: "The elements in lists of at most `size`.",
        input: Kinds::LIST,
        params: &[required("size", Kinds::INT)],
        result: |input, _| Type::list_of(same(input)),
        writes: None,
        example: ("[1, 2, 3] | batch(2)", "[[1, 2], [3]]"),
        run: batch,
    },
    Filter {
        name: "group_by",
        summary: "A list of `{key, items}`, one for each value of a field, in order of appearance.",
        input: Kinds::LIST,
        params: &[required("field", Kinds::TEXT)],
        result: |input, _| {
            Type::list_of(Type::closed([("key", Type::Any), ("items", same(input))]))
        },
        writes: None,
        example: (
            "[{'os': 'w', 'n': 1}, {'os': 'w', 'n': 2}] | group_by('os')",
            r#"[{"key": "w", "items": [{"os": "w", "n": 1}, {"os": "w", "n": 2}]}]"#,
        ),
        run: group_by,
    },
];

/// The type of an element of a list type.
pub(super) fn element(list: &Type) -> Type {
    Type::union(list.parts().iter().map(|part| match part {
        Type::List(of) => (**of).clone(),
        _ => Type::Any,
    }))
}

/// The input; the kinds are checked before a filter runs.
fn list<'a>(call: &Call<'_, 'a>) -> List<'a> {
    match &call.input {
        Val::List(items) => items.clone(),
        _ => List::Ref(&[]),
    }
}

fn empty(name: &str) -> Fault {
    Fault::missing(format!("the list is empty, it has no `{name}`"))
}

/// A field of an element, by name.
fn member<'a>(item: &Val<'a>, field: &str) -> Result<Val<'a>, Fault> {
    match item {
        Val::Map(fields) => fields
            .get(field)
            .ok_or_else(|| Fault::new(format!("an element has no field `{field}`"))),
        other => Err(Fault::new(format!(
            "the elements must be maps, found {}",
            other.kind()
        ))),
    }
}

/// Equal values have equal keys and the other way round.
fn identity(value: &Val<'_>, budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    write_identity(value, &mut out, budget)?;
    Ok(out)
}

fn write_identity(value: &Val<'_>, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.elements(1)?;
    match value {
        Val::Null => out.push('n'),
        Val::Bool(value) => out.push(if *value { 't' } else { 'f' }),
        Val::Int(value) => {
            let _ = write!(out, "{value};");
        }
        // A whole float prints as the integer it equals.
        Val::Float(value) => {
            let _ = write!(out, "{value};");
        }
        Val::Text(text) => {
            budget.make(text.as_str().len())?;
            let _ = write!(out, "s{}:{}", text.as_str().len(), text.as_str());
        }
        Val::List(items) => {
            let _ = write!(out, "[{}:", items.len());
            for item in items.iter() {
                write_identity(&item, out, budget)?;
            }
        }
        Val::Map(fields) => {
            let _ = write!(out, "{{{}:", fields.len());
            for (key, value) in fields.iter() {
                write_identity(&Val::Text(key), out, budget)?;
                write_identity(&value, out, budget)?;
            }
        }
    }
    Ok(())
}

fn unique<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for item in list(&call).iter() {
        if seen.insert(identity(&item, budget)?) {
            budget.make(ELEMENT_BYTES)?;
            out.push(item);
        }
    }
    Ok(out.into_iter().collect())
}

fn sort<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let items = list(&call);
    // Comparing n elements takes about n·log n looks.
    let looks = items
        .len()
        .saturating_mul(1 + items.len().checked_ilog2().unwrap_or(0) as usize);
    budget.elements(looks)?;
    budget.make(items.len() * 2 * ELEMENT_BYTES)?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items.iter() {
        let key = match call.text_arg(0) {
            Some(field) => member(&item, field)?,
            None => item.clone(),
        };
        budget.read(key.as_str().map_or(0, str::len))?;
        if let Some((first, _)) = keyed.first()
            && ops::order(first, &key).is_none()
        {
            return Err(Fault::new(format!(
                "`sort` orders numbers or texts, found {} and {}",
                first.kind(),
                key.kind()
            )));
        }
        if !Kinds::NUMBER.or(Kinds::TEXT).accepts(&key) {
            return Err(Fault::new(format!("`sort` cannot order {}", key.kind())));
        }
        keyed.push((key, item));
    }
    keyed.sort_by(|(a, _), (b, _)| ops::order(a, b).unwrap_or(Ordering::Equal));
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

fn flatten<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let mut out = Vec::new();
    for item in list(&call).iter() {
        match item {
            Val::List(inner) => {
                budget.make(inner.len() * ELEMENT_BYTES)?;
                out.extend(inner.iter());
            }
            other => {
                budget.make(ELEMENT_BYTES)?;
                out.push(other);
            }
        }
    }
    Ok(out.into_iter().collect())
}

fn extreme<'a>(
    call: &Call<'_, 'a>,
    budget: &mut Budget,
    name: &str,
    wanted: Ordering,
) -> Result<Val<'a>, Fault> {
    let items = list(call);
    let mut items = items.iter();
    let mut best = items.next().ok_or_else(|| empty(name))?;
    if !Kinds::NUMBER.or(Kinds::TEXT).accepts(&best) {
        return Err(Fault::new(format!(
            "`{name}` compares numbers or texts, found {}",
            best.kind()
        )));
    }
    for item in items {
        budget.elements(1)?;
        budget.read(item.as_str().map_or(0, str::len))?;
        let order = ops::order(&item, &best).ok_or_else(|| {
            let (best, item) = (best.kind(), item.kind());
            Fault::new(format!(
                "`{name}` compares numbers or texts, found {best} and {item}"
            ))
        })?;
        if order == wanted {
            best = item;
        }
    }
    Ok(best)
}

fn batch<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let size = call.int_arg(0)?.and_then(|size| usize::try_from(size).ok());
    let Some(size) = size.filter(|size| *size > 0) else {
        return Err(Fault::new("`batch` needs a size of at least 1"));
    };
    let items = list(&call);
    budget.make(items.len() * 2 * ELEMENT_BYTES)?;
    let starts = (0..items.len()).step_by(size);
    Ok(starts
        .map(|start| -> Val<'a> {
            let end = start.saturating_add(size).min(items.len());
            (start..end).filter_map(|index| items.get(index)).collect()
        })
        .collect())
}

fn group_by<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let field = call.text_arg(0).unwrap_or_default();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<(Val<'a>, Vec<Val<'a>>)> = Vec::new();
    for item in list(&call).iter() {
        let key = member(&item, field)?;
        budget.make(2 * ELEMENT_BYTES)?;
        let place = *places.entry(identity(&key, budget)?).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(item);
    }
    budget.make(groups.len() * 3 * ELEMENT_BYTES)?;
    Ok(groups
        .into_iter()
        .map(|(key, items)| -> Val<'a> {
            let items = items.into_iter().collect();
            [(Text::Ref("key"), key), (Text::Ref("items"), items)]
                .into_iter()
                .collect()
        })
        .collect())
}
