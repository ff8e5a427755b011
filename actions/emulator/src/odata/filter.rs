//! `$filter`: comparisons, `in`, `startswith` and its siblings, `any` over a list of texts, joined
//! by `and`, `or`, `not` and parentheses.

use std::cmp::Ordering;

use serde_json::Value;

use crate::wire;

/// A condition on a row.
#[derive(Debug)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare {
        field: String,
        operator: Operator,
        value: Value,
    },
    In {
        field: String,
        values: Vec<Value>,
    },
    Text {
        field: String,
        function: Function,
        value: String,
    },
    /// Of a list of texts, at least one.
    Any {
        field: String,
        function: Option<Function>,
        value: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "startswith" => Some(Self::StartsWith),
            "endswith" => Some(Self::EndsWith),
            "contains" => Some(Self::Contains),
            _ => None,
        }
    }

    fn holds(self, text: &str, value: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(value),
            Self::EndsWith => text.ends_with(value),
            Self::Contains => text.contains(value),
        }
    }
}

impl Filter {
    pub(crate) fn matches(&self, row: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(row) && right.matches(row),
            Self::Or(left, right) => left.matches(row) || right.matches(row),
            Self::Not(inner) => !inner.matches(row),
            Self::Compare {
                field,
                operator,
                value,
            } => compare(at(row, field), *operator, value),
            Self::In { field, values } => values
                .iter()
                .any(|value| compare(at(row, field), Operator::Eq, value)),
            Self::Text {
                field,
                function,
                value,
            } => at(row, field)
                .as_str()
                .is_some_and(|text| function.holds(text, value)),
            Self::Any {
                field,
                function,
                value,
            } => at(row, field).as_array().is_some_and(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .any(|text| match function {
                        Some(function) => function.holds(text, value),
                        None => text == value,
                    })
            }),
        }
    }

    /// The text that every matching row has in `field`.
    pub(crate) fn pinned(&self, field: &str) -> Option<&str> {
        match self {
            Self::And(left, right) => left.pinned(field).or_else(|| right.pinned(field)),
            Self::Compare {
                field: name,
                operator: Operator::Eq,
                value,
            } if name == field => value.as_str(),
            _ => None,
        }
    }
}

/// The value of a field, or of a field inside one: `from/emailAddress/address`.
fn at<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(row, |value, name| &value[name])
}

/// Compares as the type of the field wants it: times as instants, numbers as numbers.
fn compare(got: &Value, operator: Operator, wanted: &Value) -> bool {
    let ordering = match (got, wanted) {
        (Value::String(got), Value::String(wanted)) => {
            match (wire::parse_time(got), wire::parse_time(wanted)) {
                (Some(got), Some(wanted)) => Some(got.cmp(&wanted)),
                _ => Some(got.as_str().cmp(wanted.as_str())),
            }
        }
        (Value::Number(got), Value::Number(wanted)) => got.as_f64().partial_cmp(&wanted.as_f64()),
        (Value::Number(got), Value::String(wanted)) => {
            // Group ids are numbers in answers and quoted in the documented filters.
            (got.to_string() == *wanted).then_some(Ordering::Equal)
        }
        (got, wanted) => (got == wanted).then_some(Ordering::Equal),
    };
    match operator {
        Operator::Eq => ordering == Some(Ordering::Equal),
        Operator::Ne => ordering != Some(Ordering::Equal),
        Operator::Gt => ordering == Some(Ordering::Greater),
        Operator::Ge => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => ordering == Some(Ordering::Less),
        Operator::Le => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
    }
}
