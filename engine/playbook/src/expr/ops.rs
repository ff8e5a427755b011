//! Operators on values. Nothing converts between types.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::{Arithmetic, Compare};
use super::budget::Budget;
use super::value::{Dict, ELEMENT_BYTES, Fault, List, Text, Val};

type Outcome<'a> = Result<Val<'a>, Fault>;

/// Equality: values of different types are unequal, `1` and `1.0` are equal.
pub(super) fn equal(left: &Val<'_>, right: &Val<'_>, budget: &mut Budget) -> Result<bool, Fault> {
    Ok(match (left, right) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(left), Val::Bool(right)) => left == right,
        (Val::Int(left), Val::Int(right)) => left == right,
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => {
            number_order(left, right) == Some(Ordering::Equal)
        }
        (Val::Text(left), Val::Text(right)) => {
            let (left, right) = (left.as_str(), right.as_str());
            left.len() == right.len() && {
                budget.read(left.len())?;
                left == right
            }
        }
        (Val::List(left), Val::List(right)) => {
            left.len() == right.len() && {
                for (left, right) in left.iter().zip(right.iter()) {
                    budget.elements(1)?;
                    if !equal(&left, &right, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
        }
        (Val::Map(left), Val::Map(right)) => {
            left.len() == right.len() && {
                for (key, left) in left.iter() {
                    budget.elements(1)?;
                    match right.get(key.as_str()) {
                        Some(right) if equal(&left, &right, budget)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
        }
        _ => false,
    })
}

/// The order of two numbers or two texts; none for anything else.
pub(super) fn order(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Text(left), Val::Text(right)) => Some(left.cmp(right)),
        _ => number_order(left, right),
    }
}

fn number_order(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => Some(left.cmp(right)),
        (Val::Float(left), Val::Float(right)) => left.partial_cmp(right),
        (Val::Int(left), Val::Float(right)) => Some(int_to_float(*left, *right)),
        (Val::Float(left), Val::Int(right)) => Some(int_to_float(*right, *left).reverse()),
        _ => None,
    }
}

/// Exact, where turning the integer into a float would round it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates and drops the fraction"
)]
fn int_to_float(int: i128, float: f64) -> Ordering {
    let whole = float.trunc() as i128;
    int.cmp(&whole)
        .then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
}

pub(super) fn compare(
    op: Compare,
    left: &Val<'_>,
    right: &Val<'_>,
    budget: &mut Budget,
) -> Result<bool, Fault> {
    match op {
        Compare::Equal => return equal(left, right, budget),
        Compare::NotEqual => return equal(left, right, budget).map(|same| !same),
        _ => {}
    }
    if let (Val::Text(left), Val::Text(right)) = (left, right) {
        budget.read(left.as_str().len().min(right.as_str().len()))?;
    }
    let order = order(left, right).ok_or_else(|| {
        Fault::new(format!(
            "`{}` compares two numbers or two texts, found {} and {}",
            op.symbol(),
            left.kind(),
            right.kind()
        ))
    })?;
    Ok(match op {
        Compare::Less => order.is_lt(),
        Compare::LessEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// `left in right`: an element of a list, a part of a text, a key of a map.
pub(super) fn contains(
    right: &Val<'_>,
    left: &Val<'_>,
    budget: &mut Budget,
) -> Result<bool, Fault> {
    match (left, right) {
        (_, Val::List(items)) => {
            for item in items.iter() {
                budget.elements(1)?;
                if equal(left, &item, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Val::Text(part), Val::Text(whole)) => {
            budget.read(whole.as_str().len())?;
            Ok(whole.as_str().contains(part.as_str()))
        }
        (Val::Text(key), Val::Map(fields)) => Ok(fields.get(key.as_str()).is_some()),
        _ => Err(Fault::new(format!(
            "`in` looks for anything in a list, for text in text or in a map, found {} in {}",
            left.kind(),
            right.kind()
        ))),
    }
}

pub(super) fn arithmetic<'a>(
    op: Arithmetic,
    left: &Val<'a>,
    right: &Val<'a>,
    budget: &mut Budget,
) -> Outcome<'a> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => integers(op, *left, *right),
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => {
            floats(op, as_float(left), as_float(right))
        }
        (Val::Text(left), Val::Text(right)) if op == Arithmetic::Add => join(left, right, budget),
        (Val::List(left), Val::List(right)) if op == Arithmetic::Add => {
            budget.make((left.len() + right.len()) * ELEMENT_BYTES)?;
            Ok(left.iter().chain(right.iter()).collect())
        }
        _ => Err(unsuited(op, left, right)),
    }
}

fn unsuited(op: Arithmetic, left: &Val<'_>, right: &Val<'_>) -> Fault {
    let takes = match op {
        Arithmetic::Add => "two numbers, two texts or two lists",
        _ => "two numbers",
    };
    let help = match (op, left, right) {
        (Arithmetic::Add, Val::Text(_), Val::Int(_) | Val::Float(_))
        | (Arithmetic::Add, Val::Int(_) | Val::Float(_), Val::Text(_)) => {
            "; turn the number to text with `| string`"
        }
        _ => "",
    };
    let (symbol, left, right) = (op.symbol(), left.kind(), right.kind());
    Fault::new(format!(
        "`{symbol}` takes {takes}, found {left} and {right}{help}"
    ))
}

fn join<'a>(left: &Text<'a>, right: &Text<'a>, budget: &mut Budget) -> Outcome<'a> {
    let (left, right) = (left.as_str(), right.as_str());
    budget.make(left.len() + right.len())?;
    Ok(Val::Text(Text::Own(Rc::from([left, right].concat()))))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "as in Python: `/` of integers is a float"
)]
fn as_float(value: &Val<'_>) -> f64 {
    match value {
        Val::Int(value) => *value as f64,
        Val::Float(value) => *value,
        _ => f64::NAN,
    }
}

/// Integer arithmetic as in Python: `/` yields a float, `//` rounds down, `%` has the sign of the
/// divisor; what does not fit 64 bits is an error.
fn integers<'a>(op: Arithmetic, left: i128, right: i128) -> Outcome<'a> {
    let by_zero = right == 0
        && matches!(
            op,
            Arithmetic::Divide | Arithmetic::FloorDivide | Arithmetic::Remainder
        );
    if by_zero {
        return Err(Fault::new("division by zero"));
    }
    match op {
        Arithmetic::Add => Val::int(left.checked_add(right)),
        Arithmetic::Subtract => Val::int(left.checked_sub(right)),
        Arithmetic::Multiply => Val::int(left.checked_mul(right)),
        Arithmetic::Divide => floats(op, as_float(&Val::Int(left)), as_float(&Val::Int(right))),
        Arithmetic::FloorDivide => {
            let rounds_up = left % right != 0 && (left < 0) != (right < 0);
            Val::int(Some(left / right - i128::from(rounds_up)))
        }
        Arithmetic::Remainder => {
            let rest = left % right;
            let other_side = rest != 0 && (rest < 0) != (right < 0);
            Val::int(Some(if other_side { rest + right } else { rest }))
        }
    }
}

fn floats<'a>(op: Arithmetic, left: f64, right: f64) -> Outcome<'a> {
    if right == 0.0
        && matches!(
            op,
            Arithmetic::Divide | Arithmetic::FloorDivide | Arithmetic::Remainder
        )
    {
        return Err(Fault::new("division by zero"));
    }
    Val::float(match op {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::FloorDivide => (left / right).floor(),
        Arithmetic::Remainder => {
            let rest = left % right;
            if rest != 0.0 && (rest < 0.0) != (right < 0.0) {
                rest + right
            } else {
                rest
            }
        }
    })
}

pub(super) fn negative<'a>(value: &Val<'a>) -> Outcome<'a> {
    match value {
        Val::Int(value) => Val::int(value.checked_neg()),
        Val::Float(value) => Val::float(-value),
        other => Err(Fault::new(format!(
            "`-` takes a number, found {}",
            other.kind()
        ))),
    }
}

/// `of[index]`; none when it is not there.
pub(super) fn index<'a>(of: &Val<'a>, index: &Val<'_>) -> Result<Option<Val<'a>>, Fault> {
    match (of, index) {
        (Val::Map(fields), Val::Text(key)) => Ok(fields.get(key.as_str())),
        (Val::List(items), Val::Int(at)) => Ok(list_index(items, *at)),
        (Val::Text(_), Val::Int(_)) => Err(Fault::new(
            "a text has no elements, use `| slice(start, end)`",
        )),
        _ => Err(Fault::new(format!(
            "a list is indexed by an integer and a map by text, found {} and {}",
            of.kind(),
            index.kind()
        ))),
    }
}

/// Negative indexes count from the end.
fn list_index<'a>(items: &List<'a>, at: i128) -> Option<Val<'a>> {
    let length = i128::try_from(items.len()).ok()?;
    let at = if at < 0 { at + length } else { at };
    items.get(usize::try_from(at).ok()?)
}

/// The keys of a map, for "did you mean".
pub(super) fn keys<'m>(fields: &'m Dict<'_>) -> Vec<&'m str> {
    match fields {
        Dict::Ref(fields) => fields.keys().map(String::as_str).collect(),
        Dict::Own(fields) => fields.keys().map(Text::as_str).collect(),
    }
}
