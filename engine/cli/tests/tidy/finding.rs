//! A breach of a rule, and how all of them are told at once.

use std::fmt;

use crate::exceptions::EXCEPTIONS;

/// A breach of a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    pub(crate) file: String,
    /// The line, from 1; none when the whole file is meant.
    pub(crate) line: Option<usize>,
    /// What breaks the rule: a name, a crate, a word. Empty when it is the file.
    pub(crate) subject: String,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Finding {
    /// A breach at a line of a file.
    pub(crate) fn at(file: &str, line: usize, subject: &str, message: String) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            subject: subject.to_owned(),
            message,
        }
    }

    /// A breach by a file as a whole.
    pub(crate) fn file(file: &str, subject: &str, message: String) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            subject: subject.to_owned(),
            message,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Fails with every finding that no exception grants, and with every exception that grants none.
#[track_caller]
pub(crate) fn report(rule: &str, findings: Vec<Finding>) {
    let granted: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|exception| exception.rule == rule)
        .collect();
    let mut used = vec![false; granted.len()];
    let mut lines = Vec::new();
    for finding in findings {
        let exception = granted
            .iter()
            .position(|grant| grant.file == finding.file && grant.subject == finding.subject);
        match exception {
            Some(index) => used[index] = true,
            None => lines.push(finding.to_string()),
        }
    }
    for (exception, _) in granted.iter().zip(used).filter(|(_, used)| !used) {
        lines.push(format!(
            "engine/cli/tests/tidy/exceptions.rs: `{rule}` of {} {} is granted and not needed",
            exception.file, exception.subject
        ));
    }
    assert!(
        lines.is_empty(),
        "{} breaches of `{rule}`:\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}
