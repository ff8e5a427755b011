//! Filters on text. Length and positions count characters.

use super::super::value::{ELEMENT_BYTES, Text};
use super::*;

/// Characters the largest lower or upper case of one byte may take.
const CASE_GROWTH: usize = 3;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "lower",
        summary: "Text in lower case.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'WS-1' | lower", r#""ws-1""#),
        run: |call, budget| {
            budget.make(call.text().len() * CASE_GROWTH)?;
            Ok(call.text().to_lowercase().into())
        },
    },
    Filter {
        name: "upper",
        summary: "Text in upper case.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'ws-1' | upper", r#""WS-1""#),
        run: |call, budget| {
            budget.make(call.text().len() * CASE_GROWTH)?;
            Ok(call.text().to_uppercase().into())
        },
    },
    Filter {
        name: "trim",
        summary: "Text without white space at both ends.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("' ws-1 ' | trim", r#""ws-1""#),
        run: |call, budget| {
            budget.make(call.text().len())?;
            Ok(part(&call.input, str::trim))
        },
    },
    Filter {
        name: "replace",
        summary: "Text with every `old` replaced by `new`.",
        input: Kinds::TEXT,
        params: &[required("old", Kinds::TEXT), required("new", Kinds::TEXT)],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'a.b' | replace('.', '-')", r#""a-b""#),
        run: replace,
    },
    Filter {
        name: "split",
        summary: "The parts between separators; without one, the words between white space.",
        input: Kinds::TEXT,
        params: &[optional("separator", Kinds::TEXT)],
        result: |_, _| Type::list_of(Type::Text),
        writes: None,
        example: ("'a,b' | split(',')", r#"["a", "b"]"#),
        run: split,
    },
    Filter {
        name: "join",
        summary: "The elements as one text, with a separator between them.",
        input: Kinds::LIST,
        params: &[optional("separator", Kinds::TEXT)],
        result: |_, _| Type::Text,
        writes: None,
        example: ("['a', 1] | join(', ')", r#""a, 1""#),
        run: join,
    },
    Filter {
        name: "length",
        summary: "How many characters, elements or fields.",
        input: Kinds::TEXT.or(Kinds::LIST).or(Kinds::MAP),
        params: &[],
        result: |_, _| Type::Int,
        writes: None,
        example: ("['a', 'b'] | length", "2"),
        run: length,
    },
    Filter {
        name: "slice",
        summary: "The part from `start` up to, not including, `end`; negative: from the end.",
        input: Kinds::TEXT.or(Kinds::LIST),
        params: &[required("start", Kinds::INT), optional("end", Kinds::INT)],
        result: |input, _| same(input),
        writes: None,
        example: ("'abcd' | slice(1, 3)", r#""bc""#),
        run: slice,
    },
    Filter {
        name: "truncate",
        summary: "At most `length` characters, the last one `…` where something was cut.",
        input: Kinds::TEXT,
        params: &[required("length", Kinds::INT)],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'abcdef' | truncate(4)", r#""abc…""#),
        run: truncate,
    },
    Filter {
        name: "startswith",
        summary: "Whether the text begins so.",
        input: Kinds::TEXT,
        params: &[required("start", Kinds::TEXT)],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'dc01' | startswith('dc')", "true"),
        run: |call, _| {
            Ok(Val::Bool(
                call.text()
                    .starts_with(call.text_arg(0).unwrap_or_default()),
            ))
        },
    },
    Filter {
        name: "endswith",
        summary: "Whether the text ends so.",
        input: Kinds::TEXT,
        params: &[required("end", Kinds::TEXT)],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'a.exe' | endswith('.exe')", "true"),
        run: |call, _| {
            Ok(Val::Bool(
                call.text().ends_with(call.text_arg(0).unwrap_or_default()),
            ))
        },
    },
    Filter {
        name: "contains",
        summary: "Whether a text contains a text, or a list an element.",
        input: Kinds::TEXT.or(Kinds::LIST),
        params: &[required("part", Kinds::ANY)],
        result: |_, _| Type::Bool,
        writes: None,
        example: ("'mimikatz.exe' | contains('katz')", "true"),
        run: |call, budget| {
            super::super::ops::contains(&call.input, &call.args[0], budget).map(Val::Bool)
        },
    },
    Filter {
        name: "matches",
        summary: "Whether a regular expression is found in the text; `(?i)` ignores case.",
        input: Kinds::TEXT,
        params: &[pattern("pattern")],
        result: |_, _| Type::Bool,
        writes: None,
        example: (r"'WS-17' | matches('^WS-\d+$')", "true"),
        run: |call, budget| {
            let found = with_pattern(&call, budget, |regex, text| regex.is_match(text))?;
            Ok(Val::Bool(found))
        },
    },
    Filter {
        name: "extract",
        summary: "The first group of a regular expression, or the whole match; \
                  missing when nothing is found.",
        input: Kinds::TEXT,
        params: &[pattern("pattern")],
        result: |_, _| Type::Text,
        writes: None,
        example: (r"'case INC-42 closed' | extract('INC-(\d+)')", r#""42""#),
        run: extract,
    },
];

fn part<'a>(input: &Val<'a>, cut: impl Fn(&str) -> &str) -> Val<'a> {
    match input {
        Val::Text(text) => Val::Text(text.part(cut)),
        other => other.clone(),
    }
}

fn replace<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let (text, old) = (call.text(), call.text_arg(0).unwrap_or_default());
    let new = call.text_arg(1).unwrap_or_default();
    if old.is_empty() {
        return Err(Fault::new(
            "`replace` needs a text to replace, found an empty one",
        ));
    }
    budget.read(text.len())?;
    let count = text.matches(old).count();
    if count == 0 {
        return Ok(call.input);
    }
    budget
        .make((text.len() - count * old.len()).saturating_add(count.saturating_mul(new.len())))?;
    Ok(text.replace(old, new).into())
}

fn split<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let Val::Text(text) = &call.input else {
        return Ok(call.input);
    };
    let separator = call.text_arg(0);
    if separator == Some("") {
        return Err(Fault::new("`split` needs a separator, found an empty one"));
    }
    budget.read(text.as_str().len())?;
    let count = parts(text.as_str(), separator).count();
    budget.make(
        text.as_str()
            .len()
            .saturating_add(count.saturating_mul(ELEMENT_BYTES)),
    )?;
    Ok(match text {
        Text::Ref(text) => parts(text, separator)
            .map(|part| Val::Text(Text::Ref(part)))
            .collect(),
        Text::Own(text) => parts(text, separator)
            .map(|part| Val::Text(Text::Own(part.into())))
            .collect(),
    })
}

fn parts<'t: 's, 's>(
    text: &'t str,
    separator: Option<&'s str>,
) -> Box<dyn Iterator<Item = &'t str> + 's> {
    match separator {
        Some(separator) => Box::new(text.split(separator)),
        None => Box::new(text.split_whitespace()),
    }
}

fn join<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let Val::List(items) = &call.input else {
        return Ok(call.input);
    };
    let separator = call.text_arg(0).unwrap_or_default();
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        budget.elements(1)?;
        let Some(text) = item.scalar_text() else {
            let kind = item.kind();
            return Err(Fault::new(format!(
                "`join` joins texts and numbers, found {kind}"
            )));
        };
        let separator = if index == 0 { "" } else { separator };
        budget.make(separator.len() + text.as_str().len())?;
        out.push_str(separator);
        out.push_str(text.as_str());
    }
    Ok(out.into())
}

fn length<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    Ok(Val::from(match &call.input {
        Val::List(items) => items.len(),
        Val::Map(fields) => fields.len(),
        _ => {
            budget.read(call.text().len())?;
            call.text().chars().count()
        }
    }))
}

fn slice<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let (start, end) = (call.int_arg(0)?.unwrap_or(0), call.int_arg(1)?);
    let range = |length: usize| {
        let from_end = |at: i64| match usize::try_from(at) {
            Ok(at) => at.min(length),
            Err(_) => {
                length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX))
            }
        };
        let (start, end) = (from_end(start), end.map_or(length, from_end));
        start..end.max(start)
    };
    if let Val::List(items) = &call.input {
        let range = range(items.len());
        budget.make(range.len() * ELEMENT_BYTES)?;
        return Ok(range.filter_map(|index| items.get(index)).collect());
    }
    budget.make(call.text().len())?;
    let range = range(call.text().chars().count());
    let byte = |at: usize| {
        let text = call.text();
        text.char_indices()
            .nth(at)
            .map_or(text.len(), |(byte, _)| byte)
    };
    let (start, end) = (byte(range.start), byte(range.end));
    Ok(part(&call.input, |whole| &whole[start..end]))
}

fn truncate<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let length = call
        .int_arg(0)?
        .and_then(|length| usize::try_from(length).ok());
    let Some(length) = length.filter(|length| *length > 0) else {
        return Err(Fault::new("`truncate` needs a length of at least 1"));
    };
    let text = call.text();
    budget.make(text.len() + '…'.len_utf8())?;
    if text.chars().nth(length).is_none() {
        return Ok(call.input);
    }
    let end = text
        .char_indices()
        .nth(length - 1)
        .map_or(text.len(), |(byte, _)| byte);
    Ok(format!("{}…", &text[..end]).into())
}

/// What compiling a pattern that is not a constant costs.
const COMPILE_OPERATIONS: u32 = 500;

fn with_pattern<T>(
    call: &Call<'_, '_>,
    budget: &mut Budget,
    find: impl FnOnce(&Regex, &str) -> T,
) -> Result<T, Fault> {
    budget.search(call.text().len())?;
    if let Some(regex) = call.regex {
        return Ok(find(regex, call.text()));
    }
    budget.operations(COMPILE_OPERATIONS)?;
    let regex = compile_pattern(call.text_arg(0).unwrap_or_default()).map_err(Fault::new)?;
    Ok(find(&regex, call.text()))
}

fn extract<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let found = with_pattern(&call, budget, |regex, text| {
        let captures = regex.captures(text)?;
        captures
            .get(1)
            .or_else(|| captures.get(0))
            .map(|found| found.range())
    })?;
    let Some(range) = found else {
        return Err(Fault::missing("`extract` finds nothing"));
    };
    budget.make(range.len())?;
    Ok(part(&call.input, |whole| &whole[range.clone()]))
}
