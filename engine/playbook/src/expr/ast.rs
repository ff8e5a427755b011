//! The tree of an expression. Every node knows its place, so that messages can point at it.

use engine_model::Span;
use regex::Regex;
use serde_json::Value;

use super::filters::Filter;

/// One node with its place in the source.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Levels below this node; bounded, so that walking the tree cannot exhaust the stack.
    pub(super) height: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A constant; lists and maps of constants are folded into one.
    Literal(Value),
    Name(String),
    Field {
        of: Box<Node>,
        name: String,
        name_span: Span,
    },
    Index {
        of: Box<Node>,
        index: Box<Node>,
    },
    Filter(Box<FilterCall>),
    /// `x | default(v)`: its own kind, because it accepts that `x` is missing.
    Default {
        of: Box<Node>,
        fallback: Box<Node>,
    },
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare {
        op: Compare,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        negated: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    Is {
        negated: bool,
        of: Box<Node>,
        test: Test,
    },
    Arithmetic {
        op: Arithmetic,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// `then if condition else otherwise`; without `else` it yields null.
    If {
        then: Box<Node>,
        condition: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Loop(Box<Loop>),
}

#[derive(Clone, Debug)]
pub(super) struct FilterCall {
    pub(super) of: Node,
    pub(super) filter: &'static Filter,
    pub(super) name_span: Span,
    pub(super) args: Vec<Node>,
    /// The pattern, where it is a constant: compiled once.
    pub(super) regex: Option<Regex>,
}

/// `[item for name in list if keep]` and its three short forms.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) yields: Yields,
    pub(super) item: Node,
    pub(super) name: String,
    pub(super) list: Node,
    pub(super) keep: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yields {
    List,
    Any,
    All,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Compare {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

impl Arithmetic {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Defined,
    None,
    String,
    Number,
    List,
    Map,
}

impl Test {
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("defined", Self::Defined),
        ("none", Self::None),
        ("string", Self::String),
        ("number", Self::Number),
        ("list", Self::List),
        ("map", Self::Map),
    ];
}

impl Node {
    pub(super) fn new(kind: Kind, span: Span) -> Self {
        let height = 1 + kind.children().map(|child| child.height).max().unwrap_or(0);
        Self { kind, span, height }
    }

    /// The nodes right below this one, in the order written.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        self.kind.children()
    }

    /// The constant text of this node, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The field this node reads and from where, for `a.name` and `a['name']` alike.
    pub(super) fn as_field(&self) -> Option<(&Self, &str, Span)> {
        match &self.kind {
            Kind::Field {
                of,
                name,
                name_span,
            } => Some((of, name, *name_span)),
            Kind::Index { of, index } => Some((of, index.as_text()?, index.span)),
            _ => None,
        }
    }

    /// Calls `visit` for this node and everything below it.
    pub(super) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        self.children().for_each(|child| child.walk(visit));
    }
}

impl Kind {
    fn children(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        match self {
            Self::Literal(_) | Self::Name(_) => Box::new(std::iter::empty()),
            Self::Field { of, .. } | Self::Is { of, .. } | Self::Not(of) | Self::Negative(of) => {
                Box::new(std::iter::once(&**of))
            }
            Self::Index {
                of: left,
                index: right,
            }
            | Self::Default {
                of: left,
                fallback: right,
            }
            | Self::Compare { left, right, .. }
            | Self::In { left, right, .. }
            | Self::Arithmetic { left, right, .. } => Box::new([&**left, &**right].into_iter()),
            Self::Filter(call) => Box::new(std::iter::once(&call.of).chain(&call.args)),
            Self::And(parts) | Self::Or(parts) | Self::List(parts) => Box::new(parts.iter()),
            Self::If {
                then,
                condition,
                otherwise,
            } => {
                let parts = [Some(&**then), Some(&**condition), otherwise.as_deref()];
                Box::new(parts.into_iter().flatten())
            }
            Self::Map(pairs) => Box::new(pairs.iter().flat_map(|(key, value)| [key, value])),
            Self::Loop(each) => {
                let parts = [Some(&each.item), Some(&each.list), each.keep.as_ref()];
                Box::new(parts.into_iter().flatten())
            }
        }
    }
}
