//! Problems of triggers, before anybody has put them on lines and columns.

use std::fmt;

use engine_model::{Code, PlaybookName, Severity};

/// A problem of a trigger, placed by its path in the file.
///
/// It becomes an [`engine_model::Diagnostic`] where the text is at hand: `lint` looks the path up
/// in the span index of the file and adds line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// The playbook, where several are looked at together.
    pub playbook: Option<PlaybookName>,
    /// The path of the value: `triggers[0].alert.match.title|contain`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn error(code: Code, path: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            playbook: None,
            path: path.to_owned(),
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(playbook) = &self.playbook {
            write!(f, "{playbook}: ")?;
        }
        write!(f, "{}: {}: {}", self.code, self.path, self.message)?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Problem {}

/// "Did you mean": the nearest of `names`, if one is near at all.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&wanted, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Texts as people list them: `a`, `b` or `c`.
pub(crate) fn either<T: AsRef<str>>(texts: &[T]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", head.join(", "), last.as_ref())
        }
    }
}
