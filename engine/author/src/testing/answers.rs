//! What actions answer: the answer of a test that fits a call, filled up to what a service sends.

use std::collections::BTreeMap;

use actions_contract::{ActionError, ActionInfo, Call, ErrorKind, Outcome};
use engine_model::{Code, Millis, code};
use engine_playbook::expr::Expr;
use serde_json::{Map, Value, json};

use super::syntax::{Answer, Failure, Lost, OneOrMore};

/// The answers that are left, by action.
pub(super) struct Answers {
    by_action: BTreeMap<String, Vec<Slot>>,
    /// Whether every call is answered with the documented example.
    samples: bool,
}

struct Slot {
    answer: Answer,
    used: bool,
}

/// What one call comes to.
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    pub(super) delay: Millis,
    pub(super) lost: Option<(Lost, Value)>,
}

impl Answers {
    pub(super) fn new(mocks: &BTreeMap<String, OneOrMore<Answer>>, samples: bool) -> Self {
        let slots = |answers: &OneOrMore<Answer>| {
            let slot = |answer: &Answer| Slot {
                answer: answer.clone(),
                used: false,
            };
            answers.iter().map(slot).collect()
        };
        let by_action = mocks
            .iter()
            .map(|(action, answers)| (action.clone(), slots(answers)));
        Self {
            by_action: by_action.collect(),
            samples,
        }
    }

    /// The answer to a call; none where the test has none.
    pub(super) fn reply(&mut self, info: &ActionInfo, call: &Call) -> Option<Reply> {
        if self.samples {
            return Some(reply(info, &Answer::default()));
        }
        let slots = self.by_action.get_mut(info.id.as_str())?;
        let names = names(call);
        let holds = |when: &Option<String>| match when {
            Some(when) => {
                Expr::parse(when).is_ok_and(|expr| expr.eval_bool(&names).unwrap_or_default())
            }
            None => false,
        };
        // An answer that is meant for this very call comes before those for all.
        let special: Vec<usize> = (0..slots.len())
            .filter(|index| holds(&slots[*index].answer.when))
            .collect();
        let fitting = if special.is_empty() {
            let general = |index: &usize| slots[*index].answer.when.is_none();
            (0..slots.len()).filter(general).collect()
        } else {
            special
        };
        let unused = fitting.iter().find(|index| !slots[**index].used);
        let slot = &mut slots[*unused.or(fitting.last())?];
        slot.used = true;
        Some(reply(info, &slot.answer))
    }
}

fn names(call: &Call) -> Map<String, Value> {
    let mut names = Map::new();
    names.insert("with".to_owned(), call.args.clone());
    names.insert("step".to_owned(), json!(call.step));
    names.insert("attempt".to_owned(), json!(call.attempt));
    names
}

fn reply(info: &ActionInfo, answer: &Answer) -> Reply {
    let delay = answer.delay.unwrap_or(Millis::ZERO);
    let output = match &answer.output {
        Some(output) => filled(output, &info.output, &info.example_output),
        None => info.example_output.clone(),
    };
    let lost = answer.lost.map(|lost| (lost, output.clone()));
    let outcome = match (&answer.error, answer.lost) {
        (_, Some(_)) => Outcome::Unknown {
            error: ActionError::retryable(
                ErrorKind::Network,
                code::BR0201,
                "no answer came, and the request may have arrived",
                None,
            ),
        },
        (Some(failure), None) => Outcome::Failed {
            error: error(failure),
        },
        (None, None) => Outcome::Done { output },
    };
    Reply {
        outcome,
        delay,
        lost,
    }
}

fn error(failure: &Failure) -> ActionError {
    let kind = ErrorKind::from(failure.kind.clone());
    let (code, retryable) = usual(&kind);
    let message = failure.message.clone();
    let message = message.unwrap_or_else(|| format!("the service says {kind}"));
    let mut error = ActionError::permanent(kind, code, message);
    error.retryable = failure.retryable.unwrap_or(retryable);
    error.retry_after = failure.retry_after;
    if let Some(code) = &failure.code {
        error.code = code.clone().into();
    }
    error
}

/// The code under which a service's error of this kind comes, and whether another try may help.
const fn usual(kind: &ErrorKind) -> (Code, bool) {
    match kind {
        ErrorKind::Network => (code::BR0201, true),
        ErrorKind::Timeout => (code::BR0202, true),
        ErrorKind::RateLimited => (code::AC0110, true),
        ErrorKind::Unavailable => (code::AC0111, true),
        ErrorKind::Unauthorized => (code::BR0105, false),
        ErrorKind::PermissionDenied => (code::AC0107, false),
        ErrorKind::NotFound => (code::AC0102, false),
        ErrorKind::InvalidInput => (code::AC0105, false),
        ErrorKind::InvalidOutput => (code::AC0103, false),
        _ => (code::AC0101, false),
    }
}

/// The value with everything that a schema asks for: nothing where it may be absent, an empty list,
/// else what the example has. What the author wrote stays.
pub(super) fn filled(value: &Value, schema: &Value, example: &Value) -> Value {
    match value {
        Value::Object(written) => {
            let mut whole = written.clone();
            let known = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in known.into_iter().flatten() {
                let example = example.get(name).unwrap_or(&Value::Null);
                let value = match written.get(name) {
                    Some(value) => filled(value, schema, example),
                    None => missing(schema, example),
                };
                whole.insert(name.clone(), value);
            }
            Value::Object(whole)
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            let example = example.get(0).unwrap_or(&Value::Null);
            items
                .iter()
                .map(|item| filled(item, schema, example))
                .collect()
        }
        other => other.clone(),
    }
}

fn missing(schema: &Value, example: &Value) -> Value {
    let is = |wanted: &str| match &schema["type"] {
        Value::String(name) => name == wanted,
        Value::Array(names) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    let nullable = schema["anyOf"]
        .as_array()
        .is_some_and(|branches| branches.iter().any(|branch| branch["type"] == "null"));
    if is("null") || nullable {
        Value::Null
    } else if is("array") {
        json!([])
    } else if is("object") {
        filled(&json!({}), schema, example)
    } else {
        example.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_answer_is_filled_up_to_what_a_service_sends() {
        let schema = json!({
            "properties": {
                "id": {"type": "string"},
                "name": {"type": ["string", "null"]},
                "tags": {"type": "array"},
                "rows": {"type": "array", "items": {"properties": {"n": {"type": "null"}}}},
                "one": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            },
        });
        let example = json!({"id": "d9", "name": "x", "tags": ["a"]});
        let whole = filled(
            &json!({"name": "ws1", "rows": [{"m": 1}]}),
            &schema,
            &example,
        );
        assert_eq!(
            whole,
            json!({
                "id": "d9", "name": "ws1", "tags": [], "rows": [{"m": 1, "n": null}], "one": null,
            })
        );
    }
}
