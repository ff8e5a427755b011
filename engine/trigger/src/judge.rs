//! Evaluates a match, and remembers what decided it.

use std::sync::Arc;

use crate::path::{Field, FieldId, Fields, Root, Seen};
use crate::test::{Node, Test, TestKind};

/// The members of a list, each held against a match of its own.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    /// The field as written: `entities[any]`.
    pub(crate) name: String,
    /// The selection it belongs to.
    pub(crate) selection: Option<Arc<str>>,
    pub(crate) list: Field,
    pub(crate) quantifier: Quantifier,
    /// What is asked of a member, and the fields of a member it looks at.
    pub(crate) fields: Fields,
    pub(crate) node: Node,
    /// Where the alert has the values of each of those fields.
    pub(crate) outer: Vec<FieldId>,
}

/// Which members must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    /// Every one, and there is one.
    All,
    AllOrEmpty,
    None,
}

impl Quantifier {
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "all" => Some(Self::All),
            "all_or_empty" => Some(Self::AllOrEmpty),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Any => "a member that matches",
            Self::All => "members that all match",
            Self::AllOrEmpty => "no member that does not match",
            Self::None => "no member that matches",
        }
    }
}

/// The outcome of a tree, and what decided it.
#[derive(Clone, Copy)]
pub(crate) struct Verdict<'n> {
    pub(crate) holds: bool,
    pub(crate) by: Option<By<'n>>,
    /// Whether what decided it stands behind a `not`.
    pub(crate) negated: bool,
}

/// What decided an outcome.
#[derive(Clone, Copy)]
pub(crate) enum By<'n> {
    Test(&'n Test),
    Members(&'n Members),
}

impl Node {
    /// Evaluates from left to right and stops as soon as the outcome is certain, so what decided
    /// it is known at no cost.
    pub(crate) fn judge<'n>(&'n self, seen: &Seen<'_>) -> Verdict<'n> {
        match self {
            Self::Test(test) => Verdict {
                holds: test.holds(seen),
                by: Some(By::Test(test)),
                negated: false,
            },
            Self::Members(members) => Verdict {
                holds: members.hold(seen),
                by: Some(By::Members(members)),
                negated: false,
            },
            Self::Selection(node) => node.judge(seen),
            Self::Not(node) => {
                let verdict = node.judge(seen);
                Verdict {
                    holds: !verdict.holds,
                    negated: !verdict.negated,
                    ..verdict
                }
            }
            Self::All(nodes) => at_least(nodes.len(), nodes, seen),
            Self::Any(nodes) => at_least(1, nodes, seen),
            Self::AtLeast(least, nodes) => at_least(*least, nodes, seen),
        }
    }
}

/// Whether so many hold. It holds by the last one that was needed, and fails by the first that
/// failed.
fn at_least<'n>(least: usize, nodes: &'n [Node], seen: &Seen<'_>) -> Verdict<'n> {
    let mut verdict = Verdict {
        holds: least == 0,
        by: None,
        negated: false,
    };
    let (mut held, mut failed) = (0, 0);
    for node in nodes {
        let next = node.judge(seen);
        if next.holds {
            held += 1;
            if held >= least {
                return next;
            }
        } else {
            failed += 1;
            if failed == 1 {
                verdict = next;
            }
            if nodes.len() - failed < least {
                break;
            }
        }
    }
    verdict
}

impl Members {
    fn hold(&self, seen: &Seen<'_>) -> bool {
        let members = self.list.members(seen.root());
        let one = |member: &&serde_json::Value| {
            let seen = Seen::at(Root::Member(member), &self.fields);
            self.node.judge(&seen).holds
        };
        match self.quantifier {
            Quantifier::Any => members.iter().any(one),
            Quantifier::All => !members.is_empty() && members.iter().all(one),
            Quantifier::AllOrEmpty => members.iter().all(one),
            Quantifier::None => !members.iter().any(one),
        }
    }
}

impl By<'_> {
    /// The field as written.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::Test(test) if test.name.is_empty() => "any text",
            Self::Test(test) => &test.name,
            Self::Members(members) => &members.name,
        }
    }

    pub(crate) fn selection(&self) -> Option<&str> {
        match self {
            Self::Test(test) => test.selection.as_deref(),
            Self::Members(members) => members.selection.as_deref(),
        }
    }

    /// What it asks for, as the end of a sentence that begins "wanted".
    pub(crate) fn wanted(&self, negated: bool) -> String {
        let wanted = match self {
            Self::Test(Test {
                kind: TestKind::Present,
                ..
            }) if negated => return "no value".to_owned(),
            Self::Test(test) => &test.wanted,
            Self::Members(members) => members.quantifier.words(),
        };
        if negated {
            format!("anything but {wanted}")
        } else {
            wanted.to_owned()
        }
    }

    /// What the alert has there.
    pub(crate) fn found(&self, seen: &Seen<'_>) -> String {
        match self {
            Self::Test(test) if test.name.is_empty() => test.found_text(seen),
            Self::Test(test) => test.found(seen),
            Self::Members(members) => match members.list.members(seen.root()).len() {
                0 => "empty".to_owned(),
                1 => "1 member".to_owned(),
                count => format!("{count} members"),
            },
        }
    }
}
