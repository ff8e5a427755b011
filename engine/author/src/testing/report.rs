//! Results of tests, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine_model::Place;
use serde::Serialize;

use super::case::Case;
use super::coverage::Reached;

/// The widest column of a failure.
const COLUMN: usize = 38;

/// What came of one test.
#[derive(Clone, Debug, Serialize)]
pub struct TestResult {
    /// The file.
    pub file: String,
    /// The playbook.
    pub playbook: String,
    /// What it shows.
    pub name: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Everything that is not as expected; none when it passed.
    pub failures: Vec<Failure>,
    /// What happened, where that is worth telling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What of the playbook it reached.
    #[serde(skip)]
    pub reached: Reached,
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Where that is expected.
    #[serde(flatten)]
    pub place: Place,
    /// What, as a path below `expect`.
    pub what: String,
    /// What is expected.
    pub expected: String,
    /// What there is.
    pub actual: String,
}

impl TestResult {
    pub(super) fn new(case: &Case, failures: Vec<Failure>, seen: super::seen::Seen) -> Self {
        Self {
            file: case.file.to_string(),
            playbook: case.playbook.to_string(),
            name: case.name.clone(),
            place: case.place,
            notes: if failures.is_empty() {
                Vec::new()
            } else {
                seen.notes
            },
            failures,
            reached: seen.reached,
        }
    }

    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// What failed, as text: expected and actual beside each other, each with its place.
    #[must_use]
    pub fn human(&self) -> String {
        let Place { line, column } = self.place;
        let mut out = format!("{}:{line}:{column}: FAILED {}\n", self.file, self.name);
        for failure in &self.failures {
            let Place { line, column } = failure.place;
            let _ = writeln!(out, "  {}:{line}:{column} {}", self.file, failure.what);
            beside(&mut out, "expected", "actual");
            let expected = wrapped(&failure.expected);
            let actual = wrapped(&failure.actual);
            for number in 0..expected.len().max(actual.len()) {
                let line = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
                beside(&mut out, &line(&expected), &line(&actual));
            }
        }
        for (number, note) in self.notes.iter().enumerate() {
            let head = if number == 0 { "happened" } else { "" };
            let _ = writeln!(out, "  {head:8}  {note}");
        }
        out
    }
}

fn beside(out: &mut String, left: &str, right: &str) {
    let pad = COLUMN.saturating_sub(left.chars().count());
    let _ = writeln!(out, "    {left}{:pad$} | {right}", "");
}

/// The lines of a text, none wider than a column; what could move a terminal is escaped.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let shown: Vec<char> = line
            .chars()
            .flat_map(|c| {
                let escaped = c.is_control().then(|| c.escape_default().to_string());
                escaped
                    .unwrap_or_else(|| c.to_string())
                    .chars()
                    .collect::<Vec<_>>()
            })
            .collect();
        let parts = shown.chunks(COLUMN).map(|part| part.iter().collect());
        let before = lines.len();
        lines.extend(parts);
        if lines.len() == before {
            lines.push(String::new());
        }
    }
    lines
}

/// Results in the form that build servers read.
#[must_use]
pub fn junit(results: &[TestResult]) -> String {
    let mut by_file: BTreeMap<&str, Vec<&TestResult>> = BTreeMap::new();
    for result in results {
        by_file.entry(&result.file).or_default().push(result);
    }
    let failed = |results: &[&TestResult]| results.iter().filter(|one| !one.passed()).count();
    let all: Vec<&TestResult> = results.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites tests=\"{}\" failures=\"{}\">",
        all.len(),
        failed(&all)
    );
    for (file, results) in by_file {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(file),
            results.len(),
            failed(&results)
        );
        for result in results {
            let (name, line) = (escaped(&result.name), result.place.line);
            let case = format!(
                "    <testcase name=\"{name}\" classname=\"{}\" file=\"{}\" line=\"{line}\"",
                escaped(&result.playbook),
                escaped(file)
            );
            if result.passed() {
                let _ = writeln!(out, "{case}/>");
            } else {
                let told = escaped(&result.human());
                let count = result.failures.len();
                let _ = writeln!(
                    out,
                    "{case}>\n      <failure message=\"{count} not as expected\">{told}\
                     </failure>\n    \
                     </testcase>"
                );
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            // XML has no way to say these.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
