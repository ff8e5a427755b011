//! Collects the problems of one document.

use std::collections::HashSet;

use engine_model::{Code, Diagnostic, Fix, Severity, Span, code};

use crate::yaml::{Document, NodeId};

/// More problems than this of one file are of no use to anybody.
const PROBLEMS_MAX: usize = 1000;

/// The problems of one document, in the order found.
pub(crate) struct Report<'d> {
    /// The text of the file.
    pub(crate) text: &'d str,
    /// Its values.
    pub(crate) document: &'d Document,
    problems: Vec<Diagnostic>,
}

/// How much a problem with this code weighs.
fn severity(code: Code) -> Severity {
    match code.as_str() {
        _ if code == code::PB0805 => Severity::Hint,
        name if name.starts_with("PB08") => Severity::Warning,
        _ => Severity::Error,
    }
}

impl<'d> Report<'d> {
    pub(crate) fn new(text: &'d str, document: &'d Document, problems: Vec<Diagnostic>) -> Self {
        Self {
            text,
            document,
            problems,
        }
    }

    /// Whether there are so many problems that it is not worth while to explain another one.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    fn has_error(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// A problem with the value at `id`.
    pub(crate) fn value(
        &mut self,
        code: Code,
        id: NodeId,
        message: impl Into<String>,
    ) -> Problem<'_> {
        self.at(code, id, self.document.node(id).span, message)
    }

    /// A problem with the fact that the value at `id` is there: points at its key.
    pub(crate) fn head(
        &mut self,
        code: Code,
        id: NodeId,
        message: impl Into<String>,
    ) -> Problem<'_> {
        self.at(code, id, self.document.head(id), message)
    }

    /// A problem of the value at `id` that stands at `span`.
    pub(crate) fn at(
        &mut self,
        code: Code,
        id: NodeId,
        span: Span,
        message: impl Into<String>,
    ) -> Problem<'_> {
        let severity = severity(code);
        // One error must stay, whatever came before it: a plan is refused because of it.
        if self.is_full() && (severity != Severity::Error || self.has_error()) {
            return Problem(None);
        }
        self.problems.push(Diagnostic {
            code,
            severity,
            path: self.document.path(id),
            span,
            message: message.into(),
            help: None,
            fix: None,
        });
        Problem(self.problems.last_mut())
    }

    /// The problems, sorted by place, repetitions left out.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        sorted(self.problems)
    }
}

/// Sorted by place, then by weight, each problem once.
pub(crate) fn sorted(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by(|a, b| {
        let key = |problem: &Diagnostic| (problem.span.start, problem.severity, problem.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    problems.dedup();
    // Where a value is wrong anyway, how other readers take it is of no interest.
    let wrong: HashSet<(usize, usize)> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| (problem.span.start, problem.span.end))
        .collect();
    problems.retain(|problem| {
        let place = (problem.span.start, problem.span.end);
        problem.code != code::PB0801 || !wrong.contains(&place)
    });
    problems
}

/// A problem to which help may be added.
pub(crate) struct Problem<'r>(Option<&'r mut Diagnostic>);

impl Problem<'_> {
    /// Says what to do about it.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.help_if(Some(help.into()))
    }

    /// Says what to do about it, where something is known.
    pub(crate) fn help_if(mut self, help: Option<String>) -> Self {
        if let Some(problem) = self.0.as_deref_mut()
            && help.is_some()
        {
            problem.help = help;
        }
        self
    }

    /// Offers a change that mends it.
    pub(crate) fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        if let Some(problem) = self.0.as_deref_mut() {
            problem.fix = Some(Fix {
                span,
                replacement: replacement.into(),
            });
        }
        self
    }
}
