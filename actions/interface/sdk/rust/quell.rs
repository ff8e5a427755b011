//! What plugins in Rust are written with. Made anew by every build.
#![expect(dead_code, reason = "a plugin uses a part of it")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use words::{Effect, FailureKind as Kind, Idempotency, Mode};

mod generated {
    wit_bindgen::generate!({ path: "quell/plugin.wit", world: "plugin" });

    struct Component;
    export!(Component);

    impl exports::quell::plugin::actions::Guest for Component {
        fn describe() -> super::words::PluginInfo {
            crate::plugin().info()
        }

        fn run(
            action: String,
            input: String,
            context: super::words::Context,
        ) -> Result<super::words::Outcome, super::words::Error> {
            crate::plugin().run(&action, &input, context).map_err(Into::into)
        }
    }
}

use generated::quell::plugin::action as words;
use generated::quell::plugin::{http, log};

/// Why an action failed.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub code: String,
    pub message: String,
    pub details: Option<Value>,
    /// Whether another try may work, and how long to wait at least.
    pub retry: Option<Option<u32>>,
}

impl Failure {
    /// Another try cannot help.
    pub fn permanent(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { kind, code, message, details: None, retry: None }
    }

    /// Another try may work.
    pub fn retryable(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self { retry: Some(None), ..Self::permanent(kind, code, message) }
    }

    /// The same, after so many milliseconds.
    pub fn after_ms(self, ms: Option<u32>) -> Self {
        Self { retry: Some(ms), ..self }
    }
}

impl From<Failure> for words::Error {
    fn from(failure: Failure) -> Self {
        let told = words::Failure {
            kind: failure.kind,
            code: failure.code,
            message: failure.message,
            details: failure.details.map(|details| details.to_string()),
        };
        match failure.retry {
            Some(after_ms) => Self::Retryable(words::Retry { failure: told, after_ms }),
            None => Self::Permanent(told),
        }
    }
}

/// What an action comes to.
pub enum Answer<T> {
    Done(T),
    /// To be called again after so many seconds, with `state` as [`Context::resume`].
    Pending { resume_after_s: u32, state: Value, note: Option<String> },
    /// The answer to [`Mode::Reconcile`] when the service has no trace of the earlier try.
    Nothing,
}

/// What an invocation is told.
pub struct Context {
    pub invocation_id: String,
    pub attempt: u32,
    pub mode: Mode,
    pub time_left_ms: u32,
    pub config: Value,
    pub resume: Option<Value>,
}

pub type Run = Box<dyn Fn(&str, &Context) -> Result<words::Outcome, Failure>>;

/// One action of a plugin.
pub struct Action {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub input: Value,
    pub output: Value,
    pub effect: Effect,
    pub idempotency: Idempotency,
    pub simulates: bool,
    pub settles: bool,
    pub undo: Option<&'static str>,
    pub connection: Option<&'static str>,
    pub errors: &'static [&'static str],
    /// Made by [`Action::new`].
    pub run: Run,
}

impl Action {
    /// An action that reads, of a function from its input to its answer.
    pub fn new<I, O>(
        name: &'static str,
        title: &'static str,
        run: fn(I, &Context) -> Result<Answer<O>, Failure>,
    ) -> Self
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
    {
        Self {
            name,
            title,
            description: "",
            input: Value::Null,
            output: Value::Null,
            effect: Effect::Read,
            idempotency: Idempotency::Natural,
            simulates: false,
            settles: false,
            undo: None,
            connection: None,
            errors: &[],
            run: Box::new(move |input, context| {
                let input = serde_json::from_str(input).map_err(|error| {
                    Failure::permanent(Kind::InvalidInput, "input", error.to_string())
                })?;
                Ok(match run(input, context)? {
                    Answer::Done(output) => words::Outcome::Done(json(&output)?),
                    Answer::Nothing => words::Outcome::Nothing,
                    Answer::Pending { resume_after_s, state, note } => {
                        let state = state.to_string();
                        words::Outcome::Pending(words::Pending { resume_after_s, state, note })
                    }
                })
            }),
        }
    }

    fn info(&self) -> words::ActionInfo {
        words::ActionInfo {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            description: self.description.to_owned(),
            input_schema: self.input.to_string(),
            output_schema: self.output.to_string(),
            effect: self.effect,
            idempotency: self.idempotency,
            supports_simulate: self.simulates,
            settles: self.settles,
            undo: self.undo.map(str::to_owned),
            connection: self.connection.map(|api| words::ConnectionUse {
                api: api.to_owned(),
                application: Vec::new(),
                delegated: Vec::new(),
            }),
            error_codes: self.errors.iter().map(|code| (*code).to_owned()).collect(),
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Failure::permanent(Kind::Internal, "defect", error.to_string()))
}

/// A plugin; the crate's `pub fn plugin()` makes it.
pub struct Plugin {
    pub title: &'static str,
    pub description: &'static str,
    pub config: Value,
    pub actions: Vec<Action>,
}

impl Plugin {
    fn info(&self) -> words::PluginInfo {
        words::PluginInfo {
            title: self.title.to_owned(),
            description: self.description.to_owned(),
            config_schema: self.config.to_string(),
            actions: self.actions.iter().map(Action::info).collect(),
        }
    }

    fn run(
        &self,
        name: &str,
        input: &str,
        given: words::Context,
    ) -> Result<words::Outcome, Failure> {
        let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let context = Context {
            invocation_id: given.invocation_id,
            attempt: given.attempt,
            mode: given.mode,
            time_left_ms: given.time_left_ms,
            config: value(&given.config),
            resume: given.resume.as_deref().map(value),
        };
        match self.actions.iter().find(|action| action.name == name) {
            Some(action) => (action.run)(input, &context),
            None => Err(Failure::permanent(Kind::Unsupported, "action", "no such action")),
        }
    }
}

/// Writes a line for the operator.
pub fn tell(message: &str) {
    log::write(log::Level::Info, message, None);
}

/// A service that the operator bound to this name, with credentials that are never seen here.
pub struct Connection(pub &'static str);

/// What came back.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the service asks to wait.
    pub fn retry_after_ms(&self) -> Option<u32> {
        let (_, seconds) = self.headers.iter().find(|(name, _)| name == "retry-after")?;
        seconds.parse::<u32>().ok()?.checked_mul(1000)
    }

    /// The body as JSON; none when it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Connection {
    pub fn get(&self, path: &str) -> Result<Response, Failure> {
        self.send("GET", path, None, &[])
    }

    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Response, Failure> {
        self.send("POST", path, Some(json(body)?), &[])
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Result<Response, Failure> {
        let mut list: Vec<http::Header> = headers
            .iter()
            .map(|(name, value)| http::Header { name: (*name).into(), value: (*value).into() })
            .collect();
        if body.is_some() {
            let (name, value) = ("content-type".to_owned(), "application/json".to_owned());
            list.push(http::Header { name, value });
        }
        let response = http::send(&http::Request {
            method: method.to_owned(),
            target: http::Target::Connection(http::ConnectionPath {
                connection: self.0.to_owned(),
                path: path.to_owned(),
            }),
            headers: list,
            body: body.map_or(http::Body::None, http::Body::Text),
            timeout_ms: None,
        })
        .map_err(unsent)?;
        Ok(Response {
            status: response.status,
            headers: response.headers.into_iter().map(|h| (h.name, h.value)).collect(),
            body: match response.body {
                http::Body::None => Vec::new(),
                http::Body::Text(text) => text.into_bytes(),
                http::Body::Bytes(bytes) => bytes,
            },
        })
    }
}

/// What the engine says when there is no response, as a failure of the action.
fn unsent(error: http::HttpError) -> Failure {
    use http::HttpError as Error;
    match error {
        Error::Denied(text) => Failure::permanent(Kind::Denied, "denied", text),
        Error::UnknownConnection(text) | Error::CredentialInvalid(text) => {
            Failure::permanent(Kind::Unauthorized, "credential", text)
        }
        Error::InvalidRequest(text) => Failure::permanent(Kind::Internal, "request", text),
        Error::TooLarge => {
            Failure::permanent(Kind::Internal, "request", "the response is too large")
        }
        Error::Limited(ms) => Failure::retryable(Kind::RateLimited, "busy", "a limit was reached")
            .after_ms(Some(ms)),
        Error::Timeout => Failure::retryable(Kind::Unavailable, "down", "no answer in time"),
        Error::Connect(text) | Error::CredentialUnavailable(text) => {
            Failure::retryable(Kind::Unavailable, "down", text)
        }
    }
}
