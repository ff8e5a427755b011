//! How an [`Operation`] runs as an [`Action`].
//!
//! There are hundreds of operations and one way to perform them: what is asynchronous is compiled
//! once, over an operation whose type is erased.

use std::any::Any;

use engine_model::code;
use serde_json::Value;

use crate::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Egress, ErrorKind, Finding, Mode, Next,
    Operation, Outcome, Request, Response, Sent,
};

/// Runs an [`Operation`] as an [`Action`].
pub struct OperationAction {
    info: ActionInfo,
    parse: fn(&Value) -> Result<Box<dyn Erased>, ActionError>,
}

/// An output on its way, of the type that its operation knows.
type Kept = Box<dyn Any + Send>;

/// An [`Operation`] whose type is erased.
trait Erased: Send + Sync {
    fn request(&self, call: &Call) -> Result<Request, ActionError>;
    fn decode(
        &self,
        call: &Call,
        response: &Response,
        so_far: Option<Kept>,
    ) -> Result<Next<Kept>, ActionError>;
    fn refused(&self, response: &Response) -> ActionError;
    fn resume(&self, call: &Call, state: &Value) -> Result<Request, ActionError>;
    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<Kept>, ActionError>;
    fn refused_look(&self, response: &Response) -> ActionError;
    fn reconcile(&self, call: &Call) -> Option<Request>;
    fn reconciled(&self, call: &Call, response: &Response) -> Result<Finding<Kept>, ActionError>;
    fn output(&self, kept: Kept) -> Result<Value, ActionError>;
}

impl<O: Operation> Erased for O {
    fn request(&self, call: &Call) -> Result<Request, ActionError> {
        Operation::request(self, call)
    }

    fn decode(
        &self,
        call: &Call,
        response: &Response,
        so_far: Option<Kept>,
    ) -> Result<Next<Kept>, ActionError> {
        let so_far = so_far.map(own::<O>);
        Operation::decode(self, call, response, so_far).map(kept)
    }

    fn refused(&self, response: &Response) -> ActionError {
        Operation::refused(self, response)
    }

    fn resume(&self, call: &Call, state: &Value) -> Result<Request, ActionError> {
        Operation::resume(self, call, state)
    }

    fn resumed(
        &self,
        call: &Call,
        state: &Value,
        response: &Response,
    ) -> Result<Next<Kept>, ActionError> {
        Operation::resumed(self, call, state, response).map(kept)
    }

    fn refused_look(&self, response: &Response) -> ActionError {
        Operation::refused_look(self, response)
    }

    fn reconcile(&self, call: &Call) -> Option<Request> {
        Operation::reconcile(self, call)
    }

    fn reconciled(&self, call: &Call, response: &Response) -> Result<Finding<Kept>, ActionError> {
        Ok(match Operation::reconciled(self, call, response)? {
            Finding::Happened(next) => Finding::Happened(kept(next)),
            Finding::Nothing => Finding::Nothing,
            Finding::Unclear(message) => Finding::Unclear(message),
        })
    }

    fn output(&self, kept: Kept) -> Result<Value, ActionError> {
        serde_json::to_value(own::<O>(kept)).map_err(|error| {
            ActionError::permanent(ErrorKind::Internal, code::AC0103, error.to_string())
        })
    }
}

fn own<O: Operation>(kept: Kept) -> O::Output {
    *kept
        .downcast()
        .expect("an operation is given back what it gave")
}

fn kept<T: Send + 'static>(next: Next<T>) -> Next<Kept> {
    match next {
        Next::Done(output) => Next::Done(Box::new(output)),
        Next::More { request, so_far } => Next::More {
            request,
            so_far: Box::new(so_far),
        },
        Next::Pending {
            state,
            resume_after,
            note,
        } => Next::Pending {
            state,
            resume_after,
            note,
        },
    }
}

/// The parameters as an operation; a mistake is told with its place.
fn parse<O: Operation>(args: &Value) -> Result<Box<dyn Erased>, ActionError> {
    match O::deserialize(args) {
        Ok(operation) => Ok(Box::new(operation)),
        Err(error) => {
            let message = error.to_string();
            Err(ActionError::permanent(
                ErrorKind::InvalidInput,
                code::AC0105,
                message,
            ))
        }
    }
}

impl OperationAction {
    /// The action of operation `O`.
    #[must_use]
    pub fn of<O: Operation>() -> Self {
        Self {
            info: ActionInfo::of::<O>(),
            parse: parse::<O>,
        }
    }

    async fn run(&self, call: &Call, egress: &dyn Egress) -> Result<Outcome, Stop> {
        let parsed = (self.parse)(&call.args);
        let operation = parsed.map_err(|error| self.placed(error, &call.args))?;
        let operation = operation.as_ref();
        match (call.mode, &call.resume) {
            (Mode::Simulate, _) => Ok(Outcome::Done {
                output: self.info.example_output.clone(),
            }),
            (Mode::Reconcile, _) => self.look_up(operation, call, egress).await,
            (Mode::Execute, Some(state)) => {
                let request = operation.resume(call, state)?;
                let response = self.ask(operation, call, egress, request).await?;
                let next = operation.resumed(call, state, &response)?;
                self.follow(operation, call, egress, next).await
            }
            (Mode::Execute, None) => {
                let request = operation.request(call)?;
                let response = self.ask(operation, call, egress, request).await?;
                let next = operation.decode(call, &response, None).map_err(|error| {
                    // The service accepted it; only its answer is unreadable.
                    if self.info.effect.kind().needs_reconcile() {
                        Stop::Unknown(error)
                    } else {
                        Stop::Failed(error)
                    }
                })?;
                self.follow(operation, call, egress, next).await
            }
        }
    }

    /// The error of parameters that do not fit, with the name of the one that is wrong: the one
    /// with whose example in its place something else is wrong, or nothing.
    fn placed(&self, mut error: ActionError, args: &Value) -> ActionError {
        let mut names = args.as_object().into_iter().flatten().map(|(name, _)| name);
        let is_wrong = |name: &&String| {
            let mut other = args.clone();
            match (self.info.example.get(name.as_str()), other.as_object_mut()) {
                (Some(example), Some(other)) => other.insert((*name).clone(), example.clone()),
                (None, Some(other)) => other.remove(name.as_str()),
                (_, None) => None,
            };
            let now = (self.parse)(&other).err();
            now.is_none_or(|now| now.message != error.message)
        };
        if let Some(name) = names.find(is_wrong)
            && !error.message.contains(&format!("`{name}`"))
        {
            error.message = format!("`{name}`: {}", error.message);
        }
        error
    }

    /// Finds out what became of an earlier try. A look that fails tells nothing about that try:
    /// it is repeated where that may help, and otherwise it stays unclear.
    async fn look_up(
        &self,
        operation: &dyn Erased,
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
        operation: &dyn Erased,
        call: &Call,
        egress: &dyn Egress,
        mut next: Next<Kept>,
    ) -> Result<Outcome, Stop> {
        loop {
            match next {
                Next::Done(output) => {
                    let output = operation.output(output)?;
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
        operation: &dyn Erased,
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

impl Action for OperationAction {
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
