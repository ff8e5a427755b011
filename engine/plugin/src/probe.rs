//! What a plugin is made to show before it is installed.

use actions_contract::{BoxFuture, Call, Egress, EgressError, Follow, Mode, Request, Response};
use engine_model::{Millis, Timestamp};

use crate::version::Version;

/// How long one simulation may take.
const TIME: Millis = Millis::from_secs(5);

/// Answers every request with an empty object, so that a guest goes on.
struct Nobody;

impl Egress for Nobody {
    fn send<'a>(&'a self, _: &'a Call, _: Request) -> BoxFuture<'a, Result<Response, EgressError>> {
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: b"{}".to_vec(),
            retry_after: None,
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// Lets every action that says it can simulate do so with its own example.
///
/// The host would refuse a write in a dry run anyway; an action that tries one does not do what it
/// says, and its dry runs would all fail.
///
/// # Errors
///
/// With the actions that wanted to write.
pub(crate) async fn simulations(version: &Version) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for action in version.actions.iter().filter(|a| a.simulates) {
        let call = Call {
            run: format!("run_{}", "a".repeat(26)).parse().expect("a run id"),
            playbook: "install".parse().expect("a playbook name"),
            step: "simulate".to_owned(),
            tenant: "default".parse().expect("a tenant id"),
            connection: None,
            action: action.info.id.clone(),
            effect: action.info.effect.kind(),
            mode: Mode::Simulate,
            idem: "install/simulate".to_owned(),
            attempt: 1,
            args: action.info.example.clone(),
            resume: None,
            begun_at: Timestamp::from_ms(0),
            now: Timestamp::from_ms(0),
            time_left: TIME,
            follow: Follow::default(),
        };
        let trace = version.trace(action, &call, &Nobody).await;
        if trace.is_some_and(|trace| trace.wrote_in_simulation) {
            problems.push(format!(
                "{}: it says that it simulates, and tries to change something while it does",
                action.name
            ));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}
