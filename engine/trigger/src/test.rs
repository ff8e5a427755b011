//! The compiled form of a match: a tree of tests, each on one field.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _, Utc};
use engine_model::Timestamp;
use regex::Regex;

use crate::fold::fold;
use crate::judge::Members;
use crate::modifier::{Compare, TimePart};
use crate::net::Net;
use crate::number::Number;
use crate::path::{FieldId, Found, Seen};
use crate::pattern::Pattern;

/// Two lists in an alert may be compared member by member up to this many times; longer ones, which
/// only somebody who means harm writes, are taken for different.
const PAIRS_MAX: usize = 1_000_000;

/// A match: true or false for an alert.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Every one holds.
    All(Vec<Node>),
    /// One holds.
    Any(Vec<Node>),
    /// At least so many hold.
    AtLeast(usize, Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A selection, which several places of a condition may name.
    Selection(Arc<Node>),
    /// Members of a list hold.
    Members(Box<Members>),
    /// The test holds.
    Test(Box<Test>),
}

/// A test on one field.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) field: FieldId,
    /// The field as written.
    pub(crate) name: String,
    /// The selection it belongs to.
    pub(crate) selection: Option<Arc<str>>,
    /// What the whole line asks for, in words.
    pub(crate) wanted: String,
    pub(crate) kind: TestKind,
}

#[derive(Clone, Debug)]
pub(crate) enum TestKind {
    /// A value other than null is there.
    Present,
    /// No value is there, or one is null.
    Null,
    /// The values match one of these.
    OneOf {
        every_member: bool,
        matchers: Vec<Matcher>,
    },
}

/// What one value must be.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Text {
        pattern: Pattern,
        cased: bool,
    },
    Regex {
        regex: Box<Regex>,
        /// Texts without case; of each list every match holds one.
        required: Vec<Vec<String>>,
    },
    Net(Net),
    Number {
        part: Option<TimePart>,
        compare: Compare,
        value: Number,
    },
    Field {
        other: FieldId,
        place: Place,
        cased: bool,
    },
    Expand {
        parts: Vec<Piece>,
        place: Place,
        cased: bool,
    },
}

/// A piece of a text that is put together for each alert.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    /// The text of a field; nothing where there is none.
    Field(FieldId),
}

impl Piece {
    pub(crate) fn text(text: &str, cased: bool) -> Self {
        Self::Text(if cased {
            text.to_owned()
        } else {
            fold(text).into_owned()
        })
    }
}

/// At which place of a text another one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Inside,
}

impl Test {
    pub(crate) fn holds(&self, seen: &Seen<'_>) -> bool {
        let values = seen.values(self.field);
        match &self.kind {
            TestKind::Present => values.iter().any(|value| !value.is_null()),
            TestKind::Null => values.is_empty() || values.iter().any(Found::is_null),
            TestKind::OneOf {
                every_member,
                matchers,
            } => {
                if matchers.iter().any(|m| m.pairs(values, seen) > PAIRS_MAX) {
                    return false;
                }
                let one = |value: &Found<'_>| matchers.iter().any(|m| m.matches(value, seen));
                if *every_member {
                    !values.is_empty() && values.iter().all(one)
                } else {
                    values.iter().any(one)
                }
            }
        }
    }

    /// The first text that matches, where all texts of an alert are looked at.
    pub(crate) fn found_text(&self, seen: &Seen<'_>) -> String {
        let TestKind::OneOf { matchers, .. } = &self.kind else {
            return self.found(seen);
        };
        let matching = |value: &&Found<'_>| matchers.iter().any(|m| m.matches(value, seen));
        let found = seen.values(self.field).iter().find(matching);
        found.map_or_else(|| "not there".to_owned(), Found::shown)
    }

    /// The values of the field, as messages show them.
    pub(crate) fn found(&self, seen: &Seen<'_>) -> String {
        const SHOWN_MAX: usize = 3;
        let values = seen.values(self.field);
        let mut shown: Vec<String> = values.iter().take(SHOWN_MAX).map(Found::shown).collect();
        if values.len() > SHOWN_MAX {
            shown.push(format!("{} more", values.len() - SHOWN_MAX));
        }
        if shown.is_empty() {
            "not there".to_owned()
        } else {
            shown.join(", ")
        }
    }
}

impl Matcher {
    /// How many comparisons two fields may need.
    fn pairs(&self, values: &[Found<'_>], seen: &Seen<'_>) -> usize {
        match self {
            Self::Field { other, .. } => values.len().saturating_mul(seen.values(*other).len()),
            _ => 0,
        }
    }

    pub(crate) fn matches(&self, value: &Found<'_>, seen: &Seen<'_>) -> bool {
        match self {
            Self::Text { pattern, cased } => {
                let text = if *cased { value.text() } else { value.folded() };
                text.is_some_and(|text| pattern.matches(text))
            }
            Self::Regex { regex, .. } => value.text().is_some_and(|text| regex.is_match(text)),
            Self::Net(net) => address(value).is_some_and(|address| net.contains(address)),
            Self::Number {
                part: None,
                compare,
                value: wanted,
            } => value
                .number()
                .is_some_and(|number| compare.holds(number, *wanted)),
            Self::Number {
                part: Some(part),
                compare,
                value: wanted,
            } => part
                .of(value)
                .is_some_and(|number| compare.holds(number, *wanted)),
            Self::Field {
                other,
                place,
                cased,
            } => seen.values(*other).iter().any(|other| {
                let texts = if *cased {
                    value.text().zip(other.text())
                } else {
                    value.folded().zip(other.folded())
                };
                texts.is_some_and(|(text, other)| place.holds(text, other))
            }),
            Self::Expand {
                parts,
                place,
                cased,
            } => {
                let text = if *cased { value.text() } else { value.folded() };
                text.is_some_and(|text| place.holds(text, &put_together(parts, seen, *cased)))
            }
        }
    }
}

fn put_together(parts: &[Piece], seen: &Seen<'_>, cased: bool) -> String {
    let texts = parts.iter().map(|part| match part {
        Piece::Text(text) => text.as_str(),
        Piece::Field(field) => {
            let form = |value| {
                if cased {
                    Found::text(value)
                } else {
                    Found::folded(value)
                }
            };
            let mut values = seen.values(*field).iter();
            values.find_map(form).unwrap_or_default()
        }
    });
    texts.collect()
}

/// The address that a value is.
pub(crate) fn address(value: &Found<'_>) -> Option<IpAddr> {
    value.text().and_then(|text| text.parse().ok())
}

impl Compare {
    fn holds(self, number: Number, wanted: Number) -> bool {
        let order = number.compare(wanted);
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl TimePart {
    fn of(self, value: &Found<'_>) -> Option<Number> {
        let at = instant(value.text()?)?;
        let part = match self {
            Self::Minute => i128::from(at.minute()),
            Self::Hour => i128::from(at.hour()),
            Self::Day => i128::from(at.day()),
            Self::Week => i128::from(at.iso_week().week()),
            Self::Month => i128::from(at.month()),
            Self::Year => i128::from(at.year()),
        };
        Some(Number::Whole(part))
    }
}

/// Reads a point in time: RFC 3339, the same without a zone for UTC, or seconds or milliseconds
/// since 1970.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    const SECONDS_MAX: i64 = 1_000_000_000_000;
    if let Ok(at) = text.parse::<Timestamp>() {
        return DateTime::from_timestamp_millis(at.as_ms());
    }
    if let Some(Number::Whole(since)) = Number::read(text) {
        let since = i64::try_from(since).ok()?;
        let seconds = if since > SECONDS_MAX {
            since / 1000
        } else {
            since
        };
        return DateTime::from_timestamp(seconds, 0);
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|at| at.and_utc())
}

impl Place {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::Whole => text == part,
            Self::Start => text.starts_with(part),
            Self::End => text.ends_with(part),
            Self::Inside => text.contains(part),
        }
    }
}
