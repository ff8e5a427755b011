//! From a value of a match line to what matches it.

use engine_playbook::plan::FieldMatch;
use regex::RegexBuilder;
use regex_syntax::ParserBuilder;
use serde_json::Value;

use crate::compile::{Scope, problem};
use crate::encoding;
use crate::literal;
use crate::modifier::{Compare, Family, Modifier, Modifiers};
use crate::net::Net;
use crate::number::Number;
use crate::path::{Field, FieldId};
use crate::pattern::{self, Part, Pattern};
use crate::problem::Problem;
use crate::test::{Matcher, Piece, Place};

/// The largest compiled regular expression.
const REGEX_SIZE_BYTES_MAX: usize = 1 << 20;

/// What one value of the line may be matched by, any of them being enough.
pub(crate) fn matchers(
    line: &FieldMatch,
    modifiers: &Modifiers,
    value: &Value,
    scope: &mut Scope<'_>,
) -> Result<Vec<Matcher>, Problem> {
    let one = |matcher: Matcher| Ok(vec![matcher]);
    match modifiers.family {
        Some(Family::Regex) => one(regex(line, modifiers, value)?),
        Some(Family::Net) => {
            let text = plain_text(line, value)?;
            one(Matcher::Net(Net::read(text).map_err(|help| {
                problem(line, format!("`{text}` is not a network")).with_help(help)
            })?))
        }
        Some(Family::Number) => one(number(line, modifiers, value)?),
        Some(Family::Field) => {
            let text = plain_text(line, value)?;
            let other = named(line, text, scope)?;
            let (place, cased) = (place(modifiers), modifiers.has(Modifier::Cased));
            one(Matcher::Field {
                other,
                place,
                cased,
            })
        }
        Some(Family::Presence) => Ok(Vec::new()),
        Some(Family::Text) if modifiers.has(Modifier::Expand) => {
            one(expand(line, modifiers, value, scope)?)
        }
        Some(Family::Text) => texts(line, modifiers, value),
        None if line.field.is_empty() => texts(line, modifiers, value),
        None => match value.as_number().and_then(Number::of) {
            Some(value) => one(Matcher::Number {
                part: None,
                compare: Compare::Equal,
                value,
            }),
            None => texts(line, modifiers, value),
        },
    }
}

/// Refuses a pattern that could cost too much on a large text.
fn check_cost(line: &FieldMatch, value: &Value, parts: &[Part]) -> Result<(), Problem> {
    if parts.len() > 2 * pattern::WILDCARDS_MAX {
        let most = pattern::WILDCARDS_MAX;
        return Err(problem(
            line,
            format!("a value has at most {most} wildcards"),
        ));
    }
    let single = |part: &Part| matches!(part, Part::One | Part::Dash);
    let long = value
        .as_str()
        .is_some_and(|text| text.len() > pattern::SINGLES_BYTES_MAX);
    if long && parts.iter().any(single) {
        let most = pattern::SINGLES_BYTES_MAX;
        return Err(problem(
            line,
            format!("a value with `?` has at most {most} bytes"),
        ));
    }
    Ok(())
}

fn texts(line: &FieldMatch, modifiers: &Modifiers, value: &Value) -> Result<Vec<Matcher>, Problem> {
    let parts = match value {
        Value::String(text) => pattern::read(text),
        Value::Bool(truth) => vec![Part::Text(truth.to_string())],
        Value::Number(number) => vec![Part::Text(number.to_string())],
        _ => return Err(problem(line, "takes text, not a list or map".to_owned())),
    };
    check_cost(line, value, &parts)?;
    let cased = modifiers.has(Modifier::Cased);
    let place = place_of(line, modifiers);
    let wrap = |parts: Vec<Part>| {
        let (before, after) = match place {
            Place::Whole => (None, None),
            Place::Start => (None, Some(Part::Any)),
            Place::End => (Some(Part::Any), None),
            Place::Inside => (Some(Part::Any), Some(Part::Any)),
        };
        let parts = before.into_iter().chain(parts).chain(after).collect();
        Matcher::Text {
            pattern: Pattern::new(parts, cased),
            cased,
        }
    };
    let offset = modifiers.has(Modifier::Base64Offset);
    if !offset && !modifiers.has(Modifier::Base64) {
        let dashes = modifiers.has(Modifier::WinDash);
        return Ok(vec![wrap(if dashes {
            pattern::any_dash(parts)
        } else {
            parts
        })]);
    }
    let text = match parts.as_slice() {
        [] => "",
        [Part::Text(text)] => text,
        _ => {
            let help = "escape `*` and `?` with a backslash";
            let message = "text that is encoded takes no wildcards".to_owned();
            return Err(problem(line, message).with_help(help));
        }
    };
    let bytes = encoding::bytes(text, modifiers);
    let encoded = if offset {
        encoding::offsets(&bytes)
    } else {
        vec![encoding::base64(&bytes)]
    };
    Ok(encoded
        .into_iter()
        .map(|text| wrap(vec![Part::Text(text)]))
        .collect())
}

/// A keyword, and base64 that may begin anywhere, stand inside a text without being told so.
fn place_of(line: &FieldMatch, modifiers: &Modifiers) -> Place {
    match place(modifiers) {
        Place::Whole if line.field.is_empty() || modifiers.has(Modifier::Base64Offset) => {
            Place::Inside
        }
        place => place,
    }
}

/// A text in which `%field%` stands for the value of that field.
fn expand(
    line: &FieldMatch,
    modifiers: &Modifiers,
    value: &Value,
    scope: &mut Scope<'_>,
) -> Result<Matcher, Problem> {
    let cased = modifiers.has(Modifier::Cased);
    let text = plain_text(line, value)?;
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, behind)) = after.split_once('%') else {
            break;
        };
        parts.push(Piece::text(before, cased));
        if !name.is_empty() {
            parts.push(Piece::Field(named(line, name, scope)?));
        }
        rest = behind;
    }
    parts.push(Piece::text(rest, cased));
    parts.retain(|part| !matches!(part, Piece::Text(text) if text.is_empty()));
    Ok(Matcher::Expand {
        parts,
        place: place(modifiers),
        cased,
    })
}

/// Another field, by the name in the value of a line.
fn named(line: &FieldMatch, name: &str, scope: &mut Scope<'_>) -> Result<FieldId, Problem> {
    let field = scope.field(name).filter(|field| *field != Field::Texts);
    let field = field.ok_or_else(|| problem(line, format!("`{name}` is not a field")))?;
    Ok(scope.fields.id(field))
}

fn place(modifiers: &Modifiers) -> Place {
    let place = modifiers.find(|modifier| match modifier {
        Modifier::StartsWith => Some(Place::Start),
        Modifier::EndsWith => Some(Place::End),
        Modifier::Inside => Some(Place::Inside),
        _ => None,
    });
    place.unwrap_or(Place::Whole)
}

fn regex(line: &FieldMatch, modifiers: &Modifiers, value: &Value) -> Result<Matcher, Problem> {
    let text = plain_text(line, value)?;
    let flag = |flag: char| modifiers.has(Modifier::ReFlag(flag));
    let (ignore_case, lines, all) = (flag('i'), flag('m'), flag('s'));
    let regex = RegexBuilder::new(text)
        .case_insensitive(ignore_case)
        .multi_line(lines)
        .dot_matches_new_line(all)
        .size_limit(REGEX_SIZE_BYTES_MAX)
        .build()
        .map_err(|error| unreadable_regex(line, text, &error))?;
    let required = ParserBuilder::new()
        .case_insensitive(ignore_case)
        .multi_line(lines)
        .dot_matches_new_line(all)
        .build()
        .parse(text)
        .map_or_else(|_| Vec::new(), |hir| literal::required(&hir));
    Ok(Matcher::Regex {
        regex: Box::new(regex),
        required,
    })
}

fn unreadable_regex(line: &FieldMatch, text: &str, error: &regex::Error) -> Problem {
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    let message = format!("`{text}` is not a regular expression: {reason}");
    let around = ["look-around", "backreferences"]
        .iter()
        .any(|word| reason.contains(word));
    let help = "expressions run in linear time, without look-around and back-references; \
                add a second line, or `where`";
    problem(line, message).with_help_if(around.then(|| help.to_owned()))
}

fn number(line: &FieldMatch, modifiers: &Modifiers, value: &Value) -> Result<Matcher, Problem> {
    let quoted = || value.as_str().and_then(Number::read);
    let number = value.as_number().and_then(Number::of).or_else(quoted);
    let Some(number) = number else {
        let names = line.modifiers.join("|");
        let message = format!("`{names}` takes a number, found {value}");
        return Err(problem(line, message));
    };
    let compare = modifiers.find(|modifier| match modifier {
        Modifier::Compare(compare) => Some(compare),
        _ => None,
    });
    let part = modifiers.find(|modifier| match modifier {
        Modifier::Time(part) => Some(part),
        _ => None,
    });
    Ok(Matcher::Number {
        part,
        compare: compare.unwrap_or(Compare::Equal),
        value: number,
    })
}

fn plain_text<'v>(line: &FieldMatch, value: &'v Value) -> Result<&'v str, Problem> {
    value.as_str().ok_or_else(|| {
        problem(
            line,
            format!("`{}` takes text, found {value}", line.modifiers.join("|")),
        )
    })
}
