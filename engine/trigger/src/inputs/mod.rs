//! Inputs: what a start gives a playbook, checked against what the playbook asks for.

mod words;

use std::fmt;

use engine_model::{Code, code};
use engine_playbook::plan::Input;
use serde_json::{Map, Value};

use crate::problem::nearest;

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// The input, with the path inside its value: `devices[1].id`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl InputProblem {
    /// The stable code of every input problem.
    pub const CODE: Code = code::RN0106;
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.message)
    }
}

/// Checks the `given` values against `inputs` and completes them.
///
/// A null counts as not given. Every input is in the result: the value given, else the default,
/// else null.
///
/// # Errors
///
/// Every problem at once: an input that is unknown, missing, or outside its schema.
pub fn resolve(
    inputs: &[Input],
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, Vec<InputProblem>> {
    let mut problems = Vec::new();
    let mut resolved = Map::new();
    for input in inputs {
        let value = given.remove(&input.name).filter(|value| !value.is_null());
        if let Some(value) = &value {
            words::check(&input.schema, value, &input.name, &mut problems);
        }
        let value = value.or_else(|| input.default.clone());
        if value.is_none() && input.required {
            let message = "is required".to_owned();
            problems.push(InputProblem {
                path: input.name.clone(),
                message,
            });
        }
        resolved.insert(input.name.clone(), value.unwrap_or_default());
    }
    for (name, _) in given {
        let known = inputs.iter().map(|input| input.name.as_str());
        let message = match nearest(&name, known) {
            Some(similar) => format!("is not an input; a similar name exists: `{similar}`"),
            None => "is not an input".to_owned(),
        };
        problems.push(InputProblem {
            path: name,
            message,
        });
    }
    if problems.is_empty() {
        Ok(resolved)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests;
