//! Keys: what an alert must hold for a match to be possible at all.

use crate::fold::fold;
use crate::judge::{Members, Quantifier};
use crate::modifier::Compare;
use crate::net::Net;
use crate::path::FieldId;
use crate::pattern::Pattern;
use crate::test::{Matcher, Node, Piece, Test, TestKind};

/// Something a field of the alert must hold. Texts are without case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) field: FieldId,
    pub(crate) kind: KeyKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyKind {
    /// The whole value.
    Equal(Box<str>),
    /// A part of the value.
    Part(Box<str>),
    /// An address in this network.
    Net(Net),
}

impl Key {
    /// The length of its text: of two keys equally frequent, the longer one is met less often.
    pub(crate) fn length(&self) -> usize {
        match &self.kind {
            KeyKind::Equal(text) => text.len() + 1,
            KeyKind::Part(text) => text.len(),
            KeyKind::Net(_) => 1,
        }
    }
}

/// Calls `visit` with every key that [`choose`] may choose from.
pub(crate) fn visit_keys(node: &Node, visit: &mut dyn FnMut(Key)) {
    match node {
        Node::All(nodes) | Node::Any(nodes) | Node::AtLeast(_, nodes) => {
            nodes.iter().for_each(|node| visit_keys(node, visit));
        }
        Node::Selection(node) => visit_keys(node, visit),
        Node::Members(members) if requires_member(members) => {
            visit_keys(&members.node, &mut |key| visit(moved(key, members)));
        }
        Node::Not(_) | Node::Members(_) => {}
        Node::Test(test) => {
            for matcher in matchers(test) {
                options(test, matcher)
                    .into_iter()
                    .flatten()
                    .for_each(&mut *visit);
            }
        }
    }
}

/// What a key costs; the lower, the sooner it is chosen.
pub(crate) type Cost = (bool, u32, usize);

/// Keys of which an alert must hold at least one for `node` to hold, the cheapest such choice by
/// `cost`, which is that of its dearest key. None where no key is required.
pub(crate) fn choose(node: &Node, cost: &dyn Fn(&Key) -> Cost) -> Option<(Cost, Vec<Key>)> {
    let dearest = |keys: Vec<Key>| Some((keys.iter().map(cost).max()?, keys));
    match node {
        Node::Not(_) => None,
        Node::Selection(node) => choose(node, cost),
        // Every child is required: the cheapest of them will do.
        Node::All(nodes) => nodes
            .iter()
            .filter_map(|node| choose(node, cost))
            .min_by_key(|(cost, _)| *cost),
        // Any child is enough: all of them have to be watched.
        Node::Any(nodes) => watched(1, nodes, cost).and_then(dearest),
        Node::AtLeast(least, nodes) => watched(*least, nodes, cost).and_then(dearest),
        Node::Members(members) if requires_member(members) => {
            let (_, keys) = choose(&members.node, &|key| cost(&moved(key.clone(), members)))?;
            dearest(keys.into_iter().map(|key| moved(key, members)).collect())
        }
        Node::Members(_) => None,
        Node::Test(test) => {
            let chosen: Option<Vec<_>> = matchers(test)
                .iter()
                .map(|matcher| {
                    options(test, matcher)
                        .into_iter()
                        .filter_map(dearest)
                        .min_by_key(|(cost, _)| *cost)
                })
                .collect();
            dearest(chosen?.into_iter().flat_map(|(_, keys)| keys).collect())
        }
    }
}

/// The keys of so many children that where `least` hold, one of these does.
fn watched(least: usize, nodes: &[Node], cost: &dyn Fn(&Key) -> Cost) -> Option<Vec<Key>> {
    let needed = (nodes.len() + 1).checked_sub(least.max(1))?;
    let mut chosen: Vec<(Cost, Vec<Key>)> =
        nodes.iter().filter_map(|node| choose(node, cost)).collect();
    if chosen.len() < needed {
        return None;
    }
    chosen.sort_by_key(|(cost, _)| *cost);
    chosen.truncate(needed);
    Some(chosen.into_iter().flat_map(|(_, keys)| keys).collect())
}

fn requires_member(members: &Members) -> bool {
    matches!(members.quantifier, Quantifier::Any | Quantifier::All)
}

/// A key of a member as one of the alert.
fn moved(key: Key, members: &Members) -> Key {
    Key {
        field: members.outer[key.field.index()],
        ..key
    }
}

fn matchers(test: &Test) -> &[Matcher] {
    match &test.kind {
        TestKind::OneOf { matchers, .. } => matchers,
        TestKind::Present | TestKind::Null => &[],
    }
}

/// The ways to find out cheaply that a matcher may match: of each list one key must be there.
fn options(test: &Test, matcher: &Matcher) -> Vec<Vec<Key>> {
    let key = |kind: KeyKind| Key {
        field: test.field,
        kind,
    };
    let part = |text: &str| key(KeyKind::Part(fold(text).into()));
    match matcher {
        Matcher::Text {
            pattern: Pattern::Equal(text),
            ..
        } => {
            vec![vec![key(KeyKind::Equal(fold(text).into()))]]
        }
        Matcher::Text { pattern, .. } => pattern
            .literals()
            .into_iter()
            .map(|text| vec![part(text)])
            .collect(),
        Matcher::Regex { required, .. } => required
            .iter()
            .map(|texts| texts.iter().map(|text| part(text)).collect())
            .collect(),
        Matcher::Net(net) => vec![vec![key(KeyKind::Net(*net))]],
        Matcher::Number {
            part: None,
            compare: Compare::Equal,
            value,
        } => {
            vec![vec![key(KeyKind::Equal(value.to_string().into()))]]
        }
        Matcher::Expand { parts, .. } => parts
            .iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(vec![part(text)]),
                Piece::Field(_) => None,
            })
            .collect(),
        Matcher::Number { .. } | Matcher::Field { .. } => Vec::new(),
    }
}
