//! From a match line to its tests.

use engine_model::code;
use engine_playbook::plan::FieldMatch;
use regex::RegexBuilder;
use regex_syntax::ParserBuilder;
use serde_json::Value;

use crate::encoding;
use crate::literal;
use crate::modifier::{Compare, Family, Modifier, Modifiers};
use crate::net::Net;
use crate::number::Number;
use crate::path::{FieldId, FieldPath, Fields};
use crate::pattern::{self, Part, Pattern};
use crate::problem::Problem;
use crate::test::{Matcher, Node, Place, Test, TestKind};
use crate::wanted::wanted;

/// The largest compiled regular expression.
const REGEX_SIZE_BYTES_MAX: usize = 1 << 20;
/// What a field ends with when every member of a list is meant.
const EVERY_MEMBER: &str = "[all]";

/// The path of the field as written, without its `[all]`.
pub(crate) fn field_path(line: &FieldMatch) -> Option<FieldPath> {
    read_path(line.field.strip_suffix(EVERY_MEMBER).unwrap_or(&line.field))
}

/// The path in the value of a `fieldref` line.
pub(crate) fn read_path(text: &str) -> Option<FieldPath> {
    FieldPath::read(text).filter(|_| !text.contains(['[', ']', '|', ' ']))
}

/// Compiles one line of a match.
pub(crate) fn line(line: &FieldMatch, fields: &mut Fields) -> Result<Node, Problem> {
    let path = field_path(line).ok_or_else(|| {
        let help = "write names with dots between: `device.name`, or `device.tags[all]`";
        problem(line, format!("`{}` is not a field", line.field)).with_help(help)
    })?;
    let modifiers = Modifiers::read(line)?;
    if line.values.is_empty() {
        return Err(problem(line, "names no value".to_owned()));
    }
    let line = Line {
        written: line,
        field: fields.id(path),
        modifiers,
    };
    if line.modifiers.family == Some(Family::Presence) {
        return line.presence();
    }
    check_null(line.written, &line.modifiers)?;
    let values = &line.written.values;
    if line.modifiers.has(Modifier::All) {
        let each = values
            .iter()
            .map(|value| line.one_of(std::slice::from_ref(value), fields));
        return Ok(Node::All(each.collect::<Result<_, _>>()?));
    }
    let node = line.one_of(values, fields)?;
    Ok(if line.modifiers.has(Modifier::Neq) {
        Node::Not(Box::new(node))
    } else {
        node
    })
}

/// A line whose field and modifiers are known.
struct Line<'a> {
    written: &'a FieldMatch,
    field: FieldId,
    modifiers: Modifiers,
}

impl Line<'_> {
    fn test(&self, kind: TestKind, values: &[Value]) -> Node {
        let (name, wanted) = (self.written.field.clone(), wanted(&self.modifiers, values));
        Node::Test(Box::new(Test {
            field: self.field,
            name,
            wanted,
            kind,
        }))
    }

    fn presence(&self) -> Result<Node, Problem> {
        let values = &self.written.values;
        match values.as_slice() {
            [Value::Bool(true)] => Ok(self.test(TestKind::Present, values)),
            [Value::Bool(false)] => Ok(Node::Not(Box::new(self.test(TestKind::Present, values)))),
            _ => Err(problem(
                self.written,
                "`exists` takes `true` or `false`".to_owned(),
            )),
        }
    }

    /// The field has one of `values`.
    fn one_of(&self, values: &[Value], fields: &mut Fields) -> Result<Node, Problem> {
        let mut matchers = Vec::new();
        for value in values.iter().filter(|value| !value.is_null()) {
            matchers.extend(self::matchers(
                self.written,
                &self.modifiers,
                value,
                fields,
            )?);
        }
        let every_member = self.written.field.ends_with(EVERY_MEMBER);
        let null = values.iter().any(Value::is_null);
        let nothing = null.then(|| self.test(TestKind::Null, values));
        let something = (!matchers.is_empty()).then(|| {
            self.test(
                TestKind::OneOf {
                    every_member,
                    matchers,
                },
                values,
            )
        });
        Ok(match (nothing, something) {
            (Some(only), None) | (None, Some(only)) => only,
            (nothing, something) => Node::Any(nothing.into_iter().chain(something).collect()),
        })
    }
}

/// Null stands for itself only; there is no text or number in it.
fn check_null(line: &FieldMatch, modifiers: &Modifiers) -> Result<(), Problem> {
    let plain = modifiers
        .list
        .iter()
        .all(|modifier| *modifier == Modifier::Neq);
    if plain || !line.values.iter().any(Value::is_null) {
        return Ok(());
    }
    let message = format!("`{}` takes no null", line.modifiers.join("|"));
    Err(problem(line, message).with_help("test for a missing value with `exists: false`"))
}

/// What one value of the line may be matched by, any of them being enough.
fn matchers(
    line: &FieldMatch,
    modifiers: &Modifiers,
    value: &Value,
    fields: &mut Fields,
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
            let path =
                read_path(text).ok_or_else(|| problem(line, format!("`{text}` is not a field")))?;
            let (place, cased) = (place(modifiers), modifiers.has(Modifier::Cased));
            one(Matcher::Field {
                other: fields.id(path),
                place,
                cased,
            })
        }
        Some(Family::Presence) => Ok(Vec::new()),
        Some(Family::Text) => texts(line, modifiers, value),
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

fn texts(line: &FieldMatch, modifiers: &Modifiers, value: &Value) -> Result<Vec<Matcher>, Problem> {
    let parts = match value {
        Value::String(text) => pattern::read(text),
        Value::Bool(truth) => vec![Part::Text(truth.to_string())],
        Value::Number(number) => vec![Part::Text(number.to_string())],
        _ => return Err(problem(line, "takes text, not a list or map".to_owned())),
    };
    let cased = modifiers.has(Modifier::Cased);
    let wrap = |parts: Vec<Part>| {
        let (before, after) = match place(modifiers) {
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
    let Some(number) = value.as_number().and_then(Number::of) else {
        let names = line.modifiers.join("|");
        let problem = problem(line, format!("`{names}` takes a number, found {value}"));
        let quoted = value
            .as_str()
            .is_some_and(|text| Number::read(text).is_some());
        return Err(problem.with_help_if(quoted.then(|| "leave the quotes out".to_owned())));
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

fn problem(line: &FieldMatch, message: String) -> Problem {
    Problem::error(code::PB0603, &line.path, message)
}
