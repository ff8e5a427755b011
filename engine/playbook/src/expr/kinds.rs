//! A set of value kinds: what a filter takes. The evaluator asks it about values, the checker about
//! types.

use std::fmt;

use super::types::Type;
use super::value::Val;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOL: Self = Self(1 << 1);
    pub(super) const INT: Self = Self(1 << 2);
    const FLOAT: Self = Self(1 << 3);
    pub(super) const TEXT: Self = Self(1 << 4);
    pub(super) const LIST: Self = Self(1 << 5);
    pub(super) const MAP: Self = Self(1 << 6);
    pub(super) const NUMBER: Self = Self::INT.or(Self::FLOAT);
    pub(super) const SCALAR: Self = Self::TEXT.or(Self::NUMBER).or(Self::BOOL);
    pub(super) const ANY: Self = Self::SCALAR.or(Self::NULL).or(Self::LIST).or(Self::MAP);

    const NAMES: [(Self, &'static str); 7] = [
        (Self::TEXT, "text"),
        (Self::NUMBER, "number"),
        (Self::INT, "integer"),
        (Self::BOOL, "boolean"),
        (Self::LIST, "list"),
        (Self::MAP, "map"),
        (Self::NULL, "null"),
    ];

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn accepts(self, value: &Val<'_>) -> bool {
        self.contains(match value {
            Val::Null => Self::NULL,
            Val::Bool(_) => Self::BOOL,
            Val::Int(_) => Self::INT,
            Val::Float(_) => Self::FLOAT,
            Val::Text(_) => Self::TEXT,
            Val::List(_) => Self::LIST,
            Val::Map(_) => Self::MAP,
        })
    }

    /// Whether a value of this type may be accepted.
    pub(super) fn may_accept(self, ty: &Type) -> bool {
        self.overlaps(Self::of(ty))
    }

    /// The kinds that values of a type have.
    pub(super) fn of(ty: &Type) -> Self {
        match ty {
            Type::Any => Self::ANY,
            Type::Null => Self::NULL,
            Type::Bool => Self::BOOL,
            Type::Int => Self::INT,
            Type::Number => Self::NUMBER,
            Type::Text | Type::Enum(_) | Type::Time => Self::TEXT,
            Type::List(_) => Self::LIST,
            Type::Map(_) => Self::MAP,
            Type::Union(parts) => parts
                .iter()
                .fold(Self(0), |kinds, part| kinds.or(Self::of(part))),
        }
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("any value");
        }
        let mut rest = *self;
        let mut names = Vec::new();
        for (kinds, name) in Self::NAMES {
            if rest.contains(kinds) {
                names.push(name);
                rest = Self(rest.0 & !kinds.0);
            }
        }
        match names.split_last() {
            Some((last, first)) if !first.is_empty() => {
                write!(f, "{} or {last}", first.join(", "))
            }
            _ => f.write_str(names.first().unwrap_or(&"nothing")),
        }
    }
}
