//! Releases that are owed: what has to be done, and what comes after each try.

use actions_contract::{ActionError, ActionInfo, Mode, Outcome};
use engine_model::{Millis, Timestamp};
use serde_json::{Map, Value};

use super::resolve::SEVERAL;
use super::{EffectRow, Owed};

/// Tries of a release before a person is called.
const TRIES_MAX: u32 = 8;
/// The wait after the first try that failed; each further one is twice as long.
const PAUSE: Millis = Millis::from_secs(30);
/// The longest wait.
const PAUSE_MAX: Millis = Millis::from_secs(3600);

/// A release that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// The effect to take back.
    pub row: EffectRow,
    /// What was agreed about it.
    pub owed: Owed,
    /// Tries that failed so far.
    pub failures: u32,
    /// Set when an earlier try may have arrived.
    pub in_doubt: bool,
    /// What the action handed back when it said `Pending`.
    pub resume: Option<Value>,
    /// When the first try began.
    pub begun_at: Option<Timestamp>,
}

/// What follows a try of a release.
#[derive(Clone, Debug, PartialEq)]
pub enum ReleaseEnd {
    /// It is done.
    Done,
    /// The condition does not hold; nothing is done.
    NotWanted,
    /// It goes on later.
    Later {
        /// When.
        at: Timestamp,
        /// What the action handed back.
        resume: Option<Value>,
        /// Whether the try may have arrived.
        in_doubt: bool,
        /// Tries that failed.
        failures: u32,
    },
    /// It failed for good; a person has to do it.
    Failed {
        /// Why.
        error: String,
    },
}

impl Due {
    /// What the next try is for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.in_doubt {
            Mode::Reconcile
        } else {
            Mode::Execute
        }
    }

    /// What follows after a try came to `outcome`; `window` is how long the service may show a new
    /// action late.
    #[must_use]
    pub fn after(&self, outcome: &Outcome, now: Timestamp, window: Millis) -> ReleaseEnd {
        match outcome {
            Outcome::Done { .. } => ReleaseEnd::Done,
            Outcome::Pending {
                state,
                resume_after,
                ..
            } => ReleaseEnd::Later {
                at: now.plus(*resume_after),
                resume: Some(state.clone()),
                in_doubt: false,
                failures: 0,
            },
            Outcome::Unknown { .. } => ReleaseEnd::Later {
                at: now.plus(window),
                resume: None,
                in_doubt: true,
                failures: self.failures,
            },
            // The window has passed by now: it was waited for before the look.
            Outcome::Nothing => ReleaseEnd::Later {
                at: now,
                resume: None,
                in_doubt: false,
                failures: self.failures + 1,
            },
            Outcome::Failed { error } => self.failed(error, now),
            Outcome::Unclear { message } => given_up(message),
            Outcome::Refused { error } => given_up(&error.message),
            Outcome::Held { rule, .. } => given_up(rule),
        }
    }

    /// After a failure: again later where that may help, else a person.
    #[must_use]
    pub fn failed(&self, error: &ActionError, now: Timestamp) -> ReleaseEnd {
        let open = error.code == engine_model::code::AC0106.as_str();
        if !(error.retryable || open) || self.failures + 1 >= TRIES_MAX {
            return given_up(&format!("{} ({})", error.message, error.code));
        }
        let doubled = PAUSE.as_ms().saturating_mul(1 << self.failures.min(20));
        let pause = Millis::from_ms(doubled.min(PAUSE_MAX.as_ms()));
        let told = error.retry_after.unwrap_or(Millis::ZERO);
        ReleaseEnd::Later {
            at: now.plus(pause.max(told)),
            resume: self.resume.clone(),
            in_doubt: self.in_doubt,
            failures: self.failures + 1,
        }
    }
}

fn given_up(why: &str) -> ReleaseEnd {
    ReleaseEnd::Failed {
        error: why.to_owned(),
    }
}

/// The parameters of the action that takes an effect back.
///
/// # Errors
///
/// When the action needs something that cannot be known.
pub fn undo_args(undo: &ActionInfo, target: &str, comment: &str) -> Result<Value, String> {
    let mut args = Map::new();
    let Some(param) = &undo.target else {
        return Err(format!("`{}` takes no target", undo.id));
    };
    let properties = undo.parameters.get("properties");
    let takes_list = properties.is_some_and(|fields| fields[&param.param]["type"] == "array");
    let named: Value = match takes_list {
        true => target.split(SEVERAL).map(Value::from).collect(),
        false => Value::from(target),
    };
    args.insert(param.param.clone(), named);
    if properties
        .and_then(|fields| fields.get("comment"))
        .is_some()
    {
        args.insert("comment".to_owned(), Value::String(comment.to_owned()));
    }
    let required = undo.parameters.get("required").and_then(Value::as_array);
    let missing = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|name| !args.contains_key(*name));
    match missing {
        Some(name) => Err(format!("`{}` needs `{name}`, which nobody gave", undo.id)),
        None => Ok(Value::Object(args)),
    }
}
