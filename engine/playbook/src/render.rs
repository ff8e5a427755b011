//! Problems as text for people and as JSON for machines.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use engine_model::{Diagnostic, Place, Severity, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// A file as problems name it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Whether the text is for a terminal that shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    No,
    /// With escape sequences.
    Yes,
}

/// A problem for machines: lines and columns from 1, columns in characters, ends exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Where it begins.
    #[serde(flatten)]
    pub range: Range,
    /// The stable code.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The path of the value; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// A change that mends it.
    pub fix: Option<Edit>,
}

/// A stretch of text by lines and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Range {
    /// The first line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// The column after the last one.
    pub end_column: usize,
}

/// A change of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edit {
    /// What to replace.
    #[serde(flatten)]
    pub range: Range,
    /// What to put there.
    pub replacement: String,
}

/// The problems as text: one paragraph each, the caret under the place.
#[must_use]
pub fn human(source: Source<'_>, problems: &[Diagnostic], colour: Colour) -> String {
    let renderer = match colour {
        Colour::No => Renderer::plain(),
        Colour::Yes => Renderer::styled(),
    };
    let lines = Lines::of(source.text);
    let mut out = String::new();
    for problem in problems {
        let Place { line, column } = lines.place(problem.span.start);
        let Diagnostic { code, message, .. } = problem;
        let word = severity_word(problem.severity);
        let file = source.file;
        out.push_str(&visible(&format!(
            "{file}:{line}:{column}: {word}[{code}]: {message}"
        )));
        out.push('\n');
        out.push_str(&renderer.render(&[drawing(problem, &lines)]));
        out.push_str("\n\n");
    }
    out
}

/// The line of a problem with its caret, and what to do about it.
fn drawing<'a>(problem: &'a Diagnostic, lines: &Lines<'a>) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::INFO,
    };
    let (number, start, line) = lines.line_at(problem.span.start);
    let (line, from) = around(line, problem.span.start - start);
    let length = problem.span.end.saturating_sub(problem.span.start);
    let to = line
        .floor_char_boundary((from + length).min(line.len()))
        .max(from);
    let snippet = Snippet::source(line)
        .line_start(number)
        .annotation(AnnotationKind::Primary.span(from..to));
    let help = problem
        .help
        .as_deref()
        .map(|help| Level::HELP.message(wrapped(&visible(help))));
    let explain = Level::NOTE
        .no_name()
        .message(format!("quell explain {}", problem.code));
    Group::with_level(level)
        .element(snippet)
        .elements(help)
        .element(explain)
}

/// The part of a very long line around byte `at`, and where `at` is in it.
fn around(line: &str, at: usize) -> (&str, usize) {
    const SIDE: usize = 400;
    if line.len() <= 2 * SIDE {
        return (line, at.min(line.len()));
    }
    let start = line.floor_char_boundary(at.saturating_sub(SIDE));
    let end = line.ceil_char_boundary((at + SIDE).min(line.len()));
    (&line[start..end], at.min(end) - start)
}

/// The problems for machines.
#[must_use]
pub fn findings(source: Source<'_>, problems: &[Diagnostic]) -> Vec<Finding> {
    let lines = Lines::of(source.text);
    let finding = |problem: &Diagnostic| Finding {
        file: source.file.to_owned(),
        range: lines.range(problem.span),
        code: problem.code.as_str(),
        severity: problem.severity,
        path: problem.path.clone(),
        message: problem.message.clone(),
        help: problem.help.clone(),
        fix: problem.fix.as_ref().map(|fix| Edit {
            range: lines.range(fix.span),
            replacement: fix.replacement.clone(),
        }),
    };
    problems.iter().map(finding).collect()
}

const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

/// A text of several lines without what could move a terminal.
#[must_use]
pub fn safe(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

/// Control characters of a playbook must not reach a terminal.
fn visible(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// The widest line of help, so that the words stand under each other on a narrow terminal too.
const HELP_WIDTH: usize = 72;

fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > HELP_WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

/// Where each line of a text begins, so that many places cost one pass.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The number of the line that holds byte `offset`, where it begins, and its text.
    fn line_at(&self, offset: usize) -> (usize, usize, &'a str) {
        let number = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[number - 1];
        let end = self
            .starts
            .get(number)
            .map_or(self.text.len(), |next| next - 1);
        (number, start, self.text[start..end].trim_end_matches('\r'))
    }

    fn place(&self, offset: usize) -> Place {
        let (line, start, _) = self.line_at(offset);
        let before = self.text.get(start..offset).unwrap_or_default();
        Place {
            line,
            column: before.chars().count() + 1,
        }
    }

    fn range(&self, span: Span) -> Range {
        let (start, end) = (self.place(span.start), self.place(span.end));
        Range {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}
