//! Numbers as matches compare them: by value, whatever their type.

use std::cmp::Ordering;
use std::fmt;

/// The largest float below which every whole number has exactly one float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A finite number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    pub(crate) fn of(number: &serde_json::Number) -> Option<Self> {
        number
            .as_i128()
            .map(Self::Whole)
            .or_else(|| Self::of_float(number.as_f64()?))
    }

    /// Reads a text that is a number and nothing else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // Floats have names too ("nan", "infinity"), which are words here.
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match text.parse() {
            Ok(whole) => Some(Self::Whole(whole)),
            Err(_) => Self::of_float(text.parse().ok()?),
        }
    }

    pub(crate) fn of_float(float: f64) -> Option<Self> {
        if float.fract() == 0.0 && float.abs() < EXACT_MAX {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and small, as just tested"
            )]
            return Some(Self::Whole(float as i128));
        }
        float.is_finite().then_some(Self::Float(float))
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (a, b) => a.float().total_cmp(&b.float()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only to compare with a float")]
    fn float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }
}

/// The one text of a number: `5.0` is `5`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => whole.fmt(f),
            Self::Float(float) => float.fmt(f),
        }
    }
}
