//! The five fields of a crontab line, read as crontab reads them.
//!
//! The `cron` crate counts Sunday as 1 and wants both day fields to hold. Crontab counts it as 0
//! and 7 and is content with either. So the line is read here, and written for the crate with
//! every value spelled out.

use std::collections::BTreeSet;
use std::str::FromStr as _;

/// A line of five fields, read.
#[derive(Debug)]
pub(super) struct Crontab {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

/// Why a line cannot be read, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// One of the five places in the line.
struct Place {
    name: &'static str,
    min: u32,
    max: u32,
    /// Names of the values, the first one standing for `min`.
    names: &'static [&'static str],
}

const MINUTE: Place = Place {
    name: "minute",
    min: 0,
    max: 59,
    names: &[],
};
const HOUR: Place = Place {
    name: "hour",
    min: 0,
    max: 23,
    names: &[],
};
const DAY: Place = Place {
    name: "day-of-month",
    min: 1,
    max: 31,
    names: &[],
};
const MONTH: Place = Place {
    name: "month",
    min: 1,
    max: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
/// Sunday is both 0 and 7.
const WEEKDAY: Place = Place {
    name: "day-of-week",
    min: 0,
    max: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

const SHORTHANDS: [(&str, &str); 7] = [
    ("@annually", "0 0 1 1 *"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@midnight", "0 0 * * *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@yearly", "0 0 1 1 *"),
];

/// One field: its values, and whether it was written as an interval.
#[derive(Debug)]
struct Field {
    values: BTreeSet<u32>,
    star: bool,
}

impl Crontab {
    pub(super) fn read(line: &str) -> Result<Self, Unreadable> {
        let line = line.trim();
        let line = if line.starts_with('@') {
            shorthand(line)?
        } else {
            line
        };
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(Unreadable {
                message: format!("a schedule has five fields, found {}", fields.len()),
                help: Some(
                    "write minute, hour, day-of-month, month and day-of-week: `30 2 * * 1-5`"
                        .to_owned(),
                ),
            });
        };
        let mut weekday = field(&WEEKDAY, weekday)?;
        if weekday.values.remove(&7) {
            weekday.values.insert(0);
        }
        Ok(Self {
            minute: field(&MINUTE, minute)?,
            hour: field(&HOUR, hour)?,
            day: field(&DAY, day)?,
            month: field(&MONTH, month)?,
            weekday,
        })
    }

    /// Whether the hour field is an interval, which follows elapsed time when clocks change.
    pub(super) fn is_interval(&self) -> bool {
        self.hour.star
    }

    /// The same line for the `cron` crate. Where both day fields name days, either is enough;
    /// the crate would want both, so that becomes two schedules.
    pub(super) fn schedules(&self) -> Result<Vec<cron::Schedule>, Unreadable> {
        let days = self.day.spelled(&DAY, 31);
        let weekdays = self.weekday.spelled(&WEEKDAY, 7);
        let pairs = if self.day.star || self.weekday.star {
            vec![(days, weekdays)]
        } else {
            vec![(days, "*".to_owned()), ("*".to_owned(), weekdays)]
        };
        let minutes = self.minute.spelled(&MINUTE, 60);
        let hours = self.hour.spelled(&HOUR, 24);
        let months = self.month.spelled(&MONTH, 12);
        pairs
            .iter()
            .map(|(days, weekdays)| {
                cron::Schedule::from_str(&format!("0 {minutes} {hours} {days} {months} {weekdays}"))
            })
            .collect::<Result<_, _>>()
            .map_err(|error| Unreadable {
                message: error.to_string(),
                help: None,
            })
    }
}

impl Field {
    /// The values as the `cron` crate reads them; `*` when they are all there are.
    fn spelled(&self, place: &Place, all: usize) -> String {
        if self.values.len() == all {
            return "*".to_owned();
        }
        let spell = |value: &u32| match place.names.get((value - place.min) as usize) {
            Some(name) => (*name).to_owned(),
            None => value.to_string(),
        };
        self.values.iter().map(spell).collect::<Vec<_>>().join(",")
    }
}

fn shorthand(word: &str) -> Result<&'static str, Unreadable> {
    let lower = word.to_ascii_lowercase();
    SHORTHANDS
        .iter()
        .find(|(name, _)| *name == lower)
        .map(|(_, line)| *line)
        .ok_or_else(|| {
            let names: Vec<&str> = SHORTHANDS.iter().map(|(name, _)| *name).collect();
            Unreadable {
                message: format!("`{word}` is not a schedule"),
                help: Some(format!(
                    "the shorthands are {}",
                    crate::problem::either(&names)
                )),
            }
        })
}

fn field(place: &Place, text: &str) -> Result<Field, Unreadable> {
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (low, high) = bounds(place, range, step.is_some())?;
        let step = step.map_or(Ok(1), |step| {
            step.parse::<u32>()
                .ok()
                .filter(|step| (1..=place.max).contains(step))
                .ok_or_else(|| {
                    unreadable(
                        place,
                        part,
                        &format!("steps by `{step}`"),
                        "a step is a number from 1",
                    )
                })
        })?;
        values.extend((low..=high).step_by(step as usize));
    }
    Ok(Field {
        values,
        star: text.starts_with('*'),
    })
}

fn bounds(place: &Place, range: &str, stepped: bool) -> Result<(u32, u32), Unreadable> {
    if range == "*" {
        // Sunday once, not as 0 and again as 7.
        return Ok((place.min, if place.max == 7 { 6 } else { place.max }));
    }
    let Some((low, high)) = range.split_once('-') else {
        let value = value(place, range)?;
        if stepped {
            let help = format!("write `{range}-{}` before the step", place.max);
            return Err(unreadable(place, range, "has a step but no range", &help));
        }
        return Ok((value, value));
    };
    let (low, mut high) = (value(place, low)?, value(place, high)?);
    if place.max == 7 && high == 0 && low > 0 {
        high = 7;
    }
    if low > high {
        let help = "a range goes upwards; write two, separated by a comma";
        return Err(unreadable(place, range, "goes backwards", help));
    }
    Ok((low, high))
}

fn value(place: &Place, text: &str) -> Result<u32, Unreadable> {
    if let Some(index) = place
        .names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))
    {
        return Ok(u32::try_from(index).map_or(place.min, |index| place.min + index));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Some(value) = text
            .parse()
            .ok()
            .filter(|value| (place.min..=place.max).contains(value))
        {
            return Ok(value);
        }
        let problem = format!("is outside {} to {}", place.min, place.max);
        return Err(Unreadable {
            message: format!("`{text}` {problem}, the range of the {} field", place.name),
            help: None,
        });
    }
    let help = match text {
        "?" => "write `*`".to_owned(),
        _ if text.contains('#') || (place.names.is_empty() && text.contains(['L', 'W'])) => {
            "`L`, `W` and `#` are not part of crontab; test the day in a step instead".to_owned()
        }
        _ => crate::problem::nearest(text, place.names.iter().copied()).map_or_else(
            || format!("write a number from {} to {}", place.min, place.max),
            |name| format!("a similar name exists: `{name}`"),
        ),
    };
    Err(unreadable(place, text, "cannot be read", &help))
}

fn unreadable(place: &Place, text: &str, problem: &str, help: &str) -> Unreadable {
    Unreadable {
        message: format!("`{text}` in the {} field {problem}", place.name),
        help: Some(help.to_owned()),
    }
}
