//! How the program ends: kind decides the exit code.

use std::process::ExitCode;

use engine_model::Code;

use crate::plain::plain_lines;

/// What kind of end it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The run or the check failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A playbook or the configuration is not valid.
    Invalid = 3,
    /// A guard rail, the stop switch or a person said no.
    Refused = 4,
    /// A person has to answer first.
    Waiting = 5,
    /// Something outside failed for the moment.
    Temporary = 75,
    /// Credentials or permissions.
    Credentials = 77,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

/// Why the program did not do what was asked.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: Kind,
    code: Option<Code>,
    /// Empty where everything was said already.
    message: String,
    hints: Vec<String>,
}

impl Fault {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// A fault of which everything was printed already.
    pub(crate) fn silent(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The fault of a run that failed with this code.
    pub(crate) fn of_code(code: &str, message: impl Into<String>) -> Self {
        let fault = Self::new(kind_of(code), message);
        match Code::find(code) {
            Some(code) => fault.with_code(code),
            None => fault,
        }
    }

    /// The fault of something that the broker or a service refused.
    pub(crate) fn of_action(error: &actions_contract::ActionError) -> Self {
        Self::of_code(&error.code, error.message.clone())
    }

    /// Prints the fault and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            let code = self
                .code
                .map(|code| format!("[{code}]"))
                .unwrap_or_default();
            anstream::eprintln!("error{code}: {}", plain_lines(&self.message));
        }
        for hint in &self.hints {
            anstream::eprintln!("  help: {}", plain_lines(hint));
        }
        if let Some(code) = self.code {
            anstream::eprintln!("  more: quell explain {code}");
        }
        ExitCode::from(self.kind as u8)
    }
}

/// The exit code's kind of an error code.
fn kind_of(code: &str) -> Kind {
    match code {
        "AC0107" | "BR0102" | "BR0105" | "BR0106" | "BR0107" | "BR0108" | "BR0109" | "BR0110"
        | "BR0111" | "BR0112" | "BR0113" | "BR0114" | "SV0101" => Kind::Credentials,
        "AC0110" | "AC0111" | "BR0101" | "BR0201" | "BR0202" | "BR0203" | "SV0105" => {
            Kind::Temporary
        }
        "BR0103" | "BR0104" => Kind::Invalid,
        "RN0107" | "RN0108" | "SV0202" => Kind::Refused,
        code if code.starts_with("GR") => Kind::Refused,
        code if code.starts_with("CF") || code.starts_with("PB") => Kind::Invalid,
        _ => Kind::Failed,
    }
}

impl From<engine_driver::EngineError> for Fault {
    fn from(error: engine_driver::EngineError) -> Self {
        Self::of_code(error.code.as_str(), error.message)
    }
}

impl From<engine_embedded::StoreError> for Fault {
    fn from(error: engine_embedded::StoreError) -> Self {
        Self::of_code(error.code.as_str(), error.message)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
