//! Comparison, membership, arithmetic.

use std::sync::Arc;

use serde_json::Value;

use super::super::ast::{Arithmetic, Compare};
use super::super::suggest::similar;
use super::path::listed;
use super::*;

impl<'e> Checker<'e> {
    pub(super) fn compare(
        &mut self,
        op: Compare,
        left: &'e Node,
        right: &'e Node,
        span: Span,
    ) -> Type {
        let (left, right) = (self.ty(left), self.ty(right));
        if matches!(op, Compare::Equal | Compare::NotEqual) {
            if !may_equal(&left, &right) {
                let symbol = op.symbol();
                let outcome = if op == Compare::Equal {
                    "never"
                } else {
                    "always"
                };
                let message = format!("`{symbol}` is {outcome} true: {}", versus(&left, &right));
                self.report(code::PB0806, span, message, equal_help(&left, &right));
            }
            return Type::Bool;
        }
        let ordered = [Kinds::NUMBER, Kinds::TEXT];
        if !ordered
            .iter()
            .any(|kinds| kinds.may_accept(&left) && kinds.may_accept(&right))
        {
            let symbol = op.symbol();
            let message = format!(
                "`{symbol}` compares two numbers or two texts, these are {left} and {right}"
            );
            self.report(code::PB0402, span, message, equal_help(&left, &right));
        }
        Type::Bool
    }

    pub(super) fn contains(
        &mut self,
        negated: bool,
        left: &'e Node,
        right: &'e Node,
        span: Span,
    ) -> Type {
        let constants = match &right.kind {
            Kind::Literal(Value::Array(items)) => Some(items),
            _ => None,
        };
        let (left, right) = (self.ty(left), self.ty(right));
        let in_text = Kinds::TEXT.or(Kinds::MAP);
        let finds_text = in_text.may_accept(&right) && Kinds::TEXT.may_accept(&left);
        if !Kinds::LIST.may_accept(&right) && !finds_text {
            let message = format!(
                "`in` looks for anything in a list, for text in text or in a map, \
                 these are {left} and {right}"
            );
            self.report(code::PB0402, span, message, None);
            return Type::Bool;
        }
        let impossible: Vec<Type> = match constants {
            Some(items) => items
                .iter()
                .map(Type::of)
                .filter(|item| !may_equal(&left, item))
                .collect(),
            None if matches!(right, Type::List(_)) => {
                let element = element(&right);
                if may_equal(&left, &element) {
                    Vec::new()
                } else {
                    vec![element]
                }
            }
            None => Vec::new(),
        };
        if let Some(first) = impossible.first() {
            let outcome = if negated {
                "`not in` always holds"
            } else {
                "`in` never finds it"
            };
            let message = format!("{outcome}: {}", versus(&left, first));
            self.report(code::PB0806, span, message, equal_help(&left, first));
        }
        Type::Bool
    }

    pub(super) fn negative(&mut self, of: &'e Node) -> Type {
        let ty = self.ty(of);
        if !Kinds::NUMBER.may_accept(&ty) {
            let message = format!("`-` takes a number, this is {ty}");
            self.report(code::PB0402, of.span, message, None);
        }
        if ty == Type::Int {
            Type::Int
        } else {
            Type::Number
        }
    }

    pub(super) fn arithmetic(
        &mut self,
        op: Arithmetic,
        left: &'e Node,
        right: &'e Node,
        span: Span,
    ) -> Type {
        let (left, right) = (self.ty(left), self.ty(right));
        let both = |kinds: Kinds| kinds.may_accept(&left) && kinds.may_accept(&right);
        let mut results = Vec::new();
        if both(Kinds::NUMBER) {
            let whole = left == Type::Int && right == Type::Int && op != Arithmetic::Divide;
            results.push(if whole { Type::Int } else { Type::Number });
        }
        if op == Arithmetic::Add && both(Kinds::TEXT) {
            results.push(Type::Text);
        }
        if op == Arithmetic::Add && both(Kinds::LIST) {
            results.push(Type::list_of(Type::union([
                element(&left),
                element(&right),
            ])));
        }
        if results.is_empty() {
            let takes = match op {
                Arithmetic::Add => "two numbers, two texts or two lists",
                _ => "two numbers",
            };
            let help = match (
                Kinds::TEXT.may_accept(&left),
                Kinds::TEXT.may_accept(&right),
            ) {
                (false, false) => None,
                _ if op == Arithmetic::Add => Some("turn the other into text with `| string`"),
                _ => Some("turn the text into a number with `| int`"),
            };
            let symbol = op.symbol();
            let message = format!("`{symbol}` takes {takes}, these are {left} and {right}");
            self.report(code::PB0402, span, message, help.map(str::to_owned));
            return Type::Any;
        }
        // Texts or numbers, both possible: nothing is known.
        if left == Type::Any && right == Type::Any {
            Type::Any
        } else {
            Type::union(results)
        }
    }
}

fn may_equal(left: &Type, right: &Type) -> bool {
    left.fits(right) || right.fits(left)
}

/// Both sides as a person would name them.
fn versus(left: &Type, right: &Type) -> String {
    let name = |ty: &Type| match ty {
        Type::Enum(words) if words.len() == 1 => format!("'{:.40}'", words[0]),
        Type::Enum(words) if words.len() <= 10 => format!("one of {}", words.join(", ")),
        other => other.to_string(),
    };
    format!("one side is {}, the other {}", name(left), name(right))
}

fn equal_help(left: &Type, right: &Type) -> Option<String> {
    let (words, wanted) = match (left, right) {
        (Type::Enum(words), Type::Enum(one)) | (Type::Enum(one), Type::Enum(words))
            if one.len() == 1 && words.len() > 1 =>
        {
            (words, &one[0])
        }
        _ if convertible(left, right) || convertible(right, left) => {
            let help = "types are not converted: use `| string`, `| int` or `| bool`";
            return Some(help.to_owned());
        }
        _ => return None,
    };
    choose(words, wanted)
}

/// A text and a number or boolean, of which one can be made the other.
fn convertible(text: &Type, other: &Type) -> bool {
    Kinds::of(text) == Kinds::TEXT && Kinds::NUMBER.or(Kinds::BOOL).contains(Kinds::of(other))
}

fn choose(words: &Arc<[String]>, wanted: &str) -> Option<String> {
    let names: Vec<&str> = words.iter().map(String::as_str).collect();
    match similar(wanted, names.iter().copied()) {
        Some(word) => Some(format!("a similar value exists: `'{word}'`")),
        None => listed("values are", &names),
    }
}
