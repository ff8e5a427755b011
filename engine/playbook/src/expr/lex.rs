//! Text to tokens.

use engine_model::Span;

use super::parse::ParseError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok<'s> {
    /// A name or a keyword; which one depends on the place.
    Word(&'s str),
    Int(i64),
    Float(f64),
    Text(String),
    Symbol(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub(super) tok: Tok<'s>,
    pub(super) span: Span,
}

/// Longer symbols first.
const SYMBOLS: [&str; 22] = [
    "==", "!=", "<=", ">=", "//", "<", ">", "+", "-", "*", "/", "%", ".", "[", "]", "|", "(", ")",
    ",", "{", "}", ":",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, ParseError> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        at += source[at..].len() - source[at..].trim_start().len();
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            break;
        };
        let (tok, length) = match first {
            '\'' | '"' => text(source, at)?,
            '0'..='9' => number(source, at)?,
            'A'..='Z' | 'a'..='z' | '_' => {
                let length = word_length(rest);
                (Tok::Word(&rest[..length]), length)
            }
            _ => match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
                Some(symbol) => (Tok::Symbol(symbol), symbol.len()),
                None => return Err(unexpected(first, at)),
            },
        };
        out.push(Token {
            tok,
            span: Span {
                start: at,
                end: at + length,
            },
        });
        at += length;
    }
    out.push(Token {
        tok: Tok::End,
        span: Span {
            start: source.len(),
            end: source.len(),
        },
    });
    Ok(out)
}

/// The length of the text literal at the start of `rest`, quotes included; none when it does not
/// end. The template scanner uses it too, so that both agree where a text ends.
pub(super) fn text_length(rest: &str) -> Option<usize> {
    let quote = *rest.as_bytes().first()?;
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

fn unexpected(found: char, at: usize) -> ParseError {
    let span = Span {
        start: at,
        end: at + found.len_utf8(),
    };
    let help = match found {
        '=' => Some("write `==` to compare"),
        '&' => Some("write `and`"),
        '!' => Some("write `not`"),
        '~' => Some("write `+` to join texts"),
        '$' => Some("`${{ }}` stands around the whole expression, not inside it"),
        '‘' | '’' | '“' | '”' => Some("write straight quotes: `'` or `\"`"),
        _ => None,
    };
    ParseError::new(span, format!("unexpected `{}`", found.escape_debug()), help)
}

fn text(source: &str, at: usize) -> Result<(Tok<'_>, usize), ParseError> {
    let rest = &source[at..];
    let Some(length) = text_length(rest) else {
        let span = Span {
            start: at,
            end: source.len(),
        };
        return Err(ParseError::new(
            span,
            "the text does not end",
            Some("close the quote"),
        ));
    };
    let inner = &rest[1..length - 1];
    if !inner.contains('\\') {
        return Ok((Tok::Text(inner.to_owned()), length));
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((offset, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some((_, 'n')) => out.push('\n'),
            Some((_, 'r')) => out.push('\r'),
            Some((_, 't')) => out.push('\t'),
            Some((_, quoted @ ('\\' | '\'' | '"'))) => out.push(quoted),
            Some((_, 'u')) => {
                let start = at + 1 + offset;
                out.push(code_point(&inner[offset + 2..], start)?);
                chars.nth(3);
            }
            // As in Python, so that '\d' can be written in a pattern without doubling.
            Some((_, other)) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Ok((Tok::Text(out), length))
}

fn code_point(digits: &str, start: usize) -> Result<char, ParseError> {
    digits
        .get(..4)
        .filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|four| u32::from_str_radix(four, 16).ok())
        .and_then(char::from_u32)
        .ok_or_else(|| {
            let span = Span {
                start,
                end: start + 2,
            };
            ParseError::new(span, "`\\u` needs the four hex digits of a character", None)
        })
}

fn number(source: &str, at: usize) -> Result<(Tok<'_>, usize), ParseError> {
    let rest = &source[at..];
    let digits = |from: usize| {
        rest[from..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |length| from + length)
    };
    let mut end = digits(0);
    let mut float = false;
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
        float = true;
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
            float = true;
        }
    }
    let glued = word_length(&rest[end..]);
    let span = Span {
        start: at,
        end: at + end + glued,
    };
    if glued > 0 {
        let help = Some("a duration such as `30d` is a text: write `'30d'`");
        return Err(ParseError::new(
            span,
            format!("`{}` is no number", &rest[..end + glued]),
            help,
        ));
    }
    let text = &rest[..end];
    let tok = if float {
        text.parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Tok::Float)
    } else {
        text.parse().ok().map(Tok::Int)
    };
    let too_large = || ParseError::new(span, format!("`{text}` is too large"), None);
    Ok((tok.ok_or_else(too_large)?, end))
}
