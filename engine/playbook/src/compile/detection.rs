//! Sigma detections, from a playbook or from a rule file.

use std::collections::BTreeMap;

use engine_model::{Code, Place, code};

use crate::plan::{ConditionText, Detection, FieldMatch, Form, RuleFile, Selection};
use crate::sigma;
use crate::yaml::{self, Content, Document, NodeId};

/// What stands in a `detection` beside selections.
const CONDITION: &str = "condition";
/// The deepest nesting of lists and maps in a selection.
const DEPTH_MAX: usize = 16;

/// A problem of a detection, at a value of its document.
pub(super) struct Fault {
    pub(super) at: NodeId,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Reads detections of one document.
pub(super) struct Detections<'d> {
    document: &'d Document,
    /// How the place of a value is written.
    place: &'d dyn Fn(NodeId) -> String,
    /// Whether the document was held against the schema of the language.
    shaped: bool,
    pub(super) faults: Vec<Fault>,
}

impl<'d> Detections<'d> {
    /// A reader of a playbook.
    pub(super) fn new(document: &'d Document, place: &'d dyn Fn(NodeId) -> String) -> Self {
        Self {
            document,
            place,
            shaped: true,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, at: NodeId, code: Code, message: String, help: &str) {
        self.faults.push(Fault {
            at,
            code,
            message,
            help: Some(help.to_owned()),
        });
    }

    /// The detection at `id`, a map.
    pub(super) fn read(&mut self, id: NodeId) -> Detection {
        self.read_at(id, 0)
    }

    fn read_at(&mut self, id: NodeId, depth: usize) -> Detection {
        let document = self.document;
        let mut selections = Vec::new();
        let mut conditions = Vec::new();
        for child in document.children(id).iter().copied() {
            let name = document.key(child).unwrap_or_default();
            if name == CONDITION {
                conditions = self.conditions(child);
            } else if name == "timeframe" {
                let message = "`timeframe` belongs to Sigma's old way to count".to_owned();
                let help = "leave it out; to count alerts write `accumulate` beside `match`";
                self.fault(child, code::PB0604, message, help);
            } else if let Some(form) = self.selection(child, depth) {
                let name = name.to_owned();
                selections.push(Selection { name, form });
            }
        }
        // In a playbook the schema of the language tells that.
        if document.get(id, CONDITION).is_none() && !(self.shaped && depth == 0) {
            let message = "the detection has no `condition`".to_owned();
            let help = "say which selections must hold: `condition: selection`";
            self.fault(id, code::PB0203, message, help);
        }
        if selections.is_empty() && self.faults.is_empty() {
            let message = "the detection has no selection".to_owned();
            let help = "write one beside `condition`: `selection: {severity: high}`";
            self.fault(id, code::PB0203, message, help);
        }
        Detection {
            selections,
            conditions,
            path: (self.place)(id),
            rule: None,
        }
    }

    fn conditions(&mut self, id: NodeId) -> Vec<ConditionText> {
        let document = self.document;
        let ids = match &document.node(id).content {
            Content::List(items) if !items.is_empty() => items.clone(),
            _ => vec![id],
        };
        let mut texts = Vec::new();
        for id in ids {
            if let Some(text) = document.text(id) {
                texts.push(ConditionText {
                    text: text.to_owned(),
                    path: (self.place)(id),
                });
            } else {
                let message = "a condition is a text".to_owned();
                let help = "such as `selection and not filter`";
                self.fault(id, code::PB0202, message, help);
            }
        }
        texts
    }

    /// A selection: a map of lines, a list of maps or keywords, or one keyword.
    fn selection(&mut self, id: NodeId, depth: usize) -> Option<Form> {
        let document = self.document;
        if depth > DEPTH_MAX {
            let message = format!("a selection nests at most {DEPTH_MAX} levels");
            self.fault(id, code::PB0104, message, "write further selections");
            return None;
        }
        match &document.node(id).content {
            Content::Map(items) if items.is_empty() => {
                let message = "a selection without a line matches nothing for sure".to_owned();
                let help = "write what it asks for: `severity: high`";
                self.fault(id, code::PB0203, message, help);
                None
            }
            Content::Map(items) => {
                let lines = items.iter().filter_map(|item| self.line(*item, depth));
                Some(Form::All(lines.collect()))
            }
            Content::List(items) if items.is_empty() => {
                let message = "an empty list matches nothing".to_owned();
                let help = "write keywords, or maps of which one must hold";
                self.fault(id, code::PB0203, message, help);
                None
            }
            Content::List(items) if items.iter().all(|item| self.is_scalar(*item)) => {
                let values = items.iter().map(|item| document.value(*item)).collect();
                Some(self.keywords(id, values))
            }
            Content::List(items) => {
                let items = items.clone();
                let forms: Vec<Form> = items
                    .iter()
                    .filter_map(|item| self.selection(*item, depth + 1))
                    .collect();
                Some(Form::Any(forms))
            }
            _ => Some(self.keywords(id, vec![document.value(id)])),
        }
    }

    fn is_scalar(&self, id: NodeId) -> bool {
        let content = &self.document.node(id).content;
        !matches!(content, Content::Map(_) | Content::List(_))
    }

    fn keywords(&self, id: NodeId, values: Vec<serde_json::Value>) -> Form {
        Form::Line(FieldMatch {
            field: String::new(),
            modifiers: Vec::new(),
            values,
            path: (self.place)(id),
        })
    }

    /// One line of a map.
    fn line(&mut self, id: NodeId, depth: usize) -> Option<Form> {
        let document = self.document;
        let key = document.key(id).unwrap_or_default();
        if let Content::Map(items) = &document.node(id).content {
            return self.members(id, key, items, depth);
        }
        Some(Form::Line(self.field(id, key)?))
    }

    /// A line with a value or a list of values.
    pub(super) fn field(&mut self, id: NodeId, key: &str) -> Option<FieldMatch> {
        let document = self.document;
        let mut parts = key.split('|').map(str::to_owned);
        let field = parts.next().unwrap_or_default();
        let values = match &document.node(id).content {
            Content::List(items) => items.iter().map(|item| document.value(*item)).collect(),
            Content::Map(_) => {
                let message = format!("expected a value or a list of values for `{field}`");
                let help = "a field inside another is written with a dot: `device.name`";
                self.fault(id, code::PB0202, message, help);
                return None;
            }
            _ => vec![document.value(id)],
        };
        Some(FieldMatch {
            field,
            modifiers: parts.collect(),
            values,
            path: (self.place)(id),
        })
    }

    fn members(&mut self, id: NodeId, key: &str, items: &[NodeId], depth: usize) -> Option<Form> {
        if !key.contains('[') || key.contains('|') {
            let field = key.split('|').next().unwrap_or_default();
            let message = format!("expected a value or a list of values for `{field}`");
            let help = "a field inside another is written with a dot: `device.name`; \
                        lines about the same member of a list stand below `entities[any]`";
            self.fault(id, code::PB0202, message, help);
            return None;
        }
        let keyed = |item: &NodeId| self.document.key(*item) == Some(CONDITION);
        let form = if items.iter().any(keyed) {
            Form::Nested(self.read_at(id, depth + 1))
        } else {
            self.selection(id, depth + 1)?
        };
        Some(Form::Members {
            field: key.to_owned(),
            form: Box::new(form),
            path: (self.place)(id),
        })
    }
}

/// A rule file that cannot be used, in one sentence.
pub(super) struct BadRule {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// The detection of the rule `text`, read from the file `name`, referred to at `path`.
pub(super) fn of_rule(
    text: &str,
    name: &str,
    path: String,
    fields: BTreeMap<String, String>,
) -> Result<Detection, Vec<BadRule>> {
    let bad = |at: Option<usize>, message: &str, help: Option<String>| BadRule {
        message: match at {
            Some(at) => format!("{}: {message}", placed(name, text, at)),
            None => format!("`{name}`: {message}"),
        },
        help,
    };
    let (document, problems) = yaml::read(text);
    let errors: Vec<BadRule> = problems
        .iter()
        .filter(|problem| problem.severity == engine_model::Severity::Error)
        .map(|problem| bad(Some(problem.span.start), &problem.message, None))
        .collect();
    let Some(document) = document.filter(|_| errors.is_empty()) else {
        return Err(errors);
    };
    let root = document.root();
    let Some(detection) = document.get(root, "detection") else {
        let help = if document.get(root, "correlation").is_some() {
            "this is a correlation: match its alerts, and count them with `accumulate`"
        } else {
            "a Sigma rule has `detection` with selections and a `condition`"
        };
        return Err(vec![bad(
            None,
            "the rule has no `detection`",
            Some(help.to_owned()),
        )]);
    };
    let place = |id: NodeId| placed(name, text, document.head(id).start);
    let mut reader = Detections {
        shaped: false,
        ..Detections::new(&document, &place)
    };
    let read = reader.read(detection);
    let faults: Vec<BadRule> = reader
        .faults
        .into_iter()
        .map(|fault| {
            bad(
                Some(document.head(fault.at).start),
                &fault.message,
                fault.help,
            )
        })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let title = document.get(root, "title").and_then(|id| document.text(id));
    Ok(Detection {
        path,
        rule: Some(RuleFile {
            name: name.to_owned(),
            title: title.map(str::to_owned),
            fields,
        }),
        ..read
    })
}

fn placed(name: &str, text: &str, at: usize) -> String {
    let place = Place::of(text, at);
    format!("{name}:{}:{}", place.line, place.column)
}

impl super::Compiler<'_, '_> {
    /// The detections that a `match` holds or refers to.
    pub(super) fn detections(&mut self, key: &str, id: NodeId) -> Option<Detection> {
        if key == "detection" {
            let document = self.report.document;
            let place = |id: NodeId| document.path(id);
            let mut reader = Detections::new(document, &place);
            let read = reader.read(id);
            let faults = reader.faults;
            let sound = faults.is_empty();
            self.report_faults(faults);
            return sound.then_some(read);
        }
        self.rule_file(id)
    }

    pub(super) fn report_faults(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            // A value of the wrong type is shown itself, anything else by its key.
            let problem = match fault.code {
                code::PB0202 => self.report.value(fault.code, fault.at, fault.message),
                _ => self.report.head(fault.code, fault.at, fault.message),
            };
            problem.help_if(fault.help);
        }
    }

    fn rule_file(&mut self, id: NodeId) -> Option<Detection> {
        let document = self.report.document;
        let name = sigma::file_name(document, id)?.to_owned();
        let fields = document.get(id, "fields");
        let fields: BTreeMap<String, String> = fields
            .map_or(&[][..], |id| document.children(id))
            .iter()
            .filter_map(|id| Some((document.key(*id)?, document.text(*id)?)))
            .map(|(rule, alert)| (rule.to_owned(), alert.to_owned()))
            .collect();
        let path = document.path(id);
        let read = match sigma::rules(self.report.text).remove(&name) {
            Some(Ok(rule)) => of_rule(&rule, &name, path, fields),
            Some(Err(reason)) => Err(vec![unreadable(&name, reason.trim_end())]),
            None => Err(vec![unreadable(&name, "the file was not handed in")]),
        };
        read.map_err(|bad| {
            for BadRule { message, help } in bad {
                self.report.value(code::PB0604, id, message).help_if(help);
            }
        })
        .ok()
    }
}

fn unreadable(name: &str, reason: &str) -> BadRule {
    BadRule {
        message: format!("`{name}` cannot be read: {reason}"),
        help: Some("the path is relative to the folder of the playbook".to_owned()),
    }
}
