//! The values of a file with their places: one arena, addressed by [`NodeId`].

use std::fmt::Write as _;

use engine_model::Span;
use saphyr_parser::ScalarStyle;
use serde_json::{Number, Value};

use super::scalar;

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
    pub(super) parent: Option<NodeId>,
    pub(super) slot: Slot,
    pub(super) style: ScalarStyle,
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
pub(super) enum Slot {
    Root,
    Key(String),
    Index(usize),
}

/// The values of a file.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) nodes: Vec<Node>,
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

    /// The list or map a value stands in.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
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

    /// Whether a text stands on lines of its own, below `|` or `>`.
    #[must_use]
    pub fn is_block(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).style,
            ScalarStyle::Literal | ScalarStyle::Folded
        )
    }

    /// Every value, each after the one that it stands in.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        (0..count).map(NodeId)
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
