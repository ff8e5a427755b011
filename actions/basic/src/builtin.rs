//! How a built-in action is written, and how it is run.

use std::marker::PhantomData;

use actions_contract::{
    Action, ActionError, ActionInfo, BoxFuture, Call, Confidence, Effect, Egress, ErrorKind,
    Idempotency, Mode, Outcome, Request, Response, schema_of,
};
use engine_model::code;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The facts of a built-in action.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `http.request`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice is harmless.
    pub idempotency: Idempotency,
}

/// How a built-in action begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start<T> {
    /// It is done; nothing leaves the engine.
    Done(T),
    /// It sends this request, and is done with the answer.
    Send(Request),
}

/// A built-in action. The struct holds the parameters.
///
/// Its documentation becomes the description in the reference; the documentation of its fields
/// becomes that of the parameters.
pub trait Builtin: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What a playbook gets.
    type Output: Serialize + JsonSchema + Send;

    /// The facts.
    const FACTS: Facts;

    /// Parameters of a working call; printed in the reference.
    fn example() -> Self;

    /// An output; what a simulated call answers.
    fn example_output() -> Self::Output;

    /// The output, where the engine itself knows it.
    fn local(&self, call: &Call, egress: &dyn Egress) -> Option<Result<Self::Output, ActionError>> {
        let _ = (call, egress);
        None
    }

    /// Does it, or says what has to be sent.
    ///
    /// # Errors
    ///
    /// When the parameters, each valid, do not fit together.
    fn start(&self, call: &Call) -> Result<Start<Self::Output>, ActionError>;

    /// What the answer to the request comes to, whatever its status.
    ///
    /// # Errors
    ///
    /// When the answer is a refusal.
    fn answered(&self, response: &Response) -> Result<Self::Output, ActionError>;
}

/// Runs a [`Builtin`] as an [`Action`].
pub struct BuiltinAction<B> {
    info: ActionInfo,
    builtin: PhantomData<fn() -> B>,
}

impl<B: Builtin> BuiltinAction<B> {
    /// The action of `B`.
    ///
    /// # Panics
    ///
    /// When the constants of `B` contradict each other; a test of the catalog builds every action,
    /// so that this is found there.
    #[must_use]
    pub fn new() -> Self {
        let facts = B::FACTS;
        let parameters = schema_of::<B>();
        let description = parameters
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let info = ActionInfo {
            id: facts
                .id
                .parse()
                .expect("the id of an action is `family.name`"),
            major: 1,
            title: facts.title.to_owned(),
            description,
            effect: facts.effect,
            idempotency: facts.idempotency,
            parameters,
            output: schema_of::<B::Output>(),
            target: None,
            settles: false,
            api: None,
            method: None,
            path: None,
            permissions_application: Vec::new(),
            permissions_delegated: Vec::new(),
            rate: None,
            beta: false,
            confidence: Confidence::Page,
            source: None,
            example: serde_json::to_value(B::example()).expect("parameters serialise"),
            example_output: serde_json::to_value(B::example_output()).expect("outputs serialise"),
        };
        Self {
            info,
            builtin: PhantomData,
        }
    }

    async fn run(&self, call: &Call, egress: &dyn Egress) -> Result<Outcome, ActionError> {
        if call.mode == Mode::Reconcile {
            return Ok(Outcome::Unclear {
                message: "it cannot be looked up".to_owned(),
            });
        }
        let builtin: B = serde_json::from_value(call.args.clone()).map_err(|error| {
            ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, error.to_string())
        })?;
        let local = builtin.local(call, egress).transpose()?;
        let started = local.map_or_else(|| builtin.start(call), |known| Ok(Start::Done(known)));
        let output = match started? {
            Start::Done(output) => output,
            Start::Send(_) if call.mode == Mode::Simulate => {
                return Ok(Outcome::Done {
                    output: self.info.example_output.clone(),
                });
            }
            Start::Send(request) => {
                let answer = egress.send(call, request).await;
                builtin.answered(&answer.map_err(|failure| failure.error)?)?
            }
        };
        let output = serde_json::to_value(output).map_err(|error| {
            ActionError::permanent(ErrorKind::Internal, code::AC0103, error.to_string())
        })?;
        Ok(Outcome::Done { output })
    }
}

impl<B: Builtin> Default for BuiltinAction<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Builtin> Action for BuiltinAction<B> {
    fn info(&self) -> &ActionInfo {
        &self.info
    }

    fn call<'a>(&'a self, call: &'a Call, egress: &'a dyn Egress) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.run(call, egress)
                .await
                .unwrap_or_else(|error| Outcome::Failed { error })
        })
    }
}

/// The error of a server that is no API of ours: its status, and the beginning of what it said.
pub(crate) fn refusal(response: &Response) -> ActionError {
    let mut error = actions_contract::service_error(response);
    let said = String::from_utf8_lossy(&response.body);
    let said: String = said.trim().chars().take(200).collect();
    error.message = match said.is_empty() {
        true => format!("the server answered {}", response.status),
        false => format!("the server answered {}: {said}", response.status),
    };
    error
}

/// The error of parameters that do not fit the action.
pub(crate) fn misfit(message: impl Into<String>) -> ActionError {
    ActionError::permanent(ErrorKind::InvalidInput, code::AC0105, message)
}
