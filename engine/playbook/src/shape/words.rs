//! What a value is called in a message.

use crate::yaml::Content;

/// The longest text a message repeats.
const SHOWN_MAX: usize = 40;

/// A value as a message names it.
pub(super) fn found(content: &Content) -> String {
    match content {
        Content::Null => "nothing".to_owned(),
        Content::Bool(value) => format!("`{value}`"),
        Content::Number(number) => format!("the number {number}"),
        Content::Text(text) => format!("the text {}", quoted(text)),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
    }
}

/// A text in quotes, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    let line: String = text
        .chars()
        .take_while(|c| *c != '\n')
        .take(SHOWN_MAX)
        .collect();
    if line.len() == text.len() {
        format!("`{text}`")
    } else {
        format!("`{line}…`")
    }
}
