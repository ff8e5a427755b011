//! `fail`: raises an error, or the one being handled again.

use std::borrow::Cow;

use actions_contract::{ActionError, ErrorKind};
use engine_model::code;
use engine_playbook::plan::Raise;
use serde_json::Value;

use crate::cx::{Cx, Env, RunError};

/// The error to raise.
pub(crate) fn raised(cx: &Cx<'_>, env: &Env<'_>, raise: &Raise) -> ActionError {
    let message = match cx.render(env, &raise.message) {
        Ok(Value::String(message)) => message,
        Ok(other) => other.to_string(),
        Err(error) => return error,
    };
    ActionError::permanent(raise.kind.clone(), code::RN0105, message)
}

/// The error being handled, as it was: the step it came from and all.
pub(crate) fn again(cx: &Cx<'_>, env: &Env<'_>) -> RunError {
    let error = cx.name(env, "error");
    let field = |key: &str| error.and_then(|error| error.get(key));
    let text = |key: &str| field(key).and_then(Value::as_str);
    let attempts = field("attempts").and_then(Value::as_u64);
    RunError {
        step: text("step").unwrap_or_default().to_owned(),
        attempts: attempts.map_or(0, |tries| u32::try_from(tries).unwrap_or(u32::MAX)),
        error: ActionError {
            kind: text("kind").map_or(ErrorKind::Internal, |word| word.to_owned().into()),
            code: text("code").map_or(Cow::Borrowed(code::RN0105.as_str()), |code| {
                Cow::Owned(code.to_owned())
            }),
            message: text("message")
                .unwrap_or("no error is being handled here")
                .to_owned(),
            retryable: field("retryable").and_then(Value::as_bool) == Some(true),
            retry_after: None,
            details: field("cause").filter(|cause| !cause.is_null()).cloned(),
        },
    }
}
