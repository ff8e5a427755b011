//! The differences that are meant: what a line asks, and what the alert has there.

use engine_trigger_oracle::Said;
use serde_json::Value;

use crate::alerts::reached;
use crate::lines::Line;

/// Why the two engines may differ on this line; none where they must not.
pub(crate) fn explained(line: &Line, raw: &Value, said: Said) -> Option<&'static str> {
    let has = |modifier: &str| line.key.split('|').skip(1).any(|name| name == modifier);
    let mut found: Vec<&Value> = reached(raw, line.path);
    let holds_lists = found.iter().any(|value| value.is_array());
    let whole = found.clone();
    found = found
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        })
        .collect();
    let wanted: Vec<&Value> = match &line.value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    if has("neq") && found.is_empty() && said.ours {
        return Some("a field that is not there is not equal to anything: `neq` holds");
    }
    if has("exists") && holds_lists && found.iter().all(|value| value.is_null()) {
        return Some("a list without a value in it is a field without a value");
    }
    if wanted.iter().any(|value| value.is_null())
        && (wanted.len() > 1 || whole.len() > 1 || holds_lists)
    {
        return Some(
            "`null` in a list of values, or among the members of a list, is looked for too",
        );
    }
    if wanted.iter().any(|value| value.is_boolean())
        && !has("exists")
        && found.iter().any(|value| !value.is_boolean())
    {
        return Some("`true` is not written `1` or `yes`, and a text that says `true` is one");
    }
    if has("fieldref") && fieldref_of_lists_or_nothing(raw, &found, holds_lists) {
        return Some("`fieldref` compares texts, member by member, and never nothing with nothing");
    }
    if has("expand")
        && !reached(raw, "user.name")
            .first()
            .is_some_and(|name| name.is_string())
    {
        return Some("`expand` takes the first text of a list, and of a number its text");
    }
    if has("windash")
        && wanted
            .iter()
            .filter_map(|value| value.as_str())
            .any(odd_dash)
    {
        return Some("`windash` is about dashes and slashes that begin an option, and no others");
    }
    // Of one or two letters nothing else is left at some offsets.
    let short = |value: &&Value| value.as_str().is_some_and(|text| text.len() < 3);
    if has("base64offset") && (said.ours || wanted.iter().any(|value| short(value))) {
        return Some(
            "`base64offset` leaves out the last character where it depends on what follows",
        );
    }
    if has_wildcard(&wanted) && found.iter().any(|value| of_several_lines(value)) {
        return Some("`*` and `?` stand for a line break as well");
    }
    let time = ["minute", "hour", "day", "week", "month", "year"];
    let digits = |value: &&Value| {
        value
            .as_str()
            .is_some_and(|text| text.parse::<i64>().is_ok())
    };
    if time.iter().any(|part| has(part)) && found.iter().any(digits) {
        return Some("seconds since 1970 are read from a text as well");
    }
    None
}

fn fieldref_of_lists_or_nothing(raw: &Value, found: &[&Value], holds_lists: bool) -> bool {
    let other = reached(raw, "user.name");
    let text = |value: &&Value| value.is_string();
    holds_lists || !other.iter().all(text) || !found.iter().all(text)
}

/// Whether the other engine, which replaces every dash and no slash, sees another option.
fn odd_dash(value: &str) -> bool {
    let dashes = value.matches('-').count();
    let begins = value.trim_start().starts_with('-');
    value.contains('/') || dashes != usize::from(begins)
}

fn has_wildcard(wanted: &[&Value]) -> bool {
    wanted
        .iter()
        .filter_map(|value| value.as_str())
        .any(|text| {
            text.replace("\\*", "")
                .replace("\\?", "")
                .contains(['*', '?'])
        })
}

fn of_several_lines(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('\n'))
}
