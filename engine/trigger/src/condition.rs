//! Conditions: `selection and not 1 of filter_*`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::problem::nearest;
use crate::test::Node;

/// The longest condition.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// The deepest nesting of parentheses and `not`.
const DEPTH_MAX: usize = 64;
/// How many selections a condition may look at, each as often as it is named.
const NAMED_MAX: usize = 10_000;

/// The selections of a detection, in the order written.
#[derive(Default)]
pub(crate) struct Selections {
    named: Vec<(String, Arc<Node>)>,
}

impl Selections {
    pub(crate) fn add(&mut self, name: &str, node: Arc<Node>) {
        self.named.push((name.to_owned(), node));
    }

    fn get(&self, name: &str) -> Option<Node> {
        let found = self.named.iter().find(|(known, _)| known == name);
        found.map(|(_, node)| Node::Selection(Arc::clone(node)))
    }

    fn fitting<'s>(&'s self, pattern: &'s str) -> impl Iterator<Item = &'s (String, Arc<Node>)> {
        self.named
            .iter()
            .filter(move |(name, _)| fits(pattern, name))
    }
}

/// Whether a name is meant by `them` or by a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case("them") {
        return !name.starts_with('_');
    }
    let mut rest = name;
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    match rest.strip_prefix(first) {
        Some(after) => rest = after,
        None => return false,
    }
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The selections that a condition looks at, by name.
pub(crate) fn used<'s>(
    text: &str,
    names: impl Iterator<Item = &'s str> + Clone,
) -> BTreeSet<&'s str> {
    let tokens = tokens(text);
    let mut used = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let behind_of = index > 0 && tokens[index - 1].eq_ignore_ascii_case("of");
        let meant = |name: &&str| {
            if behind_of {
                fits(token, name)
            } else {
                name == token
            }
        };
        used.extend(names.clone().filter(meant));
    }
    used
}

/// What is wrong with a condition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

fn wrong<T>(message: impl Into<String>, help: &str) -> Result<T, Wrong> {
    Err(Wrong {
        message: message.into(),
        help: (!help.is_empty()).then(|| help.to_owned()),
    })
}

/// Reads a condition over `selections`.
pub(crate) fn parse(text: &str, selections: &Selections) -> Result<Node, Wrong> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("a condition has at most {TEXT_BYTES_MAX} bytes");
        return wrong(message, "name selections alike, and write `1 of name_*`");
    }
    if text.contains('|') {
        let help = "to count alerts write `accumulate` beside `match`";
        return wrong("a condition on one alert counts nothing", help);
    }
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
        depth: 0,
        named: 0,
        selections,
    };
    if parser.tokens.is_empty() {
        return wrong("the condition is empty", "name a selection: `selection`");
    }
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(node),
        Some(")") => wrong("`)` closes nothing", ""),
        Some(token) => {
            let message = format!("expected `and` or `or` before `{token}`");
            wrong(message, "")
        }
    }
}

/// Names and words, and parentheses each for itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices() {
        let alone = matches!(character, '(' | ')');
        if alone || character.is_whitespace() {
            tokens.extend(start.take().map(|start| &text[start..at]));
            if alone {
                tokens.push(&text[at..=at]);
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    tokens.extend(start.map(|start| &text[start..]));
    tokens
}

struct Parser<'t, 's> {
    tokens: Vec<&'t str>,
    at: usize,
    depth: usize,
    named: usize,
    selections: &'s Selections,
}

impl<'t> Parser<'t, '_> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self
            .peek()
            .is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(taken);
        taken
    }

    fn either(&mut self) -> Result<Node, Wrong> {
        let mut nodes = vec![self.both()?];
        while self.take("or") {
            nodes.push(self.both()?);
        }
        Ok(one_or(nodes, Node::Any))
    }

    fn both(&mut self) -> Result<Node, Wrong> {
        let mut nodes = vec![self.term()?];
        while self.take("and") {
            nodes.push(self.term()?);
        }
        Ok(one_or(nodes, Node::All))
    }

    fn term(&mut self) -> Result<Node, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("a condition nests at most {DEPTH_MAX} levels");
            return wrong(message, "give a part of it a selection of its own");
        }
        let node = self.inner_term();
        self.depth -= 1;
        node
    }

    fn inner_term(&mut self) -> Result<Node, Wrong> {
        if self.take("not") {
            return Ok(Node::Not(Box::new(self.term()?)));
        }
        if self.take("(") {
            let node = self.either()?;
            if !self.take(")") {
                return wrong("a parenthesis is not closed", "");
            }
            return Ok(node);
        }
        let Some(token) = self.peek() else {
            return wrong(
                "the condition ends too early",
                "a name of a selection is missing",
            );
        };
        self.at += 1;
        if self
            .peek()
            .is_some_and(|next| next.eq_ignore_ascii_case("of"))
        {
            self.at += 1;
            return self.of(token);
        }
        if let Some(node) = self.selections.get(token) {
            self.count(1)?;
            return Ok(node);
        }
        let word = |word: &&str| token.eq_ignore_ascii_case(word);
        if ["and", "or", "of", "them", "all", "any", ")"]
            .iter()
            .any(word)
        {
            return wrong(format!("`{token}` makes no sense here"), "");
        }
        if token.contains('*') {
            let help = format!("write `1 of {token}` or `all of {token}`");
            return wrong(format!("`{token}` names several selections"), &help);
        }
        let help = self.similar(token);
        wrong(format!("no selection is called `{token}`"), &help)
    }

    /// What stands behind `of`.
    fn of(&mut self, amount: &str) -> Result<Node, Wrong> {
        let Some(pattern) = self.peek() else {
            return wrong(format!("`{amount} of` names nothing"), "write `1 of them`");
        };
        self.at += 1;
        let selections = self.selections;
        let fitting = selections.fitting(pattern);
        let nodes: Vec<Node> = fitting
            .map(|(_, node)| Node::Selection(Arc::clone(node)))
            .collect();
        if nodes.is_empty() {
            let help = self.similar(pattern.trim_end_matches('*'));
            return wrong(format!("no selection's name fits `{pattern}`"), &help);
        }
        self.count(nodes.len())?;
        if amount.eq_ignore_ascii_case("all") {
            return Ok(one_or(nodes, Node::All));
        }
        if amount.eq_ignore_ascii_case("any") {
            return Ok(one_or(nodes, Node::Any));
        }
        match amount.parse::<usize>() {
            Ok(0) | Err(_) => {
                let message = format!("`{amount} of` is no amount");
                wrong(message, "write `1 of`, `2 of` … or `all of`")
            }
            Ok(least) if least > nodes.len() => {
                let (there, are) = (nodes.len(), if nodes.len() == 1 { "is" } else { "are" });
                let message = format!("`{amount} of {pattern}` never holds: there {are} {there}");
                wrong(message, "")
            }
            Ok(1) => Ok(one_or(nodes, Node::Any)),
            Ok(least) => Ok(Node::AtLeast(least, nodes)),
        }
    }

    fn count(&mut self, more: usize) -> Result<(), Wrong> {
        self.named += more;
        if self.named > NAMED_MAX {
            let message = format!("a condition looks at most at {NAMED_MAX} selections");
            return wrong(message, "each counts as often as it is named");
        }
        Ok(())
    }

    fn similar(&self, name: &str) -> String {
        let names = || self.selections.named.iter().map(|(name, _)| name.as_str());
        if let Some(similar) = nearest(name, names()) {
            return format!("a selection with a similar name exists: `{similar}`");
        }
        let names: Vec<String> = names().take(8).map(|name| format!("`{name}`")).collect();
        format!("the selections are {}", names.join(", "))
    }
}

fn one_or(mut nodes: Vec<Node>, several: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.swap_remove(0),
        _ => several(nodes),
    }
}

#[cfg(test)]
mod tests;
