//! Values, and the conditions that `where` checks.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::QueryError;
use crate::wire;

/// The type of a column, in the service's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Number,
    Text,
    Time,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "SByte",
            Self::Number => "Int64",
            Self::Text => "String",
            Self::Time => "DateTime",
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A row: values by the name of their column.
pub(crate) type Row = BTreeMap<String, Cell>;

/// A value in a row or in a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Bool(bool),
    Number(f64),
    Text(String),
    /// Milliseconds since the Unix epoch.
    Time(i64),
}

impl Cell {
    const fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Time(_) => Kind::Time,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            // The service has no booleans in its answers.
            Self::Bool(value) => Value::from(u8::from(*value)),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within range")]
                let whole = *number as i64;
                Value::from(whole)
            }
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Time(ms) => Value::from(wire::vendor_time(*ms)),
        }
    }

    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How a text is searched; never minding letter case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// The whole text.
    Is,
    Contains,
    StartsWith,
    EndsWith,
    /// A whole term of the text.
    Has,
}

/// What `where` checks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare {
        column: String,
        with: Compare,
        value: Cell,
    },
    /// Equal to one of them, letter case included.
    In {
        column: String,
        values: Vec<Cell>,
    },
    /// Found in the text: one of the values, or all of them.
    Found {
        column: String,
        search: Search,
        values: Vec<String>,
        all: bool,
    },
    Empty {
        column: String,
    },
}

impl Condition {
    /// Checks that the columns exist and can be compared so.
    pub(crate) fn check(&self, columns: &[Column]) -> Result<(), QueryError> {
        let kind_of = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column
                .map(|column| column.kind)
                .ok_or_else(|| QueryError::unknown_column(name))
        };
        let same = |name: &str, values: &[Cell]| {
            let kind = kind_of(name)?;
            match values.iter().find(|value| value.kind() != kind) {
                Some(other) => Err(QueryError::new(format!(
                    "Cannot compare '{name}' of type {} with a value of type {}",
                    kind.as_str(),
                    other.kind().as_str()
                ))),
                None => Ok(()),
            }
        };
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.check(columns)?;
                right.check(columns)
            }
            Self::Not(inner) => inner.check(columns),
            Self::Compare { column, value, .. } => same(column, std::slice::from_ref(value)),
            Self::In { column, values } => same(column, values),
            Self::Found { column, .. } if kind_of(column)? == Kind::Text => Ok(()),
            Self::Found { column, .. } => Err(QueryError::new(format!(
                "'{column}' is no text that could be searched"
            ))),
            Self::Empty { column } => kind_of(column).map(|_| ()),
        }
    }

    pub(crate) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
            Self::Not(inner) => !inner.holds(row),
            Self::Compare {
                column,
                with,
                value,
            } => {
                let order = row.get(column).and_then(|got| got.order(value));
                match with {
                    Compare::Equal => order == Some(Ordering::Equal),
                    Compare::Unequal => order != Some(Ordering::Equal),
                    Compare::Less => order == Some(Ordering::Less),
                    Compare::LessOrEqual => {
                        matches!(order, Some(Ordering::Less | Ordering::Equal))
                    }
                    Compare::Greater => order == Some(Ordering::Greater),
                    Compare::GreaterOrEqual => {
                        matches!(order, Some(Ordering::Greater | Ordering::Equal))
                    }
                }
            }
            Self::In { column, values } => row.get(column).is_some_and(|got| values.contains(got)),
            Self::Found {
                column,
                search,
                values,
                all,
            } => {
                let Some(Cell::Text(text)) = row.get(column) else {
                    return false;
                };
                let text = text.to_lowercase();
                let found = |value: &String| search.finds(&text, &value.to_lowercase());
                if *all {
                    values.iter().all(found)
                } else {
                    values.iter().any(found)
                }
            }
            Self::Empty { column } => match row.get(column) {
                Some(Cell::Text(text)) => text.is_empty(),
                other => other.is_none(),
            },
        }
    }

    /// The text that every row it holds for has in `column`.
    pub(crate) fn pinned(&self, column: &str) -> Option<&str> {
        match self {
            Self::And(left, right) => left.pinned(column).or_else(|| right.pinned(column)),
            Self::Compare {
                column: name,
                with: Compare::Equal,
                value: Cell::Text(text),
            } if name == column => Some(text),
            _ => None,
        }
    }
}

impl Search {
    /// Both texts are in lower case.
    fn finds(self, text: &str, value: &str) -> bool {
        match self {
            Self::Is => text == value,
            Self::Contains => text.contains(value),
            Self::StartsWith => text.starts_with(value),
            Self::EndsWith => text.ends_with(value),
            Self::Has => text.match_indices(value).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + value.len()..].chars().next();
                let begins = value.chars().next();
                let ends = value.chars().next_back();
                let inside = (joined(before) && joined(begins)) || (joined(after) && joined(ends));
                !inside
            }),
        }
    }
}

/// Whether a character belongs to a term.
fn joined(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}
