//! Cases of a plugin: what it is given, what the service answers, what has to come out.

use actions_contract::{Action, Call, Follow, Mode, Outcome};
use engine_model::{Millis, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Exchange, Mock};
use crate::Loaded;

/// A file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The plugin's configuration.
    #[serde(default = "empty")]
    pub config: Value,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The action, without the plugin's name.
    pub action: String,
    /// The parameters.
    pub input: Value,
    /// What the try is for.
    #[serde(default = "execute")]
    pub mode: Mode,
    /// The state of an earlier `pending`.
    #[serde(default)]
    pub resume: Option<Value>,
    /// What the service is asked and answers, in order.
    #[serde(default)]
    pub http: Vec<Exchange>,
    /// What has to come out; of a failure, the parts that are named.
    pub expect: Value,
}

const fn execute() -> Mode {
    Mode::Execute
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// How a case went.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What came out.
    pub outcome: Value,
    /// What is not as it has to be; empty when the case holds.
    pub complaints: Vec<String>,
}

/// Runs one case.
pub async fn run_case(loaded: &Loaded, case: &Case) -> Verdict {
    let id = format!("{}.{}", loaded.manifest.id, case.action);
    let Some(action) = loaded.actions.iter().find(|a| a.info().id.as_str() == id) else {
        return Verdict {
            outcome: Value::Null,
            complaints: vec![format!("there is no action `{}`", case.action)],
        };
    };
    let mock = Mock::of(case.http.clone());
    let resume = case.resume.as_ref().map(|state| loaded.kept(state));
    let call = trial(&**action, case.input.clone(), case.mode, resume);
    let outcome = told(&action.call(&call, &mock).await);
    let mut complaints = mock.complaints();
    if !fits(&case.expect, &outcome) {
        complaints.push(format!("expected {}, got {outcome}", case.expect));
    }
    Verdict {
        outcome,
        complaints,
    }
}

/// A first try outside of any run.
#[must_use]
pub fn trial(action: &dyn Action, args: Value, mode: Mode, resume: Option<Value>) -> Call {
    Call {
        run: format!("run_{}", "a".repeat(26)).parse().expect("a run id"),
        playbook: "trial".parse().expect("a playbook name"),
        step: "trial".to_owned(),
        tenant: "default".parse().expect("a tenant id"),
        connection: None,
        action: action.info().id.clone(),
        effect: action.info().effect.kind(),
        mode,
        idem: "run_a/trial".to_owned(),
        attempt: 1,
        args,
        resume,
        begun_at: Timestamp::from_ms(1_700_000_000_000),
        now: Timestamp::from_ms(1_700_000_000_000),
        time_left: Millis::from_secs(30),
        follow: Follow::default(),
    }
}

/// An outcome as cases write it.
#[must_use]
pub fn told(outcome: &Outcome) -> Value {
    let failure = |error: &actions_contract::ActionError| {
        let mut told = json!({
            "code": error.code,
            "kind": error.kind.as_str(),
            "message": error.message,
            "retryable": error.retryable,
        });
        if let Some(wait) = error.retry_after {
            told["retry_after"] = json!(wait);
        }
        if let Some(details) = &error.details {
            told["details"] = details.clone();
        }
        told
    };
    match outcome {
        Outcome::Done { output } => json!({ "done": output }),
        Outcome::Pending {
            state,
            resume_after,
            note,
        } => json!({ "pending": {
            // The engine's own part of the state is not the author's.
            "state": state.get("state"),
            "resume_after": resume_after,
            "note": note,
        } }),
        Outcome::Nothing => json!("nothing"),
        Outcome::Unclear { message } => json!({ "unclear": { "message": message } }),
        Outcome::Held { rule, .. } => json!({ "held": { "rule": rule } }),
        Outcome::Refused { error } => json!({ "refused": failure(error) }),
        Outcome::Failed { error } => json!({ "failed": failure(error) }),
        Outcome::Unknown { error } => json!({ "unknown": failure(error) }),
    }
}

/// Whether what came out is what was expected; an output has to be the same in full.
fn fits(expected: &Value, found: &Value) -> bool {
    match (expected.as_object(), found.as_object()) {
        (Some(expected), Some(found)) if !expected.contains_key("done") => {
            expected.iter().all(|(key, wanted)| {
                let parts = (
                    wanted.as_object(),
                    found.get(key).and_then(Value::as_object),
                );
                match parts {
                    (Some(wanted), Some(found)) => wanted
                        .iter()
                        .all(|(part, value)| found.get(part) == Some(value)),
                    _ => found.get(key) == Some(wanted),
                }
            })
        }
        _ => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_compared_in_full_and_a_failure_where_it_is_named() {
        let failed = json!({ "failed": { "code": "busy", "retryable": true } });
        assert!(fits(&json!({ "failed": { "code": "busy" } }), &failed));
        assert!(!fits(&json!({ "failed": { "code": "down" } }), &failed));
        assert!(!fits(&json!({ "done": {} }), &failed));
        assert!(!fits(
            &json!({ "done": {} }),
            &json!({ "done": { "a": 1 } })
        ));
        assert!(fits(
            &json!({ "done": { "a": 1 } }),
            &json!({ "done": { "a": 1 } })
        ));
        assert!(!fits(&json!("nothing"), &failed));
    }
}
