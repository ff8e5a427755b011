//! The static check: every expression against what is known about its names, before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use engine_model::{Code, Severity, Span, code};

use super::Expr;
use super::ast::{Kind, Loop, Node, Test, Yields};
use super::kinds::Kinds;
use super::narrow::ran_when;
use super::types::Type;

mod call;
mod operators;
mod path;
mod template;

pub use template::check_template;

/// What is known where an expression stands.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// The names there are, `steps` excepted.
    pub names: BTreeMap<String, Type>,
    /// Every step of the playbook, seen from here.
    pub steps: BTreeMap<String, StepView>,
    /// Steps that surely ran, because a condition around this place says so; see
    /// [`Expr::proves_ran`].
    pub known_ran: BTreeSet<String>,
}

/// A step, seen from where an expression stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// Whether it can be used.
    pub availability: Availability,
    /// The type of `steps.<id>`.
    pub fields: Type,
}

/// Whether a step can be used at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It surely ran.
    Finished,
    /// It may have been skipped: only its `status` is surely there.
    MaySkip,
    /// It runs later.
    NotYet,
    /// It runs inside a loop or branch that cannot be seen from here.
    OutOfScope,
}

/// What `steps.<id>.status` may be.
const STATUSES: [&str; 8] = [
    "succeeded",
    "failed",
    "skipped",
    "denied",
    "refused",
    "timed_out",
    "cancelled",
    "simulated",
];

impl StepView {
    /// A step with this type of output; the other fields are the same for every step.
    #[must_use]
    pub fn new(availability: Availability, output: Type) -> Self {
        let error = Type::closed([
            ("step", Type::Text),
            ("kind", Type::Text),
            ("message", Type::Text),
            ("code", Type::Text.or_null()),
            ("retryable", Type::Bool),
            ("attempts", Type::Int),
            ("cause", Type::Any),
        ]);
        let fields = Type::closed([
            (
                "status",
                Type::Enum(STATUSES.map(str::to_owned).as_slice().into()),
            ),
            ("output", output),
            ("error", error.or_null()),
            ("attempts", Type::Int),
            ("started_at", Type::Time),
            ("ended_at", Type::Time),
            ("simulated", Type::Bool),
            ("items", Type::list_of(Type::Any)),
        ]);
        Self {
            availability,
            fields,
        }
    }
}

/// A problem of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The code.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Where, in bytes of the expression's source.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The type of an expression and everything that is wrong with it.
#[must_use]
pub fn check(expr: &Expr, env: &Env) -> (Type, Vec<Problem>) {
    let mut checker = Checker::new(env);
    let ty = checker.ty(expr.parts().1);
    (ty, checker.problems)
}

/// Everything that is wrong with a condition.
#[must_use]
pub fn check_bool(expr: &Expr, env: &Env) -> Vec<Problem> {
    let mut checker = Checker::new(env);
    checker.condition(expr.parts().1);
    checker.problems
}

struct Checker<'e> {
    env: &'e Env,
    /// Loop names, innermost last.
    locals: Vec<(&'e str, Type)>,
    /// Steps that surely ran where the walk stands.
    ran: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'e> Checker<'e> {
    fn new(env: &'e Env) -> Self {
        Self {
            env,
            locals: Vec::new(),
            ran: env.known_ran.clone(),
            problems: Vec::new(),
        }
    }

    fn report(&mut self, code: Code, span: Span, message: String, help: Option<String>) {
        let severity = if code == code::PB0806 {
            Severity::Warning
        } else {
            Severity::Error
        };
        self.problems.push(Problem {
            code,
            severity,
            span,
            message,
            help,
        });
    }

    fn ty(&mut self, node: &'e Node) -> Type {
        match &node.kind {
            Kind::Literal(value) => Type::of(value),
            Kind::Name(_) | Kind::Field { .. } | Kind::Index { .. } => self.path(node, false),
            Kind::Filter(call) => self.call(call),
            Kind::Default { of, fallback } => {
                let of = self.lenient(of);
                let fallback = self.ty(fallback);
                Type::union([of.without_null(), fallback])
            }
            Kind::Not(of) => {
                self.condition(of);
                Type::Bool
            }
            Kind::Negative(of) => self.negative(of),
            Kind::And(parts) => self.every(parts, true),
            Kind::Or(parts) => self.every(parts, false),
            Kind::Compare { op, left, right } => self.compare(*op, left, right, node.span),
            Kind::In {
                negated,
                left,
                right,
            } => self.contains(*negated, left, right, node.span),
            Kind::Is { of, test, .. } => {
                if *test == Test::Defined {
                    self.lenient(of)
                } else {
                    self.ty(of)
                };
                Type::Bool
            }
            Kind::Arithmetic { op, left, right } => self.arithmetic(*op, left, right, node.span),
            Kind::If {
                then,
                condition,
                otherwise,
            } => self.branches(then, condition, otherwise.as_deref(), false),
            Kind::List(items) => Type::list_of(Type::union(
                items.iter().map(|item| self.ty(item)).collect::<Vec<_>>(),
            )),
            Kind::Map(pairs) => self.map(pairs),
            Kind::Loop(each) => self.each(each),
        }
    }

    /// The type of what may be missing: the place before `| default` and `is defined`.
    fn lenient(&mut self, node: &'e Node) -> Type {
        match &node.kind {
            Kind::Name(_) | Kind::Field { .. } | Kind::Index { .. } => self.path(node, true),
            Kind::If {
                then,
                condition,
                otherwise,
            } => self.branches(then, condition, otherwise.as_deref(), true),
            _ => self.ty(node),
        }
    }

    /// What must be true or false.
    fn condition(&mut self, node: &'e Node) {
        let ty = self.ty(node);
        if !Kinds::BOOL.may_accept(&ty) {
            let message = format!("a condition must be a boolean, this is {ty}");
            let help = match Kinds::of(&ty) {
                Kinds::LIST | Kinds::MAP => Some("write `(… | length) > 0`".to_owned()),
                Kinds::TEXT => Some("compare it: `… == 'text'`, or test `… is defined`".to_owned()),
                _ => None,
            };
            self.report(code::PB0403, node.span, message, help);
        }
    }

    /// Parts of `and` (`truth`) or `or`: each is reached only when those before had this truth.
    fn every(&mut self, parts: &'e [Node], truth: bool) -> Type {
        let before = self.ran.clone();
        for part in parts {
            self.condition(part);
            self.ran.extend(ran_when(part, truth));
        }
        self.ran = before;
        Type::Bool
    }

    fn branches(
        &mut self,
        then: &'e Node,
        condition: &'e Node,
        otherwise: Option<&'e Node>,
        lenient: bool,
    ) -> Type {
        self.condition(condition);
        let then = self.knowing(ran_when(condition, true), then, lenient);
        let otherwise = otherwise.map_or(Type::Null, |otherwise| {
            self.knowing(ran_when(condition, false), otherwise, lenient)
        });
        Type::union([then, otherwise])
    }

    /// The type of a node that is reached only when these steps ran.
    fn knowing(&mut self, ran: BTreeSet<String>, node: &'e Node, lenient: bool) -> Type {
        let before = self.ran.clone();
        self.ran.extend(ran);
        let ty = if lenient {
            self.lenient(node)
        } else {
            self.ty(node)
        };
        self.ran = before;
        ty
    }

    fn map(&mut self, pairs: &'e [(Node, Node)]) -> Type {
        let mut fields = Vec::new();
        let mut open = false;
        for (key, value) in pairs {
            let key_ty = self.ty(key);
            if !Kinds::TEXT.may_accept(&key_ty) {
                let message = format!("the key of a map is text, this is {key_ty}");
                self.report(code::PB0402, key.span, message, None);
            }
            let ty = self.ty(value);
            open |= key.as_text().is_none();
            fields.push((key.as_text().unwrap_or_default().to_owned(), ty));
        }
        if open {
            return Type::map_of(Type::union(fields.into_iter().map(|(_, ty)| ty)));
        }
        Type::closed(fields)
    }

    fn each(&mut self, each: &'e Loop) -> Type {
        let list = self.ty(&each.list);
        if !Kinds::LIST.may_accept(&list) {
            let message = format!("a loop goes over a list, this is {list}");
            let help = Kinds::MAP
                .may_accept(&list)
                .then(|| "go over `… | items`, then use `.key` and `.value`".to_owned());
            self.report(code::PB0402, each.list.span, message, help);
        }
        self.locals.push((&each.name, element(&list)));
        let before = self.ran.clone();
        if let Some(keep) = &each.keep {
            self.condition(keep);
            self.ran.extend(ran_when(keep, true));
        }
        let ty = match each.yields {
            Yields::List => Type::list_of(self.ty(&each.item)),
            Yields::Any | Yields::All => {
                self.condition(&each.item);
                Type::Bool
            }
            Yields::Count => {
                self.condition(&each.item);
                Type::Int
            }
        };
        self.ran = before;
        self.locals.pop();
        ty
    }
}

/// The type of the elements, as far as the type is a list.
fn element(list: &Type) -> Type {
    let lists = list.parts().iter().filter_map(|part| match part {
        Type::List(of) => Some((**of).clone()),
        _ => None,
    });
    Type::union(lists)
}
