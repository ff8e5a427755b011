//! The tree walker: strict, pure, bounded.

use engine_model::{Span, code};
use serde_json::Value;

use super::ast::{FilterCall, Kind, Loop, Node, Test, Yields};
use super::budget::Budget;
use super::export::export;
use super::filters::Call;
use super::parse::ENGINE_NAMES;
use super::suggest::similar_help;
use super::value::{ELEMENT_BYTES, Fault, Text, Val};
use super::{EvalError, Scope, ops};

type Outcome<'a> = Result<Val<'a>, Fault>;

/// How much of an expression an error message repeats.
const SNIPPET_CHARS_MAX: usize = 80;

/// Evaluates and hands the value to `take` while the scope is still borrowed.
pub(super) fn evaluate<'a, T>(
    source: &str,
    root: &'a Node,
    scope: &'a dyn Scope,
    take: impl FnOnce(Val<'a>, &mut Budget) -> Result<T, Fault>,
) -> Result<T, EvalError> {
    let mut evaluator = Evaluator {
        scope,
        budget: Budget::new(),
        locals: Vec::new(),
        place: None,
    };
    let taken = match evaluator.eval(root) {
        Ok(value) => take(value, &mut evaluator.budget),
        Err(fault) => Err(fault),
    };
    taken.map_err(|fault| {
        let span = evaluator.place.unwrap_or(root.span);
        EvalError {
            code: code::RN0101,
            message: format!("{} (at `{}`)", fault.message, snippet(source, span)),
        }
    })
}

pub(super) fn value(source: &str, root: &Node, scope: &dyn Scope) -> Result<Value, EvalError> {
    evaluate(source, root, scope, |value, _| export(&value))
}

pub(super) fn condition(source: &str, root: &Node, scope: &dyn Scope) -> Result<bool, EvalError> {
    evaluate(source, root, scope, |value, _| boolean(&value))
}

fn snippet(source: &str, span: Span) -> String {
    let text = source.get(span.start..span.end).unwrap_or(source);
    match text.char_indices().nth(SNIPPET_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn boolean(value: &Val<'_>) -> Result<bool, Fault> {
    match value {
        Val::Bool(value) => Ok(*value),
        other => Err(Fault::new(format!(
            "a condition must be a boolean, found {}",
            other.kind()
        ))),
    }
}

struct Evaluator<'a> {
    scope: &'a dyn Scope,
    budget: Budget,
    /// Loop names, innermost last.
    locals: Vec<(&'a str, Val<'a>)>,
    /// The innermost node that failed.
    place: Option<Span>,
}

impl<'a> Evaluator<'a> {
    fn eval(&mut self, node: &'a Node) -> Outcome<'a> {
        self.budget.operation()?;
        let outcome = self.eval_kind(node);
        if outcome.is_err() {
            self.place.get_or_insert(node.span);
        }
        outcome
    }

    fn eval_kind(&mut self, node: &'a Node) -> Outcome<'a> {
        match &node.kind {
            Kind::Literal(value) => Ok(Val::from(value)),
            Kind::Name(name) => self.name(name).ok_or_else(|| self.unknown(name)),
            Kind::Field { of, name, .. } => {
                let of = self.eval(of)?;
                field(&of, name)?.ok_or_else(|| no_field(&of, name))
            }
            Kind::Index { of, index } => {
                let (of, index) = (self.eval(of)?, self.eval(index)?);
                ops::index(&of, &index)?.ok_or_else(|| no_index(&of, &index))
            }
            Kind::Filter(call) => self.filter(call),
            Kind::Default { of, fallback } => match self.lenient(of)? {
                None | Some(Val::Null) => self.eval(fallback),
                Some(value) => Ok(value),
            },
            Kind::Not(of) => Ok(Val::Bool(!self.boolean(of)?)),
            Kind::Negative(of) => ops::negative(&self.eval(of)?),
            Kind::And(parts) => self.every(parts, true),
            Kind::Or(parts) => self.every(parts, false),
            Kind::Compare { op, left, right } => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                ops::compare(*op, &left, &right, &mut self.budget).map(Val::Bool)
            }
            Kind::In {
                negated,
                left,
                right,
            } => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                let found = ops::contains(&right, &left, &mut self.budget)?;
                Ok(Val::Bool(found != *negated))
            }
            Kind::Is { negated, of, test } => self
                .test(of, *test)
                .map(|holds| Val::Bool(holds != *negated)),
            Kind::Arithmetic { op, left, right } => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                ops::arithmetic(*op, &left, &right, &mut self.budget)
            }
            Kind::If {
                then,
                condition,
                otherwise,
            } => {
                if self.boolean(condition)? {
                    return self.eval(then);
                }
                otherwise
                    .as_ref()
                    .map_or(Ok(Val::Null), |otherwise| self.eval(otherwise))
            }
            Kind::List(items) => {
                self.budget.make(items.len() * ELEMENT_BYTES)?;
                items.iter().map(|item| self.eval(item)).collect()
            }
            Kind::Map(pairs) => self.map(pairs),
            Kind::Loop(each) => self.each(each),
        }
    }

    /// Evaluates what may be missing: none when a name, a field or an index on the way is not
    /// there. Everything else stays an error.
    fn lenient(&mut self, node: &'a Node) -> Result<Option<Val<'a>>, Fault> {
        let outcome = match &node.kind {
            Kind::Name(name) => Ok(self.name(name)),
            Kind::Field { of, name, .. } => match self.lenient(of)? {
                None | Some(Val::Null) => Ok(None),
                Some(of) => field(&of, name),
            },
            Kind::Index { of, index } => match self.lenient(of)? {
                None | Some(Val::Null) => Ok(None),
                Some(of) => self.eval(index).and_then(|index| ops::index(&of, &index)),
            },
            Kind::Filter(call) => match self.filter(call) {
                Err(fault) if fault.missing => Ok(None),
                outcome => outcome.map(Some),
            },
            Kind::If {
                then,
                condition,
                otherwise,
            } => {
                if self.boolean(condition)? {
                    return self.lenient(then);
                }
                match otherwise {
                    Some(otherwise) => return self.lenient(otherwise),
                    None => Ok(Some(Val::Null)),
                }
            }
            _ => return self.eval(node).map(Some),
        };
        self.budget.operation()?;
        if outcome.is_err() {
            self.place.get_or_insert(node.span);
        }
        outcome
    }

    fn boolean(&mut self, node: &'a Node) -> Result<bool, Fault> {
        let value = self.eval(node)?;
        boolean(&value).inspect_err(|_| {
            self.place.get_or_insert(node.span);
        })
    }

    /// `and` for true, `or` for false; stops at the first part that decides.
    fn every(&mut self, parts: &'a [Node], wanted: bool) -> Outcome<'a> {
        for part in parts {
            if self.boolean(part)? != wanted {
                return Ok(Val::Bool(!wanted));
            }
        }
        Ok(Val::Bool(wanted))
    }

    fn name(&self, name: &str) -> Option<Val<'a>> {
        let local = self.locals.iter().rev().find(|(local, _)| *local == name);
        match local {
            Some((_, value)) => Some(value.clone()),
            None => self.scope.get(name).map(Val::from),
        }
    }

    fn unknown(&self, name: &str) -> Fault {
        let names = ENGINE_NAMES
            .into_iter()
            .chain(self.locals.iter().map(|(local, _)| *local));
        let help = similar_help("", name, names.filter(|known| *known != name));
        let message = format!("`{name}` is not known here");
        Fault::missing(help.map_or(message.clone(), |help| format!("{message}, {help}")))
    }

    fn test(&mut self, of: &'a Node, test: Test) -> Result<bool, Fault> {
        if test == Test::Defined {
            return Ok(!matches!(self.lenient(of)?, None | Some(Val::Null)));
        }
        let value = self.eval(of)?;
        Ok(match test {
            Test::None => matches!(value, Val::Null),
            Test::String => matches!(value, Val::Text(_)),
            Test::Number => matches!(value, Val::Int(_) | Val::Float(_)),
            Test::List => matches!(value, Val::List(_)),
            Test::Map => matches!(value, Val::Map(_)),
            Test::Defined => true,
        })
    }

    fn map(&mut self, pairs: &'a [(Node, Node)]) -> Outcome<'a> {
        self.budget.make(pairs.len() * 2 * ELEMENT_BYTES)?;
        let mut fields = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            match self.eval(key)? {
                Val::Text(key) => fields.push((key, self.eval(value)?)),
                other => {
                    self.place = Some(key.span);
                    let message = format!("the key of a map is text, found {}", other.kind());
                    return Err(Fault::new(message));
                }
            }
        }
        Ok(fields.into_iter().collect())
    }

    fn filter(&mut self, call: &'a FilterCall) -> Outcome<'a> {
        // What is missing inside stays an error: `a.typo | first | default(0)` is not accepted.
        let harden = |fault: Fault| Fault {
            missing: false,
            ..fault
        };
        let input = self.eval(&call.of).map_err(harden)?;
        let args: Vec<Val<'a>> = call
            .args
            .iter()
            .map(|arg| self.eval(arg))
            .collect::<Result<_, _>>()
            .map_err(harden)?;
        let filter = call.filter;
        if !filter.input.accepts(&input) {
            let (name, takes, found) = (filter.name, filter.input, input.kind());
            return Err(Fault::new(format!("`{name}` takes {takes}, found {found}")));
        }
        for ((param, value), node) in filter.params.iter().zip(&args).zip(&call.args) {
            if !param.kinds.accepts(value) {
                self.place = Some(node.span);
                let (name, takes, found) = (param.name, param.kinds, value.kind());
                let message = format!("`{name}` of `{}` is {takes}, found {found}", filter.name);
                return Err(Fault::new(message));
            }
        }
        let call = Call {
            input,
            args: &args,
            regex: call.regex.as_ref(),
        };
        (filter.run)(call, &mut self.budget)
    }

    fn each(&mut self, each: &'a Loop) -> Outcome<'a> {
        let items = match self.eval(&each.list)? {
            Val::List(items) => items,
            other => {
                self.place = Some(each.list.span);
                let message = format!("a loop goes over a list, found {}", other.kind());
                return Err(Fault::new(message));
            }
        };
        let mut out = Vec::new();
        let mut count = 0_usize;
        for item in items.iter() {
            self.budget.elements(1)?;
            self.locals.push((each.name.as_str(), item));
            let keeps = match &each.keep {
                Some(keep) => self.boolean(keep)?,
                None => true,
            };
            if keeps && each.yields == Yields::List {
                self.budget.make(ELEMENT_BYTES)?;
                out.push(self.eval(&each.item)?);
            } else if keeps {
                let holds = self.boolean(&each.item)?;
                count += usize::from(holds);
                if (each.yields == Yields::Any && holds) || (each.yields == Yields::All && !holds) {
                    self.locals.pop();
                    return Ok(Val::Bool(holds));
                }
            }
            self.locals.pop();
        }
        Ok(match each.yields {
            Yields::List => out.into_iter().collect(),
            Yields::Count => Val::from(count),
            Yields::Any => Val::Bool(false),
            Yields::All => Val::Bool(true),
        })
    }
}

#[inline]
fn field<'a>(of: &Val<'a>, name: &str) -> Result<Option<Val<'a>>, Fault> {
    match of {
        Val::Map(fields) => Ok(fields.get(name)),
        Val::Null => Err(Fault::new(format!(
            "null has no field `{name}`, accept it with `| default(…)` or test `is defined`"
        ))),
        other => Err(Fault::new(format!(
            "{} has no field `{name}`",
            other.kind()
        ))),
    }
}

fn no_field(of: &Val<'_>, name: &str) -> Fault {
    let message = format!("field `{name}` does not exist");
    let help = match of {
        Val::Map(fields) => similar_help("field", name, ops::keys(fields)),
        _ => None,
    };
    Fault::missing(help.map_or(message.clone(), |help| format!("{message}, {help}")))
}

fn no_index(of: &Val<'_>, index: &Val<'_>) -> Fault {
    match (of, index) {
        (Val::List(items), Val::Int(at)) => {
            let length = items.len();
            Fault::missing(format!(
                "the list has {length} element(s), none at index {at}"
            ))
        }
        (_, Val::Text(Text::Ref(key))) => no_field(of, key),
        (_, Val::Text(Text::Own(key))) => no_field(of, key),
        _ => Fault::missing("the index does not exist"),
    }
}
