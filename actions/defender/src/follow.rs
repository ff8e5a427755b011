//! Machine actions: submitted, followed to their end, and found again after a lost answer.

use std::borrow::Cow;

use actions_contract::{
    ActionError, Call, Endpoint, ErrorKind, Finding, Next, Operation, Request, Response, json,
    read, service_error,
};
use engine_model::{Millis, Timestamp, code};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entities::MachineAction;
use crate::enums::{MachineActionStatus, Word};
use crate::machine_actions::{GetMachineAction, ListMachineActions};
use crate::{Collection, given, odata};

/// The longest comment that is sent, the mark included.
const COMMENT_CHARS_MAX: usize = 1000;

/// How much earlier than the step a machine action may seem to begin, clocks being what they are.
const CLOCK_SKEW_MS: i64 = 120_000;

/// Parameters whose request makes the service create a machine action.
///
/// Wrapped in [`Followed`] they are an operation: the submission, the looks at the action until it
/// has ended, and the search for it after an answer was lost.
pub trait Submission: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The facts.
    const ENDPOINT: Endpoint;

    /// The type of the machine action, by which it is found again.
    const KIND: &'static str;

    /// The device.
    fn machine_id(&self) -> &str;

    /// The author's comment.
    fn comment(&self) -> &str;

    /// Whether the parameters, each valid, fit together.
    ///
    /// # Errors
    ///
    /// When they do not.
    fn check(&self) -> Result<(), ActionError> {
        Ok(())
    }

    /// The body, with `comment` for the comment.
    fn body(&self, comment: &str) -> Value;

    /// Parameters of a working call.
    fn example() -> Self;

    /// The machine action they lead to.
    fn example_output() -> MachineAction;
}

/// A [`Submission`] as an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Followed<S>(pub S);

impl<S: JsonSchema> JsonSchema for Followed<S> {
    fn schema_name() -> Cow<'static, str> {
        S::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        S::json_schema(generator)
    }
}

/// What is kept between two looks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    action_id: String,
    looks: u32,
}

impl<S: Submission> Operation for Followed<S> {
    type Output = MachineAction;

    const ENDPOINT: Endpoint = S::ENDPOINT;

    fn example() -> Self {
        Self(S::example())
    }

    fn example_output() -> MachineAction {
        S::example_output()
    }

    fn request(&self, call: &Call) -> Result<Request, ActionError> {
        self.0.check()?;
        let machine_id = given("machine_id", self.0.machine_id())?;
        let comment = marked(given("comment", self.0.comment())?, call);
        Ok(S::ENDPOINT
            .request(&[machine_id])
            .with_json(self.0.body(&comment)))
    }

    fn decode(
        &self,
        call: &Call,
        response: &Response,
        _: Option<MachineAction>,
    ) -> Result<Next<MachineAction>, ActionError> {
        settle(call, read::entity(response)?, 0)
    }

    /// Recognises the refusal of a second action of the same kind.
    fn refused(&self, response: &Response) -> ActionError {
        let mut error = service_error(response);
        if response.status == 400 && is_already_open(response) {
            error.kind = ErrorKind::Conflict;
            error.code = Cow::Borrowed(code::AC0106.as_str());
        }
        error
    }

    fn resume(&self, _: &Call, state: &Value) -> Result<Request, ActionError> {
        Ok(GetMachineAction::ENDPOINT.request(&[&watch(state)?.action_id]))
    }

    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<MachineAction>, ActionError> {
        settle(
            call,
            read::entity(response)?,
            watch(state)?.looks.saturating_add(1),
        )
    }

    /// A machine action may show up a moment after its submission was answered.
    fn refused_look(&self, response: &Response) -> ActionError {
        let mut error = service_error(response);
        error.retryable |= response.status == 404;
        error
    }

    fn reconcile(&self, call: &Call) -> Option<Request> {
        let since = Timestamp::from_ms(call.begun_at.as_ms().saturating_sub(CLOCK_SKEW_MS));
        let filter = format!(
            "machineId eq {} and type eq {} and creationDateTimeUtc ge {since}",
            odata::text(self.0.machine_id()),
            odata::text(S::KIND),
        );
        let request = ListMachineActions::ENDPOINT.request(&[]);
        Some(
            request
                .with_query("$filter", filter)
                .with_query("$top", "100"),
        )
    }

    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<MachineAction>, ActionError> {
        let mut body: Value = json(response)?;
        let actions: Vec<MachineAction> = read::collection(&mut body)?;
        let mark = mark(call);
        let ours = |action: &MachineAction| {
            action
                .requestor_comment
                .as_deref()
                .is_some_and(|comment| comment.contains(&mark))
        };
        let newest = actions
            .into_iter()
            .filter(ours)
            .max_by(|a, b| a.creation_date_time_utc.cmp(&b.creation_date_time_utc));
        match newest {
            Some(action) => settle(call, action, 0).map(Finding::Happened),
            None => Ok(Finding::Nothing),
        }
    }
}

/// The mark that a step leaves in comments, by which its machine action is found again.
#[must_use]
pub fn mark(call: &Call) -> String {
    format!("[quell:{}]", call.idem)
}

/// The author's comment and the mark; a long comment is cut, the mark never is.
fn marked(comment: &str, call: &Call) -> String {
    let mark = mark(call);
    let room = COMMENT_CHARS_MAX.saturating_sub(mark.chars().count() + 1);
    let comment = comment.trim();
    let mut text: String = comment.chars().take(room).collect();
    if text.len() < comment.len() {
        text.pop();
        text.push('…');
    }
    format!("{text} {mark}")
}

/// Done, failed, or to be looked at again after a wait that doubles with every look.
fn settle(
    call: &Call,
    action: MachineAction,
    looks: u32,
) -> Result<Next<MachineAction>, ActionError> {
    match &action.status {
        Word::Known(MachineActionStatus::Succeeded) => Ok(Next::Done(action)),
        Word::Known(status) if status.is_final() => Err(ended(*status, &action)),
        _ => {
            let note = format!("machine action {} is {}", action.id, word(&action.status));
            let watch = Watch {
                action_id: action.id,
                looks,
            };
            Ok(Next::Pending {
                state: serde_json::to_value(watch).expect("a text and a number serialise"),
                resume_after: wait(call, looks),
                note,
            })
        }
    }
}

/// How long to wait before the next look: twice as long after each.
pub(crate) fn wait(call: &Call, looks: u32) -> Millis {
    let first = call.follow.first.as_ms().max(1);
    let wait = first.saturating_mul(1_u64.checked_shl(looks).unwrap_or(u64::MAX));
    Millis::from_ms(wait.min(call.follow.max.as_ms().max(first)))
}

/// The error of an action that ended in another way than it should.
fn ended(status: MachineActionStatus, action: &MachineAction) -> ActionError {
    let kind = match status {
        MachineActionStatus::TimeOut => ErrorKind::Timeout,
        MachineActionStatus::Cancelled => ErrorKind::Cancelled,
        _ => ErrorKind::Conflict,
    };
    let mut message = format!("machine action {} ended as {status:?}", action.id);
    if let Some(result) = action.error_h_result.filter(|result| *result != 0) {
        message.push_str(&format!(
            ", error {:#010x} on the device",
            result & 0xffff_ffff
        ));
    }
    if let Some(why) = &action.cancellation_comment {
        message.push_str(&format!(": {why}"));
    }
    for command in &action.commands {
        if !command.errors.is_empty() {
            let at = command.index.unwrap_or_default();
            let errors = command.errors.join("; ");
            message.push_str(&format!(", command {at} failed: {errors}"));
        }
    }
    let mut error = ActionError::permanent(kind, code::AC0104, message);
    error.details = serde_json::to_value(action).ok();
    error
}

/// Whether a refusal says that such an action is already open on the device. The vendor documents
/// words, not a code, so the words count.
fn is_already_open(response: &Response) -> bool {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let said = |key: &str| {
        let text = body
            .pointer(&format!("/error/{key}"))
            .and_then(Value::as_str);
        text.unwrap_or_default().to_ascii_lowercase()
    };
    let message = said("message");
    said("code") == "activerequestalreadyexists"
        || message.contains("already in progress")
        || message.contains("pending machine action")
}

fn watch(state: &Value) -> Result<Watch, ActionError> {
    Watch::deserialize(state).map_err(|error| {
        let message = format!("the kept state is not that of a machine action: {error}");
        ActionError::permanent(ErrorKind::Internal, code::AC0103, message)
    })
}

fn word(status: &Word<MachineActionStatus>) -> String {
    match status {
        Word::Known(status) => format!("{status:?}"),
        Word::Other(word) => word.clone(),
    }
}
