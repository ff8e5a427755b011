//! From a match line to its tests.

use std::sync::Arc;

use engine_model::code;
use engine_playbook::plan::{FieldMatch, RuleFile};
use serde_json::Value;

use crate::judge::{Members, Quantifier};
use crate::modifier::{Family, Modifier, Modifiers};
use crate::naming;
use crate::path::{Field, FieldId, FieldPath, Fields};
use crate::problem::Problem;
use crate::test::{Node, Test, TestKind};
use crate::values;
use crate::wanted::wanted;

/// What a field ends with when every member of a list is meant.
const EVERY_MEMBER: &str = "[all]";

/// How the fields of a match are called.
#[derive(Clone, Copy)]
pub(crate) enum Naming<'n> {
    /// As the alert has them.
    Alert,
    /// As a Sigma rule has them.
    Rule(&'n RuleFile),
    /// From the member of a list on.
    Member,
}

/// Where a line stands.
pub(crate) struct Scope<'s> {
    pub(crate) fields: &'s mut Fields,
    pub(crate) naming: Naming<'s>,
    /// The selection the line belongs to.
    pub(crate) selection: Option<Arc<str>>,
}

impl Scope<'_> {
    /// The field called `name`; without a name every text.
    pub(crate) fn field(&self, name: &str) -> Option<Field> {
        match self.naming {
            _ if name.is_empty() => Some(Field::Texts),
            Naming::Rule(rule) => naming::of_rule(name, rule),
            Naming::Alert | Naming::Member => read_path(name).map(Field::Path),
        }
    }
}

/// A path as written in a match.
pub(crate) fn read_path(text: &str) -> Option<FieldPath> {
    FieldPath::read(text).filter(|_| !text.contains(['[', ']', '|', ' ']))
}

/// The field of a line before its first bracket, the word in it, and the field behind.
pub(crate) fn bracket(field: &str) -> Option<(&str, Quantifier, &str)> {
    let (list, rest) = field.split_once('[')?;
    let (word, rest) = rest.split_once(']')?;
    let rest = match rest.strip_prefix('.') {
        Some(rest) if !rest.is_empty() => rest,
        None if rest.is_empty() => rest,
        _ => return None,
    };
    Some((list, Quantifier::read(word)?, rest))
}

/// Compiles one line of a match.
pub(crate) fn line(line: &FieldMatch, scope: &mut Scope<'_>) -> Result<Node, Problem> {
    let modifiers = Modifiers::read(line)?;
    if line.values.is_empty() {
        return Err(problem(line, "names no value".to_owned()));
    }
    let plain = [Modifier::Exists, Modifier::Neq]
        .iter()
        .all(|modifier| !modifiers.has(*modifier));
    let (name, every_member) = match line.field.strip_suffix(EVERY_MEMBER) {
        Some(name) if plain && !name.contains('[') => (name, true),
        _ => (line.field.as_str(), false),
    };
    if !every_member && let Some((list, quantifier, rest)) = bracket(name) {
        return members_line(line, (list, quantifier, rest), scope);
    }
    let field = scope.field(name).ok_or_else(|| no_field(line))?;
    Line {
        written: line,
        field: scope.fields.id(field),
        every_member,
        modifiers,
    }
    .node(scope)
}

/// A line about members of a list, such as `entities[any].kind`.
fn members_line(
    line: &FieldMatch,
    (list, quantifier, rest): (&str, Quantifier, &str),
    scope: &mut Scope<'_>,
) -> Result<Node, Problem> {
    let compile = |scope: &mut Scope<'_>| {
        if !rest.is_empty() {
            let field = rest.to_owned();
            return self::line(
                &FieldMatch {
                    field,
                    ..line.clone()
                },
                scope,
            );
        }
        Line {
            written: line,
            field: scope.fields.id(Field::Member),
            every_member: false,
            modifiers: Modifiers::read(line)?,
        }
        .node(scope)
    };
    members(list, quantifier, &line.field, scope, compile).ok_or_else(|| no_field(line))?
}

/// Members of `list`, each held against what `compile` makes; none where `list` is no field.
pub(crate) fn members<E>(
    list: &str,
    quantifier: Quantifier,
    name: &str,
    scope: &mut Scope<'_>,
    compile: impl FnOnce(&mut Scope<'_>) -> Result<Node, E>,
) -> Option<Result<Node, E>> {
    let list = scope.field(list).filter(|field| *field != Field::Texts)?;
    let mut fields = Fields::default();
    let mut inner = Scope {
        fields: &mut fields,
        naming: Naming::Member,
        selection: scope.selection.clone(),
    };
    let node = match compile(&mut inner) {
        Ok(node) => node,
        Err(error) => return Some(Err(error)),
    };
    let outer = fields.iter().map(|inner| scope.fields.id(list.then(inner)));
    let outer: Vec<FieldId> = outer.collect();
    Some(Ok(Node::Members(Box::new(Members {
        name: name.to_owned(),
        selection: scope.selection.clone(),
        list,
        quantifier,
        fields,
        outer,
        node,
    }))))
}

fn no_field(line: &FieldMatch) -> Problem {
    let help = "write names with dots between: `device.name`, or `device.tags[all]`";
    problem(line, format!("`{}` is not a field", line.field)).with_help(help)
}

/// A line whose field and modifiers are known.
struct Line<'a> {
    written: &'a FieldMatch,
    field: FieldId,
    every_member: bool,
    modifiers: Modifiers,
}

impl Line<'_> {
    fn node(&self, scope: &mut Scope<'_>) -> Result<Node, Problem> {
        if self.modifiers.family == Some(Family::Presence) {
            return self.presence(scope);
        }
        check_null(self.written, &self.modifiers)?;
        let values = &self.written.values;
        if self.modifiers.has(Modifier::All) {
            let each = values
                .iter()
                .map(|value| self.one_of(std::slice::from_ref(value), scope));
            return Ok(Node::All(each.collect::<Result<_, _>>()?));
        }
        let node = self.one_of(values, scope)?;
        Ok(if self.modifiers.has(Modifier::Neq) {
            Node::Not(Box::new(node))
        } else {
            node
        })
    }

    fn test(&self, kind: TestKind, values: &[Value], scope: &Scope<'_>) -> Node {
        Node::Test(Box::new(Test {
            field: self.field,
            name: self.written.field.clone(),
            selection: scope.selection.clone(),
            wanted: wanted(&self.modifiers, values),
            kind,
        }))
    }

    fn presence(&self, scope: &Scope<'_>) -> Result<Node, Problem> {
        let values = &self.written.values;
        let test = || self.test(TestKind::Present, values, scope);
        match values.as_slice() {
            [Value::Bool(true)] => Ok(test()),
            [Value::Bool(false)] => Ok(Node::Not(Box::new(test()))),
            _ => Err(problem(
                self.written,
                "`exists` takes `true` or `false`".to_owned(),
            )),
        }
    }

    /// The field has one of `values`.
    fn one_of(&self, values: &[Value], scope: &mut Scope<'_>) -> Result<Node, Problem> {
        let mut matchers = Vec::new();
        for value in values.iter().filter(|value| !value.is_null()) {
            let more = values::matchers(self.written, &self.modifiers, value, scope)?;
            matchers.extend(more);
        }
        let null = values.iter().any(Value::is_null);
        let nothing = null.then(|| self.test(TestKind::Null, values, scope));
        let every_member = self.every_member;
        let something = (!matchers.is_empty()).then(|| {
            let kind = TestKind::OneOf {
                every_member,
                matchers,
            };
            self.test(kind, values, scope)
        });
        Ok(match (nothing, something) {
            (Some(only), None) | (None, Some(only)) => only,
            (nothing, something) => Node::Any(nothing.into_iter().chain(something).collect()),
        })
    }
}

/// Null stands for itself only; there is no text or number in it.
fn check_null(line: &FieldMatch, modifiers: &Modifiers) -> Result<(), Problem> {
    let plain = modifiers
        .list
        .iter()
        .all(|modifier| *modifier == Modifier::Neq);
    if plain || !line.values.iter().any(Value::is_null) {
        return Ok(());
    }
    let message = format!("`{}` takes no null", line.modifiers.join("|"));
    Err(problem(line, message).with_help("test for a missing value with `exists: false`"))
}

pub(crate) fn problem(line: &FieldMatch, message: String) -> Problem {
    Problem::error(code::PB0603, &line.path, message)
}
