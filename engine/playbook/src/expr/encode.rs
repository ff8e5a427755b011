//! Values as literals of another language. What is written here is one operand, whatever the value
//! contains: that is what keeps an alert from becoming a part of the query.

use std::fmt::Write;

use engine_model::Timestamp;

use super::budget::Budget;
use super::language::Language;
use super::surround::Spot;
use super::value::{Dict, Fault, List, Val, float_text};

/// The literal for a place of which nothing is known.
pub(super) fn literal<'a>(
    language: Language,
    value: &Val<'_>,
    budget: &mut Budget,
) -> Result<Val<'a>, Fault> {
    let mut out = String::new();
    let place = Place {
        language,
        spot: Spot::Plain,
        time: false,
    };
    place.write(value, &mut out, budget)?;
    Ok(out.into())
}

/// Where a literal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) language: Language,
    pub(super) spot: Spot,
    /// The expression yields a time.
    pub(super) time: bool,
}

impl Place {
    pub(super) fn write(
        self,
        value: &Val<'_>,
        out: &mut String,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let start = out.len();
        let room = text_bytes(value, budget)?;
        budget.make(room)?;
        match self.language {
            Language::Kql => self.kql(value, out)?,
            Language::OData => self.odata(value, out)?,
            Language::Sh => sh(value, out)?,
            Language::Html => out.push_str(&html(&scalar(value, "HTML")?)),
            Language::Markdown if self.spot == Spot::Code => {
                out.push_str(&code_span(&scalar(value, "Markdown")?));
            }
            Language::Markdown => out.push_str(&markdown_line(&scalar(value, "Markdown")?)),
            Language::Url if self.spot == Spot::Start => {
                out.push_str(absolute_url(&scalar(value, "a URL")?)?);
            }
            Language::Url => out.push_str(&url_part(&scalar(value, "a URL")?)?),
        }
        budget.make((out.len() - start).saturating_sub(room))
    }

    fn kql(self, value: &Val<'_>, out: &mut String) -> Result<(), Fault> {
        match value {
            Val::Null => return Err(no_literal("null", "KQL", "use `| default(…)`")),
            Val::Text(text) if self.time => {
                let _ = write!(out, "datetime({})", rfc3339(text.as_str())?);
            }
            // An empty list of operands is no KQL; a dynamic list in its place is.
            Val::List(items) if self.spot == Spot::Operands && items.len() > 0 => {
                operands(items, out, kql_scalar)?;
            }
            Val::List(_) | Val::Map(_) => {
                out.push_str("dynamic(");
                kql_dynamic(value, out);
                out.push(')');
            }
            scalar => kql_scalar(scalar, out)?,
        }
        Ok(())
    }

    fn odata(self, value: &Val<'_>, out: &mut String) -> Result<(), Fault> {
        match value {
            Val::Text(text) if self.time => out.push_str(&rfc3339(text.as_str())?),
            Val::List(items) if items.len() == 0 => {
                return Err(no_literal(
                    "an empty list",
                    "OData",
                    "test `| length` first",
                ));
            }
            Val::List(items) if self.spot == Spot::Operands => {
                operands(items, out, odata_scalar)?;
            }
            Val::List(items) => {
                out.push('(');
                operands(items, out, odata_scalar)?;
                out.push(')');
            }
            scalar => odata_scalar(scalar, out)?,
        }
        Ok(())
    }
}

fn no_literal(what: &str, language: &str, help: &str) -> Fault {
    Fault::new(format!("{what} cannot be written in {language}, {help}"))
}

/// About how long the texts of a value are, everything included.
fn text_bytes(value: &Val<'_>, budget: &mut Budget) -> Result<usize, Fault> {
    budget.elements(1)?;
    match value {
        Val::Text(text) => Ok(text.as_str().len() + 2),
        Val::List(items) => items
            .iter()
            .try_fold(2, |sum, item| Ok(sum + text_bytes(&item, budget)?)),
        Val::Map(fields) => fields.iter().try_fold(2, |sum, (key, value)| {
            Ok(sum + key.as_str().len() + 4 + text_bytes(&value, budget)?)
        }),
        _ => Ok(8),
    }
}

fn operands(
    items: &List<'_>,
    out: &mut String,
    write: fn(&Val<'_>, &mut String) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(&item, out)?;
    }
    Ok(())
}

fn scalar(value: &Val<'_>, language: &str) -> Result<String, Fault> {
    let text = value.scalar_text().map(|text| text.as_str().to_owned());
    text.ok_or_else(|| {
        no_literal(
            value.kind(),
            language,
            "use `| join`, `| json` or `| default`",
        )
    })
}

fn kql_scalar(value: &Val<'_>, out: &mut String) -> Result<(), Fault> {
    match value {
        Val::Text(text) => quoted(text.as_str(), out),
        Val::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Val::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Val::Float(value) => out.push_str(&float_text(*value)),
        other => {
            return Err(no_literal(
                other.kind(),
                "a list of KQL operands",
                "flatten it first",
            ));
        }
    }
    Ok(())
}

/// The inside of `dynamic(…)`: JSON, with texts escaped as in the rest of KQL.
fn kql_dynamic(value: &Val<'_>, out: &mut String) {
    match value {
        Val::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                kql_dynamic(&item, out);
            }
            out.push(']');
        }
        Val::Map(fields) => {
            out.push('{');
            write_fields(fields, out);
            out.push('}');
        }
        Val::Text(text) => quoted(text.as_str(), out),
        Val::Null => out.push_str("null"),
        Val::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Val::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Val::Float(value) => out.push_str(&float_text(*value)),
    }
}

fn write_fields(fields: &Dict<'_>, out: &mut String) {
    for (index, (key, value)) in fields.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        quoted(key.as_str(), out);
        out.push_str(": ");
        kql_dynamic(&value, out);
    }
}

/// Text in double quotes. Control characters, line ends of any kind and characters that change the
/// direction of the text are written as numbers: a literal is always one visible line.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Line and paragraph separators, and marks that turn the direction of text.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

fn odata_scalar(value: &Val<'_>, out: &mut String) -> Result<(), Fault> {
    match value {
        // OData has no escape for control characters, so there is no safe way to write them.
        Val::Text(text) if text.as_str().contains(char::is_control) => Err(no_literal(
            "text with control characters",
            "OData",
            "remove them first",
        )),
        Val::Text(text) => {
            let _ = write!(out, "'{}'", text.as_str().replace('\'', "''"));
            Ok(())
        }
        Val::Null => {
            out.push_str("null");
            Ok(())
        }
        Val::List(_) | Val::Map(_) => Err(no_literal(
            value.kind(),
            "OData",
            "write its parts one by one",
        )),
        number => kql_scalar(number, out),
    }
}

fn sh(value: &Val<'_>, out: &mut String) -> Result<(), Fault> {
    if let Val::List(items) = value {
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index > 0 { " " } else { "" });
            word(&scalar(&item, "a shell command")?, out)?;
        }
        return Ok(());
    }
    word(&scalar(value, "a shell command")?, out)
}

fn word(text: &str, out: &mut String) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(no_literal(
            "a NUL character",
            "a shell command",
            "remove it first",
        ));
    }
    let _ = write!(out, "'{}'", text.replace('\'', "'\\''"));
    Ok(())
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text that Markdown shows as it is: on one line, marks escaped, no links made of it.
pub(super) fn markdown_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // True while only digits came: `1.` would begin a list.
    let mut numbering = true;
    for (at, c) in text.char_indices() {
        let begins_block = match c {
            '#' | '+' | '-' | '=' => at == 0,
            '.' | ')' => numbering && at > 0,
            _ => false,
        };
        let links = match c {
            ':' => text[at..].starts_with("://"),
            '.' => text
                .get(at.saturating_sub(3)..at)
                .is_some_and(|w| w.eq_ignore_ascii_case("www")),
            _ => false,
        };
        let mark = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&'
        );
        if mark || begins_block || links {
            out.push('\\');
        }
        numbering &= c.is_ascii_digit();
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// Inside a code span nothing can be escaped, only replaced.
fn code_span(text: &str) -> String {
    let plain = |c: char| match c {
        '`' => '\'',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(plain).collect()
}

/// All but letters, digits and `-._~` as `%XX`.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A part of a URL; refused where it would walk up the path instead of being in it.
fn url_part(text: &str) -> Result<String, Fault> {
    if matches!(text, "." | "..") {
        return Err(Fault::new(format!("`{text}` is no part of a URL")));
    }
    Ok(percent(text))
}

/// At the start of a URL a value gives scheme and host, so it stays as it is, if it is a URL.
fn absolute_url(text: &str) -> Result<&str, Fault> {
    let scheme = ["https://", "http://"];
    let host = scheme
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`');
    match host {
        Some(host)
            if host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
                && host.chars().all(clean) =>
        {
            Ok(text)
        }
        _ => Err(Fault::new(
            "a URL begins with `https://` and a host, and has no white space",
        )),
    }
}

fn rfc3339(text: &str) -> Result<String, Fault> {
    let at: Result<Timestamp, _> = text.parse();
    at.map(|at| at.to_string())
        .map_err(|error| Fault::new(error.to_string()))
}
