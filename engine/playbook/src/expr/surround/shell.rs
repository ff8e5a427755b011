//! The POSIX shell, as far as quotes, comments and here-documents go.

use super::{Quotes, Reader, Spot};

const SINGLE: Quotes = Quotes {
    close: "'",
    backslash: false,
    doubled: false,
    one_line: false,
};
const DOUBLE: Quotes = Quotes {
    close: "\"",
    backslash: true,
    doubled: false,
    one_line: false,
};
const BACKTICK: Quotes = Quotes {
    close: "`",
    backslash: true,
    doubled: false,
    one_line: false,
};

const IN_COMMENT: Spot = Spot::Unsafe("inside a comment, which a line end in the value would end");
const IN_HERE_DOCUMENT: Spot = Spot::Unsafe("inside a here-document, where quotes do not protect");
const AFTER_ESCAPE: Spot = Spot::Unsafe("right after `\\` or `$`, which change what a quote means");
const LOST: Spot =
    Spot::Unsafe("after quotes inside `$(…)` or `${…}` inside quotes, which is not followed here");

pub(super) fn read(reader: &mut Reader<'_>) {
    let mut here_document = None;
    let mut lost = false;
    while !reader.ended() {
        let before = reader.before();
        let spot = match before {
            _ if lost => LOST,
            Some('\\' | '$') => AFTER_ESCAPE,
            _ => Spot::Plain,
        };
        if reader.hole(spot) {
            continue;
        }
        let start = reader.at;
        let begins_word = before.is_none_or(|c| c.is_whitespace() || ";&|(){}".contains(c));
        if reader.eat("'") {
            reader.quoted(start, SINGLE);
        } else if reader.eat("$'") {
            reader.quoted(
                start,
                Quotes {
                    backslash: true,
                    ..SINGLE
                },
            );
        } else if reader.eat("\"") {
            reader.quoted(start, DOUBLE);
            lost |= !is_balanced(&reader.text[start..reader.at]);
        } else if reader.eat("`") {
            reader.quoted(start, BACKTICK);
        } else if begins_word && reader.eat("#") {
            comment(reader);
        } else if reader.eat("<<<") {
        } else if reader.eat("<<") {
            here_document = Some(delimiter(reader));
        } else if reader.eat("\n") {
            if let Some(delimiter) = here_document.take() {
                document(reader, delimiter);
            }
        } else if reader.eat("\\") {
            // At the end of the text before a hole the backslash meets the value.
            if !reader.rest().is_empty() {
                reader.skip();
            }
        } else {
            reader.skip();
        }
    }
}

/// Whether every substitution that begins inside these quotes also ends there. Quotes inside a
/// substitution begin anew, so otherwise the quotes were not read as the shell reads them.
fn is_balanced(quoted: &str) -> bool {
    let mut open = Vec::new();
    let mut before = ' ';
    for c in quoted.chars() {
        match c {
            '(' | '{' if before == '$' || (c == '(' && !open.is_empty()) => open.push(c),
            ')' if open.last() == Some(&'(') => _ = open.pop(),
            '}' if open.last() == Some(&'{') => _ = open.pop(),
            _ => {}
        }
        before = c;
    }
    open.is_empty() && quoted.matches('`').count().is_multiple_of(2)
}

fn comment(reader: &mut Reader<'_>) {
    while !reader.ended() && !reader.rest().starts_with('\n') {
        if !reader.hole(IN_COMMENT) {
            reader.skip();
        }
    }
}

/// The word that ends a here-document, quotes removed.
fn delimiter<'t>(reader: &mut Reader<'t>) -> &'t str {
    let rest = reader.rest();
    let word = rest.trim_start_matches('-').trim_start_matches([' ', '\t']);
    let end = word
        .find(|c: char| c.is_whitespace() || ";&|".contains(c))
        .unwrap_or(word.len());
    reader.at += rest.len() - word.len() + end;
    word[..end].trim_matches(['\'', '"', '\\'])
}

fn document(reader: &mut Reader<'_>, delimiter: &str) {
    let mut line_start = true;
    while !reader.ended() {
        if line_start {
            let line = reader.rest().lines().next().unwrap_or_default();
            if line.trim_start_matches('\t') == delimiter {
                reader.at += line.len();
                return;
            }
        }
        if reader.hole(IN_HERE_DOCUMENT) {
            line_start = false;
            continue;
        }
        line_start = reader.rest().starts_with('\n');
        reader.skip();
    }
}
