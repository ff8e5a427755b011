//! The modifiers of a match line: what `|contains|all` asks for.

use engine_model::code;
use engine_playbook::plan::FieldMatch;

use crate::problem::{Problem, nearest};

/// One modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modifier {
    All,
    Base64,
    Base64Offset,
    Cased,
    Cidr,
    Compare(Compare),
    EndsWith,
    Exists,
    Expand,
    FieldRef,
    Inside,
    Neq,
    Re,
    ReFlag(char),
    StartsWith,
    Time(TimePart),
    Utf16,
    Utf16Be,
    Utf16Le,
    WinDash,
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A part of a point in time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

const NAMES: [(&str, Modifier); 31] = [
    ("all", Modifier::All),
    ("base64", Modifier::Base64),
    ("base64offset", Modifier::Base64Offset),
    ("cased", Modifier::Cased),
    ("cidr", Modifier::Cidr),
    ("contains", Modifier::Inside),
    ("day", Modifier::Time(TimePart::Day)),
    ("endswith", Modifier::EndsWith),
    ("exists", Modifier::Exists),
    ("expand", Modifier::Expand),
    ("fieldref", Modifier::FieldRef),
    ("gt", Modifier::Compare(Compare::Greater)),
    ("gte", Modifier::Compare(Compare::GreaterOrEqual)),
    ("hour", Modifier::Time(TimePart::Hour)),
    ("i", Modifier::ReFlag('i')),
    ("lt", Modifier::Compare(Compare::Less)),
    ("lte", Modifier::Compare(Compare::LessOrEqual)),
    ("m", Modifier::ReFlag('m')),
    ("minute", Modifier::Time(TimePart::Minute)),
    ("month", Modifier::Time(TimePart::Month)),
    ("neq", Modifier::Neq),
    ("re", Modifier::Re),
    ("s", Modifier::ReFlag('s')),
    ("startswith", Modifier::StartsWith),
    ("utf16", Modifier::Utf16),
    ("utf16be", Modifier::Utf16Be),
    ("utf16le", Modifier::Utf16Le),
    ("week", Modifier::Time(TimePart::Week)),
    ("wide", Modifier::Utf16Le),
    ("windash", Modifier::WinDash),
    ("year", Modifier::Time(TimePart::Year)),
];

/// What a modifier works on; those of different families exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    Regex,
    Net,
    Presence,
    Number,
    Field,
}

impl Modifier {
    fn family(self) -> Option<Family> {
        match self {
            Self::All | Self::Neq => None,
            Self::Base64
            | Self::Base64Offset
            | Self::Cased
            | Self::EndsWith
            | Self::Expand
            | Self::Inside
            | Self::StartsWith
            | Self::Utf16
            | Self::Utf16Be
            | Self::Utf16Le
            | Self::WinDash => Some(Family::Text),
            Self::Cidr => Some(Family::Net),
            Self::Compare(_) | Self::Time(_) => Some(Family::Number),
            Self::Exists => Some(Family::Presence),
            Self::FieldRef => Some(Family::Field),
            Self::Re | Self::ReFlag(_) => Some(Family::Regex),
        }
    }

    fn is_place(self) -> bool {
        matches!(self, Self::EndsWith | Self::Inside | Self::StartsWith)
    }

    fn is_wide(self) -> bool {
        matches!(self, Self::Utf16 | Self::Utf16Be | Self::Utf16Le)
    }

    fn is_base64(self) -> bool {
        matches!(self, Self::Base64 | Self::Base64Offset)
    }
}

/// The modifiers of one line, known to go together.
#[derive(Clone, Debug)]
pub(crate) struct Modifiers {
    pub(crate) list: Vec<Modifier>,
    pub(crate) family: Option<Family>,
}

impl Modifiers {
    /// Reads the modifiers of `line`.
    pub(crate) fn read(line: &FieldMatch) -> Result<Self, Problem> {
        let list = line
            .modifiers
            .iter()
            .map(|name| modifier(line, name))
            .collect::<Result<Vec<_>, _>>()?;
        let named = Named { line, list: &list };
        let family = named.family()?;
        named.check_once()?;
        named.check_order()?;
        named.check_all()?;
        Ok(Self { list, family })
    }

    pub(crate) fn has(&self, modifier: Modifier) -> bool {
        self.list.contains(&modifier)
    }

    pub(crate) fn find<T>(&self, pick: impl Fn(Modifier) -> Option<T>) -> Option<T> {
        self.list.iter().find_map(|modifier| pick(*modifier))
    }
}

fn modifier(line: &FieldMatch, name: &str) -> Result<Modifier, Problem> {
    if let Some((_, modifier)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*modifier);
    }
    let problem = Problem::error(
        code::PB0603,
        &line.path,
        format!("`{name}` is not a modifier"),
    );
    let similar = nearest(name, NAMES.iter().map(|(name, _)| *name));
    Err(problem.with_help(similar.map_or_else(
        || "modifiers are, among others, `contains`, `startswith`, `endswith`, `re`".to_owned(),
        |similar| format!("a modifier with a similar name exists: `{similar}`"),
    )))
}

/// Modifiers with the names they were written by.
struct Named<'a> {
    line: &'a FieldMatch,
    list: &'a [Modifier],
}

impl Named<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&str, Modifier)> {
        self.line
            .modifiers
            .iter()
            .map(String::as_str)
            .zip(self.list.iter().copied())
    }

    fn clash(&self, one: &str, other: &str) -> Problem {
        let message = format!("`{one}` and `{other}` do not go together");
        Problem::error(code::PB0603, &self.line.path, message)
    }

    /// The one family of all modifiers. `fieldref` may say at which place it compares.
    fn family(&self) -> Result<Option<Family>, Problem> {
        let field = self.list.contains(&Modifier::FieldRef);
        let mut first: Option<(&str, Family)> = None;
        for (name, modifier) in self.pairs() {
            let family = match modifier.family() {
                Some(Family::Text) if field && !Self::encodes(modifier) => Family::Field,
                Some(family) => family,
                None => continue,
            };
            match first {
                Some((other, known)) if known != family => return Err(self.clash(other, name)),
                _ => first = Some((name, family)),
            }
        }
        Ok(first.map(|(_, family)| family))
    }

    fn encodes(modifier: Modifier) -> bool {
        modifier.is_base64()
            || modifier.is_wide()
            || matches!(modifier, Modifier::Expand | Modifier::WinDash)
    }

    /// Refuses a second modifier of the same kind.
    fn check_once(&self) -> Result<(), Problem> {
        let kinds: [fn(Modifier) -> bool; 5] = [
            Modifier::is_place,
            Modifier::is_wide,
            Modifier::is_base64,
            |modifier| matches!(modifier, Modifier::Compare(_)),
            |modifier| matches!(modifier, Modifier::Time(_)),
        ];
        for (index, (name, modifier)) in self.pairs().enumerate() {
            let earlier = self.pairs().take(index).find(|(_, earlier)| {
                *earlier == modifier || kinds.iter().any(|kind| kind(*earlier) && kind(modifier))
            });
            if let Some((earlier, _)) = earlier {
                return Err(self.clash(earlier, name));
            }
        }
        Ok(())
    }

    /// Encodings stand in the order in which they are applied, and flags after `re`.
    fn check_order(&self) -> Result<(), Problem> {
        let place = |kind: fn(Modifier) -> bool| self.list.iter().position(|m| kind(*m));
        let needs = |name: &str, rule: &str| {
            let message = format!("`{name}` {rule}");
            Err(Problem::error(code::PB0603, &self.line.path, message))
        };
        let base64 = place(Modifier::is_base64);
        for (index, (name, modifier)) in self.pairs().enumerate() {
            if modifier.is_wide() && base64.is_none_or(|base64| base64 < index) {
                return needs(name, "stands before `base64` or `base64offset`");
            }
            if matches!(modifier, Modifier::Expand | Modifier::WinDash) && base64.is_some() {
                return Err(self.clash(name, "base64"));
            }
            if modifier == Modifier::Expand && self.list.contains(&Modifier::WinDash) {
                return Err(self.clash("expand", "windash"));
            }
            if matches!(modifier, Modifier::ReFlag(_))
                && place(|m| m == Modifier::Re).is_none_or(|re| re > index)
            {
                return needs(name, "is a flag of `re` and stands after it");
            }
        }
        Ok(())
    }

    fn check_all(&self) -> Result<(), Problem> {
        if !self.list.contains(&Modifier::All) {
            return Ok(());
        }
        for (name, modifier) in self.pairs() {
            if matches!(modifier, Modifier::Neq | Modifier::Exists) {
                return Err(self.clash("all", name));
            }
        }
        if self.line.values.len() < 2 {
            let message = "`all` asks for a list of at least two values";
            return Err(Problem::error(code::PB0603, &self.line.path, message)
                .with_help("leave `all` out; for every member of a field write `field[all]`"));
        }
        Ok(())
    }
}
