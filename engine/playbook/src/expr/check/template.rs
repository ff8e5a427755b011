//! Templates: every expression in them, and what may stand inside text.

use super::super::encode::Place;
use super::super::template::{Slot, TextTemplate};
use super::super::{Language, Segment, Template, TemplateProblem};
use super::*;

/// The type a template renders to and everything that is wrong with its expressions.
///
/// Spans count in the text an expression stands in.
#[must_use]
pub fn check_template(template: &Template, env: &Env) -> (Type, Vec<TemplateProblem>) {
    let mut walk = Walk {
        env,
        path: Vec::new(),
        problems: Vec::new(),
    };
    let ty = walk.template(template);
    (ty, walk.problems)
}

struct Walk<'e> {
    env: &'e Env,
    path: Vec<Segment>,
    problems: Vec<TemplateProblem>,
}

impl Walk<'_> {
    fn template(&mut self, template: &Template) -> Type {
        match template {
            Template::Literal(value) => Type::of(value),
            Template::Expr(expr) => self.expr(expr),
            Template::Text(text) => self.text(text),
            // What the secret holds is known only inside the attempt.
            Template::Secret(_) => Type::Any,
            Template::List(items) => {
                let items = items.iter().enumerate();
                let types: Vec<Type> = items
                    .map(|(at, item)| self.below(Segment::Index(at), item))
                    .collect();
                Type::list_of(Type::union(types))
            }
            Template::Map(items) => {
                let types: Vec<(String, Type)> = items
                    .iter()
                    .map(|(key, item)| (key.clone(), self.below(Segment::Key(key.clone()), item)))
                    .collect();
                Type::closed(types)
            }
        }
    }

    fn below(&mut self, segment: Segment, template: &Template) -> Type {
        self.path.push(segment);
        let ty = self.template(template);
        self.path.pop();
        ty
    }

    fn expr(&mut self, expr: &Expr) -> Type {
        let (ty, problems) = check(expr, self.env);
        for problem in problems {
            self.add(expr, problem);
        }
        ty
    }

    fn add(&mut self, expr: &Expr, problem: Problem) {
        let Problem {
            code,
            severity,
            span,
            message,
            help,
        } = problem;
        let span = Span {
            start: span.start + expr.offset(),
            end: span.end + expr.offset(),
        };
        let path = self.path.clone();
        let problem = TemplateProblem {
            path,
            span,
            code,
            severity,
            message,
            help,
            fix: None,
        };
        self.problems.push(problem);
    }

    fn text(&mut self, text: &TextTemplate) -> Type {
        let mut nullable = false;
        for slot in text.slots() {
            let ty = self.expr(&slot.expr);
            nullable |= text.whole && Kinds::NULL.may_accept(&ty) && ty != Type::Any;
            let stays_null = text.whole && ty == Type::Null;
            if !stays_null && !takes(slot).may_accept(&ty) {
                self.not_in_text(slot, &ty);
            }
        }
        if nullable {
            Type::Text.or_null()
        } else {
            Type::Text
        }
    }

    fn not_in_text(&mut self, slot: &Slot, ty: &Type) {
        let help = match Kinds::of(ty) {
            Kinds::LIST => "use `| join(', ')` or `| json`",
            Kinds::NULL => "use `| default('…')`",
            _ => "use `| json`, or a field of it",
        };
        let message = format!("{ty} cannot stand inside text");
        let problem = Problem {
            code: code::PB0411,
            severity: Severity::Error,
            span: slot.expr.parts().1.span,
            message,
            help: Some(help.to_owned()),
        };
        self.add(&slot.expr, problem);
    }
}

/// What can be written at this place.
fn takes(slot: &Slot) -> Kinds {
    match slot.place {
        Some(Place {
            language: Language::Kql,
            ..
        }) => Kinds::SCALAR.or(Kinds::LIST).or(Kinds::MAP),
        Some(Place {
            language: Language::OData,
            ..
        }) => Kinds::SCALAR.or(Kinds::LIST).or(Kinds::NULL),
        Some(Place {
            language: Language::Sh,
            ..
        }) => Kinds::SCALAR.or(Kinds::LIST),
        _ => Kinds::SCALAR,
    }
}
