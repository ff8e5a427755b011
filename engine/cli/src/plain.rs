//! Text of others on its way to a terminal: alerts, answers of services, names of files.

use std::fmt;

/// Text in which nothing moves the cursor, begins a line, names the window or turns the direction
/// of what follows; such characters are shown as escapes.
///
/// Whoever can have an alert raised chooses its text: printed as it is, an alert could draw runs
/// that never were over those that were.
pub(crate) struct Plain<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Padding belongs to what is seen.
        f.pad(&plain(&self.0.to_string()))
    }
}

/// [`Plain`] as a text.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// [`plain`] for text of several lines, which stay lines.
pub(crate) fn plain_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(plain).collect();
    lines.join("\n")
}

/// Separators of lines and marks that turn the direction of text.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_cannot_draw_on_the_terminal() {
        let hostile = "a\u{1b}[2K\r\n\u{1b}]0;owned\u{7}\u{9b}1A\u{202e}b";
        let shown = Plain(hostile).to_string();
        assert_eq!(
            shown,
            "a\\u{1b}[2K\\r\\n\\u{1b}]0;owned\\u{7}\\u{9b}1A\\u{202e}b"
        );
        assert_eq!(plain("Größe 漢字 ✓"), "Größe 漢字 ✓");
    }

    #[test]
    fn padding_counts_what_is_seen() {
        assert_eq!(format!("{:<4}|", Plain("ab")), "ab  |");
    }

    #[test]
    fn lines_of_our_own_stay_lines() {
        assert_eq!(plain_lines("a\nb\u{1b}c"), "a\nb\\u{1b}c");
    }
}
