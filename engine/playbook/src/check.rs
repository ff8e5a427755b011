//! Checks what authors write beside playbooks, such as tests, with the same walk and the same
//! words as playbooks.

use std::collections::HashSet;

use engine_model::{Code, Diagnostic};
use serde_json::Value;

use crate::report::Report;
use crate::shape::{Patterns, Rules, Shape};
use crate::yaml::{Document, NodeId};

/// What a value is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A map of a language of ours.
    Keys,
    /// What an action answers.
    Answer,
}

/// A file and its problems.
pub struct Sheet<'d> {
    report: Report<'d>,
}

impl<'d> Sheet<'d> {
    /// A file that was read, and what is wrong with it as YAML.
    #[must_use]
    pub fn new(text: &'d str, document: &'d Document, problems: Vec<Diagnostic>) -> Self {
        Self {
            report: Report::new(text, document, problems),
        }
    }

    /// Checks the value at `id` against a JSON Schema that stands by itself.
    pub fn check(&mut self, id: NodeId, schema: &Value, wanted: Wanted) {
        Shape {
            report: &mut self.report,
            dropped: &mut HashSet::new(),
            root: schema,
            patterns: &mut Patterns::default(),
            rules: match wanted {
                Wanted::Keys => Rules::LANGUAGE,
                Wanted::Answer => Rules::ANSWER,
            },
        }
        .check(id, schema);
    }

    /// Notes a problem with the key of a value, and what may be done about it.
    pub fn key(&mut self, code: Code, id: NodeId, message: String, help: Option<String>) {
        self.report.head(code, id, message).help_if(help);
    }

    /// Notes a problem with a value, and what may be done about it.
    pub fn value(&mut self, code: Code, id: NodeId, message: String, help: Option<String>) {
        self.report.value(code, id, message).help_if(help);
    }

    /// The problems, sorted by place.
    #[must_use]
    pub fn finish(self) -> Vec<Diagnostic> {
        self.report.finish()
    }
}
