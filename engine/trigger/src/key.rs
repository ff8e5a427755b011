//! Keys: what an alert must hold for a match to be possible at all.

use crate::fold::fold;
use crate::modifier::Compare;
use crate::net::Net;
use crate::path::FieldId;
use crate::pattern::Pattern;
use crate::test::{Matcher, Node, Test, TestKind};

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
pub(crate) fn visit_keys(node: &Node, visit: &mut impl FnMut(Key)) {
    match node {
        Node::All(nodes) | Node::Any(nodes) => {
            nodes.iter().for_each(|node| visit_keys(node, visit));
        }
        Node::Not(_) => {}
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

/// Keys of which an alert must hold at least one for `node` to hold, the cheapest such choice by
/// `cost`, which is that of its dearest key. None where no key is required.
pub(crate) fn choose<C: Ord + Copy>(
    node: &Node,
    cost: &impl Fn(&Key) -> C,
) -> Option<(C, Vec<Key>)> {
    let dearest = |keys: Vec<Key>| Some((keys.iter().map(cost).max()?, keys));
    match node {
        Node::Not(_) => None,
        // Every child is required: the cheapest of them will do.
        Node::All(nodes) => nodes
            .iter()
            .filter_map(|node| choose(node, cost))
            .min_by_key(|(cost, _)| *cost),
        // Any child is enough: all of them have to be watched.
        Node::Any(nodes) => {
            let chosen: Option<Vec<_>> = nodes.iter().map(|node| choose(node, cost)).collect();
            dearest(chosen?.into_iter().flat_map(|(_, keys)| keys).collect())
        }
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
        Matcher::Number { .. } | Matcher::Field { .. } => Vec::new(),
    }
}
