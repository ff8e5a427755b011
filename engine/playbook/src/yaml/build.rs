//! Joins what a text means with where it stands.

use std::collections::HashMap;

use engine_model::{Code, Diagnostic, Fix, Place, Severity, Span, code};
use saphyr_parser::ScalarStyle;

use super::document::{Content, Document, Node, NodeId, Slot};
use super::looks;
use super::scan::{Shadow, ShadowKind};
use super::tree::Tree;

/// The document that `tree` and `shadow` are two views of.
pub(super) fn build(text: &str, tree: &Tree, shadow: &Shadow) -> (Document, Vec<Diagnostic>) {
    let mut build = Build {
        text,
        document: Document { nodes: Vec::new() },
        problems: Vec::new(),
        repeated: 0,
    };
    build.place(
        tree,
        Some(shadow),
        Seat {
            parent: None,
            slot: Slot::Root,
            key_span: None,
        },
    );
    (build.document, build.problems)
}

/// More repeated keys than this of one text are of no use to anybody.
const REPEATED_MAX: usize = 100;

/// More warnings than this neither.
const WARNINGS_MAX: usize = 1000;

struct Build<'t> {
    text: &'t str,
    document: Document,
    problems: Vec<Diagnostic>,
    repeated: usize,
}

/// Where a value will stand.
struct Seat {
    parent: Option<NodeId>,
    slot: Slot,
    key_span: Option<Span>,
}

impl Build<'_> {
    fn place(&mut self, tree: &Tree, shadow: Option<&Shadow>, seat: Seat) -> NodeId {
        let id = NodeId(u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX));
        let above = seat
            .parent
            .map_or(Span::default(), |parent| self.document.node(parent).span);
        let mut span = shadow.map_or(above, |shadow| shadow.span);
        if span.start == span.end {
            span = seat.key_span.unwrap_or(span);
        }
        let style = match shadow.map(|shadow| &shadow.kind) {
            Some(ShadowKind::Scalar(style)) => *style,
            _ => ScalarStyle::Plain,
        };
        let Seat {
            parent,
            slot,
            key_span,
        } = seat;
        let content = Content::Null;
        self.document.nodes.push(Node {
            span,
            key_span,
            content,
            parent,
            slot,
            style,
        });
        let content = match tree {
            Tree::List(items) => self.list(id, items, shadow),
            Tree::Map(entries) => self.map(id, entries, shadow),
            scalar => self.scalar(id, scalar),
        };
        self.document.nodes[usize::try_from(id.0).unwrap_or(usize::MAX)].content = content;
        id
    }

    fn list(&mut self, id: NodeId, items: &[Tree], shadow: Option<&Shadow>) -> Content {
        let shadows = match shadow.map(|shadow| &shadow.kind) {
            Some(ShadowKind::List(shadows)) => shadows.as_slice(),
            _ => &[],
        };
        let seat = |index| Seat {
            parent: Some(id),
            slot: Slot::Index(index),
            key_span: None,
        };
        let place = |(index, item)| self.place(item, shadows.get(index), seat(index));
        Content::List(items.iter().enumerate().map(place).collect())
    }

    fn map(&mut self, id: NodeId, entries: &[(Tree, Tree)], shadow: Option<&Shadow>) -> Content {
        let shadows = match shadow.map(|shadow| &shadow.kind) {
            Some(ShadowKind::Map(shadows)) => shadows.as_slice(),
            _ => &[],
        };
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut children = Vec::new();
        for (index, (key, value)) in entries.iter().enumerate() {
            let shadow = shadows.get(index);
            let key_span = shadow.map(|(key, _)| key.span);
            let span = key_span.unwrap_or_else(|| self.document.node(id).span);
            let key = self.key(id, key, span);
            if let Some(first) = seen.get(&key) {
                self.repeated += 1;
                if self.repeated > REPEATED_MAX {
                    continue;
                }
                let line = Place::of(self.text, first.start).line;
                let message = format!("the key `{}` is written twice", short(&key));
                let help = format!("it stands in line {line} already; remove one of the two");
                self.problem((code::PB0102, Severity::Error), id, span, message)
                    .help = Some(help);
                continue;
            }
            seen.insert(key.clone(), span);
            let seat = Seat {
                parent: Some(id),
                slot: Slot::Key(key),
                key_span,
            };
            children.push(self.place(value, shadow.map(|(_, value)| value), seat));
        }
        Content::Map(children)
    }

    /// The text of a key; a key that is not text is a problem, and goes on by how it is written.
    fn key(&mut self, id: NodeId, key: &Tree, span: Span) -> String {
        if let Tree::Text(text) = key {
            return text.clone();
        }
        let written = self.text[span.start..span.end].to_owned();
        let message = format!("a key is text, `{}` is not", short(&written));
        let quoted = format!("'{written}'");
        let problem = self.problem((code::PB0202, Severity::Error), id, span, message);
        problem.help = Some(format!("quote it: `{quoted}`"));
        problem.fix = Some(Fix {
            span,
            replacement: quoted,
        });
        written
    }

    fn scalar(&mut self, id: NodeId, tree: &Tree) -> Content {
        let node = self.document.node(id);
        let span = node.span;
        let written = self.text[span.start..span.end].to_owned();
        let plain = node.style == ScalarStyle::Plain;
        let few = self.problems.len() < WARNINGS_MAX;
        if plain
            && few
            && let Some(other) = looks::misread_as(&written)
        {
            let ours = if matches!(tree, Tree::Text(_)) {
                "text"
            } else {
                "a number"
            };
            let message = format!("`{written}` is {ours} here, {other} for other YAML readers");
            let quoted = format!("'{written}'");
            let problem = self.problem((code::PB0801, Severity::Warning), id, span, message);
            problem.help = Some(format!("quote it: `{quoted}`"));
            problem.fix = Some(Fix {
                span,
                replacement: quoted,
            });
        }
        match tree {
            Tree::Bool(value) => Content::Bool(*value),
            Tree::Number(Some(number)) => Content::Number(number.clone()),
            Tree::Number(None) => {
                let message = format!("`{}` is not a number that JSON knows", short(&written));
                self.problem((code::PB0202, Severity::Error), id, span, message);
                Content::Null
            }
            Tree::Text(text) => Content::Text(text.clone()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => Content::Null,
        }
    }

    fn problem(
        &mut self,
        (code, severity): (Code, Severity),
        id: NodeId,
        span: Span,
        message: String,
    ) -> &mut Diagnostic {
        let path = self.document.path(id);
        let problem = Diagnostic {
            code,
            severity,
            path,
            span,
            message,
            help: None,
            fix: None,
        };
        self.problems.push(problem);
        self.problems
            .last_mut()
            .expect("one was pushed the line before")
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
