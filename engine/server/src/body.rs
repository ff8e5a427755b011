//! The body of the intake: one object, an array, or one object per line (NDJSON).

use axum::http::StatusCode;
use engine_model::code;
use serde_json::Value;

use crate::problem::Problem;

/// The largest alert.
pub(crate) const ALERT_BYTES_MAX: usize = 1 << 20;
/// The largest body.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// The most alerts of one body: each is answered, and an answer is longer than a short line.
const ALERTS_MAX: usize = 10_000;

/// What a body holds.
#[derive(Debug)]
pub(crate) enum Batch {
    /// One object.
    One(Value),
    /// Several values, each with its line (NDJSON) or position (array), from 1.
    Many(Vec<(usize, Result<Value, Problem>)>),
}

/// Reads a body.
pub(crate) fn read(body: &[u8]) -> Result<Batch, Problem> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(items)) if items.len() > ALERTS_MAX => Err(too_large()),
        Ok(Value::Array(items)) => {
            let fits =
                |item: &Value| body.len() <= ALERT_BYTES_MAX || bytes(item) <= ALERT_BYTES_MAX;
            let one = |item| {
                if fits(&item) {
                    object(item)
                } else {
                    Err(too_large())
                }
            };
            let numbered = items.into_iter().enumerate();
            Ok(Batch::Many(
                numbered
                    .map(|(index, item)| (index + 1, one(item)))
                    .collect(),
            ))
        }
        Ok(one) => {
            if body.len() > ALERT_BYTES_MAX {
                return Err(too_large());
            }
            object(one).map(Batch::One)
        }
        Err(error) if is_first_line(body) => {
            let _ = error;
            let count = body
                .split(|byte| *byte == b'\n')
                .filter(|line| !blank(line))
                .count();
            if count > ALERTS_MAX {
                return Err(too_large());
            }
            Ok(Batch::Many(lines(body)))
        }
        Err(error) => Err(not_json(&error)),
    }
}

/// Whether the first of several lines is a JSON object by itself.
fn is_first_line(body: &[u8]) -> bool {
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !blank(line));
    let first = lines.next().unwrap_or_default();
    lines.next().is_some() && serde_json::from_slice::<Value>(first).is_ok()
}

fn lines(body: &[u8]) -> Vec<(usize, Result<Value, Problem>)> {
    body.split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !blank(line))
        .map(|(index, line)| {
            let value = if line.len() > ALERT_BYTES_MAX {
                Err(too_large())
            } else {
                serde_json::from_slice(line)
                    .map_err(|error| not_json(&error))
                    .and_then(object)
            };
            (index + 1, value)
        })
        .collect()
}

/// The length of a value as JSON.
fn bytes(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn object(value: Value) -> Result<Value, Problem> {
    if value.is_object() {
        Ok(value)
    } else {
        let detail = "an alert is a JSON object";
        Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code::SV0106,
            detail,
        ))
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        code::SV0102,
        format!("this is not JSON: {error}"),
    )
}

/// The refusal of something too large.
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        code::SV0103,
        "an alert has at most 1 MiB, a body at most 16 MiB and 10,000 alerts",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(batch: &Batch) -> usize {
        match batch {
            Batch::One(_) => 0,
            Batch::Many(items) => items.iter().filter(|(_, item)| item.is_err()).count(),
        }
    }

    #[test]
    fn a_body_of_very_many_alerts_is_refused_before_it_is_answered() {
        let lines = "{}\n".repeat(ALERTS_MAX + 1);
        assert!(read(lines.as_bytes()).is_err());
        assert!(read("{}\n".repeat(ALERTS_MAX).as_bytes()).is_ok());
        let list = format!("[{}{{}}]", "{},".repeat(ALERTS_MAX));
        assert!(read(list.as_bytes()).is_err());
    }

    #[test]
    fn a_large_alert_is_refused_wherever_it_stands() {
        let large = format!(r#"{{"x":"{}"}}"#, "a".repeat(ALERT_BYTES_MAX));
        assert!(read(large.as_bytes()).is_err());
        for body in [
            format!("{{}}\n{large}\n{{}}"),
            format!("[{{}},{large},{{}}]"),
        ] {
            assert_eq!(refused(&read(body.as_bytes()).unwrap()), 1);
        }
    }
}
