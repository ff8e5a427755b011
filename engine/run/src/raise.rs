//! `fail`: raises an error, or the one being handled again.

use std::borrow::Cow;

use actions_contract::{ActionError, ErrorKind};
use engine_model::code;
use engine_playbook::plan::Raise;
use serde_json::Value;

use crate::cx::{Cx, Env};

/// The error to raise.
pub(crate) fn raised(cx: &Cx<'_>, env: &Env<'_>, raise: Option<&Raise>) -> ActionError {
    match raise {
        Some(raise) => match cx.render(env, &raise.message) {
            Ok(Value::String(message)) => {
                ActionError::permanent(raise.kind.clone(), code::RN0105, message)
            }
            Ok(other) => {
                ActionError::permanent(raise.kind.clone(), code::RN0105, other.to_string())
            }
            Err(error) => error,
        },
        None => again(cx.name(env, "error")),
    }
}

fn again(error: Option<&Value>) -> ActionError {
    let text = |key: &str| {
        error
            .and_then(|error| error.get(key))
            .and_then(Value::as_str)
    };
    ActionError {
        kind: text("kind").map_or(ErrorKind::Internal, |word| word.to_owned().into()),
        code: text("code").map_or(Cow::Borrowed(code::RN0105.as_str()), |code| {
            Cow::Owned(code.to_owned())
        }),
        message: text("message")
            .unwrap_or("no error is being handled here")
            .to_owned(),
        retryable: false,
        retry_after: None,
        details: error.and_then(|error| error.get("cause")).cloned(),
    }
}
