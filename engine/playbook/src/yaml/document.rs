//! The values of a file with their places: one arena, addressed by [`NodeId`].

use std::collections::HashMap;
use std::fmt::Write as _;

use engine_model::{Diagnostic, Fix, Severity, Span, code};
use saphyr_parser::ScalarStyle;
use serde_json::{Number, Value};

use super::looks;
use super::scalar;
use super::scan::{Shadow, ShadowKind};
use super::tree::Tree;

/// Names a value of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

/// One value of a file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value stands; for a key without value, where the key stands.
    pub span: Span,
    /// Where its key stands, if it is in a map.
    pub key_span: Option<Span>,
    /// The value.
    pub content: Content,
    parent: Option<NodeId>,
    slot: Slot,
    style: ScalarStyle,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<NodeId>),
    /// A map, in the order written; [`Document::key`] says the key of each.
    Map(Vec<NodeId>),
}

/// The place of a value in its parent.
#[derive(Clone, Debug)]
enum Slot {
    Root,
    Key(String),
    Index(usize),
}

/// The values of a file.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
}

impl Document {
    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// A value.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::try_from(id.0).unwrap_or(usize::MAX)]
    }

    /// How many values there are, the root included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there always is a root")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The key under which a value stands, if it is in a map.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).slot {
            Slot::Key(key) => Some(key),
            Slot::Root | Slot::Index(_) => None,
        }
    }

    /// The value under `key`, if `id` is a map that has it.
    #[must_use]
    pub fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        match &self.node(id).content {
            Content::Map(children) => children
                .iter()
                .copied()
                .find(|child| self.key(*child) == Some(key)),
            _ => None,
        }
    }

    /// The values inside a list or map; none for anything else.
    #[must_use]
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).content {
            Content::List(children) | Content::Map(children) => children,
            _ => &[],
        }
    }

    /// The path of a value: `steps[1].with.query`; empty for the root.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        let mut ids = vec![id];
        while let Some(parent) = ids.last().and_then(|id| self.node(*id).parent) {
            ids.push(parent);
        }
        let mut path = String::new();
        for id in ids.into_iter().rev() {
            push_segment(&mut path, &self.node(id).slot);
        }
        path
    }

    /// The value at `path`, or the nearest one above it that exists.
    #[must_use]
    pub fn find(&self, path: &str) -> NodeId {
        let mut current = self.root();
        let mut rest = path;
        while !rest.is_empty() {
            let step = self.children(current).iter().copied().find_map(|child| {
                let mut segment = String::new();
                push_segment(&mut segment, &self.node(child).slot);
                let tail = rest
                    .strip_prefix('.')
                    .unwrap_or(rest)
                    .strip_prefix(&segment)?;
                (tail.is_empty() || tail.starts_with(['.', '['])).then_some((child, tail))
            });
            let Some((child, tail)) = step else { break };
            (current, rest) = (child, tail);
        }
        current
    }

    /// The value as JSON; the order of keys is lost.
    #[must_use]
    pub fn value(&self, id: NodeId) -> Value {
        match &self.node(id).content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(|item| self.value(*item)).collect(),
            Content::Map(items) => Value::Object(
                items
                    .iter()
                    .map(|item| {
                        (
                            self.key(*item).unwrap_or_default().to_owned(),
                            self.value(*item),
                        )
                    })
                    .collect(),
            ),
        }
    }

    /// The text of a value, if it is text.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The key of a value where it has one, else the value: what a problem with it points at.
    #[must_use]
    pub fn head(&self, id: NodeId) -> Span {
        let node = self.node(id);
        node.key_span.unwrap_or(node.span)
    }

    /// Where a problem with a whole map points: at its key, else at its first line's key.
    #[must_use]
    pub fn anchor(&self, id: NodeId) -> Span {
        let node = self.node(id);
        let first = self.children(id).first().map(|child| self.head(*child));
        match (node.key_span, first) {
            (Some(key), _) => key,
            (None, Some(first)) => first,
            (None, None) => node.span,
        }
    }

    /// Whether a text stands in quotes in the file.
    #[must_use]
    pub fn is_quoted(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).style,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
        )
    }

    /// Where the bytes `inner` of a text value stand in the file `source`.
    #[must_use]
    pub fn inner_span(&self, source: &str, id: NodeId, inner: Span) -> Span {
        let node = self.node(id);
        let Content::Text(text) = &node.content else {
            return node.span;
        };
        scalar::source_span(source, node.span, node.style, text, inner).unwrap_or(node.span)
    }
}

fn push_segment(path: &mut String, slot: &Slot) {
    let plain = |key: &str| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '@')
    };
    match slot {
        Slot::Root => {}
        Slot::Index(index) => {
            let _ = write!(path, "[{index}]");
        }
        Slot::Key(key) if plain(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
        }
        Slot::Key(key) => {
            let _ = write!(path, "[{}]", Value::String(key.clone()));
        }
    }
}

/// Joins what a text means with where it stands.
pub(super) fn build(text: &str, tree: &Tree, shadow: &Shadow) -> (Document, Vec<Diagnostic>) {
    let mut build = Build {
        text,
        document: Document { nodes: Vec::new() },
        problems: Vec::new(),
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

struct Build<'t> {
    text: &'t str,
    document: Document,
    problems: Vec<Diagnostic>,
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
                let line = engine_model::Place::of(self.text, first.start).line;
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
        if plain && let Some(other) = looks::misread_as(&written) {
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
        (code, severity): (engine_model::Code, Severity),
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
