//! Values while an expression is evaluated: borrowed from the scope wherever possible, and cheap to
//! copy where they are new.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Number, Value};

/// What one element of a new list costs, beside its contents.
pub(super) const ELEMENT_BYTES: usize = 32;

#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    /// Always within `i64::MIN..=u64::MAX`: what JSON can hold.
    Int(i128),
    /// Always finite.
    Float(f64),
    Text(Text<'a>),
    List(List<'a>),
    Map(Dict<'a>),
}

#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Ref(&'a str),
    Own(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    Ref(&'a [Value]),
    Own(Rc<Vec<Val<'a>>>),
}

#[derive(Clone, Debug)]
pub(super) enum Dict<'a> {
    Ref(&'a Map<String, Value>),
    Own(Rc<BTreeMap<Text<'a>, Val<'a>>>),
}

/// Why a part of an evaluation failed; the evaluator adds the place.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    /// The value is merely not there, which `default` and `is defined` accept.
    pub(super) missing: bool,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            missing: false,
        }
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            missing: true,
        }
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    #[inline]
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::from(number),
            Value::String(text) => Self::Text(Text::Ref(text)),
            Value::Array(items) => Self::List(List::Ref(items)),
            Value::Object(fields) => Self::Map(Dict::Ref(fields)),
        }
    }
}

impl From<&Number> for Val<'_> {
    fn from(number: &Number) -> Self {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .map_or_else(
                || Self::Float(number.as_f64().unwrap_or_default()),
                Self::Int,
            )
    }
}

impl From<Value> for Val<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::from(&number),
            Value::String(text) => Self::from(text),
            Value::Array(items) => items.into_iter().map(Self::from).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (Text::from(key), Self::from(value)))
                .collect(),
        }
    }
}

impl From<String> for Val<'_> {
    fn from(text: String) -> Self {
        Self::Text(Text::from(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Own(text.into())
    }
}

impl From<usize> for Val<'_> {
    fn from(count: usize) -> Self {
        // No collection has more than i64::MAX elements.
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX).into())
    }
}

impl<'a> FromIterator<Val<'a>> for Val<'a> {
    fn from_iter<I: IntoIterator<Item = Val<'a>>>(items: I) -> Self {
        Self::List(List::Own(Rc::new(items.into_iter().collect())))
    }
}

impl<'a> FromIterator<(Text<'a>, Val<'a>)> for Val<'a> {
    fn from_iter<I: IntoIterator<Item = (Text<'a>, Val<'a>)>>(fields: I) -> Self {
        Self::Map(Dict::Own(Rc::new(fields.into_iter().collect())))
    }
}

impl<'a> Val<'a> {
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The kind of this value, as a person says it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// A float, refused when it is no number JSON can hold.
    pub(super) fn float(value: f64) -> Result<Self, Fault> {
        if value.is_finite() {
            Ok(Self::Float(value))
        } else {
            Err(Fault::new("the result is no finite number"))
        }
    }

    /// An integer, refused when it does not fit 64 bits.
    pub(super) fn int(value: Option<i128>) -> Result<Self, Fault> {
        value
            .filter(|value| i64::try_from(*value).is_ok())
            .map(Self::Int)
            .ok_or_else(|| Fault::new("the result does not fit a 64-bit integer"))
    }

    /// Scalars as they stand in text; none for null, lists and maps.
    pub(super) fn scalar_text(&self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bool(value) => Some(Text::Ref(if *value { "true" } else { "false" })),
            Self::Int(value) => Some(Text::from(value.to_string())),
            Self::Float(value) => Some(Text::from(float_text(*value))),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// A float as JSON writes it: the shortest text that reads back the same.
pub(super) fn float_text(value: f64) -> String {
    Number::from_f64(value).map_or_else(|| value.to_string(), |number| number.to_string())
}

impl Text<'_> {
    #[inline]
    pub(super) fn as_str(&self) -> &str {
        match self {
            Text::Ref(text) => text,
            Text::Own(text) => text,
        }
    }

    /// A part of this text; borrowed where the whole is.
    pub(super) fn part(&self, cut: impl Fn(&str) -> &str) -> Self {
        match self {
            Text::Ref(text) => Text::Ref(cut(text)),
            Text::Own(text) => {
                let part = cut(text);
                if part.len() == text.len() {
                    self.clone()
                } else {
                    Text::Own(part.into())
                }
            }
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ref(items) => items.len(),
            Self::Own(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Val<'a>> {
        match self {
            Self::Ref(items) => items.get(index).map(Val::from),
            Self::Own(items) => items.get(index).cloned(),
        }
    }

    /// The elements; each costs no more than a pointer.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Val<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> Dict<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ref(fields) => fields.len(),
            Self::Own(fields) => fields.len(),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: &str) -> Option<Val<'a>> {
        match self {
            Self::Ref(fields) => fields.get(key).map(Val::from),
            Self::Own(fields) => fields.get(key).cloned(),
        }
    }

    /// The fields, sorted by key.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (Text<'a>, Val<'a>)> + '_> {
        match self {
            Self::Ref(fields) => Box::new(
                fields
                    .iter()
                    .map(|(key, value)| (Text::Ref(key.as_str()), Val::from(value))),
            ),
            Self::Own(fields) => Box::new(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            ),
        }
    }
}
