//! The types of the static check.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

mod schema;

/// What is known about a value before anything runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Type {
    /// Nothing.
    #[default]
    Any,
    /// Null.
    Null,
    /// A boolean.
    Bool,
    /// A number without fraction.
    Int,
    /// Any number.
    Number,
    /// A text.
    Text,
    /// One of these texts.
    Enum(Arc<[String]>),
    /// A text that is an RFC 3339 time.
    Time,
    /// A list of this type.
    List(Box<Type>),
    /// A map.
    Map(Arc<MapType>),
    /// One of these types; never nested, never with `Any` in it.
    Union(Vec<Type>),
}

/// The type of a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapType {
    /// The fields that are known.
    pub fields: BTreeMap<String, Field>,
    /// The type of every other field; none when there are no others.
    pub others: Option<Type>,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The type.
    pub ty: Type,
    /// Whether the field is always there.
    pub required: bool,
}

impl Type {
    /// The type a JSON Schema describes, references resolved in place.
    ///
    /// What a schema says beyond types, such as `pattern`, is left out; what cannot be understood
    /// is [`Type::Any`].
    #[must_use]
    pub fn from_schema(schema: &Value) -> Self {
        schema::read(schema)
    }

    /// The type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Int,
            Value::String(text) => Self::Enum(Arc::from([text.clone()])),
            Value::Array(items) => Self::List(Box::new(Self::union(items.iter().map(Self::of)))),
            Value::Object(fields) => Self::closed(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::of(value))),
            ),
        }
    }

    /// A map with exactly these fields.
    #[must_use]
    pub fn closed<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        let required = |(key, ty): (K, Self)| (key.into(), Field { ty, required: true });
        let fields = fields.into_iter().map(required).collect();
        Self::Map(Arc::new(MapType {
            fields,
            others: None,
        }))
    }

    /// A map of which nothing is known but that every field has this type.
    #[must_use]
    pub fn map_of(ty: Self) -> Self {
        Self::Map(Arc::new(MapType {
            fields: BTreeMap::new(),
            others: Some(ty),
        }))
    }

    /// A list of this type.
    #[must_use]
    pub fn list_of(ty: Self) -> Self {
        Self::List(Box::new(ty))
    }

    /// This type or null.
    #[must_use]
    pub fn or_null(self) -> Self {
        Self::union([self, Self::Null])
    }

    /// A value of one of these types; [`Type::Any`] for none at all.
    #[must_use]
    pub fn union(types: impl IntoIterator<Item = Self>) -> Self {
        let mut parts: Vec<Self> = Vec::new();
        for ty in types {
            match ty {
                Self::Any => return Self::Any,
                Self::Union(inner) => inner.into_iter().for_each(|ty| add(&mut parts, ty)),
                ty => add(&mut parts, ty),
            }
        }
        match parts.len() {
            0 => Self::Any,
            1 => parts.swap_remove(0),
            _ => Self::Union(parts),
        }
    }

    /// This type without null; null itself becomes [`Type::Any`].
    #[must_use]
    pub fn without_null(&self) -> Self {
        match self {
            Self::Null => Self::Any,
            Self::Union(parts) => {
                Self::union(parts.iter().filter(|part| **part != Self::Null).cloned())
            }
            other => other.clone(),
        }
    }

    /// The types this one consists of.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Union(parts) => parts,
            single => std::slice::from_ref(single),
        }
    }

    /// Whether a value of this type may be one of `expected`: false only when it surely is not.
    #[must_use]
    pub fn fits(&self, expected: &Self) -> bool {
        if *self == Self::Any || *expected == Self::Any {
            return true;
        }
        self.parts()
            .iter()
            .any(|have| expected.parts().iter().any(|want| part_fits(have, want)))
    }
}

/// Adds one part to a union, merging texts with their special cases and integers with numbers.
fn add(parts: &mut Vec<Type>, ty: Type) {
    for part in parts.iter_mut() {
        match (&mut *part, &ty) {
            (old, new) if old == new => return,
            (Type::Number, Type::Int) | (Type::Text, Type::Enum(_) | Type::Time) => return,
            (Type::Int, Type::Number) | (Type::Enum(_) | Type::Time, Type::Text) => {
                *part = ty;
                return;
            }
            (Type::Enum(old), Type::Enum(new)) => {
                let mut words = old.to_vec();
                words.extend(new.iter().filter(|word| !old.contains(word)).cloned());
                *old = words.into();
                return;
            }
            (Type::List(old), Type::List(new)) => {
                **old = Type::union([(**old).clone(), (**new).clone()]);
                return;
            }
            _ => {}
        }
    }
    parts.push(ty);
}

fn part_fits(have: &Type, want: &Type) -> bool {
    match (have, want) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Enum(have), Type::Enum(want)) => have.iter().any(|word| want.contains(word)),
        (Type::List(have), Type::List(want)) => have.fits(want),
        (Type::Map(have), Type::Map(want)) => map_fits(have, want),
        _ => super::kinds::Kinds::of(want).may_accept(have),
    }
}

fn map_fits(have: &MapType, want: &MapType) -> bool {
    let wanted_are_there = want
        .fields
        .iter()
        .all(|(key, wanted)| match have.fields.get(key) {
            Some(field) => field.ty.fits(&wanted.ty),
            None => !wanted.required || have.others.is_some(),
        });
    let none_is_refused = have.fields.iter().all(|(key, field)| {
        !field.required || want.fields.contains_key(key) || want.others.is_some()
    });
    wanted_are_there && none_is_refused
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any value"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("boolean"),
            Self::Int => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Text | Self::Enum(_) => f.write_str("text"),
            Self::Time => f.write_str("time"),
            Self::List(of) if **of == Self::Any => f.write_str("list"),
            Self::List(of) => write!(f, "list of {of}"),
            Self::Map(_) => f.write_str("map"),
            Self::Union(parts) => {
                let mut names: Vec<String> = parts.iter().map(ToString::to_string).collect();
                names.dedup();
                f.write_str(&names.join(" or "))
            }
        }
    }
}
