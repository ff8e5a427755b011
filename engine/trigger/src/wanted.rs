//! What a match line asks for, in words.

use serde_json::Value;

use crate::modifier::{Compare, Modifier, Modifiers, TimePart};
use crate::problem::either;

const SHOWN_MAX: usize = 5;

/// The line's wish, `neq` and `exists: false` left out, as the end of a sentence that begins
/// "wanted".
pub(crate) fn wanted(modifiers: &Modifiers, values: &[Value]) -> String {
    let mut text = String::new();
    if modifiers.has(Modifier::Exists) {
        return "a value".to_owned();
    }
    for modifier in &modifiers.list {
        text.push_str(words(*modifier));
    }
    let mut shown: Vec<String> = values.iter().take(SHOWN_MAX).map(show).collect();
    if values.len() > SHOWN_MAX {
        shown.push(format!("one of {} more", values.len() - SHOWN_MAX));
    }
    text.push_str(&either(&shown));
    text
}

fn words(modifier: Modifier) -> &'static str {
    match modifier {
        Modifier::Inside => "text with ",
        Modifier::StartsWith => "text that begins with ",
        Modifier::EndsWith => "text that ends with ",
        Modifier::Re => "text that matches ",
        Modifier::Cased => "in this case ",
        Modifier::Cidr => "an address in ",
        Modifier::FieldRef => "the value of ",
        Modifier::Compare(Compare::Equal) => "",
        Modifier::Compare(Compare::Greater) => "more than ",
        Modifier::Compare(Compare::GreaterOrEqual) => "at least ",
        Modifier::Compare(Compare::Less) => "less than ",
        Modifier::Compare(Compare::LessOrEqual) => "at most ",
        Modifier::Time(TimePart::Minute) => "minute ",
        Modifier::Time(TimePart::Hour) => "hour ",
        Modifier::Time(TimePart::Day) => "day ",
        Modifier::Time(TimePart::Week) => "week ",
        Modifier::Time(TimePart::Month) => "month ",
        Modifier::Time(TimePart::Year) => "year ",
        Modifier::Base64 | Modifier::Base64Offset => "the base64 of ",
        Modifier::Utf16 | Modifier::Utf16Be | Modifier::Utf16Le => "wide ",
        Modifier::WinDash => "with any dash ",
        Modifier::All
        | Modifier::Exists
        | Modifier::Expand
        | Modifier::Neq
        | Modifier::ReFlag(_) => "",
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Null => "null".to_owned(),
        other => format!("`{other}`"),
    }
}
