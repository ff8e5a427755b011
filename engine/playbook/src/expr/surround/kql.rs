//! The Kusto Query Language, as far as strings, comments and `in (…)` go.

use super::{Quotes, Reader, Spot};

/// Operators followed by operands in parentheses.
const TAKES_OPERANDS: [&str; 6] = ["in", "in~", "!in", "!in~", "has_any", "has_all"];

const ESCAPED: Quotes = Quotes {
    close: "\"",
    backslash: true,
    doubled: false,
    one_line: true,
};
const VERBATIM: Quotes = Quotes {
    close: "\"",
    backslash: false,
    doubled: true,
    one_line: false,
};
const MULTI_LINE: Quotes = Quotes {
    close: "```",
    backslash: false,
    doubled: false,
    one_line: false,
};

pub(super) fn read(reader: &mut Reader<'_>) {
    // For every open parenthesis, whether it holds the operands of an operator.
    let mut open: Vec<bool> = Vec::new();
    let mut operator = false;
    while !reader.ended() {
        let spot = if open.last() == Some(&true) {
            Spot::Operands
        } else {
            Spot::Plain
        };
        if reader.hole(spot) {
            operator = false;
        } else if reader.eat("//") {
            comment(reader);
        } else if literal(reader) {
            operator = false;
        } else if reader.rest().starts_with(is_word) {
            operator = word(reader);
        } else if reader.eat("(") {
            open.push(std::mem::take(&mut operator));
        } else if reader.eat(")") {
            open.pop();
        } else {
            operator &= reader.rest().starts_with(char::is_whitespace);
            reader.skip();
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A literal cannot leave a comment, because it never contains a line end.
fn comment(reader: &mut Reader<'_>) {
    while !reader.ended() && !reader.rest().starts_with('\n') {
        if !reader.hole(Spot::Plain) {
            reader.skip();
        }
    }
}

/// Steps over a word; yields whether it is an operator that takes operands in parentheses.
fn word(reader: &mut Reader<'_>) -> bool {
    let start = reader.at - usize::from(reader.before() == Some('!'));
    let rest = reader.rest();
    reader.at += rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    reader.eat("~");
    TAKES_OPERANDS.contains(&&reader.text[start..reader.at])
}

/// Steps over a string literal, if one begins here.
fn literal(reader: &mut Reader<'_>) -> bool {
    let start = reader.at;
    let rest = reader.rest();
    for (mark, close) in [("```", "```"), ("~~~", "~~~")] {
        if reader.eat(mark) {
            reader.quoted(
                start,
                Quotes {
                    close,
                    ..MULTI_LINE
                },
            );
            return true;
        }
    }
    // `h` hides a string in logs; it is a prefix only where no longer word ends in it.
    let hidden = rest.starts_with(['h', 'H']) && !reader.before().is_some_and(is_word);
    let unprefixed = &rest[usize::from(hidden)..];
    let verbatim = unprefixed.starts_with('@');
    let quote = match unprefixed[usize::from(verbatim)..].chars().next() {
        Some('"') => "\"",
        Some('\'') => "'",
        _ => return false,
    };
    reader.at += usize::from(hidden) + usize::from(verbatim) + 1;
    let rules = if verbatim { VERBATIM } else { ESCAPED };
    reader.quoted(
        start,
        Quotes {
            close: quote,
            ..rules
        },
    );
    true
}
