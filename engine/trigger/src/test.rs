//! The compiled form of a match: a tree of tests, each on one field.

use std::net::IpAddr;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use engine_model::Timestamp;
use regex::Regex;

use crate::modifier::{Compare, TimePart};
use crate::net::Net;
use crate::number::Number;
use crate::path::{FieldId, Found, Seen};
use crate::pattern::Pattern;

/// A match: true or false for an alert. The short form is one conjunction; named selections under
/// a condition need nothing more.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Every one holds.
    All(Vec<Node>),
    /// One holds.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// The test holds.
    Test(Box<Test>),
}

/// A test on one field.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) field: FieldId,
    /// The field as written.
    pub(crate) name: String,
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
}

/// At which place of a text another one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Inside,
}

/// The outcome of a tree, and the test that decided it.
pub(crate) struct Verdict<'n> {
    pub(crate) holds: bool,
    pub(crate) by: Option<&'n Test>,
}

impl Node {
    /// Evaluates from left to right and stops as soon as the outcome is certain, so the deciding
    /// test is known at no cost.
    pub(crate) fn judge<'n>(&'n self, seen: &Seen<'_>) -> Verdict<'n> {
        match self {
            Self::Test(test) => Verdict {
                holds: test.holds(seen),
                by: Some(test),
            },
            Self::Not(node) => {
                let verdict = node.judge(seen);
                Verdict {
                    holds: !verdict.holds,
                    by: verdict.by,
                }
            }
            Self::All(nodes) => first(nodes, seen, false),
            Self::Any(nodes) => first(nodes, seen, true),
        }
    }
}

/// The first verdict that is `decisive`, else the last one.
fn first<'n>(nodes: &'n [Node], seen: &Seen<'_>, decisive: bool) -> Verdict<'n> {
    let mut last = Verdict {
        holds: !decisive,
        by: None,
    };
    for node in nodes {
        last = node.judge(seen);
        if last.holds == decisive {
            break;
        }
    }
    last
}

impl Test {
    fn holds(&self, seen: &Seen<'_>) -> bool {
        let values = seen.values(self.field);
        match &self.kind {
            TestKind::Present => values.iter().any(|value| !value.is_null()),
            TestKind::Null => values.is_empty() || values.iter().any(Found::is_null),
            TestKind::OneOf {
                every_member,
                matchers,
            } => {
                let one = |value: &Found<'_>| matchers.iter().any(|m| m.matches(value, seen));
                if *every_member {
                    !values.is_empty() && values.iter().all(one)
                } else {
                    values.iter().any(one)
                }
            }
        }
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
    fn matches(&self, value: &Found<'_>, seen: &Seen<'_>) -> bool {
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
        }
    }
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
        let at: Timestamp = value.text()?.parse().ok()?;
        let at: DateTime<Utc> = DateTime::from_timestamp_millis(at.as_ms())?;
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
