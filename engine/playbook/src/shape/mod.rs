//! Checks values against a JSON Schema and says in words what is wrong.
//!
//! The same walk serves the language itself (`PB02…`), whose schema comes from the structs in
//! [`crate::syntax`], and the parameters of actions (`PB0502`). It never stops at the first
//! problem; a value that is wrong goes into the set of those that later stages leave out.

mod patterns;
mod schema;
mod words;

use std::collections::HashSet;

use engine_model::{Code, Timestamp, code};
use serde_json::{Map, Value};

use crate::report::Report;
use crate::suggest::{one_of, similar};
use crate::yaml::{Content, NodeId};

pub(crate) use patterns::Patterns;
use schema::Schema;

/// What distinguishes one use of the walk from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A key that the schema does not know.
    pub(crate) unknown: Code,
    /// A value the schema does not allow.
    pub(crate) wrong: Code,
    /// A key that must be there.
    pub(crate) missing: Code,
    /// What a key is called: `key`, `parameter`.
    pub(crate) noun: &'static str,
    /// Whether a text that holds `${{ }}` may stand for anything.
    pub(crate) expressions: bool,
    /// Whether keys that start with `x-` are everybody's.
    pub(crate) extensions: bool,
}

impl Rules {
    /// The rules of the language itself.
    pub(crate) const LANGUAGE: Self = Self {
        unknown: code::PB0201,
        wrong: code::PB0202,
        missing: code::PB0203,
        noun: "key",
        expressions: false,
        extensions: true,
    };

    /// The rules of what an action answers.
    pub(crate) const ANSWER: Self = Self {
        unknown: code::PB0401,
        wrong: code::PB0402,
        missing: code::PB0402,
        noun: "field",
        expressions: false,
        extensions: false,
    };

    /// The rules of an action's parameters.
    pub(crate) const PARAMETERS: Self = Self {
        unknown: code::PB0502,
        wrong: code::PB0502,
        missing: code::PB0502,
        noun: "parameter",
        expressions: true,
        extensions: false,
    };
}

/// A walk over values beside a schema.
pub(crate) struct Shape<'a, 'd> {
    /// Where problems go.
    pub(crate) report: &'a mut Report<'d>,
    /// The values that are wrong.
    pub(crate) dropped: &'a mut HashSet<NodeId>,
    /// The schema whose `$defs` references name.
    pub(crate) root: &'a Value,
    /// The regular expressions met so far.
    pub(crate) patterns: &'a mut Patterns,
    /// What distinguishes this walk.
    pub(crate) rules: Rules,
}

impl<'a> Shape<'a, '_> {
    /// Checks the value at `id` against `schema`.
    pub(crate) fn check(&mut self, id: NodeId, schema: &'a Value) {
        let schema = Schema::resolve(self.root, schema);
        if self.rules.expressions && self.holds_expression(id) {
            return;
        }
        if self.rules.expressions && schema.is_secret() {
            return self.secret(id);
        }
        for part in schema.list("allOf") {
            self.check(id, part);
        }
        if let Some(words) = schema.words() {
            return self.word(id, &schema, &words);
        }
        if let Some(expected) = schema.get("const") {
            if self.report.document.value(id) != *expected {
                self.wrong(
                    id,
                    format!("expected `{expected}`, found {}", self.found(id)),
                );
            }
            return;
        }
        let branches = schema.branches();
        if !branches.is_empty() {
            return self.branch(id, &schema, &branches);
        }
        if !schema.allows(&self.report.document.node(id).content) {
            return self.wrong_type(id, &schema);
        }
        match &self.report.document.node(id).content {
            Content::Map(_) => self.map(id, &schema),
            Content::List(_) => self.list(id, &schema),
            Content::Text(text) => self.text(id, text, &schema),
            Content::Number(number) => self.number(id, number.as_f64(), &schema),
            Content::Null | Content::Bool(_) => {}
        }
    }

    fn holds_expression(&self, id: NodeId) -> bool {
        self.report
            .document
            .text(id)
            .is_some_and(|text| text.contains("${{"))
    }

    /// A text here is looked at together with its expressions.
    fn secret(&mut self, id: NodeId) {
        if self.report.document.text(id).is_none() {
            let found = self.found(id);
            self.wrong(
                id,
                format!("expected `${{{{ secrets.name }}}}`, found {found}"),
            );
        }
    }

    /// Checks against the one of several schemas that the value most looks like.
    fn branch(&mut self, id: NodeId, schema: &Schema<'a>, branches: &[&'a Value]) {
        let content = &self.report.document.node(id).content;
        let fitting: Vec<&'a Value> = branches
            .iter()
            .copied()
            .filter(|branch| Schema::resolve(self.root, branch).may_be(self.root, content))
            .collect();
        match fitting.as_slice() {
            [] => self.wrong_type(id, schema),
            [only] => self.check(id, only),
            several => {
                let best = several
                    .iter()
                    .copied()
                    .min_by_key(|branch| self.problems_of(id, branch));
                best.into_iter().for_each(|branch| self.check(id, branch));
            }
        }
    }

    /// How many problems the value would have under `schema`.
    fn problems_of(&mut self, id: NodeId, schema: &'a Value) -> usize {
        let document = self.report.document;
        let mut report = Report::new(self.report.text, document, Vec::new());
        let mut dropped = HashSet::new();
        let (root, rules) = (self.root, self.rules);
        Shape {
            report: &mut report,
            dropped: &mut dropped,
            root,
            patterns: &mut *self.patterns,
            rules,
        }
        .check(id, schema);
        report.finish().len()
    }

    fn map(&mut self, id: NodeId, schema: &Schema<'a>) {
        let document = self.report.document;
        let properties = schema.properties();
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let names = schema.get("propertyNames");
        for child in document.children(id).iter().copied() {
            let key = document.key(child).unwrap_or_default();
            self.name(child, key, names);
            if self.rules.extensions && schema.is_closed_or_typed() && key.starts_with("x-") {
                self.dropped.insert(child);
            } else if schema.is_later(key) {
                self.later(child, key);
            } else if let Some(of_key) = properties.and_then(|known| known.get(key)) {
                self.check(child, of_key);
            } else if let Some(of_others) = schema.others() {
                self.check(child, of_others);
            } else if closed {
                self.unknown(child, id, properties);
            }
        }
        for key in schema.list("required").iter().filter_map(Value::as_str) {
            if document.get(id, key).is_none() {
                self.missing(
                    id,
                    key,
                    schema.properties().and_then(|known| known.get(key)),
                );
            }
        }
    }

    fn name(&mut self, child: NodeId, key: &str, names: Option<&'a Value>) {
        let schema = names.map(|names| Schema::resolve(self.root, names));
        if let Some(expected) = schema.and_then(|schema| schema.expected_text(key, self.patterns)) {
            let message = format!("expected {expected}, found {}", words::quoted(key));
            self.report.head(self.rules.wrong, child, message);
        }
    }

    fn later(&mut self, child: NodeId, word: &str) {
        let message = format!("`{word}` is not available in this version");
        let help = "it is part of the language, but this engine does not carry it out yet";
        self.report.head(code::PB0206, child, message).help(help);
        self.dropped.insert(child);
    }

    fn unknown(&mut self, child: NodeId, parent: NodeId, known: Option<&Map<String, Value>>) {
        self.dropped.insert(child);
        let document = self.report.document;
        let key = document.key(child).unwrap_or_default();
        if self.report.is_full() {
            // At least the fact that there is an error has to be known.
            self.report
                .head(self.rules.unknown, child, format!("unknown key `{key}`"));
            return;
        }
        let known: Vec<&str> = known
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        let free = |key: &&str| document.get(parent, key).is_none();
        let meant = similar(key, known.iter().copied())
            .filter(free)
            .or_else(|| similar(key, known.iter().copied().filter(free)));
        let valid = match known.as_slice() {
            [] => "nothing may stand here".to_owned(),
            known => format!("valid here: {}", known.join(", ")),
        };
        let help = meant.map_or_else(|| valid.clone(), |m| format!("did you mean `{m}`? {valid}"));
        let message = format!("unknown {} `{key}`", self.rules.noun);
        let problem = self
            .report
            .head(self.rules.unknown, child, message)
            .help(help);
        if let (Some(meant), Some(span)) = (meant, document.node(child).key_span) {
            problem.fix(span, meant);
        }
    }

    fn missing(&mut self, id: NodeId, key: &str, schema: Option<&'a Value>) {
        let message = format!("the {} `{key}` is missing", self.rules.noun);
        let anchor = self.report.document.anchor(id);
        let expected = schema.map(|schema| Schema::resolve(self.root, schema).expected(self.root));
        let help = match expected {
            Some(expected) => format!("add `{key}:` with {expected}"),
            None => format!("add `{key}:`"),
        };
        self.report
            .at(self.rules.missing, id, anchor, message)
            .help(help);
    }

    fn list(&mut self, id: NodeId, schema: &Schema<'a>) {
        let items = self.report.document.children(id);
        if schema
            .integer("minItems")
            .is_some_and(|min| items.len() < min)
        {
            self.wrong(id, "the list is empty".to_owned());
        }
        if schema
            .integer("maxItems")
            .is_some_and(|max| items.len() > max)
        {
            self.wrong(
                id,
                format!("the list has {} entries, too many", items.len()),
            );
        }
        if let Some(of_items) = schema.get("items") {
            items.iter().for_each(|item| self.check(*item, of_items));
        }
    }

    fn text(&mut self, id: NodeId, text: &str, schema: &Schema<'a>) {
        let length = text.chars().count();
        let found = words::quoted(text);
        if let Some(expected) = schema.expected_text(text, self.patterns) {
            self.wrong(id, format!("expected {expected}, found {found}"));
        } else if schema.integer("minLength").is_some_and(|min| length < min) {
            self.wrong(id, format!("the text is too short: {length} characters"));
        } else if schema.integer("maxLength").is_some_and(|max| length > max) {
            self.wrong(id, format!("the text is too long: {length} characters"));
        } else if schema
            .get("format")
            .is_some_and(|format| format == "date-time")
            && text.parse::<Timestamp>().is_err()
        {
            self.wrong(id, format!("expected an RFC 3339 time, found {found}"));
        }
    }

    fn number(&mut self, id: NodeId, number: Option<f64>, schema: &Schema<'a>) {
        let bound = |key| schema.get(key).and_then(Value::as_f64);
        let number = number.unwrap_or_default();
        let problem = match (bound("minimum"), bound("maximum")) {
            (Some(min), _) if number < min => format!("{number} is too small, at least {min}"),
            (_, Some(max)) if number > max => format!("{number} is too large, at most {max}"),
            _ => return,
        };
        self.wrong(id, problem);
    }

    fn word(&mut self, id: NodeId, schema: &Schema<'a>, words: &[&str]) {
        let document = self.report.document;
        let Some(text) = document.text(id) else {
            let expected = one_of(words.iter().copied());
            return self.wrong(id, format!("expected {expected}, found {}", self.found(id)));
        };
        if words.contains(&text) {
            return;
        }
        if schema.is_later(text) {
            return self.later(id, text);
        }
        let message = format!("{} is none of {}", words::quoted(text), words.join(", "));
        let span = document.node(id).span;
        let problem = self.report.value(self.rules.wrong, id, message);
        if let Some(meant) = similar(text, words.iter().copied()) {
            problem
                .help(format!("did you mean `{meant}`?"))
                .fix(span, meant);
        }
        self.dropped.insert(id);
    }

    fn wrong_type(&mut self, id: NodeId, schema: &Schema<'a>) {
        let expected = schema.expected(self.root);
        let content = &self.report.document.node(id).content;
        let nothing = *content == Content::Null;
        let scalar = matches!(content, Content::Bool(_) | Content::Number(_));
        let help = match expected.as_str() {
            "a map" if nothing => "an empty map is written `{}`; check the indentation below",
            "a list" if nothing => "an empty list is written `[]`; check the indentation below",
            "`true` or `false`" => "only `true` and `false` are booleans",
            "a whole number" | "a number" => "write it in digits, without quotes",
            "text" if scalar => "quote the value: a plain number or `true` is not text",
            _ => "",
        };
        let message = format!("expected {expected}, found {}", self.found(id));
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.report
            .value(self.rules.wrong, id, message)
            .help_if(help);
        self.dropped.insert(id);
    }

    fn wrong(&mut self, id: NodeId, message: String) {
        self.report.value(self.rules.wrong, id, message);
        self.dropped.insert(id);
    }

    fn found(&self, id: NodeId) -> String {
        words::found(&self.report.document.node(id).content)
    }
}
