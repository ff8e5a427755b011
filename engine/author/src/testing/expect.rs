//! What has to come of a test, held against what came of it.

use engine_model::Place;
use serde_json::{Map, Value, json};

use super::case::Case;
use super::report::Failure;
use super::seen::Seen;

/// The longest value that a failure shows.
const SHOWN_MAX: usize = 400;

/// Everything that is not as expected, in the order written in the file.
pub(super) fn compare(case: &Case, seen: &Seen) -> Vec<Failure> {
    let mut differences = Differences::default();
    if let Some(expected) = case.expected.as_object() {
        for (key, expected) in expected {
            differences.of(key, expected, &seen.value);
        }
    }
    let mut failures: Vec<Failure> = seen
        .faults
        .iter()
        .map(|fault| Failure {
            place: case.place,
            what: "mocks".to_owned(),
            expected: "an answer".to_owned(),
            actual: fault.clone(),
        })
        .collect();
    let mut found: Vec<Failure> = differences
        .0
        .into_iter()
        .map(|difference| Failure {
            place: place(case, &difference.path),
            what: difference.path.trim_start_matches('.').to_owned(),
            expected: difference.expected,
            actual: difference.actual,
        })
        .collect();
    found.sort_by_key(|failure| (failure.place.line, failure.place.column));
    failures.extend(found);
    failures
}

/// Where in the file the value at `path` below `expect` stands.
fn place(case: &Case, path: &str) -> Place {
    let path = format!("tests[{}].expect{path}", case.index);
    let id = case.document.find(&path);
    Place::of(&case.text, case.document.node(id).span.start)
}

#[derive(Default)]
struct Differences(Vec<Difference>);

struct Difference {
    path: String,
    expected: String,
    actual: String,
}

impl Differences {
    /// Holds one key of `expect` against what came of it.
    fn of(&mut self, key: &str, expected: &Value, seen: &Value) {
        let path = below("", key);
        let actual = &seen[key];
        match key {
            "steps" => self.steps(expected, actual, &path),
            "calls" => self.calls(expected, actual, &path),
            "effects" | "max_in_flight" => {
                for (name, expected) in expected.as_object().into_iter().flatten() {
                    let actual = actual.get(name).cloned().unwrap_or(json!(0));
                    self.value(expected, &actual, &below(&path, name));
                }
            }
            "refused" if expected.is_number() => {
                let count = actual.as_array().map_or(0, Vec::len);
                if *expected != json!(count) {
                    self.add(
                        &path,
                        shown(expected),
                        format!("{count}: {}", shown(actual)),
                    );
                }
            }
            _ => self.value(expected, actual, &path),
        }
    }

    fn add(&mut self, path: &str, expected: String, actual: String) {
        let path = path.to_owned();
        self.0.push(Difference {
            path,
            expected,
            actual,
        });
    }

    fn add_unless(&mut self, holds: bool, path: &str, (expected, actual): (String, &Value)) {
        if !holds {
            self.add(path, expected, shown(actual));
        }
    }

    fn value(&mut self, expected: &Value, actual: &Value, path: &str) {
        match expected {
            Value::Object(fields) if only(fields, "exactly") => {
                let (expected, holds) = (&fields["exactly"], fields["exactly"] == *actual);
                self.add_unless(holds, path, (shown(expected), actual));
            }
            Value::Object(fields) if only(fields, "contains") => {
                let expected = format!("… {} …", shown(&fields["contains"]));
                let holds = contains(actual, &fields["contains"]);
                self.add_unless(holds, path, (expected, actual));
            }
            Value::Object(fields) => match actual {
                Value::Object(actual) => self.map(fields, actual, path),
                other => self.add(path, shown(expected), shown(other)),
            },
            Value::Array(items) => match actual {
                Value::Array(actual) if actual.len() == items.len() => {
                    for (index, (expected, actual)) in items.iter().zip(actual).enumerate() {
                        self.value(expected, actual, &format!("{path}[{index}]"));
                    }
                }
                other => self.add(path, shown(expected), shown(other)),
            },
            scalar if scalar != actual => self.add(path, shown(scalar), shown(actual)),
            _ => {}
        }
    }

    fn map(&mut self, expected: &Map<String, Value>, actual: &Map<String, Value>, path: &str) {
        for (key, expected) in expected {
            let actual = actual.get(key).unwrap_or(&Value::Null);
            self.value(expected, actual, &below(path, key));
        }
    }

    fn steps(&mut self, expected: &Value, actual: &Value, path: &str) {
        for (label, expected) in expected.as_object().into_iter().flatten() {
            let path = below(path, label);
            let step = &actual[label];
            match expected {
                Value::Object(fields) => {
                    for (key, expected) in fields {
                        let path = below(&path, key);
                        if key == "items" && expected.is_object() {
                            self.counts(expected, &step[key], &path);
                        } else {
                            self.value(expected, &step[key], &path);
                        }
                    }
                }
                status => self.value(status, &step["status"], &path),
            }
        }
    }

    /// How many items ended how.
    fn counts(&mut self, expected: &Value, items: &Value, path: &str) {
        for (status, expected) in expected.as_object().into_iter().flatten() {
            let items = items.as_array().into_iter().flatten();
            let count = items.filter(|item| item["status"] == *status).count();
            self.value(expected, &json!(count), &below(path, status));
        }
    }

    fn calls(&mut self, expected: &Value, actual: &Value, path: &str) {
        for (index, expected) in expected.as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}[{index}]");
            let of_action = |call: &&Value| call["uses"] == expected["uses"];
            let calls: Vec<&Value> = actual.as_array().into_iter().flatten().collect();
            let calls: Vec<&Value> = calls.into_iter().filter(of_action).collect();
            let count = calls.iter().filter(|call| fits(call, expected)).count();
            let wanted = expected["times"].as_u64();
            let enough = match wanted {
                Some(times) => usize::try_from(times).is_ok_and(|times| times == count),
                None => count > 0,
            };
            if !enough {
                let wanted = wanted.map_or("at least 1".to_owned(), |times| times.to_string());
                let with: Vec<String> = calls.iter().map(|call| shown(&call["with"])).collect();
                let actual = match with.as_slice() {
                    [] => "0 calls".to_owned(),
                    with => format!("{count} of these: {}", with.join(" and ")),
                };
                let of = expected["uses"].as_str().unwrap_or_default();
                let expected = format!("{wanted} of {of}{}", conditions(expected));
                self.add(&path, expected, actual);
            }
        }
    }
}

fn only(fields: &Map<String, Value>, key: &str) -> bool {
    fields.len() == 1 && fields.contains_key(key)
}

fn conditions(expected: &Value) -> String {
    let part = |key: &str, word: &str| match &expected[key] {
        Value::Null => String::new(),
        value => format!(" {word} {}", shown(value)),
    };
    part("with", "with") + &part("with_contains", "that contain")
}

/// Whether a call has the parameters asked for.
fn fits(call: &Value, expected: &Value) -> bool {
    let mut differences = Differences::default();
    if !expected["with"].is_null() {
        differences.value(&expected["with"], &call["with"], "");
    }
    let texts = expected["with_contains"].as_object().into_iter().flatten();
    let mut texts = texts.map(|(name, text)| contains(&call["with"][name], text));
    differences.0.is_empty() && texts.all(|holds| holds)
}

fn contains(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::String(actual), Value::String(wanted)) => actual.contains(wanted.as_str()),
        (Value::Array(items), wanted) => items.iter().any(|item| {
            let mut differences = Differences::default();
            differences.value(wanted, item, "");
            differences.0.is_empty()
        }),
        _ => false,
    }
}

/// The path of a key below a path, as documents spell it.
fn below(path: &str, key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '@');
    if !key.is_empty() && key.chars().all(plain) {
        format!("{path}.{key}")
    } else {
        format!("{path}[{}]", Value::String(key.to_owned()))
    }
}

/// A value as a failure shows it.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    let cut: String = text.chars().take(SHOWN_MAX).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(key: &str, expected: &Value, seen: &Value) -> Vec<(String, String, String)> {
        let mut differences = Differences::default();
        differences.of(key, expected, &json!({ key: seen }));
        let all = differences.0.into_iter();
        all.map(|one| (one.path, one.expected, one.actual))
            .collect()
    }

    #[test]
    fn maps_are_compared_by_the_keys_given_and_lists_as_a_whole() {
        let seen = json!({"a": 1, "b": {"c": [1, {"d": 2, "e": 3}]}});
        for (expected, count) in [
            (json!({"a": 1}), 0),
            (json!({"b": {"c": [1, {"d": 2}]}}), 0),
            (json!({"b": {"c": [1]}}), 1),
            (json!({"a": 2, "b": {"c": [0, {"d": 0}]}}), 3),
            (json!({"exactly": {"a": 1}}), 1),
            (json!({"b": {"c": {"contains": {"e": 3}}}}), 0),
            (json!({"z": 1}), 1),
        ] {
            assert_eq!(
                differences("outputs", &expected, &seen).len(),
                count,
                "{expected}"
            );
        }
    }

    #[test]
    fn what_differs_is_named_by_its_path_with_both_sides() {
        let seen = json!({"a b": {"status": "failed", "attempts": 2}});
        let expected = json!({"a b": {"status": "succeeded", "attempts": 2}});
        assert_eq!(
            differences("steps", &expected, &seen),
            [(
                ".steps[\"a b\"].status".to_owned(),
                "succeeded".to_owned(),
                "failed".to_owned()
            )]
        );
    }

    #[test]
    fn calls_are_counted_among_those_with_these_parameters() {
        let seen = json!([
            {"uses": "a.b", "with": {"id": "d1", "query": "x in (1)"}},
            {"uses": "a.b", "with": {"id": "d2", "query": "y"}},
            {"uses": "a.c", "with": {}},
        ]);
        for (expected, fails) in [
            (json!([{"uses": "a.b"}]), false),
            (json!([{"uses": "a.b", "times": 2}]), false),
            (
                json!([{"uses": "a.b", "times": 1, "with": {"id": "d1"}}]),
                false,
            ),
            (
                json!([{"uses": "a.b", "with_contains": {"query": "in (1)"}}]),
                false,
            ),
            (json!([{"uses": "a.d", "times": 0}]), false),
            (json!([{"uses": "a.b", "times": 1}]), true),
            (json!([{"uses": "a.b", "with": {"id": "d3"}}]), true),
            (
                json!([{"uses": "a.b", "with_contains": {"query": "z"}}]),
                true,
            ),
        ] {
            assert_eq!(
                !differences("calls", &expected, &seen).is_empty(),
                fails,
                "{expected}"
            );
        }
    }
}
