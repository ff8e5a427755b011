//! One struct is one operation: pure, from parameters to request, from response to output.

use engine_model::{Millis, code};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, Endpoint, ErrorKind, Mode, Outcome,
    Request, Response, Sent,
};

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
    type Output: Serialize + DeserializeOwned + JsonSchema + Send;

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

    /// What a successful response comes to. `so_far` is what an earlier response of the same try
    /// left in [`Next::More`].
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
        Ok(Next::Done(json(response)?))
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

/// Reads a JSON body.
///
/// # Errors
///
/// `invalid_output` when it is not the documented shape.
pub fn json<T: DeserializeOwned>(response: &Response) -> Result<T, ActionError> {
    serde_json::from_slice(&response.body).map_err(|error| {
        ActionError::permanent(
            ErrorKind::InvalidOutput,
            code::AC0103,
            format!("the answer does not have the documented shape: {error}"),
        )
    })
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

/// Runs an [`Operation`] as an [`Action`].
pub struct OperationAction<O> {
    info: ActionInfo,
    operation: std::marker::PhantomData<fn() -> O>,
}

impl<O: Operation> OperationAction<O> {
    /// The action of operation `O`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            info: ActionInfo::of::<O>(),
            operation: std::marker::PhantomData,
        }
    }

    async fn run(&self, call: &Call, egress: &dyn Egress) -> Result<Outcome, Stop> {
        let operation: O = serde_json::from_value(call.args.clone()).map_err(|error| {
            ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, error.to_string())
        })?;
        match (call.mode, &call.resume) {
            (Mode::Simulate, _) => Ok(Outcome::Done {
                output: self.info.example_output.clone(),
            }),
            (Mode::Reconcile, _) => self.look_up(&operation, call, egress).await,
            (Mode::Execute, Some(state)) => {
                let request = operation.resume(call, state)?;
                let response = self.ask(&operation, call, egress, request).await?;
                let next = operation.resumed(call, state, &response)?;
                self.follow(&operation, call, egress, next).await
            }
            (Mode::Execute, None) => {
                let request = operation.request(call)?;
                let response = self.ask(&operation, call, egress, request).await?;
                let next = operation.decode(call, &response, None).map_err(|error| {
                    // The service accepted it; only its answer is unreadable.
                    if self.info.effect.kind().needs_reconcile() {
                        Stop::Unknown(error)
                    } else {
                        Stop::Failed(error)
                    }
                })?;
                self.follow(&operation, call, egress, next).await
            }
        }
    }

    /// Finds out what became of an earlier try. A look that fails tells nothing about that try:
    /// it is repeated where that may help, and otherwise it stays unclear.
    async fn look_up(
        &self,
        operation: &O,
        call: &Call,
        egress: &dyn Egress,
    ) -> Result<Outcome, Stop> {
        let Some(request) = operation.reconcile(call) else {
            return Ok(Outcome::Unclear {
                message: "it cannot be looked up".to_owned(),
            });
        };
        let response = match self.ask(operation, call, egress, request).await {
            Err(Stop::Failed(error)) if !error.retryable => {
                return Ok(Outcome::Unclear {
                    message: error.message,
                });
            }
            answered => answered?,
        };
        match operation.reconciled(call, &response) {
            Ok(Finding::Happened(next)) => self.follow(operation, call, egress, next).await,
            Ok(Finding::Nothing) => Ok(Outcome::Nothing),
            Ok(Finding::Unclear(message)) => Ok(Outcome::Unclear { message }),
            Err(error) if error.kind == ErrorKind::InvalidOutput => Ok(Outcome::Unclear {
                message: error.message,
            }),
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// Sends further requests until the operation is done or has to wait.
    async fn follow(
        &self,
        operation: &O,
        call: &Call,
        egress: &dyn Egress,
        mut next: Next<O::Output>,
    ) -> Result<Outcome, Stop> {
        loop {
            match next {
                Next::Done(output) => {
                    let output = serde_json::to_value(output).map_err(|error| {
                        ActionError::permanent(ErrorKind::Internal, code::AC0103, error.to_string())
                    })?;
                    return Ok(Outcome::Done { output });
                }
                Next::Pending {
                    state,
                    resume_after,
                    note,
                } => {
                    return Ok(Outcome::Pending {
                        state,
                        resume_after,
                        note: Some(note),
                    });
                }
                Next::More { request, so_far } => {
                    let response = self.ask(operation, call, egress, request).await?;
                    next = operation.decode(call, &response, Some(so_far))?;
                }
            }
        }
    }

    async fn ask(
        &self,
        operation: &O,
        call: &Call,
        egress: &dyn Egress,
        request: Request,
    ) -> Result<Response, Stop> {
        if request.climbs() {
            let message = format!("`{}` does not stay in its place", request.path);
            let kind = ErrorKind::InvalidInput;
            return Err(ActionError::permanent(kind, code::AC0105, message).into());
        }
        let looks_back = call.mode != Mode::Execute || call.resume.is_some();
        let looks = looks_back || !self.info.effect.kind().needs_reconcile();
        match egress.send(call, request).await {
            Ok(response) if response.is_success() => Ok(response),
            Ok(response) if looks_back => Err(Stop::Failed(operation.refused_look(&response))),
            // A server that failed half-way may have done it; 503 says that it did not begin.
            Ok(response) if !looks && response.status >= 500 && response.status != 503 => {
                Err(Stop::Unknown(operation.refused(&response)))
            }
            Ok(response) => Err(Stop::Failed(operation.refused(&response))),
            Err(failure) if failure.sent == Sent::Maybe && !looks => {
                Err(Stop::Unknown(failure.error))
            }
            Err(failure) => Err(Stop::Failed(failure.error)),
        }
    }
}

impl<O: Operation> Default for OperationAction<O> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a try ended early.
enum Stop {
    Failed(ActionError),
    Unknown(ActionError),
}

impl From<ActionError> for Stop {
    fn from(error: ActionError) -> Self {
        Self::Failed(error)
    }
}

impl<O: Operation> Action for OperationAction<O> {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.run(call, egress).await {
                Ok(outcome) => outcome,
                Err(Stop::Failed(error)) => Outcome::Failed { error },
                Err(Stop::Unknown(error)) => Outcome::Unknown { error },
            }
        })
    }
}
