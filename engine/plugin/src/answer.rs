//! What an invocation comes to, in the words of the engine.

use std::borrow::Cow;

use actions_contract::{ActionError, Call, ErrorKind, Mode, Outcome};
use engine_model::{Millis, code};
use serde_json::{Value, json};

use crate::bindings::words;
use crate::guest::Stop;
use crate::invoke::{Answer, End, Trace};
use crate::reach::Refusal;
use crate::schema::{Schema, brief};

/// The largest state an action may leave behind, and the largest details of an error.
const STATE_BYTES_MAX: usize = 64 << 10;

/// What is known about the action whose answer is read.
pub(crate) struct Reading<'a> {
    pub(crate) call: &'a Call,
    pub(crate) output: &'a Schema,
    pub(crate) example_output: &'a Value,
    pub(crate) output_bytes_max: usize,
    /// Whether an unknown outcome has to be looked up before it is tried again.
    pub(crate) needs_reconcile: bool,
}

impl Reading<'_> {
    /// The outcome of the invocation that left this trace.
    pub(crate) fn outcome(&self, trace: Trace) -> Outcome {
        let told = match trace.end {
            End::Answered(answer) => self.told(answer, trace.refused),
            End::Trapped(error) => Err(trapped(&error)),
            End::TimedOut => Err(ActionError::retryable(
                ErrorKind::Timeout,
                code::PL0202,
                "the plugin did not answer in the time of this attempt",
                None,
            )),
        };
        match told {
            Ok(outcome) => outcome,
            // Whatever the plugin says, a change that may have arrived is looked up.
            Err(error) if trace.acted && self.needs_reconcile => Outcome::Unknown { error },
            Err(error) => Outcome::Failed { error },
        }
    }

    fn told(&self, answer: Answer, refused: Option<Refusal>) -> Result<Outcome, ActionError> {
        match answer {
            Ok(words::Outcome::Done(text)) => {
                let output = self.output(&text)?;
                Ok(Outcome::Done { output })
            }
            // A simulation ends at once.
            Ok(words::Outcome::Pending(_)) if self.call.mode == Mode::Simulate => {
                Ok(Outcome::Done {
                    output: self.example_output.clone(),
                })
            }
            Ok(words::Outcome::Pending(pending)) => {
                let state = bounded_json(&pending.state).map_err(|reason| {
                    lie(format!(
                        "the state it wants to keep is not usable: {reason}"
                    ))
                })?;
                let resume_after = Millis::from_secs(u64::from(pending.resume_after_s));
                Ok(Outcome::Pending {
                    state,
                    resume_after,
                    note: pending.note.as_deref().map(brief),
                })
            }
            Ok(words::Outcome::Nothing) if self.call.mode == Mode::Reconcile => {
                Ok(Outcome::Nothing)
            }
            Ok(words::Outcome::Nothing) => Err(lie(
                "it answered `nothing` without being asked to reconcile".to_owned(),
            )),
            Err(words::Error::Permanent(failure))
                if self.call.mode == Mode::Reconcile
                    && failure.kind == words::FailureKind::Unsupported =>
            {
                Ok(Outcome::Unclear {
                    message: brief(&failure.message),
                })
            }
            Err(error) => Err(failed(error, refused)),
        }
    }

    fn output(&self, text: &str) -> Result<Value, ActionError> {
        let max = self.output_bytes_max;
        if text.len() > max {
            return Err(lie(format!(
                "its output is {} bytes long, {max} are allowed",
                text.len()
            )));
        }
        let output: Value = serde_json::from_str(text)
            .map_err(|error| lie(format!("its output is not JSON: {error}")))?;
        self.output
            .check(&output)
            .map_err(|problems| lie(format!("its output does not fit its schema: {problems}")))?;
        Ok(output)
    }
}

fn bounded_json(text: &str) -> Result<Value, String> {
    if text.len() > STATE_BYTES_MAX {
        return Err(format!(
            "{} bytes are more than {STATE_BYTES_MAX}",
            text.len()
        ));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn lie(message: String) -> ActionError {
    ActionError::permanent(ErrorKind::InvalidOutput, code::PL0204, message)
}

/// The error of a guest that broke or was stopped.
pub(crate) fn trapped(error: &wasmtime::Error) -> ActionError {
    match error.downcast_ref::<Stop>() {
        Some(stop @ Stop::Cpu) => {
            ActionError::permanent(ErrorKind::Timeout, code::PL0202, stop.to_string())
        }
        Some(stop @ Stop::Memory) => {
            ActionError::permanent(ErrorKind::PluginTrap, code::PL0203, stop.to_string())
        }
        Some(stop @ Stop::Peeked) => {
            ActionError::permanent(ErrorKind::PluginTrap, code::PL0201, stop.to_string())
        }
        // The type behind it is private; a test holds the words.
        None if format!("{error:#}").contains("fuel allocated for hostcalls") => {
            lie("it hands over more at once than is allowed".to_owned())
        }
        // More instances than the pool has room for: nothing began, and the next try may fit.
        None if error.is::<wasmtime::PoolConcurrencyLimitError>() => ActionError::retryable(
            ErrorKind::Unavailable,
            code::PL0203,
            "there is no room for another instance now",
            None,
        ),
        None => {
            let place = error
                .downcast_ref::<wasmtime::WasmBacktrace>()
                .and_then(|trace| trace.frames().first()?.func_name().map(brief))
                .map_or_else(String::new, |name| format!(" in `{name}`"));
            let message = format!(
                "the plugin broke{place}: {}",
                brief(&error.root_cause().to_string())
            );
            ActionError::permanent(ErrorKind::PluginTrap, code::PL0201, message)
        }
    }
}

/// The error a guest declares.
fn failed(error: words::Error, refused: Option<Refusal>) -> ActionError {
    let (failure, retryable, after_ms) = match error {
        words::Error::Retryable(retry) => (retry.failure, true, retry.after_ms),
        words::Error::Permanent(failure) => (failure, false, None),
    };
    let kind = kind(failure.kind);
    let details = failure
        .details
        .as_deref()
        .and_then(|text| bounded_json(text).ok());
    let (code, message) = (own_code(failure.code, &kind), brief(&failure.message));
    // What the engine refused explains more than what the plugin made of it.
    if let (ErrorKind::GuardRefused, Some(refusal)) = (&kind, refused) {
        let details = json!({ "code": code, "message": message, "details": details });
        let error = ActionError::permanent(kind, refusal.code, refusal.message);
        return ActionError {
            details: Some(details),
            ..error
        };
    }
    let retry_after = after_ms.map(|ms| Millis::from_ms(u64::from(ms)));
    ActionError {
        kind,
        code,
        message,
        retryable,
        retry_after,
        details,
    }
}

/// The plugin's own code; the kind instead where it could pass for one of the engine's, which
/// begin with a capital.
fn own_code(code: String, kind: &ErrorKind) -> Cow<'static, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if (1..=100).contains(&code.len()) && code.bytes().all(plain) {
        Cow::Owned(code)
    } else {
        Cow::Owned(kind.as_str().to_owned())
    }
}

fn kind(kind: words::FailureKind) -> ErrorKind {
    use words::FailureKind as Kind;
    match kind {
        Kind::InvalidInput | Kind::InvalidConfig => ErrorKind::InvalidInput,
        Kind::Unauthorized => ErrorKind::Unauthorized,
        Kind::Forbidden => ErrorKind::PermissionDenied,
        Kind::NotFound => ErrorKind::NotFound,
        Kind::Conflict => ErrorKind::Conflict,
        Kind::RateLimited => ErrorKind::RateLimited,
        Kind::Unavailable => ErrorKind::Unavailable,
        Kind::Timeout => ErrorKind::Timeout,
        Kind::Denied => ErrorKind::GuardRefused,
        Kind::Unsupported => ErrorKind::Unsupported,
        Kind::Internal => ErrorKind::Internal,
    }
}
