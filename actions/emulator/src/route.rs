//! From a request line to an operation, by the table of operations.

use std::collections::HashMap;

use actions_contract::{Endpoint, Method};

use crate::wire;

/// What a request line leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The operation at this index of the table, and the values of the placeholders in its path.
    Operation { index: usize, values: Vec<String> },
    /// The path exists, but not with this method; these it has.
    OtherMethods(Vec<&'static str>),
    /// No operation has this path.
    Nothing,
}

/// A segment of a documented path that holds placeholders: `findbytag(tag='{tag}')`.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    /// The texts around the placeholders: one more than there are placeholders.
    around: Vec<String>,
}

impl Pattern {
    fn new(segment: &str) -> Option<Self> {
        let mut around = Vec::new();
        let mut rest = segment;
        while let Some((before, after)) = rest.split_once('{') {
            around.push(before.to_owned());
            rest = after.split_once('}').map_or("", |(_, tail)| tail);
        }
        around.push(rest.to_owned());
        (around.len() > 1).then_some(Self { around })
    }

    /// The values of the placeholders, still percent-encoded.
    fn values<'a>(&self, segment: &'a str) -> Option<Vec<&'a str>> {
        let mut rest = strip(segment, &self.around[0])?;
        let mut values = Vec::with_capacity(self.around.len() - 1);
        for (at, after) in self.around.iter().enumerate().skip(1) {
            let end = if at + 1 == self.around.len() {
                strip_end(rest, after)?.len()
            } else {
                find(rest, after)?
            };
            values.push(&rest[..end]);
            rest = rest.get(end + after.len()..)?;
        }
        values
            .iter()
            .all(|value| !value.is_empty())
            .then_some(values)
    }
}

fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn strip_end<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let cut = text.len().checked_sub(suffix.len())?;
    let tail = text.get(cut..)?;
    tail.eq_ignore_ascii_case(suffix).then(|| &text[..cut])
}

fn find(text: &str, part: &str) -> Option<usize> {
    text.char_indices()
        .map(|(at, _)| at)
        .find(|at| strip(&text[*at..], part).is_some())
}

/// One place in the tree of documented paths.
#[derive(Debug, Default)]
struct Node {
    /// By segment in lower case; these win over patterns.
    literal: HashMap<String, Node>,
    pattern: Vec<(Pattern, Node)>,
    operations: Vec<(Method, usize)>,
}

impl Node {
    /// Puts patterns with more text of their own before those with less.
    fn sort(&mut self) {
        let text = |pattern: &Pattern| pattern.around.iter().map(String::len).sum::<usize>();
        self.pattern
            .sort_by_key(|(pattern, _)| std::cmp::Reverse(text(pattern)));
        self.literal.values_mut().for_each(Self::sort);
        self.pattern.iter_mut().for_each(|(_, node)| node.sort());
    }
}

/// The documented paths as a tree. Letter case does not matter, as with the service.
#[derive(Debug)]
pub(crate) struct Routes {
    root: Node,
}

impl Routes {
    pub(crate) fn new(endpoints: &[Endpoint]) -> Self {
        let mut root = Node::default();
        for (index, endpoint) in endpoints.iter().enumerate() {
            let mut node = &mut root;
            for segment in segments(endpoint.path) {
                node = match Pattern::new(segment) {
                    None => node
                        .literal
                        .entry(segment.to_ascii_lowercase())
                        .or_default(),
                    Some(pattern) => {
                        let known = node.pattern.iter().position(|(other, _)| *other == pattern);
                        let at = known.unwrap_or_else(|| {
                            node.pattern.push((pattern, Node::default()));
                            node.pattern.len() - 1
                        });
                        &mut node.pattern[at].1
                    }
                };
            }
            // Where two operations share a line, the first one answers.
            if node
                .operations
                .iter()
                .all(|(method, _)| *method != endpoint.method)
            {
                node.operations.push((endpoint.method, index));
            }
        }
        root.sort();
        Self { root }
    }

    pub(crate) fn find(&self, method: &str, path: &str) -> Found {
        let segments: Vec<&str> = segments(path).collect();
        let mut search = Search {
            method,
            values: Vec::new(),
            other_methods: Vec::new(),
        };
        match search.visit(&self.root, &segments) {
            Some(index) => Found::Operation {
                index,
                values: search.values,
            },
            None if search.other_methods.is_empty() => Found::Nothing,
            None => Found::OtherMethods(search.other_methods),
        }
    }
}

struct Search<'a> {
    method: &'a str,
    values: Vec<String>,
    other_methods: Vec<&'static str>,
}

impl Search<'_> {
    fn visit(&mut self, node: &Node, segments: &[&str]) -> Option<usize> {
        let Some((first, rest)) = segments.split_first() else {
            let hit = node
                .operations
                .iter()
                .find(|(method, _)| method.as_str() == self.method);
            if hit.is_none() {
                self.other_methods
                    .extend(node.operations.iter().map(|(method, _)| method.as_str()));
            }
            return hit.map(|(_, index)| *index);
        };
        let plain = wire::segment(first);
        if let Some(next) = node.literal.get(&plain.to_ascii_lowercase())
            && let Some(index) = self.visit(next, rest)
        {
            return Some(index);
        }
        for (pattern, next) in &node.pattern {
            // A client may encode the quotes around a value too.
            let Some(values) = pattern.values(first).or_else(|| pattern.values(&plain)) else {
                continue;
            };
            let before = self.values.len();
            self.values.extend(values.into_iter().map(wire::segment));
            if let Some(index) = self.visit(next, rest) {
                return Some(index);
            }
            self.values.truncate(before);
        }
        None
    }
}

/// The segments of a path without the version that some clients put in it.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/')
        .trim_end_matches('/')
        .split('/')
        .enumerate()
        .filter_map(|(at, segment)| {
            let version = (at == 0 && segment == "beta") || (at < 2 && segment == "v1.0");
            (!version).then_some(segment)
        })
}

#[cfg(test)]
mod tests {
    use actions_contract::{Api, Confidence, Effect, Idempotency, Permissions, Rate};

    use super::*;

    fn endpoint(method: Method, path: &'static str) -> Endpoint {
        Endpoint {
            id: path,
            title: "",
            api: Api::Mde,
            method,
            path,
            effect: Effect::Read,
            idempotency: Idempotency::Natural,
            permissions: Permissions {
                application: &[],
                delegated: &[],
            },
            rate: Rate {
                per_minute: None,
                per_hour: None,
            },
            settles: false,
            beta: false,
            confidence: Confidence::Page,
            source: "",
        }
    }

    fn check(method: &str, path: &str, want: &Found) {
        let routes = Routes::new(&[
            endpoint(Method::Get, "/api/machines"),
            endpoint(Method::Get, "/api/machines/{id}"),
            endpoint(Method::Get, "/api/machines/findbytag"),
            endpoint(
                Method::Get,
                "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})",
            ),
            endpoint(Method::Post, "/api/machines/{machineId}/isolate"),
            endpoint(Method::Post, "/groups/{id}/members/$ref"),
        ]);
        assert_eq!(routes.find(method, path), *want, "{method} {path}");
    }

    fn operation(index: usize, values: &[&str]) -> Found {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Found::Operation { index, values }
    }

    #[test]
    fn a_request_line_finds_its_operation() {
        check("GET", "/api/machines", &operation(0, &[]));
        check("GET", "/API/v1.0/Machines/", &operation(0, &[]));
        check(
            "GET",
            "/api/machines/ws1.corp.example",
            &operation(1, &["ws1.corp.example"]),
        );
        check("GET", "/api/machines/FindByTag", &operation(2, &[]));
        check(
            "POST",
            "/api/machines/findbytag/isolate",
            &operation(4, &["findbytag"]),
        );
        check(
            "POST",
            "/v1.0/groups/g%2F1/members/$ref",
            &operation(5, &["g/1"]),
        );
    }

    #[test]
    fn values_inside_a_segment_are_found() {
        let want = operation(3, &["10.0.0.1", "2026-01-01T00:00:00Z"]);
        let raw = "/api/machines/findbyip(ip='10.0.0.1',timestamp=2026-01-01T00:00:00Z)";
        check("GET", raw, &want);
        let encoded =
            "/api/machines/FindByIp(ip=%2710.0.0.1%27,timestamp=2026-01-01T00%3A00%3A00Z)";
        check("GET", encoded, &want);
        let hostile = "/api/machines/findbyip(ip='1%27,timestamp=2)%27',timestamp=3)";
        check("GET", hostile, &operation(3, &["1',timestamp=2)'", "3"]));
    }

    #[test]
    fn a_wrong_method_is_told_from_a_wrong_path() {
        check(
            "DELETE",
            "/api/machines/x/isolate",
            &Found::OtherMethods(vec!["POST"]),
        );
        check("GET", "/api/nothing", &Found::Nothing);
        check("GET", "/", &Found::Nothing);
    }
}
