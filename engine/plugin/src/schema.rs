//! JSON Schemas that plugins bring, compiled once.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// How many problems of one value are told.
const PROBLEMS_MAX: usize = 5;

/// A schema ready to check values.
pub(crate) struct Schema {
    validator: Validator,
}

impl Schema {
    /// Compiles a schema of draft 2020-12.
    ///
    /// References leave the schema for nowhere, and patterns run in linear time: the schema comes
    /// from the plugin and must not be a way to reach out or to hang the engine.
    ///
    /// # Errors
    ///
    /// With a reason for people when it is not a schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex())
            .offline()
            .build(schema)
            .map(|validator| Self { validator })
            .map_err(|error| brief(&error.to_string()))
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// With the first problems, each with its place.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let problems: Vec<String> = self
            .validator
            .iter_errors(value)
            .take(PROBLEMS_MAX)
            .map(|error| match error.instance_path().to_string() {
                place if place.is_empty() => brief(&error.to_string()),
                place => format!("{place}: {}", brief(&error.to_string())),
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.join("; "))
        }
    }
}

/// A text of somebody else, cut to a length fit for one line.
pub(crate) fn brief(text: &str) -> String {
    const LENGTH_MAX: usize = 300;
    let mut line: String = text
        .chars()
        .take(LENGTH_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LENGTH_MAX).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_cannot_reach_out_nor_backtrack() {
        assert!(Schema::compile(&json!({"$ref": "https://example.com/schema.json"})).is_err());
        assert!(Schema::compile(&json!({"$ref": "file:///etc/passwd"})).is_err());
        assert!(Schema::compile(&json!({"pattern": "(?=a)b"})).is_err());
    }

    #[test]
    fn problems_come_with_their_places_and_stay_short() {
        let schema = Schema::compile(&json!({"properties": {"n": {"type": "number"}}})).unwrap();
        let problem = schema.check(&json!({"n": "x".repeat(10_000)})).unwrap_err();
        assert!(problem.starts_with("/n: "), "{problem}");
        assert!(problem.len() < 400);
        assert!(schema.check(&json!({"n": 1})).is_ok());
    }
}
