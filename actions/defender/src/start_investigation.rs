//! An automated investigation, begun and followed to its end.

use actions_contract::{
    ActionError, Call, Endpoint, ErrorKind, Idempotency, Next, Operation, Rate, Request, Response,
    read, service_error,
};
use engine_model::code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entities::Investigation;
use crate::enums::{InvestigationState, Word};
use crate::follow::wait;
use crate::investigations::GetInvestigation;
use crate::{CHANGE_ALERTS, MARK, given};

/// Begins an automated investigation of a device.
///
/// Followed until it has ended; one that waits for somebody to approve what it found goes on
/// waiting. 50 begun in an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartInvestigation {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why.
    #[schemars(length(min = 1))]
    pub comment: String,
}

/// What is kept between two looks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    investigation_id: String,
    looks: u32,
}

impl Operation for StartInvestigation {
    type Output = Investigation;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.start-investigation",
        title: "Start an investigation",
        path: "/api/machines/{id}/startInvestigation",
        idempotency: Idempotency::None,
        permissions: CHANGE_ALERTS,
        rate: Rate {
            per_minute: None,
            per_hour: Some(50),
        },
        settles: true,
        source: "https://learn.microsoft.com/defender-endpoint/api/initiate-autoir-investigation",
        ..MARK
    };

    fn example() -> Self {
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Test investigation".to_owned(),
        }
    }

    fn example_output() -> Investigation {
        read::example(include_str!(
            "../fixtures/start-investigation.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let body = json!({ "Comment": given("comment", &self.comment)? });
        let machine_id = given("machine_id", &self.machine_id)?;
        Ok(Self::ENDPOINT.request(&[machine_id]).with_json(body))
    }

    fn decode(
        &self,
        call: &Call,
        response: &Response,
        _: Option<Investigation>,
    ) -> Result<Next<Investigation>, ActionError> {
        settle(call, read::entity(response)?, 0)
    }

    fn resume(&self, _: &Call, state: &Value) -> Result<Request, ActionError> {
        Ok(GetInvestigation::ENDPOINT.request(&[&watch(state)?.investigation_id]))
    }

    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<Investigation>, ActionError> {
        let looks = watch(state)?.looks.saturating_add(1);
        settle(call, read::entity(response)?, looks)
    }

    /// An investigation may show up a moment after its beginning was answered.
    fn refused_look(&self, response: &Response) -> ActionError {
        let mut error = service_error(response);
        error.retryable |= response.status == 404;
        error
    }
}

/// Done, failed, or to be looked at again.
fn settle(
    call: &Call,
    investigation: Investigation,
    looks: u32,
) -> Result<Next<Investigation>, ActionError> {
    use InvestigationState as State;
    let kind = match &investigation.state {
        Some(Word::Known(state)) => match state {
            State::Benign
            | State::SuccessfullyRemediated
            | State::PartiallyRemediated
            | State::PartiallyInvestigated
            | State::PreexistingAlert
            | State::SuppressedAlert => return Ok(Next::Done(investigation)),
            State::Terminated | State::TerminatedByUser => Some(ErrorKind::Cancelled),
            State::Failed
            | State::InnerFailure
            | State::TerminatedBySystem
            | State::UnsupportedOs
            | State::UnsupportedAlertType => Some(ErrorKind::Conflict),
            State::Unknown
            | State::Queued
            | State::Running
            | State::PendingApproval
            | State::PendingResource => None,
        },
        _ => None,
    };
    let state = match &investigation.state {
        Some(Word::Known(state)) => format!("{state:?}"),
        Some(Word::Other(word)) => word.clone(),
        None => "not known".to_owned(),
    };
    let Some(kind) = kind else {
        let note = format!("investigation {} is {state}", investigation.id);
        let watch = Watch {
            investigation_id: investigation.id,
            looks,
        };
        return Ok(Next::Pending {
            state: serde_json::to_value(watch).expect("a text and a number serialise"),
            resume_after: wait(call, looks),
            note,
        });
    };
    let mut message = format!("investigation {} ended as {state}", investigation.id);
    if let Some(details) = &investigation.status_details {
        message.push_str(&format!(": {details}"));
    }
    let mut error = ActionError::permanent(kind, code::AC0104, message);
    error.details = serde_json::to_value(investigation).ok();
    Err(error)
}

fn watch(state: &Value) -> Result<Watch, ActionError> {
    Watch::deserialize(state).map_err(|error| {
        let message = format!("the kept state is not that of an investigation: {error}");
        ActionError::permanent(ErrorKind::Internal, code::AC0103, message)
    })
}
