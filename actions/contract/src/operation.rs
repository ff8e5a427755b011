//! One struct is one operation: pure, from parameters to request, from response to output.

use engine_model::{Millis, code};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ActionError, Call, Endpoint, ErrorKind, Request, Response, read};

/// What follows a response.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<T> {
    /// The operation is done.
    Done(T),
    /// One more request is needed now: the next page, a second look-up.
    More {
        /// The request.
        request: Request,
        /// What the responses so far came to; handed to the next `decode`.
        so_far: T,
    },
    /// Something outside has to happen first.
    Pending {
        /// Handed back to `resume`, durable until then.
        state: Value,
        /// How long to wait.
        resume_after: Millis,
        /// One line for the timeline.
        note: String,
    },
}

/// What a look at the service told about an earlier try.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding<T> {
    /// The earlier try arrived; go on as after its response.
    Happened(Next<T>),
    /// The service has no trace of it.
    Nothing,
    /// It cannot be told, for this reason.
    Unclear(String),
}

/// One operation of a service. The struct holds the parameters.
///
/// Its documentation becomes the description in the reference; the documentation of its fields
/// becomes that of the parameters.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What a playbook gets.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// The facts.
    const ENDPOINT: Endpoint;

    /// Parameters of a working call; printed in the reference and sent to the emulator by tests.
    fn example() -> Self;

    /// An output as the vendor documents it; what a simulated call answers.
    fn example_output() -> Self::Output;

    /// The request.
    ///
    /// # Errors
    ///
    /// When the parameters, each valid, do not fit together.
    fn request(&self, call: &Call) -> Result<Request, ActionError>;

    /// What a successful response comes to; by default its body, read along the schema of the
    /// output (see [`read::entity`]). `so_far` is what an earlier response of the same try left in
    /// [`Next::More`].
    ///
    /// # Errors
    ///
    /// When the response does not have the documented shape.
    fn decode(
        &self,
        call: &Call,
        response: &Response,
        so_far: Option<Self::Output>,
    ) -> Result<Next<Self::Output>, ActionError> {
        let _ = (call, so_far);
        read::entity(response).map(Next::Done)
    }

    /// What a refusal of the service means.
    fn refused(&self, response: &Response) -> ActionError {
        service_error(response)
    }

    /// The request that looks how a pending operation is getting on.
    ///
    /// # Errors
    ///
    /// When the operation never waits, or `state` is not its own.
    fn resume(&self, call: &Call, state: &Value) -> Result<Request, ActionError> {
        let _ = (call, state);
        Err(unsupported("this operation does not wait"))
    }

    /// What the answer to [`Operation::resume`] comes to.
    ///
    /// # Errors
    ///
    /// When the remote action ended without success, or the answer cannot be read.
    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<Self::Output>, ActionError> {
        let _ = (call, state, response);
        Err(unsupported("this operation does not wait"))
    }

    /// What a refusal means when it answers [`Operation::resume`] or [`Operation::reconcile`].
    fn refused_look(&self, response: &Response) -> ActionError {
        self.refused(response)
    }

    /// The request that finds out whether an earlier try arrived; none where nothing can tell.
    fn reconcile(&self, call: &Call) -> Option<Request> {
        let _ = call;
        None
    }

    /// What the answer to [`Operation::reconcile`] tells.
    ///
    /// # Errors
    ///
    /// When the answer cannot be read.
    fn reconciled(
        &self,
        call: &Call,
        response: &Response,
    ) -> Result<Finding<Self::Output>, ActionError> {
        let _ = (call, response);
        Ok(Finding::Unclear(
            "this operation cannot be looked up".to_owned(),
        ))
    }
}

fn unsupported(message: &str) -> ActionError {
    ActionError::permanent(ErrorKind::Unsupported, code::AC0103, message)
}

/// What a response other than 2xx means, by its status and the vendor's `error` object.
#[must_use]
pub fn service_error(response: &Response) -> ActionError {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let said = |key: &str| {
        body.pointer(&format!("/error/{key}"))
            .and_then(Value::as_str)
    };
    let vendor_code = said("code").unwrap_or("no code");
    let message = format!(
        "the service answered {} {vendor_code}: {}",
        response.status,
        said("message")
            .unwrap_or("no message")
            .chars()
            .take(500)
            .collect::<String>(),
    );
    let wait = response.retry_after;
    let mut error = match response.status {
        401 => ActionError::permanent(ErrorKind::Unauthorized, code::BR0105, message),
        403 => ActionError::permanent(ErrorKind::PermissionDenied, code::AC0107, message),
        404 => ActionError::permanent(ErrorKind::NotFound, code::AC0102, message),
        409 => ActionError::permanent(ErrorKind::Conflict, code::AC0101, message),
        408 | 504 => ActionError::retryable(ErrorKind::Timeout, code::AC0111, message, wait),
        429 => ActionError::retryable(ErrorKind::RateLimited, code::AC0110, message, wait),
        500..=599 => ActionError::retryable(ErrorKind::Unavailable, code::AC0111, message, wait),
        _ => ActionError::permanent(ErrorKind::InvalidInput, code::AC0101, message),
    };
    error.details = body.get("error").cloned();
    error
}
