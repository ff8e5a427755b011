//! Work of the service that is followed by the link it gives.

use actions_contract::{ActionError, Call, Endpoint, ErrorKind, Method, Next, Request, Response};
use actions_contract::{json, read};
use engine_model::{Millis, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::location;
use crate::odata;

/// What became of work of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LongRunning {
    /// The id of the work.
    pub id: Option<String>,
    /// How it ended: `succeeded`, or `accepted` where the service gives no link to follow.
    pub status: String,
    /// More on that.
    pub status_detail: Option<String>,
}

impl LongRunning {
    /// That it worked, seen from its effect.
    pub(super) fn succeeded() -> Self {
        Self {
            id: None,
            status: "succeeded".to_owned(),
            status_detail: None,
        }
    }
}

/// What is kept between two looks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    path: String,
    looks: u32,
}

/// What the answer to a request for work comes to.
pub(super) fn begun(call: &Call, response: &Response) -> Result<Next<LongRunning>, ActionError> {
    let Some(link) = location(response) else {
        return Ok(Next::Done(LongRunning {
            status: "accepted".to_owned(),
            ..LongRunning::succeeded()
        }));
    };
    // The host is dropped: a link never chooses where we go.
    match odata::path_and_query(link) {
        Some((path, _)) if path.starts_with("/v1.0/") || path.starts_with("/beta/") => {
            let path = path.to_owned();
            Ok(wait(call, Watch { path, looks: 0 }, "begun"))
        }
        _ => Err(read::unreadable(
            "the link to its work leads somewhere else",
        )),
    }
}

/// The look at it.
pub(super) fn look(endpoint: &Endpoint, state: &Value) -> Result<Request, ActionError> {
    Ok(Request {
        method: Method::Get,
        path: watch(state)?.path,
        ..endpoint.request(&[])
    })
}

/// What a look comes to.
pub(super) fn settle(
    call: &Call,
    state: &Value,
    response: &Response,
) -> Result<Next<LongRunning>, ActionError> {
    let body: Value = json(response)?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let status = text("status").ok_or_else(|| read::unreadable("expected a text at `status`"))?;
    let seen = LongRunning {
        id: text("id"),
        status_detail: text("statusDetail"),
        status,
    };
    match seen.status.as_str() {
        "succeeded" => Ok(Next::Done(seen)),
        "notStarted" | "running" => {
            let Watch { path, looks } = watch(state)?;
            let looks = looks.saturating_add(1);
            Ok(wait(call, Watch { path, looks }, &seen.status))
        }
        ended => {
            let message = format!("the service's work ended as {ended}");
            let mut error = ActionError::permanent(ErrorKind::Conflict, code::AC0104, message);
            error.details = Some(body);
            Err(error)
        }
    }
}

fn wait(call: &Call, watch: Watch, how: &str) -> Next<LongRunning> {
    let first = call.follow.first.as_ms().max(1);
    let doubled = 1_u64.checked_shl(watch.looks).unwrap_or(u64::MAX);
    let wait = first.saturating_mul(doubled);
    Next::Pending {
        state: serde_json::to_value(watch).expect("a text and a number serialise"),
        resume_after: Millis::from_ms(wait.min(call.follow.max.as_ms().max(first))),
        note: format!("the service's work is {how}"),
    }
}

fn watch(state: &Value) -> Result<Watch, ActionError> {
    Watch::deserialize(state).map_err(|error| {
        let message = format!("the kept state is not that of a service's work: {error}");
        ActionError::permanent(ErrorKind::Internal, code::AC0103, message)
    })
}
