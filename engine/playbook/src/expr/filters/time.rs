//! Filters on times. A time is its RFC 3339 text in UTC with milliseconds, so times made here
//! compare as texts.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use engine_model::{Millis, Timestamp};

use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "parse_time",
        summary: "A text as time: RFC 3339, or after a `strftime` pattern, then in UTC.",
        input: Kinds::TEXT,
        params: &[optional("format", Kinds::TEXT)],
        result: |_, _| Type::Time,
        writes: None,
        example: (
            "'24.10.2026 12:00' | parse_time('%d.%m.%Y %H:%M')",
            r#""2026-10-24T12:00:00.000Z""#,
        ),
        run: |call, budget| {
            budget.make(32)?;
            let at = match call.text_arg(0) {
                Some(format) => parse_as(call.text(), format)?,
                None => parse(call.text())?,
            };
            write_time(at)
        },
    },
    Filter {
        name: "format_time",
        summary: "A time as text after a `strftime` pattern, in UTC.",
        input: Kinds::TEXT,
        params: &[required("format", Kinds::TEXT)],
        result: |_, _| Type::Text,
        writes: None,
        example: (
            "'2026-10-24T12:00:00Z' | format_time('%Y-%m-%d')",
            r#""2026-10-24""#,
        ),
        run: format_time,
    },
    Filter {
        name: "add",
        summary: "A time later by a duration such as `1h30m`, or earlier by `-7d`.",
        input: Kinds::TEXT,
        params: &[required("duration", Kinds::TEXT)],
        result: |_, _| Type::Time,
        writes: None,
        example: (
            "'2026-10-24T12:00:00Z' | add('-1d')",
            r#""2026-10-23T12:00:00.000Z""#,
        ),
        run: |call, budget| {
            budget.make(32)?;
            let at = parse(call.text())?;
            let text = call.text_arg(0).unwrap_or_default();
            let (size, back) = match text.strip_prefix('-') {
                Some(size) => (size, true),
                None => (text, false),
            };
            let size: Millis = size
                .parse()
                .map_err(|error| Fault::new(format!("{error}")))?;
            let ms = i64::try_from(size.as_ms()).ok();
            let ms = ms.and_then(|ms| at.as_ms().checked_add(if back { -ms } else { ms }));
            write_time(Timestamp::from_ms(ms.ok_or_else(out_of_range)?))
        },
    },
];

/// The longest pattern of a time.
const FORMAT_BYTES_MAX: usize = 256;

fn out_of_range() -> Fault {
    Fault::new("the time is outside the years 0 to 9999")
}

fn parse(text: &str) -> Result<Timestamp, Fault> {
    text.parse()
        .map_err(|_| Fault::new("the text is no RFC 3339 time such as `2026-10-24T12:00:00Z`"))
}

/// Years with more or fewer than four digits have no RFC 3339 text and would not compare as text.
fn write_time<'a>(at: Timestamp) -> Result<Val<'a>, Fault> {
    let text = at.to_string();
    if text.len() == "2026-10-24T12:00:00.000Z".len()
        && text.starts_with(|c: char| c.is_ascii_digit())
    {
        Ok(text.into())
    } else {
        Err(out_of_range())
    }
}

fn items(format: &str) -> Result<Vec<Item<'_>>, Fault> {
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if format.len() > FORMAT_BYTES_MAX || items.contains(&Item::Error) {
        return Err(Fault::new(format!(
            "`{format:.40}` is no `strftime` pattern"
        )));
    }
    Ok(items)
}

fn parse_as(text: &str, format: &str) -> Result<Timestamp, Fault> {
    items(format)?;
    let ms = DateTime::parse_from_str(text, format)
        .map(|at| at.timestamp_millis())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, format).map(|at| at.and_utc().timestamp_millis())
        })
        .or_else(|_| {
            let day = NaiveDate::parse_from_str(text, format);
            day.map(|day| {
                day.and_time(chrono::NaiveTime::MIN)
                    .and_utc()
                    .timestamp_millis()
            })
        });
    ms.map(Timestamp::from_ms)
        .map_err(|_| Fault::new(format!("the text does not follow the pattern `{format}`")))
}

fn format_time<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let items = items(call.text_arg(0).unwrap_or_default())?;
    let at = parse(call.text())?;
    let at = DateTime::from_timestamp_millis(at.as_ms()).ok_or_else(out_of_range)?;
    let mut out = String::new();
    write!(out, "{}", at.format_with_items(items.into_iter()))
        .map_err(|_| Fault::new("the pattern does not fit a time"))?;
    budget.make(out.len())?;
    Ok(out.into())
}
